"""The interface of a storage form, and what forms with padded weights share."""

from cymlp._engine.buffers cimport Buffers
from cymlp._engine.inputs cimport Inputs
from cymlp._engine.optimizers cimport Optimizer
from cymlp.kernels cimport cymlp_kernels, cymlp_step


cdef class Stored(Buffers):
    cdef readonly Inputs inputs
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_features
    cdef readonly str dtype


cdef class FirstLayer(Buffers):
    cdef readonly Stored stored
    cdef readonly Py_ssize_t n_out
    cdef readonly Py_ssize_t batch_size
    cdef Py_ssize_t n_slots
    cdef bint is_linear             # the optimiser's step
    # The precision, its kernels, and bytes of a value.
    cdef bint is_f32
    cdef const cymlp_kernels *kernels
    cdef size_t itemsize
    # Values in a row that is padded to whole vectors; the sums of a batch and their
    # gradient (batch_size, stride).
    cdef Py_ssize_t stride
    cdef void *U
    cdef void *dU

    # Once per epoch, before load: make room for its batches.
    cdef int make_room(self, const Py_ssize_t[::1] indices) except -1

    # Begin and end an epoch on state (1 + n_slots, stride), which starts with the
    # weights (n_in, n_out) of this layer. In between the state may be out of date and
    # must not be changed. Optimizer is None without training.
    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
        except -1 nogil
    cdef void unload(self, void *state, Py_ssize_t stride) noexcept nogil

    # U (n, n_out) <- 1 b^T + A W for the samples indices[:n]; the next n_ahead
    # indices are prefetched.
    cdef int forward(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil

    # Step t of the optimiser with the gradient A^T dU, whose norm is written to
    # gradient_norm; db (n_out) is the sum of dU (n, n_out) over the samples. Follows
    # forward with the same indices.
    cdef int step(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *dU, const void *db,
        Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil


cdef class PaddedLayer(FirstLayer):
    # Samples that are taken at once; a larger batch is taken in parts.
    cdef Py_ssize_t part_size
    # Values in all padded rows of weights.
    cdef Py_ssize_t n_weights
    # All padded: weights and slots (1 + n_slots, n_rows, stride), the gradient
    # (n_rows, stride) where it is not used up at once, the start of all sums (stride),
    # and the sum over the samples of the gradient of the sums (stride).
    cdef void *parameters
    cdef void *gradient
    cdef void *base
    cdef void *db

    cdef reserve_weights(self, Py_ssize_t n_rows)

    # Sums of one part, and the update with its gradient; returns the sum of squares
    # of the gradient. `again` says that the part is not the one forward left.
    cdef void forward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead, void *U
    ) noexcept nogil
    cdef double backward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, bint again, const void *dU,
        const cymlp_step *step
    ) noexcept nogil

    cdef double backward(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *db,
        const cymlp_step *step
    ) noexcept nogil
