"""The history of a fit, and its plot."""

import pickle
from copy import copy, deepcopy

import matplotlib.pyplot
import numpy as np
import pytest
from helpers import make_mlp

from cymlp import History
from cymlp.plots import plot_history

matplotlib.use("agg")


@pytest.fixture
def history():
    history = History()
    for epoch in (1, 2, 3):
        history.append(
            epoch=epoch,
            train_loss=1 / epoch,
            train_accuracy=1 - 0.5 / epoch,
            val_loss=2 / epoch,
            val_accuracy=0.9 - 0.5 / epoch,
            batches={"loss": [epoch, epoch + 0.5]},
        )
    return history


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def test_it_is_a_mapping_of_columns(history):
    assert list(history) == [
        "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
    ]  # fmt: skip
    np.testing.assert_array_equal(history["train_loss"], [1, 1 / 2, 1 / 3])
    assert history.n_epochs == 3
    with pytest.raises(KeyError, match="val_losses"):
        history["val_losses"]


def test_copies_grow_apart(history):
    one, other = copy(history), pickle.loads(pickle.dumps(history))
    one.append(epoch=4, train_loss=0.25)
    other.append(epoch=4, train_loss=0.125)
    assert history.n_epochs == 3
    assert one["train_loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    assert other["train_loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 8]


def test_a_long_history_can_be_pickled_and_copied():
    history = History()
    for epoch in range(1, 10_001):
        history.append(epoch=epoch, train_loss=1 / epoch)
    for other in (pickle.loads(pickle.dumps(history)), deepcopy(history)):
        assert other["epoch"].tolist() == list(range(1, 10_001))


def test_batches_have_a_row_per_epoch(history):
    np.testing.assert_array_equal(
        history.batches["loss"], np.float32([[1, 1.5], [2, 2.5], [3, 3.5]])
    )


def test_metrics_of_batches_that_overflow_are_infinite_without_a_warning():
    """Warnings are errors in these tests."""
    history = History()
    history.append(epoch=1, train_loss=1e300, batches={"loss": [1e300, 1]})
    np.testing.assert_array_equal(history.batches["loss"], [[np.inf, 1]])


def test_an_empty_history_has_no_columns():
    assert len(History()) == History().n_epochs == 0
    assert History().batches is None


def test_it_shows_the_last_value_of_each_column(history):
    assert repr(History()) == "History of 0 epochs"
    history.append(epoch=4, train_loss=1 / 3, train_accuracy=1, dead_units=[0.5, 0])
    assert repr(history) == (
        "History of 4 epochs; the last: train_loss=0.3333, train_accuracy=1, "
        "val_loss=nan, val_accuracy=nan, dead_units=[0.5, 0]"
    )


def test_a_column_that_an_epoch_lacks_has_nan_there(history):
    history.append(epoch=4, train_loss=0.25, dead_units=[0.5, 0.0])
    assert list(history)[-1] == "dead_units"
    assert len(history) == 6
    np.testing.assert_array_equal(history["val_loss"], [2, 1, 2 / 3, np.nan])
    np.testing.assert_array_equal(
        history["dead_units"], [[np.nan] * 2] * 3 + [[0.5, 0]]
    )
    assert history["epoch"].dtype.kind == "i"


def test_an_integer_column_that_an_epoch_lacks_becomes_float():
    history = History()
    history.append(epoch=1, count=2**40)
    history.append(epoch=2)
    np.testing.assert_array_equal(history["count"], [2.0**40, np.nan])


def test_batches_are_filled_with_nan(history):
    history.append(epoch=4)
    history.append(epoch=5, batches={"loss": [5, 6, 7], "accuracy": [1, 1, 0]})
    nan = np.nan
    rows = [[1, 1.5, nan], [2, 2.5, nan], [3, 3.5, nan], [nan] * 3, [5, 6, 7]]
    np.testing.assert_array_equal(history.batches["loss"], np.float32(rows))
    assert history.batches["loss"].dtype == np.float32
    np.testing.assert_array_equal(
        history.batches["accuracy"], [[nan] * 3] * 4 + [[1, 1, 0]]
    )


def test_a_frame_has_a_row_for_each_epoch(history):
    frame = history.to_frame()
    assert list(frame) == list(history)
    assert list(frame.index) == [0, 1, 2]
    for name in history:
        assert frame[name].dtype == history[name].dtype
        np.testing.assert_array_equal(frame[name], history[name])


def test_a_frame_has_a_column_for_each_layer():
    history = History()
    history.append(epoch=1, train_loss=1.0)
    history.append(epoch=2, dead_units=[0.5, 0.25], saturation=[0.75])
    frame = history.to_frame()
    assert list(frame) == [
        "epoch", "train_loss", "dead_units_1", "dead_units_2", "saturation_1",
    ]  # fmt: skip
    np.testing.assert_array_equal(frame["dead_units_2"], [np.nan, 0.25])
    np.testing.assert_array_equal(frame["saturation_1"], [np.nan, 0.75])


def test_the_frame_of_a_fit_has_all_its_metrics(three_classes):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=(8, 4), max_iter=3, diagnostics=True).fit(X, y)
    frame = mlp.history_.to_frame()
    assert frame.shape == (3, 6 + 2 + 2 + 3)
    assert list(frame)[-3:] == [f"zero_gradients_{layer}" for layer in (1, 2, 3)]
    assert all(kind in "if" for kind in (dtype.kind for dtype in frame.dtypes))


def test_the_frame_of_no_epochs_is_empty():
    assert History().to_frame().shape == (0, 0)


def test_a_frame_says_what_to_install_where_pandas_is_missing(history, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        history.to_frame()


def test_a_copy_does_not_grow_with_the_original(history):
    copied = copy(history)
    history.append(epoch=4)
    assert (copied.n_epochs, history.n_epochs) == (3, 4)
    np.testing.assert_array_equal(copied["train_loss"], history["train_loss"][:3])


def test_plot_leaves_out_nan(history):
    history.append(epoch=4, train_loss=0.25, train_accuracy=1)
    _, val = history.plot()[0].get_lines()
    np.testing.assert_array_equal(val.get_ydata(), [2, 1, 2 / 3, np.nan])


def test_plot_draws_every_curve_and_names_its_axes(history):
    axes = history.plot()
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", quantity)
        train, val = axis.get_lines()
        np.testing.assert_array_equal(train.get_ydata(), history[f"train_{quantity}"])
        np.testing.assert_array_equal(val.get_ydata(), history[f"val_{quantity}"])
        np.testing.assert_array_equal(train.get_xdata(), [1, 2, 3])
        # The curves differ without colour, too.
        assert train.get_linestyle() != val.get_linestyle()
        texts = [text.get_text() for text in axis.get_legend().get_texts()]
        assert texts == ["training", "validation"]


def test_plot_without_validation_draws_training_only():
    columns = {"epoch": [1, 2], "train_loss": [2, 1], "train_accuracy": [0.5, 1]}
    assert [len(axis.get_lines()) for axis in plot_history(columns)] == [1, 1]


def test_plot_draws_on_the_given_axes(history):
    _, given = matplotlib.pyplot.subplots(2, 1)
    assert history.plot(given)[1] is given[1]
    with pytest.raises(ValueError, match=r"axes must be 2.*got 1"):
        history.plot(given[:1])


def test_plot_says_what_to_install_where_matplotlib_is_missing(history, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'cymlp\[plot\]'"):
        history.plot()
