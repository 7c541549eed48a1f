"""The sections of the report: the experiment, the summary, rows and claims."""

import math
from collections import Counter

from benchmarks.report import charts, claims, judging, pictures
from benchmarks.report.agreement import agreement, alternatives, listed
from benchmarks.report.charts import METRIC_NAMES
from benchmarks.report.document import (
    Bullets,
    Columns,
    Fold,
    Gallery,
    Heading,
    Picture,
    Strong,
    Table,
    paragraph,
)
from benchmarks.report.intervals import MEANINGS, VERDICTS
from benchmarks.report.measures import MEASURES
from benchmarks.report.networks import (
    ROW_CHANCE,
    flat,
    rejection_rate,
    setting_in_words,
)
from benchmarks.report.overflow import overflow_table
from benchmarks.report.rows import METRICS, published

NBSP = "\N{NO-BREAK SPACE}"
NOT_COMPARABLE = (
    "These values are not comparable with the published ones, which are for MNIST."
)
EXPERIMENT = (
    "28 networks with 784 inputs, 28 hidden units (or 112 and 28) and 10 outputs are "
    "trained on MNIST for 100 epochs with stochastic gradient descent, once each in "
    "the publication. Four values describe a network: training loss and accuracy as "
    "means over the last 50 mini-batches, and test loss and accuracy after epoch 96. A "
    "network has the number of its figure in the publication."
)
BANDS = "Lines are means and bands are ranges over the runs."
MARKS = "Marks at the end are the published values."
SMOOTHED = "Training curves are means over one or two epochs."
EVIDENCE = (
    "Evidence: the mean of a measure for one network, that for another or a constant; "
    "their difference or ratio with its 95 % interval, and the number n of pairs."
)
DETAILS = [
    ("Data", "MNIST, 60000 training and 10000 test images. x = (pixel − 128) / 255."),
    ("Initial weights", "Normal with mean 0 and standard deviation 0.01; biases 0."),
    (
        "Training",
        "100 epochs, reshuffled in every epoch; batches of 100 where nothing else is "
        "stated. v ← momentum · v + gradient + weight decay · θ, then "
        "θ ← θ − learning rate · v, for weights and biases alike. No validation set, "
        "no stopping, no Nesterov momentum.",
    ),
    (
        "Training loss and accuracy",
        "Means over the last complete block of 50 mini-batches of epoch 100, each "
        "measured before its update: 5000 images for batches of 100, 500 for batches "
        "of 10; for batches of 1000, batches 1 to 50 of 60.",
    ),
    (
        "Test loss and accuracy",
        "All test images, after epoch 96: the published curves have a point after "
        "epochs 1, 6, 11, ..., 96.",
    ),
    (
        "Not stated in the publication",
        "Its seeds and the versions of its programs. That training values are means "
        "over 50 batches, and that test values are those after epoch 96, was taken "
        "from the points of its curves; initial weights, scaling and update were taken "
        "from its description.",
    ),
    (
        "Alternatives that were tried",
        "For figures 2, 6 and 7 one: the swapped HardSwish. For 27 two: momentum 0.9, "
        "and learning rate 0.015. For 41 the two readings of its text: margin 0.5 with "
        "softmax, and margin 1. No other setting was varied, and none was tuned. An "
        "alternative that was looked for because a row did not agree is weaker "
        "evidence than a row that agrees as stated.",
    ),
    (
        "Rows with the same settings",
        "3 and 20; and, as KL divergence and cross entropy are the same for labels, 1 "
        "and 4, 2 and 6, and 3 and 8. Equal seeds give them equal runs, so they are "
        "not independent.",
    ),
]


