"""A training run: a network with its numbers and its data, epoch by epoch."""

import time

import numpy as np


class DivergedError(ArithmeticError):
    """A loss or a parameter is not finite any more."""


class Training:
    """A network in training.

    Parameters
    ----------
    network : Network
    state : ndarray of shape (2, n_parameters)
        Parameters and their velocities; changed in place.
    optimizer : SGD
    X : ndarray of shape (n_samples, n_features), of the dtype of state
    y : ndarray of intp of shape (n_samples,)
        Classes, as numbers from 0.
    weights : ndarray of shape (n_samples,) or None
        Factors of the samples' losses.
    batch_size : int
    shuffle : bool
    random_state : RandomState
    """

    def __init__(
        self, network, state, optimizer, X, y, weights, *, batch_size, shuffle,
        random_state,
    ):  # fmt: skip
        self.network = network
        self.state = state
        self.optimizer = optimizer
        self.X = X
        self.y = y
        self.weights = weights
        self.random_state = random_state if shuffle else None
        self._work = np.empty(network.work_size, state.dtype)
        self._before = np.empty_like(state)
        n_full, last = divmod(len(y), batch_size)
        self._batch_sizes = [batch_size] * n_full + [last] * (last > 0)

    def run_epoch(self):
        """Train on every sample once.

        Returns
        -------
        figures : dict
            train_loss and train_accuracy, means over the samples, gradient_norm, the
            mean over the batches, and seconds.
        batches : dict of str to ndarray of shape (n_batches,)
            Loss and accuracy of every mini-batch, before its update.

        Raises
        ------
        DivergedError
            If a loss or a parameter is not finite any more.
        """
        start = time.perf_counter()
        record = np.empty((3, len(self._batch_sizes)))
        finite = self.network.train_epoch(
            self.X, self.y, self.weights, self._order(), self.optimizer, self.state,
            self._work, record,
        )  # fmt: skip
        if not finite or not np.isfinite(self.state).all():
            raise DivergedError
        loss, accuracy = np.average(record[:2], axis=1, weights=self._batch_sizes)
        figures = {
            "train_loss": float(loss),
            "train_accuracy": float(accuracy),
            "gradient_norm": float(record[2].mean()),
            "seconds": time.perf_counter() - start,
        }
        return figures, {"loss": record[0], "accuracy": record[1]}

    def _order(self):
        if self.random_state is None:
            return np.arange(len(self.y))
        return self.random_state.permutation(len(self.y))

    def save(self):
        """Remember parameters and velocities."""
        np.copyto(self._before, self.state)

    def restore(self):
        """Go back to the parameters and velocities that were saved last."""
        np.copyto(self.state, self._before)


class NoImprovement:
    """Tells when the loss has not improved for too many epochs.

    Parameters
    ----------
    tol : float
        By how much a loss must be lower than the best so far to improve.
    n_iter_no_change : int or numpy.inf
        Number of epochs without improvement that are put up with.

    Examples
    --------
    >>> from cymlp.training import NoImprovement
    >>> stopping = NoImprovement(tol=0.1, n_iter_no_change=1)
    >>> [stopping.update(loss) for loss in (1.0, 0.95, 0.8, 0.8, 0.8)]
    [False, False, False, False, True]
    """

    def __init__(self, tol, n_iter_no_change):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self._best = np.inf
        self._count = 0

    def update(self, loss):
        """Take the loss of one more epoch.

        Returns
        -------
        stop : bool
        """
        self._count = self._count + 1 if loss >= self._best - self.tol else 0
        self._best = min(self._best, loss)
        return self._count > self.n_iter_no_change
