"""Networks to export, and those that every format refuses."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save
from sklearn.exceptions import NotFittedError

from cymlp import MLPClassifier, MLPRegressor, activations
from cymlp._fit.architecture import losses_for
from cymlp.activations import LeakyRelu
from cymlp.export import model_file
from cymlp.losses import BinaryFocal, CrossEntropy, Focal, Hinge, Huber, Quantile

ACTIVATIONS = sorted(activations.ACTIVATIONS)
LOSSES = [
    *sorted(losses_for("classes")),
    CrossEntropy(label_smoothing=0.1),
    Focal(alpha=[1.0, 2.0, 3.0], gamma=1),
    Hinge(margin=1.0, softmax=True),
]
LABEL_LOSSES = [*sorted(losses_for("labels")), "focal", BinaryFocal(alpha=0.3)]
VALUE_LOSSES = [*sorted(losses_for("values")), Huber(0.5), Quantile([0.1, 0.9])]
LABELS = [
    np.array([-5, 0, 2**60]),
    np.array([1, 2, 3], np.uint8),
    np.array([1.0, 2.0, 3e9]),
    np.array(["b", "a", "€ \\ud800"]),
    np.array(["b", "a", "ä"], dtype=object),
    np.array([False, True, True]),
]
HIDDEN = {name: ((7,), name) for name in ACTIVATIONS} | {
    "none": ((), "tanh"),
    "two slopes": (
        (7, 6, 5), [LeakyRelu(negative_slope=slope) for slope in (0.5, 1, 0.5)]
    ),
    "all of them": (tuple(range(len(ACTIVATIONS) + 3, 3, -1)), ACTIVATIONS),
}  # fmt: skip
SCALES = ["standard", (3, 2), (np.arange(6), np.arange(1, 7))]


class Squared:
    def value(self, U):
        return U * U

    def derivative(self, U, A):
        return 2 * U


class MyTanh(activations.Tanh):
    pass


class SquaredError:
    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T

    def probabilities(self, Z):
        return np.full_like(Z, 1 / Z.shape[1])


class Gamma:
    log_link = True

    def value_and_gradient(self, Z, T):
        return (T * np.exp(-Z) + Z).mean(axis=1), (1 - T * np.exp(-Z)) / Z.shape[1]


def indicator(y):
    """Three labels per sample, of which the last are rare."""
    return (y[:, None] >= [0, 1, 2]).astype(int)


def values(X):
    """Two positive outputs."""
    return np.column_stack([100 * np.exp(X[:, 0] / 9), 1 + X[:, 1] ** 2])


def fitted_regressor(X, Y, hidden=(7,), activation="tanh", **parameters):
    reg = MLPRegressor(
        hidden, activation, max_iter=3, n_iter_no_change=np.inf, batch_size=20,
        random_state=0, **parameters,
    )  # fmt: skip
    return reg.fit(X, Y)


def fitted(X, y, hidden=(7,), activation="tanh", loss="cross_entropy", **parameters):
    clf = MLPClassifier(
        hidden, activation, loss, max_iter=3, n_iter_no_change=np.inf,
        batch_size=20, random_state=0, **parameters,
    )  # fmt: skip
    return clf.fit(X, y)


def with_intercept(value):
    def make(X, y):
        clf = fitted(X, y)
        clf.intercepts_[1][0] = value
        return clf

    return make


def with_transposed_weights(X, y):
    clf = fitted(X, y)
    clf.coefs_[1] = clf.coefs_[1].T
    return clf


# A function of X and y that makes the object to export; the error; its message.
REFUSED = {
    "a user's activation": (
        lambda X, y: fitted(X, y, activation=Squared()),
        ValueError, "activation must be one of .* for export; got .*Squared",
    ),
    "a class derived from an activation": (
        lambda X, y: fitted(X, y, activation=MyTanh()),
        ValueError, "activation must be one of .* for export; got MyTanh",
    ),
    "not fitted": (lambda X, y: MLPClassifier(), NotFittedError, "not fitted"),
    "not a classifier": (
        lambda X, y: {}, TypeError, "must be an MLPClassifier or an MLPReg",
    ),
    "NaN": (with_intercept(np.nan), ValueError, "must be finite"),
    "infinity": (with_intercept(np.inf), ValueError, "must be finite"),
    "weights that do not fit": (
        with_transposed_weights, ValueError, r"from 6 features .*\(3, 7\)",
    ),
}  # fmt: skip


def rewrite(file, spoil):
    """Change a model file by ``spoil(model, tensors)``, with the right checksum."""
    with safe_open(file, framework="np") as opened:
        model = json.loads(opened.metadata()["cymlp"])["model"]
    tensors = load_file(file)
    spoil(model, tensors)
    document = {"model": model, "sha256": model_file._digest(model, tensors)}
    file.write_bytes(save(tensors, metadata={"cymlp": json.dumps(document)}))


def assert_close_to_scale(exported, predicted, Y):
    """That they agree in float32, relative to the size of the targets."""
    np.testing.assert_allclose(exported / Y.std(axis=0), predicted / Y.std(axis=0),
                               rtol=1e-5, atol=1e-5)  # fmt: skip


def assert_refused(write, case, X, y):
    make, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        write(make(X, y))
