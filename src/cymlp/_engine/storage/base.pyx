"""The interface of a storage form, and the base class of layers with padded weights.

A storage form is a file with two classes: a `Stored`, which holds X, and a `FirstLayer`
of a network, which reads X. A narrow network spends nearly all of its time in this
layer. A `Stored` never changes, so that many fits can share it.
"""

from libc.math cimport isfinite, sqrt
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport min_square, norm_of
from cymlp._engine.optimizers cimport take_step_of
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

    def first_layer(self, n_out, batch_size, optimizer=None):
        """Return a FirstLayer that reads X, for batches of at most `batch_size`.

        `optimizer` is one like the optimiser that will train the layer; None for a
        layer that is not trained.
        """
        raise NotImplementedError


cdef class FirstLayer(Buffers):
    """The first layer of a network: a product with rows of X. Used by one thread."""

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

    cdef int reserve_batches(self, const Py_ssize_t[::1] indices) except -1:
        return 0

    cdef int load(self, void *state, Py_ssize_t stride, Optimizer optimizer) \
            except -1 nogil:
        return 0

    cdef void unload(self, void *state, Py_ssize_t stride) noexcept nogil:
        pass

    cdef int forward(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil:
        return 0

    cdef double weight_norm(self) noexcept nogil:
        return 0

    cdef int step(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *dU, const void *db,
        Optimizer optimizer, Py_ssize_t t, double *gradient_norm
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


cdef class PaddedLayer(FirstLayer):
    """A first layer whose weights are padded to whole vectors during an epoch.

    A linear step is taken while the gradient is in registers. Other optimisers, and
    batches processed in several parts, need the whole gradient first.
    """

    def __cinit__(self, *args):
        self.part_size = self.batch_size
        self.b = self.reserve(self.stride * self.itemsize)
        self.db = self.reserve(self.stride * self.itemsize)

    cdef reserve_weights(self, Py_ssize_t n_rows):
        self.n_weights = n_rows * self.stride
        self.parameters = self.reserve(
            (1 + self.n_slots) * self.n_weights * self.itemsize
        )
        self.gradient = self.reserve(self.n_weights * self.itemsize)

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

    cdef void unload(self, void *state, Py_ssize_t stride) noexcept nogil:
        cdef Py_ssize_t k
        for k in range(1 + self.n_slots):
            copy_rows(<char *> self.parameters + k * self.n_weights * self.itemsize,
                      self.stride * self.itemsize,
                      <char *> state + k * stride * self.itemsize,
                      self.n_out * self.itemsize, self.n_out * self.itemsize,
                      self.stored.n_features)

    cdef int forward(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead,
        const void *b, void *U
    ) except -1 nogil:
        cdef bint is_padded = self.stride > self.n_out
        cdef size_t row_size = self.n_out * self.itemsize
        cdef size_t stride = self.stride * self.itemsize
        cdef void *sums = self.U if is_padded else U
        cdef Py_ssize_t start = 0, count
        memcpy(self.b, b, row_size)
        while start < n:
            count = min(self.part_size, n - start)
            self.forward_part(&indices[start], count, n + n_ahead - start - count,
                              <char *> sums + start * stride)
            start += count
        if is_padded:
            copy_rows(sums, stride, U, row_size, row_size, n)
        return 0

    cdef double weight_norm(self) noexcept nogil:
        return norm_of(self.is_f32, self.parameters, self.n_weights)

    cdef int step(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *dU, const void *db,
        Optimizer optimizer, Py_ssize_t t, double *gradient_norm
    ) except -1 nogil:
        cdef cymlp_step step
        cdef double squares
        cdef bint is_fused = self.is_linear and n <= self.part_size
        cdef size_t row_size = self.n_out * self.itemsize
        cdef char *slots = <char *> self.parameters + self.n_weights * self.itemsize
        copy_rows(dU, row_size, self.dU, self.stride * self.itemsize, row_size, n)
        if is_fused:
            optimizer.set_step(&step)
            step.weights, step.velocity, step.gradient = self.parameters, slots, NULL
            squares = self.backward(indices, n, db, &step)
            gradient_norm[0] = sqrt(squares)
            if min_square(self.is_f32) <= squares and isfinite(squares):
                return 0
        # No step was taken yet, or the sum of squares is out of range.
        memset(self.gradient, 0, self.n_weights * self.itemsize)
        step.gradient, step.velocity = self.gradient, NULL
        self.backward(indices, n, db, &step)
        gradient_norm[0] = norm_of(self.is_f32, self.gradient, self.n_weights)
        if is_fused:
            return 0
        return take_step_of(self.is_f32, optimizer, t, self.parameters, slots,
                            self.n_weights, self.gradient, self.n_weights, True)

    cdef double backward(
        self, const Py_ssize_t *indices, Py_ssize_t n, const void *db,
        const cymlp_step *step
    ) noexcept nogil:
        """Update with A^T dU; return its sum of squares if the batch is one part."""
        cdef double squares = 0
        cdef Py_ssize_t start = 0, count
        cdef bint reload = n > self.part_size
        memcpy(self.db, db, self.n_out * self.itemsize)
        while start < n:
            count = min(self.part_size, n - start)
            squares += self.backward_part(
                &indices[start], count, reload,
                <char *> self.dU + start * self.stride * self.itemsize, step
            )
            start += count
        return squares

    cdef void forward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead, void *U
    ) noexcept nogil:
        pass

    cdef double backward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, bint reload, const void *dU,
        const cymlp_step *step
    ) noexcept nogil:
        return 0
