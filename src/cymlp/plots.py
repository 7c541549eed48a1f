"""Pictures of what fits report. Needs matplotlib, imported where it is used.

Every function takes the ``history_`` of a fit, or any mapping with such columns. Where
curves have epochs of their own, say because the test set was looked at less often, they
are columns too: ``train_epoch`` for all columns that begin with ``train_``, and so on;
``epoch`` is for the rest. A list of histories stands for repeated runs of one network:
their mean is drawn as a line, their range as a band.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np

__all__ = ["plot_comparison", "plot_grid", "plot_history"]

# Colours that colour-blind people tell apart, by Okabe and Ito. The lines differ in
# form too, so that a print in black and white can be read.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
HELD_OUT = {"color": COLORS[1], "linestyle": "--", "marker": MARKERS[1]}
STYLES = {
    "train": {"label": "training", "color": COLORS[0], "linestyle": "-"},
    "val": {"label": "validation"} | HELD_OUT,
    "test": {"label": "test"} | HELD_OUT,
}
N_MARKERS = 8  # on each line
QUANTITIES = ("loss", "accuracy")


def plot_history(history, axes=None, *, burn_in=0.0):
    """Draw loss and accuracy over the epochs.

    Parameters
    ----------
    history : History, or list of History
        One run, or repeated runs of one network with as many epochs each. Any mapping
        with such columns will do.
    axes : sequence of 2 matplotlib Axes, default=None
        Where to draw; by default in a new figure.
    burn_in : float, default=0.0
        Fraction of the epochs, from 0 to less than 1, that the vertical scale need not
        show: a loss often begins far above all that follows.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        Of the loss and of the accuracy.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If there is neither a loss nor an accuracy.
    TypeError
        If something is no mapping of columns.
    ValueError
        If axes are not two, if there is nothing to draw, if the runs differ in their
        epochs, or if `burn_in` is out of range.

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
        raise ValueError(f"axes must be 2, for loss and accuracy; got {axes.size}")
    for axis, quantity in zip(axes, QUANTITIES, strict=True):
        _draw_parts(axis, runs, "history", quantity)
        _finish(axis, quantity, burn_in)
        axis.legend()
    return axes


