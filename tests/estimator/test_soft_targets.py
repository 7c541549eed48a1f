"""Rows of probabilities as targets, compared with labels."""

import re

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import SOFT_LOSSES, SOLVERS
from reference import entropy
from sklearn.base import clone
from sklearn.multioutput import MultiOutputClassifier

from cymlp import fit_many
from cymlp.losses import Hinge


@pytest.fixture
def annotated(three_classes):
    """Samples with votes of annotators who often disagree, as probabilities."""
    X, y = three_classes
    rng = np.random.default_rng(0)
    votes = np.array(
        [rng.multinomial(5, 0.2 / 3 + 0.8 * np.eye(3)[label]) for label in y]
    )
    return X, votes / 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "parameters",
    [
        *({"loss": loss} for loss in SOFT_LOSSES),
        *(solver | {"dropout": 0.3} for solver in SOLVERS),
        {"class_weight": {0: 2.0}},
        {"class_weight": "balanced"},
        {"early_stopping": True, "monitor": "loss"},
        {"diagnostics": True},
    ],
    ids=repr,
)
def test_one_hot_rows_equal_labels_bit_for_bit(three_classes, parameters, dtype):
    X, y = three_classes
    weights = np.linspace(0.5, 2, 120)
    by_rows, by_labels = (
        make_mlp(dtype=dtype, **parameters).fit(
            X, targets, weights, X_val=X[:20], y_val=targets[:20]
        )
        for targets in (np.eye(3)[y], y)
    )
    np.testing.assert_array_equal(by_rows.classes_, [0, 1, 2])
    if parameters.get("class_weight") is None:
        assert_same_weights(by_rows, by_labels)
        assert_same_history(by_rows, by_labels)
    else:  # sums in another order
        np.testing.assert_allclose(
            by_rows.loss_curve_, by_labels.loss_curve_, rtol=1e-6
        )


def test_labels_may_be_validated_against_rows_and_rows_against_labels(three_classes):
    X, y = three_classes
    T = np.eye(3)[y]
    fits = [
        make_mlp().fit(X, targets, X_val=X, y_val=validation)
        for targets, validation in ((y, y), (y, T), (T, y), (T, T))
    ]
    for other in fits[1:]:
        assert_same_history(fits[0], other)


def test_kl_div_is_cross_entropy_less_the_entropy_of_the_targets(annotated):
    X, T = annotated
    validation = {"X_val": X[:40], "y_val": T[:40]}
    cross_entropy, kl_div = (
        make_mlp(loss=loss, dtype="float64").fit(X, T, **validation)
        for loss in ("cross_entropy", "kl_div")
    )
    assert_same_weights(cross_entropy, kl_div)
    for column, rows in (("train_loss", T), ("val_loss", T[:40])):
        difference = cross_entropy.history_[column] - kl_div.history_[column]
        np.testing.assert_allclose(difference, entropy(rows).mean(), rtol=1e-12)


def test_it_learns_the_probabilities_and_not_the_most_likely_class(annotated):
    X, T = (
        np.eye(4),
        np.array([[0.6, 0.4, 0], [0.1, 0.2, 0.7], [0, 1, 0], [0.5, 0, 0.5]]),
    )
    mlp = make_mlp(
        hidden_layer_sizes=(), weight_decay=0, learning_rate_init=1.0, max_iter=3000
    )
    np.testing.assert_allclose(mlp.fit(X, T).predict_proba(X), T, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(mlp.predict(X), T.argmax(axis=1))
    # On new samples, training on votes gives better probabilities than on majorities.
    X, T = annotated
    mlp = make_mlp(max_iter=300, batch_size=20)
    soft, hard = (
        clone(mlp).fit(X[:80], targets) for targets in (T[:80], T[:80].argmax(axis=1))
    )
    losses = [
        -np.mean(np.sum(T[80:] * fitted.predict_log_proba(X[80:]), axis=1))
        for fitted in (soft, hard)
    ]
    assert losses[0] < losses[1]


def test_accuracy_is_that_of_the_most_likely_class(annotated):
    X, T = annotated
    mlp = make_mlp().fit(X, T, X_val=X, y_val=T)
    expected = mlp.score(X, T.argmax(axis=1))
    assert mlp.history_["val_accuracy"][-1] == pytest.approx(expected)


def test_probabilities_are_normalised(annotated):
    X, T = annotated
    exact = make_mlp(dtype="float64").fit(X, T)
    nearly = make_mlp(dtype="float64").fit(X, (1 + 9e-7) * T)
    for a, b in zip(exact.coefs_, nearly.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


def test_a_class_that_is_never_the_most_likely_counts(annotated):
    X, T = annotated
    T = np.column_stack([0.9 * T, np.full(120, 0.1)])
    mlp = make_mlp(early_stopping=True, max_iter=100, batch_size=20).fit(X, T)
    assert mlp.n_outputs_ == 4
    assert mlp.predict_proba(X)[:, 3].mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_warm_starts_partial_fits_and_fit_many_take_probabilities(annotated, solver):
    X, T = annotated
    at_once = make_mlp(**solver).fit(X, T)
    warm = make_mlp(**solver, warm_start=True, max_iter=5).fit(X, T).fit(X, T)
    partly = make_mlp(**solver)
    for _ in range(10):
        partly.partial_fit(X, T)
    for other in (warm, partly, fit_many([make_mlp(**solver)], X, T)[0]):
        assert_same_weights(at_once, other)
        np.testing.assert_array_equal(other.classes_, [0, 1, 2])


@pytest.mark.parametrize("loss", ["hinge", Hinge(margin=1, softmax=True)], ids=str)
def test_a_loss_for_labels_only_names_the_losses_for_probabilities(annotated, loss):
    X, T = annotated
    others = sorted({loss.name for loss in SOFT_LOSSES})
    message = rf"takes labels only.*y.argmax\(axis=1\).*{re.escape(str(others))}"
    with pytest.raises(ValueError, match=message):
        make_mlp(loss=loss).fit(X, T)
    mlp = make_mlp(loss=loss).fit(X, T.argmax(axis=1))
    before = vars(mlp).copy()
    with pytest.raises(ValueError, match=message.replace("y.arg", "y_val.arg")):
        mlp.fit(X, T.argmax(axis=1), X_val=X, y_val=T)
    assert vars(mlp) == before


MULTILABEL = np.random.default_rng(0).integers(0, 2, (120, 3))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (MULTILABEL.astype(float), "(?s)non-negative and of sum 1.*y.astype.int."),
        (np.full((120, 3), 0.3), "within 0.0001; row 0 has sum 0.9 and minimum 0.3"),
        (np.tile([1.5, -0.5, 0.0], (120, 1)), "sum 1 and minimum -0.5"),
        (np.full((120, 3), np.nan), "y contains NaN"),
        (np.full((119, 3), 1 / 3), "each of the 120 samples of X; got 119"),
        (np.full((120, 1), 0.5), "continuous"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_targets_that_are_not_probabilities_are_refused(three_classes, y, message):
    X, labels = three_classes
    mlp = make_mlp().fit(X, labels)
    before = vars(mlp).copy()
    for arguments in ({"y": y}, {"y": labels, "X_val": X, "y_val": y}):
        with pytest.raises(ValueError, match=message):
            mlp.fit(X, **arguments)
        assert vars(mlp) == before


def test_several_labels_per_sample_go_through_scikit_learns_wrapper(three_classes):
    X, _ = three_classes
    wrapper = MultiOutputClassifier(make_mlp()).fit(X, MULTILABEL)
    assert wrapper.predict(X).shape == (120, 3)
