"""What the network knows of an optimiser."""

from cython cimport floating


cdef class Optimizer:
    cdef readonly Py_ssize_t n_slots
    cdef readonly double weight_decay
    cdef double _learning_rate
    cdef Py_ssize_t _n_steps

    # IN-OUT theta (count), slots (n_slots, count), `apart` numbers from each other;
    # IN gradient (count)
    cdef int step_f32(
        self, float *theta, float *slots, Py_ssize_t apart, const float *gradient,
        Py_ssize_t count
    ) except -1 nogil
    cdef int step_f64(
        self, double *theta, double *slots, Py_ssize_t apart, const double *gradient,
        Py_ssize_t count
    ) except -1 nogil


cdef class SGD(Optimizer):
    cdef readonly double momentum
    cdef readonly bint nesterov


cdef inline int take_step(
    Optimizer optimizer, floating *theta, floating *slots, Py_ssize_t apart,
    const floating *gradient, Py_ssize_t count
) except -1 nogil:
    """Change some parameters and their slots by the step that was counted last."""
    if floating is float:
        return optimizer.step_f32(theta, slots, apart, gradient, count)
    else:
        return optimizer.step_f64(theta, slots, apart, gradient, count)