def plot_comparison(histories, quantity="val_accuracy", axis=None, *, burn_in=0.0):
    """Draw one column of several networks over the epochs, in one picture.

    Parameters
    ----------
    histories : dict of str to History, or to list of History
        What each network reports, by the name it gets in the legend.
    quantity : str, default="val_accuracy"
        The column.
    axis : matplotlib Axes, default=None
        Where to draw; by default in a new figure.
    burn_in : float, default=0.0
        As in :func:`plot_history`.

    Returns
    -------
    axis : matplotlib Axes
        Where it was drawn.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If a network has no such column.
    TypeError
        If something is no mapping of columns.
    ValueError
        If there is nothing to draw, if the runs of a network differ in their epochs, if
        the column has more than one value per epoch, or if `burn_in` is out of range.

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
    """Draw several networks over the epochs, each in a small picture of its own.

    Parameters
    ----------
    histories : dict of str to History, or to list of History
        What each network reports, by the name above its picture.
    quantity : str, default="loss"
        "loss" or "accuracy", for those of training and validation together; or a
        column.
    n_columns : int, default=3
        Number of pictures side by side.
    share : {"all", "row"}, default="all"
        Which pictures have the same vertical scale: all, or those in a line. Losses of
        different kinds are not to be compared.
    figure : matplotlib Figure or SubFigure, default=None
        Where to draw; by default in a new one.
    burn_in : float, default=0.0
        As in :func:`plot_history`.

    Returns
    -------
    axes : ndarray of shape (n_networks,) of matplotlib Axes
        In the order of the networks.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    KeyError
        If a network has no such column.
    TypeError
        If something is no mapping of columns.
    ValueError
        If there is nothing to draw, if the runs of a network differ in their epochs, if
        the column has more than one value per epoch, or if `n_columns`, `share` or
        `burn_in` is none of what they may be.

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
    if n_columns < 1:
        raise ValueError(f"n_columns must be 1 or more; got {n_columns}")
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
    """Make a figure with room for loss and accuracy side by side.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        The left and the right one.

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
            "plotting needs matplotlib: pip install 'cymlp[plot]'"
        ) from error
    return pyplot


def _as_runs(history, name):
    """Make a list of runs of what may be one or several."""
    runs = [history] if isinstance(history, Mapping) else history
    if not isinstance(runs, Sequence) or isinstance(runs, str):
        raise TypeError(f"{name} must be a history or a list of them; got {history!r}")
    if not runs:
        raise ValueError(f"{name} must have at least one run; got an empty list")
    for run in runs:
        if not isinstance(run, Mapping):
            raise TypeError(f"{name} must be a mapping of columns; got {run!r}")
        if not run:
            raise ValueError(f"{name} must have at least one epoch; it has none")
    return runs


def _as_named(histories):
    if not isinstance(histories, Mapping):
        raise TypeError(f"histories must be a dict by name; got {histories!r}")
    if not histories:
        raise ValueError("histories must have at least one network; it is empty")
    return {
        name: _as_runs(runs, f"histories[{name!r}]") for name, runs in histories.items()
    }


def _curve(runs, name, column):
    """Epochs of a column, and its values, of shape (n_runs, n_epochs)."""
    own_epochs = f"{column.partition('_')[0]}_epoch"
    epochs, values = [], []
    for run in runs:
        of_column = own_epochs if own_epochs in run else "epoch"
        for needed in (column, of_column):
            if needed not in run:
                raise KeyError(f"{name} has no {needed!r}; it has {', '.join(run)}")
        epochs.append(np.asarray(run[of_column]))
        values.append(np.asarray(run[column], dtype=float))
        if values[-1].ndim != 1 or epochs[-1].shape != values[-1].shape:
            raise ValueError(
                f"{column!r} of {name} must have one value per epoch; its shape is "
                f"{values[-1].shape}, that of its epochs {epochs[-1].shape}"
            )
        if values[-1].size == 0:
            raise ValueError(f"{column!r} of {name} must have at least one epoch")
    if any(not np.array_equal(epochs[0], other) for other in epochs):
        lengths = ", ".join(str(len(own)) for own in epochs)
        raise ValueError(
            f"the runs of {name} must have the same epochs, to show their mean; "
            f"their numbers of epochs are {lengths}"
        )
    return epochs[0], np.array(values)


def _style(column):
    """How a column is drawn by itself: as held out, or as training."""
    return STYLES.get(column.partition("_")[0], STYLES["train"])


def _draw_parts(axis, runs, name, quantity):
    """Draw loss or accuracy of all parts of the data there are."""
    parts = [part for part in STYLES if f"{part}_{quantity}" in runs[0]]
    if not parts:
        raise KeyError(f"{name} has no {quantity}; it has {', '.join(runs[0])}")
    for part in parts:
        _draw_band(axis, *_curve(runs, name, f"{part}_{quantity}"), **STYLES[part])


def _draw_band(axis, epochs, values, **style):
    """Draw the mean over the runs, and their range where there are several."""
    style |= {"markevery": max(1, len(epochs) // N_MARKERS), "markersize": 4}
    axis.plot(epochs, values.mean(axis=0), linewidth=1.3, **style)
    if len(values) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axis.fill_between(
            epochs, low, high, color=style["color"], alpha=0.25, linewidth=0
        )


def _finish(axis, quantity, burn_in):
    """Name the axes and fit the scale."""
    axis.set(xlabel="epoch", ylabel=quantity)
    _set_scale([axis], burn_in)


def _add_legend(figure, axes):
    """Put one legend below all pictures: not every network has all parts."""
    handles = {}
    for axis in axes:
        handles |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    # Only some layouts make room for what is outside.
    loc = "outside lower center" if figure.get_layout_engine() else "lower center"
    figure.legend(handles.values(), handles.keys(), loc=loc, ncols=3)


def _label_edges(grid, n_used, quantity):
    """Name the axes of a grid where nothing is drawn to the left or below."""
    n_columns = grid.shape[1]
    for index, axis in enumerate(grid.ravel()[:n_used]):
        if index % n_columns == 0:
            axis.set_ylabel(quantity)
        if index + n_columns >= n_used:
            axis.set_xlabel("epoch")
            axis.tick_params(labelbottom=True)


def _set_scale(axes, burn_in):
    """Fit the vertical scale, the same for all, to what comes after the burn-in."""
    if not 0 <= burn_in < 1:
        raise ValueError(f"burn_in must be from 0 to less than 1; got {burn_in}")
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
    """A column's name for people: training accuracy."""
    part, _, rest = quantity.partition("_")
    name = STYLES[part]["label"] + " " + rest if part in STYLES else quantity
    return name.replace("_", " ")
