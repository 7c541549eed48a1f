"""Memory that compiled code reads and writes."""


cdef class Buffers:
    cdef list _owners

    cdef void *reserve(self, size_t size) except NULL
    cdef const void *keep(self, array, dtype, str name) except? NULL


cpdef bint all_finite(array) except? -1

cdef check_shape(str name, given, expected)
