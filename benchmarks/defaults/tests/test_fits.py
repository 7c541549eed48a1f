"""What is measured of a fit."""

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from benchmarks.defaults import data_sets, fits
from benchmarks.defaults.data_sets import Split
from benchmarks.defaults.methods import Method
from benchmarks.defaults.parts import Part

ROWS = Split(np.zeros((4, 1)), np.zeros((2, 1)), np.array([0, 0, 0, 1]), np.arange(2))


class Guess:
    """Predict given probabilities for every row."""

    def __init__(self, *probabilities):
        self.probabilities = probabilities

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.array([self.probabilities] * len(X))


class Warns(Guess):
    def fit(self, X, y):
        warnings.warn("unusual", stacklevel=2)
        return self


class FailsToFit(Guess):
    def fit(self, X, y):
        raise ValueError("too large")


class FailsToPredict(Guess):
    def predict_proba(self, X):
        raise ValueError("too large")


def test_scores_are_those_of_the_test_rows():
    fit = fits.measure(Guess(0.25, 0.75), ROWS)
    assert fit.accuracy == 0.5
    assert fit.log_loss == pytest.approx(-(np.log(0.25) + np.log(0.75)) / 2)
    assert fit.seconds >= 0
    assert (fit.warned, fit.failed) == (False, False)


def test_the_log_loss_is_that_of_scikit_learn():
    from sklearn.metrics import log_loss

    predicted = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    y = np.arange(50) % 3
    _, loss = fits.scores(predicted, y)
    assert loss == pytest.approx(log_loss(y, predicted))


def test_a_probability_of_0_has_a_finite_loss():
    fit = fits.measure(Guess(0.0, 1.0), ROWS)
    assert fit.log_loss == pytest.approx(-np.log(1e-15) / 2)


def test_warnings_of_the_fit_are_counted():
    assert fits.measure(Warns(0.5, 0.5), ROWS).warned


@pytest.mark.parametrize(
    "estimator",
    [FailsToFit(0.0, 1.0), FailsToPredict(0.0, 1.0), Guess(np.nan, 1.0)],
    ids=["fit", "predict_proba", "not finite"],
)
def test_a_failure_counts_as_the_frequencies_of_the_classes(estimator):
    fit = fits.measure(estimator, ROWS)
    assert fit.failed
    assert fit.accuracy == 0.5
    assert fit.log_loss == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2)


def test_other_errors_are_raised():
    class Broken(Guess):
        def fit(self, X, y):
            raise TypeError("a mistake in the benchmark")

    with pytest.raises(TypeError, match="a mistake"):
        fits.measure(Broken(), ROWS)


def test_all_methods_get_the_same_rows_in_turn():
    calls = []

    class Recorder(DummyClassifier):
        def fit(self, X, y):
            calls.append((self.random_state, X.sum()))
            return super().fit(X, y)

    methods = {
        name: Method(name, lambda seed: Recorder(random_state=seed)) for name in "ab"
    }
    changes = (data_sets.RAW, "× 1e6")
    part = Part("", methods, changes=changes)
    sets, measured = fits.measure_all(part, ["iris", "wine"], range(3))
    assert calls[::2] == calls[1::2]
    assert [seed for seed, _ in calls[:6:2]] == [0, 1, 2]
    assert calls[6][1] == pytest.approx(1e6 * calls[0][1])
    assert set(measured) == {*changes}
    assert set(measured["raw"]) == {"a", "b"}
    for one in measured["raw"]["a"].values():
        assert set(one) == {*fits.Fit._fields}
        assert {len(column) for column in one.values()} == {3}
    assert sets["wine"]["features"] == 13
    assert measured["raw"]["a"]["wine"]["accuracy"] == sets["wine"]["commonest"]
