"""When to stop training, and which weights to keep."""

import numpy as np


class Patience:
    """Counts epochs without improvement.

    A metric improves if it is lower than the best so far by more than `tol`. Up to
    `n_iter_no_change` consecutive epochs without improvement are tolerated.
    """

    def __init__(self, tol=0.0, n_iter_no_change=np.inf):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self._best = np.inf
        self._count = 0

    def update(self, metric):
        """Record the metric of an epoch; return whether to stop.

        After True, the count starts again.
        """
        # NaN is not an improvement either.
        self._count = 0 if metric < self._best - self.tol else self._count + 1
        self._best = min(self._best, metric)
        if self._count <= self.n_iter_no_change:
            return False
        self._count = 0
        return True


class BestEpoch:
    """Keeps a copy of the parameters of the epoch with the lowest metric."""

    def __init__(self):
        self.epoch = None
        self.parameters = None
        self._metric = np.inf

    def update(self, metric, epoch, parameters):
        """Record an epoch; copy its parameters if its metric is the lowest so far."""
        if self.epoch is None or metric < self._metric:
            self._metric = min(self._metric, metric)  # not a NaN
            self.epoch = epoch
            self.parameters = parameters.copy()
