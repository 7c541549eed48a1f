"""Warnings about the outcome of a fit."""

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from cymlp._fit.errors import warn
from cymlp.losses import Loss

# Samples of which the scale of the features, or the loss of a constant, is measured.
N_SAMPLES = 500
METRICS = ("loss", "accuracy")
# Bounds of the root mean square of the largest feature, without scaling.
MIN_SCALE, MAX_SCALE = 0.01, 100
# Fewer epochs show nothing.
MIN_EPOCHS = 20
# By how much training must improve on the loss, or on the accuracy, of a constant
# prediction to count as a success.
MIN_LOSS_GAIN, MIN_ACCURACY_GAIN = 0.05, 0.01


def warn_of_outcome(estimator, data, converged):
    """Warn of features of wild scale, of a fit that failed, or of too few epochs.

    Only the first of these is named, since it may be the cause of the others.
    """
    message = (
        _scale_message(estimator, data)
        or _failure_message(estimator, data)
        or _convergence_message(estimator, converged)
    )
    if message:
        warn(message, ConvergenceWarning)


def _scale_message(estimator, data):
    if estimator.scale is not None:
        return None
    largest = _largest_feature(data.inputs.rows(_sample(data)))
    if largest == 0 or MIN_SCALE <= largest <= MAX_SCALE:
        return None
    return (
        f"The features of X have a root mean square of up to {largest:.3g}, and "
        "networks train well if it is near 1. Set scale='auto', which standardises X "
        "as it is read (it is None)."
    )


def _sample(data):
    """Indices of training samples that count, evenly spread."""
    indices, weights = data.indices, data.targets.weights
    if weights is not None:
        indices = indices[weights[indices] > 0]
    return indices[:: -(-indices.size // N_SAMPLES)]


def _largest_feature(X):
    """The largest root mean square of a feature."""
    if issparse(X):
        squares = X.multiply(X).sum(axis=0)
    else:
        squares = np.einsum("ij,ij->j", X, X, dtype=np.float64)
    return float(np.sqrt(squares.max() / X.shape[0]))


def _failure_message(estimator, data):
    # Losses of the user may be slow, or count their calls.
    if (
        not isinstance(estimator._loss, Loss)
        or data.targets.labels is None
        or estimator.n_iter_ < MIN_EPOCHS
    ):
        return None
    loss, accuracy = (estimator.history_[f"train_{name}"] for name in METRICS)
    constant_loss, constant_accuracy = _metrics_of_constant(estimator._loss, data)
    if (
        loss.min() < (1 - MIN_LOSS_GAIN) * constant_loss
        or accuracy.max() > constant_accuracy + MIN_ACCURACY_GAIN
    ):
        return None
    return (
        "Training has learned little more than the frequencies of the classes: its "
        f"loss is {loss.min():.4g} at best, that of a constant {constant_loss:.4g}. "
        f"{_advice(estimator)}"
    )


def _metrics_of_constant(loss, data):
    """Loss and accuracy of predicting the same for all samples.

    The loss is that of the class frequencies, or of scores of 0 if that is lower.
    """
    indices = _sample(data)
    T = data.targets.rows(indices, np.float64)
    weights = data.targets.weights
    weights = None if weights is None else weights[indices]
    frequencies = np.average(T, axis=0, weights=weights)
    losses = [
        loss.value_and_gradient(np.tile(scores, (len(T), 1)), T)[0]
        for scores in (np.log(np.maximum(frequencies, 1e-12)), np.zeros(T.shape[1]))
    ]
    return np.average(losses, axis=1, weights=weights).min(), frequencies.max()


def _advice(estimator):
    if estimator.scale != "auto":
        return (
            f"Set scale='auto' (it is {estimator.scale!r}), which also copes with "
            "outliers."
        )
    return (
        "Check that the rows of X and y belong together. Otherwise try another "
        f"learning_rate_init (it is {estimator.learning_rate_init}), more epochs "
        f"(max_iter is {estimator.max_iter}) or a smaller weight_decay "
        f"({estimator.weight_decay})."
    )


def _convergence_message(estimator, converged):
    # A cosine has brought the learning rate to 0 by the last epoch.
    if (
        converged
        or estimator.n_iter_no_change == np.inf
        or estimator.learning_rate == "cosine"
    ):
        return None
    return (
        f"Training has not converged after max_iter={estimator.max_iter} epochs. "
        "Increase max_iter, or set n_iter_no_change=np.inf to train for a fixed number "
        "of epochs."
    )
