"""exp, expm1 and tanh over arrays, one name for both precisions."""

from cython cimport floating

cdef extern from "cymlp/vecmath.h" nogil:
    void cymlp_exp_f32(const float *x, float *y, Py_ssize_t count)
    void cymlp_exp_f64(const double *x, double *y, Py_ssize_t count)
    void cymlp_expm1_negative_f32(const float *x, float *y, Py_ssize_t count)
    void cymlp_expm1_negative_f64(const double *x, double *y, Py_ssize_t count)
    void cymlp_tanh_f32(const float *x, float *y, Py_ssize_t count)
    void cymlp_tanh_f64(const double *x, double *y, Py_ssize_t count)


cdef inline void exp(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- exp(x)."""
    if floating is float:
        cymlp_exp_f32(x, y, count)
    else:
        cymlp_exp_f64(x, y, count)


cdef inline void expm1_negative(
    const floating *x, floating *y, Py_ssize_t count
) noexcept nogil:
    """y <- exp(x) - 1, for x <= 0 only."""
    if floating is float:
        cymlp_expm1_negative_f32(x, y, count)
    else:
        cymlp_expm1_negative_f64(x, y, count)


cdef inline void tanh(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    """y <- tanh(x)."""
    if floating is float:
        cymlp_tanh_f32(x, y, count)
    else:
        cymlp_tanh_f64(x, y, count)
