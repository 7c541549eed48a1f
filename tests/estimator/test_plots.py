"""Pictures of one network, of repeated runs, and of several networks."""

import matplotlib
import numpy as np
import pytest

from cymlp import History
from cymlp.plots import MARKERS, plot_comparison, plot_grid, plot_history

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def make_history(scale=1.0, n_epochs=40):
    history = History()
    for epoch in range(1, n_epochs + 1):
        history.append(
            epoch=epoch,
            train_loss=scale / epoch,
            train_accuracy=1 - scale / (2 * epoch),
            val_loss=2 * scale / epoch,
            val_accuracy=0.9 - scale / (2 * epoch),
        )
    return history


# Curves with epochs of their own, as a plain dict.
THINNED = {
    "train_epoch": [0.5, 1, 1.5, 2],
    "train_loss": [4, 3, 2, 1],
    "train_accuracy": [0.1, 0.2, 0.3, 0.4],
    "test_epoch": [1, 2],
    "test_loss": [5, 6],
    "test_accuracy": [0.1, 0.2],
}


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_repeated_runs_are_a_line_of_means_in_a_band_of_ranges():
    runs = [make_history(scale) for scale in (1.0, 2.0, 6.0)]
    loss, accuracy = plot_history(runs)
    train, val = loss.get_lines()
    np.testing.assert_allclose(train.get_ydata(), 3 / np.arange(1, 41))
    np.testing.assert_allclose(val.get_ydata(), 6 / np.arange(1, 41))
    assert len(loss.collections) == len(accuracy.collections) == 2
    vertices = loss.collections[0].get_paths()[0].vertices
    at_4 = vertices[vertices[:, 0] == 4, 1]
    assert (at_4.min(), at_4.max()) == (1 / 4, 6 / 4)
    assert texts(loss.get_legend()) == ["training", "validation"]


def test_a_single_run_has_no_band():
    for history in (make_history(), [make_history()]):
        assert not plot_history(history)[0].collections


