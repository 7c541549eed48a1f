"""The dense layer: U = A W + b, and its gradients."""

from cython cimport floating

cdef void dense_forward(
    const floating *A,      # IN  (n, n_in)
    const floating *W,      # IN  (n_in, n_out)
    const floating *b,      # IN  (n_out)
    floating *U,            # OUT (n, n_out)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil

cdef void dense_backward(
    const floating *A,      # IN  (n, n_in)
    const floating *dU,     # IN  (n, n_out)
    floating *dW,           # OUT (n_in, n_out)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil

cdef void bias_backward(
    const floating *dU,     # IN  (n, n_out)
    floating *db,           # OUT (n_out)
    Py_ssize_t n, Py_ssize_t n_out
) noexcept nogil

cdef void dense_backward_input(
    const floating *dU,     # IN  (n, n_out)
    const floating *W,      # IN  (n_in, n_out)
    floating *dA,           # OUT (n, n_in)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil
