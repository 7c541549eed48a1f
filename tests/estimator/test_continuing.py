"""Training that resumes: warm starts, partial fits, pickles between them."""

import io
import pickle
import warnings
from copy import copy

import joblib
import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import LOSSES, SOLVERS
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from cymlp._engine.optimizers import SOLVERS as OPTIMIZERS
from cymlp._fit.architecture import make_optimizer
from cymlp._fit.training import OptimizerState
from cymlp.activations import LeakyRelu
from cymlp.losses import Hinge

CLASSES = [0, 1, 2]

# Each makes a later call depend on the state of an earlier one.
SETTINGS = [
    *SOLVERS,
    {"momentum": 0.0},
    {"dropout": 0.3},
    {"solver": "adam", "dropout": [0.5], "loss": "focal"},
    {"learning_rate": "invscaling"},
    {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
    {"learning_rate": lambda epoch: 0.1 / epoch},
    {"shuffle": False},
    {"class_weight": {1: 3.0}},
    {"batch_size": 7, "record_batches": True, "diagnostics": True},
    {"random_state": np.random.RandomState(3)},
    {"dtype": "float64", "activation": "relu", "hidden_layer_sizes": (9, 5)},
]


def copied(mlp, way):
    if way == "pickle":
        return pickle.loads(pickle.dumps(mlp))
    if way == "joblib":
        stream = io.BytesIO()
        joblib.dump(mlp, stream)
        stream.seek(0)
        return joblib.load(stream)
    return mlp


def without_warning(mlp, *data, **named_data):
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return mlp.fit(*data, **named_data)


@pytest.mark.parametrize("way", ["none", "pickle", "joblib"])
@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_two_fits_are_as_one_that_is_twice_as_long(three_classes, settings, way):
    X, y = three_classes
    if way != "none" and callable(settings.get("learning_rate")):
        settings = settings | {"learning_rate": "constant"}
    at_once = clone(make_mlp(**settings, max_iter=10))
    in_two = clone(make_mlp(**settings, max_iter=5, warm_start=True))
    validation = {"X_val": X[:20], "y_val": y[:20]}
    without_warning(at_once, X, y, **validation)
    without_warning(in_two, X, y, **validation)
    in_two = without_warning(copied(in_two, way), X, y, **validation)
    assert_same_weights(at_once, in_two)
    assert_same_history(at_once, in_two)
    assert in_two.n_iter_ == 5
    assert in_two.loss_curve_ == at_once.loss_curve_
    assert in_two.loss_ == at_once.loss_


@pytest.mark.parametrize("way", ["none", "pickle", "joblib"])
@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_partial_fits_are_as_one_fit_of_as_many_epochs(three_classes, settings, way):
    X, y = three_classes
    if way != "none" and callable(settings.get("learning_rate")):
        settings = settings | {"learning_rate": "constant"}
    at_once = without_warning(clone(make_mlp(**settings)), X, y)
    by_parts = clone(make_mlp(**settings))
    for _ in range(10):
        by_parts = copied(by_parts.partial_fit(X, y, CLASSES), way)
        assert by_parts.n_iter_ == 1
    assert_same_weights(at_once, by_parts)
    assert_same_history(at_once, by_parts)


def test_the_count_of_epochs_without_improvement_goes_on(three_classes):
    X, y = three_classes
    settings = {"tol": 0.01, "n_iter_no_change": 5}
    at_once = make_mlp(max_iter=500, **settings).fit(X, y)
    one_by_one = make_mlp(max_iter=1, warm_start=True, **settings)
    stopped = False
    while not stopped:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            one_by_one.fit(X, y)
        stopped = not warned
    assert one_by_one.history_.n_epochs == at_once.n_iter_
    assert_same_weights(at_once, one_by_one)


def test_a_warm_start_may_follow_partial_fits_and_go_before_them(three_classes):
    X, y = three_classes
    mixed = make_mlp(max_iter=4, warm_start=True, solver="adam")
    mixed.partial_fit(X, y, CLASSES).fit(X, y).partial_fit(X, y)
    assert_same_weights(mixed, make_mlp(max_iter=6, solver="adam").fit(X, y))


@pytest.mark.parametrize("soft", [False, True])
def test_data_may_change_between_calls(three_classes, soft):
    X, y = three_classes
    targets = np.random.default_rng(0).dirichlet(np.ones(3), 120) if soft else y
    mlp = make_mlp(batch_size=10)
    for start in range(0, 120, 30):
        part = slice(start, start + 30)
        mlp.partial_fit(X[part], targets[part], CLASSES)
    np.testing.assert_array_equal(mlp.history_["epoch"], [1, 2, 3, 4])
    warm = make_mlp(batch_size=10, warm_start=True, max_iter=1)
    for start in range(0, 120, 30):
        warm.fit(X[start : start + 30], targets[start : start + 30])
    assert_same_weights(mlp, warm)


def test_labels_and_probabilities_may_take_turns(three_classes):
    X, y = three_classes
    mixed = make_mlp(warm_start=True, max_iter=2)
    mixed.fit(X, y).fit(X, np.eye(3)[y]).fit(X, y)
    assert_same_weights(mixed, make_mlp(max_iter=6).fit(X, y))
    rows_first = make_mlp().partial_fit(X, np.eye(3)[y])
    np.testing.assert_array_equal(rows_first.classes_, CLASSES)
    assert_same_weights(rows_first.partial_fit(X, y), make_mlp(max_iter=2).fit(X, y))


def test_partial_fit_learns_classes_that_come_late():
    X, y = [[1.0], [2.0], [3.0]], ["a", "b", "c"]
    mlp = make_mlp().partial_fit(X, y, classes=["d", "c", "b", "a"])
    assert list(mlp.classes_) == ["a", "b", "c", "d"]
    for _ in range(200):
        mlp.partial_fit([[9.0]], ["d"])
    assert mlp.predict([[9.0]]) == ["d"]


def test_a_fit_without_warm_start_keeps_nothing_for_the_next(three_classes):
    X, y = three_classes
    mlp = make_mlp(solver="adam").fit(X, y)
    assert not hasattr(mlp, "_training_state")
    again = clone(mlp).partial_fit(X, y, CLASSES).fit(X, y)
    assert_same_weights(mlp, again)
    assert_same_history(mlp, again)
    assert not hasattr(again, "_training_state")


def test_partial_fit_after_a_plain_fit_starts_without_velocity(three_classes):
    X, y = three_classes
    mlp = make_mlp(shuffle=False, weight_decay=0).fit(X, y)
    fresh = make_mlp(shuffle=False, weight_decay=0).partial_fit(X, y, CLASSES)
    fresh._training_state.optimizer.slots[:] = 0
    fresh.coefs_ = [W.copy() for W in mlp.coefs_]
    fresh.intercepts_ = [b.copy() for b in mlp.intercepts_]
    assert_same_weights(mlp.partial_fit(X, y), fresh.partial_fit(X, y))
    assert mlp.history_.n_epochs == 11


def test_history_continues_with_other_columns(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=2, warm_start=True).fit(X, y)
    mlp.set_params(diagnostics=True, record_batches=True, batch_size=50)
    mlp.fit(X, y, X_val=X, y_val=y)
    mlp.set_params(batch_size=30, diagnostics=False).fit(X, y)
    history = mlp.history_
    assert history.n_epochs == 6
    np.testing.assert_array_equal(history["epoch"], np.arange(1, 7))
    absent = np.isnan(history["val_loss"])
    np.testing.assert_array_equal(absent, [True, True, False, False, True, True])
    assert history["zero_gradients"].shape == (6, 2)
    np.testing.assert_array_equal(np.isnan(history["dead_units"][:, 0]), absent)
    assert history.batches["loss"].shape == (6, 4)
    np.testing.assert_array_equal(
        np.isnan(history.batches["loss"]).sum(axis=1), [4, 4, 1, 1, 0, 0]
    )


def test_training_resumes_from_weights_that_a_user_assigns(three_classes):
    X, y = three_classes
    mlp = make_mlp(warm_start=True, momentum=0, shuffle=False, max_iter=3)
    other = clone(mlp).set_params(random_state=5).fit(X, y)
    mlp.fit(X, y)
    mlp.coefs_ = [W.tolist() for W in other.coefs_]
    mlp.intercepts_ = [b.astype("float64") for b in other.intercepts_]
    assert_same_weights(mlp.fit(X, y), other.fit(X, y))


@pytest.mark.parametrize(
    "parameters",
    [
        *SOLVERS,
        {"dtype": "float64"},
        {"activation": "relu"},
        {"loss": Hinge()},
        {"learning_rate_init": 1e-3},
        {"dropout": 0.5},
        {"early_stopping": True},
        {"max_iter": 2, "batch_size": 17},
        {"hidden_layer_sizes": 8},
    ],
    ids=repr,
)
def test_parameters_may_change_between_calls(three_classes, parameters):
    X, y = three_classes
    mlp = make_mlp(warm_start=True).fit(X, y)
    before = mlp.history_["train_loss"][-1]
    mlp.set_params(**parameters).fit(X, y)
    assert mlp.coefs_[0].dtype == mlp.dtype
    if not parameters.keys() & {"activation", "dropout", "loss"}:
        assert mlp.history_["train_loss"][10] < before + 0.05
    mlp.set_params(solver="sgd", dtype="float32", early_stopping=False).fit(X, y)
    assert mlp.coefs_[0].dtype == np.float32
    assert np.isfinite(mlp.loss_curve_).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "relu"},
        {"activation": LeakyRelu(0.5)},
        {"dropout": 0.5},
        {"dropout": [0.5]},
        {"hidden_layer_sizes": [8]},
        {"loss": "hinge"},
        {"loss": Hinge(margin=3.0)},
        {"dtype": "float64"},
    ],
    ids=repr,
)
def test_a_partial_fit_uses_parameters_that_were_set_before_it(
    three_classes, parameters
):
    X, y = three_classes
    mlp = make_mlp().partial_fit(X, y, classes=CLASSES).partial_fit(X, y)
    unchanged, new = copied(mlp, "pickle"), copied(mlp, "pickle")
    for one in (mlp, new):  # the pickle lacks the network of the earlier calls
        one.set_params(**parameters).partial_fit(X, y).partial_fit(X, y)
    assert_same_weights(mlp, new)
    unchanged.partial_fit(X, y).partial_fit(X, y)
    if "hidden_layer_sizes" not in parameters:
        assert (mlp.coefs_[0] != unchanged.coefs_[0]).any()
    for one in (mlp, unchanged):
        one.set_params(**make_mlp().get_params()).partial_fit(X, y)
    assert mlp.out_activation_ == unchanged.out_activation_ == "softmax"


