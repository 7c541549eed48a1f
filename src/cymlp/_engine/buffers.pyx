"""Memory that compiled code reads and writes."""

cimport cython
from cpython.buffer cimport (
    PyBuffer_Release, PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyObject_GetBuffer
)
from cython cimport floating
from libc.math cimport isfinite

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

    cdef Py_buffer memory
    cdef unsigned char *start

    def __cinit__(self, size_t size):
        # Zero pages occupy no memory until they are touched.
        memory = np.zeros(size + CACHE_LINE, np.uint8)
        PyObject_GetBuffer(memory, &self.memory, PyBUF_WRITABLE)
        cdef size_t misalignment = <size_t> self.memory.buf % CACHE_LINE
        cdef size_t skipped = (CACHE_LINE - misalignment) % CACHE_LINE
        self.start = <unsigned char *> self.memory.buf + skipped
        poison(self.memory.buf, skipped)
        poison(self.start + size, CACHE_LINE - skipped)

    def __dealloc__(self):
        if self.start is not NULL:
            unpoison(self.memory.buf, self.memory.len)
        PyBuffer_Release(&self.memory)


@cython.final
@cython.no_gc
cdef class Kept:
    """The memory of an array, which cannot be resized or freed meanwhile."""

    cdef Py_buffer memory

    def __cinit__(self, array):
        PyObject_GetBuffer(array, &self.memory, PyBUF_C_CONTIGUOUS)

    def __dealloc__(self):
        PyBuffer_Release(&self.memory)


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
        cdef Kept kept = Kept(array)
        self._owners.append(kept)
        return kept.memory.buf


cpdef bint all_finite(array) except? -1:
    """Return whether all values of a C-contiguous float32 or float64 are finite.

    NumPy takes longer for small arrays.
    """
    cdef Kept kept = Kept(array)
    cdef Py_ssize_t n = kept.memory.len // kept.memory.itemsize
    if kept.memory.itemsize == sizeof(float):
        return are_finite(<const float *> kept.memory.buf, n)
    return are_finite(<const double *> kept.memory.buf, n)


cdef bint are_finite(const floating *values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef bint result = True
    for i in range(n):
        result &= isfinite(values[i]) != 0
    return result


cdef check_shape(str name, given, expected):
    """Raise ValueError, naming the array, unless it has the expected shape."""
    if tuple(given) != tuple(expected):
        raise ValueError(
            f"{name} must have shape {tuple(expected)}; got {tuple(given)}"
        )
