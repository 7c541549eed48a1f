"""The results of the benchmark as Markdown."""

from benchmarks.speed.peers import PEERS


def document(results):
    """Write all results as Markdown."""
    sections = [section(result) for result in results["cases"].values()]
    return "\n".join(
        ["# Speed", "", heading(results["machine"]), overview(results), *sections]
    )


def heading(machine):
    """Describe the machine and the versions."""
    lines = [
        f"{machine['processor']}, {machine['processors']} processors, possibly shared "
        f"with other programs; {machine['system']}; Python {machine['python']}; BLAS "
        f"of SciPy and NumPy: {', '.join(machine['blas'])}.",
        "",
        f"Instruction set: {machine['instructions']}. A processor computes "
        f"{machine['multiply_add_rate'] / 1e9:.0f} GFLOP/s in registers, and "
        f"{machine['multiplication_rate'] / 1e9:.0f} GFLOP/s in a product of large "
        "matrices.",
        "",
    ]
    for name, versions in machine["versions"].items():
        packages = [f"{package} {version}" for package, version in versions.items()]
        lines.append(f"- {PEERS[name].title}: {', '.join(packages)}")
    for name, reason in machine["missing"].items():
        lines.append(f"- {PEERS[name].title}: {reason}")
    return "\n".join(lines) + "\n"


def section(result):
    """Write one result as Markdown."""
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
    """Write the times of epochs and fits."""
    rows = [
        (
            title,
            seconds(one["best"]),
            seconds(one["median"]),
            seconds(one["fixed"]),
            seconds(one["total"]),
            f"{one['ratio']:.2f}",
            f"{one['ratio_of_bests']:.2f}",
            result["validated"].get(name, "reference"),
        )
        for name, title, one in all_times(result)
    ]
    count = len(result["times"]["cymlp"]["seconds"])
    floor, rate = result["floor"], result["multiplication_rate"] / 1e9
    if floor is None:
        note = "No dense floor: the inputs are sparse."
    else:
        part = floor / result["times"]["cymlp"]["median"]
        note = (
            f"Dense floor: {seconds(floor)} s, the time of the epoch's dense products "
            f"at {rate:.0f} GFLOP/s, the speed of a large product. It is {part:.0%} of "
            "cymlp's epoch."
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
                "largest difference of parameters after an epoch in float64",
            ),
            rows,
        ),
        "",
        *verdict(result),
        note,
        "",
    ]


def all_times(result):
    """Yield name, title and times: with one thread, then with all."""
    for name, one in result["times"].items():
        yield name, PEERS[name].title, one
    for name, one in result.get("times_all", {}).items():
        yield name, f"{PEERS[name].title}, all threads", one


def prediction_table(result):
    """Write the times of calls."""
    rows = [
        (
            title,
            f"{one['best'] * 1e3:.3f}",
            f"{one['median'] * 1e3:.3f}",
            f"{one['ratio']:.2f}",
        )
        for _, title, one in all_times(result)
    ]
    header = ("milliseconds per call", "best", "median", "ratio")
    return [*table(header, rows), "", *verdict(result), ""]


def threads_table(result):
    """Write the times of one fit and of two simultaneous fits."""
    rows = [
        (
            PEERS[name].title,
            seconds(one["alone"]),
            seconds(one["together"]),
            f"{one['throughput']:.2f}",
        )
        for name, one in result["times"].items()
    ]
    return [
        *table(("seconds", "one fit", "two simultaneous fits", "throughput"), rows),
        "",
    ]


def busy_table(result):
    """Write the times of fits with and without a busy processor."""
    rows = [
        (
            PEERS[name].title,
            seconds(one["alone"]),
            seconds(one["beside"]),
            f"{one['factor']:.2f}",
        )
        for name, one in result["times"].items()
    ]
    header = ("seconds per fit", "alone", "with a busy processor", "ratio")
    note = "These fits may use any number of threads and any processor."
    return [*table(header, rows), "", note, ""]


