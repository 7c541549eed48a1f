"""X as the user passes it.

X is never converted as a whole. Its rows are converted to the precision of the
computation, and scaled, when they are read.
"""

cimport cython
from cython cimport floating

from cymlp.kernels cimport kernels_for

import numpy as np
from scipy.sparse import csr_array, issparse

from cymlp.kernels import _element_types

ELEMENT_TYPES = _element_types()
READABLE = tuple(np.dtype(name) for name in ELEMENT_TYPES)
cdef dict type_indices = {dtype: index for index, dtype in enumerate(READABLE)}


@cython.final
cdef class Inputs(Buffers):
    """Samples whose values x stand for (x - shift) / divisor.

    `array` (n_samples, n_features) is a C-contiguous array of a dtype in `READABLE`, or
    a SciPy CSR matrix of the precision of the computation, `dtype` (float32 or float64;
    None for that of the array). `shift` and `divisor` (n_features,), for arrays only,
    are float64, or None for values that are not scaled. Before they are scaled, values
    are clipped to `bounds` (2, n_features), float64; None for no bounds. `indices`
    (intp) selects samples; None selects all. Values are used as they are where
    `is_direct`.
    """

    def __cinit__(
        self, array, dtype=None, shift=None, divisor=None, bounds=None, indices=None
    ):
        self.array = array
        self.dtype = np.dtype(array.dtype if dtype is None else dtype)
        self.shift, self.divisor, self.bounds = shift, divisor, bounds
        self.indices = indices
        n_samples = array.shape[0] if indices is None else len(indices)
        self.shape = n_samples, array.shape[1]
        self.is_sparse = issparse(array)
        self.is_direct = array.dtype == self.dtype and shift is None
        if self.dtype not in (np.float32, np.float64) or (
            not self.is_direct if self.is_sparse else array.dtype not in type_indices
        ):
            raise ValueError(
                f"X of dtype {array.dtype} cannot be read as {self.dtype}; the latter "
                "must be float32 or float64, the former the same for sparse X, "
                f"otherwise one of {', '.join(ELEMENT_TYPES)}"
            )
        if self.is_sparse:
            return
        self.source.values = self.keep(array, array.dtype, "X")
        self.source.type = type_indices[array.dtype]
        self.source.itemsize = array.itemsize
        self.source.n_features = array.shape[1]
        if shift is not None:
            if not shift.shape == divisor.shape == self.shape[1:]:
                raise ValueError(
                    f"shift and divisor must have shape {self.shape[1:]}; got "
                    f"{shift.shape} and {divisor.shape}"
                )
            self.source.shift = <const double *> self.keep(shift, np.float64, "shift")
            self.source.divisor = <const double *> self.keep(
                divisor, np.float64, "divisor"
            )
        if bounds is not None:
            if shift is None or bounds.shape != (2, self.shape[1]):
                raise ValueError(
                    f"bounds must have shape {(2, self.shape[1])} and need a shift; "
                    f"got {bounds.shape} and {shift}"
                )
            self.source.lower = <const double *> self.keep(bounds, np.float64, "bounds")
            self.source.upper = self.source.lower + self.source.n_features

    def rows(self, indices):
        """Return rows (n, n_features) as an array or CSR matrix, a view if possible.

        `indices` is a slice or an array of int.
        """
        if self.indices is not None:
            indices = self.indices[indices]
        if self.is_direct:
            return self.array[indices]
        n_samples = self.array.shape[0]
        if isinstance(indices, slice):
            indices = np.arange(*indices.indices(n_samples), dtype=np.intp)
        elif indices.size and not 0 <= indices.min() <= indices.max() < n_samples:
            raise IndexError(
                f"indices must be in 0..{n_samples - 1}; got {indices.min()} to "
                f"{indices.max()}"
            )
        X = np.empty((indices.size, self.shape[1]), self.dtype)
        if X.size > 0:
            _read(self, np.ascontiguousarray(indices, np.intp), X)
        return X

    def subset(self, indices):
        """Select the samples `indices` (intp) without reading them."""
        if self.indices is not None:
            indices = self.indices[indices]
        return Inputs(
            self.array, self.dtype, self.shift, self.divisor, self.bounds, indices
        )


class CanonicalCSR(csr_array):
    """A CSR array with checked indices that nobody else can change.

    They are sorted, without duplicates, and without those of zeros. So the order of
    sums does not depend on the way in which the same values were stored.
    """


def canonical_csr(X):
    """Return a CSR matrix as CanonicalCSR; values are copied only if they move."""
    if type(X) is CanonicalCSR:
        return X
    # Copies, because loops use them as addresses and the caller may change X.
    indptr, indices = np.array(X.indptr), np.array(X.indices)
    n_samples, n_features = X.shape
    if X.data.shape != indices.shape:
        raise ValueError(
            f"X.data and X.indices differ in length: {X.data.size} and {indices.size}"
        )
    if indices.size and not 0 <= indices.min() <= indices.max() < n_features:
        raise ValueError(
            f"X.indices must be in 0..{n_features - 1}; got {indices.min()} to "
            f"{indices.max()}"
        )
    if (
        indptr.shape != (n_samples + 1,)
        or indptr[0] != 0
        or indptr[-1] > indices.size
        or np.any(np.diff(indptr) < 0)
    ):
        raise ValueError(
            f"X.indptr must have {n_samples + 1} values that do not decrease, from 0 "
            f"to at most {indices.size}; got {X.indptr!r}"
        )
    own = CanonicalCSR((X.data, indices, indptr), shape=X.shape)
    if not own.has_canonical_format or np.count_nonzero(own.data) < own.data.size:
        own.data = own.data.copy()
        own.sum_duplicates()
        own.eliminate_zeros()
    return own


def is_file(array):
    """Return whether an array is a view of a memory-mapped file."""
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


cdef void read_rows(
    Inputs inputs, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
    floating *rows
) noexcept nogil:
    kernels_for(rows).read_rows(&inputs.source, indices, n, n_ahead, rows)


def _read(Inputs inputs, const Py_ssize_t[::1] indices, floating[:, ::1] X):
    with nogil:
        read_rows(inputs, &indices[0], indices.shape[0], 0, &X[0, 0])