@pytest.mark.parametrize("loss", ["cross_entropy", Hinge()], ids=repr)
def test_parts_that_change_between_partial_fits_take_effect(three_classes, loss):
    X, y = three_classes
    activation = LeakyRelu(0.1)
    mlp = make_mlp(activation=activation, loss=loss)
    mlp.partial_fit(X, y, classes=CLASSES).partial_fit(X, y)
    unchanged, new = copied(mlp, "pickle"), copied(mlp, "pickle")
    activation.negative_slope = new.activation.negative_slope = 0.9
    assert_same_weights(mlp.partial_fit(X, y), new.partial_fit(X, y))
    assert (mlp.coefs_[0] != unchanged.partial_fit(X, y).coefs_[0]).any()


@pytest.mark.parametrize(
    ("name", "value"), [("momentum", 2.0), ("momentum", "0.9"), ("shuffle", 1)]
)
def test_a_partial_fit_checks_parameters_that_were_set_before_it(
    three_classes, name, value
):
    X, y = three_classes
    mlp = make_mlp(shuffle=True).partial_fit(X, y, classes=CLASSES)
    mlp.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        mlp.partial_fit(X, y)


def test_copies_that_share_their_state_continue_apart(three_classes):
    X, y = three_classes
    mlp = make_mlp(shuffle=False).partial_fit(X, y, classes=CLASSES)
    other, expected = copy(mlp), copied(mlp, "pickle")
    other.partial_fit(2 * X, y)
    assert_same_weights(mlp.partial_fit(X, y), expected.partial_fit(X, y))
    assert mlp.history_.n_epochs == other.history_.n_epochs == 2
    assert mlp.loss_curve_ == expected.loss_curve_ != other.loss_curve_


