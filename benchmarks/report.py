"""Reproduce a published MNIST experiment, row by row, and report what came out.

The rows and their published figures are in reference.json. Every run follows the
protocol of the publication: x = (pixel - 128) / 255, weights from a normal distribution
of standard deviation 0.01, biases 0, samples reshuffled every epoch, no stopping. Its
training figures are means over the last complete block of 50 mini-batches, each
measured before its update; its test figures are those after the last of the epochs 1,
6, 11, ...
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("agg")

import data
import joblib
import numpy as np
from matplotlib import pyplot
from tqdm import tqdm

from cymlp import History, MLPClassifier, losses
from cymlp.plots import new_axes

BLOCK = 50  # mini-batches per point of the published training curve
TEST_EVERY = 5  # epochs between two points of the published test curve
FIGURES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
STYLES = {
    "train": {"color": "C0", "linewidth": 0.6},
    "test": {"color": "C1", "linewidth": 1.5},
}
MARKERS = {"train": "o", "test": "s"}
NOT_COMPARABLE = (
    "These figures are not comparable with the published ones, which are for MNIST."
)


class Run(NamedTuple):
    """A row of the reference and what training gave.

    Attributes
    ----------
    row : dict
        The entry of reference.json.
    history : History
    seconds : float
        Wall time of the fit.
    """

    row: dict
    history: History
    seconds: float

    @property
    def title(self):
        """Short name of the row."""
        settings = self.row["settings"]
        return f"{settings['activation']}, {settings['loss'].replace('_', ' ')}"

    @property
    def stem(self):
        """Name of the row's picture, without its ending."""
        return f"figure-{self.row['figure']:02d}"

    def curve(self, part, quantity):
        """One of the four published curves.

        Parameters
        ----------
        part : {"train", "test"}
        quantity : {"loss", "accuracy"}

        Returns
        -------
        epochs, values : ndarray of shape (n_points,)
        """
        if part == "test":
            points = slice(None, None, TEST_EVERY)
            return self.history["epoch"][points], self.history[f"val_{quantity}"][
                points
            ]
        batches = self.history.batches[quantity]
        n_epochs, n_batches = batches.shape
        block = min(BLOCK, n_batches)
        n_blocks = n_batches // block
        blocks = batches[:, : n_blocks * block].reshape(n_epochs, n_blocks, block)
        ends = np.arange(1, n_blocks + 1) * block / n_batches
        epochs = np.arange(n_epochs)[:, np.newaxis] + ends
        return epochs.ravel(), blocks.mean(axis=2, dtype=np.float64).ravel()

    def figures(self):
        """Last points of the four curves: the published kind of figures."""
        return {
            f"{part}_{quantity}": float(self.curve(part, quantity)[1][-1])
            for part in ("train", "test")
            for quantity in ("loss", "accuracy")
        }


def classifier(settings, *, epochs, seed):
    """Make the classifier of a row.

    Parameters
    ----------
    settings : dict
        Of reference.json.
    epochs : int
    seed : int

    Returns
    -------
    classifier : MLPClassifier
    """
    settings = dict(settings)
    make_loss = losses.known()[settings["loss"]]
    settings["loss"] = make_loss(**settings.pop("loss_parameters", {}))
    return MLPClassifier(
        **settings,
        init=0.01,
        max_iter=epochs,
        n_iter_no_change=np.inf,
        random_state=seed,
        record_batches=True,
    )


def run_row(row, dataset, *, epochs, seed):
    """Train the network of a row.

    Parameters
    ----------
    row : dict
        The entry of reference.json.
    dataset : data.DataSet
        With X scaled already.
    epochs : int
    seed : int

    Returns
    -------
    run : Run
    """
    network = classifier(row["settings"], epochs=epochs, seed=seed)
    start = time.perf_counter()
    network.fit(
        dataset.X_train, dataset.y_train, X_val=dataset.X_test, y_val=dataset.y_test
    )
    return Run(row, network.history_, time.perf_counter() - start)


def run_rows(rows, dataset, *, epochs, seed, jobs):
    """Train the networks of several rows, in threads over one copy of the data.

    Parameters
    ----------
    rows : list of dict
    dataset : data.DataSet
        With X scaled already.
    epochs : int
    seed : int
    jobs : int
        Number of networks trained at a time.

    Returns
    -------
    runs : list of Run
        In the order of rows.
    """
    parallel = joblib.Parallel(
        n_jobs=jobs, prefer="threads", return_as="generator_unordered"
    )
    finished = parallel(
        joblib.delayed(run_row)(row, dataset, epochs=epochs, seed=seed) for row in rows
    )
    runs = list(tqdm(finished, total=len(rows), unit="network"))
    return sorted(runs, key=lambda run: rows.index(run.row))


def plot_run(run, dataset):
    """Draw loss and accuracy of a run, training and test, over the epochs.

    Parameters
    ----------
    run : Run
    dataset : data.DataSet

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        Of loss and accuracy.
    """
    axes = new_axes()
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        plot_curves(run, dataset, axis, quantity)
        zoom(axis, [run], dataset, quantity)
        axis.set(xlabel="epoch", ylabel=quantity)
    return axes


def plot_curves(run, dataset, axis, quantity):
    """Draw training and test curve of a run, and the published end points."""
    for part, style in STYLES.items():
        epochs, values = run.curve(part, quantity)
        axis.plot(epochs, values, label=part, **style)
        if dataset.comparable:
            axis.plot(
                epochs[-1],
                run.row["published"][f"{part}_{quantity}"],
                label=f"{part}, published",
                color=style["color"],
                marker=MARKERS[part],
                markeredgecolor="black",
                linestyle="none",
            )


