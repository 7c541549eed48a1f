"""Optimisers: their settings and every form of their step."""

from cython cimport floating

from cymlp.kernels cimport cymlp_step


cdef struct Power:
    # The 2 x 2 matrix that advances (v, w) by some steps without gradient. The last
    # value is stored minus 1.
    double vv
    double vw
    double wv
    double ww


cdef class Optimizer:
    cdef readonly Py_ssize_t n_slots
    # Whether the step is linear in velocity, weight and gradient. Then it has the
    # forms below; the matrix and the rate of the gradient serve the lazy form.
    cdef readonly bint is_linear
    cdef readonly double weight_decay
    cdef double _learning_rate

    cdef void set_step(self, cymlp_step *step) noexcept nogil
    cdef Power matrix(self) noexcept nogil
    cdef double gradient_rate(self) noexcept nogil

    # Step t, counted from 1, for some of the parameters:
    # IN-OUT theta (count) and slots (n_slots, count), rows `stride` values apart;
    # IN gradient (count)
    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count
    ) except -1 nogil
    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count
    ) except -1 nogil


cdef inline int take_step(
    Optimizer optimizer, Py_ssize_t t, floating *theta, floating *slots,
    Py_ssize_t stride, const floating *gradient, Py_ssize_t count
) except -1 nogil:
    if floating is float:
        return optimizer.step_f32(t, theta, slots, stride, gradient, count)
    else:
        return optimizer.step_f64(t, theta, slots, stride, gradient, count)


# Powers of a matrix, by the digits of the exponent n < 2**32.

cdef enum:
    POWER_BASE = 256
    POWER_DIGITS = 4

cdef void tabulate_powers(
    Power matrix,
    Power *table                # OUT (POWER_DIGITS, POWER_BASE)
) noexcept nogil

cdef Power look_up_power(const Power *table, Py_ssize_t n) noexcept nogil
