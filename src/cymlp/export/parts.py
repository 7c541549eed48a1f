"""Checks and parts of a fitted estimator that all export formats share."""

import importlib
import os
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from cymlp._fit import architecture
from cymlp._fit.estimator import BaseMLP
from cymlp._fit.target_scaling import has_log_link
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES

CLASS_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "str", "object",
)  # fmt: skip


def snapshot_of(estimator):
    """A fitted estimator as it is now, which a fit in a thread does not change."""
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            "estimator must be an MLPClassifier or an MLPRegressor; got "
            f"{type(estimator).__name__}"
        )
    check_is_fitted(estimator)
    return estimator._snapshot()


def parts_of(estimator):
    """The activations, and the weights and biases of each layer, checked."""
    for activation in estimator._activations:
        _check_activation(activation)
    layers = [
        (np.require(W, _dtype(W), "C"), np.require(b, _dtype(W), "C"))
        for W, b in architecture.assigned_layers(estimator)
    ]
    check_layers(layers, estimator.n_features_in_, estimator.n_outputs_)
    return estimator._activations, layers


def _dtype(array):
    return np.float32 if array.dtype == np.float32 else np.float64


def _check_activation(activation):
    # Derived classes may override methods, so only the exact types are exported.
    if type(activation) not in ACTIVATIONS.values():
        raise ValueError(
            "activation must be one of "
            f"{sorted(ACTIVATIONS)} for export; got {activation!r}, which is "
            "user-defined Python code"
        )


def has_probabilities(estimator):
    """Whether the probabilities are the softmax or logistic function of the scores."""
    loss = estimator._loss
    return (
        type(loss) in LOSSES.values()
        and hasattr(loss, "probabilities")
        and getattr(loss, "has_softmax", True)
    )


def check_layers(layers, n_features, n_outputs):
    """Check the shapes of weights and biases, and that they are finite."""
    architecture.check_shapes(layers, n_features, n_outputs)
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError("coefs_ and intercepts_ must be finite; got NaN or infinity")


def without_scaling(estimator, layers):
    """The layers for bounded X, with the scales of X and y merged into them."""
    if estimator.divisor_ is not None:
        (W, b), *others = layers
        ones = np.ones(len(W))
        with np.errstate(over="ignore", invalid="ignore"):
            W = W / (estimator.divisor_ * ones)[:, np.newaxis]
            layers = [(W, b - (estimator.shift_ * ones) @ W), *others]
    if getattr(estimator, "target_divisor_", None) is not None:
        *others, (W, b) = layers
        shift, divisor = estimator.target_shift_, estimator.target_divisor_
        if has_log_link(estimator):
            return [*others, (W, b + np.log(divisor))]
        with np.errstate(over="ignore", invalid="ignore"):
            return [*others, (W * divisor, b * divisor + shift)]
    return layers


def bounds_of(estimator):
    """The lowest and the highest value of each feature, in float32."""
    largest = np.finfo(np.float32).max
    return estimator.bounds_.clip(-largest, largest).astype(np.float32)


def as_float32(layers):
    """The layers in float32."""
    given = layers
    with np.errstate(over="ignore"):
        layers = [(np.float32(W), np.float32(b)) for W, b in given]
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        largest = max(abs(array).max() for layer in given for array in layer)
        raise ValueError(
            "coefs_ and intercepts_, combined with the scales of X and y, must be "
            f"finite in float32; got a value too large for float32, {largest}"
        )
    return layers


def class_dtype(classes):
    """Name of the dtype of the labels; refuse those that cannot be exported."""
    name = "str" if classes.dtype.kind == "U" else classes.dtype.name
    if name not in CLASS_DTYPES:
        raise ValueError(
            "classes_ must be numbers of at most 64 bits, strings or booleans; got "
            f"{classes!r}"
        )
    return name


def imported(module, requirement):
    """Import an optional dependency."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"cymlp.export requires {module.partition('.')[0]} for this format: "
            f"pip install {requirement}"
        ) from error


def as_path(file):
    """Make a path of the argument `file`."""
    if not isinstance(file, str | os.PathLike):
        raise TypeError(f"file must be a str or path-like; got {type(file).__name__}")
    return Path(file)
