"""The classifier: results, attributes, errors, and the checks of scikit-learn."""

import io
import pickle
import threading
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import make_mlp
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from cymlp import MLPClassifier, activations, export, losses
from cymlp._engine.blas import largest_dimension
from cymlp._engine.optimizers import SOLVERS
from cymlp._fit.architecture import losses_for
from cymlp._fit.training import Training
from cymlp.activations import LeakyRelu, Selu, Tanh
from cymlp.losses import CrossEntropy, Focal, Hinge


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


class UserTanh:
    """An activation as a user would write it, with a count of its calls."""

    calls = 0

    def value(self, U):
        self.calls += 1
        return np.tanh(U)

    def derivative(self, U, A):
        return 1 - A**2


class UserCrossEntropy:
    def value_and_gradient(self, Z, T):
        p = self.probabilities(Z)
        return -np.log(p[T == 1]), p - T

    def probabilities(self, Z):
        e = np.exp(Z - Z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


# scikit-learn's own checks


def expected_failures(classifier):
    """Checks of scikit-learn that fail though the classifier is right.

    In float32 only, and only because of rounding: see the next test.
    """
    failing = {}
    if classifier.dtype == "float32":
        for kind in ("dense", "sparse"):
            name = f"check_sample_weight_equivalence_on_{kind}_data"
            failing[name] = "compares to 1e-7 in float32"
    return failing


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        MLPClassifier(),
        MLPClassifier(dtype="float64"),
        *(
            MLPClassifier(dtype="float64", loss=loss, scale=scale)
            for loss in losses_for("classes")
            for scale in ("auto", "standard")
        ),
        *(
            MLPClassifier(dtype="float64", solver=solver, scale="standard")
            for solver in SOLVERS
        ),
        MLPClassifier(
            dtype="float64",
            hidden_layer_sizes=(),
            scale="minmax",
            learning_rate_init=0.1,
            weight_decay=1e-4,
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("max_iter", [1, 10, 100])
def test_weights_differ_from_copies_by_rounding_alone(form, scale, max_iter):
    # In scikit-learn's check. An error of another kind would not shrink with epsilon.
    rng = np.random.default_rng(0)
    X, y, counts = rng.random((15, 30)), np.arange(15) % 3, rng.integers(0, 5, 15)
    difference = {}
    for dtype in ("float32", "float64"):
        mlp = MLPClassifier(
            dtype=dtype, scale=scale, batch_size=100, max_iter=max_iter,
            n_iter_no_change=np.inf, random_state=0,
        )  # fmt: skip
        weighted = clone(mlp).fit(form(X), y, counts).decision_function(X)
        copied = clone(mlp).fit(form(X.repeat(counts, 0)), y.repeat(counts))
        difference[dtype] = abs(weighted - copied.decision_function(X)).max()
        assert difference[dtype] < 100 * np.finfo(dtype).eps
    assert difference["float32"] > 1e6 * difference["float64"]


# Results


def test_without_hidden_layer_it_is_logistic_regression():
    X, y = make_classification(
        300, 5, n_informative=3, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0,
        n_clusters_per_class=1,
    )  # fmt: skip
    mlp = make_mlp(
        hidden_layer_sizes=(),
        weight_decay=0,
        batch_size=len(y),
        learning_rate_init=0.5,
        max_iter=3000,
        dtype="float64",
    )
    logistic = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10000)
    np.testing.assert_allclose(
        mlp.fit(X, y).predict_proba(X), logistic.fit(X, y).predict_proba(X), atol=1e-6
    )


def test_a_step_worked_out_by_hand():
    # With u = 2x = ln 3 / 2 the scores are u and -u, and the probabilities 3/4 and 1/4.
    x = np.log(3) / 4
    settings = {
        "activation": "identity",
        "dtype": "float64",
        "hidden_layer_sizes": (1,),
    }
    settings |= {"momentum": 0, "weight_decay": 0, "learning_rate_init": 0.1}
    mlp = make_mlp(**settings).partial_fit([[x]], [0], classes=[0, 1])
    mlp.coefs_ = [np.array([[2.0]]), np.array([[1.0, -1.0]])]
    mlp.intercepts_ = [np.zeros(1), np.zeros(2)]
    mlp.partial_fit([[x]], [1])
    assert mlp.loss_ == pytest.approx(np.log(4), rel=1e-14)
    # The gradient is (3/4, -3/4) in the scores, and so 3/4 + 3/4 in u.
    for own, by_hand in zip(
        mlp.coefs_ + mlp.intercepts_,
        [
            [[2 - 0.1 * 1.5 * x]],
            [[1 - 0.1 * 0.75 * 2 * x, -1 + 0.1 * 0.75 * 2 * x]],
            [-0.1 * 1.5],
            [-0.1 * 0.75, 0.1 * 0.75],
        ],
        strict=True,
    ):
        np.testing.assert_allclose(own, by_hand, rtol=1e-14)


@pytest.mark.parametrize("loss", ["cross_entropy", "kl_div", "hinge", "focal"])
@pytest.mark.parametrize("activation", ["selu", "hardswish", "tanh"])
def test_every_combination_learns(digits, activation, loss):
    X, y = digits
    mlp = make_mlp(
        hidden_layer_sizes=(32,), activation=activation, loss=loss, max_iter=20,
        learning_rate_init=0.02,
    )  # fmt: skip
    mlp.fit(X[:1200], y[:1200])
    assert mlp.score(X[1200:], y[1200:]) > 0.85
    assert mlp.loss_curve_[-1] < 0.5 * mlp.loss_curve_[0]


def test_float32_is_close_to_float64(digits):
    X, y = digits
    single, double = (
        make_mlp(dtype=dtype).fit(X, y) for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(
        single.predict_proba(X), double.predict_proba(X), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.float64])
def test_outputs_carry_the_dtype(three_classes, dtype):
    X, y = three_classes
    mlp = make_mlp(dtype=dtype).fit(X, y)
    assert mlp.coefs_[0].dtype == mlp.intercepts_[0].dtype == dtype
    for outputs in (mlp.predict_proba, mlp.predict_log_proba, mlp.decision_function):
        assert outputs(X).dtype == dtype


@pytest.mark.parametrize(
    ("activation", "deviations"),
    [
        # LeCun normal for layers before selu, Glorot uniform for others; the output
        # layer has the rule of the layer before it.
        ("selu", [1 / np.sqrt(200), 1 / np.sqrt(150), 1 / np.sqrt(100)]),
        (
            ["selu", "tanh"],
            [1 / np.sqrt(200), np.sqrt(2 / (150 + 100)), np.sqrt(2 / (100 + 60))],
        ),
        *(
            (other, np.sqrt(2 / np.array([200 + 150, 150 + 100, 100 + 60])))
            for other in sorted({*activations.ACTIVATIONS} - {"selu"})
        ),
    ],
)
def test_first_weights_have_the_stated_deviation(activation, deviations):
    X = np.random.default_rng(0).normal(size=(120, 200))
    mlp = make_mlp(
        hidden_layer_sizes=(150, 100), activation=activation, max_iter=1,
        learning_rate_init=1e-30,
    )  # fmt: skip
    mlp.fit(X, np.arange(120) % 60)
    np.testing.assert_allclose([W.std() for W in mlp.coefs_], deviations, rtol=0.05)
    assert all(np.abs(b).max() < 1e-20 for b in mlp.intercepts_)


def test_initial_weights_that_overflow_are_refused(three_classes):
    with pytest.raises(
        ValueError, match=r"init=1e\+300 gives weights too large for float32"
    ):
        make_mlp(init=1e300).fit(*three_classes)


def test_init_can_be_a_standard_deviation(digits):
    X, y = digits
    mlp = make_mlp(
        hidden_layer_sizes=(200,), init=0.01, max_iter=1, learning_rate_init=1e-30
    )
    np.testing.assert_allclose(mlp.fit(X, y).coefs_[0].std(), 0.01, rtol=0.05)


# Parameters, attributes and outputs


@pytest.mark.parametrize("name", sorted(losses_for("classes")))
def test_a_name_means_the_loss_with_its_defaults(three_classes, name):
    X, y = three_classes
    instance = losses.LOSSES[name]()
    by_name, by_object = (make_mlp(loss=loss).fit(X, y) for loss in (name, instance))
    np.testing.assert_array_equal(by_name.coefs_[0], by_object.coefs_[0])


@pytest.mark.parametrize(
    ("name", "instance"),
    [(name, member()) for name, member in sorted(activations.ACTIVATIONS.items())],
)
def test_a_name_means_the_activation(three_classes, name, instance):
    X, y = three_classes
    fits = [
        make_mlp(hidden_layer_sizes=(5, 4), activation=activation).fit(X, y)
        for activation in (name, instance, [name, instance])
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0].coefs_[0], other.coefs_[0])