def report(results, dataset, new=None, found=None):
    """Write the report as a list of blocks.

    Parameters
    ----------
    results : summaries.Results
        Runs that give means, spreads and verdicts.
    dataset : datasets.DataSet
    new : summaries.Results, optional
        Runs to show beside them.
    found : agreement.Strays, optional
        The new runs compared with the others.

    Returns
    -------
    blocks : list
        Blocks for `document.write`.
    """
    networks = results.networks
    blocks = [Heading("A published MNIST experiment, trained again", 1)]
    if not dataset.comparable:
        blocks += [paragraph(Strong(NOT_COMPARABLE)), sources(results, dataset)]
        return blocks + row_folds(networks, None, False) + [gallery(networks, False)]
    blocks += [paragraph(EXPERIMENT), experiment(results, dataset)]
    blocks += [new_runs(found)] if found is not None else []
    repeated = min(len(network.runs) for network in networks.values()) > 1
    judgements = judging.judge(claims.CLAIMS, networks) if repeated else {}
    if repeated:
        blocks += summary(networks, judgements)
    else:
        blocks.append(paragraph(Strong("Single runs cannot be judged.")))
    blocks += row_folds(networks, new and new.networks, True)
    if judgements:
        blocks += [method(networks, judgements), *claim_folds(judgements)]
    return [*blocks, gallery(networks, True)]


def experiment(results, dataset):
    """State the experiment in full."""
    lines = [[Strong(name), content] for name, content in DETAILS]
    fold = Table(["what", "how"], lines)
    return Fold("The experiment in full", [fold, sources(results, dataset)])


def sources(results, dataset):
    """Say where the data and the runs come from."""
    runs = [run for network in results.networks.values() for run in network.runs]
    seeds = sorted({run["seed"] for run in runs})
    versions = sorted({
        ", ".join(f"{name} {number}" for name, number in run["versions"].items())
        for run in runs
    })  # fmt: skip
    processors = sorted(
        {f"{run['processor']} ({run['instruction_set']})" for run in runs}
    )
    seeds_in_words = (
        f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else "one seed"
    )
    return paragraph(
        f"Data: {dataset.source}. {len(runs)} runs of {len(results.networks)} "
        f"networks, {seeds_in_words}, in float32. Trained by "
        f"{'; '.join(versions)} on {'; '.join(processors)}."
    )


def summary(networks, judgements):
    """Say it all on one screen."""
    topics = list(judgements.items())
    # The chart of the rows is as high as about 28 claims.
    left = dict(topics[:1])
    right = dict(topics[1:])
    blocks = [paragraph(*sentences(networks, judgements))]
    charts_left = [
        row_picture(networks),
        claim_picture("claims-1.svg", left, claim_caption()),
    ]
    if not right:
        return [*blocks, Columns(charts_left, [])]
    second = claim_picture(
        "claims-2.svg", right, "Units and colours are those of the first claims."
    )
    return [*blocks, Columns(charts_left, [second])]


def sentences(networks, judgements):
    """Write the result in a few sentences."""
    rows = agreement(networks)
    parts = [
        Strong(f"{len(rows.agreeing)} of {rows.n_rows} published networks agree"),
        " with their repetitions in all four values.",
    ]
    if rows.corrected:
        parts.append(
            f" {len(rows.corrected)} more agree if a suspected mistake of the "
            f"publication is repeated: {corrections(rows)}."
        )
    if rows.differing:
        figures = numbered([network.key for network in rows.differing])
        parts.append(f" No explanation was found for {figures}.")
    counts = verdict_counts(judgements)
    claims_judged = f"{sum(counts.values())} claims" if counts else "the claims"
    return [*parts, f" Of {claims_judged}, ", Strong(counts_in_words(counts)), "."]


def counts_in_words(counts):
    """Write the number of claims with each verdict."""
    verbs = {
        "holds": ("holds", "hold"),
        "holds in part": ("holds in part", "hold in part"),
        "no clear difference": (
            "shows no clear difference",
            "show no clear difference",
        ),
        "does not hold": ("does not hold", "do not hold"),
        "undecided": ("is undecided", "are undecided"),
    }
    words = [
        f"{number} {verbs[verdict][number > 1]}" for verdict, number in counts.items()
    ]
    return ", ".join(words) or "none is about these rows alone"


