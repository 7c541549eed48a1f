"""Reproduce a published MNIST experiment, row by row, and report what came out."""

import argparse
import gzip
import json
import math
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from benchmarks import datasets
from benchmarks.report import claims, pictures
from benchmarks.report.cluster import ClusterError, connected
from benchmarks.report.document import (
    Bullets,
    Gallery,
    Heading,
    Link,
    Picture,
    Strong,
    Table,
    as_html,
    as_markdown,
    paragraph,
)
from benchmarks.report.training import FIGURES, plan, reference, train

NAMES = {
    "hidden_layer_sizes": "hidden layers",
    "learning_rate_init": "learning rate",
    "weight_decay": "weight decay",
    "batch_size": "batch size",
}
NOT_COMPARABLE = (
    "These figures are not comparable with the published ones, which are for MNIST."
)
NOISE = (
    "A published figure is one run. If it were a run like ours it would differ from "
    "the mean of our {repeats} by less than t · s · √(1 + 1/{repeats}) in 95 of 100 "
    "cases, with s the standard deviation over our runs and t the quantile of "
    "Student's distribution with {freedom} degrees of freedom. As s is known from few "
    "runs only, it is taken to be no less than the sampling error of a single figure: "
    "of the {window} training images, or the images of the test set, that the figure "
    "is a mean of. Where a published figure is farther off than this bound, it is "
    "said by how many times. No setting was tuned to make a row agree."
)
CURVES = (
    "Lines are means, bands ranges over the runs. Training is a full line, measured "
    "before each update over 50 mini-batches; test a broken line with squares."
)
PUBLISHED_POINTS = " Large marks at the end are the published figures."
CLAIM_HEAD = ["claim", "verdict", "comparisons that hold"]
LARGEST_PLAIN = 250_000  # bytes of a JSON file that is not compressed


class Group:
    """The runs of one row in one variant, over the seeds.

    Parameters
    ----------
    which : claims.Which
    row : dict
        Of published.json.
    results : list of dict
        Of `training.train`.
    """

    def __init__(self, which, row, results):
        self.which = which
        self.row = row
        self.results = results
        self.settings = results[0]["settings"]
        self.variant = which.variant

    @property
    def title(self):
        """Short name of the settings."""
        parts = [self.settings["activation"], self.settings["loss"]]
        return ", ".join(part.replace("_", " ") for part in parts)

    @property
    def differences(self):
        """Where the settings are not those of most rows, or of what this varies."""
        usual = flat(reference()["rows"][0]["settings"])
        if self.variant != "named":
            usual = flat(self.row["settings"])
        return [
            f"{NAMES.get(name, name)} {str(value).strip('[]')}"
            for name, value in flat(self.settings).items()
            if name not in ("activation", "loss") and value != usual.get(name)
        ]

    @property
    def number(self):
        """Number of the figure, and the variant."""
        return str(self.which)

    @property
    def how(self):
        """The variant in words."""
        if self.variant == "named":
            return "as named"
        return f"with {', '.join([self.title, *self.differences])}"

    def values(self, figure):
        """One of the four figures, of each run."""
        return np.array([result[figure] for result in self.results])

    def noise(self, figure):
        """By how much one more run may differ from the mean; NaN for a single run."""
        n = len(self.results)
        if n < 2:
            return math.nan
        errors = [result["sampling_errors"][figure] for result in self.results]
        deviation = max(self.values(figure).std(ddof=1), np.mean(errors))
        return float(student.ppf(0.975, n - 1) * deviation * math.sqrt(1 + 1 / n))

    def excess(self, figure):
        """Difference of the published figure from the mean, in units of the noise."""
        difference = self.row["published"][figure] - self.values(figure).mean()
        return difference / self.noise(figure)

    def verdict(self):
        """Say in words whether the published figures agree."""
        if len(self.results) < 2:
            return ""
        excesses = {figure: self.excess(figure) for figure in FIGURES}
        outside = [
            f"{figure.replace('_', ' ')} {excess:+.1f}"
            for figure, excess in excesses.items()
            if abs(excess) > 1
        ]
        return f"differs ({', '.join(outside)})" if outside else "agrees"

    @property
    def histories(self):
        """The curves of each run, as `cymlp.plots` takes them."""
        return [pictures.as_history(result) for result in self.results]


