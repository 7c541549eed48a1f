"""MLPRegressor: the scale of its targets, its losses, and training on real values."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import reference
from helpers import assert_same_history, assert_same_weights, needs_callbacks
from members import VALUE_LOSSES
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, PoissonRegressor, QuantileRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from twin_training import twin_of

from cymlp import MLPClassifier, MLPRegressor, fit_many
from cymlp._engine.optimizers import SOLVERS
from cymlp._fit.architecture import make_optimizer
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy, Huber, Poisson, Quantile, SquaredError
from cymlp.plots import plot_comparison, plot_grid


def make(**parameters):
    """A small network that trains for a fixed number of epochs."""
    settings = {
        "hidden_layer_sizes": (8,),
        "activation": "tanh",
        "solver": "sgd",
        "learning_rate_init": 0.05,
        "learning_rate": "constant",
        "weight_decay": 1e-4,
        "batch_size": 16,
        "max_iter": 10,
        "scale": None,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return MLPRegressor(**settings | parameters)


@pytest.fixture(scope="module")
def data():
    """120 samples of a function of 6 features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    return X, np.sin(X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.normal(size=120)


@pytest.fixture(scope="module")
def counts():
    """120 samples of 2 counts."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 6))
    return X, rng.poisson(np.exp(1 + X[:, :2] / 2)).astype(float)


# scikit-learn's own checks


def expected_failures(regressor):
    """Checks of scikit-learn that fail though the regressor is right."""
    if isinstance(regressor.loss, Poisson):
        return {"check_regressor_multioutput": "passes negative targets"}
    return {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        MLPRegressor(),
        *(
            MLPRegressor(dtype="float64", loss=loss)
            for loss in VALUE_LOSSES
            if getattr(loss, "quantile", 0.5) == 0.5  # others are far from the mean
        ),
        MLPRegressor(
            dtype="float64",
            hidden_layer_sizes=(),
            target_scale=None,
            learning_rate_init=0.1,
        ),
        *(MLPRegressor(dtype="float64", solver=solver) for solver in SOLVERS),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# What is computed


def standardised(Y, weights, loss):
    """Y with its shift and divisor, by their definitions."""
    if loss.log_link:
        shift, divisor = np.zeros(Y.shape[1]), np.average(Y, axis=0, weights=weights)
    else:
        shift = np.average(Y, axis=0, weights=weights)
        divisor = np.sqrt(np.average((Y - shift) ** 2, axis=0, weights=weights))
    return (Y - shift) / divisor, shift, divisor


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=repr)
def test_a_fit_agrees_with_numpy(counts, loss, weighted, solver):
    X, Y = counts
    weights = np.random.default_rng(2).uniform(0, 2, 120) if weighted else np.ones(120)
    reg = make(
        loss=loss, dtype="float64", shuffle=False, solver=solver, weight_decay=0.01
    )
    reg.fit(X, Y, weights if weighted else None)

    first = clone(reg).set_params(max_iter=1, learning_rate_init=1e-300)
    first.set_params(solver="sgd", momentum=0.0, weight_decay=0.0).fit(X, Y)
    theta = reference.pack(zip(first.coefs_, first.intercepts_, strict=True))
    T, shift, divisor = standardised(Y, weights, loss)
    step = {
        "sgd": lambda *arguments: reference.sgd(
            *arguments, learning_rate=0.05, momentum=reg.momentum, weight_decay=0.01,
            nesterov=reg.nesterovs_momentum,
        ),
        "adam": lambda *arguments: reference.adam(
            *arguments, learning_rate=0.05, beta_1=0.9, beta_2=reg.beta_2,
            epsilon=reg.epsilon, weight_decay=0.01,
        ),
    }[solver]  # fmt: skip
    normalised = weights / weights.mean()
    variances = np.average(
        (T - np.average(T, axis=0, weights=weights)) ** 2, axis=0, weights=weights
    )
    state = np.zeros((1 + make_optimizer(reg, 120).n_slots, theta.size))
    state[0] = theta
    sizes, losses, scores = [6, 8, 2], [], []
    for epoch in range(10):
        state, record = reference.train_epoch(
            state, sizes, [twin_of(Tanh())], twin_of(loss), X, T, normalised,
            np.arange(120), 16, step, 8 * epoch,
            score=lambda Z, T: reference.r2(Z, T, variances, loss.log_link),
        )  # fmt: skip
        sizes_of_batches = [16] * 7 + [8]
        losses.append(np.average(record[0], weights=sizes_of_batches))
        scores.append(np.average(record[1], weights=sizes_of_batches))

    tolerance = {"rtol": 1e-9, "atol": 1e-9}
    fitted = reference.pack(zip(reg.coefs_, reg.intercepts_, strict=True))
    np.testing.assert_allclose(fitted, state[0], **tolerance)
    np.testing.assert_allclose(reg.history_["train_loss"], losses, **tolerance)
    np.testing.assert_allclose(reg.history_["train_r2"], scores, **tolerance)
    (W, b), (V, c) = reference.unpack(state[0], sizes)
    Z = np.tanh(X @ W + b) @ V + c
    expected = (np.exp(Z) if loss.log_link else Z) * divisor + shift
    np.testing.assert_allclose(reg.predict(X), expected, **tolerance)


def without_hidden_layer(loss):
    return make(
        hidden_layer_sizes=(), loss=loss, solver="adam", learning_rate_init=0.03,
        learning_rate=lambda epoch: 0.03 * 0.99**epoch, weight_decay=0, batch_size=1000,
        max_iter=1500, dtype="float64",
    )  # fmt: skip


def test_without_hidden_layer_it_is_linear_regression(data):
    X, y = data
    own, other = without_hidden_layer("squared_error").fit(X, y), LinearRegression()
    np.testing.assert_allclose(
        own.predict(X), other.fit(X, y).predict(X), rtol=0, atol=1e-5
    )


def test_without_hidden_layer_it_is_poisson_regression(counts):
    X, Y = counts
    own = without_hidden_layer("poisson").fit(X, Y[:, 0])
    other = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, Y[:, 0])
    np.testing.assert_allclose(own.predict(X), other.predict(X), rtol=1e-5)


def test_without_hidden_layer_it_is_quantile_regression(data):
    X, y = data
    own = without_hidden_layer(Quantile([0.1, 0.8])).fit(X, np.column_stack([y, y]))
    for index, quantile in enumerate((0.1, 0.8)):
        other = QuantileRegressor(quantile=quantile, alpha=0).fit(X, y)
        own_loss, other_loss = (
            np.maximum(quantile * d, (quantile - 1) * d).mean()
            for d in (y - own.predict(X)[:, index], y - other.predict(X))
        )
        assert own_loss == pytest.approx(other_loss, rel=5e-3)
        assert np.mean(y < own.predict(X)[:, index]) == pytest.approx(
            quantile, abs=0.05
        )


@pytest.mark.parametrize("loss", [Huber(0.1), "quantile"], ids=repr)
def test_outliers_have_little_influence(loss):
    X, y = make_regression(300, 5, noise=1.0, random_state=0)
    y_wrong = y.copy()
    y_wrong[::10] += 1e4
    settings = {"max_iter": 200, "activation": "identity", "learning_rate_init": 0.01}
    robust = make(loss=loss, **settings).fit(X, y_wrong)
    squared = make(**settings).fit(X, y_wrong)
    error, squared_error = (
        np.median(abs(y - reg.predict(X))) for reg in (robust, squared)
    )
    assert error < 0.2 * squared_error


# The scale of the targets


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=repr)
@pytest.mark.parametrize("power", [-600, -30, 30, 600])
def test_the_unit_of_the_targets_does_not_matter(counts, loss, dtype, power):
    """With a power of 2, to the last bit."""
    X, Y = counts
    one, other = (make(loss=loss, dtype=dtype) for _ in range(2))
    one.fit(X, Y, X_val=X, y_val=Y)
    other.fit(X, Y * 2.0**power, X_val=X, y_val=Y * 2.0**power)
    assert_same_weights(one, other)
    assert_same_history(one, other)
    np.testing.assert_array_equal(other.predict(X), one.predict(X) * 2.0**power)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("offset", [0, 1e6, -1e6])
def test_neither_does_their_offset(data, size, offset):
    X, y = data
    shifted = size * (y + offset)
    one, other = make().fit(X, y), make().fit(X, shifted)
    np.testing.assert_allclose(
        other.predict(X) / size - offset, one.predict(X), rtol=0, atol=1e-4
    )
    assert other.score(X, shifted) == pytest.approx(one.score(X, y), abs=1e-6)
    assert one.score(X, y) > 0.9


def test_predictions_are_double_precision(data):
    """An offset that leaves no digits in float32 is kept."""
    X, y = data
    reg = make().fit(X, y + 1e9)
    assert reg.predict(X).dtype == np.float64
    assert r2_score(y, reg.predict(X) - 1e9) > 0.9


@pytest.mark.parametrize("weighted", [False, True])
def test_shift_and_divisor_are_mean_and_standard_deviation(data, weighted):
    X, y = data
    Y = np.column_stack([y, 1e9 * y + 1e12])
    weights = np.arange(120.0) if weighted else None
    reg = make().fit(X, Y, weights)
    scaler = StandardScaler().fit(Y, sample_weight=weights)
    np.testing.assert_allclose(reg.target_shift_, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(reg.target_divisor_, scaler.scale_, rtol=1e-9)
    # Relative to the standardised target, a constant has a loss of one half.
    assert reg.history_["train_loss"][0] < 0.6


def test_a_poisson_target_is_divided_by_its_mean(counts):
    X, Y = counts
    reg = make(loss="poisson").fit(X, Y, np.arange(120))
    np.testing.assert_array_equal(reg.target_shift_, [0, 0])
    mean = np.average(Y, axis=0, weights=np.arange(120))
    np.testing.assert_allclose(reg.target_divisor_, mean, rtol=1e-14)
    assert (reg.predict(X) > 0).all()
    assert reg.out_activation_ == "exp"


@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=repr)
@pytest.mark.parametrize("constant", [0.0, 3.7, 1e9, 1e-9])
def test_a_constant_target_is_predicted(data, loss, constant):
    X, _ = data
    reg = make(loss=loss, max_iter=100, solver="adam", learning_rate_init=0.01)
    reg.fit(X, np.full(120, constant), X_val=X, y_val=np.full(120, constant))
    assert np.isfinite(reg.history_["train_loss"]).all()
    np.testing.assert_array_equal(reg.history_["val_r2"], 0)
    if loss.__class__ is Poisson and constant == 0:  # the logarithm of no score
        np.testing.assert_allclose(reg.predict(X), 0, atol=0.06)
    else:
        np.testing.assert_array_equal(reg.predict(100 * X), constant)


def test_outputs_beside_and_after_constants_are_learned(data):
    X, y = data
    reg = make(loss="squared_error").fit(X, np.column_stack([np.full(120, 3.7), y]))
    predicted = reg.predict(X)
    np.testing.assert_array_equal(predicted[:, 0], 3.7)
    assert np.corrcoef(predicted[:, 1], y)[0, 1] > 0.9
    reg = make(loss="squared_error").partial_fit(X[:9], np.full(9, 2.0))
    for _ in range(100):
        reg.partial_fit(X, y)
    assert reg.score(X, y) > 0.8


def test_a_target_that_varies_by_its_rounding_is_a_constant(data):
    X, y = data
    noisy = 1e6 * (1 + 1e-16 * np.sign(y))
    assert np.unique(noisy).size > 1
    assert make().fit(X, noisy).target_divisor_ == pytest.approx(1e6)


def test_held_out_samples_do_not_count_in_the_scale(data):
    X, y = data
    reg = make(early_stopping=True, validation_fraction=0.5).fit(X, y)
    other = make().fit(X, y)
    assert reg.target_shift_ != other.target_shift_
    same = make(early_stopping=True).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert same.target_shift_ == pytest.approx(y[:60].mean(), rel=1e-12)


def test_a_given_scale_is_used(data):
    X, y = data
    Y = np.column_stack([y, 3 * y])
    given = make(target_scale=(np.array([1.0, 2.0]), 4)).fit(X, Y)
    by_hand = make(target_scale=None).fit(X, (Y - [1, 2]) / 4)
    assert_same_weights(given, by_hand)
    np.testing.assert_array_equal(given.target_divisor_, [4, 4])
    np.testing.assert_allclose(
        given.predict(X), by_hand.predict(X) * 4 + [1, 2], rtol=1e-14
    )
    assert by_hand.target_shift_ is by_hand.target_divisor_ is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target_scale": "minmax"}, "'target_scale'.*Got 'minmax'"),
        ({"target_scale": (1,)}, r"'target_scale'.*the 1 outputs. Got \(1,\)"),
        ({"target_scale": (0, 0)}, "non-zero divisor"),
        ({"target_scale": (0, [1, 2])}, "for each of the 1 outputs"),
        ({"target_scale": (0, np.nan)}, "each a finite float"),
        (
            {"target_scale": (1, 2), "loss": "poisson"},
            r"shift of 0 and a positive divisor for loss='poisson'.*Got \(1, 2\)",
        ),
        ({"target_scale": (0, -2), "loss": Poisson()}, "positive divisor for loss=Poi"),
        ({"loss": "cross_entropy"}, "'loss'.*'squared_error'.*Got 'cross_entropy'"),
        ({"loss": CrossEntropy()}, r"'loss'.*'squared_error'.*Got CrossEntropy\(\)"),
        ({"loss": Huber(delta=0)}, "'delta' parameter of Huber"),
        ({"loss": Quantile([0.1, 0.9])}, "array of 1 of them, one for each output"),
        ({"monitor": "accuracy"}, "'monitor'.*'r2'.*Got 'accuracy'"),
        ({"scale": "wide"}, "'scale' parameter of MLPRegressor"),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_parameters_are_refused(data, parameters, message):
    X, y = data
    reg = make().fit(X, abs(y))
    reg.set_params(**parameters)
    before = vars(reg).copy()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        reg.fit(X, abs(y))
    assert vars(reg) == before


Y_NAN = np.where(np.arange(120) == 5, np.nan, 1.0)


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ({}, {"y": Y_NAN}, "y contains NaN or None, for missing values"),
        ({}, {"y": Y_NAN[:100]}, "y contains NaN or None, for missing values"),
        (
            {},
            {"y": np.ones(119)},
            "one entry for each of the 120 samples of X; got 119",
        ),
        ({}, {"y": csr_array(np.eye(120))}, "y must be a dense array"),
        ({}, {"y": ["a"] * 120}, "y must have real values; got the label 'a'"),
        ({}, {"y": None}, "requires y to be passed"),
        (
            {"loss": "poisson"},
            {"y": np.arange(120) - 1.0},
            "'poisson' takes values >= 0",
        ),
        (
            {"loss": "poisson"},
            {"X_val": np.ones((2, 6)), "y_val": [0, -3]},
            "takes values >= 0 only; got a minimum of -3 in y_val",
        ),
        (
            {"target_scale": None},
            {"y": np.full(120, 1e39)},
            "y must be finite in float32",
        ),
        (
            {},
            {"X_val": np.ones((2, 6)), "y_val": [0, 1e300]},
            "y_val.*must be finite in float32.*a magnitude of",
        ),
        ({}, {"X_val": np.ones((2, 6)), "y_val": np.ones((2, 2))}, "y_val.*1 outputs"),
        ({}, {"X_val": np.ones((2, 6)), "y_val": [0, np.inf]}, "y_val.*infinity"),
        ({}, {"sample_weight": -np.ones(120)}, "sample_weight.*no negative"),
    ],
    ids=str,
)
def test_wrong_data_are_refused(data, parameters, arguments, message):
    X, y = data
    reg = make(**parameters).fit(X, abs(y))
    before = vars(reg).copy()
    with pytest.raises(ValueError, match=message):
        reg.fit(**{"X": X, "y": abs(y)} | arguments)
    assert vars(reg) == before


# Outputs


def test_several_outputs_are_fitted_together(data):
    X, y = data
    Y = np.column_stack([y, 100 - 7 * y, X[:, 2]])
    reg = make(max_iter=60, hidden_layer_sizes=(20,)).fit(X, Y)
    assert reg.n_outputs_ == 3
    assert reg.coefs_[-1].shape == (20, 3)
    assert reg.predict(X).shape == (120, 3)
    assert reg.predict(X[:1]).shape == (1, 3)
    assert r2_score(Y, reg.predict(X), multioutput="raw_values").min() > 0.9
    assert reg.score(X, Y) == r2_score(Y, reg.predict(X))


@pytest.mark.parametrize(
    "convert", [lambda y: y[:, None], np.ndarray.tolist, pd.Series]
)
def test_forms_of_a_single_output(data, convert):
    X, y = data
    one, other = make().fit(X, y), make().fit(X, convert(y))
    assert_same_weights(one, other)
    assert one.predict(X).shape == other.predict(X).shape == (120,)
    assert other.score(X, convert(y)) == one.score(X, y)


def test_data_frames_of_targets(data):
    X, y = data
    Y = pd.DataFrame({"a": y, "b": 2 * y})
    assert_same_weights(make().fit(X, Y), make().fit(X, Y.to_numpy()))


def test_integers_and_single_precision_are_the_same_numbers(data):
    X, _ = data
    y = np.arange(120) % 7
    for dtype in ("int8", "uint16", "float32", "float16", bool):
        assert_same_weights(
            make().fit(X, y.astype(dtype)), make().fit(X, y.astype(dtype).astype(float))
        )


# Training


@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=repr)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-11)]
)
def test_an_integer_weight_equals_copies(counts, loss, dtype, tolerance):
    X, Y = counts
    n_copies = np.arange(120) % 4
    reg = make(loss=loss, dtype=dtype, batch_size=1000, shuffle=False, max_iter=5)
    validation = {"X_val": X[:30], "y_val": Y[:30]}
    weighted = clone(reg).fit(
        X, Y, n_copies, **validation, sample_weight_val=n_copies[:30]
    )
    copies = clone(reg).fit(
        X.repeat(n_copies, axis=0),
        Y.repeat(n_copies, axis=0),
        **{name: a.repeat(n_copies[:30], axis=0) for name, a in validation.items()},
    )
    np.testing.assert_allclose(
        weighted.predict(X), copies.predict(X), rtol=tolerance, atol=tolerance
    )
    for column in ("train_loss", "train_r2", "val_loss", "val_r2"):
        np.testing.assert_allclose(
            weighted.history_[column], copies.history_[column], rtol=tolerance,
            atol=tolerance,
        )  # fmt: skip
    assert weighted.score(X, Y, n_copies) == pytest.approx(
        r2_score(Y, weighted.predict(X), sample_weight=n_copies)
    )


@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=repr)
def test_history_has_the_score_of_the_validation_data(counts, loss):
    X, Y = counts
    weights = np.arange(40) % 3
    reg = make(loss=loss, record_batches=True).fit(
        X[:80], Y[:80], X_val=X[80:], y_val=Y[80:], sample_weight_val=weights
    )
    assert list(reg.history_) == [
        "epoch", "train_loss", "train_r2", "gradient_norm", "seconds", "val_loss",
        "val_r2", "learning_rate",
    ]  # fmt: skip
    assert reg.history_["val_r2"][-1] == pytest.approx(
        reg.score(X[80:], Y[80:], weights), rel=1e-5
    )
    assert set(reg.history_.batches) == {"loss", "r2"}
    assert reg.history_.batches["r2"].shape == (10, 5)
    assert reg.history_["train_r2"][0] == pytest.approx(
        reg.history_.batches["r2"][0].mean(), rel=1e-5
    )


def test_the_squared_error_is_half_of_1_minus_r2(data):
    X, y = data
    history = make(early_stopping=True).fit(X, y).history_
    np.testing.assert_allclose(
        history["train_loss"], (1 - history["train_r2"]) / 2, rtol=1e-5
    )


@pytest.mark.parametrize("monitor", ["loss", "r2"])
@pytest.mark.parametrize("given", [False, True])
def test_early_stopping_keeps_the_best_epoch(data, monitor, given):
    X, y = data
    reg = make(
        early_stopping=True, monitor=monitor, validation_fraction=0.3, max_iter=40,
        learning_rate_init=0.2,
    )  # fmt: skip
    validation = {"X_val": X[:30], "y_val": y[:30]} if given else {}
    reg.fit(X[30:], y[30:], **validation)
    column = reg.history_[f"val_{monitor}"]
    best = column.argmin() if monitor == "loss" else column.argmax()
    assert reg.best_epoch_ == best + 1
    if given:
        score = reg.score(X[:30], y[:30])
        assert score == pytest.approx(reg.history_["val_r2"][best], rel=1e-5)


def test_too_few_samples_to_hold_out_are_refused():
    message = "validation_fraction=0.1 of 1 samples, .*Pass X_val and y_val"
    with pytest.raises(ValueError, match=message):
        make(early_stopping=True).fit([[1.0]], [1.0])


def test_training_stops_when_it_has_converged(data):
    X, y = data
    with warnings.catch_warnings(action="error"):
        reg = make(n_iter_no_change=3, tol=1e-2, max_iter=1000).fit(X, 1e6 * y)
    assert reg.n_iter_ < 300
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        make(n_iter_no_change=3, max_iter=2).fit(X, y)


SETTINGS = [
    {},
    {"solver": "adam", "dropout": 0.2},
    {"loss": "poisson"},
    {"loss": Quantile(0.9), "learning_rate": "adaptive", "tol": 0.05},
    {"target_scale": (0.1, 3), "record_batches": True, "diagnostics": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_two_fits_are_as_one_that_is_twice_as_long(data, settings):
    X, y = data
    if settings.get("loss") == "poisson":
        y = abs(y)
    at_once = make(**settings).fit(X, y, X_val=X[:9], y_val=y[:9])
    in_two = make(**settings, warm_start=True).set_params(max_iter=5)
    in_two.fit(X, y, X_val=X[:9], y_val=y[:9])
    in_two = pickle.loads(pickle.dumps(in_two))
    in_two.fit(X, y, X_val=X[:9], y_val=y[:9])
    by_parts = make(**settings)
    for _ in range(10):
        by_parts.partial_fit(X, y)
    assert_same_weights(at_once, in_two)
    assert_same_history(at_once, in_two)
    assert_same_weights(at_once, by_parts)
    np.testing.assert_array_equal(at_once.predict(X), by_parts.predict(X))


def test_partial_fit_keeps_the_scale_of_the_first_batch(data):
    X, y = data
    reg = make().partial_fit(X[:50], y[:50], np.arange(50))
    shift, divisor = reg.target_shift_, reg.target_divisor_
    assert shift == pytest.approx(np.average(y[:50], weights=np.arange(50)), rel=1e-12)
    reg.partial_fit(X[50:], 10 * y[50:])
    assert reg.target_shift_ is shift
    assert reg.target_divisor_ is divisor
    with pytest.raises(ValueError, match=r"y must have 1 outputs.*got 2"):
        reg.partial_fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="early_stopping must be False"):
        reg.set_params(early_stopping=True).partial_fit(X, y)


def test_a_warm_start_needs_as_many_outputs(data):
    X, y = data
    reg = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"y must have 1 outputs.*got 2"):
        reg.fit(X, np.column_stack([y, y]))


def test_the_storage_of_x_does_not_matter(data):
    _, y = data
    X = np.where(np.random.default_rng(0).random((120, 40)) < 0.1, 1.5, 0.0)
    X[:, 0] = y
    dense = make(dtype="float64").fit(X, y)
    sparse = make(dtype="float64").fit(csr_array(X), y)
    for form in (X, csr_array(X)):
        np.testing.assert_allclose(
            dense.predict(form), sparse.predict(form), rtol=0, atol=1e-10
        )


def test_x_is_scaled_as_for_the_classifier(data):
    X, y = data
    far = 1000 * X + 5
    by_hand = StandardScaler().fit_transform(far)
    own = make(scale="standard", dtype="float64").fit(far, y)
    other = make(dtype="float64").fit(by_hand, y)
    np.testing.assert_allclose(own.predict(far), other.predict(by_hand), atol=1e-9)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_many_can_be_fitted_at_once(data, n_jobs):
    X, y = data
    networks = {loss: make(loss=loss) for loss in VALUE_LOSSES if not loss.log_link}
    fit_many(networks, X, y, X_val=X[:9], y_val=y[:9], n_jobs=n_jobs)
    for loss, reg in networks.items():
        alone = make(loss=loss).fit(X, y, X_val=X[:9], y_val=y[:9])
        assert_same_weights(reg, alone)
        assert_same_history(reg, alone)
        np.testing.assert_array_equal(reg.predict(X), alone.predict(X))


def test_what_diverges_at_once_changes_nothing(data):
    X, y = data
    reg = make().fit(X, y)
    before = vars(reg.set_params(learning_rate_init=1e30)).copy()
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*'squared_error'"):
        reg.fit(X, y)
    assert vars(reg) == before
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_predictions_that_are_too_large_are_refused(data, loss):
    X, y = data
    reg = make(loss=loss, dtype="float64").fit(X, 1e300 * abs(y))
    reg.intercepts_[-1][:] = 1e9
    with pytest.raises(ValueError, match="The predictions for X must be finite"):
        reg.predict(X)


# Losses of the user's own


class Absolute:
    def value_and_gradient(self, Z, T):
        return abs(Z - T).mean(axis=1), np.sign(Z - T) / Z.shape[1]


class Gamma:
    """Half the gamma deviance, with a log link."""

    log_link = True

    def value_and_gradient(self, Z, T):
        ratio = T * np.exp(-Z)
        return (ratio - np.log(ratio) - 1).mean(axis=1), (1 - ratio) / Z.shape[1]


class DoubledError(SquaredError):
    def value_and_gradient(self, Z, T):
        return tuple(2 * part for part in super().value_and_gradient(Z, T))


def test_a_loss_of_the_users_own_gets_scaled_targets(data):
    X, y = data
    Y = np.column_stack([y, 50 + 9 * y])
    settings = {"dtype": "float64", "weight_decay": 0.0}
    own = make(loss=Absolute(), **settings).fit(X, Y)
    ours = make(loss="quantile", learning_rate_init=0.1, **settings).fit(X, Y)
    np.testing.assert_allclose(
        own.history_["train_loss"], 2 * ours.history_["train_loss"], rtol=1e-9
    )
    np.testing.assert_allclose(own.predict(X), ours.predict(X), rtol=1e-9)


def test_a_loss_of_the_users_own_may_have_a_log_link(counts):
    X, Y = counts
    reg = make(loss=Gamma(), max_iter=50).fit(X, Y + 1)
    assert reg.out_activation_ == "exp"
    np.testing.assert_array_equal(reg.target_shift_, 0)
    assert (reg.predict(X) > 0).all()
    assert reg.history_["train_r2"][-1] == pytest.approx(reg.score(X, Y + 1), abs=0.1)
    assert reg.score(X, Y + 1) > 0.2


def test_a_class_derived_from_our_loss_computes_what_it_overrides(data):
    X, y = data
    settings = {"dtype": "float64", "weight_decay": 0.0}
    derived = make(loss=DoubledError(), **settings).fit(X, y)
    ours = make(**settings, learning_rate_init=0.1).fit(X, y)
    np.testing.assert_allclose(derived.predict(X), ours.predict(X), rtol=1e-9)


# As an estimator


def test_weights_that_a_user_assigns_are_used(data):
    X, y = data
    reg = make().fit(X, 10 * y + 3)
    reg.coefs_ = [np.zeros((6, 8)), np.zeros((8, 1))]
    reg.intercepts_ = [np.zeros(8), np.array([2.0])]
    expected = 2 * reg.target_divisor_ + reg.target_shift_
    np.testing.assert_allclose(reg.predict(X), np.full(120, expected[0]), rtol=1e-12)


def test_pipelines_searches_and_transformed_targets(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), make(loss=Huber()))
    grid = {"mlpregressor__loss__delta": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.8
    logarithm = TransformedTargetRegressor(make(), func=np.log, inverse_func=np.exp)
    assert logarithm.fit(X, np.exp(y)).score(X, np.exp(y)) > 0.8


def test_repr_and_clone():
    reg = MLPRegressor((3,), loss=Huber(0.5), target_scale=(np.arange(50), 2))
    assert "loss=Huber(delta=0.5)" in repr(reg)
    assert "array([ 0,  1, ..., 48, 49]" in repr(reg)
    copied = clone(MLPRegressor((3,), loss=Huber(0.5), monitor="r2"))
    assert copied.get_params()["loss__delta"] == 0.5
    assert copied.get_params()["monitor"] == "r2"


def test_it_shares_the_parameters_of_the_classifier():
    regressor, classifier = MLPRegressor().get_params(), MLPClassifier().get_params()
    assert set(classifier) - set(regressor) == {"class_weight"}
    assert set(regressor) - set(classifier) == {"target_scale"}
    different = {name for name in regressor if regressor[name] != classifier.get(name)}
    assert different == {"loss", "target_scale"}


def test_predictions_require_a_fit():
    with pytest.raises(NotFittedError):
        MLPRegressor().predict([[1.0]])


def test_predict_does_not_depend_on_the_size_of_the_batch(data):
    X, y = data
    reg = make().fit(X, y)
    many = reg.predict(np.tile(X, (30, 1)))
    np.testing.assert_array_equal(many, np.tile(reg.predict(X), 30))


def test_the_history_can_be_plotted(data):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    X, y = data
    history = make(diagnostics=True).fit(X, y, X_val=X, y_val=y).history_
    loss, r2 = history.plot()
    assert (loss.get_ylabel(), r2.get_ylabel()) == ("loss", "R²")
    np.testing.assert_array_equal(r2.lines[0].get_ydata(), history["train_r2"])
    np.testing.assert_array_equal(r2.lines[1].get_ydata(), history["val_r2"])
    assert plot_comparison({"a": history}, "val_r2").get_ylabel() == "validation R²"
    assert plot_grid({"a": history}, "r2")[0].get_ylabel() == "R²"
    assert history["zero_gradients"].shape == (10, 2)
    matplotlib.pyplot.close("all")


@needs_callbacks
def test_callbacks_see_the_history(data):
    from sklearn.callback import ScoringMonitor

    X, y = data
    monitor = ScoringMonitor(scoring="r2")
    reg = make().set_callbacks(monitor).fit(X, y)
    scores = [
        row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"
    ]
    assert len(scores) == 10
    assert scores[-1] == reg.score(X, y)


def test_a_progress_bar_shows_the_score(data, capsys):
    X, y = data
    make(verbose=True).fit(X, y, X_val=X, y_val=y)
    shown = capsys.readouterr().err
    for name in ("train_loss", "train_r2", "val_loss", "val_r2"):
        assert f"{name}=" in shown
