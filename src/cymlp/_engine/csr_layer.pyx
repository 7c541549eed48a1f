"""The layer that reads the samples, where these are sparse.

A batch of text has entries in some thousand columns of many, and only their rows of
weights have a gradient. All others a step of gradient descent changes by the same fixed
matrix: without gradient, with m the momentum, λ the weight decay and η the learning
rate,

    (v, w) ← M (v, w),   M = ((m, λ), (−η m, 1 − η λ)),

or M = ((m, λ), (−η m², 1 − η λ (1 + m))) with Nesterov's momentum. So a row is left as
it is for n batches and then takes its n steps at once, as Mⁿ: what n steps would have
done, to rounding, at the cost of one. That is done when a batch has the row's column,
and for all rows at the end of an epoch, because only between epochs the learning rate
changes and weights are read.

On the way forward the rows are brought up to date in registers only. On the way back
they take these steps and the batch's own together, so that each row is written once.

Adam has no such matrix. Its step goes over all rows, a few at a time, with a gradient
that never leaves the cache.
"""

cimport cython
from cython cimport floating
from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport hypot, isfinite, sqrt
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport norm
from cymlp.kernels cimport cymlp_rows, kernels_for, kernels_of, padded_width
from cymlp._engine.optimizers cimport SGD, Optimizer, take_step
from cymlp._engine.samples cimport Samples
from cymlp._engine.buffers cimport Workspace

import numpy as np

# Powers of the matrix are kept for every digit of n in base 256, and multiplied.
cdef enum:
    BASE = 256
    DIGITS = 4

# Numbers of a gradient that are worked on at a time where it is made of all rows.
cdef Py_ssize_t NEIGHBOURS = 8192


cdef Power without_gradient(SGD optimizer) noexcept nogil:
    """The matrix of a step."""
    cdef double rate = optimizer._learning_rate
    cdef double m = optimizer.momentum
    cdef double decay = optimizer.weight_decay
    if optimizer.nesterov:
        return Power(m, decay, -rate * m * m, -rate * decay * (1 + m))
    return Power(m, decay, -rate * m, -rate * decay)


cdef double rate_of_gradient(SGD optimizer) noexcept nogil:
    """What a step multiplies a gradient with before it is taken from the weights."""
    if optimizer.nesterov:
        return optimizer._learning_rate * (1 + optimizer.momentum)
    return optimizer._learning_rate


cdef inline Power product(Power a, Power b) noexcept nogil:
    return Power(
        a.vv * b.vv + a.vw * b.wv,
        a.vv * b.vw + a.vw * b.ww + a.vw,
        a.wv * b.vv + a.ww * b.wv + b.wv,
        a.wv * b.vw + a.ww * b.ww + a.ww + b.ww
    )


cdef void tabulate(Power base, Power *table) noexcept nogil:
    """Fill the table (DIGITS, BASE) with base^(i BASE^digit)."""
    cdef Py_ssize_t _digit, i
    for _digit in range(DIGITS):
        table[0] = Power(1, 0, 0, 0)
        for i in range(1, BASE):
            table[i] = product(base, table[i - 1])
        base = product(base, table[BASE - 1])
        table += BASE


cdef inline Power look_up(const Power *table, Py_ssize_t n) noexcept nogil:
    """The n-th power, n < BASE^DIGITS."""
    cdef Power result = table[n % BASE]
    while n >= BASE:
        n //= BASE
        table += BASE
        result = product(table[n % BASE], result)
    return result


def power(SGD optimizer not None, Py_ssize_t n):
    """Give the matrix of n steps without gradient.

    Parameters
    ----------
    optimizer : SGD
    n : int
        From 0 to 2**32 - 1.

    Returns
    -------
    matrix : ndarray of shape (2, 2)
        What takes velocity and weight to where they are n steps later.

    Raises
    ------
    ValueError
        If n is out of range.

    Examples
    --------
    >>> from cymlp._engine.optimizers import SGD
    >>> from cymlp._engine.csr_layer import power
    >>> power(SGD(learning_rate=0.5, momentum=0.5, weight_decay=0), 2)
    array([[ 0.25 ,  0.   ],
           [-0.375,  1.   ]])
    """
    cdef Power table[DIGITS * BASE]
    cdef Power result
    if not 0 <= n < 2**32:
        raise ValueError(f"n must be in 0..2**32 - 1; got {n}")
    tabulate(without_gradient(optimizer), table)
    result = look_up(table, n)
    return np.array([[result.vv, result.vw], [result.wv, 1 + result.ww]])


