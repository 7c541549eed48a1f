"""The layer that reads the samples.

Nearly all of the time of a narrow network goes here, so that it has its own ways: it
reads samples where they are, in whatever form they are stored, keeps its weights in
rows padded to whole vectors during an epoch, and does the step of gradient descent with
a gradient that has not left the registers yet. Other optimisers, and batches that are
sorted in several parts, get the whole gradient first. What is different with sparse
samples is in sparse.pyx.
"""

cimport cython
from cython cimport floating
from libc.math cimport isfinite, sqrt
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport norm
from cymlp._engine.inputs cimport read_rows
from cymlp.kernels cimport (
    cymlp_kernels, cymlp_step, kernels_for, kernels_of, padded_width
)
from cymlp._engine.optimizers cimport SGD, Optimizer, take_step
from cymlp._engine.samples cimport Samples
from cymlp._engine.csr_layer cimport (
    SparseLayer, sparse_backward, sparse_forward, sparse_load, sparse_store
)
from cymlp._engine.buffers cimport Workspace

import numpy as np

# Samples that are sorted or converted at a time; more would not stay in the cache.
MOST_AT_ONCE = 1024


@cython.final
cdef class FirstLayer(Workspace):
    """The weights of the first layer, and the samples that it reads.

    Parameters
    ----------
    samples : Samples
    n_out : int
        Width of the layer.
    batch_size : int
        Largest number of samples in a batch.
    optimizer : Optimizer, default=None
        Of the kind that will train it; None if it will not be trained.

    Attributes
    ----------
    samples : Samples
    n_out : int
    batch_size : int

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.first_layer import FirstLayer
    >>> from cymlp._engine.optimizers import SGD
    >>> from cymlp._engine.samples import Samples
    >>> samples = Samples(np.eye(3), np.arange(3), n_classes=3)
    >>> optimizer = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0)
    >>> FirstLayer(samples, n_out=5, batch_size=2, optimizer=optimizer).n_out
    5
    """

    def __cinit__(
        self, Samples samples not None, Py_ssize_t n_out, Py_ssize_t batch_size,
        Optimizer optimizer=None
    ):
        cdef const cymlp_kernels *kernels = kernels_of(samples.dtype)
        dtype = np.dtype(samples.dtype)
        self.samples = samples
        self.n_out, self.batch_size = n_out, batch_size
        self.n_slots = 0 if optimizer is None else optimizer.n_slots
        if samples.is_sparse:
            self.sparse = SparseLayer(samples, n_out, batch_size, optimizer)
            return
        self.fuses = isinstance(optimizer, SGD)
        self.stride = padded_width(kernels, n_out)
        n_rows = samples.n_features
        if samples.n_places:
            n_rows = 4 * samples.n_places
        self.n_weights = n_rows * self.stride
        self.parameters = self.reserve(
            (1 + self.n_slots, n_rows, self.stride), dtype
        )
        self.gradient = self.reserve((n_rows, self.stride), dtype)
        self.U = self.reserve((batch_size, self.stride), dtype)
        self.dU = self.reserve((batch_size, self.stride), dtype)
        self.base = self.reserve(self.stride, dtype)
        self.db = self.reserve(self.stride, dtype)
        self.n_at_once = batch_size
        if samples.n_places:
            self.n_at_once = min(batch_size, MOST_AT_ONCE)
            n_entries = self.n_at_once * samples.n_places
            self.entries = self.reserve(n_entries * kernels.entry_size, np.uint8)
            self.counts = <uint32_t *> self.reserve(samples.n_places, np.uint32)
        else:
            self.inputs = <const void **> self.reserve(2 * batch_size, np.uintp)
            if not samples.inputs.is_direct:
                self.n_at_once = min(batch_size, MOST_AT_ONCE)
                self.converted = self.reserve(
                    (self.n_at_once, samples.n_features), dtype
                )