def flat(settings):
    """Put the parameters of the loss among the other settings."""
    settings = dict(settings)
    parameters = settings.pop("loss_parameters", {})
    return settings | parameters


def grouped(rows, results):
    """Put results that differ only in their seed together.

    Parameters
    ----------
    rows : list of dict
        Of published.json.
    results : list of dict
        Of `training.train`.

    Returns
    -------
    groups : list of Group
        In the order of rows, variants after what they vary.
    """
    row_of = {row["figure"]: row for row in rows}
    return [
        Group(which, row_of[which.figure], found)
        for which, found in claims.by_row(results).items()
    ]


def table(groups, dataset):
    """Lay out the figures of rows beside the published ones.

    Parameters
    ----------
    groups : list of Group
    dataset : datasets.DataSet

    Returns
    -------
    table : document.Table
    """
    repeated = len(groups[0].results) > 1
    published = dataset.comparable and groups[0].variant != "probe"
    head = ["figure", "activation", "loss", "other settings"]
    for name in FIGURES:
        head += [name.replace("_", " "), *(["published"] if published else [])]
    head += ["seconds"]
    if published and repeated:
        head += ["verdict"]
    lines = []
    for group in groups:
        cells = [group.number, *group.title.split(", "), ", ".join(group.differences)]
        for name in FIGURES:
            cells.append(claims.shown(group.values(name), 4))
            if published:
                cells.append(f"{group.row['published'][name]:.4f}")
        cells.append(f"{group.values('seconds').mean():.1f}")
        if published and repeated:
            cells.append(group.verdict())
        lines.append(cells)
    return Table(head, lines)


def write_report(results, dataset, folder, rows):
    """Write report.html, report.md and their pictures.

    Parameters
    ----------
    results : list of dict
        Of `training.train`; not empty.
    dataset : datasets.DataSet
    folder : Path
    rows : list of dict
        Of published.json.

    Returns
    -------
    path : Path
        Of report.html.
    """
    groups = grouped(rows, results)
    of_rows = [group for group in groups if group.variant != "probe"]
    probes = [group for group in groups if group.variant == "probe"]
    seconds = sum(result["seconds"] for result in results)
    blocks = [
        Heading("The reference experiment", 1),
        paragraph(
            f"Data: {dataset.source}. {len(results)} runs, {seconds:.0f} s of training "
            "in all on one thread each."
        ),
    ]
    judgements, left_out = {}, []
    if dataset.comparable:
        judgements, left_out = claims.judge(results)
        blocks += summary(of_rows, judgements)
    else:
        blocks.append(paragraph(Strong(NOT_COMPARABLE), " ", claims.NOT_MNIST))
    for section, members in in_sections(of_rows).items():
        blocks += section_blocks(section, members, dataset, folder)
    if dataset.comparable:
        blocks += claim_blocks(judgements, left_out, groups, folder)
    if probes:
        blocks += [
            Heading("Probes"),
            paragraph("Runs that are no rows of the publication, to tell reasons."),
            table(probes, dataset),
        ]
    (folder / "report.md").write_text(as_markdown(blocks), encoding="utf-8")
    path = folder / "report.html"
    path.write_text(as_html(blocks), encoding="utf-8")
    return path


def in_sections(groups):
    """Put groups under the sections of the publication that they belong to."""
    sections = {group.row["section"]: [] for group in groups}
    for group in groups:
        for section in [group.row["section"], *group.row.get("also_in", [])]:
            if section in sections:
                sections[section].append(group)
    return sections


def summary(groups, judgements):
    """Say which rows agree and which claims hold.

    Parameters
    ----------
    groups : list of Group
    judgements : dict of str to list of claims.Judgement

    Returns
    -------
    blocks : list
    """
    if len(groups[0].results) > 1:
        rows = [*agreement(groups), noise_explained(groups[0])]
    else:
        rows = [
            paragraph(
                "One run of each row does not tell whether a published figure, which "
                'is one run, too, agrees: ARGS="--repeats 5" has each row trained five '
                "times."
            )
        ]
    return [Heading("Summary"), *rows, *verdicts(judgements)]


