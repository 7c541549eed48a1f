"""Which rows agree with the publication, counted once for the page and the terminal."""

from typing import NamedTuple

from benchmarks.report.networks import Key
from benchmarks.report.rows import METRICS


class Agreement(NamedTuple):
    """Rows by whether their published values agree with the runs.

    Attributes
    ----------
    agreeing : list of Network
        Networks with the stated settings that give the published values.
    corrected : list of tuple (Network, list of Network)
        The network with the stated settings, and those with changed settings that give
        the published values.
    differing : list of Network
        Networks of the other rows.
    """

    agreeing: list
    corrected: list
    differing: list

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.agreeing) + len(self.corrected) + len(self.differing)


def agreement(networks):
    """Sort the rows of networks with several runs each.

    A row agrees if all four published values are within their bounds.
    """
    found = Agreement([], [], [])
    for key, stated in networks.items():
        if key.name:
            continue
        if not stated.outside:
            found.agreeing.append(stated)
        elif corrections := [
            each for each in alternatives(networks, key.figure) if not each.outside
        ]:
            found.corrected.append((stated, corrections))
        else:
            found.differing.append(stated)
    return found


def alternatives(networks, figure):
    """List the networks of a row whose settings the published values suggest."""
    return [
        network
        for key, network in networks.items()
        if key.figure == figure and network.kind == "alternative"
    ]


class Strays(NamedTuple):
    """New runs compared with earlier ones of the same networks.

    Attributes
    ----------
    n_equal, n_repeated : int
        Number of runs with the figures of the earlier run of the same seed, and of runs
        that should have them: made by the same version on the same kind of processor.
    outside : list of tuple (Key, int, dict)
        Network, seed, and the metrics outside of the bounds of the earlier runs with
        their distances.
    changed : list of tuple (Key, int)
        Network and seed of the repeated runs with other figures.
    """

    n_equal: int
    n_repeated: int
    outside: list
    changed: list


def strays(new, earlier):
    """Compare new networks with earlier ones."""
    n_equal, n_repeated, outside, changed = 0, 0, [], []
    for key, network in new.items():
        if key not in earlier:
            continue
        before = {run["seed"]: run for run in earlier[key].runs}
        for run in network.runs:
            same_seed = before.get(run["seed"])
            if same_seed and maker(same_seed) == maker(run):
                n_repeated += 1
                if all(run[metric] == same_seed[metric] for metric in METRICS):
                    n_equal += 1
                    continue
                changed.append((key, run["seed"]))
            distances = {
                metric: earlier[key].distance(metric, run[metric]) for metric in METRICS
            }
            far = {metric: d for metric, d in distances.items() if abs(d) > 1}
            if far:
                outside.append((key, run["seed"], far))
    return Strays(n_equal, n_repeated, outside, changed)


def maker(run):
    """What must be the same for runs of a seed to have the same figures."""
    return run["processor"], run["instruction_set"], run["versions"]["numpy"]


def listed(keys):
    """List figures in words, three or more in a row as a range: "1, 3–5"."""
    figures = sorted({key.figure if isinstance(key, Key) else key for key in keys})
    ranges = []
    for figure in figures:
        if ranges and figure == ranges[-1][-1] + 1:
            ranges[-1].append(figure)
        else:
            ranges.append([figure])
    return ", ".join(
        f"{found[0]}–{found[-1]}" if len(found) > 2 else ", ".join(map(str, found))
        for found in ranges
    )
