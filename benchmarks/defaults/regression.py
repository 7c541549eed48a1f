"""What is measured of a regressor, and its means over the data sets."""

from typing import NamedTuple

import numpy as np

from benchmarks.defaults.fits import measurements
from benchmarks.defaults.methods import CYMLP
from benchmarks.defaults.summaries import column


class ValueFit(NamedTuple):
    """Measurements of one fit.

    Attributes
    ----------
    r2 : float
        On the test rows, the mean over the outputs.
    error : float
        Root mean square error on the test rows, in standard deviations of the target:
        the mean over the outputs.
    seconds : float
        Processor time of ``fit``.
    warned, failed : bool
        Whether ``fit`` warned, and whether it or the prediction raised ValueError. A
        fit that failed counts as one that predicts the mean of the training rows.
    """

    r2: float
    error: float
    seconds: float
    warned: bool
    failed: bool


def measure(estimator, rows):
    """Fit a regressor and return the `ValueFit`."""
    mean = np.broadcast_to(rows.y_train.mean(axis=0), rows.y_test.shape)
    return ValueFit(*measurements(estimator, rows, "predict", mean, scores))


def scores(predicted, y):
    """Return R2 and relative error of predictions, means over the outputs."""
    share = ((predicted - y) ** 2).mean(axis=0) / y.var(axis=0)
    return float(1 - share.mean()), float(np.sqrt(share).mean())


def description(splits):
    """Describe a data set: its size."""
    first = splits[0]
    return {
        "training rows": len(first.y_train),
        "test rows": len(first.y_test),
        "features": first.X_train.shape[1],
        "outputs": 1 if first.y_train.ndim == 1 else first.y_train.shape[1],
    }


class ValueSummary(NamedTuple):
    """Measurements of a regressor over all data sets.

    Attributes
    ----------
    r2, error, seconds : float
        Means over the data sets, each with the mean over its seeds; negative R2 of a
        fit counts as 0.
    median_r2, worst_r2 : float
        Of the means over the seeds.
    worst_set : str
        The data set with the lowest R2.
    n_better : int
        Number of the data sets on which the error is lower than cymlp's.
    warned, failed : float
        Shares of the fits.
    """

    r2: float
    median_r2: float
    worst_r2: float
    worst_set: str
    error: float
    n_better: int
    seconds: float
    warned: float
    failed: float


def summary_of_values(method, fits):
    """Summarise a regressor beside cymlp.

    Parameters
    ----------
    method : str
    fits : dict of str to dict
        Columns for each method and data set.
    """
    own = fits[method]
    r2, error = column(own, "r2"), column(own, "error").mean(axis=1)
    by_set = r2.mean(axis=1)
    return ValueSummary(
        r2=np.maximum(r2, 0).mean(),
        median_r2=np.median(by_set),
        worst_r2=by_set.min(),
        worst_set=list(own)[by_set.argmin()],
        error=error.mean(),
        n_better=int((error < column(fits[CYMLP], "error").mean(axis=1)).sum()),
        seconds=column(own, "seconds").mean(),
        warned=column(own, "warned").mean(),
        failed=column(own, "failed").mean(),
    )
