"""Vanishing gradients of a network, layer by layer."""

import numpy as np

from cymlp._engine.dense import forward

# A tanh has a derivative below this where its value is within 0.005 of -1 or 1.
SATURATED = 0.01


class GradientFlow:
    """Counts vanishing derivatives and gradients over samples, layer by layer.

    Samples are added in batches of at most `batch_size`.
    """

    def __init__(self, network, coefs, intercepts, batch_size):
        (self._first, *self._others) = zip(coefs, intercepts, strict=True)
        self._network = network
        self._memory = network.memory(batch_size, coefs[0].dtype)
        self._widths = np.array(network.sizes[1:])
        self._n_samples = 0
        self._is_alive = [np.zeros(width, bool) for width in self._widths[:-1]]
        self._n_saturated = np.zeros(len(self._others), int)
        self._n_zero = np.zeros(len(self._widths), int)

    def add(self, X, T):
        """Count the samples X, with targets T of shape (n, n_classes)."""
        U = forward(X, *self._first)
        derivatives, gradients = self._network.gradients(
            U, T, self._others, self._memory
        )
        self._n_samples += len(U)
        for index, derivative in enumerate(derivatives):
            self._is_alive[index] |= (derivative != 0).any(axis=0)
            is_near_zero = np.abs(derivative) < SATURATED
            self._n_saturated[index] += np.count_nonzero(is_near_zero)
        for index, gradient in enumerate(gradients):
            self._n_zero[index] += np.count_nonzero(gradient == 0)

    def fractions(self):
        """The columns `dead_units`, `saturation` and `zero_gradients` of a History.

        Each is a list with one value per layer, of which the first two omit the output
        layer.
        """
        n_values = self._n_samples * self._widths
        return {
            "dead_units": [float(np.mean(~is_alive)) for is_alive in self._is_alive],
            "saturation": (self._n_saturated / n_values[:-1]).tolist(),
            "zero_gradients": (self._n_zero / n_values).tolist(),
        }
