"""The results of the benchmark as Markdown and as a picture."""

from benchmarks.speed.peer_processes import PEERS

# Of Okabe and Ito, whose colours the colour-blind can tell apart.
COLOURS = {
    "cymlp": "#D55E00",
    "numpy": "#0072B2",
    "scikit-learn": "#E69F00",
    "pytorch": "#009E73",
    "dataloader": "#CC79A7",
    "jax": "#56B4E9",
}
LONGEST_BAR = 10  # times as long as cymlp's; longer ones are cut


def document(results):
    """Write all results in Markdown."""
    sections = [section(result) for result in results["cases"].values()]
    return "\n".join(
        ["# Speed", "", heading(results["machine"]), overview(results), *sections]
    )


def heading(machine):
    """Say what was measured on."""
    lines = [
        f"{machine['processor']}, {machine['processors']} processors, which others may "
        f"have been using too; {machine['system']}, Python "
        f"{machine['python']}; BLAS of SciPy and NumPy: {', '.join(machine['blas'])}. "
        "One thread each.",
        "",
    ]
    for name, versions in machine["versions"].items():
        packages = [f"{package} {is_}" for package, is_ in versions.items()]
        lines.append(f"- {PEERS[name].title}: {', '.join(packages)}")
    for name, reason in machine["missing"].items():
        lines.append(f"- {PEERS[name].title}: {reason}")
    return "\n".join(lines) + "\n"


def section(result):
    """Write one result in Markdown."""
    lines = [f"## {result['title']}", ""]
    if "sizes" in result:
        sizes = "-".join(map(str, result["sizes"]))
        lines += [
            f"{result['source']}; {result['rows']} rows, {sizes}, batches of "
            f"{result['batch_size']}.",
            "",
        ]
        lines += TABLES[result["kind"]](result)
    lines += [
        f"- left out: {PEERS[name].title}: {reason}"
        for name, reason in result["left_out"].items()
    ]
    return "\n".join(lines) + "\n"


def training_table(result):
    """Write times of epochs and fits."""
    rows = [
        (
            PEERS[name].title,
            seconds(one["best"]),
            seconds(one["median"]),
            seconds(one["fixed"]),
            seconds(one["total"]),
            f"{one['ratio']:.2f}",
            f"{one['ratio_of_bests']:.2f}",
            result["validated"].get(name, "the reference"),
        )
        for name, one in result["times"].items()
    ]
    count = len(result["times"]["cymlp"]["seconds"])
    floor, rate = result["floor"], result["multiplication_rate"] / 1e9
    if floor is None:
        note = "No dense floor: the inputs are sparse."
    else:
        part = floor / result["times"]["cymlp"]["median"]
        note = (
            f"Dense floor: {seconds(floor)} s, the epoch's dense products at the "
            f"{rate:.0f} GFLOP/s of a large one; it is {part:.0%} of cymlp's epoch."
        )
    return [
        *table(
            (
                "seconds",
                "epoch, best",
                f"epoch, median of {count}",
                "fixed costs of a fit",
                "epoch of a fit of 20",
                "ratio",
                "ratio of best epochs",
                "parameters after an epoch in float64",
            ),
            rows,
        ),
        "",
        *verdict(result),
        note,
        "",
    ]


def prediction_table(result):
    """Write times of calls."""
    rows = [
        (
            PEERS[name].title,
            f"{one['best'] * 1e3:.3f}",
            f"{one['median'] * 1e3:.3f}",
            f"{one['ratio']:.2f}",
        )
        for name, one in result["times"].items()
    ]
    header = ("milliseconds a call", "best", "median", "ratio")
    return [*table(header, rows), "", *verdict(result), ""]


def threads_table(result):
    """Write times of fits that run side by side."""
    rows = [
        (
            PEERS[name].title,
            seconds(one["alone"]),
            seconds(one["together"]),
            f"{one['throughput']:.2f}",
        )
        for name, one in result["times"].items()
    ]
    return [*table(("seconds", "one fit", "two at a time", "throughput"), rows), ""]


def busy_table(result):
    """Write times of fits beside a program that keeps a processor busy."""
    rows = [
        (
            PEERS[name].title,
            seconds(one["alone"]),
            seconds(one["beside"]),
            f"{one['factor']:.2f}",
        )
        for name, one in result["times"].items()
    ]
    header = ("seconds a fit", "alone", "with a processor busy", "times as long")
    note = "Nothing limits the threads of these fits, or the processors they run on."
    return [*table(header, rows), "", note, ""]


