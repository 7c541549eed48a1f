"""The peer in JAX: an epoch is one compiled function that scans over batches."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.speed.peers.loop import LoopPeer

BETA_2 = 0.999

jax.config.update("jax_enable_x64", True)  # for validation; arrays to time are float32


def scores(parameters, X):
    """Compute the scores of the output layer."""
    *hidden, (W, b) = parameters
    for W_hidden, b_hidden in hidden:
        X = jnp.tanh(X @ W_hidden + b_hidden)
    return X @ W + b


def mean_loss(parameters, X, y):
    """Compute the cross entropy of a batch."""
    log_p = jax.nn.log_softmax(scores(parameters, X))
    return -jnp.take_along_axis(log_p, y[:, np.newaxis], axis=1).mean()


def sgd_update(workload, parameters, slots, gradient):
    """Return parameters and velocity after a step with momentum."""
    velocity = jax.tree.map(
        lambda v, g: workload.momentum * v + g, slots["velocity"], gradient
    )
    parameters = jax.tree.map(
        lambda theta, v: theta - workload.learning_rate * v, parameters, velocity
    )
    return parameters, slots | {"velocity": velocity}


def adam_update(workload, parameters, slots, gradient):
    """Return parameters and averages after a step of Adam."""
    t = slots["t"] + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, slots["m"], gradient)
    v = jax.tree.map(
        lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, slots["v"], gradient
    )
    rate = workload.learning_rate / (1 - 0.9**t)
    root = jnp.sqrt(1 - BETA_2**t)
    parameters = jax.tree.map(
        lambda theta, m, v: (
            theta - rate.astype(theta.dtype) * m
            / (jnp.sqrt(v) / root.astype(theta.dtype) + workload.epsilon)
        ),
        parameters, m, v,
    )  # fmt: skip
    return parameters, {"t": t, "m": m, "v": v}


@cache
def epoch_function(workload):
    """Make the compiled function of an epoch, which overwrites its state."""
    update = sgd_update if workload.solver == "sgd" else adam_update

    def step(state, indices, X, y):
        parameters, slots = state
        loss, gradient = jax.value_and_grad(mean_loss)(
            parameters, X[indices], y[indices]
        )
        gradient = jax.tree.map(
            lambda g, theta: g + workload.weight_decay * theta, gradient, parameters
        )
        return update(workload, parameters, slots, gradient), loss

    @partial(jax.jit, donate_argnums=0)
    def epoch(state, X, y, batches):
        state, losses = jax.lax.scan(partial(step, X=X, y=y), state, batches)
        return state, losses.mean()

    return epoch


predict = jax.jit(lambda parameters, X: jax.nn.softmax(scores(parameters, X)))


class JaxLoop:
    """The training of one network."""

    def __init__(self, workload, X, y, parameters):
        self.X, self.y = jnp.asarray(X), jnp.asarray(y, dtype=jnp.int32)
        start = zip(parameters[::2], parameters[1::2], strict=True)
        start = [(jnp.array(W), jnp.array(b)) for W, b in start]
        zeros = jax.tree.map(jnp.zeros_like, start)
        if workload.solver == "sgd":
            slots = {"velocity": zeros}
        else:
            slots = {"t": jnp.zeros(()), "m": zeros, "v": jax.tree.map(jnp.copy, zeros)}
        self.state = start, slots
        jax.block_until_ready((self.X, self.y, self.state))  # copies are asynchronous
        self.batch_size = workload.batch_size
        self.epoch = epoch_function(workload)

    def run_epoch(self, order):
        """Train on every sample once, and return the mean loss."""
        batches = order.reshape(-1, self.batch_size).astype(np.int32)
        self.state, loss = self.epoch(self.state, self.X, self.y, batches)
        return float(loss)

    def probabilities(self, X):
        """Compute the probabilities of the classes, one row per sample."""
        return np.asarray(predict(self.state[0], X))

    def parameters(self):
        """Return weights and biases: [W, b, W, b, ...]."""
        return [np.asarray(part) for layer in self.state[0] for part in layer]


class JaxPeer(LoopPeer):
    """JAX as a peer."""

    packages = ("jax", "jaxlib")

    def unsupported(self, workload):
        """Say why a workload is not supported, or return None."""
        if workload.data == "text":
            return "its sparse matrices are experimental and slow on a CPU"
        return None

    def make(self, workload, X, y, parameters):
        """Make a loop that starts from these parameters."""
        return JaxLoop(workload, X, y, parameters)
