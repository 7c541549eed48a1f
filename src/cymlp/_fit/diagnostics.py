"""Where a network's gradients vanish, layer by layer."""

import numpy as np

from cymlp._engine import dense
from cymlp._engine.user_results import checked_loss, checked_result

# A tanh has a derivative below this where its value is within 0.005 of -1 or 1.
SATURATED = 0.01


class GradientFlow:
    """Counts vanishing derivatives and gradients of a network over its samples.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)
    activations : list of objects
        One per hidden layer.
    loss : object

    Examples
    --------
    A unit that is off for every sample, next to one that is not:

    >>> import numpy as np
    >>> from cymlp.activations import HardSwish
    >>> from cymlp._fit.diagnostics import GradientFlow
    >>> from cymlp.losses import CrossEntropy
    >>> flow = GradientFlow(
    ...     [np.array([[1.0, -1.0]]), np.eye(2)], [np.zeros(2), np.zeros(2)],
    ...     [HardSwish()], CrossEntropy(),
    ... )
    >>> flow.add(np.array([[5.0], [6.0]]), np.eye(2))
    >>> flow.fractions()
    {'dead_units': [0.5], 'saturation': [0.5], 'zero_gradients': [0.5, 0.0]}
    """

    def __init__(self, coefs, intercepts, activations, loss):
        self._layers = list(zip(coefs, intercepts, strict=True))
        self._activations = activations
        self._loss = loss
        self._n_samples = 0
        self._alive = [np.zeros(b.size, bool) for b in intercepts[:-1]]
        self._n_saturated = np.zeros(len(activations), int)
        self._n_zero = np.zeros(len(intercepts), int)

    def add(self, X, T):
        """Take some samples into account.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n, n_features)
        T : ndarray of shape (n, n_classes)
            Targets.
        """
        self._n_samples += X.shape[0]
        Z, derivatives = self._forward(X)
        for index, derivative in enumerate(derivatives):
            self._alive[index] |= (derivative != 0).any(axis=0)
            near_zero = np.abs(derivative) < SATURATED
            self._n_saturated[index] += np.count_nonzero(near_zero)
        result = self._loss.value_and_gradient(Z, T)
        _, dU = checked_loss(result, self._loss, Z.shape, Z.dtype)
        self._n_zero[-1] += np.count_nonzero(dU == 0)
        for index in reversed(range(len(derivatives))):
            W, _ = self._layers[index + 1]
            dU = dU @ W.T * derivatives[index]
            self._n_zero[index] += np.count_nonzero(dU == 0)

    def _forward(self, A):
        """Scores, and the derivative of each hidden layer's activation."""
        *hidden, (W, b) = self._layers
        derivatives = []
        for (W_hidden, b_hidden), activation in zip(
            hidden, self._activations, strict=True
        ):
            U = dense.forward(A, W_hidden, b_hidden)
            # A user's activation may work in place, so it gets copies.
            A = checked_result(
                activation.value(U.copy()), activation, "value", U.shape, U.dtype
            )
            derivative = activation.derivative(U, A.copy())
            derivatives.append(
                checked_result(derivative, activation, "derivative", U.shape, U.dtype)
            )
        return dense.forward(A, W, b), derivatives

    def fractions(self):
        """Sum up.

        Returns
        -------
        fractions : dict
            ``dead_units``, per hidden layer the fraction of units whose derivative is
            zero at every sample; ``saturation``, per hidden layer the fraction of
            derivatives, over samples and units, of a magnitude below 0.01; and
            ``zero_gradients``, per layer, the output last, the fraction of samples and
            units where the gradient of the loss in the weighted sum is exactly zero.
        """
        widths = np.array([b.size for _, b in self._layers])
        return {
            "dead_units": [float(np.mean(~alive)) for alive in self._alive],
            "saturation": (
                self._n_saturated / (self._n_samples * widths[:-1])
            ).tolist(),
            "zero_gradients": (self._n_zero / (self._n_samples * widths)).tolist(),
        }
