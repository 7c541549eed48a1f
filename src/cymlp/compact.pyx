"""Samples of which most columns have mostly one value, stored without it.

X = S + 1 oᵀ with o the commonest value of each column, so that S is mostly 0 even where
X has been shifted or scaled, as the background of images is. A row of S is stored as
its blocks of 4 neighbouring numbers that are not all 0: smaller blocks would be fewer
numbers, but a block is what the kernels hold in registers.
"""

from cython cimport floating
from libc.stdint cimport uint16_t

import numpy as np
from scipy.stats import mode

BLOCK = 4
# Above this share of blocks the dense products are faster, or the compact form would
# take more than half of the memory of X.
LARGEST_SHARE = 0.4
ROWS_TO_JUDGE_BY = 256


def compacted(X):
    """Store rows by their blocks, where that pays.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        float32 or float64, C-contiguous.

    Returns
    -------
    compact : tuple or None
        Where the blocks of each row begin, of shape (n_samples + 1,); the place of each
        block in its row, divided by 4, as uint16; its values, of shape (n_blocks, 4);
        and the commonest value of each column, padded with zeros to a multiple of 4.
        None if X has too many blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp.compact import compacted
    >>> X = np.ones((3, 100))
    >>> X[1, 6] = 5
    >>> row_starts, places, values, offsets = compacted(X)
    >>> row_starts, places, values
    (array([0, 0, 1, 1]), array([1], dtype=uint16), array([[0., 0., 4., 0.]]))
    """
    n_places = -(-X.shape[1] // BLOCK)
    if n_places > np.iinfo(np.uint16).max:
        return None
    some = X[:: -(-X.shape[0] // ROWS_TO_JUDGE_BY)]
    commonest = mode(some, axis=0).mode
    offsets = np.zeros(n_places * BLOCK, X.dtype)
    offsets[: X.shape[1]] = commonest
    if np.mean(some != commonest) > LARGEST_SHARE:
        return None
    row_starts = np.zeros(X.shape[0] + 1, np.intp)
    _count(X, offsets, row_starts[1:])
    np.cumsum(row_starts, out=row_starts)
    if row_starts[-1] > LARGEST_SHARE * X.shape[0] * n_places:
        return None
    places = np.empty(row_starts[-1], np.uint16)
    values = np.zeros((row_starts[-1], BLOCK), X.dtype)
    _fill(X, offsets, row_starts, places, values)
    return row_starts, places, values, offsets


cdef inline bint differs(
    const floating *x, const floating *offset, Py_ssize_t length
) noexcept nogil:
    cdef Py_ssize_t i
    cdef bint result = False
    for i in range(length):
        result |= x[i] != offset[i]
    return result


def _count(
    const floating[:, ::1] X, const floating[::1] offsets, Py_ssize_t[::1] counts
):
    """Number of blocks in each row."""
    cdef Py_ssize_t i, column
    cdef Py_ssize_t n_features = X.shape[1]
    cdef Py_ssize_t n_whole = n_features - n_features % 4
    with nogil:
        for i in range(X.shape[0]):
            for column in range(0, n_whole, 4):
                counts[i] += differs(&X[i, column], &offsets[column], 4)
            if n_whole < n_features:
                counts[i] += differs(
                    &X[i, n_whole], &offsets[n_whole], n_features - n_whole
                )


def _fill(
    const floating[:, ::1] X, const floating[::1] offsets,
    const Py_ssize_t[::1] row_starts, uint16_t[::1] places, floating[:, ::1] values
):
    """Place and values of every block."""
    cdef Py_ssize_t i, j, column, length
    cdef Py_ssize_t n_features = X.shape[1]
    cdef Py_ssize_t block = 0
    with nogil:
        for i in range(X.shape[0]):
            for column in range(0, n_features, 4):
                length = min(4, n_features - column)
                if differs(&X[i, column], &offsets[column], length):
                    places[block] = <uint16_t> (column // 4)
                    for j in range(length):
                        values[block, j] = X[i, column + j] - offsets[column + j]
                    block += 1
