"""The network: layers, trained over epochs of mini-batches.

A `Network` never changes and can be shared by threads. The parameters are a flat array:
for each layer its weights, then its biases. Each fit computes batches in a `Memory` of
its own. An epoch runs without the GIL and allocates nothing; only a user's own
activation or loss, a Python object, takes the GIL, once per batch.

A batch is five loops, which a `Team` of threads can share: over samples for the sums of
the first layer, over samples for everything up to the gradients of the sums, over the
biases for their gradients, over the weights of the first layer, and over all other
weights.
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
from cymlp._engine.team cimport Team, chunk_rows, n_slices_of, slice_begin
from cymlp.activations cimport (
    ActivationKernel, BoundActivation, activate, activate_backward
)
from cymlp.activations cimport bind as bind_activation
from cymlp.losses cimport BoundLoss, bind, value_and_gradient

import numpy as np

from cymlp._engine.storage.base import NotFiniteError
from cymlp._engine.team import ALONE


# Chunks of weights are a multiple of the height of the kernels' tiles.
cdef enum:
    ROW_UNIT = 12

# Biases in a chunk.
cdef enum:
    BIAS_CHUNK = 128


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
    # Above the first layer: rows in a chunk of weights, and the first of its chunks.
    Py_ssize_t chunk_rows
    Py_ssize_t first_chunk
    # The first chunk of biases.
    Py_ssize_t first_bias_chunk


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
    """The memory of one fit for batches of a network; see `Network.memory`.

    It also describes the batch in progress, as the threads of a team see it.
    """

    cdef readonly Py_ssize_t batch_size
    cdef readonly object dtype
    cdef bint is_f32
    cdef LayerMemory *layers
    cdef void *T            # targets (batch_size, n_outputs)
    cdef void *losses       # (batch_size)
    cdef double *scores     # (batch_size)
    cdef void *scratch      # of the loss (batch_size, n_outputs)
    cdef void *gradient     # of all parameters
    cdef double *norms      # of the gradient of each chunk
    # The epoch in progress; the optimiser is None without training.
    cdef Network network
    cdef Targets targets
    cdef Optimizer optimizer
    cdef void *theta        # parameters and slots
    # The batch in progress: its samples, the divisor of its losses, slices for
    # threads, seed, number of the step.
    cdef const Py_ssize_t *samples
    cdef Py_ssize_t n
    cdef double batch_weight
    cdef Py_ssize_t n_slices
    cdef uint64_t seed
    cdef Py_ssize_t t

    def __dealloc__(self):
        PyMem_Free(self.layers)

    cdef void begin(
        self, Team team, const Py_ssize_t *samples, Py_ssize_t n, double batch_weight,
        uint64_t seed, Py_ssize_t t
    ) noexcept nogil:
        """Set the batch."""
        self.samples, self.n, self.batch_weight = samples, n, batch_weight
        self.seed, self.t = seed, t
        # Parts in Python get whole batches, in the thread that called fit.
        self.n_slices = n_slices_of(n, team) if self.network.is_compiled else 1


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
    cdef bint is_compiled       # no activation or loss is a user's own
    cdef Py_ssize_t n_chunks    # of the weights above the first layer
    cdef Py_ssize_t n_bias_chunks

    def __cinit__(self, sizes, activations, loss=None, dropout=()):
        cdef Layer *layer
        cdef BoundActivation activation
        self.sizes = tuple(sizes)
        self.check_parts(activations, dropout)
        self.activations = tuple([bind_activation(given) for given in activations])
        self.depth = len(sizes) - 1
        self.loss = None if loss is None else bind(loss, sizes[-1])
        self.is_compiled = self.loss is None or self.loss.owner is None
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
                activation = self.activations[index]
                layer.activation = activation.kernel
                layer.dropout = dropout[index] if dropout else 0
                self.is_compiled &= activation.owner is None
            if index > 0:
                layer.first_chunk = self.n_chunks
                layer.chunk_rows = chunk_rows(layer.n_in, layer.n_out, ROW_UNIT)
                self.n_chunks += (layer.n_in - 1) // layer.chunk_rows + 1
            layer.first_bias_chunk = self.n_bias_chunks
            self.n_bias_chunks += (layer.n_out - 1) // BIAS_CHUNK + 1

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
        """Allocate the Memory of one fit, for batches of at most `batch_size`.

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
        memory.is_f32 = memory.dtype == np.float32
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
            memory.scores = <double *> memory.reserve(batch_size * sizeof(double))
            memory.scratch = memory.reserve(batch_size * n_outputs * itemsize)
            memory.gradient = memory.reserve(self.n_parameters * itemsize)
            memory.norms = <double *> memory.reserve(self.n_chunks * sizeof(double))
        return memory

    cdef reserve_panels(self, Memory memory, Py_ssize_t index):
        cdef Layer *layer = &self.layers[index]
        cdef Panels *panels = &memory.layers[index].panels
        cdef bint is_f32 = memory.is_f32
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
        Team team not None=ALONE,
        check=None,
        const double[::1] batch_weights=None,
    ):
        """Train on the samples `indices` (n,), in this order, in batches of `first`.

        `state` (1 + optimizer.n_slots, n_parameters), the parameters and slots, is
        changed in place; the optimiser has taken `n_steps` steps before. For each
        batch, write to `record` (3, n_batches) loss and score before its update, and
        the Euclidean norm of the loss's gradient. `seed` is that of dropout; `team`
        changes nothing but the time. `check()`, if given, is called now and then and
        may raise to end the epoch. The sum of the weighted losses of a batch is divided
        by its size, or by its entry in `batch_weights` (n_batches,). Return whether all
        losses were finite; the epoch ends with the first that is not.
        """
        cdef Py_ssize_t start, n
        cdef Py_ssize_t index = 0, batch_size = first.batch_size
        cdef Py_ssize_t n_batches = (indices.shape[0] - 1) // batch_size + 1
        self.check_samples(first, targets, indices, memory, sizeof(floating) == 4, team)
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
        self.begin_epoch(memory, targets, theta, optimizer)
        with nogil:
            first.load(theta, self.n_parameters, optimizer)
            try:
                for index in range(n_batches):
                    start = index * batch_size
                    n = min(batch_size, indices.shape[0] - start)
                    batch_weight = n if weights == NULL else weights[index]
                    samples = &indices[start]
                    memory.begin(team, samples, n, batch_weight, stream(seed, index),
                                 n_steps + index + 1)
                    first.forward(team, samples, n, indices.shape[0] - start - n,
                                  memory.layers[0].b, memory.layers[0].U)
                    team.run(compute_slice, <void *> memory, memory.n_slices)
                    self.average_loss(memory, &record[0, index], &record[1, index],
                                      theta)
                    if optimizer._penalty > 0:
                        optimizer.weight_decay = optimizer._penalty / batch_weight
                        record[0, index] += self.penalty(first, optimizer, theta)
                    if not isfinite(record[0, index]):
                        break
                    self.step(team, memory, first, &record[2, index], theta)
                    if index % batches_per_check == batches_per_check - 1:
                        with gil:
                            check_signals(check)
            finally:
                first.unload(team, theta, self.n_parameters)
        return bool(isfinite(record[0, index]))

    def evaluate(
        self,
        FirstLayer first not None,
        Targets targets not None,
        const Py_ssize_t[::1] indices not None,
        floating[::1] theta not None,
        Memory memory not None,
        Team team not None=ALONE,
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
        cdef Py_ssize_t index, start, n, i, batch_size = first.batch_size
        cdef const Py_ssize_t *samples
        self.check_samples(first, targets, indices, memory, sizeof(floating) == 4, team)
        check_shape("theta", (theta.shape[0],), (self.n_parameters,))
        self.begin_epoch(memory, targets, &theta[0], no_optimizer)
        with nogil:
            first.load(&theta[0], self.n_parameters, no_optimizer)
            for index in range((indices.shape[0] - 1) // batch_size + 1):
                start = index * batch_size
                n = min(batch_size, indices.shape[0] - start)
                samples = &indices[start]
                memory.begin(team, samples, n, n, 0, 0)
                first.forward(team, samples, n, indices.shape[0] - start - n,
                              memory.layers[0].b, memory.layers[0].U)
                team.run(compute_slice, <void *> memory, memory.n_slices)
                self.average_loss(memory, &loss, &mean_score, &theta[0])
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
            self.forward(memory, 0, n, False, 0, &U[0, 0])
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
            self.forward(memory, 0, n, False, 0, &U[0, 0])
            value_and_gradient(
                &self.loss.kernel, <const floating *> last.U, &T[0, 0],
                <floating *> memory.losses, <floating *> last.dU,
                <floating *> memory.scratch, n, self.layers[self.depth - 1].n_out
            )
            self.backward(memory, 0, n, False, &U[0, 0])
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
        Memory memory, bint is_f32, Team team
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
        first.reserve_batches(indices, team.n_threads)

    cdef begin_epoch(
        self, Memory memory, Targets targets, floating *theta, Optimizer optimizer
    ):
        memory.network, memory.targets, memory.optimizer = self, targets, optimizer
        memory.theta = theta
        self.set_parameters(memory, theta)

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

    # Samples are numbered within the batch. The last argument of the following methods
    # only selects the precision.

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

    cdef int compute(
        self, Memory memory, Py_ssize_t first, Py_ssize_t end, const floating *precision
    ) except -1 nogil:
        """Compute the samples first..end - 1: scores, losses and gradients of sums."""
        cdef bint trains = memory.optimizer is not None
        self.forward(memory, first, end, trains, memory.seed, precision)
        self.apply_loss(memory, first, end, precision)
        if trains:
            self.backward(memory, first, end, True, precision)
        return 0

    cdef int forward(
        self, Memory memory, Py_ssize_t first, Py_ssize_t end, bint drops_out,
        uint64_t seed, const floating *precision
    ) except -1 nogil:
        """Compute the scores from the sums of the first layer."""
        cdef Py_ssize_t index, at, count, n = end - first
        cdef Layer *layer
        cdef LayerMemory *work
        cdef const floating *A = NULL
        cdef floating *U
        for index in range(self.depth):
            layer, work = &self.layers[index], &memory.layers[index]
            at, count = first * layer.n_out, n * layer.n_out
            U = <floating *> work.U + at
            if index > 0 and work.panels.W != NULL:
                panel_forward(A, &work.panels, <const floating *> work.b, U, n,
                              layer.n_in, layer.n_out)
            elif index > 0:
                dense_forward(A, <const floating *> work.W, <const floating *> work.b,
                              U, n, layer.n_in, layer.n_out)
            if index == self.depth - 1:
                break
            activate(&layer.activation, U, <floating *> work.values + at, n,
                     layer.n_out)
            A = <const floating *> work.output + at
            if layer.dropout == 0:
                continue
            if drops_out:
                draw_mask(stream(seed, index), layer.dropout, at,
                          <floating *> work.mask + at, count)
                apply_mask(<const floating *> work.mask + at,
                           <const floating *> work.values + at,
                           <floating *> work.output + at, count)
            else:
                memcpy(<floating *> work.output + at, <floating *> work.values + at,
                       count * sizeof(floating))
        return 0

    cdef int apply_loss(
        self, Memory memory, Py_ssize_t first, Py_ssize_t end, const floating *precision
    ) except -1 nogil:
        """Compute losses, scores, and the gradients of the last layer's sums."""
        cdef Py_ssize_t i, j, k = memory.targets.n_outputs, at = first * k
        cdef const Py_ssize_t *samples = memory.samples
        cdef const floating *weights = <const floating *> memory.targets.weight
        cdef const floating *Z = <const floating *> memory.layers[self.depth - 1].U
        cdef floating *dZ = <floating *> memory.layers[self.depth - 1].dU
        cdef floating *T = <floating *> memory.T
        cdef floating weight = 1
        cdef floating divisor = <floating> memory.batch_weight
        read_targets(memory.targets, &samples[first], end - first, T + at)
        value_and_gradient(
            &self.loss.kernel, Z + at, T + at, <floating *> memory.losses + first,
            dZ + at, <floating *> memory.scratch + at, end - first, k
        )
        for i in range(first, end):
            if weights != NULL:
                weight = weights[samples[i]]
            if weight == 0:
                # Not multiplied, because even an infinite loss must not count.
                memset(&dZ[i * k], 0, k * sizeof(floating))
                continue
            memory.scores[i] = score(memory.targets, samples[i], &Z[i * k], &T[i * k],
                                     self.loss.log_link)
            for j in range(k):
                dZ[i * k + j] *= weight / divisor
        return 0

    cdef void average_loss(
        self, Memory memory, double *loss, double *mean_score,
        const floating *precision
    ) noexcept nogil:
        """Compute weighted means of loss and score.

        The sum of the weighted losses is divided by `memory.batch_weight`.
        """
        cdef const floating *weights = <const floating *> memory.targets.weight
        cdef const floating *losses = <const floating *> memory.losses
        cdef floating weight = 1
        cdef double total = 0
        cdef double total_score = 0
        cdef Py_ssize_t i
        for i in range(memory.n):
            if weights != NULL:
                weight = weights[memory.samples[i]]
            if weight == 0:
                continue
            total += <double> weight * losses[i]
            total_score += weight * memory.scores[i]
        loss[0] = total / memory.batch_weight
        mean_score[0] = total_score / memory.n

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
        self, Memory memory, Py_ssize_t first, Py_ssize_t end, bint trains,
        const floating *precision
    ) except -1 nogil:
        """Compute dU of all layers from that of the last.

        With `trains`, apply dropout and prepare the gradients of the weights.
        """
        cdef Py_ssize_t index, at, n = end - first
        cdef Layer *layer
        cdef Layer *previous
        cdef LayerMemory *work
        cdef LayerMemory *previous_work
        cdef floating *dU
        cdef floating *dA
        for index in range(self.depth - 1, 0, -1):
            layer, work = &self.layers[index], &memory.layers[index]
            previous, previous_work = &self.layers[index - 1], &memory.layers[index - 1]
            dU = <floating *> work.dU
            at = first * layer.n_in
            dA = <floating *> previous_work.dU + at
            if trains:
                pack_gradient(dU, &work.panels, memory.n, layer.n_out, first, end)
            panel_backward_input(dU + first * layer.n_out, &work.panels, dA, n,
                                 layer.n_in, layer.n_out)
            if trains and previous.dropout > 0:
                apply_mask(<const floating *> previous_work.mask + at, dA, dA,
                           n * layer.n_in)
            activate_backward(
                &previous.activation, <const floating *> previous_work.U + at,
                <const floating *> previous_work.values + at, dA, n, layer.n_in
            )
        return 0

    cdef int step(
        self, Team team, Memory memory, FirstLayer first, double *gradient_norm,
        const floating *precision
    ) except -1 nogil:
        """Update all parameters."""
        cdef floating *gradient = <floating *> memory.gradient
        cdef Layer *layer
        cdef Py_ssize_t index
        team.run(bias_chunk, <void *> memory, self.n_bias_chunks)
        first.step(team, memory.samples, memory.n, memory.layers[0].dU,
                   &gradient[self.layers[0].b], memory.optimizer, memory.t,
                   gradient_norm)
        team.run(step_chunk, <void *> memory, self.n_chunks)
        for index in range(self.n_chunks):
            gradient_norm[0] = hypot(gradient_norm[0], memory.norms[index])
        for index in range(self.depth):
            layer = &self.layers[index]
            gradient_norm[0] = hypot(gradient_norm[0],
                                     norm(&gradient[layer.b], layer.n_out))
            self.update(memory, layer.b, layer.n_out, memory.optimizer.decays_biases,
                        precision)
        return 0

    cdef int bias_chunk(
        self, Memory memory, Py_ssize_t chunk, const floating *precision
    ) except -1 nogil:
        """Compute the gradient of a chunk of biases."""
        cdef floating *gradient = <floating *> memory.gradient
        cdef Py_ssize_t begin, end, index = self.depth - 1
        while chunk < self.layers[index].first_bias_chunk:
            index -= 1
        cdef Layer *layer = &self.layers[index]
        begin = (chunk - layer.first_bias_chunk) * BIAS_CHUNK
        end = min(begin + BIAS_CHUNK, layer.n_out)
        bias_backward(<const floating *> memory.layers[index].dU, &gradient[layer.b],
                      memory.n, layer.n_out, begin, end)
        return 0

    cdef int step_chunk(
        self, Memory memory, Py_ssize_t chunk, const floating *precision
    ) except -1 nogil:
        """Compute the gradient of a chunk of weights, and update them."""
        cdef floating *gradient = <floating *> memory.gradient
        cdef Layer *layer
        cdef LayerMemory *work
        cdef Py_ssize_t begin, end, at, index = self.depth - 1
        while chunk < self.layers[index].first_chunk:
            index -= 1
        layer, work = &self.layers[index], &memory.layers[index]
        begin = (chunk - layer.first_chunk) * layer.chunk_rows
        end = min(begin + layer.chunk_rows, layer.n_in)
        at = layer.W + begin * layer.n_out
        panel_backward(<const floating *> memory.layers[index - 1].output, &work.panels,
                       &gradient[layer.W], memory.n, layer.n_in, layer.n_out, begin,
                       end)
        memory.norms[chunk] = norm(&gradient[at], (end - begin) * layer.n_out)
        self.update(memory, at, (end - begin) * layer.n_out, True, precision)
        pack_weights(<const floating *> work.W, &work.panels, layer.n_in, layer.n_out,
                     begin, end)
        return 0

    cdef int update(
        self, Memory memory, Py_ssize_t at, Py_ssize_t count, bint decays,
        const floating *precision
    ) except -1 nogil:
        """Update `count` parameters with their gradient, and weight decay or not."""
        cdef floating *theta = <floating *> memory.theta + at
        cdef floating *gradient = <floating *> memory.gradient + at
        return take_step(memory.optimizer, memory.t, theta, theta + self.n_parameters,
                         self.n_parameters, gradient, count, decays)


# The chunks of a team's loops.

cdef int compute_slice(void *memory, Py_ssize_t index, int thread) except -1 nogil:
    return compute_slice_of(<Memory> memory, index)


cdef int compute_slice_of(Memory memory, Py_ssize_t index) except -1 nogil:
    cdef Py_ssize_t first = slice_begin(memory.n, memory.n_slices, index)
    cdef Py_ssize_t end = slice_begin(memory.n, memory.n_slices, index + 1)
    if memory.is_f32:
        return memory.network.compute(memory, first, end, <const float *> NULL)
    return memory.network.compute(memory, first, end, <const double *> NULL)


cdef int bias_chunk(void *memory, Py_ssize_t index, int thread) except -1 nogil:
    return bias_chunk_of(<Memory> memory, index)


cdef int bias_chunk_of(Memory memory, Py_ssize_t index) except -1 nogil:
    if memory.is_f32:
        return memory.network.bias_chunk(memory, index, <const float *> NULL)
    return memory.network.bias_chunk(memory, index, <const double *> NULL)


cdef int step_chunk(void *memory, Py_ssize_t index, int thread) except -1 nogil:
    return step_chunk_of(<Memory> memory, index)


cdef int step_chunk_of(Memory memory, Py_ssize_t index) except -1 nogil:
    if memory.is_f32:
        return memory.network.step_chunk(memory, index, <const float *> NULL)
    return memory.network.step_chunk(memory, index, <const double *> NULL)


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
