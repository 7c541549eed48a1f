"""The sections of the report: summary, rows by section, claims and probes."""

import numpy as np

from benchmarks.report import pictures, verdicts
from benchmarks.report.document import (
    Bullets,
    Gallery,
    Heading,
    Link,
    Picture,
    Strong,
    Table,
    paragraph,
)
from benchmarks.report.overflow import overflow_table
from benchmarks.report.replicates import flat, grouped, setting_in_words
from benchmarks.report.rows import METRICS, published

NOT_COMPARABLE = (
    "These values are not comparable with the published ones, which are for MNIST."
)
NOT_MNIST = "The published claims are about MNIST, so these runs do not test them."
ONE_RUN = (
    "A single run per row cannot show whether a published value, which is also from a "
    'single run, agrees. ARGS="--repeats 5" trains each row five times.'
)
NOISE = (
    "Each published value comes from a single run. If that run had the same "
    "distribution as the {repeats} runs here, its difference from their mean would be "
    "less than t · s · √(1 + 1/{repeats}) in 95 of 100 cases, where s is their "
    "standard deviation and t the quantile of Student's distribution with {freedom} "
    "degrees of freedom. A standard deviation of few runs is uncertain, so s is at "
    "least the sampling error of a single value, which is a mean over {window} "
    "training images or over the test set. Where a published value is outside this "
    "bound, the report gives its distance as a multiple of the bound. No setting was "
    "tuned to make a row agree."
)
BANDS = "Lines are means and bands are ranges over the runs."
CURVES = (
    f"{BANDS} Full lines are training values, measured before each update and averaged "
    "over 50 mini-batches; broken lines with squares are test values."
)
PUBLISHED_MARKS = " Large marks at the end are the published values."
CLAIM_HEAD = ["claim", "verdict", "comparisons that hold"]


def report(results, dataset, rows):
    """Write the report as a list of blocks.

    Parameters
    ----------
    results : list of dict
        Records of `training.train`; not empty.
    dataset : datasets.DataSet
    rows : list of dict
        Rows of published.json.

    Returns
    -------
    blocks : list
        Blocks for `document.write`.
    """
    groups = grouped(rows, results)
    of_rows = [group for group in groups if group.variant != "probe"]
    probes = [group for group in groups if group.variant == "probe"]
    seconds = sum(result["seconds"] for result in results)
    blocks = [
        Heading("The reference experiment", 1),
        paragraph(
            f"Data: {dataset.source}. {len(results)} runs with {seconds:.0f} s of "
            "training in total, one thread each."
        ),
    ]
    judgements, left_out = {}, []
    if dataset.comparable:
        judgements, left_out = verdicts.judge(results)
        blocks += summary(of_rows, judgements)
    else:
        blocks.append(paragraph(Strong(NOT_COMPARABLE), " ", NOT_MNIST))
    for section, members in by_section(of_rows).items():
        blocks += section_blocks(section, members, dataset.comparable)
    if dataset.comparable:
        blocks += claim_blocks(judgements, left_out, groups)
    if probes:
        blocks += [
            Heading("Probes"),
            paragraph("Runs that are not in the publication and help to explain it."),
            table(probes, dataset.comparable),
        ]
    return blocks


def table(groups, comparable):
    """Put the metrics of rows beside the published values.

    Parameters
    ----------
    groups : list of Replicates
    comparable : bool
        Whether the published values are for this data set.
    """
    repeated = len(groups[0].results) > 1
    beside_published = comparable and groups[0].variant != "probe"
    head = ["figure", "activation", "loss", "other settings"]
    for metric in METRICS:
        head.append(metric.replace("_", " "))
        head += ["published"] if beside_published else []
    head += ["seconds"]
    if beside_published and repeated:
        head += ["verdict"]
    lines = []
    for group in groups:
        cells = [group.label, *group.title.split(", "), ", ".join(group.differences)]
        for metric in METRICS:
            cells.append(verdicts.shown(group.values(metric), 4))
            if beside_published:
                cells.append(f"{group.row['published'][metric]:.4f}")
        cells.append(f"{group.values('seconds').mean():.1f}")
        if beside_published and repeated:
            cells.append(group.verdict())
        lines.append(cells)
    return Table(head, lines)


