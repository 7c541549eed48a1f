"""The targets of a fit: labels or values, and weights."""

from cython cimport floating

from cymlp._engine.buffers cimport Buffers


cdef class Targets(Buffers):
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_outputs
    cdef readonly object labels
    cdef readonly object values
    cdef readonly object weights
    # The addresses of these arrays; NULL for None.
    cdef const Py_ssize_t *label
    cdef const void *value
    cdef const void *weight


# Copy the targets of n samples, or make one-hot rows of their labels.

cdef void read_targets(
    Targets targets, const Py_ssize_t *indices, Py_ssize_t n,
    floating *T                 # OUT (n, n_outputs)
) noexcept nogil
