"""Properties of every classifier, for random combinations of parameters."""

import pickle
import warnings

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from hypothesis import given, settings
from hypothesis import strategies as st
from members import ACTIVATIONS, LOSSES, SOLVERS
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from cymlp.losses import Focal

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3
X = np.where(RNG.random((90, 5)) < 0.5, 0, RNG.normal(size=(90, 5)) + np.eye(5)[Y])
T = RNG.dirichlet(np.ones(3), 90)
WEIGHTS = RNG.uniform(0, 2, 90)

LOSSES = [*LOSSES, Focal(alpha=[1, 2, 3], gamma=0.5)]

estimators = st.builds(
    lambda solver, **parameters: make_mlp(**solver, **parameters, max_iter=3),
    solver=st.sampled_from(SOLVERS),
    hidden_layer_sizes=st.sampled_from([(), (6,), (6, 4)]),
    activation=st.sampled_from(ACTIVATIONS),
    loss=st.sampled_from(LOSSES),
    dropout=st.sampled_from([0.0, 0.4]),
    class_weight=st.sampled_from([None, "balanced", {1: 2.5}]),
    learning_rate=st.sampled_from(["constant", "invscaling", "adaptive"]),
    batch_size=st.sampled_from([7, 30, 1000]),
    shuffle=st.booleans(),
    early_stopping=st.booleans(),
    monitor=st.sampled_from(["loss", "accuracy"]),
    diagnostics=st.booleans(),
    record_batches=st.booleans(),
)
data = st.fixed_dictionaries(
    {
        "X": st.sampled_from([X, csr_array(X)]),
        "y": st.sampled_from([Y, np.array(["ant", "bee", "cat"])[Y], T]),
        "sample_weight": st.sampled_from([None, WEIGHTS]),
    }
)
many_combinations = settings(
    max_examples=60, deadline=None, derandomize=True, database=None
)


def made_valid(mlp, data):
    """Change a combination that would be refused."""
    if data["y"] is T and getattr(mlp.loss, "hard_labels_only", False):
        data = data | {"y": Y}
    if data["y"].dtype.kind == "U" and isinstance(mlp.class_weight, dict):
        mlp.class_weight = {"bee": 2.5}
    return mlp, data


@many_combinations
@given(mlp=estimators, data=data)
def test_two_fits_have_the_same_bits_and_so_has_a_third_after_a_pickle(mlp, data):
    mlp, data = made_valid(mlp, data)
    one, two = clone(mlp).fit(**data), clone(mlp).fit(**data)
    assert_same_weights(one, two)
    assert_same_history(one, two)
    again = pickle.loads(pickle.dumps(two))
    np.testing.assert_array_equal(again.predict(data["X"]), one.predict(data["X"]))
    assert_same_weights(one, again.fit(**data))
    assert vars(again).keys() == vars(one).keys()


@many_combinations
@given(mlp=estimators, data=data)
def test_a_warm_start_goes_on_as_one_long_fit(mlp, data):
    mlp, data = made_valid(mlp.set_params(early_stopping=False), data)
    warm = clone(mlp).set_params(warm_start=True).fit(**data)
    warm = pickle.loads(pickle.dumps(warm)).fit(**data)
    at_once = mlp.set_params(max_iter=6).fit(**data)
    assert_same_weights(warm, at_once)
    assert_same_history(warm, at_once)


@many_combinations
@given(mlp=estimators, data=data)
def test_float32_is_close_to_float64_and_sparse_to_dense(mlp, data):
    # Adam divides by roots of gradients that may be 0 but for their rounding.
    mlp, data = made_valid(mlp.set_params(epsilon=1e-2, early_stopping=False), data)
    single = clone(mlp).set_params(dtype="float32").fit(**data)
    double = clone(mlp).set_params(dtype="float64").fit(**data)
    dense = data["X"] if data["X"] is X else X
    same = clone(mlp).set_params(dtype="float64").fit(**data | {"X": dense})
    for a, b, c in zip(single.coefs_, double.coefs_, same.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)
        np.testing.assert_allclose(b, c, rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        single.decision_function(data["X"]), double.decision_function(X), atol=1e-3
    )


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_every_solver_lowers_every_loss(three_classes, solver, loss):
    X, y = three_classes
    mlp = make_mlp(**solver, loss=loss, max_iter=40, batch_size=10).fit(X, y)
    assert mlp.loss_curve_[-1] < 0.8 * mlp.loss_curve_[0]
    assert mlp.score(X, y) > 0.85


@pytest.mark.parametrize("early_stopping", [False, True])
def test_default_patience_warns_or_stops(early_stopping):
    with warnings.catch_warnings(action="error", category=ConvergenceWarning):
        mlp = make_mlp(
            n_iter_no_change=3, tol=1e-2, max_iter=2000, early_stopping=early_stopping
        ).fit(X, Y)
    assert mlp.n_iter_ < 2000
