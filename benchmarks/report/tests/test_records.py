"""The records of trained networks."""

import numpy as np
import pytest

from benchmarks.report import records
from benchmarks.report.rows import Run, plan
from benchmarks.report.training import train
from cymlp import History, kernels


@pytest.fixture
def history():
    """100 epochs of 120 batches; each value shows where it comes from."""
    history = History()
    for epoch in range(1, 101):
        batches = 1000 * epoch + np.arange(120)
        history.append(
            epoch=epoch,
            val_loss=epoch,
            val_accuracy=-epoch,
            gradient_norm=2 * epoch,
            batches={"loss": batches, "accuracy": -batches},
        )
    return history


def test_curves_have_the_points_of_the_publication(history):
    curves = records.all_curves(history)
    # Training: a point per 50 batches, the last from batches 51 to 100 of epoch 100.
    epochs, values = curves["train_loss"]
    np.testing.assert_allclose(epochs[:3], [5 / 12, 10 / 12, 17 / 12])
    assert values[2] == 2000 + 24.5
    assert values[-1] == np.mean(100_000 + np.arange(50, 100))
    assert curves["train_accuracy"][1][-1] == -values[-1]
    # Test: after every epoch; the figures are those of epoch 96.
    epochs, values = curves["test_loss"]
    assert list(epochs) == list(range(1, 101))
    assert records.final("test_loss", curves) == 96
    assert records.final("test_accuracy", curves) == -96
    assert records.final("train_accuracy", curves) == curves["train_accuracy"][1][-1]
    assert list(curves["gradient_norm"][1]) == [2 * epoch for epoch in epochs]


@pytest.mark.parametrize(("n_epochs", "last"), [(1, 1), (5, 1), (6, 6), (100, 96)])
def test_the_figure_of_the_test_set_is_at_a_published_point(n_epochs, last):
    epochs = np.arange(1, n_epochs + 1)
    assert records.final("test_loss", {"test_loss": (epochs, epochs)}) == last


def test_an_epoch_shorter_than_a_block_is_one_block():
    history = History()
    batches = {"loss": [1.0, 2.0, 6.0], "accuracy": [0.5, 0.5, 0.2]}
    history.append(
        epoch=1, val_loss=0, val_accuracy=0, gradient_norm=1, batches=batches
    )
    curves = records.all_curves(history)
    assert [list(column) for column in curves["train_loss"]] == [[1.0], [3.0]]


def test_records_describe_their_run(digits, row, tmp_path):
    runs = plan([row], [0, 1])
    results = train(runs, digits, epochs=11, jobs=2, folder=tmp_path)
    for run, result in zip(runs, results, strict=True):
        network = run.classifier(11).fit(
            digits.X_train, digits.y_train, X_val=digits.X_test, y_val=digits.y_test
        )
        assert result["seed"] == run.seed
        assert result["settings"] == row["settings"]
        assert result["test_loss"] == round(network.history_["val_loss"][10], 6)
        assert result["train_accuracy"] == pytest.approx(
            network.history_.batches["accuracy"][-1].mean(), abs=1e-6
        )
        wrong = network.predict(digits.X_test) != digits.y_test
        assert result["wrong"] == np.flatnonzero(wrong).tolist()
        assert result["instruction_set"] == kernels.isa()
        # Binomial for accuracy; the training metrics are means over 12 batches.
        p = network.score(digits.X_test, digits.y_test)
        errors = result["sampling_errors"]
        assert errors["test_accuracy"] == pytest.approx(
            np.sqrt(p * (1 - p) / 597), abs=1e-6
        )
        assert 0 < errors["train_loss"] < 0.1
        assert set(result["versions"]) == {"cymlp", "numpy", "scipy", "scikit-learn"}


def test_diagnostics_are_recorded_for_rows_that_ask_for_them(digits, row, tmp_path):
    (run,) = plan([row | {"diagnostics": True}], [0])
    (result,) = train([run], digits, epochs=7, jobs=1, folder=tmp_path)
    network = run.classifier(7).fit(
        digits.X_train, digits.y_train, X_val=digits.X_test, y_val=digits.y_test
    )
    kept = result["diagnostics"]
    assert kept["epoch"] == [1, 6]
    for name in records.DIAGNOSTICS:
        np.testing.assert_allclose(kept[name], network.history_[name][::5], atol=1e-5)
    U = digits.X_test @ network.coefs_[0] + network.intercepts_[0]
    Z = np.tanh(U) @ network.coefs_[1] + network.intercepts_[1]
    ranges = Z.max(axis=1) - Z.min(axis=1)
    assert result["extremes"] == {
        "hidden_input": pytest.approx(abs(U).max(), abs=0.01),
        "score_range": pytest.approx(ranges.max(), abs=0.01),
    }


def test_an_epoch_of_one_batch_has_no_sampling_error(digits, row, tmp_path):
    run = Run(1, "", "stated", row["settings"] | {"batch_size": 1200}, 0)
    (result,) = train([run], digits, epochs=1, jobs=1, folder=tmp_path)
    assert result["sampling_errors"]["train_loss"] == 0
    assert result["sampling_errors"]["test_loss"] > 0
