"""The dense layer: U = A W + b, and its gradients.

A is (n, n_in), W (n_in, n_out), b (n_out) and U (n, n_out), all row-major.
"""

from cython cimport floating
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport gemm

import numpy as np
from scipy.sparse import issparse

from cymlp._engine.user_results import as_float


# U = 1 b^T + A W

cdef void dense_forward(
    const floating *A, const floating *W, const floating *b, floating *U,
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(&U[i * n_out], b, n_out * sizeof(floating))
    gemm(False, False, n, n_out, n_in, A, W, <floating> 1, U)


# dW = A^T dU

cdef void dense_backward(
    const floating *A, const floating *dU, floating *dW,
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil:
    gemm(True, False, n_in, n_out, n, A, dU, <floating> 0, dW)


# db = 1^T dU

cdef void bias_backward(
    const floating *dU, floating *db, Py_ssize_t n, Py_ssize_t n_out
) noexcept nogil:
    cdef Py_ssize_t i, j
    memset(db, 0, n_out * sizeof(floating))
    for i in range(n):
        for j in range(n_out):
            db[j] += dU[i * n_out + j]


# dA = dU W^T

cdef void dense_backward_input(
    const floating *dU, const floating *W, floating *dA,
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil:
    gemm(False, True, n, n_in, n_out, dU, W, <floating> 0, dA)


def forward(A, W, b):
    """Return A W + b of shape (n, n_out), in the precision of A.

    A (n, n_in) is array-like or sparse. W (n_in, n_out) and b (n_out,) are converted to
    its dtype.
    """
    A = A if issparse(A) else as_float(A, "A")
    W = np.require(W, A.dtype, "C")
    b = np.require(b, A.dtype, "C")
    if A.ndim != 2 or W.ndim != 2 or W.shape[0] != A.shape[1] or b.shape != W.shape[1:]:
        raise ValueError(
            "A, W and b must have shapes (n, n_in), (n_in, n_out) and (n_out,); got "
            f"{A.shape}, {W.shape} and {b.shape}"
        )
    if issparse(A):
        return A @ W + b
    U = np.empty((A.shape[0], W.shape[1]), A.dtype)
    _forward(A, W, b, U)
    return U


def _forward(
    const floating[:, ::1] A, const floating[:, ::1] W, const floating[::1] b,
    floating[:, ::1] U
):
    with nogil:
        dense_forward(
            &A[0, 0], &W[0, 0], &b[0], &U[0, 0], A.shape[0], A.shape[1], W.shape[1]
        )
