"""X without the most frequent values of its features."""

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
    cdef cymlp_block_sparse X       # the addresses of these arrays


cdef class BlockSparseLayer(PaddedLayer):
    # The transposed part: entries sorted by block index, and how many each has.
    cdef void *entries
    cdef uint32_t *counts
    cdef const cymlp_block_sparse *X
