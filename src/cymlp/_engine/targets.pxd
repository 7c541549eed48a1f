"""The targets of a fit: labels or values, and weights."""

from cython cimport floating
from libc.math cimport NAN, exp

from cymlp._engine.buffers cimport Buffers


cdef class Targets(Buffers):
    cdef readonly Py_ssize_t n_samples
    cdef readonly Py_ssize_t n_outputs
    cdef readonly object labels
    cdef readonly object values
    cdef readonly object weights
    cdef readonly str kind
    cdef readonly object variances
    # The addresses of these arrays; NULL for None.
    cdef const Py_ssize_t *label
    cdef const void *value
    cdef const void *weight
    cdef const double *variance
    cdef bint are_labels

    cdef check_labels(self)


# Copy the targets of n samples, or make one-hot rows of their labels.

cdef void read_targets(
    Targets targets, const Py_ssize_t *indices, Py_ssize_t n,
    floating *T                 # OUT (n, n_outputs)
) noexcept nogil


cdef inline double score(
    Targets targets, Py_ssize_t sample, const floating *z, const floating *t,
    bint log_link
) noexcept nogil:
    """The score of a sample with the scores z and the targets t, of k outputs.

    It is 1 or 0 for classes and labels, by whether they are predicted, all of them. For
    values, its mean over the samples is R2. NaN if `targets` lacks what it requires.
    """
    cdef Py_ssize_t j, top = 0, k = targets.n_outputs
    cdef double difference, total = 0
    if targets.label != NULL:
        for j in range(1, k):
            if z[j] > z[top]:
                top = j
        return top == targets.label[sample]
    if targets.are_labels:
        for j in range(k):
            if (z[j] > 0) != (t[j] > 0.5):
                return 0
        return 1
    if targets.variance == NULL:
        return NAN
    for j in range(k):
        if targets.variance[j] > 0:
            difference = (exp(<double> z[j]) if log_link else z[j]) - t[j]
            total += 1 - difference * difference / targets.variance[j]
    return total / k