def test_columns_may_have_epochs_of_their_own():
    train, test = plot_history(THINNED)[0].get_lines()
    np.testing.assert_array_equal(train.get_xdata(), [0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(test.get_xdata(), [1, 2])
    assert test.get_label() == "test"
    assert train.get_linestyle() != test.get_linestyle()
    assert train.get_marker() != test.get_marker()


def test_the_burn_in_may_run_out_of_the_picture():
    all_shown = plot_history(make_history(100.0))[0].get_ylim()
    assert all_shown[0] < 2.5 < 200 < all_shown[1]
    low, high = plot_history(make_history(100.0), burn_in=0.25)[0].get_ylim()
    assert low < 2.5
    assert 20 < high < 25
    # Bands count, too.
    runs = [make_history(100.0), make_history(300.0)]
    assert 60 < plot_history(runs, burn_in=0.25)[0].get_ylim()[1] < 70


def test_a_flat_curve_has_a_scale():
    flat = {"epoch": [1, 2, 3], "train_loss": [1, 1, 1]}
    low, high = plot_comparison({"flat": flat}, "train_loss", burn_in=0.5).get_ylim()
    assert low < 1 < high


def test_a_comparison_tells_networks_apart_without_colour():
    networks = {str(i): [make_history(), make_history(2.0)] for i in range(9)}
    axis = plot_comparison(networks)
    lines = axis.get_lines()
    looks = {(line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(looks) == len(lines) == len(axis.collections) == len(MARKERS)
    assert texts(axis.get_legend()) == list(networks)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "validation accuracy")


def test_a_comparison_draws_where_it_is_told():
    _, mine = matplotlib.pyplot.subplots()
    assert plot_comparison({"a": THINNED}, "test_loss", mine) is mine
    np.testing.assert_array_equal(mine.get_lines()[0].get_ydata(), [5, 6])


@pytest.mark.parametrize("n_networks", [1, 2, 3, 4, 5, 7])
def test_a_grid_names_every_outer_axis(n_networks):
    networks = {f"network {i}": make_history(i + 1.0) for i in range(n_networks)}
    axes = plot_grid(networks, "accuracy")
    assert [axis.get_title() for axis in axes] == list(networks)
    for i, axis in enumerate(axes):
        lowest, leftmost = i + 3 >= n_networks, i % 3 == 0
        assert axis.get_xlabel() == ("epoch" if lowest else "")
        assert axis.get_ylabel() == ("accuracy" if leftmost else "")
        assert lowest == any(
            tick.label1.get_visible() for tick in axis.xaxis.majorTicks
        )
    (legend,) = axes[0].figure.legends
    assert texts(legend) == ["training", "validation"]


def test_a_grid_shares_its_scale_where_it_is_told():
    networks = {str(i): make_history(10.0**i) for i in range(4)}
    everywhere = plot_grid(networks, n_columns=2, burn_in=0.1)
    assert len({axis.get_ylim() for axis in everywhere}) == 1
    in_lines = plot_grid(networks, n_columns=2, share="row", burn_in=0.1)
    limits = [axis.get_ylim() for axis in in_lines]
    assert limits[0] == limits[1] != limits[2] == limits[3]


def test_a_grid_has_one_legend_for_all_that_is_in_it():
    training_only = {"epoch": [1, 2], "train_loss": [2, 1]}
    for figure in (None, matplotlib.pyplot.figure()):
        axes = plot_grid({"a": training_only, "b": THINNED}, figure=figure)
        (legend,) = axes[0].figure.legends
        assert texts(legend) == ["training", "test"]
        axes[0].figure.canvas.draw()


def test_what_is_not_finite_does_not_set_the_scale():
    losses = {"epoch": [1, 2, 3], "train_loss": [1, np.nan, np.inf]}
    low, high = plot_comparison({"a": losses}, "train_loss", burn_in=0.1).get_ylim()
    assert low < 1 < high < 2
    plot_comparison({"a": losses}, "train_loss", burn_in=0.5)


def test_a_grid_of_a_column_draws_that_column():
    figure = matplotlib.pyplot.figure()
    (axis,) = plot_grid({"a": make_history()}, "val_loss", figure=figure)
    (line,) = axis.get_lines()
    np.testing.assert_allclose(line.get_ydata(), 2 / np.arange(1, 41))
    assert axis.figure is figure


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot_history([]), ValueError, "history must have at least one run"),
        (lambda: plot_history(History()), ValueError, "at least one epoch"),
        (lambda: plot_history("loss"), TypeError, "history must be a history or a lis"),
        (lambda: plot_history([3]), TypeError, "must be a mapping of columns; got 3"),
        (lambda: plot_history({"epoch": [1]}), KeyError, "lacks loss; it has epoch"),
        (
            lambda: plot_history([make_history(), make_history(n_epochs=3)]),
            ValueError,
            "same epochs.*got 40, 3 epochs",
        ),
        (lambda: plot_history(THINNED, burn_in=1), ValueError, "burn_in must be .*; g"),
        (lambda: plot_history(THINNED, burn_in="1"), ValueError, "burn_in .*got '1'"),
        (
            lambda: plot_comparison({"a": {"epoch": [], "zeros": []}}, "zeros"),
            ValueError,
            "'zeros' of .* must have at least one epoch",
        ),
        (lambda: plot_comparison([THINNED]), TypeError, "histories must be a dict"),
        (lambda: plot_comparison({}), ValueError, r"at least one network; got \{\}"),
        (
            lambda: plot_comparison({"mine": THINNED}, "val_accuracy"),
            KeyError,
            "histories\\['mine'\\] lacks 'val_accuracy'; it has train_epoch, train_l",
        ),
        (
            lambda: plot_comparison({"a": {"epoch": [1], "zeros": [[1, 2]]}}, "zeros"),
            ValueError,
            r"'zeros' of .* must have one value per epoch; got shape \(1, 2\)",
        ),
        (
            lambda: plot_comparison({"a": {"zeros": [1, 2]}}, "zeros"),
            KeyError,
            "histories\\['a'\\] lacks 'epoch'",
        ),
        (lambda: plot_grid({"a": THINNED}, n_columns=0), ValueError, "n_columns must"),
        (lambda: plot_grid({"a": THINNED}, n_columns="2"), ValueError, "n_col.*'2'"),
        (lambda: plot_grid({"a": THINNED}, 3), TypeError, "quantity .*string; got 3"),
        (lambda: plot_comparison({"a": THINNED}, 3), TypeError, "quantity .*; got 3"),
        (lambda: plot_grid({"a": THINNED}, share="x"), ValueError, "share .*'x'"),
        (lambda: plot_grid({"a": THINNED}, "zeros"), KeyError, "lacks 'zeros'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
