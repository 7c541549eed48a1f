"""What the network knows of a loss."""

cimport cython
from cython cimport floating

# One value per sample and its gradient, unweighted, from one place:
# IN Z, T (n, k) scores and targets; OUT value (n), dZ (n, k); scratch (n, k).
# The context is the numbers of one of our losses, or a user's Python object.
ctypedef int (*loss_f32)(
    const void *context, const float *Z, const float *T, float *value, float *dZ,
    float *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil
ctypedef int (*loss_f64)(
    const void *context, const double *Z, const double *T, double *value, double *dZ,
    double *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil


cdef struct LossKernel:
    const void *context
    loss_f32 single
    loss_f64 double_


cdef inline int value_and_gradient(
    const LossKernel *kernel, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    if floating is float:
        return kernel.single(kernel.context, Z, T, value, dZ, scratch, n, k)
    else:
        return kernel.double_(kernel.context, Z, T, value, dZ, scratch, n, k)


@cython.final
cdef class BoundLoss:
    """A loss made ready for a number of classes; keeps alive what its kernel needs."""

    cdef LossKernel kernel
    cdef object owner
    cdef double[::1] numbers


cpdef BoundLoss bind(object loss, Py_ssize_t n_classes)
