"""The numbers of samples, where and as they are stored.

X is never converted as a whole. Whoever needs some of its rows reads these, in what is
computed in and scaled.
"""

cimport cython
from cython cimport floating

from cymlp.kernels cimport (
    CYMLP_FLOAT16, CYMLP_FLOAT32, CYMLP_FLOAT64, CYMLP_INT8, CYMLP_INT16, CYMLP_UINT8,
    CYMLP_UINT16, cymlp_type, kernels_for
)

import numpy as np
from scipy.sparse import issparse

cdef dict TYPES = {
    "bool": CYMLP_UINT8,
    "uint8": CYMLP_UINT8,
    "int8": CYMLP_INT8,
    "uint16": CYMLP_UINT16,
    "int16": CYMLP_INT16,
    "float16": CYMLP_FLOAT16,
    "float32": CYMLP_FLOAT32,
    "float64": CYMLP_FLOAT64,
}

READABLE = tuple(np.dtype(name) for name in TYPES)


@cython.final
cdef class Inputs:
    """Samples to read: numbers x that stand for (x - shift) / divisor.

    Parameters
    ----------
    array : ndarray or scipy CSR matrix of shape (n_samples, n_features)
        An array is C-contiguous and of a dtype in `READABLE`, a matrix of that which is
        computed in.
    dtype : dtype, default=None
        What is computed in, float32 or float64; by default the dtype of the array.
    shift, divisor : ndarray of float64 of shape (n_features,), default=None
        For arrays; None for numbers as they are.
    chosen : ndarray of intp of shape (n_chosen,), default=None
        Numbers of the samples that these are; None for all in the array.

    Raises
    ------
    ValueError
        If the array is not as described.

    Attributes
    ----------
    array, dtype, shift, divisor, chosen
        As given.
    shape : tuple of int
    is_sparse : bool
    is_direct : bool
        Whether the array has the numbers just as they are computed with.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> pixels = np.array([[0, 51], [102, 255]], np.uint8)
    >>> inputs = Inputs(pixels, "float32", np.zeros(2), np.full(2, 255.0))
    >>> inputs.rows(slice(1, 2))
    array([[0.4, 1. ]], dtype=float32)
    """

    def __cinit__(self, array, dtype=None, shift=None, divisor=None, chosen=None):
        self.array = array
        self.dtype = np.dtype(array.dtype if dtype is None else dtype)
        self.shift, self.divisor, self.chosen = shift, divisor, chosen
        n_samples = array.shape[0] if chosen is None else len(chosen)
        self.shape = n_samples, array.shape[1]
        self.is_sparse = issparse(array)
        self.is_direct = array.dtype == self.dtype and shift is None
        if self.dtype not in (np.float32, np.float64) or (
            not self.is_direct if self.is_sparse else array.dtype not in READABLE
        ):
            raise ValueError(f"numbers of {array.dtype} cannot be read as {self.dtype}")
        if self.is_sparse:
            return
        self._owners = []
        self.source.numbers = self.pointer(array)
        self.source.type = <cymlp_type> <int> TYPES[array.dtype.name]
        self.source.number_size = array.itemsize
        self.source.n_in = array.shape[1]
        if shift is not None:
            if not shift.shape == divisor.shape == self.shape[1:]:
                raise ValueError("X needs a shift and a divisor for each column")
            self.source.shift = <const double *> self.pointer(
                np.asarray(shift, np.float64)
            )
            self.source.divisor = <const double *> self.pointer(
                np.asarray(divisor, np.float64)
            )

    cdef const void *pointer(self, array) except NULL:
        if not array.flags.c_contiguous:
            raise ValueError("an array of samples must be contiguous")
        if array.size == 0:
            return &NOTHING
        owner = memoryview(array.view(np.uint8))
        self._owners.append(owner)
        cdef const unsigned char[::1] numbers = owner.cast("B")
        return &numbers[0]

    def rows(self, index):
        """Read some samples.

        Parameters
        ----------
        index : slice or ndarray of int

        Returns
        -------
        X : ndarray or CSR matrix of shape (n_rows, n_features)
            A view of the array, where it can be one.
        """
        if self.chosen is not None:
            index = self.chosen[index]
        if self.is_sparse:
            return self.array[index]
        if self.is_direct:
            return self.array[index]
        if isinstance(index, slice):
            index = np.arange(*index.indices(self.array.shape[0]), dtype=np.intp)
        elif index.size and not 0 <= index.min() <= index.max() < self.array.shape[0]:
            raise IndexError("samples are out of range")
        X = np.empty((index.size, self.shape[1]), self.dtype)
        if X.size > 0:
            _read(self, np.ascontiguousarray(index, np.intp), X)
        return X

    def part(self, index):
        """Choose some samples, of which none are read now.

        Parameters
        ----------
        index : ndarray of intp

        Returns
        -------
        inputs : Inputs
        """
        if self.chosen is not None:
            index = self.chosen[index]
        return Inputs(self.array, self.dtype, self.shift, self.divisor, index)


def is_file(array):
    """Whether an array is a view of a file, and need not be in memory.

    Parameters
    ----------
    array : object

    Returns
    -------
    is_file : bool

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import is_file
    >>> is_file(np.zeros(2))
    False
    """
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


# Where an array without numbers begins: NULL would mean that there is no array.
cdef double NOTHING = 0


cdef void read_rows(
    Inputs inputs, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    floating *to
) noexcept nogil:
    kernels_for(to).read_rows(&inputs.source, rows, n, n_ahead, to)


def _read(Inputs inputs, const Py_ssize_t[::1] rows, floating[:, ::1] X):
    with nogil:
        read_rows(inputs, &rows[0], rows.shape[0], 0, &X[0, 0])
