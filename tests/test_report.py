"""The report: its protocol, its rows, and what it writes."""

import re

import numpy as np
import pytest
import report

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
def row():
    return report.reference()["rows"][0]


def test_figures_follow_the_protocol(history, row):
    figures = report.Run(row, history, seconds=0).figures()
    # Training: batches 51 to 100 of epoch 100, the last complete block of 50.
    assert figures["train_loss"] == np.mean(100_000 + np.arange(50, 100))
    assert figures["train_accuracy"] == -figures["train_loss"]
    # Test: after epoch 96, the last of 1, 6, 11, ...
    assert (figures["test_loss"], figures["test_accuracy"]) == (96, -96)


def test_curves_have_the_published_points(history, row):
    run = report.Run(row, history, seconds=0)
    epochs, values = run.curve("train", "loss")
    np.testing.assert_allclose(epochs[:3], [50 / 120, 100 / 120, 1 + 50 / 120])
    assert values[2] == 2000 + 24.5
    epochs, values = run.curve("test", "accuracy")
    np.testing.assert_array_equal(epochs, range(1, 97, 5))
    np.testing.assert_array_equal(values, -epochs)


def test_an_epoch_shorter_than_a_block_is_a_block(row):
    history = History()
    history.append(epoch=1, val_loss=0, batches={"loss": [1.0, 2.0, 6.0]})
    epochs, values = report.Run(row, history, seconds=0).curve("train", "loss")
    assert (epochs.tolist(), values.tolist()) == ([1.0], [3.0])


def test_the_reference_has_28_rows_that_the_classifier_takes():
    rows = report.reference()["rows"]
    assert len({row["figure"] for row in rows}) == len(rows) == 28
    for row in rows:
        mlp = report.classifier(row["settings"], epochs=1, seed=0)
        mlp.fit(np.eye(20), np.arange(20) % 2)
        assert set(row["published"]) == set(report.FIGURES)
    notes = {row["note"] for row in rows if "note" in row}
    assert notes == set(report.reference()["notes"])


def test_every_row_is_run_with_the_settings_of_the_protocol(row):
    mlp = report.classifier(row["settings"], epochs=100, seed=3)
    assert (mlp.init, mlp.max_iter, mlp.random_state) == (0.01, 100, 3)
    assert mlp.n_iter_no_change == np.inf


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", [1, 2, 3]), ("9-11,40", [9, 10, 11, 40])]
)
def test_figures_are_chosen_by_number(text, numbers):
    assert report.parse_arguments(["--figures", text]).figures == numbers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--figures", "1-x"], "'1-x' is no figure of the reference; there are [1, 2,"),
        (["--figures", "12"], "'12' is no figure of the reference"),
        (["--epochs", "0"], "'0' is not a whole number from 1 on"),
        (["--jobs", "-1"], "'-1' is not a whole number from 1 on"),
        (["--data", "cifar"], "invalid choice: 'cifar'"),
    ],
)
def test_arguments_are_refused_in_words(arguments, message, capsys):
    with pytest.raises(SystemExit):
        report.parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_it_writes_a_table_and_a_picture_per_row(tmp_path, capsys):
    folder = tmp_path / "new" / "report"
    report.main(
        ["--data", "digits", "--epochs", "2", "--figures", "1-9,40", "--jobs", "2",
         "--output", str(folder)]
    )  # fmt: skip
    text = (folder / "report.md").read_text()
    assert report.NOT_COMPARABLE in text
    assert "published" not in re.findall(r"^\| figure.*", text, re.M)[0]
    assert len(re.findall(r"^\| \d+ \|", text, re.M)) == 10
    pictures = re.findall(r"\]\((.*?\.png)\)", text)
    assert len(pictures) == 11
    for picture in pictures:
        content = (folder / picture).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 10_000
    out = capsys.readouterr().out
    assert f"The report is {folder / 'report.md'}" in out
    assert report.NOT_COMPARABLE in out


@pytest.mark.usefixtures("mnist")
def test_on_mnist_the_published_figures_stand_beside_ours(tmp_path):
    report.main(["--epochs", "1", "--figures", "1", "--output", str(tmp_path)])
    text = (tmp_path / "report.md").read_text()
    assert report.NOT_COMPARABLE not in text
    cells = re.findall(r"^\| 1 \|.*", text, re.M)[0].split(" | ")
    ours, published = cells[3:11:2], cells[4:11:2]
    assert published == ["0.0398", "0.9858", "0.1103", "0.9667"]
    assert 0.85 < float(ours[1]) < 0.95
    assert 0.85 < float(ours[3]) < 0.95