def result_in_words(networks):
    """Write the result as plain text, as other pages quote it."""
    parts = sentences(networks, judging.judge(claims.CLAIMS, networks))
    return "".join(part.text if isinstance(part, Strong) else part for part in parts)


def corrections(rows):
    """Name the corrections of rows, with their figures."""
    figures = {}
    for stated, corrected in rows.corrected:
        name = " or ".join(network.key.name for network in corrected)
        figures.setdefault(name, []).append(stated.key)
    return "; ".join(f"{name} ({numbered(keys)})" for name, keys in figures.items())


def numbered(keys):
    """Write "figure" or "figures" and their numbers."""
    several = len({key.figure for key in keys}) > 1
    return f"figure{'s' if several else ''} {listed(keys)}"


def verdict_counts(judgements):
    """Count the verdicts, in the order of their definition."""
    found = Counter(
        judgement.verdict for of_topic in judgements.values() for judgement in of_topic
    )
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def row_picture(networks):
    """Draw the agreement of all rows."""
    rows = agreement(networks)
    correction = {stated.key: first for stated, (first, *_) in rows.corrected}
    stated = [network for key, network in networks.items() if not key.name]
    lines = [(label(each), each, correction.get(each.key)) for each in stated]
    short = [
        (str(each.key), *rest) for (_, *rest), each in zip(lines, stated, strict=True)
    ]
    alt = (
        f"Published minus own values of {len(stated)} rows; all four agree for "
        f"{numbered([network.key for network in rows.agreeing])}."
    )
    caption = (
        "Published value minus the mean of the runs, in standard deviations of the "
        "runs. Inside the grey zone the two agree. Blue: the settings that are stated; "
        "orange: with the suspected mistake; triangles: further away. CE: cross "
        "entropy; KL: KL divergence."
    )
    wide, narrow = (
        charts.row_chart(lines, 620, 306), charts.row_chart(short, 380, 22),
    )  # fmt: skip
    return Picture("rows.svg", wide, alt, caption, narrow)


def label(network):
    """Name a row by its figure and its settings in short."""
    words = network.description
    for long, short in [
        ("cross entropy", "CE"), ("KL divergence", "KL"), ("learning rate", "rate"),
        (" hidden units", ""), ("weight decay", "decay"), ("batch size", "batch"),
        ("focal loss", "focal"), (", alpha 0.1, gamma 2", ""),
    ]:  # fmt: skip
        words = words.replace(long, short)
    return f"{network.key.figure}  {words}"


def claim_picture(name, judgements, caption):
    """Draw the effects of claims."""
    n = sum(map(len, judgements.values()))
    alt = f"Effects of {n} claims with their verdicts, which the tables below repeat."
    wide = charts.claim_chart(judgements, 620, 400)
    return Picture(name, wide, alt, caption, charts.claim_chart(judgements, 380, 0))


def claim_caption():
    """Explain the marks and the colours of the charts of claims."""
    names = ("green", "light green", "grey", "red", "orange")
    legend = "; ".join(
        f"{name}: {verdict}" for name, verdict in zip(names, VERDICTS, strict=True)
    )
    return (
        "Effects of the comparisons behind each claim with 95 % intervals, to the "
        "right as claimed, in units of the smallest difference that counts. The grey "
        f"zone does not count; triangles are further away. {legend.capitalize()}."
    )


def new_runs(found):
    """Say how new runs compare with the earlier ones."""
    text = []
    if found.n_repeated:
        text.append(
            f"{found.n_equal} of {found.n_repeated} new runs have exactly the values "
            "of the committed run with the same seed."
        )
    else:
        text.append(
            "The committed runs were trained on another kind of processor or with "
            "other seeds, so no new run can be compared digit by digit."
        )
    items = [
        f"{key}, seed {seed}: {far_in_words(far)} of the bound away from the committed "
        "runs"
        for key, seed, far in found.outside
    ]
    items += [f"{key}, seed {seed}: other values" for key, seed in found.changed]
    text.append("No new run strays from them." if not items else "Runs that stray:")
    blocks = [paragraph(" ".join(text)), *([Bullets(items)] if items else [])]
    return Fold("This run", blocks)


