"""Memory for compiled code."""


cdef class Workspace:
    cdef list _owners

    cdef void *reserve(self, shape, dtype) except NULL
