"""Samples of which most columns have mostly one value, stored without it.

X = S + 1 oᵀ with o the commonest value of each column, so that S is mostly 0 even where
X has been shifted or scaled, as the background of images is. A row of S is stored as
its blocks of 4 neighbouring numbers that are not all 0: smaller blocks would be fewer
numbers, but a block is what the kernels hold in registers.
"""

cimport cython
from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from typing import NamedTuple

import numpy as np
from scipy.stats import mode
from sklearn.utils import gen_batches

from cymlp.inputs import is_file

BLOCK = 4
# Above this share of blocks the dense products are faster.
LARGEST_SHARE = 0.4
# Of the memory that the compact form may take to that of X, and where X is a file.
LARGEST_SIZE = 0.6
LARGEST_SIZE_OF_FILE = 0.125
ROWS_TO_JUDGE_BY = 256
# Of a column's commonest value to the largest of its others.
LARGEST_RATIO = 16
MOST_CODES = 256
ROWS_AT_A_TIME = 1024

cdef enum:
    SLOTS = 2048


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
    offsets : ndarray
        The commonest value of each column, padded with zeros to a multiple of 4.
    """

    row_starts: np.ndarray
    blocks: np.ndarray
    table: np.ndarray | None
    offsets: np.ndarray


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
    >>> from cymlp.compact import compacted
    >>> from cymlp.inputs import Inputs
    >>> X = np.ones((3, 100))
    >>> X[1, 6] = 5
    >>> compact = compacted(Inputs(X))
    >>> compact.row_starts
    array([0, 0, 1, 1])
    >>> compact.blocks.view(np.uint16)[:, 0], compact.table[compact.blocks[:, 2:]]
    (array([1], dtype=uint16), array([[1., 1., 5., 1.]]))
    """
    n_samples, n_features = inputs.shape
    n_places = -(-n_features // BLOCK)
    if n_places > np.iinfo(np.uint16).max:
        return None
    some = inputs.rows(slice(None, None, -(-n_samples // ROWS_TO_JUDGE_BY)))
    commonest = mode(some, axis=0, keepdims=False).mode
    if np.mean(some != commonest) > LARGEST_SHARE:
        return None
    offsets = np.zeros(n_places * BLOCK, inputs.dtype)
    offsets[:n_features] = commonest
    form, lossy = _store(inputs, offsets)
    if lossy.any():
        offsets[lossy] = 0
        form = None  # so that there are not two in memory
        form, _ = _store(inputs, offsets)
    return form


def _store(inputs, offsets):
    """The compact form, or None, and the offsets that cost digits."""
    largest_other = np.zeros_like(offsets)
    form = _store_coded(inputs, offsets, largest_other, Codes(offsets.dtype))
    if form is TOO_MANY_CODES:
        form = _store_coded(inputs, offsets, largest_other, None)
    # Taken from numbers that are much smaller, an offset leaves few digits of them; and
    # the difference must not overflow.
    lossy = abs(offsets) / LARGEST_RATIO > largest_other
    lossy &= largest_other > 0
    lossy |= largest_other > np.finfo(offsets.dtype).max / 2
    return form, lossy


TOO_MANY_CODES = object()


def _store_coded(inputs, offsets, largest_other, Codes codes):
    """The compact form with or without codes; None if it has too many blocks."""
    n_samples, n_places = inputs.shape[0], offsets.size // BLOCK
    block_size = 2 + BLOCK * (offsets.itemsize if codes is None else 1)
    most_blocks = _most_blocks(inputs, block_size)
    space = np.empty((min(ROWS_AT_A_TIME, n_samples) * n_places, block_size), np.uint8)
    counts = np.zeros(n_samples + 1, np.intp)
    blocks = np.empty((0, block_size), np.uint8)
    n_blocks = 0
    for rows in gen_batches(n_samples, ROWS_AT_A_TIME):
        some = inputs.rows(rows)
        count = _fill(some, offsets, largest_other, codes, counts[1:][rows], space)
        if count < 0:
            return TOO_MANY_CODES
        if n_blocks + count > most_blocks:
            return None
        if n_blocks + count > len(blocks):
            # To grow it in place needs no second copy, as parts put together would.
            # For all rows, if they are like those so far.
            n_expected = min((n_blocks + count) * n_samples // rows.stop, most_blocks)
            blocks.resize((n_expected, block_size), refcheck=False)
        blocks[n_blocks:n_blocks + count] = space[:count]
        n_blocks += count
    blocks.resize((n_blocks, block_size), refcheck=False)
    table = None if codes is None else codes.table
    return Compact(np.cumsum(counts), blocks, table, offsets)


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


@cython.final
cdef class Codes:
    """One byte for each different number: a table, and how a number is found there.

    Numbers are found by their bits, with open addressing: a slot has one more than the
    code of its number, and 0 where it is free.
    """

    cdef readonly object table
    cdef uint16_t[SLOTS] slots
    cdef int count

    def __cinit__(self, dtype):
        self.table = np.zeros(MOST_CODES, dtype)
        self.count = 0


cdef inline Py_ssize_t slot_of(floating number) noexcept nogil:
    cdef uint32_t bits
    cdef uint64_t long_bits
    if floating is float:
        memcpy(&bits, &number, sizeof(bits))
        bits ^= bits >> 16
        return (bits * <uint32_t> 0x85EBCA6B) >> 21
    else:
        memcpy(&long_bits, &number, sizeof(long_bits))
        long_bits ^= long_bits >> 32
        return <Py_ssize_t> ((long_bits * <uint64_t> 0xFF51AFD7ED558CCD) >> 53)


cdef inline int code_of(Codes codes, floating *table, floating number) noexcept nogil:
    """The code of a number, a new one where it has none; -1 if there are too many."""
    cdef Py_ssize_t slot = slot_of(number)
    while codes.slots[slot] != 0:
        if same(&table[codes.slots[slot] - 1], &number, 1):
            return codes.slots[slot] - 1
        slot = (slot + 1) % SLOTS
    if codes.count == 256:
        return -1
    table[codes.count] = number
    codes.count += 1
    codes.slots[slot] = <uint16_t> codes.count
    return codes.count - 1


cdef inline bint same(
    const floating *x, const floating *y, Py_ssize_t length
) noexcept nogil:
    # By their bits, which are compared all at once.
    return memcmp(x, y, length * sizeof(floating)) == 0


def _fill(
    const floating[:, ::1] X, const floating[::1] offsets, floating[::1] largest_other,
    Codes codes, Py_ssize_t[::1] counts, uint8_t[:, ::1] blocks
):
    """Write the blocks of some rows one after the other; return their number.

    Counts those of each row, and notes the largest magnitude in each column of numbers
    that are not its offset. Returns -1 if there are too many codes.
    """
    cdef Py_ssize_t i, column
    cdef Py_ssize_t n_whole = X.shape[1] - X.shape[1] % 4
    cdef Py_ssize_t n_blocks = 0
    cdef bint filled = True
    cdef floating[::1] numbers
    cdef floating *table = NULL
    if codes is not None:
        numbers = codes.table
        table = &numbers[0]
        # What pads the last block of a row.
        if n_whole < X.shape[1]:
            code_of(codes, table, <floating> 0)
    with nogil:
        for i in range(X.shape[0]):
            counts[i] = n_blocks
            for column in range(0, n_whole, 4):
                if not same(&X[i, column], &offsets[column], 4):
                    filled &= fill_block(
                        &X[i, column], &offsets[column], &largest_other[column], 4,
                        column, codes, table, &blocks[n_blocks, 0]
                    )
                    n_blocks += 1
            if n_whole < X.shape[1] and not same(
                &X[i, n_whole], &offsets[n_whole], X.shape[1] - n_whole
            ):
                filled &= fill_block(
                    &X[i, n_whole], &offsets[n_whole], &largest_other[n_whole],
                    X.shape[1] - n_whole, n_whole, codes, table, &blocks[n_blocks, 0]
                )
                n_blocks += 1
            counts[i] = n_blocks - counts[i]
    return n_blocks if filled else -1


cdef inline bint fill_block(
    const floating *x, const floating *offset, floating *largest_other,
    Py_ssize_t length, Py_ssize_t column, Codes codes, floating *table, uint8_t *block
) noexcept nogil:
    """Write a block; return False if a number of it has no code."""
    cdef uint16_t place = <uint16_t> (column // 4)
    cdef floating[4] padded
    cdef floating other
    cdef bint filled = True
    cdef Py_ssize_t j
    cdef int code
    memcpy(block, &place, sizeof(place))
    memset(padded, 0, sizeof(padded))
    for j in range(length):
        # No branch: whether they differ cannot be guessed.
        other = <floating> fabs(x[j]) * (x[j] != offset[j])
        largest_other[j] = other if other > largest_other[j] else largest_other[j]
    if table == NULL:
        for j in range(length):
            padded[j] = x[j] - offset[j]
        memcpy(block + 2, padded, sizeof(padded))
        return True
    for j in range(length):
        padded[j] = x[j]
    for j in range(4):
        code = code_of(codes, table, padded[j])
        filled &= code >= 0
        block[2 + j] = <uint8_t> code
    return filled
