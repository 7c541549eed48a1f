"""What the first layer knows of the way it goes with sparse samples."""

from cython cimport floating
from libc.stdint cimport uint32_t

from cymlp.kernels cimport cymlp_groups, cymlp_rows
from cymlp._engine.optimizers cimport SGD, Optimizer
from cymlp._engine.samples cimport Samples
from cymlp._engine.buffers cimport Workspace


cdef struct Power:
    # What takes (v, w) n steps on. The last is less 1.
    double vv
    double vw
    double wv
    double ww


cdef class SparseLayer(Workspace):
    cdef readonly Samples samples
    cdef readonly Py_ssize_t n_out
    # Whether rows without gradient are left behind and brought up to date at need.
    cdef bint lazy
    cdef Power *table
    # The first of these powers as the kernels take them.
    cdef void *first_powers
    # Of the steps of this epoch: how many there were, and how many of them each row of
    # weights has in it.
    cdef Py_ssize_t n_steps
    cdef uint32_t *n_done
    # The numbers of the epoch, which are the caller's, and how far apart its slots are.
    cdef cymlp_rows weights
    cdef Py_ssize_t apart
    # A batch: its entries, room for so many, its weighted sums and their gradient.
    cdef cymlp_groups groups
    cdef Py_ssize_t n_elements
    cdef Workspace room
    cdef void *U
    cdef void *dU
    # Matrices of a batch's rows, or of neighbouring ones; gradients of such.
    cdef void *powers
    cdef void *gradient
    cdef Py_ssize_t n_neighbours

    cdef int make_room(
        self, const Py_ssize_t[::1] order, Py_ssize_t batch_size
    ) except -1
    cdef set_room(self, Py_ssize_t n_elements)


# An epoch begins and ends with these. In between, not all rows are up to date.

cdef void sparse_load(
    SparseLayer layer,
    floating *theta,        # IN-OUT (1 + n_slots, apart), weights of the layer first
    Py_ssize_t apart,
    Optimizer optimizer
) noexcept nogil

cdef void sparse_store(
    SparseLayer layer,
    const floating *precision
) noexcept nogil

# As in the first layer.

cdef void sparse_forward(
    SparseLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *b,      # IN  (n_out)
    floating *U             # OUT (n, n_out)
) noexcept nogil

cdef int sparse_backward(
    SparseLayer layer, Py_ssize_t n,
    const floating *dU,     # IN  (n, n_out)
    Optimizer optimizer,
    double *gradient_norm
) except -1 nogil
