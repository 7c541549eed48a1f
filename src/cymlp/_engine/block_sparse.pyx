"""Samples of which most columns have mostly one value, stored without it.

X = S + 1 oᵀ with o the commonest value of each column, so that S is mostly 0 even where
X has been shifted or scaled, as the background of images is. A row of S is stored as
its blocks of 4 neighbouring numbers that are not all 0: smaller blocks would be fewer
numbers, but a block is what the kernels hold in registers.
"""

from cython cimport floating
from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memset

from cymlp._engine.inputs cimport Inputs
from cymlp.kernels cimport cymlp_codes, cymlp_kernels, cymlp_storing, kernels_of

from typing import NamedTuple

import numpy as np
from scipy.stats import mode

from cymlp._engine.inputs import is_file

BLOCK = 4
# Above this share of blocks the dense products are faster.
LARGEST_SHARE = 0.4
# Of the memory that the compact form may take to that of X, and where X is a file.
LARGEST_SIZE = 0.6
LARGEST_SIZE_OF_FILE = 0.125
ROWS_TO_JUDGE_BY = 256
# Of a column's commonest value to the largest of its others.
LARGEST_RATIO = 16
# Of what is taken from a column to what this is divided by: as much coarser than that
# of its scaled numbers is their rounding.
LARGEST_SCALED = 64
MOST_CODES = 256
ROWS_AT_A_TIME = 1024


class Compact(NamedTuple):
    """Rows without the commonest values of their columns.

    Attributes
    ----------
    row_starts : ndarray of intp of shape (n_samples + 1,)
        Where each row begins among the blocks.
    blocks : ndarray of uint8 of shape (n_blocks, block_size)
        In each row the place of the block, divided by 4, as uint16, and its numbers in
        S; or, where there is a table, one byte for each of its numbers in X. All that
        is known of a row is in one piece, because samples in random order cost mostly
        for the pages of memory that they are spread over.
    table : ndarray of shape (256,) or None
        What the bytes stand for, where X has no more than 256 different numbers, as
        images and one-hot tables have.
    offsets : ndarray of shape (4 n_places,)
        The commonest value of each column, padded with zeros to a multiple of 4.
    taken : ndarray of shape (4 n_places,)
        What is taken from the numbers in the table to make those of S: the offsets.
    scales : ndarray of shape (4 n_places,) or None
        What numbers of S are multiplied by then. Where X is scaled, each column by
        itself, it may have few different numbers only before that. The table and
        `taken` are of these then.
    """

    row_starts: np.ndarray
    blocks: np.ndarray
    table: np.ndarray | None
    offsets: np.ndarray
    taken: np.ndarray
    scales: np.ndarray | None = None


