"""Checks and parts of a fitted classifier that all export formats share."""

import importlib
import os
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from cymlp._fit import architecture
from cymlp.activations import ACTIVATIONS
from cymlp.classifier import MLPClassifier
from cymlp.losses import LOSSES

CLASS_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "str", "object",
)  # fmt: skip


def snapshot_of(classifier):
    """A fitted classifier as it is now, which a fit in a thread does not change."""
    if not isinstance(classifier, MLPClassifier):
        raise TypeError(
            f"classifier must be an MLPClassifier; got {type(classifier).__name__}"
        )
    check_is_fitted(classifier)
    return classifier._snapshot()


def parts_of(classifier):
    """The activations, and the weights and biases of each layer, checked."""
    for activation in classifier._activations:
        _check_activation(activation)
    layers = [
        (np.require(W, _dtype(W), "C"), np.require(b, _dtype(W), "C"))
        for W, b in architecture.assigned_layers(classifier)
    ]
    check_layers(layers, classifier.n_features_in_, classifier.n_outputs_)
    return classifier._activations, layers


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


def has_softmax(classifier):
    """Whether the classifier has probabilities that are softmax of the scores."""
    loss = classifier._loss
    return (
        type(loss) in LOSSES.values()
        and loss.has_softmax
        and hasattr(loss, "probabilities")
    )


def check_layers(layers, n_features, n_outputs):
    """Check the shapes of weights and biases, and that they are finite."""
    architecture.check_shapes(layers, n_features, n_outputs)
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError("coefs_ and intercepts_ must be finite; got NaN or infinity")


def without_scaling(classifier, layers):
    """The layers, with the scaling of X merged into the first, for bounded X."""
    if classifier.divisor_ is None:
        return layers
    (W, b), *others = layers
    ones = np.ones(len(W))
    with np.errstate(over="ignore", invalid="ignore"):
        W = W / (classifier.divisor_ * ones)[:, np.newaxis]
        return [(W, b - (classifier.shift_ * ones) @ W), *others]


def bounds_of(classifier):
    """The lowest and the highest value of each feature, in float32."""
    largest = np.finfo(np.float32).max
    return classifier.bounds_.clip(-largest, largest).astype(np.float32)


def as_float32(layers):
    """The layers in float32."""
    given = layers
    with np.errstate(over="ignore"):
        layers = [(np.float32(W), np.float32(b)) for W, b in given]
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        largest = max(abs(array).max() for layer in given for array in layer)
        raise ValueError(
            "coefs_ and intercepts_, combined with shift_ and divisor_, must be finite "
            f"in float32; got a value too large for float32, {largest}"
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
