"""The drop-in for scikit-learn's networks: equal seeds give equal networks."""

import inspect
import pickle
import re
import warnings

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import (
    make_classification,
    make_multilabel_classification,
    make_regression,
)

from cymlp import neural_network as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = ["MLPClassifier", "MLPRegressor"]
# From scikit-learn 1.7.
HAS_WEIGHTS = "sample_weight" in inspect.signature(theirs.MLPClassifier.fit).parameters
HAS_POISSON = "loss" in theirs.MLPRegressor().get_params()


def several_classes():
    return make_classification(
        150, 8, n_informative=5, n_classes=3, n_clusters_per_class=1, random_state=0
    )


def two_classes():
    """Features so large that probabilities round to 0 and 1."""
    X, y = make_classification(150, 8, random_state=0)
    return 50 * X, 2 * y - 1


def labels():
    return make_multilabel_classification(150, 8, n_classes=4, random_state=0)


def values(n_targets=1):
    X, y = make_regression(150, 8, n_targets=n_targets, random_state=0)
    return X, y / y.std()


def counts():
    X, y = values()
    return X, np.random.default_rng(0).poisson(np.exp(y)).astype(float)


TASKS = {
    "several classes": ("MLPClassifier", several_classes, {}),
    "two classes": ("MLPClassifier", two_classes, {}),
    "labels": ("MLPClassifier", labels, {}),
    "values": ("MLPRegressor", values, {}),
    "rows of values": ("MLPRegressor", lambda: values(3), {}),
}
if HAS_POISSON:
    TASKS["counts"] = ("MLPRegressor", counts, {"loss": "poisson"})


def make_task(key):
    """The name of a class, its parameters, X and y."""
    name, make, parameters = TASKS[key]
    defaults = {"hidden_layer_sizes": (9, 5), "max_iter": 20, "random_state": 3}
    return name, defaults | parameters, *make()


@pytest.fixture(params=TASKS)
def task(request):
    """One task after the other."""
    return make_task(request.param)


def fit_both(task, sample_weight=None, **parameters):
    """The network of scikit-learn and the drop-in's."""
    name, defaults, X, y = task
    weights = () if sample_weight is None else (sample_weight,)
    pair = [getattr(module, name)(**defaults | parameters) for module in (theirs, ours)]
    return [estimator.fit(X, y, *weights) for estimator in pair]


def classes_of(name, y):
    """The argument `classes` of a classifier's `partial_fit`."""
    if name == "MLPRegressor":
        return {}
    return {"classes": np.arange(4) if y.ndim == 2 else np.unique(y)}


def random_weights(y):
    return np.random.default_rng(0).uniform(0.1, 3, len(y))


def assert_same_network(one, other, tolerance=1e-9):
    """That all fitted attributes are equal, floats up to rounding."""
    names = {name for name in vars(one) if re.fullmatch(r"[a-z]\w*_", name)}
    assert names == {name for name in vars(other) if re.fullmatch(r"[a-z]\w*_", name)}
    for name in names:
        value, expected = getattr(other, name), getattr(one, name)
        if name in ("coefs_", "intercepts_"):
            for array, reference in zip(value, expected, strict=True):
                assert array.dtype == reference.dtype
                np.testing.assert_allclose(array, reference, rtol=0, atol=tolerance)
        elif isinstance(expected, str | None):
            assert value == expected
        elif np.asarray(expected).dtype.kind in "US":
            np.testing.assert_array_equal(value, expected)
        else:
            np.testing.assert_allclose(value, expected, rtol=tolerance, err_msg=name)


