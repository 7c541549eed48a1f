"""The kernels for the processor at hand."""

from cython cimport floating
from libc.stdint cimport uint32_t


cdef extern from "cymlp/kernels.h" nogil:
    ctypedef struct cymlp_step:
        void *weights
        void *velocity
        void *gradient
        double momentum
        double weight_decay
        double velocity_rate
        double direction_rate

    ctypedef struct cymlp_compact:
        const Py_ssize_t *row_starts
        const char *blocks
        const void *table
        const void *offsets
        Py_ssize_t n_places

    ctypedef struct cymlp_kernels:
        Py_ssize_t lanes
        size_t entry_size
        void (*dense_forward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t n_ahead, Py_ssize_t n_in,
            const void *W, const void *base, void *U, Py_ssize_t stride
        ) noexcept nogil
        double (*dense_backward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t n_in, const void *D,
            Py_ssize_t stride, const cymlp_step *step
        ) noexcept nogil
        void (*compact_sort)(
            const cymlp_compact *rows, const Py_ssize_t *order, Py_ssize_t n,
            Py_ssize_t n_ahead, Py_ssize_t stride, void *entries, uint32_t *counts
        ) noexcept nogil
        void (*compact_forward)(
            const cymlp_compact *rows, const void *entries, const uint32_t *counts,
            Py_ssize_t n, const void *W, const void *base, void *U, Py_ssize_t stride
        ) noexcept nogil
        double (*compact_backward)(
            const cymlp_compact *rows, const void *entries, const uint32_t *counts,
            Py_ssize_t n, const void *D, const void *db, Py_ssize_t stride,
            const cymlp_step *step
        ) noexcept nogil
        void (*exp)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*expm1_negative)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*tanh)(const void *x, void *y, Py_ssize_t count) noexcept nogil

    ctypedef struct cymlp_kernel_set:
        const char *isa
        cymlp_kernels f32
        cymlp_kernels f64

    const cymlp_kernel_set *cymlp_find_kernels(const char *isa)


cdef const cymlp_kernel_set *chosen_kernels() noexcept nogil


cdef inline const cymlp_kernels *kernels_for(const floating *numbers) noexcept nogil:
    """The kernels of a precision, that of the numbers; these are not looked at."""
    if floating is float:
        return &chosen_kernels().f32
    else:
        return &chosen_kernels().f64
