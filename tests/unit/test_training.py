"""A network in training: its epochs, its saved parameters, and its epoch control."""

import numpy as np
import pytest

from cymlp import MLPClassifier
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD, Adam
from cymlp._engine.storage import store
from cymlp._engine.targets import Targets
from cymlp._fit import fitting
from cymlp._fit.parameters import Parameters
from cymlp._fit.prepare import Samples, weighted_targets
from cymlp._fit.training import DivergedError, Evaluation, Training, TrainingState
from cymlp.activations import Identity, Tanh
from cymlp.history import History
from cymlp.losses import CrossEntropy

SIZES = [4, 5, 3]
INDICES = np.array([3, 17, 5, 8], np.intp)


def make_training(
    *, indices=None, weights=None, shuffle=True, dropout=(), seed=0, activation=None,
    optimizer=None, rewinds=False,
):  # fmt: skip
    """A network and 20 random samples, in batches of 8."""
    rng = np.random.default_rng(0)
    optimizer = optimizer or Adam(0.01, 0.9, 0.999, 1e-8, 0.0)
    parameters = Parameters(SIZES, optimizer.n_slots, "float64")
    parameters.values[0] = rng.normal(scale=0.5, size=parameters.values.shape[1])
    inputs = Inputs(rng.normal(size=(20, 4)))
    samples = Samples(inputs, Targets(rng.integers(3, size=20), 3), weights)
    if indices is None:
        indices = np.arange(20, dtype=np.intp)
    return Training(
        Network(SIZES, [activation or Tanh()], CrossEntropy(), dropout),
        store(inputs),
        weighted_targets(samples, indices),
        indices,
        8,
        parameters,
        optimizer,
        np.random.RandomState(seed),
        shuffle,
        bool(dropout),
        rewinds,
    )


def test_metrics_are_means_over_the_samples():
    metrics, batches = make_training().run_epoch()
    for name in ("loss", "accuracy"):
        assert batches[name].shape == (3,)
        mean = np.average(batches[name], weights=[8, 8, 4])
        assert metrics[f"train_{name}"] == pytest.approx(mean, rel=1e-14)
    assert metrics["gradient_norm"] > 0
    assert metrics["seconds"] > 0


def test_only_the_selected_samples_are_trained_on():
    plain, spoiled = make_training(indices=INDICES), make_training(indices=INDICES)
    spoiled.stored.inputs.array[np.setdiff1d(np.arange(20), INDICES)] = np.nan
    for training in (plain, spoiled):
        training.run_epoch()
    np.testing.assert_array_equal(plain.parameters.values, spoiled.parameters.values)
    assert plain.parameters.n_steps == 1


def test_weights_have_mean_1_over_the_selected_samples():
    weights = np.full(20, 0.9)
    weights[INDICES] = 0.1
    weighted = make_training(indices=INDICES, weights=weights)
    plain = make_training(indices=INDICES)
    assert weighted.run_epoch()[0]["train_loss"] == plain.run_epoch()[0]["train_loss"]


@pytest.mark.parametrize(
    ("settings", "differ"),
    [
        ({"shuffle": True}, True),
        ({"shuffle": False, "dropout": [0.5]}, True),
        ({"shuffle": False}, False),
    ],
)
def test_the_random_state_gives_order_and_dropout(settings, differ):
    one, same, other = (make_training(**settings, seed=seed) for seed in (0, 0, 1))
    for training in (one, same, other):
        training.run_epoch()
    np.testing.assert_array_equal(one.parameters.values, same.parameters.values)
    equal = np.array_equal(one.parameters.values, other.parameters.values)
    assert equal is not differ


def test_saved_parameters_are_restored_with_their_number_of_steps():
    training = make_training()
    training.run_epoch()
    training.save()
    saved = training.parameters.copy()
    training.run_epoch()
    assert training.parameters.n_steps == 6
    assert not np.array_equal(training.parameters.values, saved.values)
    training.restore(1)
    assert training.parameters.n_steps == 3
    np.testing.assert_array_equal(training.parameters.values, saved.values)


def test_an_epoch_that_is_not_yet_saved_is_not_lost():
    training = make_training()
    training.run_epoch()
    training.save()
    training.run_epoch()
    present = training.parameters.copy()
    training.restore(2)
    assert training.parameters.n_steps == 6
    np.testing.assert_array_equal(training.parameters.values, present.values)


@pytest.mark.parametrize("dropout", [(), [0.5]])
def test_random_numbers_are_taken_back(dropout):
    def run(n_epochs):
        training = make_training(dropout=dropout, rewinds=True)
        for _ in range(n_epochs):
            training.run_epoch()
            training.save()
        return training

    training, shorter = run(3), run(2)
    training.run_epoch()
    training.restore(3)
    training.rewind(2)
    assert training._random_state.randint(2**31) == shorter._random_state.randint(2**31)


@pytest.mark.parametrize("spoiled", ["samples", "velocity"])
def test_values_that_are_no_longer_finite_are_divergence(spoiled):
    training = make_training(
        activation=Identity(), optimizer=SGD(1e-3, 0.5, 0.0), shuffle=False
    )
    if spoiled == "samples":
        training.stored.inputs.array[7] = np.nan
    else:
        training.parameters.values[1, 2] = np.inf
    with pytest.raises(DivergedError):
        training.run_epoch()


