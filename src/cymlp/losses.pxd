"""The compiled function of a loss.

Public: `BoundLoss` and its `kernel`, `bind` and `value_and_gradient`.
"""

cimport cython
from cython cimport floating

# The loss of each sample and its gradient, without weights:
# IN Z, T (n, k) scores and targets; OUT value (n), dZ (n, k); scratch (n, k).
# The context points to the parameters of a loss of cymlp, or is a user's Python object.
ctypedef int (*loss_function_f32)(
    const void *context, const float *Z, const float *T, float *value, float *dZ,
    float *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil
ctypedef int (*loss_function_f64)(
    const void *context, const double *Z, const double *T, double *value, double *dZ,
    double *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil


cdef struct LossKernel:
    const void *context
    loss_function_f32 f32
    loss_function_f64 f64


cdef inline int value_and_gradient(
    const LossKernel *kernel, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    if floating is float:
        return kernel.f32(kernel.context, Z, T, value, dZ, scratch, n, k)
    else:
        return kernel.f64(kernel.context, Z, T, value, dZ, scratch, n, k)


@cython.final
cdef class Compiled:
    cdef LossKernel kernel


cdef Compiled compiled(loss_function_f32 f32, loss_function_f64 f64)

cdef void log_softmax(
    const floating *Z, floating *log_p, floating *p, floating *log_sum, Py_ssize_t n,
    Py_ssize_t k
) noexcept nogil


@cython.final
cdef class BoundLoss:
    """A loss bound to a number of outputs. It owns the memory of its kernel."""

    cdef LossKernel kernel
    cdef object owner
    cdef double[::1] parameters
    # Whether the scores are logarithms of the predictions.
    cdef bint log_link


cpdef BoundLoss bind(object loss, Py_ssize_t n_outputs)
