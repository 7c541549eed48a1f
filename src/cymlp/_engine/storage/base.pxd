"""The interface of a storage form, and the base class of layers with padded weights."""

from cymlp._engine.buffers cimport Buffers
from cymlp._engine.inputs cimport Inputs
from cymlp._engine.optimizers cimport Optimizer
from cymlp._engine.team cimport Team
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

    # Allocate memory for the batches of an epoch and for a number of threads; called
    # before load.
    cdef int reserve_batches(self, const Py_ssize_t[::1] indices, int n_threads) \
        except -1

    # Begin and end an epoch on state (1 + n_slots, stride), whose rows start with the
    # weights (n_in, n_out) of this layer. In between, the state may be out of date and
    # must not be changed. Optimizer is None without training.
    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
        except -1 nogil
    cdef int unload(self, Team team, void *state, Py_ssize_t stride) except -1 nogil

    # U (n, n_out) <- 1 b^T + A W for the samples indices[:n]; the next n_ahead
    # indices are prefetched.
    cdef int forward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil

    # The Euclidean norm of the weights, during an epoch and unless steps wait.
    cdef double weight_norm(self) noexcept nogil

    # Step t of the optimiser with the gradient A^T dU, whose norm is written to
    # gradient_norm; db (n_out) is the sum of dU (n, n_out) over the samples. To be
    # called after forward with the same indices.
    cdef int step(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db, Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil


cdef class PaddedLayer(FirstLayer):
    # Maximum number of samples processed at once; a larger batch is split into parts.
    cdef Py_ssize_t part_size
    # Padded rows of weights, values in all of them, and rows in a chunk.
    cdef Py_ssize_t n_rows
    cdef Py_ssize_t n_weights
    cdef Py_ssize_t chunk_rows
    cdef Py_ssize_t n_chunks
    # All padded: weights and slots (1 + n_slots, n_rows, stride), the gradient
    # (n_rows, stride) if it is not consumed in registers, the bias (stride) and its
    # gradient (stride).
    cdef void *parameters
    cdef void *gradient
    cdef void *b
    cdef void *db
    # For each chunk, the sum of squares or the norm of its gradient.
    cdef double *magnitudes
    # The part in progress: its samples, followed by those that are read next; its sums,
    # padded if necessary; where they are to be without padding; and their gradient.
    cdef const Py_ssize_t *indices
    cdef Py_ssize_t n
    cdef Py_ssize_t n_ahead
    cdef Py_ssize_t n_slices
    cdef char *part_U
    cdef char *output
    cdef const char *part_dU
    cdef bint is_first_part
    # The step in progress; the optimiser is NULL if the step was already taken.
    cdef cymlp_step form
    cdef void *optimizer
    cdef Py_ssize_t t

    cdef reserve_weights(self, Py_ssize_t n_rows, Py_ssize_t unit)

    # A form of storage defines: begin a part; read the samples first..end - 1 of the
    # part, which are slice `index`; compute their sums; prepare for the part's dU; and
    # update rows first..end - 1 with the gradient of the part, and return its sum of
    # squares.
    cdef void begin_part(self) noexcept nogil
    cdef void read_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil
    cdef void forward_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil
    cdef int begin_backward(self, Team team) except -1 nogil
    cdef double backward_rows(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil

    cdef void set_part(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead
    ) noexcept nogil
    cdef double backward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db
    ) except? -1 nogil

    # The chunks of a team's loops.
    cdef int read_slice(self, Py_ssize_t index, bint computes_sums) except -1 nogil
    cdef int backward_chunk(self, Py_ssize_t index) except -1 nogil
    cdef int finish_chunk(self, Py_ssize_t index) except -1 nogil


cdef double total_norm(const double *norms, Py_ssize_t count) noexcept nogil
