"""The network: layers in a row, trained over epochs of mini-batches.

A `Network` is a description, which never changes and can be shared by threads. The
parameters of all layers lie one after the other in a flat array, each layer's weights
before its biases. A batch is computed in a `Memory`, one for each thread. An epoch
runs without the GIL and allocates nothing. Only a user's own activation or loss, a
Python object, takes the GIL, once per batch.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cython cimport floating
from libc.math cimport NAN, hypot, isfinite
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport norm
from cymlp._engine.buffers cimport Buffers, check_shape
from cymlp._engine.dense cimport (
    bias_backward, dense_backward, dense_backward_input, dense_forward
)
from cymlp._engine.dropout cimport apply_mask, draw_mask, stream
from cymlp._engine.optimizers cimport Optimizer, take_step
from cymlp._engine.storage.base cimport FirstLayer
from cymlp._engine.targets cimport Targets, read_targets
from cymlp.activations cimport (
    ActivationKernel, activate, activate_backward, kernel_of
)
from cymlp.losses cimport BoundLoss, bind, value_and_gradient

import numpy as np


cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    # Where its weights and biases begin among the parameters.
    Py_ssize_t W
    Py_ssize_t b
    # Applied to the sums of hidden layers. The sums of the last layer are the scores.
    ActivationKernel activation
    # Share of the units that a sample is trained without.
    double dropout


cdef struct LayerMemory:
    # Parameters, with the network's or elsewhere: W (n_in, n_out), b (n_out).
    const void *W
    const void *b
    # For each sample of a batch: sums and their gradient, values of the activation
    # before dropout, the mask of dropout, and the input of the next layer, which are
    # the values where there is no dropout; all (batch_size, n_out).
    void *U
    void *dU
    void *values
    void *mask
    void *output


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
    """View a flat array of parameters as weight matrices and biases.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
    sizes : sequence of int
        Widths of the input, of each hidden layer and of the output.

    Returns
    -------
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)

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
cdef class Memory(Buffers):
    """The memory of one thread for batches of a network; see `Network.memory`.

    Attributes
    ----------
    batch_size : int
    dtype : dtype
    """

    cdef readonly Py_ssize_t batch_size
    cdef readonly object dtype
    cdef LayerMemory *layers
    cdef void *T            # targets (batch_size, n_outputs)
    cdef void *losses       # (batch_size)
    cdef void *scratch      # of the loss (batch_size, n_outputs)
    cdef void *gradient     # of all parameters

    def __dealloc__(self):
        PyMem_Free(self.layers)


