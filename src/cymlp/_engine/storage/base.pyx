"""The interface of a storage form, and the base class of layers with padded weights.

A storage form is a file with two classes: a `Stored`, which holds X, and a `FirstLayer`
of a network, which reads X. A narrow network spends nearly all of its time in this
layer. A `Stored` never changes, so that many fits can share it.
"""

from libc.math cimport hypot, isfinite, sqrt
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport min_square, norm_of
from cymlp._engine.optimizers cimport take_step_of
from cymlp._engine.team cimport chunk_rows, n_slices_of, slice_begin
from cymlp.kernels cimport kernels_of

# Maximum number of rows processed at once, so that they stay in the cache.
MAX_ROWS = 1024


class NotFiniteError(ValueError):
    """X has a NaN, an infinity, or a value too large for the precision."""


cdef class Stored(Buffers):
    """X as a fit reads it; `dtype` is the name of the precision."""

    def __cinit__(self, Inputs inputs not None, *args):
        self.inputs = inputs
        self.dtype = inputs.dtype.name
        self.n_samples, self.n_features = inputs.shape

    def n_values(self):
        """Return the mean number of values that the kernels read for a sample."""
        return self.n_features

    def first_layer(self, n_out, batch_size, optimizer=None):
        """Return a FirstLayer that reads X, for batches of at most `batch_size`.

        `optimizer` is one like the optimiser that will train the layer; None for a
        layer that is not trained.
        """
        raise NotImplementedError


