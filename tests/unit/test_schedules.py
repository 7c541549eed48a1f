"""Learning rate schedules, alone and compared with those of scikit-learn."""

import re
import warnings

import numpy as np
import pytest
from helpers import assert_same_weights, make_mlp
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as SklearnMLP

from cymlp._engine.optimizers import SOLVERS
from cymlp._fit.schedules import Schedule


class WatchedMLP(SklearnMLP):
    """scikit-learn's classifier, with the learning rate of every epoch in `rates`."""

    def _update_no_improvement_count(self, *args):
        self.__dict__.setdefault("rates", []).append(self._optimizer.learning_rate)
        super()._update_no_improvement_count(*args)


def fit_both(X, y, **parameters):
    """scikit-learn's classifier and cymlp's, fitted with the same schedule."""
    sklearn_only = {"alpha": 0, "hidden_layer_sizes": (8,), "activation": "tanh"}
    sklearn_mlp = WatchedMLP(random_state=0, solver="sgd", **sklearn_only, **parameters)
    mlp = make_mlp(weight_decay=0, dtype="float64", **parameters)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return sklearn_mlp.fit(X, y), mlp.fit(X, y)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_rates_equal_those_of_scikit_learn(
    three_classes, learning_rate, early_stopping
):
    sklearn_mlp, mlp = fit_both(
        *three_classes, learning_rate=learning_rate, learning_rate_init=0.3,
        power_t=0.4, max_iter=12, n_iter_no_change=1000, batch_size=32,
        early_stopping=early_stopping,
    )  # fmt: skip
    np.testing.assert_allclose(
        mlp.history_["learning_rate"], sklearn_mlp.rates, rtol=1e-14
    )


def test_an_adaptive_rate_falls_and_stops_as_that_of_scikit_learn(three_classes):
    # No epoch improves by 100: the rate falls as soon and as often as it can.
    sklearn_mlp, mlp = fit_both(
        *three_classes, learning_rate="adaptive", learning_rate_init=0.3, tol=100.0,
        n_iter_no_change=2, max_iter=100,
    )  # fmt: skip
    np.testing.assert_allclose(
        mlp.history_["learning_rate"], sklearn_mlp.rates, rtol=1e-14
    )
    assert mlp.n_iter_ == sklearn_mlp.n_iter_ < 40
    assert mlp.history_["learning_rate"][-1] <= 1e-6 < 5 * sklearn_mlp.rates[-1]


def test_an_adaptive_rate_falls_where_training_would_have_stopped(three_classes):
    X, y = three_classes
    settings = {"tol": 0.01, "n_iter_no_change": 3, "learning_rate_init": 0.1}
    constant = make_mlp(max_iter=500, **settings).fit(X, y)
    adaptive = make_mlp(
        max_iter=constant.n_iter_ + 1, learning_rate="adaptive", **settings
    )
    with pytest.warns(match="not converged"):
        adaptive.fit(X, y)
    rates = adaptive.history_["learning_rate"]
    np.testing.assert_array_equal(rates, [0.1] * constant.n_iter_ + [0.1 / 5])
    assert adaptive.loss_curve_[:-1] == constant.loss_curve_


def test_an_adaptive_rate_that_is_low_already_is_not_lowered():
    schedule = Schedule("adaptive", 1e-6, 0.5, range(1, 3))
    assert not schedule.lower()
    assert schedule.rate(1, 0) == 1e-6
    schedule = Schedule("adaptive", 1e-6, 0.5, range(1, 3), n_reductions=3)
    assert schedule.rate(1, 0) == 1e-6 / 125
    assert not Schedule("constant", 1.0, 0.5, range(1, 3)).lower()


