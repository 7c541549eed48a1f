"""Dead units, saturation and zero gradients, against a NumPy twin."""

import itertools

import numpy as np
import pytest
import reference
from helpers import assert_same_weights
from scipy.sparse import csr_array

from cymlp import MLPClassifier, activations, losses
from cymlp._engine.network import Network
from cymlp._fit.diagnostics import GradientFlow


def expected_fractions(layers, names, loss, X, T):
    """The fractions in plain NumPy, for all samples at once."""
    *hidden, (W_out, b_out) = layers
    A, derivatives = X, []
    for (W, b), name in zip(hidden, names, strict=True):
        value, derivative = reference.ACTIVATIONS[name]
        U = A @ W + b
        A = value(U)
        derivatives.append(derivative(U))
    _, dU = reference.LOSSES[loss](A @ W_out + b_out, T)
    zeros = [np.mean(dU == 0)]
    for (W, _), derivative in zip(layers[:0:-1], derivatives[::-1], strict=True):
        dU = dU @ W.T * derivative
        zeros.insert(0, np.mean(dU == 0))
    return {
        "dead_units": [np.mean(np.all(one == 0, axis=0)) for one in derivatives],
        "saturation": [np.mean(abs(one) < 0.01) for one in derivatives],
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
            b[:2] = -99  # two dead units
    X, T = rng.normal(size=(50, 6)), np.eye(4)[rng.integers(4, size=50)]
    network = Network(
        sizes,
        [activations.ACTIVATIONS[name]() for name in names],
        losses.LOSSES[loss](),
    )
    flow = GradientFlow(network, *zip(*layers, strict=True), batch_size=30)
    for batch in (slice(30), slice(30, 50)):
        flow.add(X[batch], T[batch])
    fractions = flow.fractions()
    for column, expected in expected_fractions(layers, names, loss, X, T).items():
        np.testing.assert_allclose(fractions[column], expected, err_msg=column)


def test_samples_may_be_sparse():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 6)) * (rng.random((50, 6)) < 0.3), np.arange(50) % 3
    histories = [
        MLPClassifier((8,), max_iter=3, n_iter_no_change=np.inf, diagnostics=True,
                      random_state=0, dtype="float64", scale=None).fit(X, y).history_
        for X in (X, csr_array(X))
    ]  # fmt: skip
    for column in ("dead_units", "saturation", "zero_gradients"):
        np.testing.assert_array_equal(histories[0][column], histories[1][column])


def test_history_has_them_on_request_and_training_is_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(3, size=60)
    settings = {
        "activation": "hardswish",
        "loss": "hinge",
        "scale": None,
        "max_iter": 3,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    plain = MLPClassifier((7, 6), **settings).fit(X, y)
    diagnosed = MLPClassifier((7, 6), **settings, diagnostics=True).fit(X, y)
    assert {"dead_units", "saturation", "zero_gradients"}.isdisjoint(plain.history_)
    assert diagnosed.history_["dead_units"].shape == (3, 2)
    assert diagnosed.history_["saturation"].shape == (3, 2)
    assert diagnosed.history_["zero_gradients"].shape == (3, 3)
    assert_same_weights(diagnosed, plain)
    # The last values are those of the final weights.
    layers = list(zip(diagnosed.coefs_, diagnosed.intercepts_, strict=True))
    expected = expected_fractions(
        layers, ["hardswish"] * 2, "hinge", np.float32(X), np.eye(3)[y]
    )
    for column, fractions in expected.items():
        np.testing.assert_allclose(
            diagnosed.history_[column][-1], fractions, err_msg=column
        )


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
    built_in = MLPClassifier((7,), "tanh", "hinge", **settings).fit(X, y)
    custom = MLPClassifier((7,), InPlaceTanh(), "hinge", **settings).fit(X, y)
    for column in ("dead_units", "saturation", "zero_gradients"):
        np.testing.assert_array_equal(
            built_in.history_[column], custom.history_[column]
        )