def zoom(axis, runs, dataset, quantity):
    """Fit a picture's range to its runs, less the steep first epochs."""
    curves = [run.curve(part, quantity)[1] for run in runs for part in STYLES]
    shown = [values[len(values) // 20 :] for values in curves]
    if dataset.comparable:
        shown += [
            [run.row["published"][f"{part}_{quantity}"]]
            for run in runs
            for part in STYLES
        ]
    low, high = np.min(np.concatenate(shown)), np.max(np.concatenate(shown))
    margin = 0.05 * (high - low) or 0.05
    axis.set_ylim(low - margin, high + margin)


def save_picture_of_run(run, dataset, folder):
    """Save the picture of a run as PNG."""
    axes = plot_run(run, dataset)
    figure = axes[0].figure
    figure.suptitle(f"Figure {run.row['figure']}: {run.title}")
    add_legend(figure, axes[0])
    save(figure, folder / f"{run.stem}.png")


def save_overview(runs, dataset, folder):
    """Save small multiples of all runs as PNG, three in a row that shares its scale."""
    runs = sorted(runs, key=lambda run: run.row["settings"]["loss"])
    n_rows = -(-len(runs) // 3)
    figure = pyplot.figure(figsize=(15, 2.4 * n_rows + 0.9), layout="constrained")
    halves = figure.subfigures(1, 2)
    for half, quantity in zip(halves, ("loss", "accuracy"), strict=True):
        half.suptitle(f"{quantity.capitalize()} over the epochs")
        grid = half.subplots(n_rows, 3, sharex=True, sharey="row", squeeze=False)
        for start, axes in zip(range(0, len(runs), 3), grid, strict=True):
            in_row = runs[start : start + 3]
            for run, axis in zip(in_row, axes, strict=False):
                plot_curves(run, dataset, axis, quantity)
                axis.set_title(run.title)
            zoom(axes[0], in_row, dataset, quantity)
            for unused in axes[len(in_row) :]:
                unused.set_axis_off()
    add_legend(figure, grid[0, 0])
    save(figure, folder / "overview.png")


def add_legend(figure, axis):
    """Put the legend of one picture below all."""
    handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4)


def save(figure, path):
    """Write a figure and free its memory."""
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def table(runs, dataset):
    """Lay out the figures of all runs beside the published ones.

    Parameters
    ----------
    runs : list of Run
    dataset : data.DataSet

    Returns
    -------
    markdown : str
    """
    columns = [name.replace("_", " ") for name in FIGURES]
    head = ["figure", "activation", "loss"]
    for column in columns:
        head += [column, "published"] if dataset.comparable else [column]
    lines = [head + ["seconds"], ["---"] * (len(head) + 1)]
    for run in runs:
        cells = [str(run.row["figure"]), *run.title.split(", ")]
        for name, value in run.figures().items():
            cells.append(f"{value:.4f}")
            if dataset.comparable:
                cells.append(f"{run.row['published'][name]:.4f}")
        lines.append([*cells, f"{run.seconds:.1f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_report(runs, dataset, folder, *, command, seconds, notes):
    """Write report.md and its pictures.

    Parameters
    ----------
    runs : list of Run
    dataset : data.DataSet
    folder : Path
        Is made if it is not there.
    command : str
        What to call to get this report again.
    seconds : float
        Wall time of all runs together.
    notes : dict of str to str
        Remarks that rows refer to.

    Returns
    -------
    path : Path
        Of report.md.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_overview(runs, dataset, folder)
    for run in runs:
        save_picture_of_run(run, dataset, folder)
    parts = [
        "# The reference experiment",
        f"Data: {dataset.source}. Trained in {seconds:.0f} s by `{command}`.",
        table(runs, dataset),
    ]
    if dataset.comparable:
        parts += [
            f"Figure {run.row['figure']}: {notes[run.row['note']]}"
            for run in runs
            if "note" in run.row
        ]
    else:
        parts.insert(1, f"**{NOT_COMPARABLE}**")
    parts.append("![All runs](overview.png)")
    for run in runs:
        parts += [
            f"## Figure {run.row['figure']}: {run.title}",
            f"![{run.title}]({run.stem}.png)",
        ]
    path = folder / "report.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", choices=["mnist", "fashion-mnist", "digits"], default="mnist"
    )
    parser.add_argument(
        "--figures",
        type=figure_numbers,
        default="1-9",
        help="numbers of rows of the reference, such as 1-9,20 (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=positive, default=100)
    parser.add_argument("--seed", type=int, default=0)
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


def reference():
    """Read the rows of the reference and the remarks on them."""
    path = Path(__file__).with_name("reference.json")
    return json.loads(path.read_text(encoding="utf-8"))


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    dataset = data.load(options.data)
    print(f"Data: {dataset.source}", file=sys.stderr)
    dataset = dataset._replace(
        X_train=data.scale(dataset.X_train), X_test=data.scale(dataset.X_test)
    )
    rows = [row for row in reference()["rows"] if row["figure"] in options.figures]
    start = time.perf_counter()
    runs = run_rows(
        rows, dataset, epochs=options.epochs, seed=options.seed, jobs=options.jobs
    )
    seconds = time.perf_counter() - start
    path = write_report(
        runs,
        dataset,
        options.output,
        command=" ".join(["benchmarks/report.py", *(arguments or sys.argv[1:])]),
        seconds=seconds,
        notes=reference()["notes"],
    )
    print(table(runs, dataset))
    if not dataset.comparable:
        print(NOT_COMPARABLE)
    print(f"{len(runs)} networks in {seconds:.0f} s. The report is {path}")


if __name__ == "__main__":
    main()