def test_a_diverged_epoch_counts_no_steps():
    training = make_training(optimizer=SGD(1e-3, 0.5, 0.0))
    training.parameters.values[1, 2] = np.inf
    with pytest.raises(DivergedError):
        training.run_epoch()
    assert training.parameters.n_steps == 0


def test_evaluation_is_the_weighted_mean_over_the_selected_samples():
    training = make_training()
    weights = np.random.default_rng(0).uniform(size=20)
    targets = training.targets.weighted(weights)

    def evaluate(*indices):
        indices = np.array(indices, np.intp)
        evaluation = Evaluation(training.network, training.stored, targets, indices, 3)
        return evaluation.run(training.parameters.values[0])

    alone = [evaluate(index) for index in INDICES]
    expected = np.average(alone, axis=0, weights=weights[INDICES])
    np.testing.assert_allclose(evaluate(*INDICES), expected, rtol=1e-14)


# Epoch control


def make_control(state=None, **parameters):
    """The control of an estimator's training, its state, and the training."""
    estimator = MLPClassifier(**parameters)
    estimator._training_state = state or TrainingState(np.random.RandomState(0))
    estimator.history_ = History()
    training = make_training()
    control = fitting._build_control(estimator, training, fitting.Call(n_epochs=10))
    return control, estimator._training_state, training


def run(control, training, metrics, monitor="train_loss"):
    """Give a control the metrics of some epochs; return the epochs that stop."""
    stops = []
    for epoch, metric in enumerate(metrics, start=1):
        control.set_learning_rate(epoch)
        training.parameters.values[:] = epoch
        training.parameters.n_steps = 10 * epoch
        if control.update({"epoch": epoch, monitor: metric}):
            stops.append(epoch)
    return stops


def test_control_counts_the_samples_for_an_inversely_scaled_rate():
    control, state, training = make_control(
        learning_rate="invscaling", learning_rate_init=0.5
    )
    run(control, training, [3, 2, 1])
    assert state.n_samples_seen == 60
    assert training.optimizer.learning_rate == pytest.approx(0.5 / np.sqrt(41))


def test_control_lowers_an_adaptive_rate_in_place_of_stopping():
    control, state, training = make_control(
        learning_rate="adaptive", learning_rate_init=1e-5, n_iter_no_change=1
    )
    assert run(control, training, [1] * 9) == [7, 9]
    assert state.n_reductions == 2
    later, _, training = make_control(
        state, learning_rate="adaptive", learning_rate_init=1e-5
    )
    later.set_learning_rate(1)
    assert training.optimizer.learning_rate == pytest.approx(1e-5 / 25)


@pytest.mark.parametrize(
    ("monitor", "metrics"), [("loss", [3, 1, 2]), ("accuracy", [0.2, 0.9, 0.5])]
)
def test_control_restores_the_best_epoch(monitor, metrics):
    control, state, training = make_control(early_stopping=True, monitor=monitor)
    run(control, training, metrics, f"val_{monitor}")
    for _ in range(2):  # as when Ctrl-C has come in between
        assert control.restore_best() == 2
        np.testing.assert_array_equal(training.parameters.values, 2)
        assert training.parameters.n_steps == 20
        assert state.best.parameters is None


def test_control_without_early_stopping_restores_nothing():
    control, _, training = make_control()
    run(control, training, [3, 1, 2])
    assert control.restore_best() is None
    np.testing.assert_array_equal(training.parameters.values, 3)


def test_a_later_control_continues_the_count_of_epochs_without_improvement():
    control, state, training = make_control(n_iter_no_change=3)
    assert run(control, training, [1, 1, 1]) == []
    later, _, training = make_control(state, n_iter_no_change=3)
    assert run(later, training, [1, 1]) == [2]


def test_another_monitor_starts_another_count():
    control, state, training = make_control(n_iter_no_change=2)
    run(control, training, [0.5] * 3)
    other, _, training = make_control(state, n_iter_no_change=2, early_stopping=True)
    assert run(other, training, [0.1, 0.1, 0.1], "val_loss") == []
    assert other.restore_best() == 1


@pytest.mark.parametrize(
    ("metrics", "epoch", "value"), [([2, 3, 2], 2, 2), ([2, 3, 0.5], 3, 3)]
)
def test_a_later_control_keeps_an_earlier_best_unless_there_is_a_better(
    metrics, epoch, value
):
    settings = {"early_stopping": True, "monitor": "loss"}
    control, state, training = make_control(**settings)
    run(control, training, [4, 1], "val_loss")
    control.restore_best()
    estimator = MLPClassifier(**settings)
    estimator._training_state = state
    estimator.history_ = History()
    later = fitting._build_control(estimator, training, fitting.Call(n_epochs=10))
    run(later, training, metrics, "val_loss")
    assert later.restore_best() == epoch
    np.testing.assert_array_equal(training.parameters.values, value)
