"""The network: layers in a row, run over one epoch of mini-batches.

All numbers live in flat arrays that the caller owns: the parameters of all layers one
after the other, each layer's weights before its biases, and a work space. A network
knows only where in them each layer's part begins. An epoch runs without the GIL and
allocates nothing, unless an activation or the loss is a user's Python object: the
functions that stand for it then take the GIL, batch by batch.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cython cimport floating
from libc.math cimport hypot, isfinite
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from cymlp.activations cimport (
    ActivationKernel, activate, activate_backward, kernel_of
)
from cymlp._engine.blas cimport norm
from cymlp._engine.dense cimport (
    bias_backward, dense_backward, dense_backward_input, dense_forward
)
from cymlp._engine.dropout cimport apply_mask, draw_mask, stream
from cymlp._engine.first_layer cimport (
    FirstLayer, first_backward, first_forward, load, store
)
from cymlp.losses cimport BoundLoss, bind, value_and_gradient
from cymlp._engine.optimizers cimport Optimizer, take_step
from cymlp._engine.samples cimport Samples, gather_targets


WRONG_SHAPE = "an array has not the shape that the network needs"


cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    # Where its weights and biases begin among the parameters.
    Py_ssize_t W
    Py_ssize_t b
    # Where its input, its weighted sums and the gradient in these begin in the work
    # space.
    Py_ssize_t A
    Py_ssize_t U
    Py_ssize_t dU
    # What is applied to U. The last layer has none, its U are the scores.
    ActivationKernel activation
    # The fraction of its units that a sample is trained without, and where the values
    # of its activation and the mask begin that make the next layer's input. Without
    # dropout there is no mask, and the values are that input.
    double dropout
    Py_ssize_t F
    Py_ssize_t mask


cdef bint all_below(const Py_ssize_t[::1] numbers, Py_ssize_t limit) noexcept nogil:
    """Whether all numbers are in 0..limit - 1."""
    cdef Py_ssize_t i
    cdef bint result = True
    for i in range(numbers.shape[0]):
        result &= 0 <= numbers[i] < limit
    return result


def n_parameters(sizes):
    """Count the weights and biases of a network.

    Parameters
    ----------
    sizes : sequence of int
        Widths of the input, of each hidden layer and of the output.

    Returns
    -------
    count : int

    Examples
    --------
    >>> from cymlp._engine.network import n_parameters
    >>> n_parameters([784, 28, 10])
    22270
    """
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:]))


def split_parameters(theta, sizes):
    """See the flat array of parameters as weight matrices and biases.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
    sizes : sequence of int
        Widths of the input, of each hidden layer and of the output.

    Returns
    -------
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)
        Views of theta.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.network import split_parameters
    >>> coefs, intercepts = split_parameters(np.arange(4.0), [1, 1, 1])
    >>> coefs, intercepts
    ([array([[0.]]), array([[2.]])], [array([1.]), array([3.])])
    """
    coefs, intercepts = [], []
    start = 0
    for n_in, n_out in zip(sizes, sizes[1:]):
        middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
        coefs.append(theta[start:middle].reshape(n_in, n_out))
        intercepts.append(theta[middle:end])
        start = end
    return coefs, intercepts


@cython.final
cdef class Network:
    """Layers, activations and loss, laid out for batches of a given size.

    Parameters
    ----------
    sizes : sequence of int
        Widths of the input, of each hidden layer and of the output.
    activations : sequence of objects
        One per hidden layer, ours or a user's.
    loss : object
        Ours or a user's.
    batch_size : int
        Number of rows in a batch; the last one of an epoch may have fewer.
    dropout : sequence of float, default=()
        For each hidden layer the fraction of its units that a sample is trained
        without; empty for no dropout.

    Raises
    ------
    ValueError
        If a size is not positive, there are fewer than two of them, or there is not one
        activation per hidden layer.

    Attributes
    ----------
    batch_size : int
    first_width : int
        Width of the first layer.
    n_parameters : int
        Length of the flat array of parameters.
    work_size : int
        Length of the work space.
    """

    cdef readonly Py_ssize_t n_parameters
    cdef readonly Py_ssize_t work_size
    cdef readonly Py_ssize_t batch_size
    cdef Py_ssize_t depth
    cdef Layer *layers
    cdef tuple activations
    cdef BoundLoss loss
    # Where these begin in the work space: targets, losses, the loss's own scratch
    # space, gradient.
    cdef Py_ssize_t targets
    cdef Py_ssize_t losses
    cdef Py_ssize_t scratch
    cdef Py_ssize_t gradient

    def __cinit__(
        self, sizes, activations, loss, Py_ssize_t batch_size, dropout=()
    ):
        if len(sizes) < 2 or min(sizes) < 1 or batch_size < 1:
            raise ValueError(
                "sizes must be at least two positive numbers and batch_size positive; "
                f"got {sizes!r} and {batch_size}"
            )
        if len(activations) != len(sizes) - 2:
            raise ValueError(
                f"{len(sizes) - 2} hidden layers need as many activations; "
                f"got {len(activations)}"
            )
        if dropout and (
            len(dropout) != len(activations) or not all(0 <= p < 1 for p in dropout)
        ):
            raise ValueError(
                f"dropout must be a number in [0, 1) for each of {len(activations)} "
                f"hidden layers; got {dropout!r}"
            )
        self.depth = len(sizes) - 1
        self.layers = <Layer *> PyMem_Calloc(self.depth, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError
        dropout = [*(dropout or [0.0] * len(activations)), 0.0]
        self.lay_out(sizes, activations, loss, batch_size, dropout)

    cdef lay_out(self, sizes, activations, loss, Py_ssize_t batch_size, dropout):
        """Reserve a place for every part."""
        cdef Layer *layer
        cdef Py_ssize_t index
        self.batch_size = batch_size
        self.activations = tuple(activations)
        self.loss = bind(loss, sizes[-1])
        for index in range(self.depth):
            layer = &self.layers[index]
            layer.n_in, layer.n_out = sizes[index], sizes[index + 1]
            layer.W = self.n_parameters
            layer.b = layer.W + layer.n_in * layer.n_out
            self.n_parameters = layer.b + layer.n_out
            if index > 0:
                layer.A = self.reserve(batch_size * layer.n_in)
            layer.U = self.reserve(batch_size * layer.n_out)
            layer.dU = self.reserve(batch_size * layer.n_out)
            layer.dropout = dropout[index]
            if layer.dropout > 0:
                layer.F = self.reserve(batch_size * layer.n_out)
                layer.mask = self.reserve(batch_size * layer.n_out)
            elif index < self.depth - 1:
                # Where the next layer's A is about to be reserved.
                layer.F = self.work_size
            if index < self.depth - 1:
                layer.activation = kernel_of(self.activations[index])
        self.targets = self.reserve(batch_size * sizes[-1])
        self.scratch = self.reserve(batch_size * sizes[-1])
        self.losses = self.reserve(batch_size)
        self.gradient = self.reserve(self.n_parameters)

    @property
    def first_width(self):
        return self.layers[0].n_out

    def __dealloc__(self):
        PyMem_Free(self.layers)

    cdef Py_ssize_t reserve(self, Py_ssize_t count):
        # Every part begins on a cache line of its own.
        cdef Py_ssize_t start = self.work_size
        self.work_size += (count + 15) // 16 * 16
        return start

    def train_epoch(
        self,
        FirstLayer first not None,
        const Py_ssize_t[::1] order not None,
        Optimizer optimizer not None,
        floating[:, ::1] state not None,
        floating[::1] work not None,
        double[:, ::1] record not None,
        uint64_t seed=0,
    ):
        """Train on every sample in `order` once.

        Parameters
        ----------
        first : FirstLayer
            With the samples, of the dtype of state.
        order : ndarray of intp of any shape (n,)
            The samples' numbers, in the order in which they are taken.
        optimizer : Optimizer
        state : ndarray of shape (1 + optimizer.n_slots, n_parameters)
            The parameters, and what the optimiser keeps beside them; changed in place.
        work : ndarray of shape (work_size,)
            Work space, of any content.
        record : ndarray of shape (3, n_batches)
            Takes loss and accuracy of each batch, as they were before its update, and
            the Euclidean norm of the gradient of that loss.
        seed : int, default=0
            Determines which units dropout leaves out.

        Returns
        -------
        finite : bool
            False if a loss was not finite. The epoch ends with that batch.

        Raises
        ------
        ValueError
            If a shape does not fit the network or an index is out of range.
        """
        cdef Py_ssize_t start, n
        cdef Py_ssize_t batch = 0
        cdef Py_ssize_t n_batches = (order.shape[0] - 1) // self.batch_size + 1
        cdef Samples samples = first.samples
        self.check(first, order, state.shape[1], work)
        if (
            first.n_slots != optimizer.n_slots
            or state.shape[0] != 1 + optimizer.n_slots
            or record.shape[0] != 3
            or record.shape[1] != n_batches
        ):
            raise ValueError(WRONG_SHAPE)
        cdef floating *theta = &state[0, 0]
        cdef floating *space = &work[0]
        cdef const Py_ssize_t *rows
        # A step takes as long as the products of some ten samples.
        cdef Py_ssize_t per_check = (
            1 + 10**9 // ((self.batch_size + 10) * self.n_parameters)
        )
        with nogil:
            load(first, theta, self.n_parameters, optimizer)
            try:
                for batch in range(n_batches):
                    start = batch * self.batch_size
                    n = min(self.batch_size, order.shape[0] - start)
                    rows = &order[start]
                    first_forward(first, rows, n, order.shape[0] - start - n,
                                  &theta[self.layers[0].b], &space[self.layers[0].U])
                    self.forward(theta, space, n, True, stream(seed, batch))
                    self.apply_loss(samples, rows, space, n,
                                    &record[0, batch], &record[1, batch])
                    if not isfinite(record[0, batch]):
                        break
                    self.backward(theta, space, n)
                    self.step(first, rows, theta, space, n, optimizer,
                              &record[2, batch])
                    # So that Ctrl-C does not have to wait for the end of a long epoch.
                    if batch % per_check == per_check - 1:
                        with gil:
                            PyErr_CheckSignals()
            finally:
                store(first, theta, self.n_parameters)
        return bool(isfinite(record[0, batch]))

    def evaluate(
        self,
        FirstLayer first not None,
        const Py_ssize_t[::1] order not None,
        floating[::1] theta not None,
        floating[::1] work not None,
    ):
        """Compute loss and accuracy of the samples in `order`, without dropout.

        Parameters
        ----------
        first : FirstLayer
            With the samples, of the dtype of theta.
        order : ndarray of intp of any shape (n,)
            The samples' numbers.
        theta : ndarray of shape (n_parameters,)
            The parameters.
        work : ndarray of shape (work_size,)
            Work space, of any content.

        Returns
        -------
        loss, accuracy : float
            Weighted means. They may be infinite or NaN.

        Raises
        ------
        ValueError
            If a shape does not fit the network or an index is out of range.
        """
        cdef Samples samples = first.samples
        cdef const floating *weights = <const floating *> samples.weights
        cdef floating *space = &work[0]
        cdef Optimizer no_optimizer = None
        cdef double[3] total = [0, 0, 0]
        cdef double loss, accuracy
        cdef Py_ssize_t batch, start, n, i
        cdef const Py_ssize_t *rows
        self.check(first, order, theta.shape[0], work)
        with nogil:
            load(first, &theta[0], self.n_parameters, no_optimizer)
            for batch in range((order.shape[0] - 1) // self.batch_size + 1):
                start = batch * self.batch_size
                n = min(self.batch_size, order.shape[0] - start)
                rows = &order[start]
                first_forward(first, rows, n, order.shape[0] - start - n,
                              &theta[self.layers[0].b], &space[self.layers[0].U])
                self.forward(&theta[0], space, n, False, 0)
                self.apply_loss(samples, rows, space, n, &loss, &accuracy)
                total[0] += n * loss
                total[1] += n * accuracy
                for i in range(n):
                    total[2] += 1 if weights == NULL else weights[rows[i]]
                # So that Ctrl-C does not have to wait for the last.
                with gil:
                    PyErr_CheckSignals()
        return total[0] / total[2], total[1] / total[2]

    cdef check(
        self, FirstLayer first, const Py_ssize_t[::1] order, Py_ssize_t n_parameters,
        floating[::1] work
    ):
        """Refuse what does not fit the network; make room for what does."""
        cdef Samples samples = first.samples
        if (
            samples.n_features != self.layers[0].n_in
            or samples.n_classes != self.layers[self.depth - 1].n_out
            or first.n_out != self.layers[0].n_out
            or first.batch_size < self.batch_size
            or n_parameters != self.n_parameters
            or work.shape[0] < self.work_size
            or order.shape[0] < 1
        ):
            raise ValueError(WRONG_SHAPE)
        if samples.dtype != f"float{8 * sizeof(floating)}":
            raise ValueError(f"samples are {samples.dtype}, and state is not")
        if not all_below(order, samples.n_samples):
            raise ValueError("order has a number out of range")
        if first.sparse is not None:
            first.sparse.make_room(order, self.batch_size)

    cdef int forward(
        self, const floating *theta, floating *work, Py_ssize_t n, bint drops_out,
        uint64_t seed
    ) except -1 nogil:
        """From the first layer's U to the scores."""
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef floating *A
        for index in range(self.depth):
            layer = &self.layers[index]
            if index > 0:
                dense_forward(&work[layer.A], &theta[layer.W], &theta[layer.b],
                              &work[layer.U], n, layer.n_in, layer.n_out)
            if index < self.depth - 1:
                activate(&layer.activation, &work[layer.U], &work[layer.F],
                         n, layer.n_out)
            if layer.dropout == 0:
                continue
            A = &work[self.layers[index + 1].A]
            if drops_out:
                draw_mask(stream(seed, index), layer.dropout, &work[layer.mask],
                          n * layer.n_out)
                apply_mask(&work[layer.mask], &work[layer.F], A, n * layer.n_out)
            else:
                memcpy(A, &work[layer.F], n * layer.n_out * sizeof(floating))
        return 0

    cdef int apply_loss(
        self, Samples samples, const Py_ssize_t *rows, floating *work, Py_ssize_t n,
        double *loss, double *accuracy
    ) except -1 nogil:
        """Weigh the losses; leave the gradient of their mean in the last layer's dU."""
        cdef Layer *last = &self.layers[self.depth - 1]
        cdef Py_ssize_t i, j, top
        cdef Py_ssize_t k = last.n_out
        cdef const floating *weights = <const floating *> samples.weights
        cdef floating *T = &work[self.targets]
        cdef floating *Z = &work[last.U]
        cdef floating *dZ = &work[last.dU]
        cdef floating *losses = &work[self.losses]
        cdef floating weight = 1
        cdef double total = 0
        cdef double correct = 0
        gather_targets(samples, rows, T, n)
        value_and_gradient(&self.loss.kernel, Z, T, losses, dZ, &work[self.scratch],
                           n, k)
        for i in range(n):
            top = 0
            for j in range(1, k):
                if Z[i * k + j] > Z[i * k + top]:
                    top = j
            if weights != NULL:
                weight = weights[rows[i]]
            if top == samples.y[rows[i]]:
                correct += weight
            if weight == 0:
                # Not multiplied: it must not count even if its loss is infinite.
                memset(&dZ[i * k], 0, k * sizeof(floating))
                continue
            total += <double> weight * losses[i]
            for j in range(k):
                dZ[i * k + j] *= weight / n
        loss[0] = total / n
        accuracy[0] = correct / n
        return 0

    cdef int backward(
        self, const floating *theta, floating *work, Py_ssize_t n
    ) except -1 nogil:
        """From the last layer's dU to the first's, and all gradients on the way."""
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef Layer *before
        cdef floating *gradient = &work[self.gradient]
        for index in range(self.depth - 1, -1, -1):
            layer = &self.layers[index]
            bias_backward(&work[layer.dU], &gradient[layer.b], n, layer.n_out)
            if index > 0:
                before = &self.layers[index - 1]
                dense_backward(&work[layer.A], &work[layer.dU], &gradient[layer.W],
                               n, layer.n_in, layer.n_out)
                dense_backward_input(&work[layer.dU], &theta[layer.W],
                                     &work[before.dU], n, layer.n_in, layer.n_out)
                if before.dropout > 0:
                    apply_mask(&work[before.mask], &work[before.dU],
                               &work[before.dU], n * before.n_out)
                activate_backward(&before.activation, &work[before.U],
                                  &work[before.F], &work[before.dU], n, before.n_out)
        return 0

    cdef int step(
        self, FirstLayer first, const Py_ssize_t *rows, floating *theta,
        floating *work, Py_ssize_t n, Optimizer optimizer, double *gradient_norm
    ) except -1 nogil:
        """Change all parameters; the weights of the first layer have their own way."""
        cdef Py_ssize_t rest = self.layers[0].b
        cdef Py_ssize_t count = self.n_parameters - rest
        cdef floating *gradient = &work[self.gradient + rest]
        optimizer._n_steps += 1
        first_backward(first, rows, n, &work[self.layers[0].dU], gradient, optimizer,
                       gradient_norm)
        gradient_norm[0] = hypot(gradient_norm[0], norm(gradient, count))
        return take_step(optimizer, theta + rest, theta + rest + self.n_parameters,
                         self.n_parameters, gradient, count)
