"""Learning rate schedules."""

from numbers import Real

import numpy as np

MIN_ADAPTIVE_RATE = 1e-6
# Of "invscaling", instead of 0, which optimisers refuse.
MIN_RATE = float(np.finfo(np.float64).tiny)


class Schedule:
    """The learning rate of each epoch.

    Parameters
    ----------
    learning_rate : {"constant", "invscaling", "adaptive"} or callable
        "constant" is `initial`. "invscaling" divides it by a power of the number of
        samples seen before, plus one. "adaptive" divides it by 5 whenever training
        makes no progress, until it is 1e-6 or less. A callable maps the epoch, counted
        from 1, to its rate.
    initial : float
    power_t : float
        Exponent of "invscaling".
    n_reductions : int, default=0
        Number of times that an adaptive rate has been divided already.

    Examples
    --------
    >>> from cymlp._fit.schedules import Schedule
    >>> adaptive = Schedule("adaptive", initial=0.5, power_t=0.5)
    >>> adaptive.lower(), adaptive.rate(epoch=9, n_seen=800)
    (True, 0.1)
    >>> Schedule("invscaling", initial=0.5, power_t=0.5).rate(epoch=2, n_seen=99)
    0.05
    >>> Schedule(lambda epoch: 1 / epoch, 0.5, 0.5).rate(epoch=4, n_seen=300)
    0.25
    """

    def __init__(self, learning_rate, initial, power_t, n_reductions=0):
        self.learning_rate = learning_rate
        self.initial = initial
        self.power_t = power_t
        self.n_reductions = n_reductions

    def rate(self, epoch, n_seen):
        """Learning rate of an epoch.

        Parameters
        ----------
        epoch : int
            1, 2, ...
        n_seen : int
            Number of samples trained on before.

        Returns
        -------
        rate : float

        Raises
        ------
        ValueError
            If a callable returned something else than a positive float.
        """
        if callable(self.learning_rate):
            return _checked(self.learning_rate(epoch), epoch)
        if self.learning_rate == "invscaling":
            # A power too small for a float is 0; its inverse would be an error.
            rate = self.initial * (n_seen + 1.0) ** -self.power_t
            return max(rate, MIN_RATE)
        return self.initial / 5**self.n_reductions

    def lower(self):
        """Lower an adaptive rate, because training makes no progress.

        Returns
        -------
        lowered : bool
            False if there is no lower rate, and training should stop.
        """
        lowest = self.initial / 5**self.n_reductions <= MIN_ADAPTIVE_RATE
        if self.learning_rate != "adaptive" or lowest:
            return False
        self.n_reductions += 1
        return True


def _checked(rate, epoch):
    if isinstance(rate, Real) and 0 < rate < np.inf:
        return float(rate)
    raise ValueError(
        "learning_rate, if callable, must return a positive finite float; it returned "
        f"{rate!r} for epoch {epoch}"
    )
