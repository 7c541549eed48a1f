"""The block sparse form: X without the most frequent value of each feature."""

from libc.stdint cimport uint32_t

from cymlp._engine.storage.base cimport PaddedLayer, Stored
from cymlp.kernels cimport cymlp_block_sparse


cdef class BlockSparse(Stored):
    cdef readonly object indptr
    cdef readonly object blocks
    cdef readonly object codebook
    cdef readonly object fill_values
    cdef readonly object codebook_offsets
    cdef readonly object scales
    cdef cymlp_block_sparse X       # the addresses of the arrays above


cdef class BlockSparseLayer(PaddedLayer):
    # The transposed part: entries sorted by block index, and their number for each.
    cdef void *entries
    cdef uint32_t *counts
    cdef const cymlp_block_sparse *X
