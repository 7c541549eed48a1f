"""Reproduce a published MNIST experiment, row by row, and report what came out."""

import argparse
import gzip
import json
import math
import os
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import data
import numpy as np
from experiment import FIGURES, plan, reference, train
from matplotlib import pyplot
from scipy.stats import t as student

from cymlp.plots import new_axes

STYLES = {
    "train": {"color": "C0", "linewidth": 0.6, "linestyle": "-"},
    "test": {"color": "C1", "linewidth": 1.5, "linestyle": "--"},
}
NAMES = {
    "hidden_layer_sizes": "hidden layers",
    "learning_rate_init": "learning rate",
    "weight_decay": "weight decay",
    "batch_size": "batch size",
}
MARKERS = {"train": "o", "test": "s"}
NOT_COMPARABLE = (
    "These figures are not comparable with the published ones, which are for MNIST."
)
NOISE = """\
**How agreement is judged.** A published figure is one run. If it were a run like ours
it would differ from the mean of our {repeats} by less than t · s · √(1 + 1/{repeats})
in 95 of 100 cases, with s the standard deviation over our runs and t the quantile of
Student's distribution with {freedom} degrees of freedom. As s is known from few runs
only, it is taken to be no less than the sampling error of a single figure: of the
{window} training images, or the images of the test set, that the figure is a mean of.
Where a published figure is farther off than this bound, it is said by how many times.
No setting was tuned to make a row agree."""


class Group:
    """The runs of one row in one variant, over the seeds.

    Parameters
    ----------
    row : dict
        Of reference.json.
    results : list of dict
        Of `experiment.train`.
    """

    def __init__(self, row, results):
        self.row = row
        self.results = results
        self.settings = results[0]["settings"]
        self.variant = results[0]["variant"]

    @property
    def title(self):
        """Short name of the settings."""
        parts = [self.settings["activation"], self.settings["loss"]]
        return ", ".join(part.replace("_", " ") for part in parts)

    @property
    def differences(self):
        """Where the settings are not those of most rows, or of what this varies."""
        usual = flat(reference()["rows"][0]["settings"])
        if self.variant != "named":
            usual = flat(self.row["settings"])
        return [
            f"{NAMES.get(name, name)} {str(value).strip('[]')}"
            for name, value in flat(self.settings).items()
            if name not in ("activation", "loss") and value != usual.get(name)
        ]

    @property
    def how(self):
        """The variant in words."""
        if self.variant == "named":
            return "as named"
        return f"with {', '.join([self.title, *self.differences])}"

    def values(self, figure):
        """One of the four figures, of each run."""
        return np.array([result[figure] for result in self.results])

    def noise(self, figure):
        """By how much one more run may differ from the mean; NaN for a single run."""
        n = len(self.results)
        if n < 2:
            return math.nan
        errors = [result["sampling_errors"][figure] for result in self.results]
        deviation = max(self.values(figure).std(ddof=1), np.mean(errors))
        return float(student.ppf(0.975, n - 1) * deviation * math.sqrt(1 + 1 / n))

    def excess(self, figure):
        """Difference of the published figure from the mean, in units of the noise."""
        difference = self.row["published"][figure] - self.values(figure).mean()
        return difference / self.noise(figure)

    def verdict(self):
        """Say in words whether the published figures agree."""
        if len(self.results) < 2:
            return ""
        excesses = {figure: self.excess(figure) for figure in FIGURES}
        outside = [
            f"{figure.replace('_', ' ')} {excess:+.1f}"
            for figure, excess in excesses.items()
            if abs(excess) > 1
        ]
        return f"differs ({', '.join(outside)})" if outside else "agrees"

    def curve(self, figure):
        """One of the four curves: epochs, and values of shape (n_runs, n_points)."""
        curves = [result["curves"][figure] for result in self.results]
        return curves[0]["epochs"], np.array([curve["values"] for curve in curves])


def flat(settings):
    """Put the parameters of the loss among the other settings."""
    settings = dict(settings)
    parameters = settings.pop("loss_parameters", {})
    return settings | parameters


def grouped(rows, results):
    """Put results that differ only in their seed together.

    Parameters
    ----------
    rows : list of dict
        Of reference.json.
    results : list of dict
        Of `experiment.train`.

    Returns
    -------
    groups : list of Group
        In the order of rows, variants after what they vary.
    """
    by_settings = {}
    for result in results:
        key = result["figure"], result["variant"], json.dumps(result["settings"])
        by_settings.setdefault(key, []).append(result)
    row_of = {row["figure"]: row for row in rows}
    return [Group(row_of[key[0]], found) for key, found in by_settings.items()]


