"""The dense form: rows are read from the memory of the user's X."""

cimport cython

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

    cdef double backward_rows(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        return self.kernels.dense_backward(
            self.rows, self.n, first, end, self.part_dU, self.stride, &self.form
        )
