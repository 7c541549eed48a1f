"""Memory that compiled code reads and writes."""

import numpy as np

cdef enum:
    CACHE_LINE = 64

# The address of an array of size 0; NULL stands for None.
cdef double EMPTY = 0


cdef class Buffers:
    """Base class that owns the memory behind the pointers of its subclasses."""

    def __cinit__(self):
        self._owners = []

    cdef void *reserve(self, size_t size) except NULL:
        """Allocate `size` bytes of zeros, aligned to a cache line."""
        # Zero pages occupy no memory until they are touched.
        cdef unsigned char[::1] memory = np.zeros(size + CACHE_LINE, np.uint8)
        cdef size_t misalignment = <size_t> &memory[0] % CACHE_LINE
        self._owners.append(memory)
        return &memory[0] + (CACHE_LINE - misalignment) % CACHE_LINE

    cdef const void *keep(self, array, dtype, str name) except? NULL:
        """Hold a reference to the array; return its address, or NULL for None."""
        if array is None:
            return NULL
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise ValueError(
                f"{name} must be C-contiguous and of dtype {np.dtype(dtype)}; got "
                f"dtype {array.dtype} and strides {array.strides}"
            )
        if array.size == 0:
            return &EMPTY
        # While this memoryview exists, the array cannot be resized or freed.
        owner = memoryview(array.reshape(-1).view(np.uint8))
        self._owners.append(owner)
        cdef const unsigned char[::1] values = owner
        return &values[0]


cdef check_shape(str name, given, expected):
    """Raise ValueError, naming the array, unless it has the expected shape."""
    if tuple(given) != tuple(expected):
        raise ValueError(
            f"{name} must have shape {tuple(expected)}; got {tuple(given)}"
        )
