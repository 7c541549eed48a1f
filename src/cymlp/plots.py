"""Plots of histories. Requires matplotlib, which is imported when it is used.

Each function accepts the ``history_`` of a fit, or any mapping with such columns.
Columns with a prefix may have their own epochs, for example if the test set is
evaluated less often: the column ``train_epoch`` has the epochs of all columns that
begin with ``train_``, and so on; ``epoch`` has those of the others. A list of histories
stands for repeated runs of one network, plotted as a line for their mean and a band for
their range.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from numbers import Integral, Real

import numpy as np

__all__ = ["plot_comparison", "plot_grid", "plot_history"]

# The colours of Okabe and Ito suit colour-blind readers. Line styles differ too, for
# prints in black and white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
HELD_OUT = {"color": COLORS[1], "linestyle": "--", "marker": MARKERS[1]}
STYLES = {
    "train": {"label": "training", "color": COLORS[0], "linestyle": "-"},
    "val": {"label": "validation"} | HELD_OUT,
    "test": {"label": "test"} | HELD_OUT,
}
N_MARKERS = 8  # per line
QUANTITIES = ("loss", "accuracy", "r2")


def plot_history(history, axes=None, *, burn_in=0.0):
    """Plot loss and score over the epochs: the accuracy, or R² of a regressor.

    Parameters
    ----------
    history : History, or list of History
        One run, or repeated runs of one network with the same epochs. Mappings with
        such columns are accepted, too.
    axes : sequence of 2 matplotlib Axes, default=None
        Axes for the loss and the score. By default, a new figure is created.
    burn_in : float, default=0.0
        Fraction of the first epochs, in [0, 1), that are ignored when the limits of the
        vertical axis are set, as the first losses are often much higher than the rest.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        Axes of the loss and of the score.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If the history lacks loss, or both accuracy and R².
    TypeError
        If `history` is not a mapping of columns or a list of mappings.
    ValueError
        If `axes` does not have two entries, `history` is empty, the runs differ in
        their epochs, or `burn_in` is out of range.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cymlp.plots import plot_history
    >>> columns = {"epoch": [1, 2], "train_loss": [2, 1], "train_accuracy": [0.5, 1]}
    >>> [axis.get_ylabel() for axis in plot_history(columns)]
    ['loss', 'accuracy']
    """
    runs = _as_runs(history, "history")
    if axes is None:
        axes = new_axes()
    axes = np.asarray(axes, dtype=object).reshape(-1)
    if axes.size != 2:
        raise ValueError(f"axes must be 2 Axes, for loss and score; got {axes.size}")
    score = "r2" if any(name.endswith("_r2") for name in runs[0]) else "accuracy"
    for axis, quantity in zip(axes, ("loss", score), strict=True):
        _draw_parts(axis, runs, "history", quantity)
        _finish(axis, _in_words(quantity), burn_in)
        axis.legend()
    return axes


def plot_comparison(histories, quantity="val_accuracy", axis=None, *, burn_in=0.0):
    """Plot one column of several networks over the epochs, in the same axes.

    Parameters
    ----------
    histories : dict of str to History, or to list of History
        History of each network, or those of repeated runs. The keys are the labels in
        the legend.
    quantity : str, default="val_accuracy"
        Name of the column.
    axis : matplotlib Axes, default=None
        Axes to plot in. By default, a new figure is created.
    burn_in : float, default=0.0
        As in :func:`plot_history`.

    Returns
    -------
    axis : matplotlib Axes
        Axes with the plot.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If a history lacks the column or its epochs.
    TypeError
        If `histories` is not a dict of histories or lists of histories, or `quantity`
        is not a string.
    ValueError
        If `histories` or a history is empty, the runs of a network differ in their
        epochs, the column does not have one value per epoch, or `burn_in` is out of
        range.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cymlp import MLPClassifier, fit_many
    >>> from cymlp.plots import plot_comparison
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> settings = {"max_iter": 5, "n_iter_no_change": float("inf")}
    >>> networks = {
    ...     (name, seed): MLPClassifier((9,), name, random_state=seed, **settings)
    ...     for name in ("selu", "tanh") for seed in (0, 1)
    ... }
    >>> fitted = fit_many(networks, X / 16, y)
    >>> histories = {
    ...     name: [fitted[name, seed].history_ for seed in (0, 1)]
    ...     for name in ("selu", "tanh")
    ... }
    >>> axis = plot_comparison(histories, "train_accuracy")
    >>> [text.get_text() for text in axis.get_legend().get_texts()]
    ['selu', 'tanh']
    """
    named = _as_named(histories)
    _check_quantity(quantity)
    if axis is None:
        axis = _pyplot().subplots(layout="constrained")[1]
    styles = zip(cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=False)
    for (name, runs), style in zip(named.items(), styles, strict=False):
        color, line, marker = style
        _draw_band(
            axis, *_curve(runs, f"histories[{name!r}]", quantity),
            label=name, color=color, linestyle=line, marker=marker,
        )  # fmt: skip
    _finish(axis, _in_words(quantity), burn_in)
    axis.legend()
    return axis


def plot_grid(
    histories, quantity="loss", *, n_columns=3, share="all", figure=None, burn_in=0.0
):
    """Plot several networks over the epochs, each in its own axes.

    Parameters
    ----------
    histories : dict of str to History, or to list of History
        History of each network, or those of repeated runs. The keys are the titles of
        the axes.
    quantity : str, default="loss"
        "loss", "accuracy" or "r2", to plot the training and validation columns
        together, or the name of a column.
    n_columns : int, default=3
        Number of axes per row, at least 1.
    share : {"all", "row"}, default="all"
        Whether all axes share their vertical limits, or only those in a row. Different
        kinds of loss cannot be compared.
    figure : matplotlib Figure or SubFigure, default=None
        Figure to plot in. By default, a new one is created.
    burn_in : float, default=0.0
        As in :func:`plot_history`.

    Returns
    -------
    axes : ndarray of shape (n_networks,) of matplotlib Axes
        Axes of the networks, in the order of `histories`.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If a history lacks the column or its epochs.
    TypeError
        If `histories` is not a dict of histories or lists of histories, or `quantity`
        is not a string.
    ValueError
        If `histories` or a history is empty, the runs of a network differ in their
        epochs, the column does not have one value per epoch, or `n_columns`, `share` or
        `burn_in` is out of range.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cymlp.plots import plot_grid
    >>> selu = {"epoch": [1, 2], "train_loss": [0.5, 0.25]}
    >>> tanh = {"epoch": [1, 2], "train_loss": [0.75, 0.5]}
    >>> axes = plot_grid({"selu": selu, "tanh": tanh})
    >>> [axis.get_title() for axis in axes]
    ['selu', 'tanh']
    """
    named = _as_named(histories)
    _check_quantity(quantity)
    if not isinstance(n_columns, Integral) or n_columns < 1:
        raise ValueError(f"n_columns must be an integer >= 1; got {n_columns!r}")
    if share not in ("all", "row"):
        raise ValueError(f"share must be 'all' or 'row'; got {share!r}")
    n_columns = min(n_columns, len(named))
    n_lines = -(-len(named) // n_columns)
    if figure is None:
        size = (3 * n_columns + 0.5, 2.3 * n_lines + 0.7)
        figure = _pyplot().figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_lines, n_columns, sharex=True, sharey=share, squeeze=False)
    axes = grid.ravel()
    for axis, (name, runs) in zip(axes, named.items(), strict=False):
        if quantity in QUANTITIES:
            _draw_parts(axis, runs, f"histories[{name!r}]", quantity)
        else:
            curve = _curve(runs, f"histories[{name!r}]", quantity)
            _draw_band(axis, *curve, **_style(quantity))
        axis.set_title(name, size="medium")
    for unused in axes[len(named) :]:
        unused.set_axis_off()
    axes = axes[: len(named)]
    together = n_columns if share == "row" else len(axes)
    for first in range(0, len(axes), together):
        _set_scale(axes[first : first + together], burn_in)
    _label_edges(grid, len(named), _in_words(quantity))
    if quantity in QUANTITIES:
        _add_legend(figure, axes)
    return axes


def new_axes():
    """Create a figure with two axes side by side, for loss and score.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        The left and the right axes.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cymlp.plots import new_axes
    >>> new_axes().shape
    (2,)
    """
    return _pyplot().subplots(1, 2, figsize=(9, 3.5), layout="constrained")[1]


def _pyplot():
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "cymlp.plots requires matplotlib: pip install 'cymlp[plot]'"
        ) from error
    return pyplot


def _as_runs(history, name):
    """A list of runs, from one history or several."""
    runs = [history] if isinstance(history, Mapping) else history
    if not isinstance(runs, Sequence) or isinstance(runs, str):
        raise TypeError(f"{name} must be a history or a list of them; got {history!r}")
    if not runs:
        raise ValueError(f"{name} must have at least one run; got {history!r}")
    for run in runs:
        if not isinstance(run, Mapping):
            raise TypeError(f"{name} must be a mapping of columns; got {run!r}")
        if not run:
            raise ValueError(f"{name} must have at least one epoch; got {run!r}")
    return runs


def _as_named(histories):
    if not isinstance(histories, Mapping):
        raise TypeError(
            f"histories must be a dict of name to history; got {histories!r}"
        )
    if not histories:
        raise ValueError(f"histories must have at least one network; got {histories!r}")
    return {
        name: _as_runs(runs, f"histories[{name!r}]") for name, runs in histories.items()
    }


def _check_quantity(quantity):
    if not isinstance(quantity, str):
        raise TypeError(f"quantity must be a string; got {quantity!r}")


def _curve(runs, name, column):
    """The epochs of a column, and its values, of shape (n_runs, n_epochs)."""
    own_epochs = f"{column.partition('_')[0]}_epoch"
    epochs, values = [], []
    for run in runs:
        of_column = own_epochs if own_epochs in run else "epoch"
        for needed in (column, of_column):
            if needed not in run:
                raise KeyError(f"{name} lacks {needed!r}; it has {', '.join(run)}")
        epochs.append(np.asarray(run[of_column]))
        values.append(np.asarray(run[column], dtype=float))
        if values[-1].ndim != 1 or epochs[-1].shape != values[-1].shape:
            raise ValueError(
                f"{column!r} of {name} must have one value per epoch; got shape "
                f"{values[-1].shape} for epochs of shape {epochs[-1].shape}"
            )
        if values[-1].size == 0:
            raise ValueError(
                f"{column!r} of {name} must have at least one epoch; got none"
            )
    if any(not np.array_equal(epochs[0], other) for other in epochs):
        lengths = ", ".join(str(len(own)) for own in epochs)
        raise ValueError(
            f"the runs of {name} must have the same epochs, so that their mean can be "
            f"plotted; got {lengths} epochs"
        )
    return epochs[0], np.array(values)


def _style(column):
    """The style of a single column: training, or held-out data."""
    return STYLES.get(column.partition("_")[0], STYLES["train"])


def _draw_parts(axis, runs, name, quantity):
    """Plot loss or score for training, validation and test data, if present."""
    parts = [part for part in STYLES if f"{part}_{quantity}" in runs[0]]
    if not parts:
        raise KeyError(f"{name} lacks {quantity}; it has {', '.join(runs[0])}")
    for part in parts:
        _draw_band(axis, *_curve(runs, name, f"{part}_{quantity}"), **STYLES[part])


def _draw_band(axis, epochs, values, **style):
    """Plot the mean over the runs, and the range of several runs."""
    style |= {"markevery": max(1, len(epochs) // N_MARKERS), "markersize": 4}
    axis.plot(epochs, values.mean(axis=0), linewidth=1.3, **style)
    if len(values) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axis.fill_between(
            epochs, low, high, color=style["color"], alpha=0.25, linewidth=0
        )


def _finish(axis, quantity, burn_in):
    """Label the axes and set the vertical limits."""
    axis.set(xlabel="epoch", ylabel=quantity)
    _set_scale([axis], burn_in)


def _add_legend(figure, axes):
    """Add one legend below all axes, with the labels of any of them."""
    handles = {}
    for axis in axes:
        handles |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    # Only some layouts make room outside the axes.
    loc = "outside lower center" if figure.get_layout_engine() else "lower center"
    figure.legend(handles.values(), handles.keys(), loc=loc, ncols=3)


def _label_edges(grid, n_used, quantity):
    """Label the axes at the left and at the bottom of a grid."""
    n_columns = grid.shape[1]
    for index, axis in enumerate(grid.ravel()[:n_used]):
        if index % n_columns == 0:
            axis.set_ylabel(quantity)
        if index + n_columns >= n_used:
            axis.set_xlabel("epoch")
            axis.tick_params(labelbottom=True)


def _set_scale(axes, burn_in):
    """Set the same vertical limits for all axes, for the epochs after the burn-in."""
    if not isinstance(burn_in, Real) or not 0 <= burn_in < 1:
        raise ValueError(f"burn_in must be a float in [0, 1); got {burn_in!r}")
    if burn_in == 0:
        return
    shown = []
    for axis in axes:
        last = max(line.get_xdata()[-1] for line in axis.get_lines())
        for curve in [*_lines(axis), *_bands(axis)]:
            shown.append(curve[curve[:, 0] >= burn_in * last, 1])
    shown = np.concatenate(shown)
    shown = shown[np.isfinite(shown)]
    if shown.size == 0:
        return
    low, high = shown.min(), shown.max()
    margin = 0.05 * (high - low) or 0.05
    for axis in axes:
        axis.set_ylim(low - margin, high + margin)


def _lines(axis):
    return [line.get_xydata() for line in axis.get_lines()]


def _bands(axis):
    return [path.vertices for band in axis.collections for path in band.get_paths()]


def _in_words(quantity):
    """The label of a column, such as "training accuracy"."""
    part, _, rest = quantity.partition("_")
    name = STYLES[part]["label"] + " " + rest if part in STYLES else quantity
    return re.sub("r2$", "R²", name).replace("_", " ")