SOLVERS = ["sgd", "adam", "lbfgs"]
CONTAINERS = [np.asarray, csr_matrix, csc_matrix]
# Every two values of the task, the activation, the solver, the container and the use of
# weights occur together.
COMBINATIONS = [
    (task, activation, SOLVERS[(t + a) % 3], CONTAINERS[(2 * t + a) % 3], weighted)
    for t, task in enumerate(TASKS)
    for a, activation in enumerate(["identity", "logistic", "tanh", "relu"])
    for weighted in [HAS_WEIGHTS and (t // 3 + a) % 2 == 0]
]


@pytest.mark.parametrize(
    ("key", "activation", "solver", "container", "weighted"), COMBINATIONS
)
def test_equal_seeds_train_equal_networks(key, activation, solver, container, weighted):
    name, defaults, X, y = make_task(key)
    if container is not np.asarray:
        X = np.where(abs(X) > np.median(abs(X)), X, 0)
    task = name, defaults, container(X), y
    # L-BFGS multiplies rounding errors with each step; see the next test.
    parameters = {"max_iter": 10} if solver == "lbfgs" else {}
    one, other = fit_both(
        task, random_weights(y) if weighted else None, solver=solver, alpha=0.3,
        activation=activation, **parameters,
    )  # fmt: skip
    assert_same_network(one, other)
    X = task[2]
    if name == "MLPRegressor":
        np.testing.assert_allclose(other.predict(X), one.predict(X), atol=1e-9)
    else:
        np.testing.assert_array_equal(other.predict(X), one.predict(X))
        np.testing.assert_allclose(
            other.predict_proba(X), one.predict_proba(X), atol=1e-9
        )


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_lbfgs_multiplies_rounding_no_more_than_in_scikit_learn(task, activation):
    # Its sums round otherwise if the samples are in reverse order.
    name, defaults, X, y = task
    settings = {"solver": "lbfgs", "max_iter": 30, "activation": activation}
    one, other = fit_both(task, **settings)
    reverse = getattr(theirs, name)(**defaults | settings).fit(X[::-1], y[::-1])
    own, rounding = (
        max(abs(W - V).max() for W, V in zip(net.coefs_, one.coefs_, strict=True))
        for net in (other, reverse)
    )
    assert own <= 100 * max(rounding, 1e-15)


SGD = {"solver": "sgd"}


PARAMETERS = [
    {"batch_size": 7},
    {"batch_size": 40, "alpha": 0},
    {"shuffle": False},
    {"epsilon": 0.01},
    {"beta_1": 0.5, "beta_2": 0.7},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": 7, "n_iter_no_change": np.inf, "tol": 10},
    SGD | {"batch_size": 7, "alpha": 0},
    SGD | {"momentum": 0},
    SGD | {"momentum": 1, "learning_rate_init": 1e-5},
    SGD | {"nesterovs_momentum": False},
    SGD | {"learning_rate": "invscaling", "power_t": 0.1},
    SGD | {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
]


def check_parameters(key, parameters, weighted):
    task = make_task(key)
    weights = random_weights(task[3]) if weighted else None
    one, other = fit_both(task, weights, **{"max_iter": 50} | parameters)
    assert_same_network(one, other)
    assert one.n_iter_ == other.n_iter_


@pytest.mark.parametrize("weighted", [False, *[True] * HAS_WEIGHTS])
@pytest.mark.parametrize("index", range(len(PARAMETERS)), ids=map(repr, PARAMETERS))
def test_equal_parameters_mean_the_same(index, weighted):
    # Parameters of the optimiser know nothing of the targets.
    key = [*TASKS][(index + 2 * weighted) % len(TASKS)]
    check_parameters(key, PARAMETERS[index], weighted)


@pytest.mark.parametrize("weighted", [False, *[True] * HAS_WEIGHTS])
@pytest.mark.parametrize(
    "parameters",
    [
        {"early_stopping": True, "tol": 1e-3, "n_iter_no_change": 4},
        SGD | {"early_stopping": True, "tol": 0.01, "n_iter_no_change": 3},
    ],
    ids=repr,
)
@pytest.mark.parametrize("key", TASKS)
def test_early_stopping_means_the_same(key, parameters, weighted):
    check_parameters(key, parameters, weighted)


@pytest.mark.parametrize("parameters", [{}, SGD | {"learning_rate": "invscaling"}])
def test_warm_starts_continue_in_the_same_way(task, parameters):
    one, other = fit_both(task, warm_start=True, **parameters)
    for estimator in one, other:
        estimator.set_params(max_iter=7).fit(*task[2:])
    assert_same_network(one, other)


def test_warm_starts_keep_the_best_weights(task):
    """scikit-learn's second call returns its last weights unless it improves."""
    one, other = fit_both(task, warm_start=True, early_stopping=True)
    for estimator in one, other:
        estimator.set_params(max_iter=7).fit(*task[2:])
    for name in ("loss_curve_", "validation_scores_", "best_validation_score_"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name))
    best = other.coefs_
    other.set_params(max_iter=1, learning_rate_init=1e-300).fit(*task[2:])
    for before, after in zip(best, other.coefs_, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "parameters",
    [{}, SGD, SGD | {"learning_rate": "adaptive", "tol": 10, "n_iter_no_change": 1}],
    ids=repr,
)
def test_partial_fits_continue_in_the_same_way(task, parameters):
    name, defaults, X, y = task
    pair = [getattr(module, name)(**defaults | parameters) for module in (theirs, ours)]
    for batch in (slice(50), slice(50, 90), slice(90, 150), slice(50)):
        for estimator in pair:
            estimator.partial_fit(X[batch], y[batch], **classes_of(name, y))
        pair[1] = pickle.loads(pickle.dumps(pair[1]))
    assert_same_network(*pair)
    for estimator in pair:  # new parameters of the optimiser do not matter any more
        estimator.set_params(learning_rate_init=0.5).partial_fit(X, y)
    assert_same_network(*pair)


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize("n_rows", [1, 40])
def test_arrays_and_lists_are_the_same_to_partial_fit(task, n_rows, dtype):
    """scikit-learn checks lists, and need not check arrays."""
    name, defaults, X, y = task
    X = X.astype(dtype)
    by_array = getattr(ours, name)(**defaults).partial_fit(X, y, **classes_of(name, y))
    by_list = pickle.loads(pickle.dumps(by_array))
    for _ in range(2):
        by_array.partial_fit(X[:n_rows], y[:n_rows])
        by_list.partial_fit(X[:n_rows].tolist(), y[:n_rows].tolist())
    assert_same_network(by_array, by_list, tolerance=0)


@pytest.mark.parametrize("name", CLASSES)
def test_partial_fit_refuses_what_scikit_learn_refuses(name):
    X, y = several_classes()
    pair = [
        getattr(module, name)(random_state=0).partial_fit(X, y, **classes_of(name, y))
        for module in (theirs, ours)
    ]
    wrong_y = np.full(len(y), 7) if name == "MLPClassifier" else np.full(len(y), np.nan)
    nan = np.full_like(X, np.nan)
    for wrong in ((nan, y), (X[:, 1:], y), (X, wrong_y), (X, y[1:]), (X[:0], y[:0])):
        messages = []
        for estimator in pair:
            with pytest.raises(ValueError) as caught:  # noqa: PT011
                estimator.partial_fit(*wrong)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_float32_stays_float32(task, solver):
    name, defaults, X, y = task
    one, other = fit_both(
        (name, defaults | {"max_iter": 3}, X.astype(np.float32), y), solver=solver
    )
    if solver == "lbfgs":  # computes in float64, for a line search without noise
        one = clone(other).fit(X.astype(np.float32).astype(np.float64), y)
    assert_same_network(one, other, tolerance=1e-5)
    for given in (X, X.astype(np.float32), X.astype(np.float16), X > 0):
        assert other._forward_pass_fast(given).dtype == (
            one._forward_pass_fast(given).dtype
        )


def messages_of(fit, capsys):
    """What a call prints, warns of and raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = None
        try:
            fit()
        except (TypeError, ValueError, AttributeError, ZeroDivisionError) as raised:
            error = type(raised), str(raised)
    noted = [(w.category, str(w.message)) for w in caught]
    return capsys.readouterr().out, noted, error


SMALL = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 0])


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"verbose": True, "max_iter": 5},
        {"verbose": True, "tol": 1.0},
        {"verbose": True, "solver": "sgd", "learning_rate": "adaptive", "tol": 1.0},
        {"verbose": True, "early_stopping": True, "validation_fraction": 0.4},
        *[{"early_stopping": True, "validation_fraction": 0.1}] * HAS_WEIGHTS,
        {"batch_size": 7, "max_iter": 2},
        {"hidden_layer_sizes": (3, 0)},
        {"hidden_layer_sizes": "3"},
        {"activation": "selu"},
        {"solver": "sdg"},
        {"alpha": -1},
        {"momentum": 1.5},
        {"learning_rate_init": 0},
        {"validation_fraction": 1.0},
        {"max_iter": 0},
        {"solver": "lbfgs", "max_iter": 1},
        {"solver": "lbfgs", "max_fun": 2},
        {"learning_rate_init": 1e300, "solver": "sgd"},
    ],
    ids=repr,
)
def test_messages_are_the_same(name, parameters, capsys):
    noted = []
    for module in (theirs, ours):
        estimator = getattr(module, name)(random_state=1)
        estimator.set_params(**{"max_iter": 30} | parameters)
        with np.errstate(all="ignore"):
            noted.append(messages_of(lambda e=estimator: e.fit(*SMALL), capsys))
    assert noted[0] == noted[1]


def test_warnings_name_the_line_of_the_call():
    estimator = ours.MLPClassifier(batch_size=7, max_iter=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(*SMALL)
        estimator.partial_fit(*SMALL)
    assert [warning.filename for warning in caught] == [__file__] * 3


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_are_those_of_the_installed_scikit_learn(name):
    own, other = getattr(ours, name), getattr(theirs, name)
    assert inspect.signature(own) == inspect.signature(other)
    for method in ("fit", "partial_fit", "predict", "score"):
        parameters = [inspect.signature(getattr(c, method)) for c in (own, other)]
        assert parameters[0] == parameters[1]
    assert repr(own(alpha=1)) == repr(other(alpha=1)) == f"{name}(alpha=1)"
    assert own.__module__ == "cymlp.neural_network"


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_scikit_learn_computes_nothing(task, solver, monkeypatch):
    """So that a version with other internals would not go unnoticed."""

    def refused(*args):
        raise AssertionError

    for method in ("_backprop", "_forward_pass", "_compute_loss_grad"):
        owner = next(c for c in theirs.MLPClassifier.__mro__ if method in vars(c))
        monkeypatch.setattr(owner, method, refused)
    name, defaults, X, y = task
    estimator = getattr(ours, name)(**defaults | {"solver": solver, "max_iter": 2})
    assert estimator.fit(X, y).predict(X).shape == y.shape


def test_a_call_that_fails_changes_nothing(task):
    name, defaults, X, y = task
    estimator = getattr(ours, name)(**defaults | {"solver": "sgd"}).partial_fit(
        X, y, **classes_of(name, y)
    )
    before = pickle.loads(pickle.dumps(estimator))
    estimator.set_params(learning_rate_init=1e300)
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        estimator.fit(1e3 * X, y)
    with pytest.raises(ValueError, match="X contains NaN"):
        estimator.fit(np.full_like(X, np.nan), y)
    huge = 1e308 * np.sign(X)
    with (
        np.errstate(all="ignore"),  # scikit-learn adds the values up
        pytest.raises(ValueError, match="Solver produced non-finite"),
    ):
        estimator.partial_fit(huge, y)
    estimator.set_params(**before.get_params())
    assert vars(estimator).keys() == vars(before).keys()
    for both in (estimator, before):
        both.partial_fit(X, y)
    assert_same_network(before, estimator, tolerance=0)


@pytest.mark.skipif(not HAS_WEIGHTS, reason="scikit-learn before 1.7 has no weights")
def test_a_batch_without_weight_is_refused():
    weights = np.r_[np.zeros(5), 1]
    for module in (theirs, ours):
        estimator = module.MLPClassifier(batch_size=2, shuffle=False, random_state=0)
        with pytest.raises(ZeroDivisionError, match="sum to zero"):
            estimator.fit(*SMALL, sample_weight=weights)


def test_ctrl_c_keeps_the_weights(press_ctrl_c):
    X, y = make_classification(500, 20, random_state=0)
    estimator = ours.MLPClassifier(max_iter=10**6, tol=0, n_iter_no_change=np.inf)
    press_ctrl_c(0.5)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator.fit(X, y)
    assert 0 < len(estimator.loss_curve_) < 10**6
    assert estimator.score(X, y) > 0.9


def test_weights_that_a_user_assigns_are_used():
    X, y = several_classes()
    estimator = ours.MLPClassifier((4,), random_state=0, max_iter=5).fit(X, y)
    before = estimator.predict_proba(X)
    estimator.coefs_ = [np.asfortranarray(W).tolist() for W in estimator.coefs_]
    estimator.coefs_ = [np.array(W) for W in estimator.coefs_]
    np.testing.assert_array_equal(estimator.predict_proba(X), before)
    estimator.coefs_[1] = 0 * estimator.coefs_[1]
    estimator.intercepts_[1] = np.zeros(3)
    np.testing.assert_allclose(estimator.predict_proba(X), 1 / 3)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_predictions_that_are_not_finite_are_scikit_learns(task):
    one, other = fit_both(task, max_iter=2)
    huge = 1e308 * np.sign(task[2])
    outputs = [estimator._forward_pass_fast(huge) for estimator in (one, other)]
    np.testing.assert_allclose(*outputs, rtol=1e-9, equal_nan=True)
    if task[0] == "MLPRegressor":
        assert not np.isfinite(outputs[0]).all()


def test_networks_are_scikit_learns():
    """So that code which asks for their classes goes on to work."""
    for name in CLASSES:
        assert issubclass(getattr(ours, name), getattr(theirs, name))
