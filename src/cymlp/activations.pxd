"""The compiled functions of an activation.

Public: `BoundActivation` and its `kernel`, `bind`, `activate` and `activate_backward`.
"""

cimport cython
from cython cimport floating

# The context points to the parameters of an activation of cymlp, or is a user's Python
# object.

# IN U (n, m), OUT A (n, m)
ctypedef int (*value_function_f32)(
    const void *context, const float *U, float *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil
ctypedef int (*value_function_f64)(
    const void *context, const double *U, double *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil

# IN U, A (n, m), IN-OUT D (n, m) <- D * f'(U)
ctypedef int (*backward_function_f32)(
    const void *context, const float *U, const float *A, float *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil
ctypedef int (*backward_function_f64)(
    const void *context, const double *U, const double *A, double *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil


cdef struct ActivationKernel:
    const void *context
    value_function_f32 value_f32
    value_function_f64 value_f64
    backward_function_f32 backward_f32
    backward_function_f64 backward_f64


cdef inline int activate(
    const ActivationKernel *kernel, const floating *U, floating *A,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    """A <- f(U)."""
    if floating is float:
        return kernel.value_f32(kernel.context, U, A, n, m)
    else:
        return kernel.value_f64(kernel.context, U, A, n, m)


cdef inline int activate_backward(
    const ActivationKernel *kernel, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    """D <- D * f'(U)."""
    if floating is float:
        return kernel.backward_f32(kernel.context, U, A, D, n, m)
    else:
        return kernel.backward_f64(kernel.context, U, A, D, n, m)


@cython.final
cdef class BoundActivation:
    """An activation bound to its parameters. It owns the memory of its kernel."""

    cdef ActivationKernel kernel
    cdef object owner
    cdef double[::1] parameters


cpdef BoundActivation bind(object activation)
