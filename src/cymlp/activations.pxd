"""What the network knows of an activation."""

from cython cimport floating

# IN U (n, m), OUT A (n, m)
ctypedef int (*value_f32)(
    const void *member, const float *U, float *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil
ctypedef int (*value_f64)(
    const void *member, const double *U, double *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil

# IN U, A (n, m), IN-OUT D (n, m) <- D * f'(U)
ctypedef int (*backward_f32)(
    const void *member, const float *U, const float *A, float *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil
ctypedef int (*backward_f64)(
    const void *member, const double *U, const double *A, double *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil


cdef struct ActivationKernel:
    # Who fills this table, we or a user's Python object, its caller cannot tell.
    const void *member
    value_f32 single_value
    value_f64 double_value
    backward_f32 single_backward
    backward_f64 double_backward


cdef inline int activate(
    const ActivationKernel *kernel, const floating *U, floating *A,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    """A <- f(U)."""
    if floating is float:
        return kernel.single_value(kernel.member, U, A, n, m)
    else:
        return kernel.double_value(kernel.member, U, A, n, m)


cdef inline int activate_backward(
    const ActivationKernel *kernel, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    """D <- D * f'(U)."""
    if floating is float:
        return kernel.single_backward(kernel.member, U, A, D, n, m)
    else:
        return kernel.double_backward(kernel.member, U, A, D, n, m)


cdef ActivationKernel kernel_of(object activation) except *
