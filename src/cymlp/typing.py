"""Protocols for type checkers: the methods of activations and losses."""

from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

__all__ = ["ActivationLike", "LossLike"]


class ActivationLike(Protocol):
    """Activation for :class:`~cymlp.MLPClassifier` and :class:`~cymlp.MLPRegressor`.

    An attribute ``initializer`` is optional: the distribution of the initial weights of
    its layer with ``init="auto"``, "glorot_uniform" (the default) or "lecun_normal".

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp import MLPClassifier
    >>> from cymlp.typing import ActivationLike
    >>> class Sine:
    ...     def value(self, U):
    ...         return np.sin(U)
    ...     def derivative(self, U, A):
    ...         return np.cos(U)
    >>> sine: ActivationLike = Sine()
    >>> clf = MLPClassifier(activation=sine, tol=1.0)
    >>> clf.fit([[0.0], [1.0]], [0, 1]).n_outputs_
    2
    """

    def value(self, U: NDArray[Any], /) -> ArrayLike:
        """Compute f(U).

        Parameters
        ----------
        U : ndarray of shape (n_rows, n_units)
            Weighted sums.

        Returns
        -------
        A : array-like of shape (n_rows, n_units)
            Activations.
        """
        ...

    def derivative(self, U: NDArray[Any], A: NDArray[Any], /) -> ArrayLike:
        """Compute f'(U).

        Parameters
        ----------
        U : ndarray of shape (n_rows, n_units)
            Weighted sums.
        A : ndarray of shape (n_rows, n_units)
            Result of ``value(U)``.

        Returns
        -------
        derivative : array-like of shape (n_rows, n_units)
            Derivative of each activation with respect to its weighted sum.
        """
        ...


class LossLike(Protocol):
    """Loss for :class:`~cymlp.MLPClassifier` and :class:`~cymlp.MLPRegressor`.

    A method ``probabilities(Z)`` is optional. With it, the classifier has
    ``predict_proba``. An attribute ``log_link`` is optional, too: if it is True, the
    predictions of a regressor are exp(Z), and its targets positive.

    Examples
    --------
    >>> from cymlp import MLPClassifier
    >>> from cymlp.typing import LossLike
    >>> class SquaredError:
    ...     def value_and_gradient(self, Z, T):
    ...         return ((Z - T) ** 2).sum(axis=1) / 2, Z - T
    >>> loss: LossLike = SquaredError()
    >>> MLPClassifier(loss=loss, tol=1.0).fit([[0.0], [1.0]], [0, 1]).n_outputs_
    2
    """

    def value_and_gradient(
        self, Z: NDArray[Any], T: NDArray[Any], /
    ) -> tuple[ArrayLike, ArrayLike]:
        """Compute the loss of each sample and its gradient with respect to the scores.

        Parameters
        ----------
        Z : ndarray of shape (n_rows, n_outputs)
            Scores.
        T : ndarray of shape (n_rows, n_outputs)
            Targets: each row has the probabilities of the classes, 0 or 1 for each of
            several labels, or the scaled values of a regressor.

        Returns
        -------
        value : array-like of shape (n_rows,)
            Losses, not multiplied by sample weights.
        gradient : array-like of shape (n_rows, n_outputs)
            Gradient of each loss with respect to its scores.
        """
        ...
