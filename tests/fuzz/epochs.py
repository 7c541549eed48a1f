"""Checks every epoch of a fit against NumPy, from X and y as the caller gave them."""

import functools
from contextlib import contextmanager
from unittest import mock

import numpy as np
from reference import LOSSES, OPTIMIZERS, accuracy, train_epoch
from twin_training import twin_of

from cymlp import MLPRegressor
from cymlp._fit import fitting
from cymlp.activations import ACTIVATIONS

# Relative to the largest parameter. In float32, a unit next to a kink may lie on the
# other side of it, so that a few parameters move elsewhere.
TOLERANCE = {"float32": 2e-3, "float64": 1e-7}
MAX_FRACTION = {"float32": 0.1, "float64": 0.0}

n_checked = 0


@contextmanager
def checked_against_numpy(X, y, sample_weight=None, is_partial=False):
    """Context in which fits of these data are checked.

    X has float64 values; y are labels, probabilities, indicators or values.
    """
    train = fitting._train

    def checking_train(draft, training, *others):
        run_epoch = functools.partial(
            _checked_epoch, draft, training, (X, y, sample_weight), is_partial
        )
        training.run_epoch = run_epoch
        return train(draft, training, *others)

    with mock.patch.object(fitting, "_train", checking_train):
        yield


def _checked_epoch(draft, training, data, is_partial, *arguments):
    drawn = {}
    for name in ("_order", "_seed"):
        method = getattr(type(training), name)

        def draw(name=name, method=method):
            drawn[name] = method(training)
            return drawn[name]

        setattr(training, name, draw)
    before = training.parameters.values.astype(np.float64)
    n_steps = training.parameters.n_steps
    metrics, batches = type(training).run_epoch(training, *arguments)
    with np.errstate(all="ignore"):
        expected, record = train_epoch(
            before, training.network.sizes,
            [_activation_twin(activation) for activation in draft._activations],
            _loss_twin(draft._loss), _scaled(draft, data[0]), _targets(draft, data[1]),
            _weights(draft, *data[1:], training.indices), drawn["_order"],
            int(max(training._batch_sizes)), _step(draft, training, is_partial),
            n_steps, _rates(draft), drawn["_seed"], accuracy,
        )  # fmt: skip
    dtype = np.dtype(draft.dtype).name
    if np.isfinite(expected).all() and np.abs(expected).max() < 1e6:
        _compare(training.parameters.values, expected, dtype)
        np.testing.assert_allclose(
            batches["loss"][0], record[0, 0], rtol=TOLERANCE[dtype], atol=1e-5
        )
        global n_checked
        n_checked += 1
    return metrics, batches


def _compare(values, expected, dtype):
    scale = np.abs(expected).max(axis=1, keepdims=True)
    differs = np.abs(values - expected) > TOLERANCE[dtype] * np.maximum(scale, 1e-3)
    assert differs.mean() <= MAX_FRACTION[dtype], (
        f"{differs.sum()} of {differs.size} parameters differ from NumPy's by up to "
        f"{np.abs(values - expected).max()}"
    )


def _activation_twin(activation):
    if type(activation) in ACTIVATIONS.values():
        return twin_of(activation)
    value = activation.value
    return value, lambda U: activation.derivative(U, value(U))


def _loss_twin(loss):
    if getattr(loss, "name", None) in LOSSES:
        return twin_of(loss)
    return loss.value_and_gradient


def _scaled(draft, X):
    if draft.bounds_ is not None:
        X = X.clip(*draft.bounds_)
    if draft.divisor_ is not None:
        X = (X - draft.shift_) / draft.divisor_
    return X.astype(draft.dtype).astype(np.float64)


def _targets(draft, y):
    """Rows of targets, float64."""
    if isinstance(draft, MLPRegressor):
        y = y.reshape(len(y), -1)
        if draft.target_divisor_ is not None:
            y = (y - draft.target_shift_) / draft.target_divisor_
        return y.astype(np.float64)
    if y.ndim == 2:
        return y / y.sum(axis=1, keepdims=True) if y.dtype.kind == "f" else y * 1.0
    return (y[:, None] == draft.classes_).astype(np.float64)


def _weights(draft, y, sample_weight, indices):
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    class_weight = getattr(draft, "class_weight", None)
    if class_weight is not None:
        T = _targets(draft, y)
        if class_weight == "balanced":
            totals = weights @ T
            factors = totals.sum() / (len(totals) * np.where(totals > 0, totals, 1))
        else:
            factors = np.array([class_weight.get(c, 1.0) for c in draft.classes_])
        weights = weights * (T @ factors)
    return weights / weights[indices].mean()


def _rates(draft):
    rates = draft.dropout
    if np.ndim(rates) == 0:
        rates = [rates] * len(draft._activations)
    return rates if np.any(rates) else None


def _step(draft, training, is_partial):
    decay = draft.weight_decay
    if decay == "auto":
        decay = 1e-4 if is_partial else 2 / max(training.indices.size, 100)
        if draft._target_kind == "labels":
            decay *= draft.n_outputs_
    settings = {
        "learning_rate": training.optimizer.learning_rate, "weight_decay": decay
    }  # fmt: skip
    if draft.solver == "sgd":
        settings |= {"momentum": draft.momentum, "nesterov": draft.nesterovs_momentum}
        return functools.partial(OPTIMIZERS["SGD"], **settings)
    settings |= {name: getattr(draft, name) for name in ("beta_1", "beta_2", "epsilon")}
    return functools.partial(OPTIMIZERS["Adam"], **settings)
