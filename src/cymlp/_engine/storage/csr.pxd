"""The CSR form: X as a SciPy CSR matrix."""

from libc.stdint cimport uint32_t

from cymlp._engine.buffers cimport Buffers
from cymlp._engine.optimizers cimport Optimizer, Power
from cymlp._engine.storage.base cimport FirstLayer, Stored
from cymlp._engine.team cimport Team
from cymlp.kernels cimport cymlp_transposed_batch, cymlp_weight_rows


cdef class CSR(Stored):
    cdef const void *values
    cdef const Py_ssize_t *indptr
    cdef const int *indices


cdef class CSRLayer(FirstLayer):
    # The arrays of the CSR matrix; `features` are its indices.
    cdef const void *values
    cdef const Py_ssize_t *indptr
    cdef const int *features
    # Powers of the optimiser's matrix, and the first POWER_BASE of them as the kernels
    # read them: four values of the precision.
    cdef Power *table
    cdef void *first_powers
    # Number of steps in this epoch, and for each feature how many of them its weights
    # have.
    cdef Py_ssize_t n_steps
    cdef uint32_t *n_taken
    # The caller's weights and velocities, and the stride of the caller's slots.
    cdef cymlp_weight_rows weights
    cdef Py_ssize_t slot_stride
    # The transposed batch, and the memory for at most max_entries of its entries.
    cdef cymlp_transposed_batch batch
    cdef Py_ssize_t max_entries
    cdef Buffers batch_memory
    # Powers for the segments of a batch.
    cdef void *powers
    # Features in a chunk, and chunks; for each thread, scratch memory for the gradient
    # of a chunk or for its powers.
    cdef Py_ssize_t chunk_size
    cdef Py_ssize_t n_chunks
    cdef size_t scratch_size
    cdef char *scratch
    cdef Buffers thread_memory
    cdef int max_threads
    # For each chunk, the sum of squares or the norm of its gradient.
    cdef double *magnitudes
    # Vectors in a row, and chunks of them.
    cdef Py_ssize_t n_vectors
    cdef Py_ssize_t n_column_chunks
    # The batch in progress, its bias, and its step.
    cdef Py_ssize_t n
    cdef const void *b
    cdef void *optimizer
    cdef Py_ssize_t t

    # The chunks of a team's loops.
    cdef int forward_columns(self, Py_ssize_t index) except -1 nogil
    cdef int step_segments(self, Py_ssize_t index) except -1 nogil
    cdef int step_features(self, Py_ssize_t index, int thread) except -1 nogil
    cdef int advance_features(self, Py_ssize_t index, int thread) except -1 nogil

    cdef allocate_batch(self, Py_ssize_t max_entries)
    cdef void compute_powers(
        self, Py_ssize_t first, Py_ssize_t end, Py_ssize_t n_extra
    ) noexcept nogil
    cdef void set_power(
        self, void *powers, Py_ssize_t index, Power matrix
    ) noexcept nogil
    cdef double lazy_step(self, Team team) except? -1 nogil
    cdef double scaled_norm(self) noexcept nogil
    cdef void compute_gradient(
        self, Py_ssize_t start, Py_ssize_t count, void *gradient
    ) noexcept nogil