def test_each_hidden_layer_may_have_its_own_activation(three_classes):
    X, y = three_classes
    mixed = make_mlp(hidden_layer_sizes=(5, 4), activation=["tanh", "selu"]).fit(X, y)
    same = make_mlp(hidden_layer_sizes=(5, 4), activation="tanh").fit(X, y)
    A = np.tanh(X @ mixed.coefs_[0] + mixed.intercepts_[0])
    A = Selu().value(A @ mixed.coefs_[1] + mixed.intercepts_[1])
    Z = A @ mixed.coefs_[2] + mixed.intercepts_[2]
    np.testing.assert_allclose(mixed.decision_function(X), Z, rtol=1e-4, atol=1e-5)
    assert not np.allclose(mixed.coefs_[1], same.coefs_[1])


def test_a_users_activation_and_loss_equal_the_built_in_ones(three_classes):
    X, y = three_classes
    built_in = make_mlp(dtype="float64", max_iter=5)
    custom = clone(built_in).set_params(activation=UserTanh(), loss=UserCrossEntropy())
    built_in.fit(X, y, X_val=X, y_val=y)
    custom.fit(X, y, X_val=X, y_val=y)
    np.testing.assert_allclose(custom.coefs_[0], built_in.coefs_[0], rtol=1e-10)
    np.testing.assert_allclose(
        custom.predict_proba(X), built_in.predict_proba(X), rtol=1e-9
    )
    np.testing.assert_allclose(
        custom.predict_log_proba(X), built_in.predict_log_proba(X), rtol=1e-9
    )
    np.testing.assert_allclose(
        custom.history_["val_loss"], built_in.history_["val_loss"], rtol=1e-9
    )
    assert custom.activation.calls > 5


@pytest.mark.parametrize(
    ("member", "name", "values"),
    [(Focal, "gamma", [0, 1, 2]), (CrossEntropy, "label_smoothing", [0, 0.5, 0.9])],
)
def test_a_grid_search_can_set_parameters_of_the_loss(
    three_classes, member, name, values
):
    X, y = three_classes
    search = GridSearchCV(make_mlp(loss=member()), {f"loss__{name}": values}, cv=2)
    search.fit(X, y)
    best = search.best_params_[f"loss__{name}"]
    assert getattr(search.best_estimator_.loss, name) == best
    by_hand = [
        cross_val_score(make_mlp(loss=member(**{name: value})), X, y, cv=2).mean()
        for value in values
    ]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], by_hand)


@pytest.mark.parametrize(
    "labels",
    [["ant", "bee"], ["ant", "bee", "cat"], [False, True], [3, -7], [1.0, 2.0, 5.0]],
    ids=str,
)
def test_labels_of_any_kind_come_back(labels):
    X, y = make_classification(
        90, 6, n_informative=4, n_classes=len(labels), random_state=0, class_sep=2
    )
    y = np.array(labels)[y]
    mlp = make_mlp(max_iter=30, batch_size=10).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(mlp.classes_, np.unique(y))
    assert mlp.predict(X).dtype == y.dtype
    assert mlp.score(X, y) > 0.8
    # The last epoch's validation is what the fitted network gives.
    assert mlp.history_["val_accuracy"][-1] == pytest.approx(mlp.score(X, y))


