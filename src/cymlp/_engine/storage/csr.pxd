"""X as a SciPy CSR matrix."""

from libc.stdint cimport uint32_t

from cymlp._engine.buffers cimport Buffers
from cymlp._engine.optimizers cimport Optimizer, Power
from cymlp._engine.storage.base cimport FirstLayer, Stored
from cymlp.kernels cimport cymlp_transposed_batch, cymlp_weight_rows


cdef class CSR(Stored):
    cdef const void *values
    cdef const Py_ssize_t *indptr
    cdef const int *indices


cdef class CSRLayer(FirstLayer):
    # The arrays of the CSR matrix.
    cdef const void *values
    cdef const Py_ssize_t *indptr
    cdef const int *features
    # Powers of the optimiser's matrix, and the first POWER_BASE of them as the kernels
    # take them.
    cdef Power *table
    cdef void *first_powers
    # Steps of this epoch: their number, and how many of them the weights of each
    # feature have taken.
    cdef Py_ssize_t n_steps
    cdef uint32_t *n_taken
    # The caller's weights and velocities, and the stride of the caller's slots.
    cdef cymlp_weight_rows weights
    cdef Py_ssize_t slot_stride
    # The transposed batch, and the room that depends on the number of its entries.
    cdef cymlp_transposed_batch batch
    cdef Py_ssize_t n_entries
    cdef Buffers room
    # Powers for the segments of a batch, or for neighbouring features; the gradient of
    # neighbouring features.
    cdef void *powers
    cdef void *gradient
    cdef Py_ssize_t n_neighbours

    cdef set_room(self, Py_ssize_t n_entries)
    cdef void find_powers(self, Py_ssize_t n_more) noexcept nogil
    cdef void set_power(
        self, void *powers, Py_ssize_t index, Power matrix
    ) noexcept nogil
    cdef double lazy_step(self, Optimizer optimizer) noexcept nogil
    cdef double scaled_norm(self) noexcept nogil
    cdef int step_all(
        self, Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil
    cdef void find_gradient(self, Py_ssize_t start, Py_ssize_t count) noexcept nogil
