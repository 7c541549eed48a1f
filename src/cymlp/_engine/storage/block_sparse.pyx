"""The block sparse form: X without the most frequent value of each feature.

X = S + 1 fᵀ, where f, the fill values, are the most frequent values of the features.
S is mostly 0 even if X was shifted or scaled, as in the background of images. A row of
S is stored as its blocks of 4 neighbouring values that are not all 0. Smaller blocks
would store fewer values, but the kernels hold the weights of 4 in registers.
"""

cimport cython
from cython cimport floating
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from cymlp._engine.buffers cimport all_finite
from cymlp._engine.inputs cimport Inputs
from cymlp.kernels cimport (
    CYMLP_MAX_CODES, cymlp_codes, cymlp_encoder, cymlp_kernels, kernels_of
)

import numpy as np
from scipy.stats import mode

from cymlp._engine.inputs import is_file
from cymlp._engine.storage.base import MAX_ROWS

cdef enum:
    BLOCK = 4

# Above this share of stored blocks, the dense products are faster.
MAX_SHARE = 0.4
# Maximum size of the block sparse form as a share of that of X, an array or a file.
MAX_SIZE = 0.6
MAX_SIZE_OF_FILE = 0.125
# Number of rows from which the fill values and the share of blocks are estimated.
N_SAMPLED_ROWS = 256
# Maximum fill value, as a multiple of the feature's largest other value.
MAX_RATIO = 16
# Maximum codebook offset, as a multiple of the divisor: rounding is coarser than that
# of the scaled values by up to this factor.
MAX_SCALED_OFFSET = 64


class CodebookFullError(ValueError):
    """X has more different values than there are codes."""


