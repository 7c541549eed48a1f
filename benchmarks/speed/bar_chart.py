"""The results of the benchmark as a bar chart."""

from matplotlib.figure import Figure

from benchmarks.png import encode
from benchmarks.speed.peers import PEERS
from benchmarks.speed.tables import compared, fastest_peer
from cymlp._files import write_file

# The palette of Okabe and Ito, which colour-blind readers can tell apart.
COLOURS = {"times": "#D55E00", "times_all": "#0072B2"}
MAX_BAR = 10  # longer bars are cut
DPI = 200


def draw(results, path):
    """Draw the time of the fastest peer in each case, relative to cymlp: a PNG.

    Best and worst cases are at both ends; a bar below 1 is a case in which a peer is
    faster.
    """
    labels = {
        "times": "1 thread",
        "times_all": f"{results['machine']['processors']} threads",
    }
    cases = sorted(compared(results), key=one_thread_ratio, reverse=True)
    figure = Figure((7, 0.8 + 0.36 * len(cases)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(1, color="black", linewidth=0.8)
    for at, case in enumerate(cases):
        for shift, (kind, colour) in zip((-0.2, 0.2), COLOURS.items(), strict=True):
            draw_bar(axes, at + shift, case.get(kind, {}), colour)
    bars = [axes.barh(0, 0, color=COLOURS[kind]) for kind in labels]
    axes.legend(bars, labels.values(), loc="lower right", frameon=False)
    axes.set_yticks(range(len(cases)), [case["title"] for case in cases])
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlim=(0, 1.4 * min(MAX_BAR, max(map(largest_ratio, cases), default=1))),
        ylim=(len(cases) - 0.4, -0.6),
    )
    figure.supxlabel("time of the fastest other library, relative to cymlp", size=10)
    axes.spines[["top", "right", "left"]].set_visible(False)
    write_file(path, encode(figure, DPI))


def one_thread_ratio(case):
    """Return the time of the fastest peer relative to cymlp."""
    return case["times"][fastest_peer(case["times"])]["ratio"]


def largest_ratio(case):
    """Return the longest bar of a case."""
    kinds = [case.get(kind, {}) for kind in COLOURS]
    return max(times[name]["ratio"] for times in kinds if (name := fastest_peer(times)))


def draw_bar(axes, at, times, colour):
    """Draw the ratio of the fastest peer, if there is one."""
    name = fastest_peer(times)
    if name is None:
        return
    ratio = times[name]["ratio"]
    width = min(ratio, MAX_BAR)
    axes.barh(at, width, 0.38, color=colour)
    label = f"{ratio:.1f}" if ratio <= MAX_BAR else f"{ratio:.0f} \u2192"
    axes.annotate(
        f"{label}  {PEERS[name].title}",
        (width, at), (4, 0), textcoords="offset points", va="center", fontsize=8,
    )  # fmt: skip