def parts_table(result):
    """Write what each activation costs with each loss."""
    relative = result["relative"]
    losses = list(next(iter(relative.values())))
    rows = [
        (activation, *(f"{ratio:.2f}" for ratio in by_loss.values()))
        for activation, by_loss in relative.items()
    ]
    largest = max(max(by_loss.values()) for by_loss in relative.values())
    return [
        *table(("relative to tanh and cross entropy", *losses), rows),
        "",
        f"The largest is {largest:.2f}; 1 is {seconds(result['seconds'])} s an epoch.",
        "",
    ]


def scaling_table(result):
    """Write how times grow."""
    lines = []
    for what, by, note in [
        ("rows", result["by_rows"], ""),
        ("width", result["by_width"], f", {result['rows_per_width']} rows"),
    ]:
        rows = [
            (str(n), seconds(each), f"{each / n * 1e6:.3f}") for n, each in by.items()
        ]
        header = (f"{what}{note}", "seconds an epoch", f"microseconds / {what}")
        power = result[f"exponent_of_{what}"]
        note = f"It grows as {what} to the power of {power:.2f}."
        lines += [*table(header, rows), "", note, ""]
    return lines


def report_table(result):
    """Write the time of a whole report."""
    rows = [
        (PEERS[name].title, f"{one['total']:.1f}", f"{one['ratio']:.2f}")
        for name, one in result["times"].items()
    ]
    return [
        *table(("seconds", "in all", "ratio"), rows),
        "",
        f"{result['networks']} networks, {result['epochs']} epochs, "
        f"{result['processors']} processors. The loop in NumPy trains networks of the "
        "same shapes, all with tanh and cross entropy.",
        "",
    ]


TABLES = {
    "training": training_table,
    "prediction": prediction_table,
    "threads": threads_table,
    "busy": busy_table,
    "parts": parts_table,
    "scaling": scaling_table,
    "report": report_table,
}


def overview(results):
    """Write the ratios of all cases in one table."""
    cases = compared(results)
    peers = [
        name
        for name in PEERS
        if name != "cymlp" and any(name in case["times"] for case in cases)
    ]
    rows = []
    for case in cases:
        times, rival = case["times"], fastest_rival(case["times"])
        rows.append(
            (
                case["title"],
                seconds(times["cymlp"]["total"]),
                *(f"{times[p]['ratio']:.2f}" if p in times else "" for p in peers),
                "" if rival is None else PEERS[rival].title,
            )
        )
    titles = [PEERS[name].title for name in peers]
    header = ("times as long as cymlp", "cymlp, seconds", *titles, "fastest peer")
    return "\n".join(["## All cases", "", *table(header, rows)]) + "\n"


def compared(results):
    """Give the cases in which peers were compared."""
    return [
        case
        for case in results["cases"].values()
        if any("ratio" in one for one in case.get("times", {}).values())
    ]


def fastest_rival(times):
    """Name of the fastest beside cymlp, or None."""
    rivals = [name for name in times if name != "cymlp"]
    return min(rivals, key=lambda name: times[name]["total"], default=None)


def verdict(result):
    """Say how cymlp compares with the fastest of the others."""
    rival = fastest_rival(result["times"])
    if rival is None:
        return []
    ratio = result["times"][rival]["ratio"]
    return [f"{PEERS[rival].title}, the fastest peer, takes {ratio:.2f} times as long."]


def table(header, rows):
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def seconds(value):
    """Write a time with three digits that count."""
    return f"{value:#.3g}"


def draw(results, path):
    """Draw a bar for each peer in each case: times as long as cymlp."""
    from matplotlib.figure import Figure

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
            width = min(ratio, LONGEST_BAR)
            axes.barh(top, width, 0.85, color=COLOURS[name])
            label = f"{ratio:.2f}" if ratio <= LONGEST_BAR else f"{ratio:.1f} →"
            axes.annotate(
                label, (width, top), (4, 0), textcoords="offset points", va="center"
            )
        top += 1.9
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlim=(0, LONGEST_BAR * 1.08),
        ylim=(top - 1.2, -0.8),
        xlabel="time, as a multiple of cymlp's (shorter is faster)",
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, dpi=200)
