"""The CSR form: X as a SciPy CSR matrix.

A batch of text has values for a few thousand of very many features, and only their
weights have a gradient. A linear step changes all other weights in the same way: it
multiplies the velocity v and the weight w by a fixed matrix,

    (v, w) ← M (v, w),   M = ((m, λ), (−η m, 1 − η λ)),

or M = ((m, λ), (−η m², 1 − η λ (1 + m))) with Nesterov's momentum, where m is the
momentum, λ the weight decay and η the learning rate. So weights can wait for n batches
and then be multiplied by Mⁿ: the result of n steps, up to rounding, at the cost of one.
This happens when a batch has the feature, and for all weights at the end of an epoch:
the learning rate changes, and weights are read, only between epochs.

The forward pass applies the missing steps in registers only. The backward pass applies
them together with the step of the batch, so that each weight is written once.

Other optimisers, such as Adam, update all weights, in chunks of features whose gradient
stays in the cache.

The threads of a team compute the columns of the sums forward, so that no sum is split,
and chunks of features backward.
"""

cimport cython
from cython cimport floating
from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport hypot, isfinite, sqrt
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport min_square, norm_of
from cymlp._engine.storage.base cimport total_norm
from cymlp._engine.optimizers cimport (
    POWER_BASE, POWER_DIGITS, look_up_power, tabulate_powers, take_step_of
)

import numpy as np
from sklearn.utils import assert_all_finite

from cymlp._engine.inputs import Inputs, canonical_csr
from cymlp._engine.storage.base import NotFiniteError

# Maximum number of gradient values in a chunk of features, and segments in a chunk.
cdef Py_ssize_t MAX_GRADIENT = 8192
cdef Py_ssize_t CHUNK_SEGMENTS = 128
# Minimum number of vectors of columns that a thread computes.
cdef Py_ssize_t MIN_VECTORS = 2


@cython.final
cdef class CSR(Stored):
    """X in CSR form."""

    def __cinit__(self, inputs):
        X = canonical_csr(inputs.array)
        if X is not inputs.array:
            self.inputs = Inputs(X)
        self.values = self.keep(X.data, self.dtype, "X.data")
        self.indptr = <const Py_ssize_t *> self.keep(
            X.indptr.astype(np.intp, copy=False), np.intp, "X.indptr"
        )
        self.indices = <const int *> self.keep(
            X.indices.astype(np.intc, copy=False), np.intc, "X.indices"
        )

    @staticmethod
    def store(inputs):
        """Store X; return None if it is not sparse.

        Raise NotFiniteError if a value is not finite.
        """
        if not inputs.is_sparse:
            return None
        stored = CSR(inputs)
        try:
            assert_all_finite(stored.inputs.array.data, input_name="X")
        except ValueError as error:
            raise NotFiniteError(*error.args) from None
        return stored

    def n_values(self):
        return self.indptr[self.n_samples] / self.n_samples

    def first_layer(self, n_out, batch_size, optimizer=None):
        return CSRLayer(self, n_out, batch_size, optimizer)


