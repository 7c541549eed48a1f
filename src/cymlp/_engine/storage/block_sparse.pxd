"""The block sparse form: X without the most frequent value of each feature."""

from cymlp._engine.buffers cimport Buffers
from cymlp._engine.storage.base cimport PaddedLayer, Stored
from cymlp.kernels cimport cymlp_block_sparse, cymlp_transposed_slice


cdef class BlockSparse(Stored):
    cdef readonly object indptr
    cdef readonly object blocks
    cdef readonly object codebook
    cdef readonly object fill_values
    cdef readonly object codebook_offsets
    cdef readonly object scales
    cdef cymlp_block_sparse X       # the addresses of the arrays above


cdef class BlockSparseLayer(PaddedLayer):
    # The transposed part, a slice for each thread: entries sorted by block index, and
    # their number for each.
    cdef char *entries
    cdef cymlp_transposed_slice *slices
    cdef Buffers slice_memory
    cdef int max_slices
    cdef const cymlp_block_sparse *X