def parts_table(result):
    """Write the time of each activation with each loss."""
    relative = result["relative"]
    losses = list(next(iter(relative.values())))
    rows = [
        (activation, *(f"{ratio:.2f}" for ratio in by_loss.values()))
        for activation, by_loss in relative.items()
    ]
    largest = max(max(by_loss.values()) for by_loss in relative.values())
    return [
        *table(("time relative to tanh with cross entropy", *losses), rows),
        "",
        f"The largest ratio is {largest:.2f}; a ratio of 1 is "
        f"{seconds(result['seconds'])} s per epoch.",
        "",
    ]


def scaling_table(result):
    """Write the growth of the time of an epoch with rows and width."""
    lines = []
    for quantity, times, note in [
        ("rows", result["by_rows"], ""),
        ("width", result["by_width"], f", {result['rows_per_width']} rows"),
    ]:
        rows = [
            (str(n), seconds(one), f"{one / n * 1e6:.3f}") for n, one in times.items()
        ]
        header = (
            f"{quantity}{note}",
            "seconds per epoch",
            f"microseconds / {quantity}",
        )
        power = result[f"exponent_of_{quantity}"]
        note = f"The time grows as {quantity} to the power of {power:.2f}."
        lines += [*table(header, rows), "", note, ""]
    return lines


def report_table(result):
    """Write the time to train all published rows."""
    rows = [
        (PEERS[name].title, f"{one['total']:.1f}", f"{one['ratio']:.2f}")
        for name, one in result["times"].items()
    ]
    return [
        *table(("seconds", "total", "ratio"), rows),
        "",
        f"{result['networks']} networks, {result['epochs']} epochs, "
        f"{result['processors']} processors. The NumPy loop trains networks of the "
        "same shapes, all with tanh and cross entropy.",
        "",
    ]


TABLES = {
    "training": training_table,
    "prediction": prediction_table,
    "small_fits": prediction_table,
    "threads": threads_table,
    "busy": busy_table,
    "parts": parts_table,
    "scaling": scaling_table,
    "report": report_table,
}


def overview(results):
    """Write all cases in one table."""
    n = results["machine"]["processors"]
    rows = []
    for case in compared(results):
        times, times_all = case["times"], case.get("times_all", {})
        row = [case["title"], seconds(times["cymlp"]["total"]), fastest(times)]
        floor = case.get("floor")
        row.append(f"{times['cymlp']['median'] / floor:.2f}" if floor else "")
        if times_all:
            total = times_all["cymlp"]["total"]
            row += [seconds(total), f"{times['cymlp']['total'] / total:.2f}"]
            row.append(fastest(times_all))
        rows.append(row + [""] * (7 - len(row)))
    header = (
        "",
        "one thread, seconds",
        "fastest peer, times as long",
        "epoch / dense floor",
        f"{n} threads, seconds",
        "times as fast as one",
        "fastest peer, times as long",
    )
    return "\n".join(["## All cases", "", *table(header, rows)]) + "\n"


def fastest(times):
    """Write the time of the fastest peer relative to cymlp."""
    name = fastest_peer(times)
    return f"{times[name]['ratio']:.2f} {PEERS[name].title}" if name else ""


def compared(results):
    """Return the cases in which peers were compared."""
    return [
        case
        for case in results["cases"].values()
        if any("ratio" in one for one in case.get("times", {}).values())
    ]


def fastest_peer(times):
    """Return the name of the fastest peer except cymlp, or None."""
    others = [name for name in times if name != "cymlp"]
    return min(others, key=lambda name: times[name]["total"], default=None)


def verdict(result):
    """Compare the fastest peer with cymlp."""
    fastest = fastest_peer(result["times"])
    if fastest is None:
        return []
    ratio = result["times"][fastest]["ratio"]
    return [
        f"The fastest peer, {PEERS[fastest].title}, takes {ratio:.2f} times as long."
    ]


def table(header, rows):
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def seconds(value):
    """Write a time with three significant digits."""
    return f"{value:#.3g}"
