"""Summaries of runs, small enough to be committed, and the files that keep them."""

import csv
import gzip
import hashlib
import io
import json
from typing import NamedTuple

import numpy as np

from benchmarks.report.measures import MEASURES, curve, measured
from benchmarks.report.networks import Key, Network
from benchmarks.report.records import TEST_EVERY, rounded
from benchmarks.report.rows import METRICS, changes_of
from cymlp._files import write_file

MAX_PLAIN = 250_000  # bytes of a JSON file that is not compressed
HARD_FIGURE = 9  # the network that decides which test images are hard
DENSE_EPOCHS = 10  # epochs with a point of the drawn training curve each
KEPT = (
    "figure", "name", "kind", "seed", "settings", *METRICS, "seconds", "versions",
    "processor", "instruction_set",
)  # fmt: skip


class DamagedError(ValueError):
    """A file of summaries cannot be read."""


class Results(NamedTuple):
    """All that the report is about.

    Attributes
    ----------
    networks : dict of Key to Network
    hard_images : list of int
        Indices of the hard test images.
    times : dict
        Result of `timing.measure`, or empty.
    """

    networks: dict
    hard_images: list
    times: dict


def summarise(records, rows, hard_images=None, times=None):
    """Reduce the records of runs to what the report shows.

    Parameters
    ----------
    records : list of dict
        Records of `training.train`.
    rows : list of dict
        Rows of published.json.
    hard_images : list of int, optional
        Hard test images; by default those that at least half of the records of
        `HARD_FIGURE` get wrong.
    times : dict, optional
        Result of `timing.measure`.

    Returns
    -------
    results : Results
    """
    if hard_images is None:
        hard_images = hard(records)
    by_key = {}
    for record in records:
        by_key.setdefault(Key(record["figure"], record["name"]), []).append(record)
    row_of = {row["figure"]: row for row in rows}
    summarised = {}
    for key in ordered(by_key, rows):
        found = sorted(by_key[key], key=lambda record: record["seed"])
        runs = [summary(record, hard_images) for record in found]
        summarised[key] = Network(row_of[key.figure], runs, drawn_curves(found))
    return with_times(Results(summarised, hard_images, {}), times or {})


def with_times(results, times):
    """Give networks with the stated settings their processor times."""
    for figure, rounds in times.get("ms", {}).items():
        if (key := Key(int(figure))) in results.networks:
            results.networks[key].times = rounds
    return results._replace(times=times)


def ordered(keys, rows):
    """Put networks into the order of published.json."""
    planned = (
        Key(row["figure"], change["name"])
        for row in rows
        for changes in changes_of(row).values()
        for change in changes
    )
    return [key for key in planned if key in keys]


def hard(records):
    """Find the test images that at least half of the runs of one network get wrong."""
    wrong = [
        record["wrong"]
        for record in records
        if (record["figure"], record["name"]) == (HARD_FIGURE, "")
    ]
    if not wrong:
        return []
    counts = np.bincount(np.concatenate(wrong).astype(int))
    return np.flatnonzero(2 * counts >= len(wrong)).tolist()


def summary(record, hard_images):
    """Reduce the record of a run to its figures and measures."""
    measures = measured(record)
    if hard_images:
        missed = len(set(record["wrong"]) & set(hard_images))
        measures["hard_accuracy"] = 1 - missed / len(hard_images)
    curves = {name: record["curves"][name] for name in METRICS}
    return {
        **{name: record[name] for name in KEPT},
        "measures": {name: float(f"{value:.5g}") for name, value in measures.items()},
        "curves_digest": hashlib.sha256(
            json.dumps(curves, sort_keys=True).encode()
        ).hexdigest()[:12],
    }


def drawn_curves(records):
    """Reduce the curves of runs to their mean and range at the points to draw.

    Test metrics have the points of the published curves. Training metrics are means
    over one epoch each at the start, and over two epochs later.
    """
    curves = {}
    for name in METRICS:
        reduce = every_fifth if name.startswith("test") else smoothed
        found = [reduce(*curve(record, name)) for record in records]
        values = np.array([values for _, values in found])
        curves[name] = {
            "epochs": rounded(found[0][0]),
            "mean": rounded(values.mean(axis=0)),
            "low": rounded(values.min(axis=0)),
            "high": rounded(values.max(axis=0)),
        }
    return curves


def every_fifth(epochs, values):
    """Take the points of a published test curve."""
    return epochs[::TEST_EVERY], values[::TEST_EVERY]


def smoothed(epochs, values):
    """Average a training curve; the point stands at the end of its epochs."""
    last = int(np.ceil(epochs[-1] - 1e-9))
    ends = [
        *range(1, min(last, DENSE_EPOCHS) + 1),
        *range(DENSE_EPOCHS + 2, last + 1, 2),
    ]
    bins = np.searchsorted(ends, epochs - 1e-9)
    means = [values[bins == index].mean() for index in range(len(ends))]
    return np.array(ends), np.array(means)


def write(results, folder):
    """Write runs.json, compressed if it is large, and figures.csv.

    The file of the other kind is removed.
    """
    content = json.dumps(as_json(results), separators=(",", ":")).encode()
    plain, packed = folder / "runs.json", folder / "runs.json.gz"
    if len(content) > MAX_PLAIN:
        # mtime=0: the same runs give the same bytes.
        write_file(packed, gzip.compress(content, mtime=0))
        plain.unlink(missing_ok=True)
    else:
        write_file(plain, content)
        packed.unlink(missing_ok=True)
    write_file(folder / "figures.csv", as_csv(results).encode())


def as_json(results):
    """Turn results into what JSON can hold."""
    return {
        "networks": [
            {"runs": network.runs, "curves": network.curves}
            for network in results.networks.values()
        ],
        "hard_images": results.hard_images,
        "times": results.times,
    }


def read(folder, rows):
    """Read what `write` wrote.

    Parameters
    ----------
    folder : Path
    rows : list of dict
        Rows of published.json; other rows are left out.

    Returns
    -------
    results : Results or None
        None if the folder lacks the file.

    Raises
    ------
    DamagedError
        If the file is damaged.
    """
    for path in folder / "runs.json", folder / "runs.json.gz":
        if path.exists():
            try:
                return from_json(json.loads(content_of(path)), rows)
            except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
                raise DamagedError(f"{path} is damaged: {error!r}") from error
    return None


def content_of(path):
    """Read a file, decompressed if its name ends with .gz."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def from_json(content, rows):
    """Turn the content of runs.json into results."""
    row_of = {row["figure"]: row for row in rows}
    found = {}
    for described in content["networks"]:
        runs = described["runs"]
        key = Key(runs[0]["figure"], runs[0]["name"])
        if key.figure in row_of:
            found[key] = Network(row_of[key.figure], runs, described["curves"])
    results = Results(found, content["hard_images"], {})
    return with_times(results, content["times"])


def as_csv(results):
    """Write one line for each run, with its figures and measures."""
    measures = [name for name in MEASURES if name not in METRICS and name != "time"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["figure", "network", "seed", *METRICS, *measures, "seconds"])
    for network in results.networks.values():
        for run in network.runs:
            table.writerow([
                run["figure"], run["name"] or "as stated", run["seed"],
                *(run[name] for name in METRICS),
                *(run["measures"].get(name, "") for name in measures),
                run["seconds"],
            ])  # fmt: skip
    return text.getvalue()