def test_two_classes_keep_two_outputs(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X, y > 0)
    assert mlp.n_outputs_ == 2
    assert mlp.coefs_[-1].shape == (8, 2)
    scores = mlp.decision_function(X)
    assert scores.shape == (120,)
    np.testing.assert_array_equal(scores > 0, mlp.predict(X))
    p = mlp.predict_proba(X)
    np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), scores, rtol=1e-3, atol=1e-5)


def test_fitted_attributes(three_classes):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=[7, 5], max_iter=3).fit(
        pd.DataFrame(X, columns=list("abcdef")), y
    )
    assert [W.shape for W in mlp.coefs_] == [(6, 7), (7, 5), (5, 3)]
    assert [b.shape for b in mlp.intercepts_] == [(7,), (5,), (3,)]
    assert all(type(array) is np.ndarray for array in mlp.coefs_ + mlp.intercepts_)
    assert (mlp.n_layers_, mlp.n_outputs_, mlp.n_iter_) == (4, 3, 3)
    assert (mlp.n_features_in_, mlp.out_activation_) == (6, "softmax")
    assert list(mlp.feature_names_in_) == list("abcdef")
    assert mlp.loss_ == mlp.loss_curve_[-1] == mlp.history_["train_loss"][-1]


@pytest.mark.parametrize("sizes", [(8,), [8], np.array([8]), 8, np.int64(8)], ids=repr)
def test_ways_to_give_the_hidden_layers(three_classes, sizes):
    X, y = three_classes
    assert make_mlp(hidden_layer_sizes=sizes).fit(X, y).coefs_[0].shape == (6, 8)


def test_plain_hinge_has_no_probabilities(three_classes):
    X, y = three_classes
    hinge = make_mlp(loss="hinge")
    assert not hasattr(hinge, "predict_proba")
    hinge.fit(X, y)
    assert not hasattr(hinge, "predict_proba")
    assert not hasattr(hinge, "predict_log_proba")
    assert hinge.out_activation_ == "identity"
    softmax_hinge = make_mlp(loss=Hinge(softmax=True)).fit(X, y)
    np.testing.assert_allclose(softmax_hinge.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


def test_predictions_use_weights_that_a_user_assigns(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X, y)
    mlp.coefs_ = [np.zeros_like(W) for W in mlp.coefs_]
    mlp.intercepts_[-1] = np.array([0.0, 5.0, 0.0])
    assert set(mlp.predict(X)) == {1}


# Functions of lists of weights and biases, and the error for the lists they return.
BAD_LAYERS = {
    "no layer": (lambda W, b: ([], []), "each of the 2 layers; got 0 and 0"),
    "a layer less": (lambda W, b: (W[:1], b), "each of the 2 layers; got 1 and 2"),
    "a layer more": (
        lambda W, b: ([*W, np.eye(3)], [*b, np.ones(3)]),
        "each of the 2 layers; got 3 and 3",
    ),
    "None": (lambda W, b: (None, b), "must be lists of arrays"),
    "ragged": (lambda W, b: ([[[1, 2], [3]], W[1]], b), "must be lists of arrays"),
    "text": (lambda W, b: (["a", "b"], b), "must be real numbers.*dtype <U1"),
    "complex": (lambda W, b: ([W[0] * 1j, W[1]], b), "real numbers.*dtype complex64"),
    "flat": (lambda W, b: ([W[0].ravel(), W[1]], b), r"consistent.*got \[\(48,\), \(8"),
    "transposed": (lambda W, b: ([W[0], W[1].T], b), r"consistent.*\(3, 8\)"),
    "scalars": (lambda W, b: ([1, 2], [3, 4]), r"consistent.*\[\(\), "),
    "other features": (lambda W, b: ([W[0][1:], W[1]], b), r"consistent.*\(5, 8\)"),
    "other biases": (lambda W, b: (W, [b[0][1:], b[1]]), r"consistent.*\(7,\)"),
    "more outputs": (
        lambda W, b: ([W[0], np.ones((8, 5))], [b[0], np.ones(5)]),
        r"6 features to 3 outputs.*\(8, 5\)",
    ),
    "fewer outputs": (
        lambda W, b: ([W[0], np.ones((8, 2))], [b[0], np.ones(2)]),
        r"6 features to 3 outputs.*\(8, 2\)",
    ),
}


@pytest.mark.parametrize(
    ("change", "message"), BAD_LAYERS.values(), ids=BAD_LAYERS.keys()
)
def test_assigned_weights_that_do_not_fit_are_refused(
    three_classes, tmp_path, change, message
):
    X, y = three_classes
    mlp = make_mlp(warm_start=True).fit(X, y)
    mlp.coefs_, mlp.intercepts_ = change(mlp.coefs_, mlp.intercepts_)
    for use in (
        lambda: mlp.predict(X),
        lambda: mlp.predict_proba(np.float32(X)),
        lambda: export.to_c(mlp, tmp_path / "model.c"),
    ):
        with pytest.raises(ValueError, match=f"coefs_ and intercepts_ .*{message}"):
            use()
    for train in (mlp.fit, mlp.partial_fit):
        with pytest.raises(ValueError, match="coefs_ and intercepts_ "):
            train(X, y)


def test_assigned_weights_of_other_outputs_are_refused_without_hidden_layers(
    three_classes,
):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=()).fit(X, y)
    mlp.coefs_, mlp.intercepts_ = [np.ones((6, 2))], [np.ones(2)]
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have consistent"):
        mlp.predict(X)


