"""The interface of a storage form, and the base class of layers with padded weights."""

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
    cdef bint is_linear             # as the optimiser
    cdef bint is_lazy               # whether steps without gradient can wait
    # The precision, its kernels, and the bytes of a value.
    cdef bint is_f32
    cdef const cymlp_kernels *kernels
    cdef size_t itemsize
    # Values in a row that is padded to whole vectors; the sums of a batch and their
    # gradient, both (batch_size, stride).
    cdef Py_ssize_t stride
    cdef void *U
    cdef void *dU

    # Allocate memory for the batches of an epoch; called before load.
    cdef int reserve_batches(self, const Py_ssize_t[::1] indices) except -1

    # Begin and end an epoch on state (1 + n_slots, stride), whose rows start with the
    # weights (n_in, n_out) of this layer. In between, the state may be out of date and
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

    # The Euclidean norm of the weights, during an epoch and unless steps wait.
    cdef double weight_norm(self) noexcept nogil

    # Step t of the optimiser with the gradient A^T dU, whose norm is written to
    # gradient_norm; db (n_out) is the sum of dU (n, n_out) over the samples. To be
    # called after forward with the same indices.
    cdef int step(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *dU, const void *db,
        Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil


cdef class PaddedLayer(FirstLayer):
    # Maximum number of samples processed at once; a larger batch is split into parts.
    cdef Py_ssize_t part_size
    # Values in all padded rows of weights.
    cdef Py_ssize_t n_weights
    # All padded: weights and slots (1 + n_slots, n_rows, stride), the gradient
    # (n_rows, stride) if it is not consumed in registers, the bias (stride) and its
    # gradient (stride).
    cdef void *parameters
    cdef void *gradient
    cdef void *b
    cdef void *db

    cdef reserve_weights(self, Py_ssize_t n_rows)

    # Compute the sums of a part; update with its gradient and return the gradient's
    # sum of squares. With `reload`, the part is not the last that forward_part read.
    cdef void forward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead, void *U
    ) noexcept nogil
    cdef double backward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, bint reload, const void *dU,
        const cymlp_step *step
    ) noexcept nogil

    cdef double backward(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *db,
        const cymlp_step *step
    ) noexcept nogil
