"""The dense form: rows are read from the memory of the user's X."""

from cymlp._engine.storage.base cimport PaddedLayer, Stored


cdef class Dense(Stored):
    pass


cdef class DenseLayer(PaddedLayer):
    # The addresses of the rows of a part and of the next part.
    cdef const void **rows
    # Converted or scaled rows of a part; NULL if values are used as they are.
    cdef void *converted

    cdef Py_ssize_t find_rows(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead
    ) noexcept nogil