cdef class FirstLayer(Buffers):
    """The first layer of a network: a product with rows of X. Used by one fit."""

    def __cinit__(
        self, Stored stored not None, Py_ssize_t n_out, Py_ssize_t batch_size,
        Optimizer optimizer=None
    ):
        self.stored, self.n_out, self.batch_size = stored, n_out, batch_size
        if optimizer is not None:
            self.n_slots, self.is_linear = optimizer.n_slots, optimizer.is_linear
            # A penalty decays the weights by another factor in each batch.
            self.is_lazy = self.is_linear and optimizer.penalty == 0
        self.is_f32 = stored.dtype == "float32"
        self.kernels = kernels_of(self.is_f32)
        self.itemsize = 4 if self.is_f32 else 8
        lanes = self.kernels.lanes
        self.stride = (n_out + lanes - 1) // lanes * lanes
        self.U = self.reserve(batch_size * self.stride * self.itemsize)
        self.dU = self.reserve(batch_size * self.stride * self.itemsize)

    cdef int reserve_batches(self, const Py_ssize_t[::1] indices, int n_threads) \
            except -1:
        return 0

    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
            except -1 nogil:
        return 0

    cdef int unload(self, Team team, void *state, Py_ssize_t stride) except -1 nogil:
        return 0

    cdef int forward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil:
        return 0

    cdef double weight_norm(self) noexcept nogil:
        return 0

    cdef int step(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db, Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil:
        return 0


cdef void copy_rows(
    const void *source, size_t source_stride, void *target, size_t target_stride,
    size_t row_size, Py_ssize_t n
) noexcept nogil:
    """Copy n rows between matrices of different strides; all sizes are in bytes."""
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(<char *> target + i * target_stride,
               <const char *> source + i * source_stride, row_size)


cdef double total_norm(const double *norms, Py_ssize_t count) noexcept nogil:
    """Return the norm of a vector from the norms of its parts."""
    cdef double result = 0
    cdef Py_ssize_t i
    for i in range(count):
        result = hypot(result, norms[i])
    return result


cdef class PaddedLayer(FirstLayer):
    """A first layer whose weights are padded to whole vectors during an epoch.

    The threads of a team compute slices of the samples forward, and chunks of rows of
    the weights backward. A linear step is taken while the gradient is in registers.
    Other optimisers, and batches processed in several parts, need the whole gradient
    first.
    """

    def __cinit__(self, *args):
        self.part_size = self.batch_size
        self.b = self.reserve(self.stride * self.itemsize)
        self.db = self.reserve(self.stride * self.itemsize)

    cdef reserve_weights(self, Py_ssize_t n_rows, Py_ssize_t unit):
        """Allocate memory for the weights; a chunk is a multiple of `unit` rows."""
        self.n_rows, self.n_weights = n_rows, n_rows * self.stride
        self.parameters = self.reserve(
            (1 + self.n_slots) * self.n_weights * self.itemsize
        )
        self.gradient = self.reserve(self.n_weights * self.itemsize)
        self.chunk_rows = chunk_rows(n_rows, self.stride, unit)
        self.n_chunks = (n_rows - 1) // self.chunk_rows + 1
        self.magnitudes = <double *> self.reserve(self.n_chunks * sizeof(double))

    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
            except -1 nogil:
        cdef Py_ssize_t k
        for k in range(1 + self.n_slots):
            copy_rows(<char *> state + k * stride * self.itemsize,
                      self.n_out * self.itemsize,
                      <char *> self.parameters + k * self.n_weights * self.itemsize,
                      self.stride * self.itemsize, self.n_out * self.itemsize,
                      self.stored.n_features)
        return 0

    cdef int unload(self, Team team, void *state, Py_ssize_t stride) except -1 nogil:
        cdef Py_ssize_t k
        for k in range(1 + self.n_slots):
            copy_rows(<char *> self.parameters + k * self.n_weights * self.itemsize,
                      self.stride * self.itemsize,
                      <char *> state + k * stride * self.itemsize,
                      self.n_out * self.itemsize, self.n_out * self.itemsize,
                      self.stored.n_features)
        return 0

    cdef int forward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil:
        cdef Py_ssize_t start = 0, count
        memcpy(self.b, b, self.n_out * self.itemsize)
        while start < n:
            count = min(self.part_size, n - start)
            self.output = <char *> U + start * self.n_out * self.itemsize
            self.part_U = self.output
            if self.stride > self.n_out:
                self.part_U = <char *> self.U
            self.set_part(team, &indices[start], count, n + n_ahead - start - count)
            team.run(forward_slice, <void *> self, self.n_slices)
            start += count
        return 0

    cdef double weight_norm(self) noexcept nogil:
        return norm_of(self.is_f32, self.parameters, self.n_weights)

    cdef int step(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db, Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil:
        cdef bint is_fused = self.is_linear and n <= self.part_size
        cdef size_t row_size = self.n_out * self.itemsize
        cdef double squares
        if self.stride > self.n_out:
            copy_rows(dU, row_size, self.dU, self.stride * self.itemsize, row_size, n)
            dU = self.dU
        self.optimizer, self.t = <void *> optimizer, t
        if is_fused:
            optimizer.set_step(&self.form)
            self.form.weights = self.parameters
            self.form.velocity = (
                <char *> self.parameters + self.n_weights * self.itemsize
            )
            squares = self.backward(team, indices, n, dU, db)
            if min_square(self.is_f32) <= squares and isfinite(squares):
                gradient_norm[0] = sqrt(squares)
                return 0
            self.optimizer = NULL
        # No step was taken yet, or the sum of squares is out of range.
        self.form.gradient, self.form.velocity = self.gradient, NULL
        self.backward(team, indices, n, dU, db)
        team.run(finish_chunk, <void *> self, self.n_chunks)
        gradient_norm[0] = total_norm(self.magnitudes, self.n_chunks)
        return 0

    cdef double backward(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, const void *dU,
        const void *db
    ) except? -1 nogil:
        """Update with A^T dU; return its sum of squares if the batch is one part."""
        cdef double squares = 0
        cdef Py_ssize_t start = 0, count, chunk
        cdef size_t stride = self.stride * self.itemsize
        memcpy(self.db, db, self.n_out * self.itemsize)
        while start < n:
            count = min(self.part_size, n - start)
            self.part_dU = <const char *> dU + start * stride
            self.is_first_part = start == 0
            if n > self.part_size:
                self.set_part(team, &indices[start], count, 0)
                team.run(read_slice, <void *> self, self.n_slices)
            self.begin_backward(team)
            team.run(backward_chunk, <void *> self, self.n_chunks)
            for chunk in range(self.n_chunks):
                squares += self.magnitudes[chunk]
            # db is the sum over the whole batch; only the first part may add it.
            memset(self.db, 0, stride)
            start += count
        return squares

    cdef void set_part(
        self, Team team, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead
    ) noexcept nogil:
        self.indices, self.n, self.n_ahead = indices, n, n_ahead
        self.n_slices = n_slices_of(n, team)
        self.begin_part()

    cdef int read_slice(self, Py_ssize_t index, bint computes_sums) except -1 nogil:
        cdef Py_ssize_t first = slice_begin(self.n, self.n_slices, index)
        cdef Py_ssize_t end = slice_begin(self.n, self.n_slices, index + 1)
        cdef size_t stride = self.stride * self.itemsize
        cdef size_t row_size = self.n_out * self.itemsize
        self.read_samples(index, first, end)
        if computes_sums:
            self.forward_samples(index, first, end)
        if computes_sums and self.stride > self.n_out:
            copy_rows(self.part_U + first * stride, stride,
                      self.output + first * row_size, row_size, row_size, end - first)
        return 0

    cdef int backward_chunk(self, Py_ssize_t index) except -1 nogil:
        cdef Py_ssize_t first = index * self.chunk_rows
        cdef Py_ssize_t end = min(first + self.chunk_rows, self.n_rows)
        cdef size_t stride = self.stride * self.itemsize
        if self.form.velocity == NULL and self.is_first_part:
            memset(<char *> self.gradient + first * stride, 0, (end - first) * stride)
        self.magnitudes[index] = self.backward_rows(first, end)
        return 0

    cdef int finish_chunk(self, Py_ssize_t index) except -1 nogil:
        """Compute the norm of a gradient, and take the optimiser's step with it."""
        cdef Py_ssize_t first = index * self.chunk_rows
        cdef Py_ssize_t count = min(self.chunk_rows, self.n_rows - first) * self.stride
        cdef size_t offset = first * self.stride * self.itemsize
        cdef char *weights = <char *> self.parameters + offset
        cdef char *gradient = <char *> self.gradient + offset
        self.magnitudes[index] = norm_of(self.is_f32, gradient, count)
        if self.optimizer == NULL:
            return 0
        return take_step_of(self.is_f32, <Optimizer> self.optimizer, self.t, weights,
                            weights + self.n_weights * self.itemsize, self.n_weights,
                            gradient, count, True)

    cdef void begin_part(self) noexcept nogil:
        pass

    cdef void read_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        pass

    cdef void forward_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        pass

    cdef int begin_backward(self, Team team) except -1 nogil:
        return 0

    cdef double backward_rows(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        return 0


cdef int read_slice(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<PaddedLayer> layer).read_slice(index, False)


cdef int forward_slice(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<PaddedLayer> layer).read_slice(index, True)


cdef int backward_chunk(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<PaddedLayer> layer).backward_chunk(index)


cdef int finish_chunk(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return (<PaddedLayer> layer).finish_chunk(index)
