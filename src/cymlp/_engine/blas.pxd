"""Row-major matrix products, and a norm, over the BLAS that SciPy brings."""

from cython cimport floating


cdef void gemm(
    bint transpose_A,
    bint transpose_B,
    Py_ssize_t m,
    Py_ssize_t n,
    Py_ssize_t k,
    const floating *A,      # IN  (m, k), or (k, m) if transpose_A
    const floating *B,      # IN  (k, n), or (n, k) if transpose_B
    floating beta,
    floating *C,            # OUT (m, n) <- op(A) op(B) + beta C
) noexcept nogil


cdef double norm(
    const floating *x,      # IN  (count)
    Py_ssize_t count
) noexcept nogil
