"""Train a published MNIST experiment again, and compare it with its publication."""

import argparse
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks import datasets
from benchmarks.command_line import positive
from benchmarks.report import claims, document, judging, sections, summaries, timing
from benchmarks.report.agreement import agreement, listed, strays
from benchmarks.report.cluster import ClusterError, connected
from benchmarks.report.rows import plan, published
from benchmarks.report.training import train

COMMITTED = Path(__file__).with_name("results")
EPOCHS = 100
ROUNDS = 20  # of the measurement of processor times


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report", description=__doc__
    )
    parser.add_argument(
        "--data",
        choices=["mnist", "fashion-mnist", "digits"],
        default="mnist",
        help="data set to train on (default: mnist)",
    )
    parser.add_argument(
        "--figures",
        type=figure_numbers,
        default=[row["figure"] for row in published()["rows"]],
        help="numbers of the published figures to train, such as 1-9,20 (default: all)",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        default=EPOCHS,
        help=f"epochs of each run (default: {EPOCHS})",
    )
    parser.add_argument(
        "--repeats",
        type=positive,
        help="train each network with the seeds 0 to REPEATS - 1 and judge by these "
        "runs alone (default: train seed 0, and judge by the committed runs)",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count(),
        help="networks trained at the same time (default: one per processor)",
    )
    source.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="train on the workers of this Dask scheduler, such as tcp://10.0.0.5:8786",
    )
    source.add_argument(
        "--from-runs",
        type=Path,
        metavar="FOLDER",
        help="train nothing; report on the runs.json or runs.json.gz of this folder",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("report"),
        metavar="FOLDER",
        help="folder for report.html, report.md, their pictures, figures.csv and the "
        "runs (default: report)",
    )
    return parser.parse_args(arguments)


def figure_numbers(text):
    """Read numbers and ranges of numbers, such as 1-9,20."""
    known = [row["figure"] for row in published()["rows"]]
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
                f"must be numbers or ranges of published figures, got {part!r}; "
                f"the figures are {known}"
            )
        chosen += found
    return chosen


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    try:
        if options.from_runs is not None:
            rewrite_report(options)
            return
        with cluster_client(options.scheduler) as client:
            make_report(options, client)
    except ClusterError as error:
        sys.exit(f"--scheduler {options.scheduler}: {error}")
    except OSError as error:
        sys.exit(f"{error}. Finished runs are kept; the next call goes on.")
    except summaries.DamagedError as error:
        sys.exit(str(error))


def cluster_client(scheduler):
    """Connect to a cluster; without a scheduler, a context of None."""
    return nullcontext() if scheduler is None else connected(scheduler)


def make_report(options, client):
    """Train the runs, write them and the report, and print a summary."""
    dataset = datasets.load(options.data)
    print(f"Data: {dataset.source}", file=sys.stderr)
    scaled = dataset._replace(
        X_train=datasets.scale(dataset.X_train), X_test=datasets.scale(dataset.X_test)
    )
    rows = chosen_rows(options)
    committed = committed_results(options, dataset, rows)
    runs = plan(rows, range(options.repeats or 1))
    start = time.perf_counter()
    records = train(
        runs,
        scaled,
        epochs=options.epochs,
        jobs=options.jobs,
        folder=options.output / "runs",
        client=client,
    )
    if not records:
        sys.exit(f"None of the {len(runs)} runs finished; there is nothing to report.")
    hard_images = committed.hard_images if committed else None
    new = summaries.summarise(records, rows, hard_images, times(options, rows, scaled))
    summaries.write(new, options.output)
    print(f"{len(records)} of {len(runs)} runs in {time.perf_counter() - start:.0f} s.")
    if committed:
        write_report(committed, dataset, options.output, new)
    else:
        write_report(new, dataset, options.output)


def committed_results(options, dataset, rows):
    """Read the committed runs if new ones are to be compared with them."""
    is_same = dataset.comparable and options.epochs == EPOCHS
    return summaries.read(COMMITTED, rows) if is_same and not options.repeats else None


def times(options, rows, dataset):
    """Measure processor times for a report that judges by new runs."""
    if options.repeats and dataset.comparable:
        timed = claims.figures_of("time")
        rows = [row for row in rows if row["figure"] in timed]
        return timing.measure(rows, dataset, ROUNDS)
    return None


def rewrite_report(options):
    """Write the report on runs of an earlier report."""
    folder = options.from_runs
    dataset = datasets.load(options.data)
    if dataset.name != options.data:
        sys.exit(f"--from-runs {folder}: needs the data set {options.data}")
    results = summaries.read(folder, chosen_rows(options))
    if results is None or not results.networks:
        sys.exit(f"--from-runs {folder}: must have runs.json or runs.json.gz with runs")
    options.output.mkdir(parents=True, exist_ok=True)
    write_report(results, dataset, options.output)


def chosen_rows(options):
    """Give the rows of the figures that were asked for."""
    return [row for row in published()["rows"] if row["figure"] in options.figures]


def write_report(results, dataset, folder, new=None):
    """Write the report and print its summary in five lines.

    Parameters
    ----------
    results : summaries.Results
        Runs that give means, spreads and verdicts.
    dataset : datasets.DataSet
    folder : Path
    new : summaries.Results, optional
        Runs to show beside them.
    """
    found = strays(new.networks, results.networks) if new else None
    blocks = sections.report(results, dataset, new, found)
    path = document.write(blocks, folder, "report")
    if not dataset.comparable:
        print(sections.NOT_COMPARABLE)
    else:
        print("\n".join(summary_lines(results.networks, found)))
    print(f"The report is {path}")


def summary_lines(networks, found):
    """Summarise rows, new runs and claims in a line each."""
    if min(len(network.runs) for network in networks.values()) < 2:
        return ["Single runs cannot be judged; --repeats 2 or more trains several."]
    rows = agreement(networks)
    agreeing = listed([network.key for network in rows.agreeing])
    counts = sections.verdict_counts(judging.judge(claims.CLAIMS, networks))
    return [
        f"Rows that agree: {len(rows.agreeing)} of {rows.n_rows} ({agreeing})",
        f"Rows that do not: {differing_in_words(rows)}",
        "New runs: " + (new_in_words(found) if found else "all are in the means"),
        f"Claims: {sections.counts_in_words(counts)}",
    ]


def differing_in_words(rows):
    """Name the rows that do not agree, with the changes that explain them."""
    words = []
    if rows.corrected:
        words.append(f"explained by {sections.corrections(rows)}")
    if rows.differing:
        differing = [network.key for network in rows.differing]
        words.append(f"not explained: {sections.numbered(differing)}")
    return "; ".join(words) or "none"


def new_in_words(found):
    """Say how new runs compare with the committed ones."""
    n_strays = len(found.outside) + len(found.changed)
    names = ", ".join(
        f"{key} (seed {seed})"
        for key, seed in dict.fromkeys(
            [(key, seed) for key, seed, _ in found.outside] + found.changed
        )
    )
    words = f"stray from the committed runs: {names}" if n_strays else "none strays"
    if not found.n_repeated:
        return f"{words}; another kind of processor than that of the committed runs"
    return f"{words}; {found.n_equal} of {found.n_repeated} repeat their values exactly"


if __name__ == "__main__":
    main()