def by_section(groups):
    """Group rows by the section of the publication."""
    sections = {group.row["section"]: [] for group in groups}
    for group in groups:
        for section in [group.row["section"], *group.row.get("also_in", [])]:
            if section in sections:
                sections[section].append(group)
    return sections


def summary(groups, judgements):
    """Say which rows agree and which claims hold."""
    if len(groups[0].results) > 1:
        rows = [*agreement(groups), noise_explained(groups[0])]
    else:
        rows = [paragraph(ONE_RUN)]
    return [Heading("Summary"), *rows, *verdict_table(judgements)]


def verdict_table(judgements):
    """List the verdicts on all claims."""
    found = [
        (topic, judgement)
        for topic, of_topic in judgements.items()
        for judgement in of_topic
    ]
    if not found:
        return []
    given = [judgement.verdict for _, judgement in found]
    kinds = (verdicts.HOLDS, verdicts.FAILS, verdicts.INCONCLUSIVE)
    return [
        paragraph(
            f"Claims judged: {len(given)}. Verdicts: "
            + ", ".join(f"{kind} {given.count(kind)}" for kind in kinds)
            + "."
        ),
        Table(CLAIM_HEAD, [verdict_line(*each) for each in found]),
    ]


def verdict_line(topic, judgement):
    """Write the line of a claim: a link to its evidence, verdict and count."""
    count = f"{judgement.n_holding} of {len(judgement.lines)}"
    if judgement.claim.refuted_by_comparisons:
        count = ""
    link = Link(judgement.claim.text, "#" + Heading(topic_heading(topic), 3).anchor)
    return [link, Strong(judgement.verdict), count]


def agreement(groups):
    """Say which rows agree, and for rows with variants, with which settings.

    Parameters
    ----------
    groups : list of Replicates
        Groups of several runs each.
    """
    by_figure = {}
    for group in groups:
        by_figure.setdefault(group.row["figure"], []).append(group)
    agree, differ, with_variants = [], [], []
    for figure, variants in by_figure.items():
        if len(variants) > 1:
            ways = [f"{each.description} it {each.verdict()}" for each in variants]
            with_variants.append(f"Figure {figure}: {'; '.join(ways)}.")
        elif variants[0].verdict() == "agrees":
            agree.append(str(figure))
        else:
            differ.append(f"Figure {figure} {variants[0].verdict()}.")
    blocks = [
        paragraph(
            f"All four metrics agree with the published values in {len(agree)} of "
            f"{len(agree) + len(differ)} rows ({', '.join(agree)})."
        )
    ]
    if differ:
        blocks += [paragraph("The other rows:"), Bullets(differ)]
    if with_variants:
        heading = paragraph("Rows that look wrong in the publication:")
        blocks += [heading, Bullets(with_variants)]
    return blocks


def noise_explained(group):
    """Explain how a published value is judged."""
    n = len(group.results)
    window = 50 * group.settings["batch_size"]
    text = NOISE.format(repeats=n, freedom=n - 1, window=window)
    return paragraph(Strong("How agreement is judged."), " ", text)


def section_blocks(section, groups, comparable):
    """Write a section of the publication: table, notes and pictures.

    Parameters
    ----------
    section : str
    groups : list of Replicates
    comparable : bool
        Whether the published values are for this data set.
    """
    blocks = [Heading(section.capitalize()), table(groups, comparable)]
    own = [group for group in groups if group.row["section"] == section]
    if comparable:
        blocks += notes(own)
    named = [group for group in groups if group.variant == "named"]
    overviews = grids if len(named) > 4 else overlays
    blocks += overviews(section, named, comparable)
    return [*blocks, Gallery([row_picture(group, comparable) for group in own])]


def notes(groups):
    """Write the notes on rows that look wrong in the publication."""
    figures = {}
    for group in groups:
        if "note" in group.row:
            known = figures.setdefault(group.row["note"], [])
            if group.row["figure"] not in known:
                known.append(group.row["figure"])
    return [
        paragraph(
            f"Figure{'s' if len(numbers) > 1 else ''} "
            f"{', '.join(map(str, numbers))}: {published()['notes'][note]}"
        )
        for note, numbers in figures.items()
    ]


