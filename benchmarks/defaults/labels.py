"""What is measured of a classifier of samples with several labels."""

from typing import NamedTuple

import numpy as np

from benchmarks.defaults.fits import measurements

# float32 has no probability next to 1 that is nearer.
MIN_PROBABILITY = float(np.finfo(np.float32).eps)


class LabelFit(NamedTuple):
    """Measurements of one fit.

    Attributes
    ----------
    accuracy : float
        Share of the test rows of which all labels are predicted right.
    hamming : float
        Share of all labels of the test rows that are predicted wrong.
    log_loss : float
        Mean of the log losses of all labels of the test rows, with probabilities of at
        least `MIN_PROBABILITY` and at most 1 minus this.
    seconds : float
        Processor time of ``fit``.
    warned, failed : bool
        Whether ``fit`` warned, and whether it or the prediction raised ValueError. A
        fit that failed counts as one that predicts the frequencies of the labels.
    """

    accuracy: float
    hamming: float
    log_loss: float
    seconds: float
    warned: bool
    failed: bool


def measure(estimator, rows):
    """Fit a classifier and return the `LabelFit`."""
    frequencies = np.broadcast_to(rows.y_train.mean(axis=0), rows.y_test.shape)
    return LabelFit(
        *measurements(estimator, rows, "predict_proba", frequencies, scores)
    )


def scores(predicted, y):
    """Return the accuracy, Hamming loss and log loss of predicted probabilities."""
    right = (predicted > 0.5) == y
    p = np.clip(predicted, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    loss = -np.log(np.where(y, p, 1 - p)).mean()
    return float(right.all(axis=1).mean()), float(1 - right.mean()), float(loss)


def description(splits):
    """Describe a data set: its size, and the mean number of labels of a row."""
    first = splits[0]
    return {
        "training rows": len(first.y_train),
        "test rows": len(first.y_test),
        "features": first.X_train.shape[1],
        "labels": first.y_train.shape[1],
        "labels of a row": round(float(first.y_train.sum(axis=1).mean()), 2),
    }
