"""A fitted classifier, checked, in the parts that every format writes."""

import importlib
from itertools import pairwise

import numpy as np
from sklearn.utils.validation import check_is_fitted

from cymlp.activations import ACTIVATIONS
from cymlp.classifier import MLPClassifier
from cymlp.losses import LOSSES

CLASS_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "str", "object",
)  # fmt: skip


def parts_of(classifier):
    """The activations, and weights and biases of each layer, all checked."""
    if not isinstance(classifier, MLPClassifier):
        raise TypeError(
            f"classifier must be an MLPClassifier; got {type(classifier).__name__}"
        )
    check_is_fitted(classifier)
    for activation in classifier._activations:
        _check_activation(activation)
    layers = [
        (np.require(W, _dtype(W), "C"), np.require(b, _dtype(W), "C"))
        for W, b in zip(classifier.coefs_, classifier.intercepts_, strict=True)
    ]
    check_layers(layers, classifier.n_features_in_, classifier.n_outputs_)
    return classifier._activations, layers


def _dtype(array):
    return np.float32 if np.asarray(array).dtype == np.float32 else np.float64


def _check_activation(activation):
    # A class that is derived from one of cymlp's may compute anything.
    if type(activation) not in ACTIVATIONS.values():
        raise ValueError(
            f"activation={activation!r} cannot be exported, because it is Python code "
            f"of your own; the activations must be of {sorted(ACTIVATIONS)}"
        )


def has_softmax(classifier):
    """Whether the probabilities are softmax of the scores, as formats write them."""
    loss = classifier._loss
    return (
        type(loss) in LOSSES.values()
        and loss.has_softmax
        and hasattr(loss, "probabilities")
    )


def check_layers(layers, n_features, n_outputs):
    """Check that weights lead from features to outputs, and are finite."""
    shapes = [array.shape for layer in layers for array in layer]
    widths = [n_features, *(W.shape[-1] for W, _ in layers)]
    expected = [
        shape for n_in, n_out in pairwise(widths) for shape in ((n_in, n_out), (n_out,))
    ]
    if shapes != expected or widths[-1] != n_outputs or not all(widths):
        raise ValueError(
            f"coefs_ and intercepts_ must lead from {n_features} features to "
            f"{n_outputs} outputs, layer by layer; they have the shapes {shapes}"
        )
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError(
            "coefs_ and intercepts_ must be finite; they have a value that is not"
        )


def without_scaling(classifier, layers):
    """The layers, with the scaling of X in the first of them."""
    if classifier.divisor_ is None:
        return layers
    (W, b), *others = layers
    ones = np.ones(len(W))
    with np.errstate(over="ignore", invalid="ignore"):
        W = W / (classifier.divisor_ * ones)[:, np.newaxis]
        return [(W, b - (classifier.shift_ * ones) @ W), *others]


def as_float32(layers):
    """The layers in float32."""
    with np.errstate(over="ignore"):
        layers = [(np.float32(W), np.float32(b)) for W, b in layers]
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError("coefs_ or intercepts_ have a value too large for float32")
    return layers


def class_dtype(classes):
    """Name of the dtype of labels, if they can be exported."""
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
            f"This needs {module.partition('.')[0]}: pip install {requirement}"
        ) from error
