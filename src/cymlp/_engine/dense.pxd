"""The dense layer: U = A W + b, and its gradients."""

from cython cimport floating


# Over BLAS, with weights as the user has them.

cdef void dense_forward(
    const floating *A,      # IN  (n, n_in)
    const floating *W,      # IN  (n_in, n_out)
    const floating *b,      # IN  (n_out)
    floating *U,            # OUT (n, n_out)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil


# With the panels of an epoch. Functions over samples may be given a part of the batch,
# functions over weights a part of the rows, without a change of any value.

cdef struct Panels:
    void *W                 # (n_in, n_out)
    void *transposed_W      # (n_out, n_in)
    void *dU                # (batch_size, n_out)


# Return the bytes of the panels of a matrix (n, width).
cdef size_t panels_size(bint is_f32, Py_ssize_t n, Py_ssize_t width) noexcept nogil

cdef void pack_weights(
    const floating *W,      # IN  (n_in, n_out)
    Panels *panels,         # OUT: rows first..end - 1 of W
    Py_ssize_t n_in, Py_ssize_t n_out, Py_ssize_t first, Py_ssize_t end
) noexcept nogil

cdef void pack_gradient(
    const floating *dU,     # IN  (n, n_out)
    Panels *panels,         # OUT: rows first..end - 1
    Py_ssize_t n, Py_ssize_t n_out, Py_ssize_t first, Py_ssize_t end
) noexcept nogil

cdef void panel_forward(
    const floating *A,      # IN  (n, n_in)
    const Panels *panels,
    const floating *b,      # IN  (n_out)
    floating *U,            # OUT (n, n_out)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil

cdef void panel_backward_input(
    const floating *dU,     # IN  (n, n_out)
    const Panels *panels,
    floating *dA,           # OUT (n, n_in)
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out
) noexcept nogil

cdef void panel_backward(
    const floating *A,      # IN  (n, n_in)
    const Panels *panels,   # IN: dU of n samples
    floating *dW,           # OUT (n_in, n_out): rows first..end - 1
    Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t n_out, Py_ssize_t first, Py_ssize_t end
) noexcept nogil

cdef void bias_backward(
    const floating *dU,     # IN  (n, n_out)
    floating *db,           # OUT (n_out): columns first..end - 1
    Py_ssize_t n, Py_ssize_t n_out, Py_ssize_t first, Py_ssize_t end
) noexcept nogil
