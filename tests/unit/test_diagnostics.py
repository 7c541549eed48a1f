"""Dead units, saturation and zero gradients, against a NumPy twin."""

import itertools

import numpy as np
import pytest
import reference
from scipy.sparse import csr_array

from cymlp import MLPClassifier, activations, losses
from cymlp._fit.diagnostics import GradientFlow


def expected_fractions(layers, names, loss, X, T):
    """The same in plain NumPy, for all samples at once."""
    *hidden, (W_out, b_out) = layers
    A, slopes = X, []
    for (W, b), name in zip(hidden, names, strict=True):
        value, derivative = reference.ACTIVATIONS[name]
        U = A @ W + b
        A = value(U)
        slopes.append(derivative(U))
    _, dU = reference.LOSSES[loss](A @ W_out + b_out, T)
    zeros = [np.mean(dU == 0)]
    for (W, _), slope in zip(layers[:0:-1], slopes[::-1], strict=True):
        dU = dU @ W.T * slope
        zeros.insert(0, np.mean(dU == 0))
    return {
        "dead_units": [np.mean(np.all(slope == 0, axis=0)) for slope in slopes],
        "saturation": [np.mean(abs(slope) < 0.01) for slope in slopes],
        "zero_gradients": zeros,
    }


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize("names", [[], ["hardswish"], ["tanh", "hardswish", "selu"]])
def test_fractions_are_those_of_the_twin(names, loss):
    rng = np.random.default_rng(0)
    sizes = [6, *[9] * len(names), 4]
    layers = [
        (rng.normal(size=shape), rng.normal(size=shape[1]))
        for shape in itertools.pairwise(sizes)
    ]
    for (_, b), name in zip(layers[:-1], names, strict=True):
        if name == "hardswish":
            b[:2] = -99  # Two dead units.
    X, T = rng.normal(size=(50, 6)), np.eye(4)[rng.integers(4, size=50)]
    flow = GradientFlow(
        *zip(*layers, strict=True),
        [activations.known()[name]() for name in names],
        losses.known()[loss](),
    )
    for rows in (slice(30), slice(30, 50)):
        flow.add(X[rows], T[rows])
    fractions = flow.fractions()
    for column, expected in expected_fractions(layers, names, loss, X, T).items():
        np.testing.assert_allclose(fractions[column], expected, err_msg=column)


def test_samples_may_be_sparse():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 6)) * (rng.random((50, 6)) < 0.3), np.arange(50) % 3
    histories = [
        MLPClassifier((8,), max_iter=3, n_iter_no_change=np.inf, diagnostics=True,
                      random_state=0, dtype="float64").fit(X, y).history_
        for X in (X, csr_array(X))
    ]  # fmt: skip
    for column in ("dead_units", "saturation", "zero_gradients"):
        np.testing.assert_array_equal(histories[0][column], histories[1][column])


def test_history_has_them_on_request_and_training_is_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(3, size=60)
    settings = {"activation": "hardswish", "loss": "hinge", "max_iter": 3,
                "n_iter_no_change": np.inf, "random_state": 0}  # fmt: skip
    plain = MLPClassifier((7, 6), **settings).fit(X, y)
    told = MLPClassifier((7, 6), **settings, diagnostics=True).fit(X, y)
    assert {"dead_units", "saturation", "zero_gradients"}.isdisjoint(plain.history_)
    assert told.history_["dead_units"].shape == (3, 2)
    assert told.history_["saturation"].shape == (3, 2)
    assert told.history_["zero_gradients"].shape == (3, 3)
    for ours, theirs in zip(told.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # What it tells last is about the weights that it leaves.
    layers = list(zip(told.coefs_, told.intercepts_, strict=True))
    expected = expected_fractions(
        layers, ["hardswish"] * 2, "hinge", np.float32(X), np.eye(3)[y]
    )
    for column, fractions in expected.items():
        np.testing.assert_allclose(told.history_[column][-1], fractions, err_msg=column)


def test_an_activation_may_work_in_place():
    class InPlaceTanh:
        def value(self, U):
            return np.tanh(U, out=U)

        def derivative(self, U, A):
            np.multiply(A, A, out=A)
            return np.subtract(1, A, out=A)

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(3, size=60)
    settings = {"max_iter": 1, "n_iter_no_change": np.inf, "random_state": 0,
                "dtype": "float64", "diagnostics": True}  # fmt: skip
    ours = MLPClassifier((7,), "tanh", "hinge", **settings).fit(X, y)
    users = MLPClassifier((7,), InPlaceTanh(), "hinge", **settings).fit(X, y)
    for column in ("dead_units", "saturation", "zero_gradients"):
        np.testing.assert_array_equal(ours.history_[column], users.history_[column])