def compacted(inputs):
    """Store rows by their blocks, where that pays.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    compact : Compact or None
        None if there are too many blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.block_sparse import compacted
    >>> from cymlp._engine.inputs import Inputs
    >>> X = np.ones((3, 100))
    >>> X[1, 6] = 5
    >>> compact = compacted(Inputs(X))
    >>> compact.row_starts
    array([0, 0, 1, 1])
    >>> compact.blocks.view(np.uint16)[:, 0], compact.table[compact.blocks[:, 2:]]
    (array([1], dtype=uint16), array([[1., 1., 5., 1.]]))
    """
    if -(-inputs.shape[1] // BLOCK) > np.iinfo(np.uint16).max:
        return None
    offsets, share = _commonest(inputs)
    if share > LARGEST_SHARE:
        return None
    try:
        return _store(inputs, offsets, share, has_codes=True)
    except TooManyCodesError:
        form = None
        # Else numbers that differ before they are scaled may be one when converted.
        if inputs.shift is not None and np.can_cast(inputs.array.dtype, inputs.dtype):
            form = _store_unscaled(inputs)
        return form or _store(inputs, offsets, share, has_codes=False)


def _store(inputs, offsets, share, has_codes):
    """The compact form; None if there are too many blocks, or X is not finite."""
    form, largest_other = _store_blocks(inputs, offsets, share, has_codes)
    lossy = _costs_digits(offsets, largest_other)
    if lossy.any():
        form = None  # so that there are not two in memory
        offsets = np.where(lossy, 0, offsets)
        form, largest_other = _store_blocks(inputs, offsets, share, has_codes)
    return form if np.isfinite([offsets, largest_other]).all() else None


def _store_unscaled(inputs):
    """The form with scales; None also if it has too many codes or costs digits."""
    unscaled = Inputs(inputs.array, inputs.dtype)
    commonest, share = _commonest(unscaled)
    try:
        form, largest_other = _store_blocks(unscaled, commonest, share, has_codes=True)
    except TooManyCodesError:
        return None
    if form is None:
        return None
    # The background of most columns becomes 0 in the table, and is not multiplied.
    background = mode(commonest[:inputs.shape[1]]).mode
    offsets, scales = np.zeros_like(commonest), np.zeros_like(commonest)
    columns = slice(inputs.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        taken = commonest - background
        offsets[columns] = (commonest[columns] - inputs.shift) / inputs.divisor
        scales[columns] = 1 / inputs.divisor
        scales[largest_other == 0] = 0
        largest = largest_other * scales
    if not (
        np.isfinite([offsets, largest]).all()
        and np.all(abs(taken) * scales <= LARGEST_SCALED)
    ):
        return None
    return form._replace(
        table=form.table - background, offsets=offsets, taken=taken, scales=scales
    )


def _commonest(inputs):
    """The commonest value of each column, and the share of blocks with others."""
    n_samples, n_features = inputs.shape
    n_places = -(-n_features // BLOCK)
    some = inputs.rows(slice(None, None, -(-n_samples // ROWS_TO_JUDGE_BY)))
    offsets = np.zeros(n_places * BLOCK, inputs.dtype)
    _find_commonest(np.sort(some.T.copy(), axis=1), offsets)
    differs = np.zeros((len(some), offsets.size), bool)
    np.not_equal(some, offsets[:n_features], out=differs[:, :n_features])
    return offsets, differs.reshape(-1, BLOCK).any(axis=1).mean()


def _find_commonest(const floating[:, ::1] columns, floating[::1] commonest):
    """Of the numbers of each column, which are sorted."""
    cdef Py_ssize_t column, first, i, length
    for column in range(columns.shape[0]):
        first = length = 0
        for i in range(columns.shape[1]):
            if columns[column, i] != columns[column, first]:
                first = i
            if i - first >= length:
                length = i - first + 1
                commonest[column] = columns[column, i]


def _costs_digits(offsets, largest_other):
    """Which offsets are too large to be taken from the others of their columns.

    Taken from numbers that are much smaller, an offset leaves few digits of them; and
    the difference must not overflow.
    """
    others = np.finfo(offsets.dtype)
    costs = abs(offsets) / LARGEST_RATIO > largest_other
    costs &= largest_other > others.tiny
    costs |= largest_other > others.max / 2
    return costs


class TooManyCodesError(ValueError):
    """There are more different numbers than codes."""


def _store_blocks(Inputs inputs, offsets, share, has_codes):
    """The form, None if it has too many blocks, and each column's largest other."""
    cdef const cymlp_kernels *kernels = kernels_of(inputs.dtype.name)
    cdef Py_ssize_t n_samples = inputs.shape[0], n_places = offsets.size // BLOCK
    cdef Py_ssize_t first, n, n_blocks = 0
    cdef cymlp_codes codes
    cdef cymlp_storing how
    cdef Py_ssize_t[::1] ends = np.zeros(1 + n_samples, np.intp)
    cdef uint8_t *to
    cdef bint stored
    largest_other = np.zeros_like(offsets)
    row, places = np.zeros_like(offsets), np.empty(n_places, np.uint16)
    table = np.full(MOST_CODES, offsets[0]) if has_codes else None
    how.offsets, how.n_places = address(offsets), n_places
    how.largest_other = address(largest_other)
    how.row, how.places = address(row), <uint16_t *> address(places)
    how.codes = NULL
    if has_codes:
        memset(&codes, 0, sizeof(codes))
        codes.table, codes.count, codes.multiplier = address(table), 1, 1
        how.codes = &codes

    cdef Py_ssize_t block_size = 2 + BLOCK * (1 if has_codes else offsets.itemsize)
    most_blocks = _most_blocks(inputs, block_size)
    # Memory that is not written to is not taken. For so much at once NumPy asks for
    # large pages, of which rows in random order need fewer.
    n_expected = min(int(1.1 * share * n_samples * n_places), most_blocks)
    blocks = np.empty((n_expected + ROWS_AT_A_TIME * n_places, block_size), np.uint8)
    for first in range(0, n_samples, ROWS_AT_A_TIME):
        n = min(ROWS_AT_A_TIME, n_samples - first)
        if n_blocks + n * n_places > len(blocks):
            n_expected = n_blocks + n_blocks // 4 + n * n_places
            blocks.resize((n_expected, block_size), refcheck=False)
        to = address(blocks)
        with nogil:
            stored = kernels.compact_store(
                &inputs.source, first, n, &how, &ends[1 + first],
                to + n_blocks * block_size
            )
        if not stored:
            raise TooManyCodesError
        n_blocks += np.sum(ends[1 + first:1 + first + n])
        if n_blocks > most_blocks:
            return None, largest_other
    blocks.resize((n_blocks, block_size), refcheck=False)
    return Compact(np.cumsum(ends), blocks, table, offsets, offsets), largest_other


cdef uint8_t *address(array):
    """Where the numbers of an array are, for as long as it is there."""
    cdef uint8_t[::1] numbers = array.reshape(-1).view(np.uint8)
    return &numbers[0]


def _most_blocks(inputs, block_size):
    """How many blocks are not too many."""
    n_places = -(-inputs.shape[1] // BLOCK)
    size = LARGEST_SIZE_OF_FILE if is_file(inputs.array) else LARGEST_SIZE
    return int(
        min(
            LARGEST_SHARE * inputs.shape[0] * n_places,
            size * inputs.array.nbytes / block_size,
        )
    )