def plot_curves(group, dataset, axis, quantity):
    """Draw training and test curve, mean and range over the runs."""
    for part, style in STYLES.items():
        figure = f"{part}_{quantity}"
        epochs, values = group.curve(figure)
        axis.plot(epochs, values.mean(axis=0), label=part, **style)
        if len(values) > 1:
            axis.fill_between(
                epochs,
                values.min(axis=0),
                values.max(axis=0),
                color=style["color"],
                alpha=0.25,
                linewidth=0,
            )
        if dataset.comparable:
            axis.plot(
                epochs[-1],
                group.row["published"][figure],
                label=f"{part}, published",
                color=style["color"],
                marker=MARKERS[part],
                markeredgecolor="black",
                linestyle="none",
            )


def zoom(axis, groups, dataset, quantity):
    """Fit a picture's range to its curves, less the steep first epochs."""
    shown = []
    for group in groups:
        for part in STYLES:
            _, values = group.curve(f"{part}_{quantity}")
            shown.append(values[:, values.shape[1] // 20 :].ravel())
            if dataset.comparable:
                shown.append([group.row["published"][f"{part}_{quantity}"]])
    low, high = np.min(np.concatenate(shown)), np.max(np.concatenate(shown))
    margin = 0.05 * (high - low) or 0.05
    axis.set_ylim(low - margin, high + margin)


def save_picture(group, dataset, path):
    """Save loss and accuracy of a row as PNG."""
    axes = new_axes()
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        plot_curves(group, dataset, axis, quantity)
        zoom(axis, [group], dataset, quantity)
        axis.set(xlabel="epoch", ylabel=quantity)
    figure = axes[0].figure
    figure.suptitle(f"Figure {group.row['figure']}: {group.title}")
    add_legend(figure, axes[0])
    save(figure, path)


def save_overview(groups, dataset, path):
    """Save small multiples of rows as PNG, three in a line that shares its scale."""
    groups = sorted(groups, key=lambda group: group.settings["loss"])
    n_lines = -(-len(groups) // 3)
    title_lines = 1 + max(len(group.differences) for group in groups)
    height = n_lines * (2.2 + 0.2 * title_lines) + 0.9
    figure = pyplot.figure(figsize=(15, height), layout="constrained")
    halves = figure.subfigures(1, 2)
    for half, quantity in zip(halves, ("loss", "accuracy"), strict=True):
        half.suptitle(f"{quantity.capitalize()} over the epochs")
        grid = half.subplots(n_lines, 3, sharex=True, sharey="row", squeeze=False)
        for start, axes in zip(range(0, len(groups), 3), grid, strict=True):
            in_line = groups[start : start + 3]
            for group, axis in zip(in_line, axes, strict=False):
                plot_curves(group, dataset, axis, quantity)
                axis.set_title("\n".join([group.title, *group.differences]), size=9)
            zoom(axes[0], in_line, dataset, quantity)
            for unused in axes[len(in_line) :]:
                unused.set_axis_off()
    add_legend(figure, grid[0, 0])
    save(figure, path)


def add_legend(figure, axis):
    """Put the legend of one picture below all."""
    handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4)


def save(figure, path):
    """Write a figure and free its memory."""
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def table(groups, dataset):
    """Lay out the figures of rows beside the published ones.

    Parameters
    ----------
    groups : list of Group
    dataset : data.DataSet

    Returns
    -------
    markdown : str
    """
    repeated = len(groups[0].results) > 1
    columns = [name.replace("_", " ") for name in FIGURES]
    head = ["figure", "activation", "loss", "other settings"]
    for column in columns:
        head += [column, "published"] if dataset.comparable else [column]
    head += ["seconds"]
    if dataset.comparable and repeated:
        head += ["the published figures"]
    lines = [head, ["---"] * len(head)]
    for group in groups:
        number = str(group.row["figure"])
        if group.variant != "named":
            number += " as published"
        cells = [number, *group.title.split(", "), ", ".join(group.differences)]
        for name in FIGURES:
            values = group.values(name)
            spread = f" ± {values.std(ddof=1):.4f}" if repeated else ""
            cells.append(f"{values.mean():.4f}{spread}")
            if dataset.comparable:
                cells.append(f"{group.row['published'][name]:.4f}")
        cells.append(f"{group.values('seconds').mean():.1f}")
        if dataset.comparable and repeated:
            cells.append(group.verdict())
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_report(groups, dataset, folder, *, notes, seconds):
    """Write report.md and its pictures.

    Parameters
    ----------
    groups : list of Group
    dataset : data.DataSet
    folder : Path
    notes : dict of str to str
        Remarks that rows refer to.
    seconds : float
        Training time of all runs, each on one thread, added up.

    Returns
    -------
    path : Path
        Of report.md.
    """
    n_runs = sum(len(group.results) for group in groups)
    parts = [
        "# The reference experiment",
        f"Data: {dataset.source}. {n_runs} runs, {seconds:.0f} s of training in all on "
        "one thread each.",
    ]
    if not dataset.comparable:
        parts.append(f"**{NOT_COMPARABLE}**")
    elif len(groups[0].results) > 1:
        parts += ["## Summary", *summary(groups), noise_explained(groups[0])]
    sections = {}
    for group in groups:
        sections.setdefault(group.row["section"], []).append(group)
    for section, members in sections.items():
        parts += [f"## {section.capitalize()}", table(members, dataset)]
        if dataset.comparable:
            parts += remarks(members, notes)
        named = [group for group in members if group.variant == "named"]
        overview = f"{section.replace(' ', '-')}.png"
        save_overview(named, dataset, folder / overview)
        parts.append(f"![{section}]({overview})")
        links = []
        for group in named:
            number = group.row["figure"]
            picture = f"figure-{number:02d}.png"
            save_picture(group, dataset, folder / picture)
            links.append(f"[{number}]({picture})")
        parts.append(f"Larger, figure by figure: {', '.join(links)}.")
    path = folder / "report.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


def summary(groups):
    """Say which rows agree, and with which of their variants.

    Parameters
    ----------
    groups : list of Group
        Of several runs each.

    Returns
    -------
    paragraphs : list of str
    """
    by_figure = {}
    for group in groups:
        by_figure.setdefault(group.row["figure"], []).append(group)
    agree, differ, both_ways = [], [], []
    for figure, variants in by_figure.items():
        if len(variants) > 1:
            ways = [f"{group.how} it {group.verdict()}" for group in variants]
            both_ways.append(f"- Figure {figure}: {'; '.join(ways)}.")
        elif variants[0].verdict() == "agrees":
            agree.append(str(figure))
        else:
            differ.append(f"- Figure {figure} {variants[0].verdict()}.")
    paragraphs = [
        f"All four figures agree with the published ones in {len(agree)} of "
        f"{len(agree) + len(differ)} rows ({', '.join(agree)})."
    ]
    if differ:
        paragraphs += ["The others:", "\n".join(differ)]
    if both_ways:
        paragraphs += ["Rows that look wrong in the publication:", "\n".join(both_ways)]
    return paragraphs


def noise_explained(group):
    """Say how a published figure is judged."""
    n = len(group.results)
    window = 50 * group.settings["batch_size"]
    return NOISE.format(repeats=n, freedom=n - 1, window=window)


def remarks(groups, notes):
    """What is to be said of rows that look wrong in the publication."""
    rows = {group.row["figure"]: group.row for group in groups}
    return [
        f"Figure {figure}: {notes[row['note']]}"
        for figure, row in rows.items()
        if "note" in row
    ]


def write_runs(results, folder):
    """Write all that is known of the runs as JSON, compressed.

    Parameters
    ----------
    results : list of dict
    folder : Path

    Returns
    -------
    path : Path
    """
    path = folder / "runs.json.gz"
    content = json.dumps(results).encode()
    # Without a date in it, the same runs give the same bytes.
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", choices=["mnist", "fashion-mnist", "digits"], default="mnist"
    )
    parser.add_argument(
        "--figures",
        type=figure_numbers,
        default=[row["figure"] for row in reference()["rows"]],
        help="numbers of rows of the reference, such as 1-9,20 (default: all)",
    )
    parser.add_argument("--epochs", type=positive, default=100)
    parser.add_argument(
        "--repeats", type=positive, default=1, help="runs of each row, seeds 0, 1, ..."
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count(),
        help="networks trained at a time (default: one per processor)",
    )
    parser.add_argument("--output", type=Path, default=Path("report"))
    return parser.parse_args(arguments)


def positive(text):
    """Read a whole number from 1 on."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def figure_numbers(text):
    """Read numbers and ranges of numbers, such as 1-9,20."""
    known = [row["figure"] for row in reference()["rows"]]
    chosen = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            wanted = range(int(first), int(last or first) + 1)
        except ValueError:
            wanted = ()
        found = [number for number in known if number in wanted]
        if not found:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no figure of the reference; there are {known}"
            )
        chosen += found
    return chosen


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    dataset = data.load(options.data)
    print(f"Data: {dataset.source}", file=sys.stderr)
    dataset = dataset._replace(
        X_train=data.scale(dataset.X_train), X_test=data.scale(dataset.X_test)
    )
    rows = [row for row in reference()["rows"] if row["figure"] in options.figures]
    runs = plan(rows, range(options.repeats))
    start = time.perf_counter()
    results = train(
        runs,
        dataset,
        epochs=options.epochs,
        jobs=options.jobs,
        folder=options.output / "runs",
    )
    seconds = time.perf_counter() - start
    groups = grouped(rows, results)
    path = write_report(
        groups,
        dataset,
        options.output,
        notes=reference()["notes"],
        seconds=sum(result["seconds"] for result in results),
    )
    write_runs(results, options.output)
    print(table(groups, dataset))
    if not dataset.comparable:
        print(NOT_COMPARABLE)
    print(
        f"{len(results)} of {len(runs)} runs in {seconds:.0f} s. The report is {path}"
    )


if __name__ == "__main__":
    main()
