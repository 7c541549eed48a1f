"""What the network knows of its samples."""

from cython cimport floating

from cymlp._engine.inputs cimport Inputs
from cymlp.kernels cimport cymlp_compact


cdef class Samples:
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_features
    cdef readonly Py_ssize_t n_classes
    cdef readonly Inputs inputs
    cdef readonly str dtype
    cdef readonly bint is_sparse
    # Of sparse rows: the numbers that are stored, row by row, where each row begins
    # among them and the column of each.
    cdef const void *values
    cdef const Py_ssize_t *row_starts
    cdef const int *columns
    # What there is of X where it is stored compactly; else of 0 places.
    cdef cymlp_compact compact
    cdef const Py_ssize_t *y
    cdef const void *T
    cdef const void *weights
    # Python memoryviews: while they are there, nobody can free or move the numbers.
    cdef list _owners

    cdef take_rows(self, X)
    cdef take_blocks(self, form)
    cdef const void *pointer(self, array, dtype) except? NULL


# Of n samples, those whose numbers are in `rows`.

cdef void gather_targets(
    Samples samples, const Py_ssize_t *rows,
    floating *T,    # OUT (n, n_classes)
    Py_ssize_t n
) noexcept nogil