@cython.final
cdef class Network:
    """Layers, activations and loss.

    Parameters
    ----------
    sizes : sequence of int
        Widths of the input, of each hidden layer and of the output.
    activations : sequence of objects
        One per hidden layer, from cymlp or the user's own.
    loss : object, default=None
        From cymlp or the user's own. None for a network that only predicts.
    dropout : sequence of float, default=()
        For each hidden layer the share of its units that a sample is trained without.
        Empty for no dropout.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, one of them is not positive, or the number of
        activations or of dropout rates is not that of the hidden layers.

    Attributes
    ----------
    sizes : tuple of int
    n_parameters : int
        Length of the flat array of parameters.
    """

    cdef readonly tuple sizes
    cdef readonly Py_ssize_t n_parameters
    cdef Py_ssize_t depth
    cdef Layer *layers
    cdef tuple activations
    cdef BoundLoss loss

    def __cinit__(self, sizes, activations, loss=None, dropout=()):
        cdef Layer *layer
        self.sizes, self.activations = tuple(sizes), tuple(activations)
        self.check_parts(dropout)
        self.depth = len(sizes) - 1
        self.loss = None if loss is None else bind(loss, sizes[-1])
        self.layers = <Layer *> PyMem_Calloc(self.depth, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError
        for index in range(self.depth):
            layer = &self.layers[index]
            layer.n_in, layer.n_out = sizes[index], sizes[index + 1]
            layer.W = self.n_parameters
            layer.b = layer.W + layer.n_in * layer.n_out
            self.n_parameters = layer.b + layer.n_out
            if index < self.depth - 1:
                layer.activation = kernel_of(self.activations[index])
                layer.dropout = dropout[index] if dropout else 0

    cdef check_parts(self, dropout):
        n_hidden = len(self.sizes) - 2
        if n_hidden < 0 or min(self.sizes) < 1:
            raise ValueError(
                f"sizes must be at least two positive integers; got {self.sizes}"
            )
        if len(self.activations) != n_hidden:
            raise ValueError(
                f"activations must be one per hidden layer, {n_hidden}; got "
                f"{len(self.activations)}"
            )
        if dropout and (
            len(dropout) != n_hidden or not all(0 <= rate < 1 for rate in dropout)
        ):
            raise ValueError(
                "dropout must be empty or one rate in [0, 1) per hidden layer, "
                f"{n_hidden}; got {dropout!r}"
            )

    def __dealloc__(self):
        PyMem_Free(self.layers)

    def memory(self, Py_ssize_t batch_size, dtype, trains=True):
        """Allocate the memory of one thread.

        Parameters
        ----------
        batch_size : int
            Maximum number of samples in a batch.
        dtype : dtype
            Precision of the computation, float32 or float64.
        trains : bool, default=True
            Whether gradients will be computed, too.

        Returns
        -------
        memory : Memory
        """
        cdef Memory memory = Memory.__new__(Memory)
        cdef LayerMemory *part
        cdef Py_ssize_t index, n_outputs = self.layers[self.depth - 1].n_out
        cdef size_t size, itemsize = np.dtype(dtype).itemsize
        if batch_size < 1:
            raise ValueError(f"batch_size must be positive; got {batch_size}")
        memory.batch_size, memory.dtype = batch_size, np.dtype(dtype)
        memory.layers = <LayerMemory *> PyMem_Calloc(self.depth, sizeof(LayerMemory))
        if memory.layers == NULL:
            raise MemoryError
        for index in range(self.depth):
            part = &memory.layers[index]
            size = batch_size * self.layers[index].n_out * itemsize
            part.U = memory.reserve(size)
            if trains:
                part.dU = memory.reserve(size)
            if index < self.depth - 1:
                part.values = part.output = memory.reserve(size)
            if self.layers[index].dropout > 0:
                part.mask = memory.reserve(size)
                part.output = memory.reserve(size)
        if trains:
            memory.T = memory.reserve(batch_size * n_outputs * itemsize)
            memory.losses = memory.reserve(batch_size * itemsize)
            memory.scratch = memory.reserve(batch_size * n_outputs * itemsize)
            memory.gradient = memory.reserve(self.n_parameters * itemsize)
        return memory

    def train_epoch(
        self,
        FirstLayer first not None,
        Targets targets not None,
        const Py_ssize_t[::1] indices not None,
        Optimizer optimizer not None,
        floating[:, ::1] state not None,
        Py_ssize_t n_steps,
        Memory memory not None,
        double[:, ::1] record not None,
        uint64_t seed=0,
    ):
        """Train on every sample in `indices` once.

        Parameters
        ----------
        first : FirstLayer
            Reads the samples. Its batch size is that of the epoch.
        targets : Targets
        indices : ndarray of intp of shape (n,)
            The samples, in the order in which they are taken.
        optimizer : Optimizer
        state : ndarray of shape (1 + optimizer.n_slots, n_parameters)
            The parameters and the optimiser's slots; changed in place.
        n_steps : int
            Number of steps that the optimiser has taken before.
        memory : Memory
        record : ndarray of shape (3, n_batches)
            Output: loss and accuracy of each batch before its update, and the Euclidean
            norm of the gradient of that loss.
        seed : int, default=0
            Of the random numbers of dropout.

        Returns
        -------
        finite : bool
            False if a loss was not finite. The epoch ends with that batch.

        Raises
        ------
        ValueError
            If a shape or dtype does not fit the network, or an index is out of range.
        """
        cdef Py_ssize_t start, n
        cdef Py_ssize_t batch = 0, batch_size = first.batch_size
        cdef Py_ssize_t n_batches = (indices.shape[0] - 1) // batch_size + 1
        self.check_samples(first, targets, indices, memory, sizeof(floating) == 4)
        check_shape("state", (state.shape[0], state.shape[1]),
                    (1 + optimizer.n_slots, self.n_parameters))
        check_shape("record", (record.shape[0], record.shape[1]), (3, n_batches))
        if first.n_slots != optimizer.n_slots or memory.gradient == NULL:
            raise ValueError("first and memory must have been made for training")
        cdef floating *theta = &state[0, 0]
        cdef const Py_ssize_t *samples
        # A step takes as long as the products of some ten samples.
        cdef Py_ssize_t batches_per_check = (
            1 + 10**9 // ((batch_size + 10) * self.n_parameters)
        )
        self.set_parameters(memory, theta)
        with nogil:
            first.load(theta, self.n_parameters, optimizer)
            try:
                for batch in range(n_batches):
                    start = batch * batch_size
                    n = min(batch_size, indices.shape[0] - start)
                    samples = &indices[start]
                    first.forward(samples, n, indices.shape[0] - start - n,
                                  memory.layers[0].b, memory.layers[0].U)
                    self.forward(memory, n, True, stream(seed, batch), theta)
                    self.apply_loss(memory, targets, samples, n, &record[0, batch],
                                    &record[1, batch], theta)
                    if not isfinite(record[0, batch]):
                        break
                    self.backward(memory, n, True, theta)
                    self.step(memory, first, samples, n, optimizer,
                              n_steps + batch + 1, theta, &record[2, batch])
                    # So that Ctrl-C need not wait for the end of a long epoch.
                    if batch % batches_per_check == batches_per_check - 1:
                        with gil:
                            PyErr_CheckSignals()
            finally:
                first.unload(theta, self.n_parameters)
        return bool(isfinite(record[0, batch]))

    def evaluate(
        self,
        FirstLayer first not None,
        Targets targets not None,
        const Py_ssize_t[::1] indices not None,
        floating[::1] theta not None,
        Memory memory not None,
    ):
        """Compute loss and accuracy over samples, without dropout.

        Parameters
        ----------
        first : FirstLayer
            Reads the samples.
        targets : Targets
        indices : ndarray of intp of shape (n,)
            The samples.
        theta : ndarray of shape (n_parameters,)
        memory : Memory

        Returns
        -------
        loss, accuracy : float
            Weighted means. The loss may be infinite or NaN. The accuracy is NaN for
            targets without labels.

        Raises
        ------
        ValueError
            If a shape or dtype does not fit the network, or an index is out of range.
        """
        cdef const floating *weights = <const floating *> targets.weight
        cdef Optimizer no_optimizer = None
        cdef double[3] total = [0, 0, 0]
        cdef double loss, accuracy
        cdef Py_ssize_t batch, start, n, i, batch_size = first.batch_size
        cdef const Py_ssize_t *samples
        self.check_samples(first, targets, indices, memory, sizeof(floating) == 4)
        check_shape("theta", (theta.shape[0],), (self.n_parameters,))
        self.set_parameters(memory, &theta[0])
        with nogil:
            first.load(&theta[0], self.n_parameters, no_optimizer)
            for batch in range((indices.shape[0] - 1) // batch_size + 1):
                start = batch * batch_size
                n = min(batch_size, indices.shape[0] - start)
                samples = &indices[start]
                first.forward(samples, n, indices.shape[0] - start - n,
                              memory.layers[0].b, memory.layers[0].U)
                self.forward(memory, n, False, 0, &theta[0])
                self.apply_loss(memory, targets, samples, n, &loss, &accuracy,
                                &theta[0])
                total[0] += n * loss
                total[1] += n * accuracy
                for i in range(n):
                    total[2] += 1 if weights == NULL else weights[samples[i]]
                # So that Ctrl-C need not wait for the last batch.
                with gil:
                    PyErr_CheckSignals()
        return total[0] / total[2], total[1] / total[2]

    def scores(self, floating[:, ::1] U not None, layers, Memory memory not None):
        """Compute scores, without dropout.

        Parameters
        ----------
        U : ndarray of shape (n, n_hidden), n > 0
            The sums of the first layer.
        layers : list of (W, b)
            Weights and biases of the other layers, of the dtype of U and C-contiguous.
        memory : Memory

        Returns
        -------
        Z : ndarray of shape (n, n_outputs)
            U itself for a network without hidden layers.
        """
        if self.depth == 1:
            return np.asarray(U)
        Z = np.empty((U.shape[0], self.sizes[-1]), memory.dtype)
        cdef floating[:, ::1] output = Z
        self.borrow(memory, U, layers)
        memory.layers[self.depth - 1].U = &output[0, 0]
        with nogil:
            self.forward(memory, U.shape[0], False, 0, &U[0, 0])
        return Z

    def gradients(
        self, floating[:, ::1] U not None, floating[:, ::1] T not None, layers,
        Memory memory not None
    ):
        """Compute the gradient of each sample's loss in the sums of all layers.

        Parameters
        ----------
        U : ndarray of shape (n, n_out), n > 0
            The sums of the first layer.
        T : ndarray of shape (n, n_outputs)
            Targets.
        layers : list of (W, b)
            Weights and biases of the other layers, of the dtype of U and C-contiguous.
        memory : Memory

        Returns
        -------
        derivatives : list of ndarray of shape (n, n_hidden)
            Derivative of the activation of each hidden layer.
        gradients : list of ndarray of shape (n, n_out)
            For each layer, without weights of the samples and without dropout.
        """
        cdef Py_ssize_t index, n = U.shape[0]
        cdef LayerMemory *last = &memory.layers[self.depth - 1]
        cdef LayerMemory *part
        cdef floating[:, ::1] slope
        self.borrow(memory, U, layers)
        with nogil:
            self.forward(memory, n, False, 0, &U[0, 0])
            value_and_gradient(
                &self.loss.kernel, <const floating *> last.U, &T[0, 0],
                <floating *> memory.losses, <floating *> last.dU,
                <floating *> memory.scratch, n, self.layers[self.depth - 1].n_out
            )
            self.backward(memory, n, False, &U[0, 0])
        derivatives, gradients = [], []
        for index in range(self.depth):
            part = &memory.layers[index]
            shape = n, self.layers[index].n_out
            gradients.append(copy_of(<floating *> part.dU, shape))
            if index < self.depth - 1:
                derivatives.append(np.ones(shape, memory.dtype))
                slope = derivatives[index]
                activate_backward(
                    &self.layers[index].activation, <const floating *> part.U,
                    <const floating *> part.values, &slope[0, 0], n,
                    self.layers[index].n_out
                )
        return derivatives, gradients

    cdef check_samples(
        self, FirstLayer first, Targets targets, const Py_ssize_t[::1] indices,
        Memory memory, bint is_f32
    ):
        """Refuse arguments that do not fit the network; make room for a batch."""
        check_shape(
            "first", (first.stored.n_features, first.n_out), self.sizes[:2]
        )
        check_shape(
            "targets", (targets.n_samples, targets.n_outputs),
            (first.stored.n_samples, self.sizes[-1])
        )
        dtype = np.dtype("f4" if is_f32 else "f8")
        for name, given in (
            ("first", first.stored.dtype), ("targets", targets.dtype),
            ("memory", memory.dtype)
        ):
            if given is not None and given != dtype:
                raise ValueError(
                    f"{name} must be of dtype {dtype}, like the parameters; got {given}"
                )
        if memory.batch_size < first.batch_size:
            raise ValueError(
                f"memory must have room for batches of {first.batch_size} samples; "
                f"got {memory.batch_size}"
            )
        if not all_below(indices, first.stored.n_samples):
            raise ValueError(
                f"indices must be at least one index in "
                f"0..{first.stored.n_samples - 1}"
            )
        first.make_room(indices)

    cdef set_parameters(self, Memory memory, floating *theta):
        cdef Py_ssize_t index
        for index in range(self.depth):
            memory.layers[index].W = theta + self.layers[index].W
            memory.layers[index].b = theta + self.layers[index].b

    cdef borrow(self, Memory memory, floating[:, ::1] U, layers):
        """Point to the caller's sums of the first layer, and to its other layers."""
        cdef Py_ssize_t index
        cdef const floating[:, ::1] W
        cdef const floating[::1] b
        check_shape("U", (U.shape[1],), self.sizes[1:2])
        if U.shape[0] > memory.batch_size or len(layers) != self.depth - 1:
            raise ValueError(
                f"U must have at most {memory.batch_size} rows, and there must be "
                f"{self.depth - 1} other layers; got {U.shape[0]} and {len(layers)}"
            )
        memory.layers[0].U = &U[0, 0]
        for index in range(1, self.depth):
            W, b = layers[index - 1]
            check_shape(f"weights of layer {index}", (W.shape[0], W.shape[1]),
                        self.sizes[index:index + 2])
            check_shape(f"biases of layer {index}", (b.shape[0],),
                        self.sizes[index + 1:index + 2])
            memory.layers[index].W, memory.layers[index].b = &W[0, 0], &b[0]

    # The last argument of what follows only tells the precision.

    cdef int forward(
        self, Memory memory, Py_ssize_t n, bint drops_out, uint64_t seed,
        const floating *precision
    ) except -1 nogil:
        """From the sums of the first layer to the scores."""
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef LayerMemory *part
        for index in range(self.depth):
            layer, part = &self.layers[index], &memory.layers[index]
            if index > 0:
                dense_forward(
                    <const floating *> memory.layers[index - 1].output,
                    <const floating *> part.W, <const floating *> part.b,
                    <floating *> part.U, n, layer.n_in, layer.n_out
                )
            if index < self.depth - 1:
                activate(&layer.activation, <const floating *> part.U,
                         <floating *> part.values, n, layer.n_out)
            if layer.dropout == 0:
                continue
            if drops_out:
                draw_mask(stream(seed, index), layer.dropout, <floating *> part.mask,
                          n * layer.n_out)
                apply_mask(<const floating *> part.mask, <const floating *> part.values,
                           <floating *> part.output, n * layer.n_out)
            else:
                memcpy(part.output, part.values, n * layer.n_out * sizeof(floating))
        return 0

    cdef int apply_loss(
        self, Memory memory, Targets targets, const Py_ssize_t *samples, Py_ssize_t n,
        double *loss, double *accuracy, const floating *precision
    ) except -1 nogil:
        """Weighted means of loss and accuracy; the gradient of the former into dU."""
        cdef LayerMemory *last = &memory.layers[self.depth - 1]
        cdef Py_ssize_t i, j, top
        cdef Py_ssize_t k = self.layers[self.depth - 1].n_out
        cdef const floating *weights = <const floating *> targets.weight
        cdef const floating *Z = <const floating *> last.U
        cdef floating *T = <floating *> memory.T
        cdef floating *dZ = <floating *> last.dU
        cdef floating *losses = <floating *> memory.losses
        cdef floating weight = 1
        cdef double total = 0
        cdef double correct = 0
        read_targets(targets, samples, n, T)
        value_and_gradient(&self.loss.kernel, Z, T, losses, dZ,
                           <floating *> memory.scratch, n, k)
        for i in range(n):
            top = 0
            for j in range(1, k):
                if Z[i * k + j] > Z[i * k + top]:
                    top = j
            if weights != NULL:
                weight = weights[samples[i]]
            if targets.label != NULL and top == targets.label[samples[i]]:
                correct += weight
            if weight == 0:
                # Not multiplied: even an infinite loss must not count.
                memset(&dZ[i * k], 0, k * sizeof(floating))
                continue
            total += <double> weight * losses[i]
            for j in range(k):
                dZ[i * k + j] *= weight / n
        loss[0] = total / n
        accuracy[0] = NAN if targets.label == NULL else correct / n
        return 0

    cdef int backward(
        self, Memory memory, Py_ssize_t n, bint trains, const floating *precision
    ) except -1 nogil:
        """From dU of the last layer to that of the first.

        While the network trains, also the gradients of all parameters but the weights
        of the first layer, and dropout.
        """
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef Layer *before
        cdef LayerMemory *part
        cdef LayerMemory *part_before
        cdef floating *gradient = <floating *> memory.gradient
        cdef floating *dU
        cdef floating *dU_before
        for index in range(self.depth - 1, -1, -1):
            layer, part = &self.layers[index], &memory.layers[index]
            dU = <floating *> part.dU
            if trains:
                bias_backward(dU, &gradient[layer.b], n, layer.n_out)
            if index == 0:
                break
            before, part_before = &self.layers[index - 1], &memory.layers[index - 1]
            dU_before = <floating *> part_before.dU
            if trains:
                dense_backward(<const floating *> part_before.output, dU,
                               &gradient[layer.W], n, layer.n_in, layer.n_out)
            dense_backward_input(dU, <const floating *> part.W, dU_before, n,
                                 layer.n_in, layer.n_out)
            if trains and before.dropout > 0:
                apply_mask(<const floating *> part_before.mask, dU_before, dU_before,
                           n * before.n_out)
            activate_backward(&before.activation, <const floating *> part_before.U,
                              <const floating *> part_before.values, dU_before, n,
                              before.n_out)
        return 0

    cdef int step(
        self, Memory memory, FirstLayer first, const Py_ssize_t *samples, Py_ssize_t n,
        Optimizer optimizer, Py_ssize_t t, floating *theta, double *gradient_norm
    ) except -1 nogil:
        """Update all parameters; the weights of the first layer in their own way."""
        cdef Py_ssize_t rest = self.layers[0].b
        cdef Py_ssize_t count = self.n_parameters - rest
        cdef floating *gradient = <floating *> memory.gradient + rest
        first.step(samples, n, memory.layers[0].dU, gradient, optimizer, t,
                   gradient_norm)
        gradient_norm[0] = hypot(gradient_norm[0], norm(gradient, count))
        return take_step(optimizer, t, theta + rest, theta + rest + self.n_parameters,
                         self.n_parameters, gradient, count)


cdef bint all_below(const Py_ssize_t[::1] indices, Py_ssize_t limit) noexcept nogil:
    """Whether there are indices, all of them in 0..limit - 1."""
    cdef Py_ssize_t i
    cdef bint result = indices.shape[0] > 0
    for i in range(indices.shape[0]):
        result &= 0 <= indices[i] < limit
    return result


cdef copy_of(floating *values, shape):
    cdef Py_ssize_t n = shape[0], m = shape[1]
    return np.array(<floating[:n, :m]> values)