@pytest.mark.parametrize("power_t", [1000, 1000.0])
def test_a_rate_that_underflows_is_the_smallest_float(three_classes, power_t):
    X, y = three_classes
    settings = {"learning_rate": "invscaling", "power_t": power_t}
    mlp = make_mlp(**settings).fit(X, y)
    assert mlp.history_["learning_rate"][0] == 0.01
    assert np.all(mlp.history_["learning_rate"][1:] == np.finfo(float).tiny)
    assert_same_weights(mlp, make_mlp(max_iter=1).fit(X, y))


def test_a_power_of_0_is_a_constant_rate(three_classes):
    X, y = three_classes
    scaled = make_mlp(learning_rate="invscaling", power_t=0).fit(X, y)
    assert_same_weights(scaled, make_mlp().fit(X, y))


def test_a_cosine_falls_over_the_epochs_of_each_call(three_classes):
    X, y = three_classes
    mlp = make_mlp(learning_rate="cosine", max_iter=4, warm_start=True)
    rates = 0.01 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2
    mlp.fit(X, y)
    np.testing.assert_allclose(mlp.history_["learning_rate"], rates, rtol=1e-14)
    mlp.fit(X, y)
    np.testing.assert_allclose(
        mlp.history_["learning_rate"], np.tile(rates, 2), rtol=1e-14
    )


def test_partial_fit_keeps_the_first_rate_of_a_cosine(three_classes):
    X, y = three_classes
    mlp = make_mlp(learning_rate="cosine")
    for _ in range(3):
        mlp.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(mlp.history_["learning_rate"], [0.01] * 3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_function_gives_the_rate_of_every_epoch(three_classes, solver):
    X, y = three_classes
    epochs = []

    def rate(epoch):
        epochs.append(epoch)
        return np.float32(0.5) ** epoch

    mlp = make_mlp(learning_rate=rate, solver=solver).fit(X, y)
    assert epochs == list(range(1, 11))
    np.testing.assert_array_equal(
        mlp.history_["learning_rate"], 0.5 ** np.arange(1, 11)
    )
    constant = make_mlp(learning_rate=lambda _: 0.02, solver=solver).fit(X, y)
    plain = make_mlp(learning_rate_init=0.02, solver=solver).fit(X, y)
    assert_same_weights(constant, plain)


@pytest.mark.parametrize("wrong", [0, -0.1, np.nan, np.inf, None, "0.1", [0.1], 1j])
def test_a_function_that_does_not_return_a_positive_float_is_refused(
    three_classes, wrong
):
    X, y = three_classes
    mlp = make_mlp(learning_rate=lambda epoch: 0.01 if epoch < 4 else wrong)
    message = f"learning_rate, if callable, .*returned {re.escape(repr(wrong))} for"
    with pytest.raises(ValueError, match=f"{message} epoch 4"):
        mlp.fit(X, y)


def test_an_error_of_the_function_is_raised(three_classes):
    X, y = three_classes
    mlp = make_mlp(learning_rate=lambda epoch: 0.01 / (3 - epoch), max_iter=5)
    with pytest.raises(ZeroDivisionError):
        mlp.fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"learning_rate": "exp"}, r"'learning_rate'.*'invscaling'.*Got 'exp'"),
        ({"learning_rate": 0.1}, "'learning_rate'.*callable.*Got 0.1"),
        ({"power_t": -1}, r"'power_t'.*\[0.0, inf\).*Got -1"),
        ({"solver": "lbfgs"}, "'solver'.*'sgd'.*Got 'lbfgs'"),
        ({"beta_1": 1.0}, r"'beta_1'.*\[0.0, 1.0\).*Got 1.0"),
        ({"beta_2": -0.1}, "'beta_2'.*Got -0.1"),
        ({"epsilon": 0.0}, r"'epsilon'.*\[1e-37, inf\).*Got 0.0"),
        ({"nesterovs_momentum": 1.5}, "'nesterovs_momentum'.*Got 1.5"),
    ],
)
def test_invalid_parameters_are_refused(three_classes, parameters, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make_mlp(**parameters).fit(*three_classes)
