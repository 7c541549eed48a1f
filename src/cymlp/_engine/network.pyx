"""The network: layers, trained over epochs of mini-batches.

A `Network` never changes and can be shared by threads. The parameters are a flat array:
for each layer its weights, then its biases. Each thread computes batches in a `Memory`
of its own. An epoch runs without the GIL and allocates nothing; only a user's own
activation or loss, a Python object, takes the GIL, once per batch.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cython cimport floating
from libc.math cimport hypot, isfinite
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from cymlp._engine.blas cimport norm
from cymlp._engine.buffers cimport Buffers, check_shape
from cymlp._engine.dense cimport (
    Panels, bias_backward, dense_forward, pack_gradient, pack_weights, panel_backward,
    panel_backward_input, panel_forward, panels_size
)
from cymlp._engine.dropout cimport apply_mask, draw_mask, stream
from cymlp._engine.optimizers cimport Optimizer, take_step
from cymlp._engine.storage.base cimport FirstLayer
from cymlp._engine.targets cimport Targets, read_targets, score
from cymlp.activations cimport (
    ActivationKernel, BoundActivation, activate, activate_backward
)
from cymlp.activations cimport bind as bind_activation
from cymlp.losses cimport BoundLoss, bind, value_and_gradient

import numpy as np

from cymlp._engine.storage.base import NotFiniteError


cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    # Positions of its weights and biases in the array of parameters.
    Py_ssize_t W
    Py_ssize_t b
    # Of hidden layers. The sums of the last layer are the scores.
    ActivationKernel activation
    # Share of the units that are set to 0 during training.
    double dropout


cdef struct LayerMemory:
    # The caller's parameters: W (n_in, n_out), b (n_out).
    const void *W
    const void *b
    # Sums and their gradient, values of the activation before dropout, the mask of
    # dropout, and the input of the next layer, which is `values` without dropout; all
    # (batch_size, n_out).
    void *U
    void *dU
    void *values
    void *mask
    void *output
    # Above the first layer, in memory for training; NULL otherwise.
    Panels panels


def n_parameters(sizes):
    """Return the number of weights and biases of a network; for sizes see Network."""
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:]))


def split_parameters(theta, sizes):
    """Return views of theta (n_parameters,): lists of weights and of biases.

    Their shapes are (n_in, n_out) and (n_out,); for sizes see Network.
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
    """The memory of one thread for batches of a network; see `Network.memory`."""

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

    `sizes` are the widths of the input, of each hidden layer and of the output.
    `activations` has one object per hidden layer, `dropout` one rate each, or none.
    Activations and the loss are from cymlp or the user's own; a network without loss
    can only predict.
    """

    cdef readonly tuple sizes
    cdef readonly Py_ssize_t n_parameters
    cdef Py_ssize_t depth
    cdef Layer *layers
    cdef tuple activations      # bound, they own the memory of Layer.activation
    cdef BoundLoss loss

    def __cinit__(self, sizes, activations, loss=None, dropout=()):
        cdef Layer *layer
        self.sizes = tuple(sizes)
        self.check_parts(activations, dropout)
        self.activations = tuple([bind_activation(given) for given in activations])
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
                layer.activation = (<BoundActivation> self.activations[index]).kernel
                layer.dropout = dropout[index] if dropout else 0

    cdef check_parts(self, activations, dropout):
        n_hidden = len(self.sizes) - 2
        if n_hidden < 0 or min(self.sizes) < 1:
            raise ValueError(
                f"sizes must be at least two positive integers; got {self.sizes}"
            )
        if len(activations) != n_hidden:
            raise ValueError(
                f"activations must be one per hidden layer, {n_hidden}; got "
                f"{len(activations)}, {activations!r}"
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
        """Allocate the Memory of one thread, for batches of at most `batch_size`.

        `dtype` is float32 or float64. Only with `trains` can losses and gradients be
        computed.
        """
        cdef Memory memory = Memory.__new__(Memory)
        cdef LayerMemory *work
        cdef Py_ssize_t index, n_outputs = self.layers[self.depth - 1].n_out
        cdef size_t size, itemsize = np.dtype(dtype).itemsize
        if batch_size < 1:
            raise ValueError(f"batch_size must be positive; got {batch_size}")
        memory.batch_size, memory.dtype = batch_size, np.dtype(dtype)
        memory.layers = <LayerMemory *> PyMem_Calloc(self.depth, sizeof(LayerMemory))
        if memory.layers == NULL:
            raise MemoryError
        for index in range(self.depth):
            work = &memory.layers[index]
            size = batch_size * self.layers[index].n_out * itemsize
            work.U = memory.reserve(size)
            if trains:
                work.dU = memory.reserve(size)
                if index > 0:
                    self.reserve_panels(memory, index)
            if index < self.depth - 1:
                work.values = work.output = memory.reserve(size)
            if self.layers[index].dropout > 0:
                work.mask = memory.reserve(size)
                work.output = memory.reserve(size)
        if trains:
            memory.T = memory.reserve(batch_size * n_outputs * itemsize)
            memory.losses = memory.reserve(batch_size * itemsize)
            memory.scratch = memory.reserve(batch_size * n_outputs * itemsize)
            memory.gradient = memory.reserve(self.n_parameters * itemsize)
        return memory

    cdef reserve_panels(self, Memory memory, Py_ssize_t index):
        cdef Layer *layer = &self.layers[index]
        cdef Panels *panels = &memory.layers[index].panels
        cdef bint is_f32 = memory.dtype == np.float32
        cdef Py_ssize_t n = memory.batch_size, n_in = layer.n_in, n_out = layer.n_out
        panels.W = memory.reserve(panels_size(is_f32, n_in, n_out))
        panels.transposed_W = memory.reserve(panels_size(is_f32, n_out, n_in))
        panels.dU = memory.reserve(panels_size(is_f32, n, n_out))

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
        check=None,
        const double[::1] batch_weights=None,
    ):
        """Train on the samples `indices` (n,), in this order, in batches of `first`.

        `state` (1 + optimizer.n_slots, n_parameters), the parameters and slots, is
        changed in place; the optimiser has taken `n_steps` steps before. For each
        batch, write to `record` (3, n_batches) loss and score before its update, and
        the Euclidean norm of the loss's gradient. `seed` is that of dropout. The sum of
        the weighted losses of a batch is divided by its size, or by its entry in
        `batch_weights` (n_batches,). Return whether all losses were finite; the epoch
        ends with the first that is not. `check()`, if given, is called now and then and
        may raise to end the epoch.
        """
        cdef Py_ssize_t start, n
        cdef Py_ssize_t batch = 0, batch_size = first.batch_size
        cdef Py_ssize_t n_batches = (indices.shape[0] - 1) // batch_size + 1
        self.check_samples(first, targets, indices, memory, sizeof(floating) == 4)
        check_shape("state", (state.shape[0], state.shape[1]),
                    (1 + optimizer.n_slots, self.n_parameters))
        check_shape("record", (record.shape[0], record.shape[1]), (3, n_batches))
        if first.n_slots != optimizer.n_slots:
            raise ValueError(
                f"first must have {optimizer.n_slots} slots, as the optimiser has; got "
                f"{first.n_slots}"
            )
        cdef floating *theta = &state[0, 0]
        cdef const Py_ssize_t *samples
        cdef const double *weights = NULL
        cdef double batch_weight
        if batch_weights is not None:
            check_shape("batch_weights", (batch_weights.shape[0],), (n_batches,))
            weights = &batch_weights[0]
        # Check for Ctrl-C about every 1e9 multiplications. A step takes as long as the
        # products of about ten samples.
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
                    batch_weight = n if weights == NULL else weights[batch]
                    samples = &indices[start]
                    first.forward(samples, n, indices.shape[0] - start - n,
                                  memory.layers[0].b, memory.layers[0].U)
                    self.forward(memory, n, True, stream(seed, batch), theta)
                    self.apply_loss(memory, targets, samples, n, batch_weight,
                                    &record[0, batch], &record[1, batch], theta)
                    if optimizer._penalty > 0:
                        optimizer.weight_decay = optimizer._penalty / batch_weight
                        record[0, batch] += self.penalty(first, optimizer, theta)
                    if not isfinite(record[0, batch]):
                        break
                    self.backward(memory, n, True, theta)
                    self.step(memory, first, samples, n, optimizer,
                              n_steps + batch + 1, theta, &record[2, batch])
                    if batch % batches_per_check == batches_per_check - 1:
                        with gil:
                            check_signals(check)
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
        check=None,
    ):
        """Return loss and score, weighted means over the samples `indices` (n,).

        The score is the accuracy, which requires all labels of a sample to be right, or
        R2, as `targets` are. Dropout is off. The parameters are theta (n_parameters,);
        for `check` see `train_epoch`.
        """
        cdef const floating *weights = <const floating *> targets.weight
        cdef Optimizer no_optimizer = None
        cdef double[3] total = [0, 0, 0]
        cdef double loss, mean_score
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
                self.apply_loss(memory, targets, samples, n, n, &loss, &mean_score,
                                &theta[0])
                total[0] += n * loss
                total[1] += n * mean_score
                for i in range(n):
                    total[2] += 1 if weights == NULL else weights[samples[i]]
                # Ctrl-C need not wait for the last batch.
                with gil:
                    check_signals(check)
        return total[0] / total[2], total[1] / total[2]

    def scores(
        self, floating[:, ::1] U not None, layers, Memory memory not None,
        bint checks_sums=True
    ):
        """Return scores (n, n_outputs) from the first layer's sums U (n, n_hidden).

        `layers` has the pairs (W, b) of the other layers, C-contiguous and of the dtype
        of U; n > 0. Dropout is off. Without hidden layers, the result is U itself.
        Raise NotFiniteError if a score is not finite, with `checks_sums` also if a
        value of U is not.
        """
        cdef Py_ssize_t n = U.shape[0]
        if checks_sums or self.depth == 1:
            refuse_not_finite(U)
        if self.depth == 1:
            check_shape("U", (U.shape[1],), self.sizes[1:2])
            return np.asarray(U)
        Z = np.empty((n, self.sizes[-1]), memory.dtype)
        cdef floating[:, ::1] output = Z
        self.borrow(memory, U, layers)
        memory.layers[self.depth - 1].U = &output[0, 0]
        with nogil:
            self.forward(memory, n, False, 0, &U[0, 0])
        refuse_not_finite(output)
        return Z

    def gradients(
        self, floating[:, ::1] U not None, floating[:, ::1] T not None, layers,
        Memory memory not None
    ):
        """Return lists of activation derivatives (n, n_hidden), gradients (n, n_out).

        The gradients are those of each sample's loss with respect to the sums of each
        layer, without sample weights. T (n, n_outputs) are targets; U, layers and
        dropout are as for `scores`.
        """
        cdef Py_ssize_t index, n_out, n = U.shape[0]
        cdef LayerMemory *last = &memory.layers[self.depth - 1]
        cdef LayerMemory *work
        cdef floating[:, ::1] values
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
            work = &memory.layers[index]
            n_out = self.layers[index].n_out
            gradients.append(np.empty((n, n_out), memory.dtype))
            values = gradients[index]
            memcpy(&values[0, 0], work.dU, n * n_out * sizeof(floating))
            if index < self.depth - 1:
                derivatives.append(np.ones((n, n_out), memory.dtype))
                values = derivatives[index]
                activate_backward(
                    &self.layers[index].activation, <const floating *> work.U,
                    <const floating *> work.values, &values[0, 0], n, n_out
                )
        return derivatives, gradients

    cdef check_samples(
        self, FirstLayer first, Targets targets, const Py_ssize_t[::1] indices,
        Memory memory, bint is_f32
    ):
        """Check arguments against the network; allocate the batches of `first`."""
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
        if self.loss is None or memory.T == NULL:
            raise ValueError("the network must have a loss, and memory be for training")
        if memory.batch_size < first.batch_size:
            raise ValueError(
                f"memory must be for batches of {first.batch_size} samples; got "
                f"{memory.batch_size}"
            )
        if not all_below(indices, first.stored.n_samples):
            values = np.asarray(indices)
            got = f"{values.min()} to {values.max()}" if values.size else "none"
            raise ValueError(
                "indices must be at least one index in "
                f"0..{first.stored.n_samples - 1}; got {got}"
            )
        first.reserve_batches(indices)

    cdef set_parameters(self, Memory memory, floating *theta):
        cdef Py_ssize_t index
        for index in range(self.depth):
            memory.layers[index].W = theta + self.layers[index].W
            memory.layers[index].b = theta + self.layers[index].b
        self.pack(memory, theta)

    cdef borrow(self, Memory memory, floating[:, ::1] U, layers):
        """Use the caller's sums of the first layer and parameters of the others."""
        cdef Py_ssize_t index
        cdef const floating[:, ::1] W
        cdef const floating[::1] b
        check_shape("U", (U.shape[1],), self.sizes[1:2])
        if U.shape[0] > memory.batch_size or len(layers) != self.depth - 1:
            raise ValueError(
                f"U must have at most {memory.batch_size} rows, and layers must be "
                f"{self.depth - 1} pairs (W, b); got {U.shape[0]} and {len(layers)}"
            )
        memory.layers[0].U = &U[0, 0]
        for index in range(1, self.depth):
            W, b = layers[index - 1]
            check_shape(f"weights of layer {index}", (W.shape[0], W.shape[1]),
                        self.sizes[index:index + 2])
            check_shape(f"biases of layer {index}", (b.shape[0],),
                        self.sizes[index + 1:index + 2])
            memory.layers[index].W, memory.layers[index].b = &W[0, 0], &b[0]
        self.pack(memory, &U[0, 0])

    # The last argument of the following methods only selects the precision.

    cdef void pack(self, Memory memory, const floating *precision) noexcept nogil:
        """Write the weights above the first layer to their panels."""
        cdef Py_ssize_t index
        cdef LayerMemory *work
        cdef Layer *layer
        for index in range(1, self.depth):
            layer, work = &self.layers[index], &memory.layers[index]
            if work.panels.W != NULL:
                pack_weights(<const floating *> work.W, &work.panels, layer.n_in,
                             layer.n_out, 0, layer.n_in)

    cdef int forward(
        self, Memory memory, Py_ssize_t n, bint drops_out, uint64_t seed,
        const floating *precision
    ) except -1 nogil:
        """Compute the scores from the sums of the first layer."""
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef LayerMemory *work
        for index in range(self.depth):
            layer, work = &self.layers[index], &memory.layers[index]
            if index > 0 and work.panels.W != NULL:
                panel_forward(
                    <const floating *> memory.layers[index - 1].output, &work.panels,
                    <const floating *> work.b, <floating *> work.U, n, layer.n_in,
                    layer.n_out
                )
            elif index > 0:
                dense_forward(
                    <const floating *> memory.layers[index - 1].output,
                    <const floating *> work.W, <const floating *> work.b,
                    <floating *> work.U, n, layer.n_in, layer.n_out
                )
            if index < self.depth - 1:
                activate(&layer.activation, <const floating *> work.U,
                         <floating *> work.values, n, layer.n_out)
            if layer.dropout == 0:
                continue
            if drops_out:
                draw_mask(stream(seed, index), layer.dropout, <floating *> work.mask,
                          n * layer.n_out)
                apply_mask(<const floating *> work.mask, <const floating *> work.values,
                           <floating *> work.output, n * layer.n_out)
            else:
                memcpy(work.output, work.values, n * layer.n_out * sizeof(floating))
        return 0

    cdef int apply_loss(
        self, Memory memory, Targets targets, const Py_ssize_t *samples, Py_ssize_t n,
        double batch_weight, double *loss, double *mean_score,
        const floating *precision
    ) except -1 nogil:
        """Compute weighted means of loss and score; write the gradient to dU.

        The sum of the weighted losses is divided by `batch_weight`.
        """
        cdef LayerMemory *last = &memory.layers[self.depth - 1]
        cdef Py_ssize_t i, j
        cdef Py_ssize_t k = self.layers[self.depth - 1].n_out
        cdef const floating *weights = <const floating *> targets.weight
        cdef const floating *Z = <const floating *> last.U
        cdef floating *T = <floating *> memory.T
        cdef floating *dZ = <floating *> last.dU
        cdef floating *losses = <floating *> memory.losses
        cdef floating weight = 1
        cdef floating divisor = <floating> batch_weight
        cdef double total = 0
        cdef double total_score = 0
        read_targets(targets, samples, n, T)
        value_and_gradient(&self.loss.kernel, Z, T, losses, dZ,
                           <floating *> memory.scratch, n, k)
        for i in range(n):
            if weights != NULL:
                weight = weights[samples[i]]
            if weight == 0:
                # Not multiplied, because even an infinite loss must not count.
                memset(&dZ[i * k], 0, k * sizeof(floating))
                continue
            total += <double> weight * losses[i]
            total_score += weight * score(targets, samples[i], &Z[i * k], &T[i * k],
                                          self.loss.log_link)
            for j in range(k):
                dZ[i * k + j] *= weight / divisor
        loss[0] = total / batch_weight
        mean_score[0] = total_score / n
        return 0

    cdef double penalty(
        self, FirstLayer first, Optimizer optimizer, const floating *theta
    ) noexcept nogil:
        """Compute the penalty of a batch: half its decay times the squared weights."""
        cdef double squares = first.weight_norm() ** 2
        cdef Py_ssize_t index
        cdef Layer *layer
        for index in range(1, self.depth):
            layer = &self.layers[index]
            squares += norm(theta + layer.W, layer.n_in * layer.n_out) ** 2
        return 0.5 * optimizer.weight_decay * squares

    cdef int backward(
        self, Memory memory, Py_ssize_t n, bint trains, const floating *precision
    ) except -1 nogil:
        """Compute dU of all layers from that of the last.

        With `trains`, apply dropout and compute the gradients of all parameters but the
        weights of the first layer.
        """
        cdef Py_ssize_t index
        cdef Layer *layer
        cdef Layer *previous
        cdef LayerMemory *work
        cdef LayerMemory *previous_work
        cdef floating *gradient = <floating *> memory.gradient
        cdef floating *dU
        cdef floating *dU_previous
        for index in range(self.depth - 1, -1, -1):
            layer, work = &self.layers[index], &memory.layers[index]
            dU = <floating *> work.dU
            if trains:
                bias_backward(dU, &gradient[layer.b], n, layer.n_out)
            if index == 0:
                break
            previous, previous_work = &self.layers[index - 1], &memory.layers[index - 1]
            dU_previous = <floating *> previous_work.dU
            if trains:
                pack_gradient(dU, &work.panels, n, layer.n_out)
                panel_backward(<const floating *> previous_work.output, &work.panels,
                               &gradient[layer.W], n, layer.n_in, layer.n_out, 0,
                               layer.n_in)
            panel_backward_input(dU, &work.panels, dU_previous, n, layer.n_in,
                                 layer.n_out)
            if trains and previous.dropout > 0:
                apply_mask(<const floating *> previous_work.mask, dU_previous,
                           dU_previous, n * previous.n_out)
            activate_backward(&previous.activation, <const floating *> previous_work.U,
                              <const floating *> previous_work.values, dU_previous, n,
                              previous.n_out)
        return 0

    cdef int step(
        self, Memory memory, FirstLayer first, const Py_ssize_t *samples, Py_ssize_t n,
        Optimizer optimizer, Py_ssize_t t, floating *theta, double *gradient_norm
    ) except -1 nogil:
        """Update all parameters: `first` its weights, the optimiser the others."""
        cdef Py_ssize_t rest = self.layers[0].b
        cdef Py_ssize_t count = self.n_parameters - rest
        cdef floating *gradient = <floating *> memory.gradient
        cdef Py_ssize_t index
        cdef Layer *layer
        first.step(samples, n, memory.layers[0].dU, gradient + rest, optimizer, t,
                   gradient_norm)
        gradient_norm[0] = hypot(gradient_norm[0], norm(gradient + rest, count))
        for index in range(self.depth):
            layer = &self.layers[index]
            if index > 0:
                self.step_part(optimizer, t, theta, gradient, layer.W,
                               layer.n_in * layer.n_out, True)
            self.step_part(optimizer, t, theta, gradient, layer.b, layer.n_out,
                           optimizer.decays_biases)
        self.pack(memory, theta)
        return 0

    cdef int step_part(
        self, Optimizer optimizer, Py_ssize_t t, floating *theta,
        const floating *gradient, Py_ssize_t start, Py_ssize_t count, bint decays
    ) except -1 nogil:
        """Update the parameters start..start + count - 1, with weight decay or not."""
        return take_step(optimizer, t, theta + start, theta + start + self.n_parameters,
                         self.n_parameters, gradient + start, count, decays)


cdef int check_signals(check) except -1:
    PyErr_CheckSignals()
    if check is not None:
        check()
    return 0


cdef int refuse_not_finite(floating[:, ::1] Z) except -1:
    cdef const floating *values = &Z[0, 0]
    cdef Py_ssize_t i
    cdef bint finite = True
    for i in range(Z.shape[0] * Z.shape[1]):
        finite = finite and isfinite(values[i])
    if not finite:
        raise NotFiniteError("scores must be finite; got NaN or infinity")
    return 0


cdef bint all_below(const Py_ssize_t[::1] indices, Py_ssize_t limit) noexcept nogil:
    """Return whether there are indices, all of them in 0..limit - 1."""
    cdef Py_ssize_t i
    cdef bint result = indices.shape[0] > 0
    for i in range(indices.shape[0]):
        result &= 0 <= indices[i] < limit
    return result
