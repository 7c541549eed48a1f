"""Optimisers: their settings and every form of their step."""

from cython cimport floating

from cymlp.kernels cimport cymlp_step


cdef struct Power:
    # The 2 x 2 matrix that advances (v, w) by a number of steps without gradient; ww is
    # stored minus 1, to keep its digits where it is close to 1.
    double vv
    double vw
    double wv
    double ww


cdef class Optimizer:
    cdef readonly Py_ssize_t n_slots
    # Whether the step is linear in velocity, weight and gradient, so that it has the
    # forms in registers (set_step) and lazy (matrix; w also changes by minus
    # gradient_rate times the gradient).
    cdef readonly bint is_linear
    cdef readonly double weight_decay
    # Whether the weight decay applies to biases, too.
    cdef readonly bint decays_biases
    # If not 0, the weight decay is this divided by the weight of each batch.
    cdef double _penalty
    cdef double _learning_rate

    cdef void set_step(self, cymlp_step *step) noexcept nogil
    cdef Power matrix(self) noexcept nogil
    cdef double gradient_rate(self) noexcept nogil

    # Step t, counted from 1, over `count` of the parameters, with weight decay or not:
    # IN-OUT theta (count) and slots (n_slots, count), rows `stride` values apart;
    # IN gradient (count)
    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil
    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil


cdef inline int take_step(
    Optimizer optimizer, Py_ssize_t t, floating *theta, floating *slots,
    Py_ssize_t stride, const floating *gradient, Py_ssize_t count, bint decays
) except -1 nogil:
    if floating is float:
        return optimizer.step_f32(t, theta, slots, stride, gradient, count, decays)
    else:
        return optimizer.step_f64(t, theta, slots, stride, gradient, count, decays)


cdef inline int take_step_of(
    bint is_f32, Optimizer optimizer, Py_ssize_t t, void *theta, void *slots,
    Py_ssize_t stride, const void *gradient, Py_ssize_t count, bint decays
) except -1 nogil:
    if is_f32:
        return optimizer.step_f32(t, <float *> theta, <float *> slots, stride,
                                  <const float *> gradient, count, decays)
    return optimizer.step_f64(t, <double *> theta, <double *> slots, stride,
                              <const double *> gradient, count, decays)


# Powers of a matrix, computed digit by digit of the exponent n < 2**32.

cdef enum:
    POWER_BASE = 256
    POWER_DIGITS = 4

cdef void tabulate_powers(
    Power matrix,
    Power *table                # OUT (POWER_DIGITS, POWER_BASE)
) noexcept nogil

cdef Power look_up_power(const Power *table, Py_ssize_t n) noexcept nogil