def far_in_words(far):
    """Write distances in units of the bound."""
    return ", ".join(
        f"{METRIC_NAMES[name]} {value:+.1f}" for name, value in far.items()
    )


def method(networks, judgements):
    """Explain how rows and claims are judged."""
    n_seeds = sorted({len(network.runs) for network in networks.values()})
    comparisons = [
        line.comparison
        for of_topic in judgements.values()
        for judgement in of_topic
        for line in judgement.lines
    ]
    used = dict.fromkeys(comparison.measure for comparison in comparisons)
    joint = judging.jointly(claims.CLAIMS, networks)
    return Fold(
        "How rows and claims are judged",
        [
            paragraph(Strong("Rows."), " ", row_rule(networks, n_seeds)),
            paragraph(
                Strong("Claims."), " ", claim_rule(judgements, joint, comparisons)
            ),
            Table(["verdict", "meaning"], [list(each) for each in MEANINGS.items()]),
            paragraph(
                "The smallest differences that count were fixed before the verdicts "
                "were looked at:"
            ),
            Table(
                ["measure", "smallest difference that counts"],
                [[MEASURES[name].name, counted(MEASURES[name])] for name in used],
            ),
            paragraph(
                "Roughness is the mean absolute second difference from epoch to epoch "
                "in the second half of training. Processor times are measured in "
                "rounds that train each of the compared networks in turn, and paired "
                "by round. The machine that measured the committed times ran other "
                "programs too."
            ),
        ],
    )


def row_rule(networks, n_seeds):
    """Explain the bound of agreement."""
    rate = rejection_rate(networks.values())
    return (
        "Each published value is of a single run. A row agrees if its four values are "
        "within t · s · √(1 + 1/n) of the mean of n runs, where s is their standard "
        f"deviation over seeds (n = {' or '.join(map(str, n_seeds))}) and t the "
        "quantile of Student's distribution at which one of the four is outside by "
        f"chance in at most {percent(ROW_CHANCE, 0)} of the repetitions of a row "
        f"(level {percent(ROW_CHANCE / len(METRICS), 2)} each). All runs and the "
        "publication share the test images, whose choice therefore adds nothing to the "
        "differences. If each run is held out and judged by the others, "
        f"{percent(rate, 1)} are outside. Of 28 rows, one or two are expected to be "
        "outside by chance."
    )


def percent(share, digits):
    """Write a share in percent."""
    return f"{100 * share:.{digits}f}{NBSP}%"


def claim_rule(judgements, joint, comparisons):
    """Explain the judgement of claims and the number of comparisons."""
    pairs = [
        (one.claim.text, one.verdict, other.verdict)
        for topic in judgements
        for one, other in zip(judgements[topic], joint[topic], strict=True)
    ]
    changed = [each for each in pairs if each[1] != each[2]]
    return (
        "Runs with the same seed are paired, and a comparison takes Student's 95 % "
        "interval of the mean of their differences. These are "
        f"{len(comparisons)} comparisons, and each is wrong by chance in up to 5 % of "
        "repetitions. With intervals that are all right at once with 95 % probability "
        f"(Bonferroni), {len(pairs) - len(changed)} of {len(pairs)} claims keep their "
        "verdict."
    )


def counted(measure):
    """Write the smallest difference of a measure that counts."""
    return (
        f"a factor of {measure.counts:g}" if measure.is_ratio else f"{measure.counts:g}"
    )