@cython.final
cdef class CSRLayer(FirstLayer):
    """The first layer for X in CSR form; updates weights and slots in place."""

    def __cinit__(self, CSR stored not None, *args):
        cdef size_t per_feature = stored.n_features * sizeof(uint32_t)
        self.values, self.indptr = stored.values, stored.indptr
        self.features = stored.indices
        self.weights.width = self.n_out
        self.chunk_size = max(1, MAX_GRADIENT // self.n_out)
        self.n_chunks = (stored.n_features - 1) // self.chunk_size + 1
        self.n_vectors = (self.n_out - 1) // self.kernels.lanes + 1
        # Whole pairs of cache lines, which threads should not share.
        self.scratch_size = (
            self.chunk_size * max(4, self.n_out) * self.itemsize // 128 + 1
        ) * 128
        self.magnitudes = <double *> self.reserve(
            (stored.n_features // min(self.chunk_size, CHUNK_SEGMENTS) + 1)
            * sizeof(double)
        )
        self.batch.segment_of = <uint32_t *> self.reserve(per_feature)
        if self.is_lazy:
            self.n_taken = <uint32_t *> self.reserve(per_feature)
            self.table = <Power *> self.reserve(
                POWER_DIGITS * POWER_BASE * sizeof(Power)
            )
            self.first_powers = self.reserve(POWER_BASE * 4 * self.itemsize)

    cdef int reserve_batches(self, const Py_ssize_t[::1] indices, int n_threads) \
            except -1:
        cdef Py_ssize_t largest = 0
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t i
        for i in range(indices.shape[0]):
            if i % self.batch_size == 0:
                count = 0
            count += self.indptr[indices[i] + 1] - self.indptr[indices[i]]
            largest = max(largest, count)
        if largest >= 2**32:
            raise ValueError(
                "a batch of X must have at most 2**32 - 1 stored values; got "
                f"{largest} with batch_size={self.batch_size}; reduce batch_size"
            )
        if self.batch_memory is None or largest > self.max_entries:
            # Batches of later epochs may be slightly larger.
            self.allocate_batch(largest + largest // 4)
        if n_threads > self.max_threads:
            self.max_threads, self.thread_memory = n_threads, Buffers()
            self.scratch = <char *> self.thread_memory.reserve(
                n_threads * self.scratch_size
            )
        return 0

    cdef allocate_batch(self, Py_ssize_t max_entries):
        cdef Py_ssize_t n_segments = min(max_entries, self.stored.n_features)
        self.batch_memory = Buffers()
        self.max_entries = max_entries
        self.batch.features = <int *> self.batch_memory.reserve(
            n_segments * sizeof(int)
        )
        self.batch.segment_ends = <uint32_t *> self.batch_memory.reserve(
            n_segments * sizeof(uint32_t)
        )
        self.batch.entries = self.batch_memory.reserve(
            max_entries * self.kernels.csr_entry_size
        )
        self.powers = self.batch_memory.reserve(n_segments * 4 * self.itemsize)

    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
            except -1 nogil:
        cdef Py_ssize_t n
        self.weights.weights, self.weights.velocity = state, NULL
        self.weights.powers = NULL
        self.slot_stride = stride
        self.n_steps = 0
        if not self.is_lazy:
            return 0
        self.weights.velocity = <char *> state + stride * self.itemsize
        memset(self.n_taken, 0, self.stored.n_features * sizeof(uint32_t))
        tabulate_powers(optimizer.matrix(), self.table)
        self.weights.powers = self.powers
        for n in range(POWER_BASE):
            self.set_power(self.first_powers, n, self.table[n])
        return 0

    cdef int unload(self, Team team, void *state, Py_ssize_t stride) except -1 nogil:
        """Apply the missing steps to all weights."""
        if self.is_lazy:
            team.run(advance_features, <void *> self, self.n_chunks)
        return 0

    cdef int advance_features(self, Py_ssize_t index, int thread) except -1 nogil:
        cdef cymlp_weight_rows rows = self.weights
        cdef Py_ssize_t start = index * self.chunk_size
        cdef Py_ssize_t count = min(self.chunk_size, self.stored.n_features - start)
        cdef size_t offset = start * self.n_out * self.itemsize
        cdef void *powers = self.scratch + thread * self.scratch_size
        cdef Py_ssize_t i, n_missing
        for i in range(count):
            n_missing = self.n_steps - self.n_taken[start + i]
            self.set_power(powers, i, look_up_power(self.table, n_missing))
        rows.weights = <char *> self.weights.weights + offset
        rows.velocity = <char *> self.weights.velocity + offset
        rows.powers = powers
        self.kernels.csr_advance(&rows, count)
        return 0

    cdef void set_power(
        self, void *powers, Py_ssize_t index, Power matrix
    ) noexcept nogil:
        if self.is_f32:
            write_power(matrix, <float *> powers + 4 * index)
        else:
            write_power(matrix, <double *> powers + 4 * index)

    cdef void compute_powers(
        self, Py_ssize_t first, Py_ssize_t end, Py_ssize_t n_extra
    ) noexcept nogil:
        """Set the powers of segments: their missing steps and n_extra more."""
        cdef size_t size = 4 * self.itemsize
        cdef Py_ssize_t segment, n
        for segment in range(first, end):
            n = self.n_steps - self.n_taken[self.batch.features[segment]] + n_extra
            if n < POWER_BASE:
                memcpy(<char *> self.powers + segment * size,
                       <char *> self.first_powers + n * size, size)
            else:
                self.set_power(self.powers, segment, look_up_power(self.table, n))

    cdef int forward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil:
        self.kernels.csr_transpose(
            self.indptr, self.features, self.values, indices, n, n_ahead, &self.batch
        )
        if self.is_lazy:
            self.compute_powers(0, self.batch.n_segments, 0)
        self.n, self.b = n, b
        self.n_column_chunks = max(
            1, min(team.n_threads, self.n_vectors // MIN_VECTORS)
        )
        team.run(forward_columns, <void *> self, self.n_column_chunks)
        self.kernels.csr_unpack(self.U, n, self.n_out, U)
        return 0

    cdef int forward_columns(self, Py_ssize_t index) except -1 nogil:
        self.kernels.csr_forward(
            &self.batch, &self.weights, self.b, self.U, self.n,
            self.n_vectors * index // self.n_column_chunks,
            self.n_vectors * (index + 1) // self.n_column_chunks
        )
        return 0

    cdef double weight_norm(self) noexcept nogil:
        return norm_of(self.is_f32, self.weights.weights,
                       self.stored.n_features * self.n_out)
        return 0

    cdef int step(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db, Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil:
        self.kernels.csr_pack(dU, n, self.n_out, self.dU)
        self.optimizer, self.t = <void *> optimizer, t
        if self.is_lazy:
            gradient_norm[0] = self.lazy_step(team)
        else:
            team.run(step_features, <void *> self, self.n_chunks)
            gradient_norm[0] = total_norm(self.magnitudes, self.n_chunks)
        return 0

    cdef double lazy_step(self, Team team) except? -1 nogil:
        """Update the features of the batch; return the norm of the gradient."""
        cdef double squares = 0
        cdef Py_ssize_t chunk
        cdef Py_ssize_t n_chunks = (
            (self.batch.n_segments + CHUNK_SEGMENTS - 1) // CHUNK_SEGMENTS
        )
        team.run(step_segments, <void *> self, n_chunks)
        self.n_steps += 1
        for chunk in range(n_chunks):
            squares += self.magnitudes[chunk]
        if min_square(self.is_f32) <= squares and isfinite(squares):
            return sqrt(squares)
        return self.scaled_norm()

    cdef int step_segments(self, Py_ssize_t index) except -1 nogil:
        cdef Py_ssize_t first = index * CHUNK_SEGMENTS
        cdef Py_ssize_t end = min(first + CHUNK_SEGMENTS, self.batch.n_segments)
        cdef Py_ssize_t segment
        self.compute_powers(first, end, 1)
        self.magnitudes[index] = self.kernels.csr_backward(
            &self.batch, self.dU, (<Optimizer> self.optimizer).gradient_rate(),
            &self.weights, first, end
        )
        for segment in range(first, end):
            self.n_taken[self.batch.features[segment]] = <uint32_t> (self.n_steps + 1)
        return 0

    cdef double scaled_norm(self) noexcept nogil:
        """Compute the norm of a gradient whose square is out of range."""
        cdef double result = 0
        cdef Py_ssize_t segment
        for segment in range(self.batch.n_segments):
            self.kernels.csr_gradient(
                &self.batch, segment, self.dU, self.n_out, self.scratch
            )
            result = hypot(result, norm_of(self.is_f32, self.scratch, self.n_out))
        return result

    cdef int step_features(self, Py_ssize_t index, int thread) except -1 nogil:
        """Compute the gradient of a chunk of features, and update their weights."""
        cdef Py_ssize_t start = index * self.chunk_size
        cdef Py_ssize_t count = min(self.chunk_size, self.stored.n_features - start)
        cdef Py_ssize_t size = count * self.n_out
        cdef char *weights = <char *> self.weights.weights
        cdef void *gradient = self.scratch + thread * self.scratch_size
        weights += start * self.n_out * self.itemsize
        self.compute_gradient(start, count, gradient)
        self.magnitudes[index] = norm_of(self.is_f32, gradient, size)
        return take_step_of(
            self.is_f32, <Optimizer> self.optimizer, self.t, weights,
            weights + self.slot_stride * self.itemsize, self.slot_stride, gradient,
            size, True
        )

    cdef void compute_gradient(
        self, Py_ssize_t start, Py_ssize_t count, void *gradient
    ) noexcept nogil:
        """Compute the gradient of a chunk; 0 for features that the batch lacks."""
        cdef size_t row_size = self.n_out * self.itemsize
        cdef char *G = <char *> gradient
        cdef Py_ssize_t feature, segment
        for feature in range(start, start + count):
            segment = self.batch.segment_of[feature]
            if (
                segment < self.batch.n_segments
                and self.batch.features[segment] == feature
            ):
                self.kernels.csr_gradient(
                    &self.batch, segment, self.dU, self.n_out, G
                )
            else:
                memset(G, 0, row_size)
            G += row_size


cdef int forward_columns(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<CSRLayer> layer).forward_columns(index)


cdef int step_segments(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<CSRLayer> layer).step_segments(index)


cdef int step_features(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<CSRLayer> layer).step_features(index, thread)


cdef int advance_features(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<CSRLayer> layer).advance_features(index, thread)


cdef inline floating clipped(double value, const floating *precision) noexcept nogil:
    """Clip a value to the range of the precision."""
    cdef double limit = FLT_MAX if floating is float else DBL_MAX
    if value > limit:
        return <floating> limit
    return <floating> (value if value > -limit else -limit)


cdef inline void write_power(Power matrix, floating *values) noexcept nogil:
    """Write a matrix for the kernels, clipped to finite values.

    If the learning rate makes weights grow without bound, powers overflow. With finite
    powers, weights of 0 stay 0, as they do step by step.
    """
    values[0] = clipped(matrix.vv, values)
    values[1] = clipped(matrix.vw, values)
    values[2] = clipped(matrix.wv, values)
    values[3] = clipped(matrix.ww, values)
