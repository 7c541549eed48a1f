"""What is known of the samples' numbers."""

from cython cimport floating

from cymlp.kernels cimport cymlp_inputs


cdef class Inputs:
    cdef readonly object array
    cdef readonly tuple shape
    cdef readonly object dtype
    cdef readonly object shift
    cdef readonly object divisor
    cdef readonly object chosen
    cdef readonly bint is_sparse
    cdef readonly bint is_direct
    # Of arrays: where their numbers are, and what they stand for.
    cdef cymlp_inputs source
    # Python memoryviews: while they are there, nobody can free or move the numbers.
    cdef list _owners

    cdef const void *pointer(self, array) except NULL


# Rows whose numbers are in `rows`; n_ahead more will be needed next.

cdef void read_rows(
    Inputs inputs, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    floating *to    # OUT (n, n_features)
) noexcept nogil