def grids(section, groups, comparable):
    """Draw many rows side by side, each in a small picture."""
    blocks = []
    caption = CURVES + (PUBLISHED_MARKS if comparable else "")
    for quantity in pictures.QUANTITIES:
        alt = f"{quantity.capitalize()} over the epochs of {len(groups)} networks. "
        alt += " ".join(in_words(group, [quantity]) for group in groups)
        blocks.append(
            Picture(
                f"{section.replace(' ', '-')}-{quantity}.png",
                pictures.png(pictures.draw_grid(groups, quantity, comparable)),
                alt,
                f"{quantity.capitalize()}. {caption}",
            )
        )
    return blocks


def overlays(section, groups, comparable):
    """Draw a few rows in one picture."""
    losses = [
        (group.settings["loss"], group.settings.get("loss_parameters"))
        for group in groups
    ]
    networks = {
        name: group.histories
        for name, group in zip(distinguished(groups), groups, strict=True)
    }
    same_loss = all(loss == losses[0] for loss in losses)
    alt = f"Curves of {len(groups)} networks in one picture. "
    alt += " ".join(in_words(group, ["accuracy"]) for group in groups)
    png = pictures.png(pictures.draw_comparison(networks, same_loss))
    return [Picture(f"{section.replace(' ', '-')}.png", png, alt, BANDS)]


def distinguished(groups):
    """Name groups by figure and by the settings that differ among them."""
    settings = [flat(group.settings) for group in groups]
    names = dict.fromkeys(name for each in settings for name in each)
    varied = [
        name
        for name in names
        if any(each.get(name) != settings[0].get(name) for each in settings)
    ]
    return [
        f"{group.label}: "
        + ", ".join(
            each[name].replace("_", " ") if isinstance(each[name], str)
            else setting_in_words(name, each[name])
            for name in varied
            if name in each
        )
        for group, each in zip(groups, settings, strict=True)
    ]  # fmt: skip


def row_picture(group, comparable):
    """Draw one row or variant."""
    settings = ", ".join([group.title, *group.differences])
    return Picture(
        f"figure-{group.label.replace(' ', '-')}.png",
        pictures.png(pictures.draw_row(group, comparable)),
        in_words(group, pictures.QUANTITIES),
        f"Figure {group.label}: {settings}",
    )


def in_words(group, quantities):
    """Describe the final values of a group's curves."""
    ends = [
        f"{part} {quantity} ends at {group.values(f'{part}_{quantity}').mean():.4f}"
        for quantity in quantities
        for part in ("train", "test")
    ]
    return f"Figure {group.label}, {group.title}: {', '.join(ends)}."


def topic_heading(topic):
    """Write the heading of a topic; the sections have the names without "Claims"."""
    return f"Claims: {topic}"


def claim_blocks(judgements, left_out, groups):
    """Write the evidence for the claims, topic by topic.

    Parameters
    ----------
    judgements : dict of str to list of verdicts.Judgement
    left_out : list of claims.Claim
    groups : list of Replicates
    """
    blocks = [Heading("The published claims"), paragraph(verdicts.RULE)]
    if left_out:
        blocks += [
            paragraph("Claims about rows that were not trained:"),
            Bullets([claim.text for claim in left_out]),
        ]
    for topic, of_topic in judgements.items():
        blocks.append(Heading(topic_heading(topic), 3))
        for judgement in of_topic:
            claim = judgement.claim
            verdict = Strong(f"{claim.text} — {judgement.verdict}.")
            blocks.append(
                paragraph(verdict, *([f" {claim.note}"] if claim.note else []))
            )
            blocks.append(Table(verdicts.HEAD, judgement.lines))
        if topic == "Vanishing gradients":
            blocks.append(vanishing_gradients(groups))
        if topic == "Overflow":
            blocks += [
                paragraph("Results of plain formulas and of cymlp:"),
                overflow_table(),
            ]
    return blocks


def vanishing_gradients(groups):
    """Draw the diagnostics of all networks that have them."""
    groups = [group for group in groups if "diagnostics" in group.results[0]]
    alt = "Fractions over the epochs. " + " ".join(
        f"Figure {group.label}, {group.title}, after the last epoch: "
        + ", ".join(
            f"{name} {np.mean([run['fraction'][-1] for run in runs]):.2f}"
            for name, runs in pictures.vanishing(group.results).items()
        )
        + "."
        for group in groups
    )
    caption = (
        "Fractions of zero gradients, of derivatives near zero and of dead units on "
        f"the training set after the epoch. {BANDS}"
    )
    png = pictures.png(pictures.draw_diagnostics(groups))
    return Picture("vanishing-gradients.png", png, alt, caption)
