"""The curves of the report as SVG, with the published values."""

import io
import re

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot

QUANTITIES = ("loss", "accuracy")
PARTS = ("train", "test")
PART_NAMES = {"train": "training", "test": "test"}
STYLES = {"train": ("#3b82c4", "-"), "test": ("#e07b39", "-")}
CHANGED_STYLES = {"train": ("#2e9e5b", "--"), "test": ("#b14fc4", "--")}
COLOURS = ("#3b82c4", "#e07b39", "#2e9e5b", "#b14fc4", "#d1495b")
MARKERS = {"train": "o", "test": "D"}
INK = "#010203"  # replaced by the current colour
BURN_IN = 0.1  # share of the epochs that does not set the range of an axis


def draw_network(network, published):
    """Draw loss and accuracy of a network, with its published values if asked for."""
    figure, axes = subplots(1, 2, 7, 2.9)
    for axis, quantity in zip(axes[0], QUANTITIES, strict=True):
        draw_quantity(axis, network, quantity, STYLES, "", published)
        finish(axis, quantity)
    return finished(figure, axes[0, 0])


def draw_grid(groups, quantity, published):
    """Draw loss or accuracy of nine rows, each with its changed networks.

    Parameters
    ----------
    groups : list of list of Network
        For each row the network with the stated settings, then the others.
    quantity : {"loss", "accuracy"}
    published : bool
        Whether to mark the published values.
    """
    n_lines = -(-len(groups) // 3)
    figure, axes = subplots(n_lines, 3, 10, 2.5 * n_lines + 0.5)
    for axis, (stated, *others) in zip(axes.ravel(), groups, strict=False):
        for other in others:
            draw_quantity(axis, other, quantity, CHANGED_STYLES, other.key.name, False)
        draw_quantity(axis, stated, quantity, STYLES, "", published)
        axis.set_title(f"{stated.key.figure}: {stated.title}", size="medium")
        finish(axis, quantity)
    drawn = axes.ravel()[: len(groups)]
    if quantity == "accuracy":  # losses of different kinds have no common range
        low = min(axis.get_ylim()[0] for axis in drawn)
        for axis in drawn:
            limit(axis, quantity, low, max(axis.get_ylim()[1] for axis in drawn))
    for axis in axes.ravel()[len(groups) :]:
        axis.set_axis_off()
    labels = {}
    for axis in drawn:
        handles, names = axis.get_legend_handles_labels()
        labels |= dict(zip(names, handles, strict=True))
    add_legend(figure, labels.values(), labels, n_columns=3)
    return as_svg(figure)


def draw_comparison(networks, published, *, same_loss):
    """Draw several networks in one picture for each metric.

    Parameters
    ----------
    networks : dict of str to Network
        By their label.
    published : bool
        Whether to mark the published values.
    same_loss : bool
        Whether to draw losses, which are comparable if all networks have the same one.
    """
    quantities = QUANTITIES[::-1] if same_loss else ("accuracy",)
    figure, axes = subplots(len(quantities), 2, 10, 3 * len(quantities) + 0.8)
    for line, quantity in zip(axes, quantities, strict=True):
        for axis, part in zip(line, PARTS, strict=True):
            for (name, network), colour in zip(networks.items(), COLOURS, strict=False):
                draw_part(axis, network, f"{part}_{quantity}", colour, "-", name)
                if published:
                    mark(axis, network, f"{part}_{quantity}", colour, part)
            finish(axis, quantity, f"{PART_NAMES[part]} ")
    return finished(figure, axes[0, 0], n_columns=2)


def subplots(n_lines, n_columns, width, height):
    """Make a figure with a grid of axes."""
    with matplotlib.rc_context({"text.color": INK, "axes.labelcolor": INK,
                                "axes.edgecolor": INK, "xtick.color": INK,
                                "ytick.color": INK}):  # fmt: skip
        return pyplot.subplots(
            n_lines, n_columns, figsize=(width, height), squeeze=False,
            layout="constrained",
        )  # fmt: skip


def draw_quantity(axis, network, quantity, styles, name, published):
    """Draw training and test values of a network."""
    for part, (colour, line) in styles.items():
        label = f"{PART_NAMES[part]}, {name}" if name else PART_NAMES[part]
        draw_part(axis, network, f"{part}_{quantity}", colour, line, label)
        if published:
            mark(
                axis, network, f"{part}_{quantity}", colour, part, f"{label}, published"
            )


def draw_part(axis, network, metric, colour, line, label):
    """Draw the mean of a metric over the runs as a line, and their range as a band."""
    curve = network.curves[metric]
    epochs = curve["epochs"]
    axis.fill_between(
        epochs, curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0
    )
    axis.plot(epochs, curve["mean"], line, color=colour, linewidth=1.3, label=label)


def mark(axis, network, metric, colour, part, label=None):
    """Mark a published value at the end of its curve."""
    axis.plot(
        network.curves[metric]["epochs"][-1], network.row["published"][metric],
        label=label, color=colour, marker=MARKERS[part], markersize=6,
        markeredgecolor=INK, linestyle="none", zorder=5, clip_on=False,
    )  # fmt: skip


def finish(axis, quantity, prefix=""):
    """Choose the range of the y axis without the first epochs, and name the axes."""
    lows, highs = [], []
    for line in axis.lines:
        epochs, values = line.get_data()
        shown = [
            value
            for epoch, value in zip(epochs, values, strict=True)
            if len(epochs) < 3 or epoch >= BURN_IN * epochs[-1]
        ]
        lows.append(min(shown))
        highs.append(max(shown))
    margin = 0.06 * (max(highs) - min(lows)) or 0.01
    low = max(min(lows) - margin, 0)
    high = max(highs) + margin
    if quantity == "accuracy":
        high = min(high, 1)
    limit(axis, f"{prefix}{quantity}", low, high)
    axis.set_xlabel("epoch")
    axis.spines[["top", "right"]].set_visible(False)


def limit(axis, name, low, high):
    """Set the range of the y axis, and say where it begins."""
    axis.set_ylim(low, high)
    begins = f" (axis begins at {low:.3g})" if low > 0 else ""
    axis.set_ylabel(f"{name}{begins}", size="small")


def finished(figure, axis, n_columns=4):
    """Add the legend of one of the axes and give the picture."""
    add_legend(figure, *axis.get_legend_handles_labels(), n_columns=n_columns)
    return as_svg(figure)


def add_legend(figure, handles, labels, *, n_columns):
    """Add a legend below the axes."""
    figure.legend(
        handles, labels, loc="outside lower center", ncols=n_columns, frameon=False,
        labelcolor=INK,
    )  # fmt: skip


def as_svg(figure):
    """Turn a figure into SVG text in the current colour, and close it."""
    buffer = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "report"}
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    return tidied(buffer.getvalue())


def tidied(text):
    """Shorten SVG text, and give it the current colour.

    Several pictures stand in one page: the names of their parts that nothing refers to
    are left out, and the others are derived from their content.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    text = re.sub(
        r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text
    )
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), text)
    return text.replace(INK, "currentColor").replace("\n", " ")
