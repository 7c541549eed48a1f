"""When to stop, and which weights to keep."""

import numpy as np


class NoImprovement:
    """Tells when a figure has not fallen for too many epochs.

    Parameters
    ----------
    tol : float, default=0
        By how much the figure must be lower than the best so far to improve.
    n_iter_no_change : int or numpy.inf, default=numpy.inf
        Number of epochs without improvement that are put up with.

    Examples
    --------
    >>> from cymlp._fit.stopping import NoImprovement
    >>> stopping = NoImprovement(tol=0.1, n_iter_no_change=1)
    >>> [stopping.update(loss) for loss in (1.0, 0.95, 0.8, 0.8, 0.8)]
    [False, False, False, False, True]
    """

    def __init__(self, tol=0.0, n_iter_no_change=np.inf):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self._best = np.inf
        self._count = 0

    def update(self, figure):
        """Take the figure of one more epoch.

        Returns
        -------
        stop : bool
            True once after too many epochs; the count then starts again.
        """
        # A figure that is not a number is no improvement either.
        self._count = 0 if figure < self._best - self.tol else self._count + 1
        self._best = min(self._best, figure)
        if self._count <= self.n_iter_no_change:
            return False
        self._count = 0
        return True


class BestState:
    """Keeps the state of the epoch with the lowest figure.

    Attributes
    ----------
    epoch : int or None
    state : ndarray or None
        What the optimiser works on.
    n_steps : int or None
        Number of steps that it had taken.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.stopping import BestState
    >>> state, best = np.zeros(2), BestState()
    >>> for epoch, figure in enumerate([0.5, 0.2, 0.3], start=1):
    ...     state[:] = epoch
    ...     best.update(figure, epoch, state, n_steps=10 * epoch)
    >>> best.epoch, best.state, best.n_steps
    (2, array([2., 2.]), 20)
    """

    def __init__(self):
        self.epoch = None
        self.state = None
        self.n_steps = None
        self._figure = np.inf

    def update(self, figure, epoch, state, n_steps):
        """Take one more epoch into account.

        Parameters
        ----------
        figure : float
        epoch : int
        state : ndarray
            Copied if it is the best so far.
        n_steps : int
        """
        if self.epoch is None or figure < self._figure:
            self._figure = min(self._figure, figure)  # not a NaN
            self.epoch = epoch
            self.state = state.copy()
            self.n_steps = n_steps
