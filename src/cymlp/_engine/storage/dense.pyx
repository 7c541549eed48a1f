"""The dense form: rows are read from the memory of the user's X."""

cimport cython

from cymlp._engine.dense cimport panels_size
from cymlp._engine.team cimport Team, slice_begin

from sklearn.utils import assert_all_finite, gen_batches

from cymlp._engine.storage.base import MAX_ROWS, NotFiniteError


# Chunks of weights are a multiple of the height of the kernels' tiles.
ROW_UNIT = 12


def check_finite(inputs):
    """Raise NotFiniteError unless all values are finite in the precision."""
    if inputs.array.dtype.kind in "biu" and inputs.divisor is None:
        return
    try:
        for rows in gen_batches(inputs.shape[0], MAX_ROWS):
            assert_all_finite(inputs.rows(rows), input_name="X")
    except ValueError as error:
        raise NotFiniteError(*error.args) from None


@cython.final
cdef class Dense(Stored):
    """X in dense form."""

    @staticmethod
    def store(inputs):
        """Store X; raise NotFiniteError if a value is not finite."""
        check_finite(inputs)
        return Dense(inputs)

    def first_layer(self, n_out, batch_size, optimizer=None):
        return DenseLayer(self, n_out, batch_size, optimizer)


@cython.final
cdef class DenseLayer(PaddedLayer):
    """The first layer for X in dense form."""

    def __cinit__(self, *args):
        self.reserve_weights(self.stored.n_features, ROW_UNIT)
        self.rows = <const void **> self.reserve(
            2 * self.batch_size * sizeof(void *)
        )
        if not self.stored.inputs.is_direct:
            self.part_size = min(self.batch_size, MAX_ROWS)
            self.converted = <char *> self.reserve(
                self.part_size * self.stored.n_features * self.itemsize
            )
        if self.stride >= self.kernels.wide:
            self.dU_panels = self.reserve(
                panels_size(self.is_f32, self.part_size, self.stride)
            )

    cdef void begin_part(self) noexcept nogil:
        """Set the addresses of the rows."""
        cdef size_t row_size = self.stored.n_features * self.itemsize
        cdef const char *X = <const char *> self.stored.inputs.source.values
        cdef Py_ssize_t i
        self.n_addresses = self.n
        if self.converted != NULL:
            for i in range(self.n):
                self.rows[i] = self.converted + i * row_size
            return
        self.n_addresses += min(self.n_ahead, self.batch_size)
        for i in range(self.n_addresses):
            self.rows[i] = X + self.indices[i] * row_size

    cdef void read_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        if self.converted != NULL:
            self.kernels.read_rows(
                &self.stored.inputs.source, &self.indices[first], end - first,
                self.n + self.n_ahead - end,
                self.converted + first * self.stored.n_features * self.itemsize
            )

    cdef void forward_samples(
        self, Py_ssize_t index, Py_ssize_t first, Py_ssize_t end
    ) noexcept nogil:
        self.kernels.dense_forward(
            &self.rows[first], end - first, self.n_addresses - end,
            self.stored.n_features, self.parameters, self.b,
            self.part_U + first * self.stride * self.itemsize, self.stride
        )

    cdef bint uses_panels(self) noexcept nogil:
        return self.dU_panels != NULL and self.n <= self.kernels.max_rows

    cdef int begin_backward(self, Team team) except -1 nogil:
        if self.uses_panels():
            team.run(pack_slice, <void *> self, self.n_slices)
        return 0

    cdef void pack_samples(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        self.kernels.pack_panels(self.part_dU, self.n, self.stride, first, end,
                                 self.dU_panels)

    cdef double backward_rows(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        if self.uses_panels():
            return self.kernels.wide_backward(
                self.rows, self.n, first, end, self.dU_panels, self.stride, &self.form
            )
        return self.kernels.dense_backward(
            self.rows, self.n, first, end, self.part_dU, self.stride, &self.form
        )


cdef int pack_slice(void *layer, Py_ssize_t index, int thread) except -1 nogil:
    return pack_slice_of(<DenseLayer> layer, index)


cdef int pack_slice_of(DenseLayer layer, Py_ssize_t index) except -1 nogil:
    layer.pack_samples(slice_begin(layer.n, layer.n_slices, index),
                       slice_begin(layer.n, layer.n_slices, index + 1))
    return 0
