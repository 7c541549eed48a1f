"""Memory that compiled code reads and writes."""

cimport cython

import numpy as np

# AddressSanitizer then stops at an access beyond the memory that was asked for. These
# do nothing in other builds.
cdef extern from "poison.h":
    void poison(const void *address, size_t size) noexcept nogil
    void unpoison(const void *address, size_t size) noexcept nogil

cdef enum:
    CACHE_LINE = 64

# The address of an array of size 0; NULL stands for None.
cdef double EMPTY = 0


@cython.final
@cython.no_gc
cdef class Zeros:
    """Bytes of zeros, aligned to a cache line, between bytes that are poisoned."""

    cdef unsigned char[::1] memory
    cdef unsigned char *start

    def __cinit__(self, size_t size):
        # Zero pages occupy no memory until they are touched.
        self.memory = np.zeros(size + CACHE_LINE, np.uint8)
        cdef size_t misalignment = <size_t> &self.memory[0] % CACHE_LINE
        cdef size_t skipped = (CACHE_LINE - misalignment) % CACHE_LINE
        self.start = &self.memory[0] + skipped
        poison(&self.memory[0], skipped)
        poison(self.start + size, CACHE_LINE - skipped)

    def __dealloc__(self):
        if self.start is not NULL:
            unpoison(&self.memory[0], self.memory.shape[0])


cdef class Buffers:
    """Base class that owns the memory behind the pointers of its subclasses."""

    def __cinit__(self):
        self._owners = []

    cdef void *reserve(self, size_t size) except NULL:
        """Allocate `size` bytes of zeros, aligned to a cache line."""
        cdef Zeros zeros = Zeros(size)
        self._owners.append(zeros)
        return zeros.start

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