@cython.final
cdef class BlockSparse(Stored):
    """X in block sparse form; `cymlp_block_sparse` in kernels.h describes the arrays.

    `blocks` (n_blocks, block_size) of uint8 has index and values of a block side by
    side: with samples in random order, most time goes to reaching their pages. A
    codebook is used if X has at most 256 different values, as images and one-hot tables
    have. If each feature has its own divisor, X may have so few only before scaling.
    Then the codebook has the unscaled values, and `scales` the divisors' reciprocals.
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
        """Store X; return None if it has too many blocks or is not finite."""
        if inputs.is_sparse or -(-inputs.shape[1] // BLOCK) > np.iinfo(np.uint16).max:
            return None
        if inputs.shape[0] == 1:
            return _of_one_row(inputs)
        fill_values, share = _find_fill_values(inputs)
        if share > MAX_SHARE:
            return None
        try:
            return _encode_finite(inputs, fill_values, share, has_codes=True)
        except CodebookFullError:
            stored = None
            # A lossy cast before scaling could make different values equal.
            if inputs.shift is not None and np.can_cast(
                inputs.array.dtype, inputs.dtype
            ):
                stored = _encode_unscaled(inputs)
            return stored or _encode_finite(inputs, fill_values, share, has_codes=False)

    @property
    def blocks_per_row(self):
        return self.X.blocks_per_row

    def n_values(self):
        return BLOCK * self.indptr[-1] / self.n_samples

    def first_layer(self, n_out, batch_size, optimizer=None):
        return BlockSparseLayer(self, n_out, batch_size, optimizer)


def _of_one_row(Inputs inputs):
    """Return X of one row, whose values are the fill values of no block; or None."""
    cdef Py_ssize_t index = 0
    cdef Py_ssize_t n_blocks = -(-inputs.shape[1] // BLOCK)
    fill_values = np.zeros(n_blocks * BLOCK, inputs.dtype)
    blocks, indptr = np.empty((0, 2 + BLOCK), np.uint8), np.zeros(2, np.intp)
    codebook = np.zeros(CYMLP_MAX_CODES, inputs.dtype)
    cdef BlockSparse stored = BlockSparse(
        inputs, indptr, blocks, codebook, fill_values, fill_values
    )
    kernels_of(inputs.dtype == np.float32).read_rows(
        &inputs.source, &index, 1, 0, <void *> stored.X.fill_values
    )
    return stored if all_finite(fill_values) else None


def _encode_finite(inputs, fill_values, share, has_codes):
    """Encode X; None if it has too many blocks or is not finite."""
    encoded, max_magnitudes = _encode(inputs, fill_values, share, has_codes)
    is_lossy = _costs_digits(fill_values, max_magnitudes)
    if is_lossy.any():
        encoded = None  # free its memory first
        fill_values = np.where(is_lossy, 0, fill_values)
        encoded, max_magnitudes = _encode(inputs, fill_values, share, has_codes)
    if encoded is None or not np.isfinite([fill_values, max_magnitudes]).all():
        return None
    return BlockSparse(inputs, *encoded, fill_values, fill_values)


def _encode_unscaled(inputs):
    """Encode X before scaling; None also if it needs too many codes or loses digits."""
    unscaled = Inputs(inputs.array, inputs.dtype)
    unscaled_fill, share = _find_fill_values(unscaled)
    try:
        encoded, max_magnitudes = _encode(
            unscaled, unscaled_fill, share, has_codes=True
        )
    except CodebookFullError:
        return None
    if encoded is None:
        return None
    # The fill value of most features becomes 0 in the codebook, so that their offsets
    # are 0.
    common_fill = mode(unscaled_fill[:inputs.shape[1]], keepdims=False).mode
    fill_values, scales = np.zeros_like(unscaled_fill), np.zeros_like(unscaled_fill)
    features = slice(inputs.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        offsets = unscaled_fill - common_fill
        fill_values[features] = (
            unscaled_fill[features] - inputs.shift
        ) / inputs.divisor
        scales[features] = 1 / inputs.divisor
        scales[max_magnitudes == 0] = 0
        max_scaled = max_magnitudes * scales
    if not (
        np.isfinite([fill_values, max_scaled]).all()
        and np.all(abs(offsets) * scales <= MAX_SCALED_OFFSET)
    ):
        return None
    indptr, blocks, codebook = encoded
    return BlockSparse(
        inputs, indptr, blocks, codebook - common_fill, fill_values, offsets, scales
    )


def _find_fill_values(inputs):
    """Estimate each feature's most frequent value, and the share of other blocks."""
    n_samples, n_features = inputs.shape
    blocks_per_row = -(-n_features // BLOCK)
    rows = inputs.rows(slice(None, None, -(-n_samples // N_SAMPLED_ROWS)))
    fill_values = np.zeros(blocks_per_row * BLOCK, inputs.dtype)
    _find_most_frequent(np.sort(rows.T.copy(), axis=1), fill_values)
    differs = np.zeros((len(rows), fill_values.size), bool)
    np.not_equal(rows, fill_values[:n_features], out=differs[:, :n_features])
    return fill_values, differs.reshape(-1, BLOCK).any(axis=1).mean()


def _find_most_frequent(const floating[:, ::1] features, floating[::1] most_frequent):
    """Find the most frequent value of each row; rows are sorted."""
    cdef Py_ssize_t feature, first, i, length
    for feature in range(features.shape[0]):
        first = length = 0
        for i in range(features.shape[1]):
            if features[feature, i] != features[feature, first]:
                first = i
            if i - first >= length:
                length = i - first + 1
                most_frequent[feature] = features[feature, i]


def _costs_digits(fill_values, max_magnitudes):
    """Return which fill values would cost the other values digits, or overflow.

    Subtracting a fill value from much smaller values leaves few of their digits.
    """
    limits = np.finfo(fill_values.dtype)
    costs = abs(fill_values) / MAX_RATIO > max_magnitudes
    costs &= max_magnitudes > limits.tiny
    costs |= max_magnitudes > limits.max / 2
    return costs


def _encode(Inputs inputs, fill_values, share, has_codes):
    """Return (indptr, blocks, codebook) or None, and each feature's max magnitude.

    None stands for too many blocks. Magnitudes are of values other than the fill value.
    """
    cdef const cymlp_kernels *kernels = kernels_of(inputs.dtype == np.float32)
    cdef Py_ssize_t n_samples = inputs.shape[0]
    cdef Py_ssize_t blocks_per_row = fill_values.size // BLOCK
    cdef Py_ssize_t first, n, n_blocks = 0
    cdef cymlp_codes codes
    cdef cymlp_encoder encoder
    cdef Py_ssize_t[::1] counts = np.zeros(1 + n_samples, np.intp)
    cdef uint8_t *to
    cdef bint succeeded
    max_magnitudes, row = np.zeros_like(fill_values), np.zeros_like(fill_values)
    block_indices = np.empty(blocks_per_row, np.uint16)
    codebook = np.full(CYMLP_MAX_CODES, fill_values[0]) if has_codes else None
    encoder.fill_values, encoder.blocks_per_row = address(fill_values), blocks_per_row
    encoder.max_magnitudes, encoder.row = address(max_magnitudes), address(row)
    encoder.block_indices = <uint16_t *> address(block_indices)
    encoder.codes = NULL
    if has_codes:
        memset(&codes, 0, sizeof(codes))
        codes.codebook, codes.count, codes.multiplier = address(codebook), 1, 1
        encoder.codes = &codes

    cdef Py_ssize_t block_size = 2 + BLOCK * (1 if has_codes else fill_values.itemsize)
    max_blocks = _max_blocks(inputs, block_size)
    # Unwritten pages occupy no memory. One large array lets NumPy ask for huge pages,
    # which make rows in random order faster to reach.
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
            return None, max_magnitudes
    blocks.resize((n_blocks, block_size), refcheck=False)
    return (np.cumsum(counts), blocks, codebook), max_magnitudes


cdef uint8_t *address(array):
    """Return the address of an array, which the caller must keep alive."""
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
        self.reserve_weights(BLOCK * blocks_per_row, BLOCK)
        self.part_size = min(self.batch_size, MAX_ROWS)
        self.entries = <char *> self.reserve(
            self.part_size * blocks_per_row * self.kernels.entry_size
        )

    cdef int reserve_batches(self, const Py_ssize_t[::1] indices, int n_threads) \
            except -1:
        cdef size_t size = self.X.blocks_per_row * sizeof(uint32_t)
        if n_threads > self.max_slices:
            self.max_slices, self.slice_memory = n_threads, Buffers()
            self.slices = <cymlp_transposed_slice *> self.slice_memory.reserve(
                n_threads * sizeof(cymlp_transposed_slice)
            )
            for index in range(n_threads):
                self.slices[index].counts = <uint32_t *> (
                    self.slice_memory.reserve(size)
                )
        return 0

    cdef void read_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        cdef cymlp_transposed_slice *slice = &self.slices[index]
        slice.first, slice.n = first, end - first
        slice.entries = (
            self.entries + first * self.X.blocks_per_row * self.kernels.entry_size
        )
        self.kernels.block_sparse_transpose(
            self.X, &self.indices[first], self.n + self.n_ahead - end, self.stride,
            slice
        )

    cdef void forward_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        self.kernels.block_sparse_forward(
            self.X, &self.slices[index], self.parameters, self.b, self.part_U,
            self.stride
        )

    cdef double backward_rows(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        return self.kernels.block_sparse_backward(
            self.X, self.slices, self.n_slices, first // BLOCK, end // BLOCK,
            self.part_dU, self.db, self.stride, &self.form
        )
