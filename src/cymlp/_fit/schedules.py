"""Learning rate schedules."""

import math
from numbers import Real

import numpy as np

MIN_ADAPTIVE_RATE = 1e-6
# Lowest rate of "invscaling"; optimisers refuse 0.
MIN_RATE = float(np.finfo(np.float64).tiny)


class Schedule:
    """The learning rate of each epoch; see MLPClassifier for the schedules.

    `epochs` is the range of the epochs of a call, over which "cosine" falls.
    `n_reductions` counts the reductions of an adaptive rate, those of earlier calls
    included.
    """

    def __init__(self, learning_rate, initial, power_t, epochs, n_reductions=0):
        self.learning_rate = learning_rate
        self.initial = initial
        self.power_t = power_t
        self.epochs = epochs
        self.n_reductions = n_reductions

    def rate(self, epoch, n_seen):
        """Learning rate of epoch 1, 2, ..., before which `n_seen` samples were seen."""
        if callable(self.learning_rate):
            return _checked(self.learning_rate(epoch), epoch)
        if self.learning_rate == "invscaling":
            # This power underflows to 0 where its inverse would be an OverflowError.
            rate = self.initial * (n_seen + 1.0) ** -self.power_t
            return max(rate, MIN_RATE)
        if self.learning_rate == "cosine":
            part = (epoch - self.epochs.start) / len(self.epochs)
            return self.initial * (1 + math.cos(math.pi * part)) / 2
        return self.initial / 5**self.n_reductions

    def lower(self):
        """Lower an adaptive rate; return False if training should stop instead."""
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