def verdicts(judgements):
    """Say which claims hold, a line for each."""
    found = [
        (topic, judgement)
        for topic, judged in judgements.items()
        for judgement in judged
    ]
    if not found:
        return []
    given = [judgement.verdict for _, judgement in found]
    kinds = (claims.HOLDS, claims.FAILS, claims.UNKNOWN)
    counts = [f"{kind} {given.count(kind)}" for kind in kinds]
    return [
        paragraph(f"Verdicts on {len(given)} claims: {', '.join(counts)}."),
        Table(CLAIM_HEAD, [verdict_line(*each) for each in found]),
    ]


def verdict_line(topic, judgement):
    """Claim, with a link to its evidence, verdict, how many comparisons hold."""
    count = f"{judgement.n_holding} of {len(judgement.lines)}"
    if judgement.claim.denied:
        count = ""  # they speak against the claim
    link = Link(judgement.claim.text, "#" + Heading(topic_heading(topic), 3).anchor)
    return [link, Strong(judgement.verdict), count]


def agreement(groups):
    """Say which rows agree, and with which of their variants.

    Parameters
    ----------
    groups : list of Group
        Of several runs each.

    Returns
    -------
    blocks : list
    """
    by_figure = {}
    for group in groups:
        by_figure.setdefault(group.row["figure"], []).append(group)
    agree, differ, both_ways = [], [], []
    for figure, variants in by_figure.items():
        if len(variants) > 1:
            ways = [f"{group.how} it {group.verdict()}" for group in variants]
            both_ways.append(f"Figure {figure}: {'; '.join(ways)}.")
        elif variants[0].verdict() == "agrees":
            agree.append(str(figure))
        else:
            differ.append(f"Figure {figure} {variants[0].verdict()}.")
    blocks = [
        paragraph(
            f"All four figures agree with the published ones in {len(agree)} of "
            f"{len(agree) + len(differ)} rows ({', '.join(agree)})."
        )
    ]
    if differ:
        blocks += [paragraph("The others:"), Bullets(differ)]
    if both_ways:
        heading = paragraph("Rows that look wrong in the publication:")
        blocks += [heading, Bullets(both_ways)]
    return blocks


def noise_explained(group):
    """Say how a published figure is judged."""
    n = len(group.results)
    window = 50 * group.settings["batch_size"]
    text = NOISE.format(repeats=n, freedom=n - 1, window=window)
    return paragraph(Strong("How agreement is judged."), " ", text)


def section_blocks(section, groups, dataset, folder):
    """Table, remarks and pictures of one section of the publication.

    Parameters
    ----------
    section : str
    groups : list of Group
    dataset : datasets.DataSet
    folder : Path

    Returns
    -------
    blocks : list
    """
    blocks = [Heading(section.capitalize()), table(groups, dataset)]
    own = [group for group in groups if group.row["section"] == section]
    if dataset.comparable:
        blocks += remarks(own)
    named = [group for group in groups if group.variant == "named"]
    overviews = grids if len(named) > 4 else comparisons
    blocks += overviews(section, named, dataset, folder)
    gallery = [row_picture(group, dataset, folder) for group in own]
    return [*blocks, Gallery(gallery)]


def remarks(groups):
    """What is to be said of rows that look wrong in the publication."""
    numbers = {}
    for group in groups:
        if "note" in group.row:
            known = numbers.setdefault(group.row["note"], [])
            if group.row["figure"] not in known:
                known.append(group.row["figure"])
    return [
        paragraph(
            f"Figure{'s' if len(figures) > 1 else ''} "
            f"{', '.join(map(str, figures))}: {reference()['notes'][note]}"
        )
        for note, figures in numbers.items()
    ]


def grids(section, groups, dataset, folder):
    """Pictures of many rows, each in a small picture of its own."""
    blocks = []
    caption = CURVES + (PUBLISHED_POINTS if dataset.comparable else "")
    for quantity in pictures.QUANTITIES:
        path = folder / f"{section.replace(' ', '-')}-{quantity}.png"
        pictures.save(pictures.draw_grid(groups, quantity, dataset.comparable), path)
        alt = f"{quantity.capitalize()} over the epochs of {len(groups)} networks. "
        alt += " ".join(in_words(group, [quantity]) for group in groups)
        blocks.append(Picture(path, alt, f"{quantity.capitalize()}. {caption}"))
    return blocks


