"""exp, expm1, log, log1p and tanh over arrays."""

from cython cimport floating

from cymlp.kernels cimport kernels_for


cdef inline void exp(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- exp(x)."""
    kernels_for(x).exp(x, y, count)


cdef inline void expm1(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- exp(x) - 1."""
    kernels_for(x).expm1(x, y, count)


cdef inline void log(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- ln(x)."""
    kernels_for(x).log(x, y, count)


cdef inline void log1p(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- ln(1 + x)."""
    kernels_for(x).log1p(x, y, count)


cdef inline void tanh(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- tanh(x)."""
    kernels_for(x).tanh(x, y, count)
