"""The validation scores of early stopping.

They equal those of `sklearn.metrics`, whose checks take longer than an epoch of a small
network.
"""

import numpy as np


def class_accuracy(y, outputs, sample_weight):
    """Accuracy of the most probable classes; rows of y (n, k) are one-hot."""
    correct = outputs.argmax(axis=1) == y.argmax(axis=1)
    return float(np.average(correct, weights=sample_weight))


def label_accuracy(y, outputs, sample_weight):
    """Fraction of the samples of which all labels in y (n, k) are right."""
    correct = ((outputs > 0.5) == y).all(axis=1)
    return float(np.average(correct, weights=sample_weight))


def r2(y, outputs, sample_weight):
    """Coefficient of determination, the mean over the outputs; NaN if not finite."""
    if not np.isfinite(outputs).all():
        return np.nan
    mean = np.average(y, axis=0, weights=sample_weight)
    total = np.average((y - mean) ** 2, axis=0, weights=sample_weight)
    rest = np.average((y - outputs) ** 2, axis=0, weights=sample_weight)
    # As scikit-learn scores constant targets.
    scores = np.where(rest == 0, 1.0, 0.0)
    np.divide(total - rest, total, out=scores, where=total > 0)
    return float(scores.mean())


# The score that belongs to each value of `out_activation_`.
SCORES = {
    "softmax": class_accuracy,
    "logistic": label_accuracy,
    "identity": r2,
    "exp": r2,
}