def comparisons(section, groups, dataset, folder):
    """Picture of few rows, laid over each other."""
    path = folder / f"{section.replace(' ', '-')}.png"
    losses = [
        (group.settings["loss"], group.settings.get("loss_parameters"))
        for group in groups
    ]
    networks = {
        name: group.histories
        for name, group in zip(distinguished(groups), groups, strict=True)
    }
    same_loss = all(loss == losses[0] for loss in losses)
    pictures.save(pictures.draw_comparison(networks, same_loss), path)
    alt = f"Curves of {len(groups)} networks over each other. "
    alt += " ".join(in_words(group, ["accuracy"]) for group in groups)
    caption = "Lines are means, bands ranges over the runs."
    return [Picture(path, alt, caption)]


def distinguished(groups):
    """Name groups by their figure and by the settings that differ among them."""
    settings = [flat(group.settings) for group in groups]
    names = dict.fromkeys(name for each in settings for name in each)
    varied = [
        name
        for name in names
        if any(each.get(name) != settings[0].get(name) for each in settings)
    ]
    return [
        f"{group.number}: "
        + ", ".join(
            each[name].replace("_", " ") if isinstance(each[name], str)
            else f"{NAMES.get(name, name)} {str(each[name]).strip('[]')}"
            for name in varied
            if name in each
        )
        for group, each in zip(groups, settings, strict=True)
    ]  # fmt: skip


def row_picture(group, dataset, folder):
    """Picture of one row or variant, in a file of its own."""
    name = f"figure-{group.number.replace(' ', '-'):0>2}"
    path = folder / f"{name}.png"
    pictures.save(pictures.draw_row(group, dataset.comparable), path)
    settings = ", ".join([group.title, *group.differences])
    return Picture(
        path, in_words(group, pictures.QUANTITIES), f"Figure {group.number}: {settings}"
    )


def in_words(group, quantities):
    """Say what the curves of a group come to."""
    ends = [
        f"{part} {quantity} ends at {group.values(f'{part}_{quantity}').mean():.4f}"
        for quantity in quantities
        for part in ("train", "test")
    ]
    return f"Figure {group.number}, {group.title}: {', '.join(ends)}."


def topic_heading(topic):
    """Heading of a topic's evidence; sections have the plain names already."""
    return f"Claims: {topic}"


def claim_blocks(judgements, left_out, groups, folder):
    """Evidence for the claims of the publication, topic by topic.

    Parameters
    ----------
    judgements : dict of str to list of claims.Judgement
    left_out : list of claims.Claim
    groups : list of Group
    folder : Path

    Returns
    -------
    blocks : list
    """
    blocks = [Heading("The publication's claims"), paragraph(claims.HOW_JUDGED)]
    if left_out:
        blocks += [
            paragraph("Left out, for want of the runs that they are about:"),
            Bullets([claim.text for claim in left_out]),
        ]
    for topic, judged in judgements.items():
        blocks.append(Heading(topic_heading(topic), 3))
        for judgement in judged:
            claim = judgement.claim
            verdict = Strong(f"{claim.text} — {judgement.verdict}.")
            blocks.append(
                paragraph(verdict, *([f" {claim.note}"] if claim.note else []))
            )
            blocks.append(Table(claims.HEAD, judgement.lines))
        if topic == "Vanishing gradients":
            blocks += vanishing_picture(groups, folder)
        if topic == "Overflow":
            blocks += [
                paragraph("What plain formulas and ours give:"),
                claims.overflow_table(),
            ]
    return blocks


def vanishing_picture(groups, folder):
    """Picture of the diagnostics of all networks that have them."""
    groups = [group for group in groups if "diagnostics" in group.results[0]]
    path = folder / "vanishing-gradients.png"
    pictures.save(pictures.draw_diagnostics(groups), path)
    alt = "Fractions over the epochs. " + " ".join(
        f"Figure {group.number}, {group.title}: after the last epoch "
        + ", ".join(
            f"{name} {np.mean([run['fraction'][-1] for run in runs]):.2f}"
            for name, runs in pictures.vanishing(group.results).items()
        )
        + "."
        for group in groups
    )
    caption = (
        "Fractions of gradients that are zero, of derivatives that are near zero and "
        "of units that are dead, over the training set after the epoch. Lines are "
        "means, bands ranges over the runs."
    )
    return [Picture(path, alt, caption)]