def test_assigned_weights_may_be_lists_and_have_another_width(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X, y)
    wide = make_mlp(hidden_layer_sizes=(11,)).fit(X, y)
    mlp.coefs_ = [W.tolist() for W in wide.coefs_]
    mlp.intercepts_ = [b.tolist() for b in wide.intercepts_]
    np.testing.assert_array_equal(mlp.predict_proba(X), wide.predict_proba(X))


def test_weights_are_arrays_of_their_own(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X, y)
    assert all(array.base is None for array in mlp.coefs_ + mlp.intercepts_)


def test_changing_a_parameter_of_the_loss_needs_a_new_fit_to_count(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=Hinge(softmax=True)).fit(X, y)
    p = mlp.predict_proba(X)
    mlp.set_params(loss__softmax=False)
    np.testing.assert_array_equal(mlp.predict_proba(X), p)
    assert not hasattr(mlp.fit(X, y), "predict_proba")


@pytest.mark.parametrize(
    "weights",
    [
        [1e308] * 120,
        [1e-300] * 120,
        # One sample alone.
        [5e-324] + [0] * 119,
    ],
    ids=["huge", "tiny", "one"],
)
def test_only_the_ratio_of_weights_counts(three_classes, weights):
    X, y = three_classes
    weights = np.array(weights)
    extreme = make_mlp().fit(X, y, sample_weight=weights)
    usual = make_mlp().fit(X, y, sample_weight=(weights > 0) * 2.0)
    np.testing.assert_array_equal(extreme.coefs_[0], usual.coefs_[0])


def test_a_sample_of_weight_0_does_not_count_even_if_its_loss_is_infinite(
    three_classes,
):
    X, y = three_classes
    X = X.copy()
    X[0] = 3e38
    weights = np.ones(120)
    weights[0] = 0
    mlp = make_mlp(hidden_layer_sizes=(), loss="hinge", scale=(0, 1)).fit(
        X, y, weights, X_val=X, y_val=y, sample_weight_val=weights
    )
    assert np.isfinite(mlp.loss_curve_).all()
    assert np.isfinite(mlp.history_["val_loss"]).all()


