"""The block sparse form: X without the most frequent values of its features.

X = S + 1 oᵀ with o the most frequent value of each feature, the fill value. S is mostly
0 even where X was shifted or scaled, like the background of images. A row of S is
stored as its blocks of 4 neighbouring values that are not all 0. Smaller blocks would
be fewer values, but 4 is what the kernels hold in registers.
"""

cimport cython
from cython cimport floating
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from cymlp._engine.inputs cimport Inputs
from cymlp.kernels cimport (
    cymlp_codes, cymlp_encoder, cymlp_kernels, cymlp_step, kernels_of
)

import numpy as np
from scipy.stats import mode

from cymlp._engine.inputs import is_file

BLOCK = 4
# Above this share of blocks the dense products are faster.
MAX_SHARE = 0.4
# Bounds of the memory of the block sparse form, as a share of that of X: for arrays in
# memory and for files.
MAX_SIZE = 0.6
MAX_SIZE_OF_FILE = 0.125
# Rows that the fill values and the share of blocks are estimated from.
N_SAMPLED_ROWS = 256
# Bound of a fill value, as a multiple of the feature's largest other value.
MAX_RATIO = 16
# Bound of a codebook offset, as a multiple of the divisor: by this factor rounding is
# coarser than that of the scaled values.
MAX_SCALED_OFFSET = 64
MAX_CODES = 256
# Rows that are encoded or transposed at once, so that they stay in the cache.
MAX_ROWS = 1024


class CodebookFullError(ValueError):
    """There are more different values than codes."""