@pytest.mark.parametrize("solver", sorted({*OPTIMIZERS} - {"sgd"}))
def test_another_solver_starts_without_slots_and_steps(three_classes, solver):
    X, y = three_classes
    mlp = make_mlp(warm_start=True, shuffle=False, max_iter=3).fit(X, y)
    restarted = clone(mlp).set_params(solver=solver).fit(X, y)
    slots = np.zeros_like(restarted._training_state.optimizer.slots)
    restarted._training_state.optimizer = OptimizerState(solver, slots, n_steps=0)
    restarted.coefs_, restarted.intercepts_ = mlp.coefs_, mlp.intercepts_
    mlp.set_params(solver=solver).fit(X, y)
    assert_same_weights(mlp, restarted.fit(X, y))


def test_pickles_are_hardly_larger_than_the_weights():
    X = np.random.default_rng(0).normal(size=(200, 784))
    y = np.arange(200) % 10
    for solver in OPTIMIZERS:
        settings = {"hidden_layer_sizes": (100,), "max_iter": 1, "solver": solver}
        mlp = make_mlp(**settings, early_stopping=True).fit(X, y)
        n_slots = make_optimizer(mlp, None).n_slots
        n_bytes = sum(array.nbytes for array in mlp.coefs_ + mlp.intercepts_)
        assert len(pickle.dumps(mlp)) <= 1.1 * n_bytes + 16_000
        # Each slot of the training state is as large as the weights again.
        for early_stopping in (False, True):
            mlp = make_mlp(**settings, warm_start=True, early_stopping=early_stopping)
            size = len(pickle.dumps(mlp.fit(X, y)))
            assert size <= (1 + n_slots) * n_bytes * 1.05 + 16_000