class Careless(UserCrossEntropy):
    """Changes its argument in place; returns wrong shapes on request."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def value_and_gradient(self, Z, T):
        result = super().value_and_gradient(Z, T)
        Z -= 1e6 * T
        if len(Z) == 30 and self.wrong == "validation":
            return 0.0, result[1]
        return result

    def probabilities(self, Z):
        p = super().probabilities(Z)
        return p[:2] if self.wrong == "probabilities" and len(Z) == 30 else p


class ShortInPrediction(UserTanh):
    def value(self, U):
        return np.tanh(U)[:1] if len(U) == 30 else np.tanh(U)


def test_a_users_loss_may_change_its_arguments_in_place(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=Careless()).fit(X, y, X_val=X, y_val=y)
    assert mlp.history_["val_accuracy"][-1] == pytest.approx(mlp.score(X, y))


def test_wrong_results_of_a_users_object_are_refused_outside_training_too(
    three_classes,
):
    X, y = three_classes
    with pytest.raises(ValueError, match=r"Careless.value_and_gradient.*\(30,\)"):
        make_mlp(loss=Careless("validation")).fit(X, y, X_val=X[:30], y_val=y[:30])
    mlp = make_mlp(loss=Careless("probabilities")).fit(X, y)
    with pytest.raises(ValueError, match=r"Careless.probabilities.*\(30, 3\)"):
        mlp.predict_proba(X[:30])
    mlp = make_mlp(activation=ShortInPrediction()).fit(X, y)
    with pytest.raises(ValueError, match=r"ShortInPrediction.value.*\(30, 8\)"):
        mlp.predict(X[:30])


def test_history_has_a_value_per_epoch(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=4, batch_size=50, learning_rate_init=0.02)
    history = mlp.fit(X, y, X_val=X[:30], y_val=y[:30]).history_
    assert set(history) == {
        "epoch", "train_loss", "train_accuracy", "gradient_norm", "val_loss",
        "val_accuracy", "seconds", "learning_rate",
    }  # fmt: skip
    assert all(column.shape == (4,) for column in history.values())
    np.testing.assert_array_equal(history["epoch"], [1, 2, 3, 4])
    np.testing.assert_array_equal(history["learning_rate"], 0.02)
    assert np.all(history["seconds"] > 0)
    assert np.all(history["gradient_norm"] > 0)
    assert history.batches is None
    assert "val_loss" not in mlp.fit(X, y).history_


def test_gradient_norm_is_that_of_the_loss_without_weight_decay(three_classes):
    """The length of a step, without the part of the weight decay, tells the norm."""
    X, y = three_classes
    settings = {"momentum": 0, "batch_size": len(X), "max_iter": 1, "dtype": "float64"}
    settings |= {"init": 0.1, "learning_rate_init": 1e-6, "random_state": 0}
    still = make_mlp(**settings | {"learning_rate_init": 1e-300}).fit(X, y)
    for weight_decay in (0, 1):
        mlp = make_mlp(**settings, weight_decay=weight_decay).fit(X, y)
        step = [
            after - (1 - 1e-6 * weight_decay) * before
            for after, before in zip(
                mlp.coefs_ + mlp.intercepts_,
                still.coefs_ + still.intercepts_,
                strict=True,
            )
        ]
        length = np.sqrt(sum(np.sum(part**2) for part in step))
        np.testing.assert_allclose(
            mlp.history_["gradient_norm"], [length / 1e-6], rtol=1e-6
        )


def test_gradient_norm_of_an_epoch_is_the_mean_over_its_batches(three_classes):
    X, y = three_classes
    mlp = make_mlp(
        dtype="float64", batch_size=50, shuffle=False, max_iter=1,
        learning_rate_init=1e-300, random_state=0,
    )  # fmt: skip
    parts = [
        mlp.fit(X[rows], y[rows]).history_["gradient_norm"]
        for rows in (slice(50), slice(50, 100), slice(100, 120))
    ]
    whole = mlp.fit(X, y).history_["gradient_norm"]
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-12)


def test_history_keeps_every_batch_on_request(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=4, batch_size=50, record_batches=True).fit(X, y)
    batches = mlp.history_.batches
    assert set(batches) == {"loss", "accuracy"}
    for name, values in batches.items():
        assert values.shape == (4, 3)
        assert values.dtype == np.float32
        # Batches of 50, 50 and 20 samples; the epoch's value is the mean over samples.
        np.testing.assert_allclose(
            values @ [50 / 120, 50 / 120, 20 / 120],
            mlp.history_[f"train_{name}"],
            rtol=1e-6,
        )


def test_validation_does_not_influence_training(three_classes):
    X, y = three_classes
    with_set = make_mlp().fit(X, y, X_val=X[:30], y_val=y[:30])
    np.testing.assert_array_equal(make_mlp().fit(X, y).coefs_[0], with_set.coefs_[0])


def test_training_stops_when_the_loss_stays(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=500, n_iter_no_change=3, tol=0.01).fit(X, y)
    assert mlp.n_iter_ < 500
    losses = np.array(mlp.loss_curve_)
    best_before = np.minimum.accumulate(losses)[:-1]
    stays = losses[1:] > best_before - 0.01
    # More than 3 epochs without improvement, for the first time at the end.
    assert stays[-4:].all()
    assert not any(stays[i : i + 4].all() for i in range(len(stays) - 4))


def test_a_loss_that_stays_0_is_no_improvement_even_with_tol_0():
    X = np.array([[-3.0], [3.0]] * 20)
    mlp = make_mlp(
        hidden_layer_sizes=(),
        loss="hinge",
        tol=0,
        n_iter_no_change=5,
        max_iter=2000,
        weight_decay=0,
    )
    mlp.fit(X, X[:, 0] > 0)
    assert mlp.loss_curve_[-6:] == [0.0] * 6
    assert mlp.n_iter_ < 2000


def test_reaching_max_iter_warns_unless_stopping_is_off(three_classes):
    X, y = three_classes
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as warned:
        make_mlp(max_iter=2, n_iter_no_change=10).fit(X, y)
    assert warned[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_mlp(max_iter=2, n_iter_no_change=np.inf).fit(X, y)


def test_verbose_shows_loss_accuracy_and_time_left(three_classes, capsys):
    X, y = three_classes
    make_mlp(verbose=True).fit(X, y, X_val=X, y_val=y)
    shown = capsys.readouterr().err
    for part in ("10/10", "train_loss=", "train_accuracy=", "val_loss=", "<00:0"):
        assert part in shown
    make_mlp().fit(X, y)
    assert capsys.readouterr().err == ""


# Reproducibility


def test_the_same_seed_gives_the_same_bits_whatever_else_runs(digits):
    X, y = digits
    alone = make_mlp(hidden_layer_sizes=(64,), max_iter=5).fit(X, y)
    done = threading.Event()

    def multiply():
        matrix = np.ones((300, 300))
        while not done.is_set():
            matrix @ matrix

    others = [threading.Thread(target=multiply) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        beside = [
            make_mlp(hidden_layer_sizes=(64,), max_iter=5).fit(X, y) for _ in range(3)
        ]
    finally:
        done.set()
        for thread in others:
            thread.join()
    for mlp in beside:
        for W, W_alone in zip(mlp.coefs_, alone.coefs_, strict=True):
            np.testing.assert_array_equal(W, W_alone)


def test_fits_in_threads_give_what_each_gives_alone(digits):
    X, y = digits
    alone = [make_mlp(random_state=seed).fit(X, y) for seed in range(4)]
    together = joblib.Parallel(n_jobs=4, prefer="threads")(
        joblib.delayed(make_mlp(random_state=seed).fit)(X, y) for seed in range(4)
    )
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_order_of_samples_matters_only_with_shuffle(three_classes):
    X, y = three_classes
    mlps = [
        make_mlp(shuffle=shuffle, batch_size=20, init=0.1).fit(X, y)
        for shuffle in (True, False)
    ]
    assert not np.array_equal(mlps[0].coefs_[0], mlps[1].coefs_[0])
    full = [
        make_mlp(shuffle=shuffle, batch_size=120, dtype="float64").fit(X, y)
        for shuffle in (True, False)
    ]
    np.testing.assert_allclose(full[0].coefs_[0], full[1].coefs_[0], rtol=1e-9)


# Use with scikit-learn


def test_clone_pickle_and_joblib(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=Focal(gamma=1.5), activation=[Selu()], record_batches=True)
    assert clone(mlp).get_params()["loss__gamma"] == 1.5
    mlp.fit(X, y)
    stream = io.BytesIO()
    joblib.dump(mlp, stream)
    stream.seek(0)
    for copy in (pickle.loads(pickle.dumps(mlp)), joblib.load(stream)):
        np.testing.assert_array_equal(copy.predict_proba(X), mlp.predict_proba(X))
        assert copy.history_["train_loss"].tolist() == mlp.loss_curve_
        assert copy.history_.batches["loss"].shape == mlp.history_.batches["loss"].shape


def test_pipeline_and_cross_validation(digits):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), make_mlp(max_iter=20))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(MLPClassifier(loss=Focal(gamma=3))) == (
        "MLPClassifier(loss=Focal(gamma=3))"
    )


# Errors

X_GOOD = np.random.default_rng(0).normal(size=(30, 4))
Y_GOOD = np.arange(30) % 3


def with_value(value):
    X = X_GOOD.copy()
    X[3, 1] = value
    return X


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "relux"}, r"'activation'.*'(selu|tanh|hardswish)'.*'relux'"),
        ({"activation": Tanh}, "'activation'.*not a class"),
        (
            {"activation": ["tanh", "selu"]},
            r"'activation'.*one value, or a list with one value per hidden layer \(1\)",
        ),
        ({"activation": ["relux"]}, r"'activation'.*\['gelu', .*'tanh'\]"),
        ({"activation": [None]}, "'activation'.*Got None"),
        (
            {"activation": LeakyRelu(negative_slope=-1)},
            r"'negative_slope'.*LeakyRelu.*\(0.0, 1.0\].*Got -1",
        ),
        ({"loss": "mse"}, r"'loss'.*'cross_entropy'.*'mse'"),
        ({"loss": Focal}, "'loss'.*not a class"),
        ({"loss": Hinge(margin=0)}, r"'margin'.*Hinge.*Got 0"),
        ({"loss": Focal(gamma=-1)}, r"'gamma'.*Focal.*\[0.0, inf\).*Got -1"),
        ({"loss": Focal(alpha=[1, 2])}, r"'alpha'.*3 classes.*Got \[1, 2\]"),
        ({"learning_rate_init": 0.0}, r"'learning_rate_init'.*\(0.0, inf\).*Got 0.0"),
        ({"learning_rate_init": -1}, "'learning_rate_init'.*Got -1"),
        ({"learning_rate_init": np.nan}, "'learning_rate_init'.*Got nan"),
        ({"learning_rate_init": np.inf}, "'learning_rate_init'.*Got inf"),
        ({"momentum": 1.0}, r"'momentum'.*\[0.0, 1.0\).*Got 1.0"),
        ({"momentum": -0.1}, "'momentum'.*Got -0.1"),
        ({"weight_decay": -1e-4}, r"'weight_decay'.*\[0.0, inf\).*Got -0.0001"),
        ({"batch_size": 0}, r"'batch_size'.*\[1, inf\).*Got 0"),
        ({"batch_size": 1.5}, "'batch_size'.*int.*Got 1.5"),
        ({"hidden_layer_sizes": (3, 0)}, r"'hidden_layer_sizes'.*Got \(3, 0\)"),
        ({"hidden_layer_sizes": (3.5,)}, "'hidden_layer_sizes'.*integers from 1"),
        ({"hidden_layer_sizes": -2}, "'hidden_layer_sizes'.*Got -2"),
        ({"hidden_layer_sizes": "ab"}, "'hidden_layer_sizes'.*Got 'ab'"),
        ({"hidden_layer_sizes": (True,)}, r"'hidden_layer_sizes'.*Got \(True,\)"),
        ({"hidden_layer_sizes": {5: 1}}, r"'hidden_layer_sizes'.*Got \{5: 1\}"),
        ({"hidden_layer_sizes": np.array(5)}, r"'hidden_layer_sizes'.*Got array\(5\)"),
        (
            {"hidden_layer_sizes": [[3], [4, 5]]},
            "'hidden_layer_sizes'.*integers from 1",
        ),
        ({"hidden_layer_sizes": (2**63,)}, "'hidden_layer_sizes'.*BLAS"),
        ({"hidden_layer_sizes": (2**30, 2**30)}, "'hidden_layer_sizes'.*memory"),
        ({"max_iter": 0}, "'max_iter'.*Got 0"),
        ({"init": -1.0}, "'init'.*Got -1.0"),
        ({"init": "zeros"}, "'init'.*'auto'.*Got 'zeros'"),
        ({"dtype": "float16"}, "'dtype'.*'float32'.*Got 'float16'"),
        ({"tol": -1.0}, "'tol'.*Got -1.0"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change'.*Got 0"),
        ({"shuffle": "yes"}, "'shuffle'.*Got 'yes'"),
    ],
)
def test_invalid_parameters_are_refused(parameters, message):
    mlp = make_mlp().fit(X_GOOD, Y_GOOD).set_params(**parameters)
    before = vars(mlp).copy()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        mlp.fit(X_GOOD, Y_GOOD)
    assert vars(mlp) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": with_value(np.nan)}, "X contains NaN"),
        ({"X": with_value(np.inf)}, "X contains infinity"),
        ({"X": with_value(1e60)}, r"too large for dtype\('float32'\)"),
        ({"X": X_GOOD[0]}, "^X: .*2D array"),
        ({"X": [["a"]] * 30}, "^X: could not convert"),
        ({"sample_weight": ["a"] * 30}, "^sample_weight: could not convert"),
        ({"y": np.where(Y_GOOD == 1, np.nan, Y_GOOD)}, "y contains NaN"),
        ({"y": Y_GOOD[:-1]}, "one entry for each of the 30 samples of X; got 29"),
        ({"y": np.zeros(30)}, "at least 2 classes; got one class only: 0.0"),
        ({"y": X_GOOD[:, 0]}, "continuous"),
        ({"y": 2 * np.eye(3, dtype=int)[Y_GOOD]}, "y must be labels.*MultiOutputClass"),
        ({"y": csr_array(np.eye(3)[Y_GOOD] / 2)}, "y must be labels.*the value 0.5"),
        ({"y": X_GOOD[:, :3]}, r"y must be labels.*row 0 has sum .*MultiOutputClass"),
        ({"y": np.full((30, 3), np.nan)}, "y contains NaN"),
        ({"y": None}, "requires y to be passed"),
        ({"y": []}, "^y must have at least one label; got none"),
        ({"y": np.empty((0, 3))}, r"^y: .*0 sample"),
        ({"X": 1e300 * X_GOOD}, "^Input X contains infinity or a value too large"),
        ({"sample_weight": -np.ones(30)}, "sample_weight.*negative"),
        ({"sample_weight": np.zeros(30)}, "(?i)sample.weight.*at least one"),
        ({"sample_weight": np.ones(5)}, "sample_weight.shape"),
        ({"sample_weight": np.full(30, np.nan)}, "sample_weight contains NaN"),
        ({"X_val": X_GOOD}, "X_val and y_val must be given together"),
        ({"y_val": Y_GOOD}, "X_val and y_val must be given together"),
        ({"X_val": X_GOOD[:, :2], "y_val": Y_GOOD}, "X_val.*expecting 4 features"),
        ({"X_val": with_value(np.nan), "y_val": Y_GOOD}, "X_val.*contains NaN"),
        (
            {"X_val": X_GOOD, "y_val": Y_GOOD[1:]},
            "y_val: .*each of the 30 samples.*got 29",
        ),
        ({"X_val": X_GOOD, "y_val": np.array([*"abc"] * 10)}, "y_val.*labels.*'a'"),
        ({"X_val": X_GOOD, "y_val": Y_GOOD + 1}, r"y_val.*labels.*\[3\]"),
        ({"sample_weight_val": np.ones(30)}, "together, with sample_weight_val; got"),
        ({"X_val": 1e300 * X_GOOD, "y_val": Y_GOOD}, "^X_val: Input X contains inf"),
        ({"X_val": X_GOOD, "y_val": []}, "^y_val: y must have at least one label"),
        ({"X_val": X_GOOD, "y_val": X_GOOD[:, 0]}, "^y_val: .*continuous"),
        *(
            (
                {"X_val": X_GOOD, "y_val": Y_GOOD, "sample_weight_val": wrong},
                "^sample_weight_val: ",
            )
            for wrong in (-np.ones(30), np.ones(5), np.full(30, np.nan), ["a"] * 30)
        ),
    ],
)
def test_invalid_data_are_refused(arguments, message):
    mlp = make_mlp().fit(X_GOOD, Y_GOOD)
    before = vars(mlp).copy()
    with pytest.raises(ValueError, match=message):
        mlp.fit(**{"X": X_GOOD, "y": Y_GOOD} | arguments)
    assert vars(mlp) == before


def test_a_layer_too_large_for_blas_is_refused():
    with pytest.raises(ValueError, match=f"hidden_layer_sizes.*{largest_dimension()}"):
        make_mlp(hidden_layer_sizes=(largest_dimension() + 1,)).fit(X_GOOD, Y_GOOD)


def test_refused_arguments_leave_an_earlier_fit_alone(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X, y)
    before = mlp.predict_proba(X)
    for refused in ({"sample_weight": -np.ones(120)}, {"y": np.zeros(120)}):
        with pytest.raises(ValueError, match=r"sample_weight|one class"):
            mlp.fit(**{"X": X[:, :2], "y": y} | refused)
        np.testing.assert_array_equal(mlp.predict_proba(X), before)
    for parameters in ({"loss": Focal(alpha=[1])}, {"hidden_layer_sizes": (0,)}):
        with pytest.raises(ValueError, match=r"alpha|hidden_layer_sizes"):
            mlp.set_params(**parameters).fit(X, y)
        np.testing.assert_array_equal(mlp.predict_proba(X), before)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predicting_needs_a_fit_and_the_same_features(three_classes, method):
    X, y = three_classes
    mlp = make_mlp()
    with pytest.raises(NotFittedError):
        getattr(mlp, method)(X)
    mlp.fit(X, y)
    with pytest.raises(ValueError, match="X has 4 features, but MLPClassifier is exp"):
        getattr(mlp, method)(X[:, :4])


# Divergence and interruption


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_block_sparse_values_that_are_not_finite_are_refused_before_a_draw(wrong):
    X = np.zeros((200, 40), np.float32)
    X[:, 17] = np.arange(200) % 7
    y = np.arange(200) % 2
    mlp = make_mlp(random_state=np.random.RandomState(0)).fit(X, y)
    before = pickle.dumps(vars(mlp))
    X[199, 39] = wrong
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        mlp.fit(X, y)
    assert pickle.dumps(vars(mlp)) == before


class Doubling:
    """A loss whose gradient grows until it is no longer finite."""

    def value_and_gradient(self, Z, T):
        return np.abs(Z).sum(axis=1), Z.astype(float) * 1e5


def test_divergence_keeps_the_last_finite_weights(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=Doubling(), max_iter=200)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+.*learning_rate_init"):
        mlp.fit(X, y)
    assert mlp.n_iter_ == len(mlp.loss_curve_) == mlp.history_.n_epochs >= 2
    before = make_mlp(loss=Doubling(), max_iter=mlp.n_iter_).fit(X, y)
    for W, W_before in zip(mlp.coefs_, before.coefs_, strict=True):
        np.testing.assert_array_equal(W, W_before)
    mlp.predict(X)
    mlp.set_params(loss="hinge").fit(X, y)


def test_squares_that_overflow_are_divergence_too():
    """Adam would never again move a parameter whose mean square is infinite."""
    X = np.float32([[1e25, 0], [0, 1e25]])
    mlp = make_mlp(hidden_layer_sizes=(), solver="adam", init=1e-30)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        mlp.fit(X, [0, 1])


class InterruptedLoss(UserCrossEntropy):
    """Simulates Ctrl-C in the middle of the third epoch."""

    calls = 0

    def value_and_gradient(self, Z, T):
        self.calls += 1
        if self.calls == 2 * 3 + 2:
            raise KeyboardInterrupt
        return super().value_and_gradient(Z, T)


def test_an_interrupt_keeps_the_result_of_the_finished_epochs(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=InterruptedLoss(), batch_size=40)
    with pytest.warns(match=r"interrupted in epoch 3\..*the 2 finished") as warned:
        mlp.fit(X, y)
    assert warned[0].category is RuntimeWarning
    assert warned[0].filename == __file__
    assert mlp.n_iter_ == 2
    two_epochs = make_mlp(loss=UserCrossEntropy(), batch_size=40, max_iter=2).fit(X, y)
    np.testing.assert_array_equal(mlp.coefs_[0], two_epochs.coefs_[0])


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupt_between_epochs_loses_none(three_classes, epoch, monkeypatch):
    X, y = three_classes
    saved = []

    def save(training):
        if len(saved) == epoch - 1:
            raise KeyboardInterrupt
        saved.append(original(training))

    original = Training.save
    monkeypatch.setattr(Training, "save", save)
    with pytest.warns(RuntimeWarning, match=f"of the {epoch} finished"):
        mlp = make_mlp().fit(X, y)
    monkeypatch.undo()
    clean = make_mlp(max_iter=epoch).fit(X, y)
    assert mlp.n_iter_ == epoch
    np.testing.assert_array_equal(mlp.coefs_[0], clean.coefs_[0])


def test_ctrl_c_does_not_wait_for_the_end_of_a_long_epoch(press_ctrl_c):
    # 60000 batches of 40 million operations take minutes on any processor. The time of
    # the process is measured, because other processes do not add to it.
    X = np.zeros((60_000, 400), dtype=np.float32)

    def rate(epoch):
        press_ctrl_c(0.3)  # once the initial weights are drawn
        return 0.01

    mlp = make_mlp(
        hidden_layer_sizes=(2000, 2000), max_iter=1, batch_size=1, learning_rate=rate
    )
    start = time.process_time()
    with pytest.warns(
        RuntimeWarning, match=r"interrupted in epoch 1\..*as it was before the call"
    ):
        mlp.fit(X, np.arange(60_000) % 2)
    assert time.process_time() - start < 5
    assert not hasattr(mlp, "coefs_")


@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,)])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_scores_that_are_not_finite_are_refused(
    three_classes, hidden_layer_sizes, n_classes, method
):
    """As after a last step that is far too long."""
    X, y = np.float32(three_classes[0]), three_classes[1] % n_classes
    mlp = make_mlp(hidden_layer_sizes=hidden_layer_sizes, activation="relu").fit(X, y)
    sound = getattr(mlp, method)(X)
    layers = mlp.coefs_
    for wrong in (np.nan, np.inf, 1e38, 3e38):
        for sign in (1, [1, -1, 1][:n_classes]):
            mlp.coefs_ = [*layers[:-1], np.full_like(layers[-1], wrong) * sign]
            with pytest.raises(ValueError, match="scores of X must be finite in float"):
                getattr(mlp, method)(np.float32(1e6 * X))
    mlp.coefs_ = layers
    np.testing.assert_array_equal(getattr(mlp, method)(X), sound)


def test_a_difference_of_scores_that_overflows_is_refused():
    X, y = [[0.0], [1.0]], [0, 1]
    mlp = make_mlp(hidden_layer_sizes=()).fit(X, y)
    mlp.coefs_ = [np.float32([[-3e38, 3e38]])]
    np.testing.assert_array_equal(mlp.predict(X), y)
    with pytest.raises(ValueError, match="scores of X must be finite in float32"):
        mlp.decision_function(X)


@pytest.mark.parametrize("part", ["loss", "gradient", "value", "derivative"])
def test_a_users_result_that_overflows_is_divergence_without_a_warning(
    three_classes, part
):
    """Warnings are errors in these tests."""
    factor = {part: 1e300}

    class Loss(UserCrossEntropy):
        def value_and_gradient(self, Z, T):
            value, gradient = super().value_and_gradient(np.float64(Z), T)
            return (1 + value) * factor.get("loss", 1), gradient * factor.get(
                "gradient", 1
            )

    class Activation:
        def value(self, U):
            return np.tanh(np.float64(U)) * factor.get("value", 1)

        def derivative(self, U, A):
            return (2 - np.tanh(np.float64(U)) ** 2) * factor.get("derivative", 1)

    mlp = make_mlp(loss=Loss(), activation=Activation())
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        mlp.fit(*three_classes)


def test_probabilities_of_a_users_loss_must_be_finite(three_classes):
    class Careless(UserCrossEntropy):
        wrong = 0

        def probabilities(self, Z):
            return super().probabilities(Z) + self.wrong

    X, y = three_classes
    mlp = make_mlp(loss=Careless()).fit(X, y)
    Careless.wrong = np.nan
    for method in (mlp.predict_proba, mlp.predict_log_proba):
        with pytest.raises(
            ValueError, match=r"Careless\.probabilities must return finite numbers"
        ):
            method(X)


def test_an_error_in_a_users_loss_is_raised(three_classes):
    class Failing(UserCrossEntropy):
        def value_and_gradient(self, Z, T):
            raise ZeroDivisionError("mine")

    X, y = three_classes
    with pytest.raises(ZeroDivisionError, match="mine"):
        make_mlp(loss=Failing()).fit(X, y)


# Real data


def test_mnist_is_learned(mnist):
    mlp = MLPClassifier(
        (28,), init=0.01, max_iter=3, n_iter_no_change=np.inf, random_state=0
    )
    mlp.fit(mnist.X_train, mnist.y_train, X_val=mnist.X_test, y_val=mnist.y_test)
    assert mlp.history_["val_accuracy"][-1] > 0.91


def test_rows_that_need_no_conversion_are_checked_too(three_classes):
    X, y = np.float32(three_classes[0]), three_classes[1]
    mlp = make_mlp().fit(X, y)
    np.testing.assert_array_equal(mlp.predict_proba(X), mlp.predict_proba(X.tolist()))
    for wrong, message in (
        (X[:, :2], "expecting 6 features"),
        (X[0], "2D array"),
        (X[:0], "0 sample"),
        (np.where(X[3, 1] == X, np.float32(np.nan), X), "X contains NaN"),
        (np.where(X[3, 1] == X, np.float32(np.inf), X), "X contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            mlp.predict(wrong)
    large = np.full((3, 6), 3e38, np.float32)  # their sum overflows
    assert mlp.predict(large).shape == (3,)
    named = make_mlp().fit(pd.DataFrame(X, columns=[*"abcdef"]), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        named.predict(X)
