"""Optimisers: one loop over all parameters, which knows no layers."""

cimport cython
from cython cimport floating


@cython.final
cdef class SGD:
    cdef public double learning_rate
    cdef public double momentum
    cdef public double weight_decay


cdef void sgd_step(
    SGD settings,
    floating *theta,            # IN-OUT (count)
    floating *velocity,         # IN-OUT (count)
    const floating *gradient,   # IN     (count)
    Py_ssize_t count
) noexcept nogil
