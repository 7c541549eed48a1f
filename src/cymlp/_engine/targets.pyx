"""The targets of a fit: labels or values, and weights.

They are independent of X, so that many fits can share one X.
"""

cimport cython
from cython cimport floating
from libc.string cimport memcpy, memset

from cymlp._engine.buffers cimport check_shape

import numpy as np


@cython.final
cdef class Targets(Buffers):
    """Targets and weights of samples.

    `labels` (n_samples,) of intp are classes in 0..n_outputs - 1, for the accuracy;
    None without classes. `values` (n_samples, n_outputs) are probabilities of the
    classes, 0 or 1 for each of several labels, or real values; None for one-hot rows of
    the labels. `weights` (n_samples,), of the dtype of `values`, multiply the
    losses; None for weights of 1. `kind` is the `target_kind` of losses that take such
    targets. `variances` (n_outputs,) of float64 are those of real values, for R2.
    """

    def __cinit__(
        self, labels, Py_ssize_t n_outputs, values=None, weights=None, kind="classes",
        variances=None
    ):
        given = labels if values is None else values
        if given is None or given.shape[0] < 1 or n_outputs < 1:
            raise ValueError(
                "labels or values must have at least one sample, and n_outputs must be "
                f"at least 1; got {None if given is None else given.shape} and "
                f"{n_outputs}"
            )
        self.n_samples, self.n_outputs = given.shape[0], n_outputs
        self.labels, self.values, self.weights = labels, values, weights
        self.kind, self.variances = kind, variances
        for name, array, shape in (
            ("labels", labels, (self.n_samples,)),
            ("values", values, (self.n_samples, n_outputs)),
            ("weights", weights, (self.n_samples,)),
            ("variances", variances, (n_outputs,)),
        ):
            if array is not None:
                check_shape(name, array.shape, shape)
        dtype = None if weights is None else weights.dtype
        if values is not None:
            dtype = values.dtype
        self.label = <const Py_ssize_t *> self.keep(labels, np.intp, "labels")
        if labels is not None:
            self.check_labels()
        self.value = self.keep(values, dtype, "values")
        self.weight = self.keep(weights, dtype, "weights")
        self.variance = <const double *> self.keep(variances, np.float64, "variances")
        self.are_labels = kind == "labels"

    cdef check_labels(self):
        cdef Py_ssize_t i
        cdef bint are_valid = True
        for i in range(self.n_samples):
            are_valid &= 0 <= self.label[i] < self.n_outputs
        if not are_valid:
            raise ValueError(
                f"labels must be in 0..{self.n_outputs - 1}; got {self.labels.min()} "
                f"to {self.labels.max()}"
            )

    @property
    def dtype(self):
        """The dtype of values and weights; None if there are only labels."""
        for array in (self.values, self.weights):
            if array is not None:
                return array.dtype
        return None

    def weighted(self, weights):
        """Return the same targets with these weights (n_samples,)."""
        return Targets(
            self.labels, self.n_outputs, self.values, weights, self.kind, self.variances
        )

    def with_variances(self, variances):
        """Return the same targets with these variances (n_outputs,)."""
        return Targets(
            self.labels, self.n_outputs, self.values, self.weights, self.kind, variances
        )

    def rows(self, indices, dtype):
        """Return targets (n, n_outputs); one-hot rows of `dtype` if only labels exist.

        `indices` is a slice or an array of int.
        """
        if self.values is not None:
            return self.values[indices]
        return np.eye(self.n_outputs, dtype=dtype)[self.labels[indices]]


cdef void read_targets(
    Targets targets, const Py_ssize_t *indices, Py_ssize_t n, floating *T
) noexcept nogil:
    cdef Py_ssize_t k = targets.n_outputs
    cdef const floating *values = <const floating *> targets.value
    cdef Py_ssize_t i
    if values == NULL:
        memset(T, 0, n * k * sizeof(floating))
        for i in range(n):
            T[i * k + targets.label[indices[i]]] = 1
        return
    for i in range(n):
        memcpy(&T[i * k], &values[indices[i] * k], k * sizeof(floating))
