"""What a network is trained on: rows of X with targets and weights.

All that the arrays have to be is checked once, when a `Samples` is made, so that an
epoch can follow its pointers without a look.
"""

cimport cython
from cython cimport floating
from libc.string cimport memset

from cymlp._engine.inputs cimport Inputs

import numpy as np

from cymlp._engine import block_sparse as compact

cdef extern from "rows.h" nogil:
    void cymlp_gather_rows(
        void *to, const void *from_, const Py_ssize_t *order, Py_ssize_t count,
        size_t row_bytes
    )


@cython.final
cdef class Samples:
    """Samples as an epoch takes them.

    Parameters
    ----------
    X : Inputs, or ndarray or scipy CSR matrix of shape (n_samples, n_features)
        Arrays are float32 or float64, C-contiguous.
    y : ndarray of intp of shape (n_samples,)
        Class of each sample, a number from 0 to n_classes - 1.
    n_classes : int
    T : ndarray of shape (n_samples, n_classes), default=None
        Probabilities of the classes, of the dtype that is computed in; by default 1 for
        that in y.
    weights : ndarray of shape (n_samples,), default=None
        Factors of the losses, of that dtype too.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or a class or a column is out of range.

    Attributes
    ----------
    n_samples : int
    n_features : int
    n_classes : int
    inputs : Inputs
    dtype : str
    is_sparse : bool
        Whether X is a sparse matrix.
    n_places : int
        Number of blocks in a row where X is stored compactly, and so is known to be
        finite; else 0.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.samples import Samples
    >>> samples = Samples(np.zeros((2, 5)), np.array([0, 1]), n_classes=2)
    >>> samples.n_samples, samples.n_features, samples.dtype
    (2, 5, 'float64')
    """

    def __cinit__(self, X, y, Py_ssize_t n_classes, T=None, weights=None):
        self.inputs = X if isinstance(X, Inputs) else Inputs(X)
        self.dtype = self.inputs.dtype.name
        self.is_sparse = self.inputs.is_sparse
        self.n_samples, self.n_features = X.shape
        self.n_classes = n_classes
        if (
            y.shape != (self.n_samples,)
            or (T is not None and T.shape != (self.n_samples, n_classes))
            or (weights is not None and weights.shape != (self.n_samples,))
            or self.inputs.chosen is not None
            or min(self.n_samples, self.n_features, n_classes) < 1
        ):
            raise ValueError("an array has not the shape that the samples need")
        self._owners = []
        if self.is_sparse:
            self.take_rows(self.inputs.array)
        self.y = <const Py_ssize_t *> self.pointer(y, np.intp)
        if not 0 <= y.min() <= y.max() < n_classes:
            raise ValueError("y has a number out of range")
        form = None if self.is_sparse else compact.compacted(self.inputs)
        if form is not None:
            self.take_blocks(form)
        self.T = self.pointer(T, self.dtype)
        self.weights = self.pointer(weights, self.dtype)

    @property
    def n_places(self):
        return self.compact.n_places

    cdef take_rows(self, X):
        """Check sparse rows, and keep them."""
        row_starts, columns = np.asarray(X.indptr, np.intp), X.indices
        if X.data.shape != columns.shape:
            raise ValueError("X has not as many numbers as columns of them")
        if columns.size and not 0 <= columns.min() <= columns.max() < self.n_features:
            raise ValueError("X has a column out of range")
        if (
            row_starts.shape != (self.n_samples + 1,)
            or row_starts[0] != 0
            or row_starts[-1] > columns.size
            or np.any(np.diff(row_starts) < 0)
        ):
            raise ValueError("X has rows out of range")
        columns = np.asarray(columns, np.intc)
        self.values = self.pointer(X.data, self.dtype)
        self.row_starts = <const Py_ssize_t *> self.pointer(row_starts, np.intp)
        self.columns = <const int *> self.pointer(columns, np.intc)

    cdef take_blocks(self, form):
        """Keep the structure of compact rows."""
        self.compact.row_starts = <const Py_ssize_t *> self.pointer(
            form.row_starts, np.intp
        )
        self.compact.blocks = <const char *> self.pointer(form.blocks, np.uint8)
        self.compact.table = self.pointer(form.table, form.offsets.dtype)
        self.compact.offsets = self.pointer(form.offsets, form.offsets.dtype)
        self.compact.taken = self.pointer(form.taken, form.offsets.dtype)
        self.compact.scales = self.pointer(form.scales, form.offsets.dtype)
        self.compact.n_places = form.offsets.size // compact.BLOCK

    cdef const void *pointer(self, array, dtype) except? NULL:
        """Where the numbers of an array are; NULL for None."""
        if array is None:
            return NULL
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise ValueError(
                f"an array must be contiguous and of dtype {np.dtype(dtype)}; "
                f"it has {array.dtype}"
            )
        if array.size == 0:
            return &NOTHING
        owner = memoryview(array)
        self._owners.append(owner)
        cdef const unsigned char[::1] numbers = owner.cast("B")
        return &numbers[0]


# Where an array without numbers begins: NULL would mean that there is no array.
cdef double NOTHING = 0


cdef void gather_targets(
    Samples samples, const Py_ssize_t *rows, floating *T, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t k = samples.n_classes
    if samples.T != NULL:
        cymlp_gather_rows(T, samples.T, rows, n, k * sizeof(floating))
        return
    memset(T, 0, n * k * sizeof(floating))
    for i in range(n):
        T[i * k + samples.y[rows[i]]] = 1
