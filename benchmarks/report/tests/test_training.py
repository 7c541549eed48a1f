"""The reference experiment: its rows, its protocol, and how runs are kept."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmarks import datasets
from benchmarks.report import training
from benchmarks.report.training import Run, SwappedHardSwish
from cymlp import History


@pytest.fixture
def history():
    """Of 100 epochs of 120 batches; each figure tells where it is from."""
    history = History()
    for epoch in range(1, 101):
        batches = 1000 * epoch + np.arange(120)
        history.append(
            epoch=epoch,
            val_loss=epoch,
            val_accuracy=-epoch,
            batches={"loss": batches, "accuracy": -batches},
        )
    return history


@pytest.fixture
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return datasets.DataSet(
        "digits", X[:1200], y[:1200], X[1200:], y[1200:], "here", False
    )


SETTINGS = {
    "hidden_layer_sizes": [8],
    "activation": "tanh",
    "loss": "cross_entropy",
    "learning_rate_init": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0001,
    "batch_size": 100,
}


def test_curves_and_figures_follow_the_protocol(history):
    curves = training.published_curves(history)
    # Training: a point per 50 batches, the last from batches 51 to 100 of epoch 100.
    epochs, values = curves["train_loss"]
    np.testing.assert_allclose(epochs[:3], [5 / 12, 10 / 12, 17 / 12])
    assert values[2] == 2000 + 24.5
    assert values[-1] == np.mean(100_000 + np.arange(50, 100))
    assert curves["train_accuracy"][1][-1] == -values[-1]
    # Test: after epochs 1, 6, ..., 96.
    epochs, values = curves["test_loss"]
    assert list(epochs) == list(range(1, 97, 5))
    assert values[-1] == 96
    assert curves["test_accuracy"][1][-1] == -96


def test_an_epoch_shorter_than_a_block_is_a_block():
    history = History()
    figures = {"loss": [1.0, 2.0, 6.0], "accuracy": [0.5, 0.5, 0.2]}
    history.append(epoch=1, val_loss=0, val_accuracy=0, batches=figures)
    curves = training.published_curves(history)
    assert [list(column) for column in curves["train_loss"]] == [[1.0], [3.0]]


def test_the_reference_has_28_rows_that_the_classifier_takes():
    rows = training.reference()["rows"]
    assert len({row["figure"] for row in rows}) == len(rows) == 28
    for run in training.plan(rows, [0]):
        mlp = run.classifier(epochs=1)
        mlp.fit(np.eye(20), np.arange(20) % 2)
    for row in rows:
        assert set(row["published"]) == set(training.FIGURES)
    notes = {row["note"] for row in rows if "note" in row}
    assert notes == set(training.reference()["notes"])


def test_rows_that_look_wrong_are_planned_both_ways():
    runs = training.plan(training.reference()["rows"], [0, 1])
    assert len(runs) == 2 * (28 + 6 + 3)
    changed = {
        run.figure: run for run in runs if run.variant == "as published" and run.seed
    }
    assert set(changed) == {2, 6, 7, 27, 41}
    assert isinstance(changed[2].classifier(1).activation, SwappedHardSwish)
    assert changed[41].classifier(1).loss.margin == 1.0


def test_a_run_has_the_settings_of_the_protocol():
    mlp = Run(1, "named", SETTINGS, seed=3).classifier(epochs=100)
    assert (mlp.init, mlp.max_iter, mlp.random_state) == (0.01, 100, 3)
    assert mlp.n_iter_no_change == np.inf
    assert mlp.learning_rate_init == 0.1


def test_the_swapped_hardswish_is_what_it_says():
    U = np.array([-4.0, -3.0, -1.0, 2.0, 3.0, 5.0])
    swapped = SwappedHardSwish()
    np.testing.assert_allclose(swapped.value(U), [0, 0, -1, 2, 3, 20 / 3])
    np.testing.assert_allclose(
        swapped.derivative(U, swapped.value(U)), [0, 0, 1, 1, 1.5, 13 / 6]
    )


def test_results_describe_their_run(digits, tmp_path):
    runs = training.plan([{"figure": 1, "settings": SETTINGS}], [0, 1])
    results = training.train(runs, digits, epochs=11, jobs=2, folder=tmp_path)
    for run, result in zip(runs, results, strict=True):
        network = run.classifier(11).fit(
            digits.X_train, digits.y_train, X_val=digits.X_test, y_val=digits.y_test
        )
        assert result["seed"] == run.seed
        assert result["settings"] == SETTINGS
        assert result["test_loss"] == round(network.history_["val_loss"][10], 6)
        assert result["train_accuracy"] == pytest.approx(
            network.history_.batches["accuracy"][-1].mean(), abs=1e-6
        )
        # Binomial, and of 12 batches.
        p = network.score(digits.X_test, digits.y_test)
        errors = result["sampling_errors"]
        assert errors["test_accuracy"] == pytest.approx(
            np.sqrt(p * (1 - p) / 597), abs=1e-6
        )
        assert 0 < errors["train_loss"] < 0.1
        assert set(result["versions"]) == {"cymlp", "numpy", "scipy", "scikit-learn"}


def test_probes_are_planned_beside_the_row_that_they_explain():
    runs = training.plan(training.reference()["rows"], [0])
    probes = [run for run in runs if run.variant == "probe"]
    assert [run.figure for run in probes] == [28, 50, 50]
    assert probes[0].classifier(1).learning_rate_init == 0.03
    losses = [run.classifier(1).loss for run in probes[1:]]
    assert [(loss.alpha, loss.gamma) for loss in losses] == [(1.0, 2.0), (0.1, 0.0)]


def test_diagnostics_are_kept_where_a_row_asks_for_them(digits, tmp_path):
    row = {"figure": 1, "settings": SETTINGS, "diagnostics": True}
    (run,) = training.plan([row], [0])
    (result,) = training.train([run], digits, epochs=7, jobs=1, folder=tmp_path)
    network = run.classifier(7).fit(
        digits.X_train, digits.y_train, X_val=digits.X_test, y_val=digits.y_test
    )
    kept = result["diagnostics"]
    assert kept["epoch"] == [1, 6]
    for name in training.DIAGNOSTICS:
        np.testing.assert_allclose(kept[name], network.history_[name][::5], atol=1e-5)
    U = digits.X_test @ network.coefs_[0] + network.intercepts_[0]
    Z = np.tanh(U) @ network.coefs_[1] + network.intercepts_[1]
    ranges = Z.max(axis=1) - Z.min(axis=1)
    assert result["extremes"] == {
        "hidden_input": pytest.approx(abs(U).max(), abs=0.01),
        "score_range": pytest.approx(ranges.max(), abs=0.01),
    }


def test_an_epoch_of_one_batch_has_no_sampling_error(digits, tmp_path):
    run = Run(1, "named", SETTINGS | {"batch_size": 1200}, 0)
    (result,) = training.train([run], digits, epochs=1, jobs=1, folder=tmp_path)
    assert result["sampling_errors"]["train_loss"] == 0
    assert result["sampling_errors"]["test_loss"] > 0


def test_finished_runs_are_used_again(digits, tmp_path, capsys):
    runs = training.plan([{"figure": 1, "settings": SETTINGS}], [0, 1])
    kept = {"epochs": 2, "jobs": 1, "folder": tmp_path}
    first = training.train(runs[:1], digits, **kept)
    assert "0 of 1 runs" in capsys.readouterr().out
    again = training.train(runs, digits, **kept)
    assert "1 of 2 runs" in capsys.readouterr().out
    assert again[0] == first[0]
    for other in (
        {"epochs": 3},
        {"dataset": digits._replace(name="others")},
        {"runs": [Run(1, "named", SETTINGS | {"momentum": 0.5}, 0)]},
    ):
        training.train(**{"runs": runs, "dataset": digits} | kept | other)
        assert "0 of" in capsys.readouterr().out


def test_an_interrupt_loses_only_the_runs_in_progress(digits, tmp_path, monkeypatch):
    def interrupted(networks, *data, **options):
        first, *_ = networks.values()
        first.fit(digits.X_train, digits.y_train, **validation(options))
        raise KeyboardInterrupt

    def validation(options):
        return {name: options[name] for name in ("X_val", "y_val")}

    runs = training.plan([{"figure": 1, "settings": SETTINGS}], [0, 1])
    monkeypatch.setattr(training, "fit_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text())["seed"] in (0, 1)


def test_a_failure_is_reported_and_does_not_lose_the_others(digits, tmp_path, capsys):
    wild = SETTINGS | {"learning_rate_init": 1e30}
    runs = [Run(1, "named", SETTINGS, 0), Run(2, "named", wild, 0)]
    results = training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)
    assert [result["figure"] for result in results] == [1]
    out = capsys.readouterr().out
    assert "figure-02-seed-0" in out
    assert "diverged" in out