def row_folds(networks, new, comparable):
    """Write the sections of the publication."""
    sections = {network.row["section"]: [] for network in networks.values()}
    for network in networks.values():
        if network.kind != "comparison":
            row = network.row
            for section in [row["section"], *row.get("also_in", [])]:
                if section in sections:
                    sections[section].append(network)
    return [
        Fold(
            f"Rows: {section}",
            [
                row_key(new, comparable),
                row_table(members, new, comparable),
                *notes(members, section, comparable),
                *overviews(section, members, comparable),
            ],
        )
        for section, members in sections.items()
    ]


def row_table(networks, new, comparable):
    """Put the figures of rows beside the published ones."""
    head = ["figure", "network"]
    head += [METRIC_NAMES[metric] for metric in METRICS]
    head += ["agreement"] if comparable else []
    lines = []
    for network in networks:
        cells = [network_label(network), network.description]
        cells += [figure_cell(network, metric, new, comparable) for metric in METRICS]
        cells += [agreement_cell(network)] if comparable else []
        lines.append(cells)
    return Table(head, lines)


def row_key(new, comparable):
    """Say what stands in the cells of `row_table`."""
    parts = ["the published value"] if comparable else []
    parts.append("mean ± standard deviation over the seeds")
    parts += ["the new run"] if new else []
    return paragraph(f"Each cell has {', then '.join(parts)}.")


def network_label(network):
    """Name a network by its figure."""
    return (
        f"{network.key.figure}"
        if network.kind == "stated"
        else (f"{network.key.figure}, {network.key.name}")
    )


def figure_cell(network, metric, new, comparable):
    """Write published value, mean and spread, and the new value."""
    values = network.values(metric)
    lines = [f"{network.row['published'][metric]:.4f}"] if comparable else []
    lines.append(shown(values, 4))
    if new and network.key in new:
        lines.append(f"{new[network.key].values(metric)[0]:.4f}")
    return "\n".join(lines)


def shown(values, digits):
    """Write mean and standard deviation."""
    spread = f"{NBSP}±{NBSP}{values.std(ddof=1):.{digits}f}" if values.size > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def agreement_cell(network):
    """Say whether a network agrees, and where not, how far away it is."""
    if len(network.runs) < 2:
        return "one run"
    outside = network.outside
    return f"differs: {far_in_words(outside)}" if outside else "agrees"


def notes(networks, section, comparable):
    """Write the notes on rows that look wrong in the publication."""
    if not comparable:
        return []
    figures = {}
    for network in networks:
        if "note" in network.row and network.row["section"] == section:
            figures.setdefault(network.row["note"], []).append(network.key)
    return [
        paragraph(f"{numbered(keys).capitalize()}: {published()['notes'][note]}")
        for note, keys in figures.items()
    ]


def overviews(section, networks, comparable):
    """Draw the networks of a section: a grid of many, or a comparison of a few."""
    stated = [network for network in networks if not network.key.name]
    draw = grids if len(stated) > 5 else comparison
    return draw(section, stated, networks, comparable)


def grids(section, stated, networks, comparable):
    """Draw many rows side by side, each with its alternatives."""
    by_key = {network.key: network for network in networks}
    groups = [
        [network, *alternatives(by_key, network.key.figure)]
        for network in sorted(stated, key=lambda network: network.key.figure)
    ]
    return [
        Picture(
            f"{section.replace(' ', '-')}-{quantity}.svg",
            pictures.draw_grid(groups, quantity, comparable),
            f"{quantity.capitalize()} over the epochs of {len(groups)} networks. "
            + " ".join(in_words(network, [quantity]) for network in networks),
            f"{quantity.capitalize()}. {BANDS} {SMOOTHED}"
            + (f" {MARKS}" if comparable else ""),
        )
        for quantity in ("accuracy", "loss")
    ]


