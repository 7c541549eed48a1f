"""Warnings about the outcome of a fit, for each kind of targets."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from cymlp import MLPClassifier, MLPRegressor
from cymlp.losses import Quantile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
SCORES = X @ RNG.normal(size=(5, 3))
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 25, "random_state": 0}
# Training that does not improve would end before the first check.
PATIENT = {"n_iter_no_change": 25}


def classes(scores):
    return scores.argmax(axis=1)


def labels(scores):
    return (scores > 1).astype(int)


def values(scores):
    return scores


def counts(scores):
    return np.exp(0.3 * scores)


KINDS = {
    "classes": (MLPClassifier, classes, {}),
    "labels": (MLPClassifier, labels, {}),
    "labels, weighted": (MLPClassifier, labels, {"class_weight": "balanced"}),
    "labels, focal": (MLPClassifier, labels, {"loss": "focal"}),
    "values": (MLPRegressor, values, {}),
    "huber": (MLPRegressor, values, {"loss": "huber"}),
    "quantile": (MLPRegressor, values, {"loss": Quantile(0.9)}),
    "poisson": (MLPRegressor, counts, {"loss": "poisson"}),
}


@pytest.fixture(params=KINDS)
def kind(request):
    """A function that makes an estimator, and one that makes y of scores."""
    estimator, make_y, parameters = KINDS[request.param]
    return lambda **more: estimator(**SETTINGS | parameters | more), make_y


def messages(estimator, *data, **named_data):
    """The texts of the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(*data, **named_data)
    assert {warning.category for warning in caught} <= {ConvergenceWarning}
    assert {warning.filename for warning in caught} <= {__file__}
    return [str(warning.message) for warning in caught]


def test_a_fit_that_learns_does_not_warn(kind):
    make, make_y = kind
    assert messages(make(), X, make_y(SCORES)) == []


def test_a_fit_that_learns_nothing_warns(kind):
    make, make_y = kind
    weights = RNG.uniform(0.5, 2, len(X))
    mlp = make(learning_rate_init=1e-5, **PATIENT)
    (message,) = messages(mlp, X, make_y(SCORES), weights)
    assert message.startswith("Training has learned little more than ")
    assert "learning_rate_init (it is 1e-05), more epochs (max_iter is 25)" in message
    # Scaling by hand may be the reason.
    (message,) = messages(mlp.set_params(scale="standard"), X, make_y(SCORES))
    assert "Set scale='auto' (it is 'standard')" in message


def test_targets_without_relation_to_x_are_told(kind):
    make, make_y = kind
    mlp = make(**PATIENT)
    (message,) = messages(mlp, np.ones_like(X), make_y(SCORES))
    assert "Check that the rows of X and y belong together." in message


def test_few_epochs_show_nothing(kind):
    make, make_y = kind
    mlp = make(learning_rate_init=1e-5, max_iter=15)
    assert messages(mlp, X, make_y(SCORES)) == []


@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile", "poisson"])
def test_nothing_is_to_be_learned_about_a_constant(loss):
    mlp = MLPRegressor(**SETTINGS | PATIENT, loss=loss, learning_rate_init=1e-5)
    assert messages(mlp, X, np.full((len(X), 2), 3.0)) == []


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_features_of_wild_scale_are_named_first(kind, form):
    make, make_y = kind
    mlp = make(scale=None, learning_rate_init=1e-9, init=1e-6)
    (message,) = messages(mlp, form(1e3 * X), make_y(SCORES))
    assert message.startswith("The features of X have a root mean square of up to 1")
    assert message.endswith("Set scale='auto', which standardises X as it is read "
                            "(it is None).")  # fmt: skip


@pytest.mark.parametrize(("scale", "shown"), [(2e3, "2e+03"), (2e-4, "0.0002")])
def test_targets_of_wild_scale_are_named(scale, shown):
    mlp = MLPRegressor(**SETTINGS, target_scale=None)
    y = scale * SCORES[:, 0] / np.sqrt((SCORES[:, 0] ** 2).mean())
    (message,) = messages(mlp, X, y)
    assert f"The targets y have a root mean square of up to {shown}, and" in message
    assert "Set target_scale='standard', which predictions undo" in message


@pytest.mark.parametrize(
    "parameters",
    [
        {"target_scale": "standard"},
        {"target_scale": (0, 1e3)},
        {"target_scale": None, "loss": "poisson"},
    ],
    ids=repr,
)
def test_targets_that_are_scaled_are_not_named(parameters):
    mlp = MLPRegressor(**SETTINGS | parameters, learning_rate_init=0.05)
    assert messages(mlp, X, 1e3 * counts(SCORES)) == []


def test_training_that_still_improves_has_not_converged(kind):
    make, make_y = kind
    mlp = make(learning_rate="constant", max_iter=4)
    (message,) = messages(mlp, X, make_y(SCORES))
    assert message.startswith("Training has not converged after max_iter=4 epochs.")
    assert messages(mlp.set_params(n_iter_no_change=np.inf), X, make_y(SCORES)) == []