@cython.final
cdef class SparseLayer(Workspace):
    """What it takes to train the first layer on sparse samples.

    The weights and what the optimiser keeps beside them stay where they are, in the
    caller's arrays.

    Parameters
    ----------
    samples : Samples
        Sparse ones.
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

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from cymlp._engine.optimizers import SGD
    >>> from cymlp._engine.samples import Samples
    >>> from cymlp._engine.csr_layer import SparseLayer
    >>> samples = Samples(csr_array(np.eye(3)), np.arange(3), n_classes=3)
    >>> optimizer = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0)
    >>> SparseLayer(samples, n_out=5, batch_size=2, optimizer=optimizer).n_out
    5
    """

    def __cinit__(
        self, Samples samples not None, Py_ssize_t n_out, Py_ssize_t batch_size,
        Optimizer optimizer=None
    ):
        stride = padded_width(kernels_of(samples.dtype), n_out)
        self.samples, self.n_out = samples, n_out
        self.lazy = isinstance(optimizer, SGD)
        self.weights.width = n_out
        self.U = self.reserve((batch_size, stride), samples.dtype)
        self.dU = self.reserve((batch_size, stride), samples.dtype)
        self.n_neighbours = max(1, NEIGHBOURS // n_out)
        self.gradient = self.reserve((self.n_neighbours, n_out), samples.dtype)
        self.groups.places = <uint32_t *> self.reserve(samples.n_features, np.uint32)
        if self.lazy:
            self.n_done = <uint32_t *> self.reserve(samples.n_features, np.uint32)
            self.table = <Power *> self.reserve((DIGITS, BASE, 4), np.float64)
            self.first_powers = self.reserve((BASE, 4), samples.dtype)

    cdef int make_room(
        self, const Py_ssize_t[::1] order, Py_ssize_t batch_size
    ) except -1:
        """See to it that the entries of every batch of an epoch find room."""
        cdef const Py_ssize_t *row_starts = self.samples.row_starts
        cdef Py_ssize_t largest = 0
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t i
        for i in range(order.shape[0]):
            if i % batch_size == 0:
                count = 0
            count += row_starts[order[i] + 1] - row_starts[order[i]]
            largest = max(largest, count)
        if largest >= 2**32:
            raise ValueError(
                f"a batch of {largest} numbers that are not 0; a smaller batch_size "
                "must make it fewer than 2**32"
            )
        if self.room is None or largest > self.n_elements:
            # Other orders have somewhat larger batches.
            self.set_room(largest + largest // 4)
        return 0

    cdef set_room(self, Py_ssize_t n_elements):
        kernels = kernels_of(self.samples.dtype)
        n_columns = min(n_elements, self.samples.n_features)
        self.room = Workspace()
        self.n_elements = n_elements
        self.groups.columns = <int *> self.room.reserve(n_columns, np.intc)
        self.groups.ends = <uint32_t *> self.room.reserve(n_columns, np.uint32)
        self.groups.elements = self.room.reserve(
            n_elements * kernels.element_size, np.uint8
        )
        self.powers = self.room.reserve(
            (max(n_columns, self.n_neighbours), 4), self.samples.dtype
        )


cdef inline floating finite(double number, const floating *precision) noexcept nogil:
    """A number, or the largest that there is where it is out of range."""
    cdef double limit = FLT_MAX if floating is float else DBL_MAX
    if number > limit:
        return <floating> limit
    return <floating> (number if number > -limit else -limit)


cdef inline void put(Power matrix, floating *numbers) noexcept nogil:
    """Make a power numbers for the kernels, finite ones also where it is not.

    Such large ones come of a learning rate that makes weights grow without end. Those
    that are 0 stay 0 then, as they do step by step.
    """
    numbers[0] = finite(matrix.vv, numbers)
    numbers[1] = finite(matrix.vw, numbers)
    numbers[2] = finite(matrix.wv, numbers)
    numbers[3] = finite(matrix.ww, numbers)


cdef void sparse_load(
    SparseLayer layer, floating *theta, Py_ssize_t apart, Optimizer optimizer
) noexcept nogil:
    cdef floating *first = <floating *> layer.first_powers
    cdef Py_ssize_t n
    layer.weights.weights, layer.weights.velocity = theta, NULL
    layer.weights.powers = NULL
    layer.apart = apart
    layer.n_steps = 0
    if not layer.lazy:
        return
    layer.weights.velocity = theta + apart
    layer.weights.powers = layer.powers
    memset(layer.n_done, 0, layer.samples.n_features * sizeof(uint32_t))
    tabulate(without_gradient(<SGD> optimizer), layer.table)
    for n in range(BASE):
        put(layer.table[n], &first[4 * n])


cdef void sparse_store(SparseLayer layer, const floating *precision) noexcept nogil:
    """Bring all rows up to date."""
    cdef floating *powers = <floating *> layer.powers
    cdef cymlp_rows some = layer.weights
    cdef Py_ssize_t part, start, count, i
    if not layer.lazy:
        return
    for part in range((layer.samples.n_features - 1) // layer.n_neighbours + 1):
        start = part * layer.n_neighbours
        count = min(layer.n_neighbours, layer.samples.n_features - start)
        for i in range(count):
            put(look_up(layer.table, layer.n_steps - layer.n_done[start + i]),
                &powers[4 * i])
        some.weights = <floating *> layer.weights.weights + start * layer.n_out
        some.velocity = <floating *> layer.weights.velocity + start * layer.n_out
        kernels_for(precision).sparse_move(&some, count)


cdef void find_powers(
    SparseLayer layer, Py_ssize_t n_more, const floating *precision
) noexcept nogil:
    """For each of the batch's rows, the matrix of its missing steps and n_more."""
    cdef floating *powers = <floating *> layer.powers
    cdef const floating *first = <const floating *> layer.first_powers
    cdef Py_ssize_t group, n
    for group in range(layer.groups.count):
        n = layer.n_steps - layer.n_done[layer.groups.columns[group]] + n_more
        if n < BASE:
            memcpy(&powers[4 * group], &first[4 * n], 4 * sizeof(floating))
        else:
            put(look_up(layer.table, n), &powers[4 * group])


cdef void sparse_forward(
    SparseLayer layer, const Py_ssize_t *rows, Py_ssize_t n, Py_ssize_t n_ahead,
    const floating *b, floating *U
) noexcept nogil:
    kernels_for(b).sparse_group(
        layer.samples.row_starts, layer.samples.columns, layer.samples.values, rows, n,
        n_ahead, &layer.groups
    )
    if layer.lazy:
        find_powers(layer, 0, b)
    kernels_for(b).sparse_forward(&layer.groups, &layer.weights, b, layer.U, n)
    kernels_for(b).sparse_unpack(layer.U, n, layer.n_out, U)


cdef int sparse_backward(
    SparseLayer layer, Py_ssize_t n, const floating *dU, Optimizer optimizer,
    double *gradient_norm
) except -1 nogil:
    kernels_for(dU).sparse_pack(dU, n, layer.n_out, layer.dU)
    if not layer.lazy:
        return step_all_rows(layer, optimizer, gradient_norm, dU)
    gradient_norm[0] = descend(layer, <SGD> optimizer, dU)
    return 0


cdef double descend(
    SparseLayer layer, SGD optimizer, const floating *precision
) noexcept nogil:
    """Step with the rows of the batch; return the norm of the gradient."""
    # Above it, what squares lose by underflow does not show.
    cdef double lowest = 1e-28 if floating is float else 1e-280
    cdef double squares
    cdef Py_ssize_t group
    find_powers(layer, 1, precision)
    squares = kernels_for(precision).sparse_backward(
        &layer.groups, layer.dU, rate_of_gradient(optimizer), &layer.weights
    )
    layer.n_steps += 1
    for group in range(layer.groups.count):
        layer.n_done[layer.groups.columns[group]] = <uint32_t> layer.n_steps
    if lowest <= squares and isfinite(squares):
        return sqrt(squares)
    return scaled_norm(layer, precision)


cdef double scaled_norm(SparseLayer layer, const floating *precision) noexcept nogil:
    """The norm of the gradient where its square is out of range."""
    cdef floating *G = <floating *> layer.gradient
    cdef double result = 0
    cdef Py_ssize_t group
    for group in range(layer.groups.count):
        kernels_for(precision).sparse_gradient(
            &layer.groups, group, layer.dU, layer.n_out, G
        )
        result = hypot(result, norm(G, layer.n_out))
    return result


cdef int step_all_rows(
    SparseLayer layer, Optimizer optimizer, double *gradient_norm,
    const floating *precision
) except -1 nogil:
    cdef floating *theta = <floating *> layer.weights.weights
    cdef floating *G = <floating *> layer.gradient
    cdef Py_ssize_t part, start, count
    gradient_norm[0] = 0
    for part in range((layer.samples.n_features - 1) // layer.n_neighbours + 1):
        start = part * layer.n_neighbours
        count = min(layer.n_neighbours, layer.samples.n_features - start)
        find_gradient(layer, start, count, G)
        gradient_norm[0] = hypot(gradient_norm[0], norm(G, count * layer.n_out))
        take_step(
            optimizer, theta + start * layer.n_out,
            theta + layer.apart + start * layer.n_out, layer.apart, G,
            count * layer.n_out
        )
    return 0


cdef void find_gradient(
    SparseLayer layer, Py_ssize_t start, Py_ssize_t count,
    floating *G             # OUT (count, n_out)
) noexcept nogil:
    """The gradient of neighbouring rows, 0 where the batch has no entries."""
    cdef Py_ssize_t column, group
    for column in range(start, start + count):
        group = layer.groups.places[column]
        if group < layer.groups.count and layer.groups.columns[group] == column:
            kernels_for(G).sparse_gradient(
                &layer.groups, group, layer.dU, layer.n_out, G
            )
        else:
            memset(G, 0, layer.n_out * sizeof(floating))
        G += layer.n_out