def comparison(section, stated, networks, comparable):
    """Draw a few rows in one picture."""
    losses = [
        (network.settings["loss"], network.settings.get("loss_parameters"))
        for network in stated
    ]
    named = dict(zip(distinguished(stated), stated, strict=True))
    same_loss = all(loss == losses[0] for loss in losses)
    drawn = pictures.draw_comparison(named, comparable, same_loss=same_loss)
    alt = f"Curves of {len(stated)} networks in one picture. "
    alt += " ".join(in_words(network, ["accuracy"]) for network in stated)
    caption = f"{BANDS} {SMOOTHED}" + (f" {MARKS}" if comparable else "")
    return [Picture(f"{section.replace(' ', '-')}.svg", drawn, alt, caption)]


def distinguished(networks):
    """Name networks by figure and by the settings that differ among them."""
    settings = [flat(network.settings) for network in networks]
    names = dict.fromkeys(name for each in settings for name in each)
    varied = [
        name
        for name in names
        if any(each.get(name) != settings[0].get(name) for each in settings)
    ]
    labels = []
    for network, each in zip(networks, settings, strict=True):
        words = [
            each[name].replace("_", " ") if isinstance(each[name], str)
            else setting_in_words(name, each[name])
            for name in varied
            if name in each
        ]  # fmt: skip
        labels.append(f"{network.key.figure}: {', '.join(filter(None, words))}")
    return labels


def gallery(networks, comparable):
    """Draw every network, in HTML only."""
    drawn = [
        Picture(
            "",
            pictures.draw_network(network, comparable and network.kind == "stated"),
            in_words(network, pictures.QUANTITIES),
            f"Figure {network_label(network)}: {network.description}",
        )
        for network in networks.values()
    ]
    return Fold("Every network", [Gallery(drawn)])


def in_words(network, quantities):
    """Describe the final values of the curves of a network."""
    ends = [
        f"{METRIC_NAMES[f'{part}_{quantity}']} ends at "
        f"{network.values(f'{part}_{quantity}').mean():.4f}"
        for quantity in quantities
        for part in ("train", "test")
    ]
    name = network_label(network)
    name += "" if network.key.name else f", {network.title}"
    return f"Figure {name}: {', '.join(ends)}."


def claim_folds(judgements):
    """Write the evidence for the claims, topic by topic."""
    folds = []
    for topic, of_topic in judgements.items():
        lines = [claim_line(judgement) for judgement in of_topic]
        blocks = [
            paragraph(EVIDENCE), Table(["claim", "verdict", "evidence"], lines)
        ]  # fmt: skip
        if topic == "Overflow":
            caption = paragraph("Results of plain formulas and of cymlp:")
            blocks += [caption, overflow_table()]
        folds.append(Fold(f"Claims: {topic}", blocks))
    return folds


def claim_line(judgement):
    """Write the line of a claim."""
    claim = judgement.claim
    place = claim.place if claim.is_published else "a question of this report"
    note = f" {claim.note}" if claim.note else ""
    return [
        f"{claim.text}\n{place.capitalize()}.{note}",
        Strong(judgement.verdict),
        "\n".join(evidence(line) for line in judgement.lines),
    ]


def evidence(line):
    """Write one comparison: both means, the difference and its interval."""
    comparison, measure = line.comparison, MEASURES[line.comparison.measure]
    if math.isnan(line.mean):
        return f"{measure.name}, {comparison.network}: not measured"
    digits = measure.digits
    name = comparison.reference
    if isinstance(name, float):
        other = f"{name:.{digits}f}"
    else:
        factor = f"{comparison.factor:g} × " if comparison.factor != 1 else ""
        other = f"{line.reference_mean:.{digits}f} for {factor}{name}"
    return (
        f"{measure.name}: {line.mean:.{digits}f} for {comparison.network}, {other}; "
        f"{difference(line, measure)}, n = {line.n}"
    )


def difference(line, measure):
    """Write a difference, or a ratio, with its interval."""
    if measure.is_ratio:
        mean, low, high = (f"{math.exp(end):.2f}" for end in line.difference)
        return f"ratio {mean} ({low} to {high})"
    mean, low, high = (f"{end:+.{measure.digits}f}" for end in line.difference)
    return f"{mean} ({low} to {high})"
