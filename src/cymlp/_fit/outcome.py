"""Warnings about the outcome of a fit."""

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from cymlp._fit.errors import warn
from cymlp._fit.target_scaling import has_log_link
from cymlp._fit.training import score_name
from cymlp.losses import Loss

# Samples of which the scale of the features, or the loss of a constant, is measured.
N_SAMPLES = 500
# Bounds of the root mean square of the largest feature or output, without scaling.
MIN_SCALE, MAX_SCALE = 0.01, 100
# Fewer epochs show nothing.
MIN_EPOCHS = 20
# By how much training must improve on the loss, or on the score, of a constant
# prediction to count as a success. Outliers can dominate the loss of real values.
MIN_LOSS_GAIN = {"classes": 0.05, "labels": 0.05, "values": 0.01}
MIN_SCORE_GAIN = 0.01
# The loss of a constant, from which there is nothing more to learn.
MIN_LOSS = 1e-9


def warn_of_outcome(estimator, data, converged):
    """Warn of features or targets of wild scale, of a failure, or of too few epochs.

    Only the first of these is named, since it may be the cause of the others.
    """
    message = (
        _scale_message(estimator, data)
        or _target_scale_message(estimator, data)
        or _failure_message(estimator, data)
        or _convergence_message(estimator, converged)
    )
    if message:
        warn(message, ConvergenceWarning)


def _scale_message(estimator, data):
    if estimator.scale is not None:
        return None
    largest = _largest_column(data.inputs.rows(_sample(data)))
    if largest == 0 or MIN_SCALE <= largest <= MAX_SCALE:
        return None
    return (
        f"The features of X have a root mean square of up to {largest:.3g}, and "
        "networks train well if it is near 1. Set scale='auto', which standardises X "
        "as it is read (it is None)."
    )


def _target_scale_message(estimator, data):
    # Scores of a log link are logarithms, which are never large.
    if (
        data.targets.kind != "values"
        or estimator.target_scale is not None
        or has_log_link(estimator)
    ):
        return None
    largest = _largest_column(data.targets.values[_sample(data)])
    if largest == 0 or MIN_SCALE <= largest <= MAX_SCALE:
        return None
    return (
        f"The targets y have a root mean square of up to {largest:.3g}, and networks "
        "train well if it is near 1. Set target_scale='standard', which predictions "
        "undo (it is None)."
    )


def _sample(data):
    """Indices of training samples that count, evenly spread."""
    indices, weights = data.indices, data.targets.weights
    if weights is not None:
        indices = indices[weights[indices] > 0]
    return indices[:: -(-indices.size // N_SAMPLES)]


def _largest_column(X):
    """The largest root mean square of a column."""
    if issparse(X):
        squares = X.multiply(X).sum(axis=0)
    else:
        squares = np.einsum("ij,ij->j", X, X, dtype=np.float64)
    return float(np.sqrt(squares.max() / X.shape[0]))


def _failure_message(estimator, data):
    # Losses of the user may be slow, or count their calls.
    if not isinstance(estimator._loss, Loss) or estimator.n_iter_ < MIN_EPOCHS:
        return None
    loss, score = (
        estimator.history_[f"train_{name}"]
        for name in ("loss", score_name(data.targets))
    )
    kind = data.targets.kind
    constant_loss, constant_score = _metrics_of_constant(estimator._loss, data)
    if (
        loss.min() < (1 - MIN_LOSS_GAIN[kind]) * constant_loss
        or score.max() > constant_score + MIN_SCORE_GAIN
        or constant_loss < MIN_LOSS
    ):
        return None
    return (
        f"Training has learned little more than {LEARNED[kind]}: its "
        f"loss is {loss.min():.4g} at best, that of a constant {constant_loss:.4g}. "
        f"{_advice(estimator)}"
    )


# What a network without use of X learns of each kind of targets.
LEARNED = {
    "classes": "the frequencies of the classes",
    "labels": "the frequencies of the labels",
    "values": "a constant",
}


def _metrics_of_constant(loss, data):
    """Loss and score of predicting the same for all samples.

    The loss is that of the best of some constants, scores of 0 among them.
    """
    indices = _sample(data)
    T = data.targets.rows(indices, np.float64).astype(np.float64)
    weights = data.targets.weights
    weights = None if weights is None else weights[indices]
    scores, score = CONSTANTS[data.targets.kind](loss, T, weights)
    losses = [
        loss.value_and_gradient(np.tile(constant, (len(T), 1)), T)[0]
        for constant in (*scores, np.zeros(T.shape[1]))
    ]
    return np.average(losses, axis=1, weights=weights).min(), score


# Each function takes a loss, targets (n, k) and weights (n,) or None. It returns scores
# (k,) of constant predictions, and the accuracy or R2 of the best.


def _constant_class(loss, T, weights):
    frequencies = np.average(T, axis=0, weights=weights)
    scores = np.log(np.maximum(frequencies, MIN_FREQUENCY))
    return scores * SHRINKAGE, frequencies.max()


def _constant_labels(loss, T, weights):
    frequencies = np.average(T, axis=0, weights=weights)
    absent, present = np.reshape(loss._weights(T.shape[1]), (2, -1))
    odds = present * frequencies, absent * (1 - frequencies)
    scores = np.subtract(*np.log(np.maximum(odds, MIN_FREQUENCY)))
    accuracies = [
        np.average((predicted == T).all(axis=1), weights=weights)
        for predicted in (scores > 0, frequencies > 0.5)
    ]
    return scores * SHRINKAGE, max(accuracies)


def _constant_values(loss, T, weights):
    # The best constant lies between the percentiles; their spacing is fine enough.
    constants = [np.average(T, axis=0, weights=weights)]
    constants += [*np.quantile(T, np.linspace(0.05, 0.95, 19), axis=0)]
    if loss.log_link:
        constants = np.log(np.maximum(constants, MIN_FREQUENCY))
    return constants, 0.0


CONSTANTS = {
    "classes": _constant_class,
    "labels": _constant_labels,
    "values": _constant_values,
}
MIN_FREQUENCY = 1e-12
# The best constant of focal loss is nearer to 0 than that of cross entropy.
SHRINKAGE = np.array([[1.0], [0.5], [0.25]])


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
