"""Means over the data sets, differences and collapses."""

from typing import NamedTuple

import numpy as np

# A fit collapses if its accuracy is at most that of the commonest class where another
# method is better by more than this.
MARGIN = 0.1


class Summary(NamedTuple):
    """Measurements of a method over all data sets.

    Attributes
    ----------
    accuracy, log_loss, median_log_loss, seconds : float
        Over the data sets, each with the mean over its seeds.
    warned, failed : float
        Shares of the fits.
    collapses : int
        Number of fits that collapsed.
    worst_set : str
        The data set on which the accuracy is lowest relative to the best other method.
    worst_difference : float
        This difference.
    """

    accuracy: float
    log_loss: float
    median_log_loss: float
    seconds: float
    warned: float
    failed: float
    collapses: int
    worst_set: str
    worst_difference: float


def column(fits, name):
    """Return the values of a column of a method: (n_sets, n_seeds)."""
    return np.array([one[name] for one in fits.values()], dtype=np.float64)


def summary(method, fits, sets):
    """Summarise a method beside others.

    Parameters
    ----------
    method : str
    fits : dict of str to dict
        Columns for each method and data set.
    sets : dict of str to dict
        Descriptions of the data sets.
    """
    own = fits[method]
    accuracy = column(own, "accuracy")
    others = np.array([column(fits[n], "accuracy") for n in fits if n != method])
    commonest = np.array([sets[name]["commonest"] for name in own])
    collapsed = (accuracy <= commonest) & (others.max(axis=0) > commonest + MARGIN)
    behind = accuracy.mean(axis=1) - others.mean(axis=2).max(axis=0)
    losses = column(own, "log_loss").mean(axis=1)
    return Summary(
        accuracy=accuracy.mean(),
        log_loss=losses.mean(),
        median_log_loss=np.median(losses),
        seconds=column(own, "seconds").mean(),
        warned=column(own, "warned").mean(),
        failed=column(own, "failed").mean(),
        collapses=int(collapsed.sum()),
        worst_set=list(own)[behind.argmin()],
        worst_difference=behind.min(),
    )


def difference(own, other, name):
    """Return the mean over data sets of own minus other, and its standard error."""
    means = column(own, name).mean(axis=1) - column(other, name).mean(axis=1)
    return means.mean(), means.std() / np.sqrt(max(len(means) - 1, 1))
