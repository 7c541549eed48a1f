"""Vanishing gradients of a network, layer by layer."""

import numpy as np

from cymlp._engine.dense import forward

# A tanh has a derivative below this where its value is within 0.005 of -1 or 1.
SATURATED = 0.01


class GradientFlow:
    """Counts vanishing derivatives and gradients of a network over its samples.

    Parameters
    ----------
    network : Network
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)
    batch_size : int
        Maximum number of samples that are added at once.

    Examples
    --------
    One unit that is off for every sample, and one that is not:

    >>> import numpy as np
    >>> from cymlp._engine.network import Network
    >>> from cymlp._fit.diagnostics import GradientFlow
    >>> from cymlp.activations import HardSwish
    >>> from cymlp.losses import CrossEntropy
    >>> flow = GradientFlow(
    ...     Network([1, 2, 2], [HardSwish()], CrossEntropy()),
    ...     [np.array([[1.0, -1.0]]), np.eye(2)], [np.zeros(2), np.zeros(2)], 2,
    ... )
    >>> flow.add(np.array([[5.0], [6.0]]), np.eye(2))
    >>> flow.fractions()
    {'dead_units': [0.5], 'saturation': [0.5], 'zero_gradients': [0.5, 0.0]}
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
        """Count the samples of a batch.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n, n_features)
        T : ndarray of shape (n, n_classes)
            Targets.
        """
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
        """Compute the fractions over all samples.

        Returns
        -------
        fractions : dict
            ``dead_units``, for each hidden layer the fraction of units whose derivative
            is zero at every sample; ``saturation``, for each hidden layer the fraction
            of derivatives, over samples and units, whose magnitude is below 0.01; and
            ``zero_gradients``, for each layer, the output last, the fraction of samples
            and units where the gradient of the loss in the sum is exactly zero.
        """
        n_values = self._n_samples * self._widths
        return {
            "dead_units": [float(np.mean(~is_alive)) for is_alive in self._is_alive],
            "saturation": (self._n_saturated / n_values[:-1]).tolist(),
            "zero_gradients": (self._n_zero / n_values).tolist(),
        }