cdef void pad(
    const floating *numbers, Py_ssize_t n, Py_ssize_t n_out, floating *padded,
    Py_ssize_t stride
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(&padded[i * stride], &numbers[i * n_out], n_out * sizeof(floating))


cdef void unpad(
    const floating *padded, Py_ssize_t stride, floating *numbers, Py_ssize_t n,
    Py_ssize_t n_out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(&numbers[i * n_out], &padded[i * stride], n_out * sizeof(floating))


cdef void load(
    FirstLayer layer, floating *theta, Py_ssize_t apart, Optimizer optimizer
) noexcept nogil:
    cdef Py_ssize_t k
    if layer.sparse is not None:
        sparse_load(layer.sparse, theta, apart, optimizer)
        return
    for k in range(1 + layer.n_slots):
        pad(&theta[k * apart], layer.samples.n_features, layer.n_out,
            <floating *> layer.parameters + k * layer.n_weights, layer.stride)


cdef void store(FirstLayer layer, floating *theta, Py_ssize_t apart) noexcept nogil:
    cdef Py_ssize_t k
    if layer.sparse is not None:
        sparse_store(layer.sparse, theta)
        return
    for k in range(1 + layer.n_slots):
        unpad(<floating *> layer.parameters + k * layer.n_weights, layer.stride,
              &theta[k * apart], layer.samples.n_features, layer.n_out)


cdef int first_forward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *b, floating *U
) except -1 nogil:
    cdef floating *W = <floating *> layer.parameters
    cdef floating *base = <floating *> layer.base
    cdef bint padded = layer.stride > layer.n_out
    cdef floating *sums = <floating *> layer.U if padded else U
    cdef Py_ssize_t part, start, count
    if layer.sparse is not None:
        sparse_forward(layer.sparse, rows, n, n_ahead, b, U)
        return 0
    pad(b, 1, layer.n_out, base, layer.stride)
    for part in range((n - 1) // layer.n_at_once + 1):
        start = part * layer.n_at_once
        count = min(layer.n_at_once, n - start)
        forward(layer, &rows[start], count, n + n_ahead - start - count, W, base,
                &sums[start * layer.stride])
    if padded:
        unpad(sums, layer.stride, U, n, layer.n_out)
    return 0


cdef void forward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *W, const floating *base, floating *sums
) noexcept nogil:
    """The sums of samples, no more than are taken at once."""
    if layer.samples.compact.n_places > 0:
        sort_blocks(layer, rows, n, n_ahead, W)
        kernels_for(W).compact_forward(
            &layer.samples.compact, layer.entries, layer.counts, n, W, base, sums,
            layer.stride
        )
    else:
        n_ahead = find_rows(layer, rows, n, n_ahead, W)
        kernels_for(W).dense_forward(
            layer.inputs, n, n_ahead, layer.samples.n_features, W, base, sums,
            layer.stride
        )


# The last argument of these only says of which precision the samples are.

cdef void sort_blocks(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *precision
) noexcept nogil:
    kernels_for(precision).compact_sort(
        &layer.samples.compact, rows, n, n_ahead, layer.stride, layer.entries,
        layer.counts
    )


cdef Py_ssize_t find_rows(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *precision
) noexcept nogil:
    """Point to the rows of n samples; return to how many of the next ones, too."""
    cdef const floating *X = <const floating *> layer.samples.inputs.source.numbers
    cdef Py_ssize_t n_features = layer.samples.n_features
    cdef Py_ssize_t i
    if layer.converted != NULL:
        read_rows(
            layer.samples.inputs, rows, n, n_ahead, <floating *> layer.converted
        )
        for i in range(n):
            layer.inputs[i] = <floating *> layer.converted + i * n_features
        return 0
    n_ahead = min(n_ahead, layer.batch_size)
    for i in range(n + n_ahead):
        layer.inputs[i] = &X[rows[i] * n_features]
    return n_ahead


cdef int first_backward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, const floating *dU,
    const floating *db, Optimizer optimizer, double *gradient_norm
) except -1 nogil:
    cdef floating *W = <floating *> layer.parameters
    cdef floating *G = <floating *> layer.gradient
    cdef cymlp_step step
    cdef double squares
    # Above it, what squares lose by underflow does not show.
    cdef double lowest = 1e-28 if floating is float else 1e-280
    cdef bint fused = layer.fuses and n <= layer.n_at_once
    if layer.sparse is not None:
        return sparse_backward(layer.sparse, n, dU, optimizer, gradient_norm)
    pad(dU, n, layer.n_out, <floating *> layer.dU, layer.stride)
    if fused:
        step = descent(layer, <SGD> optimizer, W)
        squares = backward(layer, rows, n, db, &step)
        gradient_norm[0] = sqrt(squares)
        if lowest <= squares and isfinite(squares):
            return 0
    # The sum of squares is out of range, or there was no step yet.
    memset(G, 0, layer.n_weights * sizeof(floating))
    step.gradient, step.velocity = G, NULL
    backward(layer, rows, n, db, &step)
    gradient_norm[0] = norm(G, layer.n_weights)
    if not fused:
        take_step(optimizer, W, W + layer.n_weights, layer.n_weights, G,
                  layer.n_weights)
    return 0


cdef cymlp_step descent(
    FirstLayer layer, SGD optimizer, floating *W
) noexcept nogil:
    """The step of stochastic gradient descent."""
    cdef cymlp_step step
    cdef double rate = optimizer._learning_rate
    step.weights, step.velocity, step.gradient = W, W + layer.n_weights, NULL
    step.momentum, step.weight_decay = optimizer.momentum, optimizer.weight_decay
    step.velocity_rate = rate * optimizer.momentum if optimizer.nesterov else rate
    step.direction_rate = rate if optimizer.nesterov else 0
    return step


cdef double backward(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, const floating *db,
    const cymlp_step *step
) noexcept nogil:
    """Do the step with A^T dU; return the sum of its squares, where it is known."""
    cdef floating *D = <floating *> layer.dU
    cdef double squares = 0
    cdef Py_ssize_t part, start, count
    pad(db, 1, layer.n_out, <floating *> layer.db, layer.stride)
    for part in range((n - 1) // layer.n_at_once + 1):
        start = part * layer.n_at_once
        count = min(layer.n_at_once, n - start)
        squares += backward_part(
            layer, &rows[start], count, n > layer.n_at_once, &D[start * layer.stride],
            step
        )
    return squares


cdef double backward_part(
    FirstLayer layer, const Py_ssize_t *rows, Py_ssize_t n, bint again,
    const floating *D, const cymlp_step *step
) noexcept nogil:
    """The same for no more samples than are taken at once; `again` to find them."""
    cdef double squares
    if layer.samples.compact.n_places == 0:
        if again:
            find_rows(layer, rows, n, 0, D)
        return kernels_for(D).dense_backward(
            layer.inputs, n, layer.samples.n_features, D, layer.stride, step
        )
    if again:
        sort_blocks(layer, rows, n, 0, D)
    squares = kernels_for(D).compact_backward(
        &layer.samples.compact, layer.entries, layer.counts, n, D, layer.db,
        layer.stride, step
    )
    # It is for all samples, and has been added.
    memset(layer.db, 0, layer.stride * sizeof(floating))
    return squares
