"""When training stops, and with which parameters it ends."""

import warnings

import numpy as np
import pytest
from helpers import SMALL_MLP, assert_same_history, assert_same_weights, make_mlp
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as SklearnMLP

from cymlp import MLPClassifier
from cymlp._engine.optimizers import SOLVERS
from cymlp._fit import fitting
from cymlp._fit.parameters import Parameters
from cymlp._fit.stopping import BestEpoch, Patience

COLUMNS = {"accuracy": "val_accuracy", "loss": "val_loss"}


def test_it_stops_after_more_epochs_without_improvement_than_allowed():
    patience = Patience(tol=0, n_iter_no_change=2)
    metrics = [3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    stops = [patience.update(metric) for metric in metrics]
    # The count starts again after it has stopped.
    assert stops == [False] * 7 + [True, False, False, True]


def test_an_improvement_is_lower_than_the_best_by_more_than_tol():
    patience = Patience(tol=0.5, n_iter_no_change=1)
    # Each is lower than the one before, but not lower than the best by more than 0.5.
    assert not patience.update(2.0)
    assert not patience.update(1.5)
    assert patience.update(1.25)


@pytest.mark.parametrize("metric", [np.nan, np.inf])
def test_a_metric_that_is_not_finite_is_no_improvement(metric):
    patience = Patience(n_iter_no_change=1)
    assert [patience.update(metric) for _ in range(2)] == [False, True]
    assert not patience.update(1.0)


def test_infinite_patience_never_stops():
    patience = Patience(tol=10)
    assert not any(patience.update(1.0) for _ in range(1000))


def test_the_first_of_the_best_epochs_is_kept():
    best, parameters = BestEpoch(), Parameters([1, 1], 0, "float64")
    for epoch, metric in enumerate([0.5, 0.25, 0.25, np.nan, 0.3], start=1):
        parameters.values[:] = epoch
        parameters.n_steps = 7 * epoch
        best.update(metric, epoch, parameters)
    assert best.epoch == 2
    assert best.parameters.n_steps == 14
    np.testing.assert_array_equal(best.parameters.values, [[2, 2]])


def test_an_epoch_is_kept_even_if_every_metric_is_nan():
    best, parameters = BestEpoch(), Parameters([1, 1], 0, "float64")
    for epoch, metric in enumerate([np.nan, 0.5, np.nan], start=1):
        best.update(metric, epoch, parameters)
        assert best.epoch == min(epoch, 2)


# Early stopping


@pytest.fixture
def noisy(three_classes):
    """Samples that are soon overfitted: the labels of a third are noise."""
    X, y = three_classes
    return X, np.where(np.arange(120) % 3 == 0, y[::-1], y)


class Watched(MLPClassifier):
    """Keeps its training and its evaluation; see `watch`."""

    def evaluated(self):
        """Loss and accuracy of the present parameters."""
        return self.evaluation_.run(self.training_.parameters.values[0])


@pytest.fixture(autouse=True)
def watch(monkeypatch):
    train = fitting._train

    def watched_train(estimator, training, evaluation, *others):
        if isinstance(estimator, Watched):
            estimator.training_, estimator.evaluation_ = training, evaluation
        return train(estimator, training, evaluation, *others)

    monkeypatch.setattr(fitting, "_train", watched_train)


def watched(**parameters):
    return Watched(**SMALL_MLP | {"early_stopping": True} | parameters)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_of_each_class_is_held_out_with_its_weights(three_classes, weighted):
    X, y = three_classes
    y = np.array(["ant", "bee", "cat"])[np.where(y == 2, y, y % 2)]
    y[np.flatnonzero(y == "cat")[10:]] = "bee"  # so that classes differ in size
    weights = np.random.default_rng(0).uniform(1, 2, 120) if weighted else None
    mlp = watched(validation_fraction=0.2).fit(X, y, weights)
    indices, held_out = mlp.training_.indices, mlp.evaluation_._indices
    assert len(np.unique(indices)) == len(indices) == 96
    assert sorted([*indices, *held_out]) == list(range(120))
    labels = np.unique(y, return_inverse=True)[1]
    counts = np.bincount(labels)
    np.testing.assert_allclose(np.bincount(labels[held_out]), counts / 5, atol=1)
    expected = np.average(
        mlp.predict(X[held_out]) == y[held_out],
        weights=weights[held_out] if weighted else None,
    )
    reported = mlp.history_["val_accuracy"][mlp.best_epoch_ - 1]
    assert reported == pytest.approx(expected)


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_held_out_samples_are_not_trained_on(three_classes, batch_size):
    X, y = three_classes
    settings = {"batch_size": batch_size, "monitor": "loss"}
    mlp = watched(**settings).fit(X, y)
    held_out = np.setdiff1d(np.arange(120), mlp.training_.indices)
    X_changed = X.copy()
    X_changed[held_out] += 1e-3
    other = watched(**settings).fit(X_changed, y)
    assert mlp.history_["train_loss"].tolist() == other.history_["train_loss"].tolist()
    assert np.all(mlp.history_["val_loss"] != other.history_["val_loss"])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("monitor", COLUMNS)
def test_the_weights_of_the_best_epoch_come_back_bit_for_bit(
    noisy, monitor, given, solver
):
    X, y = noisy
    weights = np.random.default_rng(0).uniform(0, 2, 40)
    validation = {}
    if given:
        validation = {"X_val": X[80:], "y_val": y[80:], "sample_weight_val": weights}
        X, y = X[:80], y[:80]
    settings = {"monitor": monitor, "solver": solver, "learning_rate_init": 0.2}
    settings |= {"batch_size": 10}
    mlp = watched(**settings, max_iter=25).fit(X, y, **validation)
    metrics = mlp.history_[COLUMNS[monitor]]
    best = metrics.argmin() if monitor == "loss" else metrics.argmax()
    assert mlp.best_epoch_ == best + 1 < mlp.n_iter_ == 25
    np.testing.assert_array_equal(
        mlp.evaluated(),
        [mlp.history_["val_loss"][best], mlp.history_["val_accuracy"][best]],
    )
    shorter = watched(**settings, max_iter=mlp.best_epoch_).fit(X, y, **validation)
    assert_same_weights(mlp, shorter)
    if given:
        right = mlp.predict(validation["X_val"]) == validation["y_val"]
        expected = np.average(right, weights=weights)
        assert mlp.history_["val_accuracy"][best] == pytest.approx(expected)


@pytest.mark.parametrize("monitor", COLUMNS)
def test_training_stops_by_the_validation_metric(three_classes, monitor):
    X, y = three_classes
    mlp = watched(
        monitor=monitor, n_iter_no_change=4, tol=0.01, max_iter=500, batch_size=20
    ).fit(X, y)
    metrics = mlp.history_[COLUMNS[monitor]] * (1 if monitor == "loss" else -1)
    best_before = np.minimum.accumulate(metrics)[:-1]
    stays = metrics[1:] >= best_before - 0.01
    assert mlp.n_iter_ == len(metrics) < 500
    # More than 4 epochs without improvement, for the first time at the end.
    assert stays[-5:].all()
    assert not any(stays[i : i + 5].all() for i in range(len(stays) - 5))


def test_with_infinite_patience_all_epochs_are_run_without_a_warning(three_classes):
    X, y = three_classes
    assert watched(max_iter=60, tol=10).fit(X, y).n_iter_ == 60
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        watched(max_iter=3, n_iter_no_change=10).fit(X, y)


def test_given_validation_data_are_used_and_nothing_is_held_out(three_classes):
    X, y = three_classes
    mlp = watched().fit(X, y, X_val=X[:40], y_val=y[:40])
    np.testing.assert_array_equal(mlp.training_.indices, np.arange(120))
    plain = make_mlp(max_iter=mlp.best_epoch_).fit(X, y, X_val=X[:40], y_val=y[:40])
    assert_same_weights(mlp, plain)


def test_the_same_seed_holds_out_the_same(three_classes):
    X, y = three_classes
    same, again, other = (
        watched(random_state=seed).fit(X, y).training_.indices for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(same, again)
    assert set(same) != set(other)


def test_early_stopping_from_probabilities_and_from_one_hot_rows(three_classes):
    X, y = three_classes
    by_rows = watched(monitor="loss").fit(X, np.eye(3)[y])
    by_labels = watched(monitor="loss").fit(X, y)
    assert_same_weights(by_rows, by_labels)
    assert_same_history(by_rows, by_labels)
    T = np.random.default_rng(0).dirichlet(np.ones(3), 120)
    mlp = watched(monitor="loss").fit(X, T)
    held_out = np.setdiff1d(np.arange(120), mlp.training_.indices)
    log_p = mlp.predict_log_proba(X[held_out])
    expected = -np.mean(np.sum(T[held_out] * log_p, axis=1))
    assert mlp.history_["val_loss"].min() == pytest.approx(expected, rel=1e-5)


def test_held_out_samples_have_their_class_and_sample_weights(three_classes):
    X, y = three_classes
    y = np.where(np.arange(120) % 3 == 0, 0, y)
    own = np.random.default_rng(0).uniform(0.5, 2, 120)
    mlp = watched(class_weight="balanced").fit(X, y, own)
    by_sample = watched().fit(X, y, own / np.bincount(y, own)[y])
    np.testing.assert_allclose(
        mlp.history_["val_loss"], by_sample.history_["val_loss"], rtol=1e-5
    )


TINY = [
    # labels, validation_fraction, held-out samples
    ("aab", 0.1, 1),
    ("aab", 0.9, 1),
    ("aabbccdd", 0.2, 2),
    ("aaaaaaaaab", 0.5, 5),
    ("abcc", 0.9, 1),
    ("abcd", 0.3, 2),  # some classes only
    ("abcd", 0.9, 2),
]


@pytest.mark.parametrize(("labels", "fraction", "n_held_out"), TINY)
@pytest.mark.parametrize("weighted", [False, True])
def test_classes_too_small_to_be_split_are_trained_on(
    labels, fraction, n_held_out, weighted
):
    y = np.array(list(labels))
    weights = None
    if weighted:
        y = np.concatenate([y, y])
        weights = np.repeat([2.0, 0.0], len(labels))
    X = np.random.default_rng(0).normal(size=(y.size, 2))
    held_out = set()
    for seed in range(20):
        mlp = watched(validation_fraction=fraction, max_iter=1, random_state=seed)
        mlp.fit(X, y, weights)
        indices, rest = mlp.training_.indices, mlp.evaluation_._indices
        assert sorted([*indices, *rest]) == list(range(y.size))
        assert rest.size == n_held_out
        assert rest.max() < len(labels)  # samples of weight 0 are not held out
        if labels != "abcd":
            counted = indices[indices < len(labels)]
            assert set(y[counted]) == set(labels)
        held_out.add(tuple(rest))
    assert len(held_out) > 1  # at random


def test_early_stopping_accepts_what_scikit_learn_accepts():
    rng = np.random.default_rng(0)
    n_accepted = 0
    for _ in range(150):
        n_samples, n_classes = rng.integers(3, 20), rng.integers(2, 6)
        y = np.arange(n_samples) % n_classes
        y[rng.random(n_samples) < 0.5] = 0
        y[0] = 1  # so that there are two classes
        X = rng.normal(size=(n_samples, 2))
        settings = {
            "early_stopping": True,
            "max_iter": 1,
            "validation_fraction": rng.choice([0.1, 0.3, 0.9]),
            "random_state": 0,
        }
        try:
            with warnings.catch_warnings(action="ignore"):
                SklearnMLP((2,), **settings).fit(X, y)
        except ValueError:
            continue
        n_accepted += 1
        watched(hidden_layer_sizes=(2,), **settings).fit(X, y)
    assert n_accepted > 50


def test_two_samples_of_two_classes_are_too_few_to_hold_one_out():
    message = r"validation_fraction=0.1 of 2 samples, which would leave too few"
    with pytest.raises(ValueError, match=f"{message}.*Pass X_val and y_val instead"):
        watched().fit(np.zeros((2, 2)), [0, 1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"validation_fraction": 0.0}, r"'validation_fraction'.*\(0.0, 1.0\).*Got 0.0"),
        ({"validation_fraction": 1}, "'validation_fraction'.*Got 1"),
        ({"monitor": "val_loss"}, "'monitor'.*'accuracy'.*Got 'val_loss'"),
        ({"early_stopping": "yes"}, "'early_stopping'.*Got 'yes'"),
        ({"n_iter_no_change": -np.inf}, "'n_iter_no_change'.*Got -inf"),
        ({"n_iter_no_change": 1.5}, "'n_iter_no_change'.*Got 1.5"),
    ],
)
def test_invalid_parameters_are_refused(three_classes, parameters, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        watched(**parameters).fit(*three_classes)


def test_a_fit_without_early_stopping_has_no_best_epoch(three_classes):
    X, y = three_classes
    mlp = watched().fit(X, y)
    assert mlp.best_epoch_ >= 1
    mlp.set_params(early_stopping=False).fit(X, y)
    assert not hasattr(mlp, "best_epoch_")


def test_ctrl_c_ends_with_the_best_epoch(three_classes, press_ctrl_c):
    X, y = three_classes
    press_ctrl_c(0.3)
    with pytest.warns(RuntimeWarning, match="interrupted"):
        mlp = watched(max_iter=1_000_000, learning_rate_init=0.2).fit(X, y)
    assert 0 < mlp.best_epoch_ < mlp.n_iter_ < 1_000_000
    shorter = watched(max_iter=mlp.best_epoch_, learning_rate_init=0.2).fit(X, y)
    assert_same_weights(mlp, shorter)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_later_call_resumes_from_the_best_epoch(noisy, solver):
    X, y = noisy
    settings = {"monitor": "loss", "learning_rate_init": 0.2, "solver": solver}
    settings |= {"warm_start": True, "shuffle": False, "batch_size": 10}
    mlp = watched(**settings, max_iter=25).fit(X, y)
    best = mlp.best_epoch_
    assert best < 25
    shorter = watched(**settings, max_iter=best).fit(X, y)
    for resumed in (mlp, shorter):
        resumed.set_params(max_iter=5).fit(X, y)
    for column in ("train_loss", "val_loss"):
        np.testing.assert_array_equal(
            mlp.history_[column][25:], shorter.history_[column][best:]
        )
    if mlp.history_["val_loss"].argmin() < 25:
        assert mlp.best_epoch_ == best
    assert_same_weights(mlp, shorter)


def test_divergence_ends_with_the_best_epoch(three_classes):
    X, y = three_classes
    settings = {"monitor": "loss", "warm_start": True, "batch_size": 10}
    mlp = watched(
        **settings, learning_rate=lambda epoch: 0.5 if epoch < 9 else 1e38, max_iter=20
    )
    with pytest.raises(ValueError, match="diverged in epoch 9"):
        mlp.fit(X, y)
    assert mlp.n_iter_ == 8
    assert mlp.best_epoch_ == mlp.history_["val_loss"].argmin() + 1 < 8
    shorter = watched(**settings, learning_rate=lambda epoch: 0.5, max_iter=8)
    shorter.fit(X, y)
    assert_same_weights(mlp, shorter)
    mlp.set_params(learning_rate=lambda epoch: 0.5)
    assert_same_weights(mlp.fit(X, y), shorter.set_params(max_iter=20).fit(X, y))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("value", [3e38, -3e38])
def test_a_validation_loss_that_is_not_finite_is_divergence(
    three_classes, early_stopping, value
):
    X, y = three_classes
    mlp = watched(hidden_layer_sizes=(), early_stopping=early_stopping)
    with pytest.raises(
        ValueError, match="diverged in epoch 1: the validation loss is no longer finite"
    ):
        mlp.fit(X, y, X_val=np.full((9, 6), value), y_val=np.arange(9) % 3)
    assert not hasattr(mlp, "coefs_")
