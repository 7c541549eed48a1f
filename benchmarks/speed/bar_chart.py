"""The results of the benchmark as a bar chart."""

from matplotlib.figure import Figure

from benchmarks.png import encode
from benchmarks.speed.peers import PEERS
from benchmarks.speed.tables import compared
from cymlp._files import write_file

# The palette of Okabe and Ito, which colour-blind readers can tell apart.
COLOURS = {
    "cymlp": "#D55E00",
    "numpy": "#0072B2",
    "scikit-learn": "#E69F00",
    "pytorch": "#009E73",
    "dataloader": "#CC79A7",
    "jax": "#56B4E9",
}
MAX_BAR = 10  # longer bars are cut
DPI = 200


def draw(results, path):
    """Draw the time of each peer in each case, relative to cymlp, and save a PNG."""
    cases = compared(results)
    n_bars = sum(len(case["times"]) for case in cases)
    figure = Figure((7, 0.7 + 0.22 * n_bars + 0.42 * len(cases)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(1, color="black", linewidth=0.8)
    ticks, top = {}, 0.0
    for case in cases:
        title = axes.text(0, top, case["title"], va="center", weight="bold")
        title.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        for name in sorted(case["times"], key=list(PEERS).index):
            top += 1
            ticks[top] = PEERS[name].title
            ratio = case["times"][name]["ratio"]
            width = min(ratio, MAX_BAR)
            axes.barh(top, width, 0.85, color=COLOURS[name])
            label = f"{ratio:.2f}" if ratio <= MAX_BAR else f"{ratio:.1f} →"
            axes.annotate(
                label, (width, top), (4, 0), textcoords="offset points", va="center"
            )
        top += 1.9
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlim=(0, MAX_BAR * 1.08),
        ylim=(top - 1.2, -0.8),
        xlabel="time, as a multiple of cymlp's (shorter is faster)",
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    write_file(path, encode(figure, DPI))
