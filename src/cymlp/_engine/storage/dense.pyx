"""The dense form: rows are read from the memory of the user's X."""

cimport cython

from cymlp.kernels cimport cymlp_step

from sklearn.utils import assert_all_finite, gen_batches

from cymlp._engine.storage.base import MAX_ROWS, NotFiniteError


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
        self.reserve_weights(self.stored.n_features)
        self.rows = <const void **> self.reserve(
            2 * self.batch_size * sizeof(void *)
        )
        if not self.stored.inputs.is_direct:
            self.part_size = min(self.batch_size, MAX_ROWS)
            self.converted = self.reserve(
                self.part_size * self.stored.n_features * self.itemsize
            )

    cdef void forward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead, void *U
    ) noexcept nogil:
        n_ahead = self.find_rows(indices, n, n_ahead)
        self.kernels.dense_forward(
            self.rows, n, n_ahead, self.stored.n_features, self.parameters, self.b,
            U, self.stride
        )

    cdef double backward_part(
        self, const Py_ssize_t *indices, Py_ssize_t n, bint reload, const void *dU,
        const cymlp_step *step
    ) noexcept nogil:
        if reload:
            self.find_rows(indices, n, 0)
        return self.kernels.dense_backward(
            self.rows, n, self.stored.n_features, dU, self.stride, step
        )

    cdef Py_ssize_t find_rows(
        self, const Py_ssize_t *indices, Py_ssize_t n, Py_ssize_t n_ahead
    ) noexcept nogil:
        """Set the addresses of n rows, and return how many next rows have one, too."""
        cdef size_t row_size = self.stored.n_features * self.itemsize
        cdef const char *X = <const char *> self.stored.inputs.source.values
        cdef Py_ssize_t i
        if self.converted != NULL:
            self.kernels.read_rows(
                &self.stored.inputs.source, indices, n, n_ahead, self.converted
            )
            for i in range(n):
                self.rows[i] = <char *> self.converted + i * row_size
            return 0
        n_ahead = min(n_ahead, self.batch_size)
        for i in range(n + n_ahead):
            self.rows[i] = X + indices[i] * row_size
        return n_ahead
