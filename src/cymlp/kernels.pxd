"""The kernels for the processor at hand."""

from cython cimport floating
from libc.stdint cimport uint16_t, uint32_t, uint64_t


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
        const void *taken
        const void *scales
        Py_ssize_t n_places

    ctypedef struct cymlp_codes:
        void *table
        int count
        uint64_t multiplier

    ctypedef struct cymlp_storing:
        const void *offsets
        Py_ssize_t n_places
        cymlp_codes *codes
        void *largest_other
        void *row
        uint16_t *places

    ctypedef struct cymlp_groups:
        Py_ssize_t count
        int *columns
        uint32_t *ends
        void *elements
        uint32_t *places

    ctypedef struct cymlp_rows:
        void *weights
        void *velocity
        const void *powers
        Py_ssize_t width

    ctypedef enum cymlp_type:
        CYMLP_UINT8
        CYMLP_INT8
        CYMLP_UINT16
        CYMLP_INT16
        CYMLP_FLOAT16
        CYMLP_FLOAT32
        CYMLP_FLOAT64

    ctypedef struct cymlp_inputs:
        const void *numbers
        cymlp_type type
        size_t number_size
        Py_ssize_t n_in
        const double *shift
        const double *divisor

    ctypedef struct cymlp_kernels:
        Py_ssize_t lanes
        size_t entry_size
        size_t element_size
        void (*read_rows)(
            const cymlp_inputs *inputs, const Py_ssize_t *order, Py_ssize_t n,
            Py_ssize_t n_ahead, void *rows
        ) noexcept nogil
        void (*dense_forward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t n_ahead, Py_ssize_t n_in,
            const void *W, const void *base, void *U, Py_ssize_t stride
        ) noexcept nogil
        double (*dense_backward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t n_in, const void *D,
            Py_ssize_t stride, const cymlp_step *step
        ) noexcept nogil
        bint (*compact_store)(
            const cymlp_inputs *inputs, Py_ssize_t first, Py_ssize_t n,
            const cymlp_storing *how, Py_ssize_t *counts, void *blocks
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
        void (*sparse_group)(
            const Py_ssize_t *row_starts, const int *columns, const void *values,
            const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
            cymlp_groups *groups
        ) noexcept nogil
        void (*sparse_pack)(
            const void *rows, Py_ssize_t n, Py_ssize_t width, void *packed
        ) noexcept nogil
        void (*sparse_unpack)(
            const void *packed, Py_ssize_t n, Py_ssize_t width, void *rows
        ) noexcept nogil
        void (*sparse_forward)(
            const cymlp_groups *groups, const cymlp_rows *W, const void *base, void *U,
            Py_ssize_t n
        ) noexcept nogil
        void (*sparse_gradient)(
            const cymlp_groups *groups, Py_ssize_t g, const void *D, Py_ssize_t width,
            void *G
        ) noexcept nogil
        double (*sparse_backward)(
            const cymlp_groups *groups, const void *D, double rate, const cymlp_rows *W
        ) noexcept nogil
        void (*sparse_move)(const cymlp_rows *W, Py_ssize_t n) noexcept nogil
        void (*exp)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*expm1)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*log)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*log1p)(const void *x, void *y, Py_ssize_t count) noexcept nogil
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


cdef inline const cymlp_kernels *kernels_of(str dtype) noexcept:
    """The kernels of the precision of that name."""
    if dtype == "float64":
        return &chosen_kernels().f64
    return &chosen_kernels().f32


cdef inline Py_ssize_t padded_width(
    const cymlp_kernels *kernels, Py_ssize_t width
) noexcept:
    """The numbers of a row of that width that is padded to whole vectors."""
    return (width + kernels.lanes - 1) // kernels.lanes * kernels.lanes
