"""The kernels for this processor, and functions over arrays."""

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

    ctypedef struct cymlp_adam:
        double beta_1
        double rest_1
        double beta_2
        double rest_2
        double weight_decay
        double step_size
        double root_factor
        double epsilon

    int CYMLP_N_ELEMENT_TYPES
    int CYMLP_MAX_CODES

    ctypedef struct cymlp_inputs:
        const void *values
        int type
        size_t itemsize
        Py_ssize_t n_features
        const double *shift
        const double *divisor
        const double *lower
        const double *upper

    ctypedef struct cymlp_block_sparse:
        const Py_ssize_t *indptr
        const char *blocks
        const void *codebook
        const void *fill_values
        const void *codebook_offsets
        const void *scales
        Py_ssize_t blocks_per_row

    ctypedef struct cymlp_codes:
        void *codebook
        int count
        uint64_t multiplier

    ctypedef struct cymlp_encoder:
        const void *fill_values
        Py_ssize_t blocks_per_row
        cymlp_codes *codes
        void *max_magnitudes
        void *row
        uint16_t *block_indices

    ctypedef struct cymlp_transposed_slice:
        Py_ssize_t first
        Py_ssize_t n
        void *entries
        uint32_t *counts

    ctypedef struct cymlp_transposed_batch:
        Py_ssize_t n_segments
        int *features
        uint32_t *segment_ends
        void *entries
        uint32_t *segment_of

    ctypedef struct cymlp_weight_rows:
        void *weights
        void *velocity
        const void *powers
        Py_ssize_t width

    ctypedef struct cymlp_kernels:
        Py_ssize_t lanes
        size_t entry_size
        size_t csr_entry_size
        void (*read_rows)(
            const cymlp_inputs *inputs, const Py_ssize_t *indices, Py_ssize_t n,
            Py_ssize_t n_ahead, void *rows
        ) noexcept nogil
        void (*dense_forward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t n_ahead, Py_ssize_t n_in,
            const void *W, const void *bias, void *U, Py_ssize_t stride
        ) noexcept nogil
        double (*dense_backward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t first, Py_ssize_t end,
            const void *D, Py_ssize_t stride, const cymlp_step *step
        ) noexcept nogil
        Py_ssize_t wide
        Py_ssize_t max_rows
        double (*wide_backward)(
            const void *const *A, Py_ssize_t n, Py_ssize_t first, Py_ssize_t end,
            const void *D, Py_ssize_t stride, const cymlp_step *step
        ) noexcept nogil
        Py_ssize_t panel
        void (*pack_panels)(
            const void *B, Py_ssize_t n, Py_ssize_t width, Py_ssize_t first,
            Py_ssize_t end, void *panels
        ) noexcept nogil
        void (*pack_transposed)(
            const void *B, Py_ssize_t width, Py_ssize_t first, Py_ssize_t end,
            void *panels
        ) noexcept nogil
        void (*panel_product)(
            const void *A, Py_ssize_t n, Py_ssize_t k, const void *B, Py_ssize_t width,
            const void *bias, void *C
        ) noexcept nogil
        void (*panel_gradient)(
            const void *A, Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t first,
            Py_ssize_t end, const void *D, Py_ssize_t width, void *G
        ) noexcept nogil
        void (*column_sums)(
            const void *D, Py_ssize_t n, Py_ssize_t width, Py_ssize_t first,
            Py_ssize_t end, void *sums
        ) noexcept nogil
        bint (*block_sparse_encode)(
            const cymlp_inputs *inputs, Py_ssize_t first, Py_ssize_t n,
            const cymlp_encoder *encoder, Py_ssize_t *counts, void *blocks
        ) noexcept nogil
        void (*block_sparse_transpose)(
            const cymlp_block_sparse *X, const Py_ssize_t *indices,
            Py_ssize_t n_ahead, Py_ssize_t stride, const cymlp_transposed_slice *slice
        ) noexcept nogil
        void (*block_sparse_forward)(
            const cymlp_block_sparse *X, const cymlp_transposed_slice *slice,
            const void *W, const void *bias, void *U, Py_ssize_t stride
        ) noexcept nogil
        double (*block_sparse_backward)(
            const cymlp_block_sparse *X, const cymlp_transposed_slice *slices,
            Py_ssize_t n_slices, Py_ssize_t first, Py_ssize_t end, const void *D,
            const void *db, Py_ssize_t stride, const cymlp_step *step
        ) noexcept nogil
        void (*csr_transpose)(
            const Py_ssize_t *indptr, const int *features, const void *values,
            const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
            cymlp_transposed_batch *batch
        ) noexcept nogil
        void (*csr_pack)(
            const void *rows, Py_ssize_t n, Py_ssize_t width, void *packed
        ) noexcept nogil
        void (*csr_unpack)(
            const void *packed, Py_ssize_t n, Py_ssize_t width, void *rows
        ) noexcept nogil
        void (*csr_forward)(
            const cymlp_transposed_batch *batch, const cymlp_weight_rows *W,
            const void *bias, void *U, Py_ssize_t n, Py_ssize_t begin, Py_ssize_t end
        ) noexcept nogil
        void (*csr_gradient)(
            const cymlp_transposed_batch *batch, Py_ssize_t segment, const void *D,
            Py_ssize_t width, void *G
        ) noexcept nogil
        double (*csr_backward)(
            const cymlp_transposed_batch *batch, const void *D, double rate,
            const cymlp_weight_rows *W, Py_ssize_t first, Py_ssize_t end
        ) noexcept nogil
        void (*csr_advance)(const cymlp_weight_rows *W, Py_ssize_t n) noexcept nogil
        void (*adam_step)(
            const cymlp_adam *adam, void *w, void *m, void *v, const void *g,
            Py_ssize_t count
        ) noexcept nogil
        void (*exp)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*expm1)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*log)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*log1p)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*tanh)(const void *x, void *y, Py_ssize_t count) noexcept nogil
        void (*erfc)(const void *x, void *y, Py_ssize_t count) noexcept nogil

    ctypedef struct cymlp_kernel_set:
        const char *isa
        cymlp_kernels f32
        cymlp_kernels f64

    const cymlp_kernel_set *cymlp_supported_kernels(int index)
    const char *cymlp_element_type(int type)


cdef const cymlp_kernel_set *chosen_kernels() noexcept nogil


cdef inline const cymlp_kernels *kernels_of(bint is_f32) noexcept nogil:
    """Return the kernels of a precision."""
    return &chosen_kernels().f32 if is_f32 else &chosen_kernels().f64


cdef inline const cymlp_kernels *kernels_for(const floating *values) noexcept nogil:
    """Return the kernels of the precision of `values`, which are not read."""
    return kernels_of(sizeof(floating) == 4)


# Public: functions over arrays. y <- f(x), where y may be x.

cdef inline void exp(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).exp(x, y, count)


cdef inline void expm1(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).expm1(x, y, count)


cdef inline void log(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).log(x, y, count)


cdef inline void log1p(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).log1p(x, y, count)


cdef inline void tanh(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).tanh(x, y, count)


cdef inline void erfc(const floating *x, floating *y, Py_ssize_t count) noexcept nogil:
    kernels_for(x).erfc(x, y, count)
