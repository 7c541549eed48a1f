"""Measure the speed of cymlp beside its peers: the same work, in one run.

Each peer runs in a process of its own, on one thread, and all take turns on one
processor. Before anything is timed, every peer trains an epoch in float64 from the same
weights in the same order and has to end with the same weights.
"""

import argparse
import json
import platform
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.speed import measurements, tables
from benchmarks.speed.peer_processes import PEERS, Session
from benchmarks.speed.workloads import Work


class Case(NamedTuple):
    """Something to measurements.

    Attributes
    ----------
    title : str
    measure : function
        Of `measurements`: takes session, work, names of peers and a number of epochs.
    work : Work
    epochs : int
        How many are timed unless the user says otherwise.
    by_default : bool
        Whether it is measured where nothing is asked for.
    """

    title: str
    measure: object
    work: Work
    epochs: int = 6
    by_default: bool = True


TRAINING = measurements.training
MNIST = Work("mnist", (28,))
TEXT = Work("text", (100,), peers=("numpy", "scikit-learn", "pytorch"))
CASES = {
    "mnist": Case(
        "MNIST, 784-28-10",
        TRAINING,
        MNIST._replace(peers=(*MNIST.peers, "dataloader")),
    ),
    "batch-10": Case(
        "MNIST, 784-28-10, batches of 10", TRAINING, MNIST._replace(batch_size=10)
    ),
    "batch-1000": Case(
        "MNIST, 784-28-10, batches of 1000", TRAINING, MNIST._replace(batch_size=1000)
    ),
    "two-layers": Case(
        "MNIST, 784-112-28-10", TRAINING, MNIST._replace(hidden=(112, 28))
    ),
    "hidden-100": Case(
        "MNIST, 784-100-10, batches of 200",
        TRAINING,
        MNIST._replace(hidden=(100,), batch_size=200),
    ),
    "wide": Case(
        "MNIST, 784-256-128-10, batches of 200",
        TRAINING,
        MNIST._replace(hidden=(256, 128), batch_size=200),
    ),
    "proba": Case(
        "MNIST, probabilities of 10000 rows",
        partial(measurements.prediction, n_rows=10_000),
        MNIST,
    ),
    "one-row": Case(
        "MNIST, label of one row, checks included",
        partial(measurements.prediction, n_rows=1, method=("predict",)),
        MNIST._replace(peers=("scikit-learn",)),
    ),
    "parts": Case(
        "MNIST, 784-28-10, activations and losses",
        measurements.parts,
        MNIST._replace(learning_rate=0.001),
        epochs=4,
    ),
    "threads": Case(
        "MNIST, 784-28-10, two fits in two threads",
        measurements.threads,
        MNIST._replace(peers=("numpy", "scikit-learn", "pytorch")),
        epochs=3,
    ),
    "busy": Case(
        "MNIST, 784-28-10, beside a busy loop on another processor",
        measurements.busy,
        MNIST._replace(peers=("scikit-learn",)),
        epochs=2,
    ),
    "noise": Case("Gaussian noise, 784-28-10", TRAINING, Work("noise", (28,))),
    "table": Case(
        "200000 rows of 54 numbers, 54-64-64-7, batches of 256",
        TRAINING,
        Work("table", (64, 64), 256),
    ),
    "text": Case("Text as sparse TF-IDF, 100 hidden units", TRAINING, TEXT),
    "text-adam": Case(
        "Text as sparse TF-IDF, 100 hidden units, Adam",
        TRAINING,
        TEXT._replace(solver="adam", learning_rate=0.001),
    ),
    "scaling": Case(
        "MNIST, rows and width",
        partial(
            measurements.scaling,
            n_rows=(7500, 15_000, 30_000, 60_000, 120_000),
            widths=(16, 32, 64, 128, 256, 512),
        ),
        MNIST,
        epochs=4,
        by_default=False,
    ),
    "report": Case(
        "The reference report, all rows, on all processors",
        measurements.report,
        MNIST._replace(peers=("numpy",)),
        epochs=100,
        by_default=False,
    ),
    "digits": Case(
        "scikit-learn's digits, 64-28-10, for a quick look",
        TRAINING,
        Work("digits", (28,)),
        by_default=False,
    ),
}


# What the README shows.
SUMMARY = ("mnist", "text")


def main(arguments=None):
    """Run the command line."""
    options = parse(arguments)
    with Session(options.peers) as session:
        results = run(session, options.cases, options.peers, options.epochs)
    print(tables.heading(results["machine"]))
    print(tables.overview(results))
    if options.output:
        write(results, options.output)


def run(session, cases, names, n_epochs=None):
    """Measure some cases, and print each once it is done.

    Parameters
    ----------
    session : Session
    cases : list of str
        Keys of `CASES`.
    names : list of str
        Peers wanted, cymlp among them.
    n_epochs : int, default=None
        How many to time of each peer; by default what the case says.

    Returns
    -------
    results : dict
        Fit for JSON: "machine" and "cases".
    """
    results = {}
    for name in cases:
        case = CASES[name]
        kind = getattr(case.measure, "func", case.measure).__name__
        result = case.measure(session, case.work, names, n_epochs or case.epochs)
        result |= {
            "title": case.title, "kind": kind, "batch_size": case.work.batch_size
        }  # fmt: skip
        print(tables.section(result), flush=True)
        results[name] = result
    return {"machine": machine(session), "cases": results}


def parse(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog=f"Cases: {', '.join(CASES)}. Peers: {', '.join(PEERS)}.",
    )
    default = [name for name, case in CASES.items() if case.by_default]
    parser.add_argument(
        "--cases",
        nargs="+",
        choices=CASES,
        default=default,
        metavar="CASE",
        help="what to measure; by default all but "
        f"{', '.join(name for name in CASES if name not in default)}",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=PEERS,
        default=list(PEERS),
        metavar="PEER",
        help="who takes part beside cymlp; by default all that are installed",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        help="how many to time of each peer, at least; "
        "of the report, how many to train",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where to write speed.md, speed.json and speed.png",
    )
    options = parser.parse_args(arguments)
    options.peers = [
        name for name in PEERS if name in (measurements.OURS, *options.peers)
    ]
    return options


def positive(text):
    """Read a number of 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {number}")
    return number


def machine(session):
    """Describe what the times were measured on and with."""
    return {
        "processor": processor(),
        "processors": len(session.cpus),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": session.ask(measurements.OURS, "blas"),
        "versions": {name: session.ask(name, "versions") for name in session.started()},
        "missing": session.missing,
    }


def processor():
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line for line in lines if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def write(results, folder):
    """Write the results as Markdown, as JSON and as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (folder / "speed.md").write_text(tables.document(results), encoding="utf-8")
    tables.draw(results, folder / "speed.png")
    chosen = {
        case: results["cases"][case]
        for case in sorted(SUMMARY & results["cases"].keys())
    }
    if len(chosen) == len(SUMMARY):
        tables.draw(results | {"cases": chosen}, folder / "summary.png")
    print(f"{folder} has speed.md, speed.json and speed.png.", file=sys.stderr)


if __name__ == "__main__":
    main()