def write_runs(results, folder, name):
    """Write all that is known of runs as JSON, compressed if it is large.

    Parameters
    ----------
    results : list of dict
    folder : Path
    name : str
        Of the file, less ".json".

    Returns
    -------
    path : Path
        The file; one of the other kind, from another time, is removed.
    """
    plain, packed = folder / f"{name}.json", folder / f"{name}.json.gz"
    content = json.dumps(results, separators=(",", ":")).encode()
    if len(content) > LARGEST_PLAIN:
        plain.unlink(missing_ok=True)
        # Without a date in it, the same runs give the same bytes.
        packed.write_bytes(gzip.compress(content, mtime=0))
        return packed
    packed.unlink(missing_ok=True)
    plain.write_bytes(content)
    return plain


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", choices=["mnist", "fashion-mnist", "digits"], default="mnist"
    )
    parser.add_argument(
        "--figures",
        type=figure_numbers,
        default=[row["figure"] for row in reference()["rows"]],
        help="numbers of rows of the reference, such as 1-9,20 (default: all)",
    )
    parser.add_argument("--epochs", type=positive, default=100)
    parser.add_argument(
        "--repeats", type=positive, default=1, help="runs of each row, seeds 0, 1, ..."
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count(),
        help="networks trained at a time (default: one per processor)",
    )
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="train on the workers of this Dask scheduler, as tcp://10.0.0.5:8786",
    )
    parser.add_argument("--output", type=Path, default=Path("report"))
    return parser.parse_args(arguments)


def positive(text):
    """Read a whole number from 1 on."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def figure_numbers(text):
    """Read numbers and ranges of numbers, such as 1-9,20."""
    known = [row["figure"] for row in reference()["rows"]]
    chosen = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            wanted = range(int(first), int(last or first) + 1)
        except ValueError:
            wanted = ()
        found = [number for number in known if number in wanted]
        if not found:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no figure of the reference; there are {known}"
            )
        chosen += found
    return chosen


def main(arguments=None):
    """Run the command line."""
    options = parse_arguments(arguments)
    try:
        with workers(options.scheduler) as client:
            make_report(options, client)
    except ClusterError as error:
        sys.exit(f"--scheduler {options.scheduler}: {error}")


def workers(scheduler):
    """Connect to a cluster, where one is asked for."""
    return nullcontext() if scheduler is None else connected(scheduler)


def make_report(options, client):
    """Train, write the report, and print its table.

    Parameters
    ----------
    options : argparse.Namespace
    client : distributed.Client or None
    """
    dataset = datasets.load(options.data)
    print(f"Data: {dataset.source}", file=sys.stderr)
    dataset = dataset._replace(
        X_train=datasets.scale(dataset.X_train), X_test=datasets.scale(dataset.X_test)
    )
    rows = [row for row in reference()["rows"] if row["figure"] in options.figures]
    runs = plan(rows, range(options.repeats))
    start = time.perf_counter()
    results = train(
        runs,
        dataset,
        epochs=options.epochs,
        jobs=options.jobs,
        folder=options.output / "runs",
        client=client,
    )
    seconds = time.perf_counter() - start
    if not results:
        sys.exit(f"None of the {len(runs)} runs finished; there is nothing to report.")
    path = write_report(results, dataset, options.output, rows)
    of_rows = [result for result in results if result["variant"] != "probe"]
    probes = [result for result in results if result["variant"] == "probe"]
    write_runs(of_rows, options.output, "runs")
    if probes:
        write_runs(probes, options.output, "probes")
    print(as_markdown([table(grouped(rows, of_rows), dataset)]), end="")
    if not dataset.comparable:
        print(NOT_COMPARABLE)
    print(
        f"{len(results)} of {len(runs)} runs in {seconds:.0f} s. The report is {path}"
    )


if __name__ == "__main__":
    main()