def state_of(mlp):
    """All attributes of a classifier, as bytes."""
    return pickle.dumps(vars(mlp))


def frozen(mlp):
    """A copy through two pickles, after which objects no longer share strings."""
    return pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(mlp))))


REFUSED = [
    ({"hidden_layer_sizes": (9,)}, {}, r"hidden_layer_sizes=\(9,\) does not fit"),
    ({"hidden_layer_sizes": (8, 8)}, {}, "hidden_layer_sizes=.*does not fit"),
    ({}, {"X": np.zeros((120, 5))}, "X has 5 features, but.*expecting 6"),
    (
        {"activation": ["tanh", "relu"]},
        {},
        r"'activation'.*one value per hidden layer \(1\)",
    ),
    ({"dropout": [0.1, 0.2]}, {}, r"'dropout'.*one value per hidden layer \(1\)"),
    ({"momentum": 1.0}, {}, "'momentum'"),
    ({"class_weight": {7: 1.0}}, {}, "class_weight"),
    ({}, {"sample_weight": -np.ones(120)}, "sample_weight"),
    ({}, {"X": np.full((120, 6), np.nan)}, "X contains NaN"),
]
REFUSED_BY_PARTIAL_FIT = [
    ({}, {"y": np.arange(120) % 4}, r"not among the classes: \[3\]; the 3 classes"),
    ({}, {"y": np.array(["a", "b"] * 60)}, "not among the classes: .'a', 'b'"),
    ({}, {"y": np.full((120, 4), 0.25)}, "4 probabilities.*the 3 classes are 0, 1, 2"),
]
SAME_CLASSES = r"warm_start can.*the same classes.*Previously got \[0 1 2\], `y` has "
REFUSED_BY_FIT = [
    ({}, {"y": np.arange(120) % 4}, rf"{SAME_CLASSES}\[0 1 2 3\]"),
    ({}, {"y": np.arange(120) % 2}, rf"{SAME_CLASSES}\[0 1\]"),
    ({}, {"y": np.array(["a", "b"] * 60)}, rf"{SAME_CLASSES}\['a' 'b'\]"),
    ({}, {"y": np.full((120, 4), 0.25)}, rf"{SAME_CLASSES}\[0 1 2 3\]"),
    (
        {"early_stopping": True, "validation_fraction": 0.4},
        {"sample_weight": np.isin(np.arange(120), [0, 1])},
        "validation_fraction=0.4 of 2 samples of positive weight",
    ),
    (
        {"early_stopping": True, "hidden_layer_sizes": (9,)},
        {},
        "hidden_layer_sizes",
    ),
    (
        {"early_stopping": True, "validation_fraction": 0.5},
        {"sample_weight": np.arange(120) == 5},
        "validation_fraction=0.5 of 1 samples of positive weight",
    ),
    ({}, {"X_val": np.zeros((9, 5)), "y_val": np.arange(9) % 3}, "X_val.*6 features"),
]


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"), REFUSED + REFUSED_BY_FIT
)
def test_a_refused_warm_start_changes_nothing(
    three_classes, parameters, arguments, message
):
    X, y = three_classes
    mlp = frozen(make_mlp(warm_start=True, solver="adam").fit(X, y))
    mlp.set_params(**parameters)
    before = state_of(mlp)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        mlp.fit(**{"X": X, "y": y} | arguments)
    assert state_of(mlp) == before


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"), REFUSED + REFUSED_BY_PARTIAL_FIT
)
def test_a_refused_partial_fit_changes_nothing(
    three_classes, parameters, arguments, message
):
    X, y = three_classes
    mlp = frozen(make_mlp(solver="adam").partial_fit(X, y, CLASSES))
    mlp.set_params(**parameters)
    before = state_of(mlp)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        mlp.partial_fit(**{"X": X, "y": y} | arguments)
    assert state_of(mlp) == before


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ({}, {"classes": None}, "classes must be passed on the first call"),
        (
            {},
            {"classes": None, "y": (np.arange(120) % 3)[:, None]},
            "classes must be p",
        ),
        (
            {},
            {"classes": [1]},
            r"classes must have at least 2 labels; got array\(\[1\]\)",
        ),
        ({}, {"classes": [0, 1]}, r"not among the classes: \[2\]"),
        ({}, {"classes": [0, 1, "a"]}, "Mix of label input types"),
        ({}, {"classes": [0, 1, 3], "y": np.full((120, 3), 1 / 3)}, "classes 0 to 2"),
        (
            {"early_stopping": True},
            {},
            "early_stopping must be False for partial_fit.*got True",
        ),
        (
            {"class_weight": "balanced"},
            {},
            "class_weight must be a dict or None for partial_fit.*got 'balanced'",
        ),
        (
            {"loss": "hinge"},
            {"y": np.full((120, 3), 1 / 3)},
            "'hinge' takes labels only",
        ),
    ],
)
def test_invalid_arguments_of_a_first_partial_fit_are_refused(
    three_classes, parameters, arguments, message
):
    X, y = three_classes
    mlp = make_mlp(**parameters)
    before = vars(mlp).copy()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        mlp.partial_fit(**{"X": X, "y": y, "classes": CLASSES} | arguments)
    assert vars(mlp) == before


def test_classes_may_be_given_again_but_not_others(three_classes):
    X, y = three_classes
    mlp = make_mlp().partial_fit(X, y, CLASSES).partial_fit(X, y, [2, 1, 0])
    with pytest.raises(ValueError, match=r"must be the same.*got array\(\[1, 2\]\)"):
        mlp.partial_fit(X, y, [1, 2])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_training_does_not_resume_from_weights_that_are_not_finite(
    three_classes, wrong
):
    X, y = three_classes
    mlp = make_mlp(warm_start=True).fit(X, y)
    mlp.coefs_[1] = mlp.coefs_[1].astype(float)
    mlp.coefs_[1][2, 1] = wrong
    for train in (mlp.fit, mlp.partial_fit):
        with pytest.raises(
            ValueError, match=r"coefs_ and intercepts_.*must be finite in float32"
        ):
            train(X, y)
    assert mlp.history_.n_epochs == 10


# Divergence and interruption of a later call


@pytest.mark.parametrize("settings", [{"solver": "adam"}, {"nesterovs_momentum": True}])
@pytest.mark.parametrize("partial", [False, True])
def test_divergence_of_a_later_call_restores_the_state_before_it(
    three_classes, settings, partial
):
    X, y = three_classes
    mlp = make_mlp(warm_start=True, activation="identity", **settings)
    untouched = clone(mlp).fit(X, y)
    mlp.fit(X, y)
    X_wild = X.copy()
    X_wild[-1] = 3e38  # in the second batch, after a step
    train = mlp.partial_fit if partial else mlp.fit
    with pytest.raises(
        ValueError, match=r"diverged in epoch 11.*as it was before the call"
    ):
        train(X_wild, y)
    assert mlp.n_iter_ == 10
    assert (
        mlp._training_state.optimizer.n_steps
        == untouched._training_state.optimizer.n_steps
        > 0
    )
    np.testing.assert_array_equal(
        mlp._training_state.optimizer.slots, untouched._training_state.optimizer.slots
    )
    assert_same_weights(mlp, untouched)
    assert_same_weights(mlp.fit(X, y), untouched.fit(X, y))


class InterruptedHinge(Hinge):
    """Simulates Ctrl-C in one of its calls."""

    left = np.inf

    def value_and_gradient(self, Z, T):
        InterruptedHinge.left -= 1
        if InterruptedHinge.left == 0:
            raise KeyboardInterrupt
        return super().value_and_gradient(Z, T)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupt_of_a_later_call_keeps_its_finished_epochs(
    three_classes, early_stopping, partial
):
    X, y = three_classes
    settings = {"loss": InterruptedHinge(), "solver": "adam", "batch_size": 40}
    settings |= {"warm_start": True, "max_iter": 5}
    InterruptedHinge.left = np.inf
    mlp = make_mlp(**settings, early_stopping=early_stopping).fit(X, y)
    untouched = pickle.loads(pickle.dumps(mlp))
    n_finished = 0 if partial else 2
    # Three batches of 108 or 120 samples, and one of held-out samples.
    per_epoch = 4 if early_stopping and not partial else 3
    InterruptedHinge.left = n_finished * per_epoch + 2
    mlp.set_params(early_stopping=early_stopping and not partial)
    message = f"interrupted in epoch {6 + n_finished}"
    with pytest.warns(RuntimeWarning, match=message) as warned:
        mlp.partial_fit(X, y) if partial else mlp.fit(X, y)
    assert warned[0].filename == __file__
    InterruptedHinge.left = np.inf
    assert mlp.n_iter_ == n_finished or partial
    if not partial:
        untouched.set_params(max_iter=2).fit(X, y)
    assert_same_weights(mlp, untouched)
    assert (
        mlp._training_state.optimizer.n_steps
        == untouched._training_state.optimizer.n_steps
    )
    np.testing.assert_array_equal(
        mlp._training_state.optimizer.slots, untouched._training_state.optimizer.slots
    )


def test_ctrl_c_in_a_warm_start(three_classes, press_ctrl_c):
    X, y = three_classes
    mlp = make_mlp(warm_start=True, solver="adam", dropout=0.2).fit(X, y)
    press_ctrl_c(0.3)
    with pytest.warns(RuntimeWarning, match="interrupted in epoch"):
        mlp.set_params(max_iter=1_000_000).fit(X, y)
    assert 0 < mlp.n_iter_ < 1_000_000
    n_epochs = 10 + mlp.n_iter_
    assert mlp.history_.n_epochs == n_epochs
    at_once = make_mlp(max_iter=n_epochs, solver="adam", dropout=0.2).fit(X, y)
    assert_same_weights(mlp, at_once)


def test_reaching_max_iter_warns_in_a_warm_start_but_not_in_partial_fit(three_classes):
    X, y = three_classes
    mlp = make_mlp(warm_start=True, n_iter_no_change=10, max_iter=2)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning, match="max_iter=2") as warned:
            mlp.fit(X, y)
        assert warned[0].filename == __file__
    mlp.partial_fit(X, y)
    make_mlp(n_iter_no_change=10).partial_fit(X, y, CLASSES)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_partial_fit_of_every_loss_sets_the_attributes_of_a_fit(three_classes, loss):
    X, y = three_classes
    fitted = make_mlp(loss=loss).fit(X, y)
    partly = make_mlp(loss=loss).partial_fit(X, y, CLASSES)
    check_is_fitted(partly)
    assert vars(fitted).keys() == vars(partly).keys() - {"_training_state"}
    assert hasattr(partly, "predict_proba") == hasattr(fitted, "predict_proba")
