"""What the network knows of the layer that reads the samples."""

from cython cimport floating
from libc.stdint cimport uint32_t

from cymlp._engine.optimizers cimport Optimizer
from cymlp._engine.samples cimport Samples
from cymlp._engine.csr_layer cimport SparseLayer
from cymlp._engine.buffers cimport Workspace


cdef class FirstLayer(Workspace):
    cdef readonly Samples samples
    cdef readonly Py_ssize_t n_out
    cdef readonly Py_ssize_t batch_size
    cdef Py_ssize_t n_slots
    # Does all the work where the samples are sparse; else None.
    cdef SparseLayer sparse
    # Whether its optimiser's step can be done in the product that makes the gradient.
    cdef bint fuses
    # Numbers in a padded row, and in all rows of weights.
    cdef Py_ssize_t stride
    cdef Py_ssize_t n_weights
    # Where these begin, all padded: weights and slots (1 + n_slots, n_in, stride), the
    # gradient (n_in, stride) where it is not used up at once, weighted sums and their
    # gradient (batch_size, stride), what the sums of every sample begin with, and the
    # sum over the samples of the gradient in the sums (stride).
    cdef void *parameters
    cdef void *gradient
    cdef void *U
    cdef void *dU
    cdef void *base
    cdef void *db
    # Samples that are taken at once: rows of a batch and of the next, converted rows
    # if they have to be, or blocks sorted by their place.
    cdef Py_ssize_t n_at_once
    cdef const void **inputs
    cdef void *converted
    cdef void *entries
    cdef uint32_t *counts

# An epoch begins and ends with these. In between theta may be out of date, and it must
# not be changed.

cdef void load(
    FirstLayer layer,
    floating *theta,        # IN  (1 + n_slots, apart), weights of the layer first
    Py_ssize_t apart,
    Optimizer optimizer
) noexcept nogil

cdef void store(
    FirstLayer layer,
    floating *theta,        # OUT (1 + n_slots, apart)
    Py_ssize_t apart
) noexcept nogil

# U = 1 b^T + A W of the samples whose numbers are in rows[:n]; n_ahead more are next.

cdef int first_forward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *b,      # IN  (n_out)
    floating *U             # OUT (n, n_out)
) except -1 nogil

# A step with dW = A^T dU, whose norm it leaves.

cdef int first_backward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n,
    const floating *dU,     # IN  (n, n_out)
    const floating *db,     # IN  (n_out), their sum over the samples
    Optimizer optimizer,
    double *gradient_norm
) except -1 nogil
