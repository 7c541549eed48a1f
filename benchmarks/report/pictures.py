"""The pictures of the report: curves from `cymlp.plots` with the published values."""

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot

from benchmarks.png import encode
from benchmarks.report.rows import METRICS
from cymlp.plots import (
    STYLES,
    plot_comparison,
    plot_grid,
    plot_history,
)

DPI = 90
QUANTITIES = ("loss", "accuracy")
BURN_IN = 0.1
MARKERS = {"train": "o", "test": "D"}


def as_history(result):
    """Turn the curves of a run into the columns that `cymlp.plots` takes."""
    curves = result["curves"]
    epochs = {f"{part}_epoch": curves[f"{part}_loss"]["epochs"] for part in MARKERS}
    return epochs | {name: curves[name]["values"] for name in METRICS}


def draw_row(group, published):
    """Draw loss and accuracy of a row, with its published values if asked for."""
    figure, axes = pyplot.subplots(1, 2, figsize=(7, 2.9), layout="constrained")
    plot_history(group.histories, axes, burn_in=BURN_IN)
    for axis, quantity in zip(axes, QUANTITIES, strict=True):
        axis.get_legend().remove()
        if published:
            mark_published(axis, group, quantity)
    add_legend(figure, axes[0])
    return figure


def draw_grid(groups, quantity, published):
    """Draw loss or accuracy of many rows, one line of pictures for each loss.

    Parameters
    ----------
    groups : list of Replicates
    quantity : {"loss", "accuracy"}
    published : bool
        Whether to mark the published values.
    """
    groups = sorted(groups, key=lambda group: group.settings["loss"])
    networks = {f"{g.label}: {g.title}": g.histories for g in groups}
    axes = plot_grid(networks, quantity, share="row", burn_in=BURN_IN)
    figure = axes[0].figure
    if published:
        for axis, group in zip(axes, groups, strict=True):
            mark_published(axis, group, quantity)
        figure.legends[0].remove()
        add_legend(figure, axes[0])
    return figure


def draw_comparison(networks, same_loss):
    """Draw the accuracies of several rows in one picture, and losses if comparable.

    Parameters
    ----------
    networks : dict of str to list of dict
        Curves of the runs by the name of their network.
    same_loss : bool
        Whether all networks have the same loss.
    """
    quantities = ["train_accuracy", "test_accuracy"]
    if same_loss:
        quantities += ["train_loss", "test_loss"]
    n_lines = len(quantities) // 2
    figure, axes = pyplot.subplots(
        n_lines, 2, figsize=(9, 3 * n_lines + 0.6), layout="constrained"
    )
    for axis, quantity in zip(axes.ravel(), quantities, strict=True):
        plot_comparison(networks, quantity, axis, burn_in=BURN_IN)
        axis.get_legend().remove()
    short = max(map(len, networks)) < 40
    add_legend(figure, axes.ravel()[0], ncols=2 if short else 1)
    return figure


def draw_diagnostics(groups):
    """Draw vanishing gradients of networks with one hidden layer and diagnostics."""
    n_columns = min(4, len(groups))
    n_lines = -(-len(groups) // n_columns)
    figure, grid = pyplot.subplots(
        n_lines, n_columns, figsize=(3 * n_columns, 2.8 * n_lines + 0.5),
        sharex=True, sharey=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    for axis, group in zip(grid.ravel(), groups, strict=False):
        plot_comparison(vanishing(group.results), "fraction", axis)
        axis.get_legend().remove()
        axis.set_title(f"{group.label}\n{group.title}", size="medium")
        axis.set_ylim(-0.03, 1.03)
    for axis in grid.ravel()[len(groups) :]:
        axis.set_axis_off()
    for axis in grid.ravel():
        axis.label_outer()
    add_legend(figure, grid[0, 0], ncols=2)
    return figure


def vanishing(results):
    """Turn diagnostics into columns that `plot_comparison` takes."""
    columns = {
        "zero gradients at the scores": ("zero_gradients", -1),
        "zero gradients in the hidden layer": ("zero_gradients", 0),
        "hidden derivatives near zero": ("saturation", 0),
        "dead hidden units": ("dead_units", 0),
    }
    return {
        name: [
            {
                "epoch": result["diagnostics"]["epoch"],
                "fraction": np.array(result["diagnostics"][column])[:, layer],
            }
            for result in results
        ]
        for name, (column, layer) in columns.items()
    }


def mark_published(axis, group, quantity):
    """Mark the published values at the end of the curves, and extend the y axis."""
    low, high = axis.get_ylim()
    margin = 0.04 * (high - low)
    history = group.histories[0]
    for part, marker in MARKERS.items():
        value = group.row["published"][f"{part}_{quantity}"]
        low, high = min(low, value - margin), max(high, value + margin)
        axis.plot(
            history[f"{part}_epoch"][-1], value,
            label=f"{STYLES[part]['label']}, published", color=STYLES[part]["color"],
            marker=marker, markersize=7, markeredgecolor="black", linestyle="none",
            zorder=5,
        )  # fmt: skip
    axis.set_ylim(low, high)


def add_legend(figure, axis, ncols=4):
    """Put the legend of one of the axes below all of them."""
    handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=ncols)


def png(figure):
    """Encode a figure, and close it."""
    pyplot.close(figure)
    return encode(figure, DPI)
