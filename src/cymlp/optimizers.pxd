"""What the network knows of an optimiser."""

from cython cimport floating


cdef class Optimizer:
    cdef readonly Py_ssize_t n_slots
    cdef readonly double weight_decay
    cdef double _learning_rate
    cdef Py_ssize_t _n_steps

    # IN-OUT theta (count), slots (n_slots, count); IN gradient (count)
    cdef int step_f32(
        self, float *theta, float *slots, const float *gradient, Py_ssize_t count
    ) except -1 nogil
    cdef int step_f64(
        self, double *theta, double *slots, const double *gradient, Py_ssize_t count
    ) except -1 nogil


cdef inline int take_step(
    Optimizer optimizer, floating *theta, floating *slots, const floating *gradient,
    Py_ssize_t count
) except -1 nogil:
    """Change theta and slots by one step, and count it."""
    optimizer._n_steps += 1
    if floating is float:
        return optimizer.step_f32(theta, slots, gradient, count)
    else:
        return optimizer.step_f64(theta, slots, gradient, count)
