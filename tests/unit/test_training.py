"""A training run: epochs, what is saved of them, and what controls them."""

import numpy as np
import pytest

from cymlp import MLPClassifier
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD, Adam
from cymlp._fit.targets import Dataset, Targets
from cymlp._fit.training import Control, DivergedError, Progress, Training, samples_of
from cymlp.activations import Identity, Tanh
from cymlp.losses import CrossEntropy


def make_training(
    *, n_samples=20, rows=None, weights=None, shuffle=True, dropout=(), seed=0,
    activation=None, optimizer=None,
):  # fmt: skip
    rng = np.random.default_rng(0)
    network = Network(
        [4, 5, 3], [activation or Tanh()], CrossEntropy(), batch_size=8, dropout=dropout
    )
    optimizer = optimizer or Adam(0.01, 0.9, 0.999, 1e-8, 0.0)
    state = np.zeros((1 + optimizer.n_slots, network.n_parameters))
    state[0] = rng.normal(scale=0.5, size=network.n_parameters)
    X = rng.normal(size=(n_samples, 4))
    dataset = Dataset(
        Inputs(X), Targets(rng.integers(3, size=n_samples), None, 3), weights
    )
    rows = np.arange(n_samples, dtype=np.intp) if rows is None else rows
    random_state = np.random.RandomState(seed)
    return Training(
        network, state, optimizer, dataset, samples_of(dataset, rows), rows,
        random_state if shuffle else None, random_state if dropout else None,
    )  # fmt: skip


def test_figures_are_means_over_the_samples():
    training = make_training()
    figures, batches = training.run_epoch()
    sizes = [8, 8, 4]
    for name in ("loss", "accuracy"):
        assert batches[name].shape == (3,)
        mean = np.average(batches[name], weights=sizes)
        assert figures[f"train_{name}"] == pytest.approx(mean, rel=1e-14)
    assert figures["gradient_norm"] > 0
    assert figures["seconds"] > 0


def test_only_the_rows_given_are_trained_on():
    rows = np.array([3, 17, 5, 8], np.intp)
    some, others_spoiled = make_training(rows=rows), make_training(rows=rows)
    others_spoiled.dataset.X.array[np.setdiff1d(np.arange(20), rows)] = np.nan
    for training in (some, others_spoiled):
        training.run_epoch()
    np.testing.assert_array_equal(some.state, others_spoiled.state)
    assert some.optimizer.n_steps == 1


def test_weights_have_the_mean_1_over_the_rows():
    rows = np.array([3, 17, 5, 8], np.intp)
    weights = np.full(20, 0.9)
    weights[rows] = 0.1
    weighted, plain = (
        make_training(rows=rows, weights=weights),
        make_training(rows=rows),
    )
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
    np.testing.assert_array_equal(one.state, same.state)
    assert np.array_equal(one.state, other.state) is not differ


def test_a_saved_state_comes_back_with_its_number_of_steps():
    training = make_training()
    training.run_epoch()
    training.save()
    saved = training.state.copy()
    training.run_epoch()
    assert training.optimizer.n_steps == 6
    assert not np.array_equal(training.state, saved)
    training.restore()
    assert training.optimizer.n_steps == 3
    np.testing.assert_array_equal(training.state, saved)


@pytest.mark.parametrize("spoilt", ["samples", "velocity"])
def test_what_is_not_finite_any_more_has_diverged(spoilt):
    training = make_training(
        activation=Identity(), optimizer=SGD(1e-3, 0.5, 0.0), shuffle=False
    )
    if spoilt == "samples":
        training.dataset.X.array[7] = np.nan
    else:
        training.state[1, 2] = np.inf
    with pytest.raises(DivergedError):
        training.run_epoch()


# Control


def make_control(progress=None, **parameters):
    settings = MLPClassifier(**parameters)
    training = make_training()
    progress = progress or Progress(np.random.RandomState(0))
    return Control(settings, progress, training), progress, training


def run(control, training, figures, monitor="train_loss"):
    """Give the figures of some epochs to a control; the numbers of those that stop."""
    stops = []
    for epoch, figure in enumerate(figures, start=1):
        control.set_learning_rate(epoch)
        training.state[:] = epoch
        training.optimizer.n_steps = 10 * epoch
        if control.update({"epoch": epoch, monitor: figure}):
            stops.append(epoch)
    return stops


def test_control_counts_samples_for_the_scaled_rate():
    control, progress, training = make_control(
        learning_rate="invscaling", learning_rate_init=0.5
    )
    run(control, training, [3, 2, 1])
    assert progress.n_seen == 60
    assert training.optimizer.learning_rate == pytest.approx(0.5 / np.sqrt(41))


def test_control_lowers_an_adaptive_rate_in_place_of_stopping():
    control, progress, training = make_control(
        learning_rate="adaptive", learning_rate_init=1e-5, n_iter_no_change=1
    )
    assert run(control, training, [1] * 9) == [7, 9]
    assert progress.n_reductions == 2
    later, _, training = make_control(
        progress, learning_rate="adaptive", learning_rate_init=1e-5
    )
    later.set_learning_rate(1)
    assert training.optimizer.learning_rate == pytest.approx(1e-5 / 25)


@pytest.mark.parametrize(
    ("monitor", "figures"), [("loss", [3, 1, 2]), ("accuracy", [0.2, 0.9, 0.5])]
)
def test_control_goes_back_to_the_best_epoch(monitor, figures):
    control, progress, training = make_control(early_stopping=True, monitor=monitor)
    run(control, training, figures, f"val_{monitor}")
    assert control.restore_best() == 2
    np.testing.assert_array_equal(training.state, 2)
    assert training.optimizer.n_steps == 20
    assert progress.best.state is None


def test_control_without_early_stopping_goes_nowhere():
    control, _, training = make_control()
    run(control, training, [3, 1, 2])
    assert control.restore_best() is None
    np.testing.assert_array_equal(training.state, 3)


def test_a_control_goes_on_with_the_count_of_the_one_before():
    control, progress, training = make_control(n_iter_no_change=3)
    assert run(control, training, [1, 1, 1]) == []
    later, _, training = make_control(progress, n_iter_no_change=3)
    assert run(later, training, [1, 1]) == [2]


def test_another_figure_to_go_by_begins_another_count():
    control, progress, training = make_control(n_iter_no_change=2)
    run(control, training, [0.5] * 3)
    other, _, training = make_control(progress, n_iter_no_change=2, early_stopping=True)
    assert run(other, training, [0.1, 0.1, 0.1], "val_accuracy") == []
    assert other.restore_best() == 1


def test_a_later_control_keeps_an_earlier_best_unless_there_is_a_better():
    for figures, epoch, state in (([2, 3, 2], 2, 2), ([2, 3, 0.5], 3, 3)):
        control, progress, training = make_control(early_stopping=True, monitor="loss")
        run(control, training, [4, 1], "val_loss")
        control.restore_best()
        later = Control(
            MLPClassifier(early_stopping=True, monitor="loss"), progress, training
        )
        run(later, training, figures, "val_loss")
        assert later.restore_best() == epoch
        np.testing.assert_array_equal(training.state, state)
