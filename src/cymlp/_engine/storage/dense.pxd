"""The dense form: rows are read from the memory of the user's X."""

from cymlp._engine.storage.base cimport PaddedLayer, Stored


cdef class Dense(Stored):
    pass


cdef class DenseLayer(PaddedLayer):
    # The addresses of the rows of a part, and of rows that are read next.
    cdef const void **rows
    # Converted or scaled rows of a part; NULL if values are used as they are.
    cdef char *converted
    cdef Py_ssize_t n_addresses
    # Of a wide layer: the gradient of the sums in panels.
    cdef void *dU_panels

    cdef bint uses_panels(self) noexcept nogil
    cdef void pack_samples(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil
