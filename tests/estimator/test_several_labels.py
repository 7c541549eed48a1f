"""MLPClassifier with several labels per sample."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import reference
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import LABEL_LOSSES, SOLVERS
from scipy.sparse import csc_matrix, csr_array
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.utils import get_tags
from twin_training import twin_of

from cymlp import MLPClassifier, fit_many
from cymlp.activations import Tanh
from cymlp.losses import BinaryCrossEntropy, BinaryFocal, CrossEntropy, Focal, Hinge


@pytest.fixture(scope="module")
def data():
    """200 samples with 4 labels, none or several of which are present."""
    X, Y = make_multilabel_classification(
        200, 10, n_classes=4, n_labels=2, random_state=0
    )
    return (X - X.mean(axis=0)) / X.std(axis=0), Y


# What is computed


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LABEL_LOSSES, ids=repr)
def test_a_fit_agrees_with_numpy(data, loss, weighted):
    X, Y = data
    weights = np.random.default_rng(2).uniform(0, 2, 200) if weighted else np.ones(200)
    settings = {"learning_rate_init": 0.1, "weight_decay": 0.01, "momentum": 0.9}
    mlp = make_mlp(
        loss=loss, dtype="float64", solver="sgd", batch_size=16, shuffle=False,
        activation="tanh", nesterovs_momentum=False, scale=None,
        learning_rate="constant", **settings,
    )  # fmt: skip
    mlp.fit(X, Y, weights if weighted else None)
    first = clone(mlp).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, Y)
    theta = reference.pack(zip(first.coefs_, first.intercepts_, strict=True))
    state, sizes, record = np.array([theta, 0 * theta]), [10, 8, 4], None
    for _ in range(10):
        state, record = reference.train_epoch(
            state, sizes, [twin_of(Tanh())], twin_of(loss), X, Y,
            weights / weights.mean(), np.arange(200), 16,
            lambda *arguments: reference.sgd(
                *arguments, learning_rate=0.1, weight_decay=0.01, momentum=0.9
            ),
            score=reference.subset_accuracy,
        )  # fmt: skip
    fitted = reference.pack(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    np.testing.assert_allclose(fitted, state[0], rtol=1e-9, atol=1e-9)
    last = np.average(record[:2], axis=1, weights=[16] * 12 + [8])
    history = mlp.history_
    np.testing.assert_allclose(
        [history["train_loss"][-1], history["train_accuracy"][-1]], last, rtol=1e-9
    )
    (W, b), (V, c) = reference.unpack(state[0], sizes)
    Z = np.tanh(X @ W + b) @ V + c
    np.testing.assert_allclose(mlp.decision_function(X), Z, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(mlp.predict_proba(X), 1 / (1 + np.exp(-Z)), rtol=1e-8)
    np.testing.assert_array_equal(mlp.predict(X), Z > 0)


def test_without_hidden_layer_it_is_one_logistic_regression_per_label(data):
    X, Y = data
    own = make_mlp(
        hidden_layer_sizes=(), solver="adam", weight_decay=0, batch_size=1000,
        learning_rate=lambda epoch: 0.1 * 0.995**epoch, max_iter=2000, dtype="float64",
    ).fit(X, Y)  # fmt: skip
    others = MultiOutputClassifier(
        LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000)
    )
    for label, p in enumerate(others.fit(X, Y).predict_proba(X)):
        np.testing.assert_allclose(own.predict_proba(X)[:, label], p[:, 1], atol=1e-4)


def test_it_is_as_accurate_as_scikit_learn(data):
    X, Y = data
    settings = {"hidden_layer_sizes": (30,), "max_iter": 60, "random_state": 0}
    own = MLPClassifier(
        **settings, solver="adam", learning_rate_init=0.01, n_iter_no_change=np.inf
    )
    with pytest.warns(match="Maximum iterations"):
        other = SklearnClassifier(**settings, learning_rate_init=0.01).fit(
            X[:100], Y[:100]
        )
    own.fit(X[:100], Y[:100])
    scores = [
        f1_score(Y[100:], clf.predict(X[100:]), average="micro") for clf in (own, other)
    ]
    assert scores[0] > scores[1] - 0.05
    assert own.score(X[100:], Y[100:]) == accuracy_score(Y[100:], own.predict(X[100:]))


# Forms of y


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        np.asfortranarray,
        pd.DataFrame,
        csr_array,
        csc_matrix,
        *(lambda Y, dtype=dtype: Y.astype(dtype) for dtype in (bool, "uint8", "int16")),
        lambda Y: csr_array(Y.astype(float)),
    ],
)
def test_forms_of_an_indicator(data, convert):
    X, Y = data
    one = make_mlp(early_stopping=True).fit(X, Y)
    other = make_mlp(early_stopping=True).fit(X, convert(Y))
    assert_same_weights(one, other)
    assert_same_history(one, other)
    assert other.predict(X).dtype == int
    np.testing.assert_array_equal(one.classes_, [0, 1, 2, 3])
    assert other.score(X, convert(Y)) == one.score(X, Y)


def test_a_sparse_matrix_may_have_a_single_label(data):
    X, Y = data
    mlp = make_mlp(max_iter=20).fit(X, csr_array(Y[:, :1]))
    assert mlp.predict(X).shape == mlp.predict_proba(X).shape == (200, 1)
    accuracy = (mlp.predict(X) == Y[:, :1]).mean()
    assert mlp.score(X, csr_array(Y[:, :1])) == accuracy > 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_integer_rows_with_a_single_1_are_an_indicator(three_classes):
    """As for scikit-learn. Rows of floats of sum 1 are probabilities."""
    X, y = three_classes
    one_hot = np.eye(3, dtype=int)[y]
    several, probabilities = (
        make_mlp().fit(X, T) for T in (one_hot, one_hot.astype(float))
    )
    assert several.out_activation_ == "logistic"
    assert several.predict(X).shape == (120, 3)
    assert probabilities.out_activation_ == "softmax"
    assert probabilities.predict(X).shape == (120,)
    other = SklearnClassifier(max_iter=3, tol=10).fit(X, one_hot)
    assert other.predict(X).shape == (120, 3)


def test_two_labels_are_not_two_classes(data):
    X, Y = data
    mlp = make_mlp().fit(X, Y[:, :2])
    assert mlp.n_outputs_ == 2
    assert mlp.decision_function(X).shape == (200, 2)
    np.testing.assert_array_equal(mlp.predict(X), mlp.decision_function(X) > 0)


def test_a_label_may_be_absent_or_present_everywhere(data):
    X, Y = data
    Y = np.column_stack([Y, 0 * Y[:, 0], 0 * Y[:, 0] + 1])
    mlp = make_mlp(class_weight="balanced", max_iter=200).fit(X, Y)
    np.testing.assert_array_equal(mlp.predict(X)[:, 4:], Y[:, 4:])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (lambda Y: 2 * Y, "0 and 1 for several labels per sample.*the value 2"),
        (lambda Y: Y - 1, "0 and 1 for several labels per sample.*the value -1"),
        (lambda Y: Y.astype(float), r"sum 1 .*pass integers, y.astype\(int\)"),
        (lambda Y: Y[:100], "each of the 200 samples of X; got 100"),
        (lambda Y: Y[:, :, None] == [0, 1], r"y must be labels.*shape \(200, 4, 2\)"),
    ],
)
def test_other_targets_are_refused(data, y, message):
    X, Y = data
    mlp = make_mlp().fit(X, Y)
    before = vars(mlp).copy()
    with pytest.raises(ValueError, match=message):
        mlp.fit(X, y(Y))
    assert vars(mlp) == before


# Losses


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("cross_entropy", BinaryCrossEntropy()),
        (CrossEntropy(label_smoothing=0.1), BinaryCrossEntropy(label_smoothing=0.1)),
        ("focal", BinaryFocal()),
        (Focal(alpha=0.25, gamma=1), BinaryFocal(alpha=0.25, gamma=1)),
        (Focal(alpha=[0.1, 0.2, 0.5, 1]), BinaryFocal(alpha=[0.1, 0.2, 0.5, 1])),
        ("binary_focal", BinaryFocal()),
    ],
    ids=repr,
)
def test_a_loss_of_classes_becomes_one_of_labels(data, given, used):
    X, Y = data
    one, other = make_mlp(loss=given).fit(X, Y), make_mlp(loss=used).fit(X, Y)
    assert_same_weights(one, other)
    assert repr(one._loss) == repr(used)
    assert one.loss is given
    assert one.out_activation_ == "logistic"


@pytest.mark.parametrize("loss", ["hinge", "kl_div", Hinge(softmax=True)], ids=repr)
def test_other_losses_of_classes_are_refused(data, loss):
    X, Y = data
    names = ["binary_cross_entropy", "binary_focal", "cross_entropy", "focal"]
    message = f"does not take several labels per sample.*{re.escape(str(names))}"
    with pytest.raises(ValueError, match=message):
        make_mlp(loss=loss).fit(X, Y)
    assert get_tags(make_mlp(loss=loss)).classifier_tags.multi_label is False


def test_a_class_derived_from_a_loss_of_classes_is_refused(data):
    class DerivedLoss(CrossEntropy):
        pass

    with pytest.raises(ValueError, match="does not take several labels per sample"):
        make_mlp(loss=DerivedLoss()).fit(*data)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", BinaryFocal()], ids=repr)
def test_losses_of_labels_do_not_take_classes(three_classes, loss):
    X, y = three_classes
    with pytest.raises(ValueError, match="does not take one class per sample"):
        make_mlp(loss=loss).fit(X, y)


def test_alpha_above_1_is_refused(data):
    with pytest.raises(ValueError, match="'alpha' parameter of BinaryFocal"):
        make_mlp(loss=Focal(alpha=2)).fit(*data)


class UserBinary:
    def value_and_gradient(self, Z, T):
        p = self.probabilities(Z)
        return -np.log(np.where(T == 1, p, 1 - p)).sum(axis=1), p - T

    def probabilities(self, Z):
        return 1 / (1 + np.exp(-Z))


def test_a_loss_of_the_users_own_gets_0_and_1(data):
    X, Y = data
    own = make_mlp(loss=UserBinary(), dtype="float64").fit(X, Y)
    ours = make_mlp(dtype="float64").fit(X, Y)
    np.testing.assert_allclose(own.predict_proba(X), ours.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(
        own.predict_log_proba(X), ours.predict_log_proba(X), rtol=1e-9
    )
    with pytest.raises(ValueError, match="class_weight must be None for a user"):
        make_mlp(loss=UserBinary(), class_weight="balanced").fit(X, Y)


# Weights


def by_hand(X, Y, absent, present, **parameters):
    """A network whose loss weights the absence and the presence of labels."""

    class Weighted(UserBinary):
        def value_and_gradient(self, Z, T):
            p = self.probabilities(Z)
            weights = np.where(T == 1, present, absent)
            losses = -np.log(np.where(T == 1, p, 1 - p))
            return (weights * losses).sum(axis=1), weights * (p - T)

    return make_mlp(loss=Weighted(), dtype="float64").fit(X, Y, **parameters)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "class_weight",
    [{1: 3.0}, [{0: 2, 1: 5}, {1: 0.5}, {}, {0: 0}], "balanced"],
    ids=str,
)
def test_class_weight_weights_the_loss_of_each_label(data, class_weight, weighted):
    X, Y = data
    own = np.random.default_rng(0).uniform(0, 2, 200) if weighted else np.ones(200)
    share = own @ Y / own.sum()
    absent, present = {
        str: (0.5 / (1 - share), 0.5 / share),
        dict: (np.array([1, 3, 1, 1.0]),) * 2,
        list: (np.array([2, 1, 1, 0.0]), np.array([5, 0.5, 1, 1])),
    }[type(class_weight)]
    mean = ((1 - share) * absent + share * present).mean()
    weights = {"sample_weight": own if weighted else None}
    mlp = make_mlp(class_weight=class_weight, dtype="float64").fit(X, Y, **weights)
    expected = by_hand(X, Y, absent / mean, present / mean, **weights)
    np.testing.assert_allclose(
        mlp.predict_proba(X), expected.predict_proba(X), rtol=1e-8
    )
    np.testing.assert_allclose(
        mlp.history_["train_loss"], expected.history_["train_loss"], rtol=1e-8
    )


def test_the_default_weight_decay_counts_the_labels(data):
    X, Y = data  # 200 samples, 4 labels
    default = make_mlp(weight_decay="auto").fit(X, Y)
    expected = make_mlp(weight_decay=4 * 2 / 200).fit(X, Y)
    np.testing.assert_array_equal(default.coefs_[0], expected.coefs_[0])
    default = make_mlp(weight_decay="auto").partial_fit(X, Y)
    expected = make_mlp(weight_decay=4e-4).partial_fit(X, Y)
    np.testing.assert_array_equal(default.coefs_[0], expected.coefs_[0])


def test_class_weight_also_weights_focal_loss_and_validation(data):
    X, Y = data
    weights = {"class_weight": [{1: 4}, {}, {}, {}]}
    mlp = make_mlp(loss="focal", dtype="float64", **weights)
    mlp.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    factor = np.where(Y == 1, [4, 1, 1, 1], 1)
    factor = factor / factor[:150].mean()
    p = mlp.predict_proba(X[150:])
    wrong = np.where(Y[150:] == 1, 1 - p, p)
    losses = factor[150:] * wrong**2 * -np.log(1 - wrong)
    assert mlp.history_["val_loss"][-1] == pytest.approx(losses.sum(axis=1).mean())


def test_more_weight_on_presence_predicts_more_labels(data):
    X, Y = data
    more = make_mlp(class_weight=[{1: 20.0}] * 4).fit(X, Y)
    assert more.predict(X).sum() > make_mlp().fit(X, Y).predict(X).sum()


@pytest.mark.parametrize("class_weight", [[{}] * 3, [{0: -1}] * 4, {7: 1}, [1] * 4])
def test_other_class_weights_are_refused(data, class_weight):
    with pytest.raises(ValueError, match="class_weight"):
        make_mlp(class_weight=class_weight).fit(*data)


@pytest.mark.parametrize("loss", LABEL_LOSSES, ids=repr)
def test_an_integer_weight_equals_copies(data, loss):
    X, Y = data
    counts = np.arange(200) % 4
    mlp = make_mlp(loss=loss, dtype="float64", batch_size=1000, shuffle=False)
    weighted = clone(mlp).fit(X, Y, counts)
    copies = clone(mlp).fit(X.repeat(counts, axis=0), Y.repeat(counts, axis=0))
    np.testing.assert_allclose(
        weighted.predict_proba(X), copies.predict_proba(X), rtol=1e-10
    )
    for column in ("train_loss", "train_accuracy"):
        np.testing.assert_allclose(
            weighted.history_[column], copies.history_[column], rtol=1e-10
        )


# Training


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("monitor", ["accuracy", "loss"])
def test_early_stopping_keeps_the_best_epoch(data, monitor, given):
    X, Y = data
    mlp = make_mlp(
        early_stopping=True, monitor=monitor, max_iter=30, validation_fraction=0.3
    )
    validation = {"X_val": X[:60], "y_val": Y[:60]} if given else {}
    mlp.fit(X[60:], Y[60:], **validation)
    column = mlp.history_[f"val_{monitor}"]
    best = column.argmax() if monitor == "accuracy" else column.argmin()
    assert mlp.best_epoch_ == best + 1
    if given:
        score = mlp.score(X[:60], Y[:60])
        assert score == pytest.approx(mlp.history_["val_accuracy"][best])


@pytest.mark.parametrize("settings", [*SOLVERS, {"dropout": 0.3}], ids=repr)
def test_parts_are_as_one_fit(data, settings):
    X, Y = data
    at_once = make_mlp(**settings, max_iter=6).fit(X, Y)
    in_two = make_mlp(**settings, max_iter=3, warm_start=True).fit(X, Y)
    in_two = pickle.loads(pickle.dumps(in_two)).fit(X, csr_array(Y))
    assert_same_weights(at_once, in_two)
    assert_same_history(at_once, in_two)
    by_parts = make_mlp(**settings)
    for epoch in range(6):
        by_parts.partial_fit(X, Y, classes=np.arange(4) if epoch % 2 == 0 else None)
    assert_same_weights(at_once, by_parts)


def test_partial_fit_takes_batches_that_look_like_classes(data):
    X, Y = data
    mlp = make_mlp().partial_fit(X[:50], Y[:50])
    mlp.partial_fit(X[:4], np.eye(4, dtype=int))
    assert mlp.predict(X).shape == (200, 4)
    with pytest.raises(ValueError, match="y must have several labels per sample"):
        mlp.partial_fit(X[:4], np.eye(4))
    with pytest.raises(ValueError, match=r"labels 0 to 2; the 4 labels are"):
        mlp.partial_fit(X, Y[:, :3])
    with pytest.raises(ValueError, match="classes must be the same in every call"):
        mlp.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"labels 0 to 3; the 3 labels are"):
        make_mlp().partial_fit(X, Y, classes=["a", "b", "c"])


def test_later_calls_take_the_targets_of_the_first(data, three_classes):
    X, Y = data
    labels = make_mlp(warm_start=True).fit(X, Y)
    for y in (Y[:, 0], np.full((200, 4), 0.25)):
        with pytest.raises(ValueError, match="y must have several labels per sample"):
            labels.fit(X, y)
    with pytest.raises(ValueError, match="y_val: y must have several labels"):
        make_mlp().fit(X, Y, X_val=X, y_val=Y[:, 0])
    classes = make_mlp().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="y must have one class per sample"):
        classes.partial_fit(X, Y)
    classes.fit(X, Y)  # a new fit may have others
    assert classes.predict(X).shape == (200, 4)
    classes.fit(X, Y[:, 0])
    assert classes.predict(X).shape == (200,)
    assert classes.out_activation_ == "softmax"


def test_many_can_be_fitted_at_once(data):
    X, Y = data
    networks = {loss: make_mlp(loss=loss) for loss in LABEL_LOSSES}
    fit_many(networks, X, Y, n_jobs=2)
    for loss, mlp in networks.items():
        assert_same_weights(mlp, make_mlp(loss=loss).fit(X, Y))


def test_the_storage_of_x_does_not_matter(data):
    _, Y = data
    X = np.where(np.random.default_rng(0).random((200, 60)) < 0.1, 1.5, 0.0)
    dense, sparse = (
        make_mlp(dtype="float64").fit(form, Y) for form in (X, csr_array(X))
    )
    np.testing.assert_allclose(
        dense.predict_proba(X), sparse.predict_proba(csr_array(X)), rtol=1e-9
    )


# As an estimator


def test_searches_and_cross_validation(data):
    X, Y = data
    search = GridSearchCV(make_mlp(loss="focal"), {"loss": ["focal", "cross_entropy"]})
    search.set_params(scoring="f1_micro", cv=3).fit(X, Y)
    assert search.best_score_ > 0.5
    p = cross_val_predict(make_mlp(), X, Y, method="predict_proba", cv=3)
    assert p.shape == (200, 4)
    assert get_tags(make_mlp()).classifier_tags.multi_label is True


def test_logarithms_of_small_probabilities_keep_their_digits(data):
    X, Y = data
    mlp = make_mlp().fit(X, Y)
    mlp.intercepts_[-1] = np.float32([-1e4, 1e4, 0, 0])
    log_p = mlp.predict_log_proba(X)
    np.testing.assert_allclose(log_p[:, 0], -1e4, rtol=1e-2)
    assert np.isfinite(log_p).all()


def test_diagnostics_and_history(data):
    X, Y = data
    mlp = make_mlp(diagnostics=True, record_batches=True).fit(X, Y, X_val=X, y_val=Y)
    assert mlp.history_["val_accuracy"][-1] == pytest.approx(mlp.score(X, Y))
    assert mlp.history_["zero_gradients"].shape == (10, 2)
    assert set(mlp.history_.batches) == {"loss", "accuracy"}