@cython.final
cdef class BlockSparse(Stored):
    """X in block sparse form.

    Parameters
    ----------
    inputs : Inputs
    indptr : ndarray of intp of shape (n_samples + 1,)
        Where the rows begin in `blocks`.
    blocks : ndarray of uint8 of shape (n_blocks, block_size)
        The index of the block within its row as uint16, and its values in S; or, with a
        codebook, one byte for each of its values in X. A row is one piece of memory,
        because the time for samples in random order is mostly that for reaching their
        pages.
    codebook : ndarray of shape (256,) or None
        The values that the bytes stand for, if X has at most 256 different values, as
        images and one-hot tables have.
    fill_values : ndarray of shape (4 blocks_per_row,)
        The most frequent value of each feature, padded with zeros.
    codebook_offsets : ndarray of shape (4 blocks_per_row,)
        Subtracted from values of the codebook to make those of S.
    scales : ndarray of shape (4 blocks_per_row,), default=None
        Factors of the values of S, applied after the codebook. Where every feature is
        scaled by itself, X may have few different values only before scaling. The
        codebook and `codebook_offsets` then refer to these.

    Attributes
    ----------
    indptr, blocks, codebook, fill_values, codebook_offsets, scales
        As given.
    """

    def __cinit__(
        self, inputs, indptr, blocks, codebook, fill_values, codebook_offsets,
        scales=None
    ):
        dtype = fill_values.dtype
        self.indptr, self.blocks, self.codebook = indptr, blocks, codebook
        self.fill_values, self.scales = fill_values, scales
        self.codebook_offsets = codebook_offsets
        self.X.indptr = <const Py_ssize_t *> self.keep(indptr, np.intp, "indptr")
        self.X.blocks = <const char *> self.keep(blocks, np.uint8, "blocks")
        self.X.codebook = self.keep(codebook, dtype, "codebook")
        self.X.fill_values = self.keep(fill_values, dtype, "fill_values")
        self.X.codebook_offsets = self.keep(
            codebook_offsets, dtype, "codebook_offsets"
        )
        self.X.scales = self.keep(scales, dtype, "scales")
        self.X.blocks_per_row = fill_values.size // BLOCK

    @staticmethod
    def store(inputs):
        """Store X, if that pays.

        Parameters
        ----------
        inputs : Inputs

        Returns
        -------
        stored : BlockSparse or None
            None if too many blocks would be stored, or if X is not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from cymlp._engine.inputs import Inputs
        >>> from cymlp._engine.storage.block_sparse import BlockSparse
        >>> X = np.ones((3, 100))
        >>> X[1, 6] = 5
        >>> stored = BlockSparse.store(Inputs(X))
        >>> stored.indptr
        array([0, 0, 1, 1])
        >>> stored.blocks.view(np.uint16)[:, 0], stored.codebook[stored.blocks[:, 2:]]
        (array([1], dtype=uint16), array([[1., 1., 5., 1.]]))
        """
        if inputs.is_sparse or -(-inputs.shape[1] // BLOCK) > np.iinfo(np.uint16).max:
            return None
        fill_values, share = _find_fill_values(inputs)
        if share > MAX_SHARE:
            return None
        try:
            return _encode_finite(inputs, fill_values, share, has_codes=True)
        except CodebookFullError:
            stored = None
            # Otherwise different values may be the same after conversion.
            if inputs.shift is not None and np.can_cast(
                inputs.array.dtype, inputs.dtype
            ):
                stored = _encode_unscaled(inputs)
            return stored or _encode_finite(inputs, fill_values, share, has_codes=False)

    @property
    def blocks_per_row(self):
        return self.X.blocks_per_row

    def first_layer(self, n_out, batch_size, optimizer=None):
        return BlockSparseLayer(self, n_out, batch_size, optimizer)


def _encode_finite(inputs, fill_values, share, has_codes):
    """Encode X; None if too many blocks would be stored or X is not finite."""
    encoded, max_others = _encode(inputs, fill_values, share, has_codes)
    is_lossy = _costs_digits(fill_values, max_others)
    if is_lossy.any():
        encoded = None  # so that there are not two in memory
        fill_values = np.where(is_lossy, 0, fill_values)
        encoded, max_others = _encode(inputs, fill_values, share, has_codes)
    if encoded is None or not np.isfinite([fill_values, max_others]).all():
        return None
    return BlockSparse(inputs, *encoded, fill_values, fill_values)


def _encode_unscaled(inputs):
    """Encode X before scaling; None also if it has too many codes or costs digits."""
    unscaled = Inputs(inputs.array, inputs.dtype)
    unscaled_fill, share = _find_fill_values(unscaled)
    try:
        encoded, max_others = _encode(unscaled, unscaled_fill, share, has_codes=True)
    except CodebookFullError:
        return None
    if encoded is None:
        return None
    # The background of most features becomes 0 in the codebook, and is not multiplied.
    background = mode(unscaled_fill[:inputs.shape[1]]).mode
    fill_values, scales = np.zeros_like(unscaled_fill), np.zeros_like(unscaled_fill)
    features = slice(inputs.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        offsets = unscaled_fill - background
        fill_values[features] = (
            unscaled_fill[features] - inputs.shift
        ) / inputs.divisor
        scales[features] = 1 / inputs.divisor
        scales[max_others == 0] = 0
        max_scaled = max_others * scales
    if not (
        np.isfinite([fill_values, max_scaled]).all()
        and np.all(abs(offsets) * scales <= MAX_SCALED_OFFSET)
    ):
        return None
    indptr, blocks, codebook = encoded
    return BlockSparse(
        inputs, indptr, blocks, codebook - background, fill_values, offsets, scales
    )


def _find_fill_values(inputs):
    """The most frequent value of each feature, and the share of the other blocks."""
    n_samples, n_features = inputs.shape
    blocks_per_row = -(-n_features // BLOCK)
    rows = inputs.rows(slice(None, None, -(-n_samples // N_SAMPLED_ROWS)))
    fill_values = np.zeros(blocks_per_row * BLOCK, inputs.dtype)
    _find_most_frequent(np.sort(rows.T.copy(), axis=1), fill_values)
    differs = np.zeros((len(rows), fill_values.size), bool)
    np.not_equal(rows, fill_values[:n_features], out=differs[:, :n_features])
    return fill_values, differs.reshape(-1, BLOCK).any(axis=1).mean()


def _find_most_frequent(const floating[:, ::1] features, floating[::1] most_frequent):
    """The most frequent value of each row of sorted values."""
    cdef Py_ssize_t feature, first, i, length
    for feature in range(features.shape[0]):
        first = length = 0
        for i in range(features.shape[1]):
            if features[feature, i] != features[feature, first]:
                first = i
            if i - first >= length:
                length = i - first + 1
                most_frequent[feature] = features[feature, i]


def _costs_digits(fill_values, max_others):
    """Which fill values are too large to be subtracted from the others.

    Subtracted from much smaller values, a fill value leaves few of their digits; and
    the difference must not overflow.
    """
    limits = np.finfo(fill_values.dtype)
    costs = abs(fill_values) / MAX_RATIO > max_others
    costs &= max_others > limits.tiny
    costs |= max_others > limits.max / 2
    return costs


def _encode(Inputs inputs, fill_values, share, has_codes):
    """Return indptr, blocks and codebook, or None; and each feature's largest other."""
    cdef const cymlp_kernels *kernels = kernels_of(inputs.dtype == np.float32)
    cdef Py_ssize_t n_samples = inputs.shape[0]
    cdef Py_ssize_t blocks_per_row = fill_values.size // BLOCK
    cdef Py_ssize_t first, n, n_blocks = 0
    cdef cymlp_codes codes
    cdef cymlp_encoder encoder
    cdef Py_ssize_t[::1] counts = np.zeros(1 + n_samples, np.intp)
    cdef uint8_t *to
    cdef bint succeeded
    max_others, row = np.zeros_like(fill_values), np.zeros_like(fill_values)
    block_indices = np.empty(blocks_per_row, np.uint16)
    codebook = np.full(MAX_CODES, fill_values[0]) if has_codes else None
    encoder.fill_values, encoder.blocks_per_row = address(fill_values), blocks_per_row
    encoder.max_magnitudes, encoder.row = address(max_others), address(row)
    encoder.block_indices = <uint16_t *> address(block_indices)
    encoder.codes = NULL
    if has_codes:
        memset(&codes, 0, sizeof(codes))
        codes.codebook, codes.count, codes.multiplier = address(codebook), 1, 1
        encoder.codes = &codes

    cdef Py_ssize_t block_size = 2 + BLOCK * (1 if has_codes else fill_values.itemsize)
    max_blocks = _max_blocks(inputs, block_size)
    # Memory that is never written to is not occupied. For an array of this size NumPy
    # asks for large pages, of which rows in random order need fewer.
    n_expected = min(int(1.1 * share * n_samples * blocks_per_row), max_blocks)
    blocks = np.empty((n_expected + MAX_ROWS * blocks_per_row, block_size), np.uint8)
    for first in range(0, n_samples, MAX_ROWS):
        n = min(MAX_ROWS, n_samples - first)
        if n_blocks + n * blocks_per_row > len(blocks):
            n_expected = n_blocks + n_blocks // 4 + n * blocks_per_row
            blocks.resize((n_expected, block_size), refcheck=False)
        to = address(blocks)
        with nogil:
            succeeded = kernels.block_sparse_encode(
                &inputs.source, first, n, &encoder, &counts[1 + first],
                to + n_blocks * block_size
            )
        if not succeeded:
            raise CodebookFullError
        n_blocks += np.sum(counts[1 + first:1 + first + n])
        if n_blocks > max_blocks:
            return None, max_others
    blocks.resize((n_blocks, block_size), refcheck=False)
    return (np.cumsum(counts), blocks, codebook), max_others


cdef uint8_t *address(array):
    """The address of an array, valid as long as the array exists."""
    cdef uint8_t[::1] values = array.reshape(-1).view(np.uint8)
    return &values[0]


def _max_blocks(inputs, block_size):
    blocks_per_row = -(-inputs.shape[1] // BLOCK)
    size = MAX_SIZE_OF_FILE if is_file(inputs.array) else MAX_SIZE
    return int(
        min(
            MAX_SHARE * inputs.shape[0] * blocks_per_row,
            size * inputs.array.nbytes / block_size,
        )
    )


@cython.final
cdef class BlockSparseLayer(PaddedLayer):
    """The first layer for X in block sparse form."""

    def __cinit__(self, BlockSparse stored not None, *args):
        cdef Py_ssize_t blocks_per_row = stored.X.blocks_per_row
        self.X = &stored.X
        self.reserve_weights(BLOCK * blocks_per_row)
        self.part_size = min(self.batch_size, MAX_ROWS)
        self.entries = self.reserve(
            self.part_size * blocks_per_row * self.kernels.entry_size
        )
        self.counts = <uint32_t *> self.reserve(blocks_per_row * sizeof(uint32_t))

    cdef void forward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead, void *U
    ) noexcept nogil:
        self.kernels.block_sparse_transpose(
            self.X, indices, n, n_ahead, self.stride, self.entries, self.counts
        )
        self.kernels.block_sparse_forward(
            self.X, self.entries, self.counts, n, self.parameters, self.base, U,
            self.stride
        )

    cdef double backward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, bint again, const void *dU,
        const cymlp_step *step
    ) noexcept nogil:
        cdef double squares
        if again:
            self.kernels.block_sparse_transpose(
                self.X, indices, n, 0, self.stride, self.entries, self.counts
            )
        squares = self.kernels.block_sparse_backward(
            self.X, self.entries, self.counts, n, dU, self.db, self.stride, step
        )
        # It is the sum over the batch, and the first part has added it.
        memset(self.db, 0, self.stride * self.itemsize)
        return squares
