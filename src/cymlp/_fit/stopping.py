"""When to stop, and which weights to keep."""

import numpy as np


class Patience:
    """Tells when a metric has not fallen for too many epochs.

    Parameters
    ----------
    tol : float, default=0
        By how much the metric must be lower than the best so far to improve.
    n_iter_no_change : int or numpy.inf, default=numpy.inf
        Number of epochs without improvement that are tolerated.

    Examples
    --------
    >>> from cymlp._fit.stopping import Patience
    >>> stopping = Patience(tol=0.1, n_iter_no_change=1)
    >>> [stopping.update(loss) for loss in (1.0, 0.95, 0.8, 0.8, 0.8)]
    [False, False, False, False, True]
    """

    def __init__(self, tol=0.0, n_iter_no_change=np.inf):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self._best = np.inf
        self._count = 0

    def update(self, metric):
        """Take the metric of one more epoch.

        Returns
        -------
        stop : bool
            True once after too many epochs. The count then starts again.
        """
        # NaN is not an improvement either.
        self._count = 0 if metric < self._best - self.tol else self._count + 1
        self._best = min(self._best, metric)
        if self._count <= self.n_iter_no_change:
            return False
        self._count = 0
        return True


class Checkpoint:
    """Keeps the parameters of the epoch with the lowest metric.

    Attributes
    ----------
    epoch : int or None
    parameters : Parameters or None

    Examples
    --------
    >>> from cymlp._fit.parameters import Parameters
    >>> from cymlp._fit.stopping import Checkpoint
    >>> parameters, checkpoint = Parameters([1, 1], 0, "float64"), Checkpoint()
    >>> for epoch, loss in enumerate([0.5, 0.2, 0.3], start=1):
    ...     parameters.n_steps = 10 * epoch
    ...     checkpoint.update(loss, epoch, parameters)
    >>> checkpoint.epoch, checkpoint.parameters.n_steps
    (2, 20)
    """

    def __init__(self):
        self.epoch = None
        self.parameters = None
        self._metric = np.inf

    def update(self, metric, epoch, parameters):
        """Take one more epoch into account.

        Parameters
        ----------
        metric : float
        epoch : int
        parameters : Parameters
            Copied if the metric is the best so far.
        """
        if self.epoch is None or metric < self._metric:
            self._metric = min(self._metric, metric)  # not a NaN
            self.epoch = epoch
            self.parameters = parameters.copy()
