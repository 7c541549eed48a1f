"""The dense layer: U = A W + b, and its gradients.

A is (n, n_in), W (n_in, n_out), b (n_out) and U (n, n_out), all row-major. Predictions
use BLAS. In an epoch, weights are also kept in panels, and each sample's results are
independent of the other samples that are computed with it.
"""

from cython cimport floating
from libc.string cimport memcpy

from cymlp._engine.blas cimport gemm
from cymlp.kernels cimport cymlp_kernels, kernels_for, kernels_of

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


cdef size_t panels_size(bint is_f32, Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t panel = kernels_of(is_f32).panel
    return n * ((width + panel - 1) // panel * panel) * (4 if is_f32 else 8)


cdef void pack_weights(
    const floating *W, Panels *panels, Py_ssize_t n_in, Py_ssize_t n_out,
    Py_ssize_t first, Py_ssize_t end
) noexcept nogil:
    cdef const cymlp_kernels *kernels = kernels_for(W)
    kernels.pack_panels(W, n_in, n_out, first, end, panels.W)
    kernels.pack_transposed(W, n_out, first, end, panels.transposed_W)


cdef void pack_gradient(
    const floating *dU, Panels *panels, Py_ssize_t n, Py_ssize_t n_out,
    Py_ssize_t first, Py_ssize_t end
) noexcept nogil:
    kernels_for(dU).pack_panels(dU, n, n_out, first, end, panels.dU)


# U = A W + 1 b^T

cdef void panel_forward(
    const floating *A, const Panels *panels, const floating *b, floating *U,
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil:
    kernels_for(A).panel_product(A, n, n_in, panels.W, n_out, b, U)


# dA = dU W^T

cdef void panel_backward_input(
    const floating *dU, const Panels *panels, floating *dA, Py_ssize_t n,
    Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil:
    kernels_for(dU).panel_product(dU, n, n_out, panels.transposed_W, n_in, NULL, dA)


# dW = A^T dU

cdef void panel_backward(
    const floating *A, const Panels *panels, floating *dW, Py_ssize_t n,
    Py_ssize_t n_in, Py_ssize_t n_out, Py_ssize_t first, Py_ssize_t end
) noexcept nogil:
    kernels_for(A).panel_gradient(A, n, n_in, first, end, panels.dU, n_out, dW)


# db = 1^T dU

cdef void bias_backward(
    const floating *dU, floating *db, Py_ssize_t n, Py_ssize_t n_out, Py_ssize_t first,
    Py_ssize_t end
) noexcept nogil:
    kernels_for(dU).column_sums(dU, n, n_out, first, end, db)


def forward(A, W, b):
    """Return A W + b of shape (n, n_out), in the precision of A.

    A (n, n_in) is array-like or a CSR matrix. W (n_in, n_out) and b (n_out,) are
    converted to its dtype.
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
        if not A.has_canonical_format:  # SciPy adds in the order of the indices
            A = A.copy()
            A.sum_duplicates()
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
