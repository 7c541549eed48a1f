"""Memory for compiled code."""

import numpy as np


cdef class Workspace:
    """Owns arrays that compiled code reads and writes.

    Examples
    --------
    >>> from cymlp._engine.buffers import Workspace
    >>> workspace = Workspace()
    """

    def __cinit__(self):
        self._owners = []

    cdef void *reserve(self, shape, dtype) except NULL:
        """Zeros that begin on a cache line, and stay as long as their owner."""
        # Zeros are not in memory before they are touched.
        array = np.zeros(np.prod(shape) * np.dtype(dtype).itemsize + 64, np.uint8)
        self._owners.append(array)
        cdef unsigned char[::1] numbers = array
        return &numbers[63 - (<size_t> &numbers[0] + 63) % 64]
