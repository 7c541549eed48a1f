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


cdef inline double norm_of(
    bint is_f32, const void *x, Py_ssize_t count
) noexcept nogil:
    return norm(<const float *> x, count) if is_f32 else norm(<const double *> x, count)


cdef inline double min_square(bint is_f32) noexcept nogil:
    """Return the limit above which a sum of squares loses nothing to underflow."""
    return 1e-28 if is_f32 else 1e-280
