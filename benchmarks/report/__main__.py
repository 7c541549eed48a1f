"""Train a published MNIST experiment again, and compare it with its publication."""

import argparse
import gzip
import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks import datasets
from benchmarks.command_line import positive
from benchmarks.report import document, sections
from benchmarks.report.cluster import ClusterError, connected
from benchmarks.report.replicates import grouped
from benchmarks.report.rows import plan, published
from benchmarks.report.training import train
from cymlp._files import write_file

MAX_PLAIN = 250_000  # bytes of a JSON file that is not compressed


def write_runs(results, folder, name):
    """Write all records of runs as name.json, compressed if it is large.

    The file of the other kind is removed. Returns the path.
    """
    plain, packed = folder / f"{name}.json", folder / f"{name}.json.gz"
    content = json.dumps(results, separators=(",", ":")).encode()
    if len(content) > MAX_PLAIN:
        # mtime=0: the same runs give the same bytes.
        write_file(packed, gzip.compress(content, mtime=0))
        plain.unlink(missing_ok=True)
        return packed
    write_file(plain, content)
    packed.unlink(missing_ok=True)
    return plain


def read_runs(folder, name):
    """Read the records that `write_runs` wrote; an empty list if there are none."""
    plain, packed = folder / f"{name}.json", folder / f"{name}.json.gz"
    if plain.exists():
        return json.loads(plain.read_bytes())
    return json.loads(gzip.decompress(packed.read_bytes())) if packed.exists() else []


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
        "--epochs", type=positive, default=100, help="epochs of each run (default: 100)"
    )
    parser.add_argument(
        "--repeats",
        type=positive,
        default=1,
        help="runs of each row, with seeds 0, 1, ... (default: 1)",
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
        help="folder for report.html, report.md, their pictures and the runs "
        "(default: report)",
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
    if options.from_runs is not None:
        rewrite_report(options)
        return
    try:
        with cluster_client(options.scheduler) as client:
            make_report(options, client)
    except ClusterError as error:
        sys.exit(f"--scheduler {options.scheduler}: {error}")


def cluster_client(scheduler):
    """Connect to a cluster; without a scheduler, a context of None."""
    return nullcontext() if scheduler is None else connected(scheduler)


def make_report(options, client):
    """Train the runs, write them and the report, and print a summary."""
    dataset = datasets.load(options.data)
    print(f"Data: {dataset.source}", file=sys.stderr)
    dataset = dataset._replace(
        X_train=datasets.scale(dataset.X_train), X_test=datasets.scale(dataset.X_test)
    )
    rows = chosen_rows(options)
    runs = plan(rows, range(options.repeats))
    start = time.perf_counter()
    results = train(
        runs,
        dataset,
        epochs=options.epochs,
        jobs=options.jobs,
        folder=options.output / "runs",
        client=client,
    )
    seconds = time.perf_counter() - start
    if not results:
        sys.exit(f"None of the {len(runs)} runs finished; there is nothing to report.")
    path = write_report(results, dataset, rows, options.output)
    of_rows = [result for result in results if result["variant"] != "probe"]
    probes = [result for result in results if result["variant"] == "probe"]
    write_runs(of_rows, options.output, "runs")
    if probes:
        write_runs(probes, options.output, "probes")
    print(
        f"{len(results)} of {len(runs)} runs in {seconds:.0f} s. The report is {path}"
    )


def rewrite_report(options):
    """Write the report on runs of an earlier report."""
    folder = options.from_runs
    dataset = datasets.load(options.data)
    if dataset.name != options.data:
        sys.exit(f"--from-runs {folder}: needs the data set {options.data}")
    rows = chosen_rows(options)
    figures = {row["figure"] for row in rows}
    results = [
        result
        for name in ("runs", "probes")
        for result in read_runs(folder, name)
        if result["figure"] in figures
    ]
    if not results:
        sys.exit(f"--from-runs {folder}: must have runs.json or runs.json.gz with runs")
    options.output.mkdir(parents=True, exist_ok=True)
    path = write_report(results, dataset, rows, options.output)
    print(f"The report is {path}")


def chosen_rows(options):
    """Give the rows of the figures that were asked for."""
    return [row for row in published()["rows"] if row["figure"] in options.figures]


def write_report(results, dataset, rows, folder):
    """Write the report, print its main table, and return the path of the HTML page."""
    path = document.write(sections.report(results, dataset, rows), folder, "report")
    of_rows = [result for result in results if result["variant"] != "probe"]
    main_table = sections.table(grouped(rows, of_rows), dataset.comparable)
    print(document.as_markdown([main_table]), end="")
    if not dataset.comparable:
        print(sections.NOT_COMPARABLE)
    return path


if __name__ == "__main__":
    main()
