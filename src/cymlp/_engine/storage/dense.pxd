"""X in its own memory."""

from cymlp._engine.storage.base cimport PaddedLayer, Stored


cdef class Dense(Stored):
    pass


cdef class DenseLayer(PaddedLayer):
    # The addresses of the rows of a part and of the next one.
    cdef const void **rows
    # Rows that are converted or scaled as they are read; NULL if there is no need.
    cdef void *converted

    cdef Py_ssize_t find_rows(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead
    ) noexcept nogil
