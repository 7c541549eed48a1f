"""When training stops, and with which weights it ends."""

import pickle
import warnings

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from sklearn.exceptions import ConvergenceWarning

from cymlp import MLPClassifier
from cymlp._fit.stopping import BestState, NoImprovement

FIGURES = {"accuracy": "val_accuracy", "loss": "val_loss"}


def test_it_stops_after_more_epochs_without_improvement_than_allowed():
    stopping = NoImprovement(tol=0, n_iter_no_change=2)
    figures = [3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    stops = [stopping.update(figure) for figure in figures]
    # The count starts again after it has stopped.
    assert stops == [False] * 7 + [True, False, False, True]


def test_an_improvement_is_one_of_the_best_by_more_than_tol():
    stopping = NoImprovement(tol=0.5, n_iter_no_change=1)
    # Each is lower than the one before, but not by more than 0.5 than the best.
    assert not stopping.update(2.0)
    assert not stopping.update(1.5)
    assert stopping.update(1.25)


def test_what_is_not_a_number_is_no_improvement():
    for figure in (np.nan, np.inf):
        stopping = NoImprovement(n_iter_no_change=1)
        assert [stopping.update(figure) for _ in range(2)] == [False, True]
        assert not stopping.update(1.0)


def test_infinitely_many_epochs_never_stop():
    stopping = NoImprovement(tol=10)
    assert not any(stopping.update(1.0) for _ in range(1000))


def test_the_first_of_the_best_epochs_is_kept():
    best = BestState()
    state = np.zeros(1)
    for epoch, figure in enumerate([0.5, 0.25, 0.25, np.nan, 0.3], start=1):
        state[:] = epoch
        best.update(figure, epoch, state, n_steps=7 * epoch)
    assert (best.epoch, best.state, best.n_steps) == (2, 2, 14)


def test_an_epoch_is_kept_even_if_no_figure_is_a_number():
    best = BestState()
    for epoch, figure in enumerate([np.nan, 0.5, np.nan], start=1):
        best.update(figure, epoch, np.zeros(1), 0)
        assert best.epoch == min(epoch, 2)


# Early stopping


@pytest.fixture
def noisy(three_classes):
    """Samples of which a third has a label that tells nothing: soon overfitted."""
    X, y = three_classes
    return X, np.where(np.arange(120) % 3 == 0, y[::-1], y)


class Watched(MLPClassifier):
    """Keeps what it trains on and what it validates with."""

    def _train(self, training, evaluation, *args):
        self.training_, self.evaluation_ = training, evaluation
        return super()._train(training, evaluation, *args)

    def evaluated(self):
        """Loss and accuracy as they are now."""
        return self.evaluation_.run(self.training_.state[0])


def watched(**parameters):
    settings = {"hidden_layer_sizes": (8,), "n_iter_no_change": np.inf, "max_iter": 10}
    settings |= {"random_state": 0, "early_stopping": True}
    return Watched(**settings | parameters)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_of_each_class_is_held_out_with_its_weights(three_classes, weighted):
    X, y = three_classes
    y = np.array(["ant", "bee", "cat"])[np.where(y == 2, y, y % 2)]
    y[np.flatnonzero(y == "cat")[10:]] = "bee"  # so that classes differ in size
    weights = np.random.default_rng(0).uniform(1, 2, 120) if weighted else None
    mlp = watched(validation_fraction=0.2).fit(X, y, weights)
    rows = mlp.training_.rows
    assert len(np.unique(rows)) == len(rows) == 96
    held_out = mlp.evaluation_.rows
    assert sorted([*rows, *held_out]) == list(range(120))
    numbers = np.unique(y, return_inverse=True)[1]
    counts = np.bincount(numbers)
    np.testing.assert_allclose(np.bincount(numbers[held_out]), counts / 5, atol=1)
    expected = np.average(
        mlp.predict(X[held_out]) == y[held_out],
        weights=weights[held_out] if weighted else None,
    )
    reported = mlp.history_["val_accuracy"][mlp.best_epoch_ - 1]
    assert reported == pytest.approx(expected)


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_what_is_held_out_is_not_trained_on(three_classes, batch_size):
    X, y = three_classes
    settings = {"batch_size": batch_size, "monitor": "loss"}
    mlp = watched(**settings).fit(X, y)
    held_out = np.setdiff1d(np.arange(120), mlp.training_.rows)
    X_changed = X.copy()
    X_changed[held_out] += 1e-3
    other = watched(**settings).fit(X_changed, y)
    assert mlp.history_["train_loss"].tolist() == other.history_["train_loss"].tolist()
    assert np.all(mlp.history_["val_loss"] != other.history_["val_loss"])


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("monitor", FIGURES)
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
    figures = mlp.history_[FIGURES[monitor]]
    best = figures.argmin() if monitor == "loss" else figures.argmax()
    assert mlp.best_epoch_ == best + 1 < mlp.n_iter_ == 25
    np.testing.assert_array_equal(
        mlp.evaluated(),
        [mlp.history_["val_loss"][best], mlp.history_["val_accuracy"][best]],
    )
    up_to_it = watched(**settings, max_iter=mlp.best_epoch_).fit(X, y, **validation)
    assert_same_weights(mlp, up_to_it)
    if given:
        right = mlp.predict(validation["X_val"]) == validation["y_val"]
        expected = np.average(right, weights=weights)
        assert mlp.history_["val_accuracy"][best] == pytest.approx(expected)


@pytest.mark.parametrize("monitor", FIGURES)
def test_training_stops_by_the_validation_figure(three_classes, monitor):
    X, y = three_classes
    mlp = watched(
        monitor=monitor, n_iter_no_change=4, tol=0.01, max_iter=500, batch_size=20
    ).fit(X, y)
    figures = mlp.history_[FIGURES[monitor]] * (1 if monitor == "loss" else -1)
    best_before = np.minimum.accumulate(figures)[:-1]
    stays = figures[1:] >= best_before - 0.01
    assert mlp.n_iter_ == len(figures) < 500
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
    np.testing.assert_array_equal(mlp.training_.rows, np.arange(120))
    plain = make_mlp(max_iter=mlp.best_epoch_).fit(X, y, X_val=X[:40], y_val=y[:40])
    assert_same_weights(mlp, plain)


def test_the_same_seed_holds_out_the_same(three_classes):
    X, y = three_classes
    rows = [watched(random_state=seed).fit(X, y).training_.rows for seed in (0, 0, 1)]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert set(rows[0]) != set(rows[2])


def test_early_stopping_from_probabilities_and_from_one_hot_rows(three_classes):
    X, y = three_classes
    by_rows = watched(monitor="loss").fit(X, np.eye(3)[y])
    by_labels = watched(monitor="loss").fit(X, y)
    assert_same_weights(by_rows, by_labels)
    assert_same_history(by_rows, by_labels)
    T = np.random.default_rng(0).dirichlet(np.ones(3), 120)
    mlp = watched(monitor="loss").fit(X, T)
    held_out = np.setdiff1d(np.arange(120), mlp.training_.rows)
    log_p = mlp.predict_log_proba(X[held_out])
    expected = -np.mean(np.sum(T[held_out] * log_p, axis=1))
    assert mlp.history_["val_loss"].min() == pytest.approx(expected, rel=1e-5)


def test_balanced_weights_and_sample_weights_are_those_of_the_held_out(three_classes):
    X, y = three_classes
    y = np.where(np.arange(120) % 3 == 0, 0, y)
    own = np.random.default_rng(0).uniform(0.5, 2, 120)
    mlp = watched(class_weight="balanced").fit(X, y, own)
    by_sample = watched().fit(X, y, own / np.bincount(y, own)[y])
    np.testing.assert_allclose(
        mlp.history_["val_loss"], by_sample.history_["val_loss"], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("rows", "fraction"), [(slice(3), 0.5), (slice(4), 0.1), (slice(12), 0.1)]
)
def test_too_few_samples_to_hold_out_are_refused(rows, fraction):
    X, y = np.zeros((120, 2)), np.arange(120) % 3
    message = rf"validation_fraction={fraction} of {rows.stop} samples in 3 classes"
    with pytest.raises(ValueError, match=f"{message}.*Pass X_val and y_val instead"):
        watched(validation_fraction=fraction).fit(X[rows], y[rows])


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
def test_parameters_are_refused_in_words(three_classes, parameters, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        watched(**parameters).fit(*three_classes)


def test_the_best_epoch_is_not_told_of_a_fit_without_early_stopping(three_classes):
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
    up_to_it = watched(max_iter=mlp.best_epoch_, learning_rate_init=0.2).fit(X, y)
    assert_same_weights(mlp, up_to_it)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_later_call_goes_on_from_the_best_epoch(noisy, solver):
    X, y = noisy
    settings = {"monitor": "loss", "learning_rate_init": 0.2, "solver": solver}
    settings |= {"warm_start": True, "shuffle": False, "batch_size": 10}
    mlp = watched(**settings, max_iter=25).fit(X, y)
    best = mlp.best_epoch_
    assert best < 25
    up_to_it = watched(**settings, max_iter=best).fit(X, y)
    mlp.set_params(max_iter=5).fit(X, y)
    up_to_it.set_params(max_iter=5).fit(X, y)
    for column in ("train_loss", "val_loss"):
        np.testing.assert_array_equal(
            mlp.history_[column][25:], up_to_it.history_[column][best:]
        )
    if mlp.history_["val_loss"].argmin() < 25:
        assert mlp.best_epoch_ == best
    assert_same_weights(mlp, up_to_it)


def test_a_best_epoch_that_an_error_has_lost_is_forgotten(three_classes):
    X, y = three_classes
    mlp = watched(
        monitor="loss", warm_start=True, learning_rate_init=0.5, batch_size=10,
        learning_rate=lambda epoch: 0.5 if epoch < 9 else -1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="learning_rate"):
        mlp.fit(X, y)
    assert mlp.history_["val_loss"].argmin() < 7
    assert not hasattr(mlp, "best_epoch_")
    assert len(pickle.dumps(mlp._progress)) < 10_000
    mlp.set_params(learning_rate="constant", learning_rate_init=1e-9, max_iter=1)
    assert mlp.fit(X, y).best_epoch_ == 9
    np.testing.assert_allclose(mlp.evaluated()[0], mlp.history_["val_loss"][-1])


def test_validation_that_overflows_does_not_train_forever(three_classes):
    X, y = three_classes
    mlp = watched(
        monitor="loss", hidden_layer_sizes=(), n_iter_no_change=3, max_iter=50
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mlp.fit(X, y, X_val=np.full((9, 6), 3e38), y_val=np.arange(9) % 3)
    assert not np.isfinite(mlp.history_["val_loss"]).any()
    assert mlp.best_epoch_ == 1
    assert mlp.n_iter_ == 4
