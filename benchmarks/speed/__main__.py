"""Measure the speed of cymlp and of other implementations doing the same work."""

import argparse
import json
import platform
import sys
from pathlib import Path

from benchmarks.command_line import positive, processor
from benchmarks.speed import bar_chart, tables
from benchmarks.speed.cases import CASES
from benchmarks.speed.peer_processes import AVX2, PeerProcesses
from benchmarks.speed.peers import PEERS
from cymlp._files import write_file


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    settings = AVX2 if options.avx2 else {}
    with PeerProcesses(options.peers, settings) as processes:
        results = run(processes, options.cases, options.peers, options.epochs)
    print(tables.heading(results["machine"]))
    print(tables.overview(results))
    if options.output:
        write(results, options.output)


def run(processes, cases, names, n_epochs=None):
    """Measure cases, and print each result as soon as it is known.

    Parameters
    ----------
    processes : PeerProcesses
    cases : list of str
        Keys of `CASES`.
    names : list of str
        Peers that take part, cymlp included.
    n_epochs : int, default=None
        Number of epochs to time; by default that of the case.

    Returns
    -------
    results : dict
        "machine" and "cases", in a form that JSON can hold.
    """
    results = {}
    for name in cases:
        case = CASES[name]
        kind = getattr(case.measure, "func", case.measure).__name__
        result = case.measure(processes, case.workload, names, n_epochs or case.epochs)
        result |= {
            "title": case.title, "kind": kind, "batch_size": case.workload.batch_size
        }  # fmt: skip
        print(tables.section(result), flush=True)
        results[name] = result
    return {"machine": machine(processes), "cases": results}


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        epilog=f"Cases: {', '.join(CASES)}. Peers: {', '.join(PEERS)}.",
    )
    default = [name for name, case in CASES.items() if case.by_default]
    parser.add_argument(
        "--cases",
        nargs="+",
        choices=CASES,
        default=default,
        metavar="CASE",
        help="cases to measure (default: all except "
        f"{', '.join(name for name in CASES if name not in default)})",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=PEERS,
        default=list(PEERS),
        metavar="PEER",
        help="peers to compare with cymlp (default: all that are installed)",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        help="minimum number of epochs to time for each peer, or for the case report, "
        "number of epochs to train (default: depends on the case)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder for speed.md, speed.json and speed.png (default: none are "
        "written)",
    )
    parser.add_argument(
        "--avx2",
        action="store_true",
        help="let no peer use instructions beyond AVX2 (x86-64)",
    )
    options = parser.parse_args(arguments)
    options.peers = [name for name in PEERS if name in ("cymlp", *options.peers)]
    return options


def machine(processes):
    """Describe the machine and the versions."""
    return {
        "processor": processor(),
        "processors": len(processes.cpus),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": processes.ask("cymlp", "blas"),
        "instructions": processes.ask("cymlp", "instructions"),
        "multiply_add_rate": processes.ask("cymlp", "multiply_add_rate"),
        "multiplication_rate": processes.multiplication_rate(),
        "versions": {
            name: processes.ask(name, "versions")
            for name in PEERS
            if name in processes.started()
        },
        "missing": processes.missing,
    }


def write(results, folder):
    """Write the results as Markdown, as JSON and as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "speed.json", json.dumps(results, indent=1).encode())
    write_file(folder / "speed.md", tables.document(results).encode())
    bar_chart.draw(results, folder / "speed.png")
    print(f"{folder} has speed.md, speed.json and speed.png.", file=sys.stderr)


if __name__ == "__main__":
    main()
