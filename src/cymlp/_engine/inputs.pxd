"""X as the user passes it."""

from cython cimport floating

from cymlp._engine.buffers cimport Buffers
from cymlp.kernels cimport cymlp_inputs


cdef class Inputs(Buffers):
    cdef readonly object array
    cdef readonly tuple shape
    cdef readonly object dtype
    cdef readonly object shift
    cdef readonly object divisor
    cdef readonly object bounds
    cdef readonly object indices
    cdef readonly bint is_sparse
    cdef readonly bint is_direct
    cdef cymlp_inputs source    # for arrays only


# Read the rows of n indices; the next n_ahead indices are prefetched.

cdef void read_rows(
    Inputs inputs, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
    floating *rows              # OUT (n, n_features)
) noexcept nogil
