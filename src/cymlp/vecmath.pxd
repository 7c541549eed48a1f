"""exp, expm1 and tanh over arrays."""

from cython cimport floating

from cymlp.kernels cimport kernels_for


cdef inline void exp(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- exp(x)."""
    kernels_for(x).exp(x, y, count)


cdef inline void expm1_negative(
    const floating *x, floating *y, Py_ssize_t count
) noexcept nogil:
    """y <- exp(x) - 1, for x <= 0 only."""
    kernels_for(x).expm1_negative(x, y, count)


cdef inline void tanh(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- tanh(x)."""
    kernels_for(x).tanh(x, y, count)
