"""The report: what it is asked for, how it judges, and what it writes."""

import gzip
import json
import re

import numpy as np
import pytest
import report
from scipy.stats import t as student


def make_group(values, published, *, error=0.0, variant="named"):
    """A row whose four figures are all the same."""
    row = {"figure": 1, "settings": SETTINGS, "published": {}, "section": "one"}
    results = []
    for value in values:
        result = {"settings": SETTINGS, "variant": variant, "sampling_errors": {}}
        for figure in report.FIGURES:
            row["published"][figure] = published
            result[figure] = value
            result["sampling_errors"][figure] = error
        results.append(result)
    return report.Group(row, results)


SETTINGS = {"activation": "tanh", "loss": "hinge", "batch_size": 100}


def test_agreement_is_judged_by_the_stated_bound():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    bound = student.ppf(0.975, 4) * values.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert make_group(values, 3).noise("test_loss") == pytest.approx(bound)
    assert make_group(values, 3 + 0.99 * bound).verdict() == "agrees"
    far = make_group(values, 3 - 2 * bound).verdict()
    assert far.startswith("differs (train loss -2.0, train accuracy -2.0, test loss")


def test_the_spread_counts_as_no_less_than_the_sampling_error():
    bound = student.ppf(0.975, 1) * 0.5 * np.sqrt(1 + 1 / 2)
    assert make_group([1, 1], 1, error=0.5).noise("test_loss") == pytest.approx(bound)


def test_the_bound_holds_95_percent_of_runs_like_ours():
    rng = np.random.default_rng(0)
    inside = [
        make_group(rng.normal(size=5), rng.normal()).verdict() == "agrees"
        for _ in range(2000)
    ]
    # The standard error of this frequency is 0.005.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_the_summary_names_what_agrees_and_in_which_variant():
    agreeing, differing = make_group([1, 2, 3], 2), make_group([1, 2, 3], 99)
    named = make_group([1, 2, 3], 50)
    published = make_group([49, 50, 51], 50, variant="as published")
    for figure, group in enumerate([agreeing, differing, named], start=1):
        group.row["figure"] = figure
    published.row = named.row
    text = "\n".join(report.summary([agreeing, differing, named, published]))
    assert "in 1 of 2 rows (1)" in text
    assert "Figure 2 differs (train loss" in text
    assert "Figure 3: as named it differs (train loss" in text
    assert "; with tanh, hinge it agrees." in text


def test_a_single_run_is_not_judged():
    assert make_group([1.0], 2.0).verdict() == ""


def test_runs_are_grouped_by_all_but_their_seed():
    row = {"figure": 1, "settings": SETTINGS}
    changed = SETTINGS | {"batch_size": 10}
    results = [
        {"figure": 1, "variant": variant, "settings": settings, "seed": seed}
        for variant, settings in [("named", SETTINGS), ("as published", changed)]
        for seed in (0, 1)
    ]
    named, published = report.grouped([row], results)
    assert [result["seed"] for result in named.results] == [0, 1]
    assert (named.variant, published.variant) == ("named", "as published")
    assert published.differences == ["batch size 10"]


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", [1, 2, 3]), ("9-11,40", [9, 10, 11, 40])]
)
def test_figures_are_chosen_by_number(text, numbers):
    assert report.parse_arguments(["--figures", text]).figures == numbers


def test_all_28_figures_are_the_default():
    assert len(report.parse_arguments([]).figures) == 28


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--figures", "1-x"], "'1-x' is no figure of the reference; there are [1, 2,"),
        (["--figures", "12"], "'12' is no figure of the reference"),
        (["--epochs", "0"], "'0' is not a whole number from 1 on"),
        (["--repeats", "two"], "'two' is not a whole number from 1 on"),
        (["--jobs", "-1"], "'-1' is not a whole number from 1 on"),
        (["--data", "cifar"], "invalid choice: 'cifar'"),
    ],
)
def test_arguments_are_refused_in_words(arguments, message, capsys):
    with pytest.raises(SystemExit):
        report.parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_it_writes_tables_pictures_and_runs(tmp_path, capsys):
    folder = tmp_path / "new" / "report"
    report.main(
        ["--data", "digits", "--epochs", "2", "--figures", "1-9,27", "--repeats", "2",
         "--output", str(folder)]
    )  # fmt: skip
    text = (folder / "report.md").read_text("utf-8")
    assert report.NOT_COMPARABLE in text
    assert "published |" not in re.findall(r"^\| figure.*", text, re.MULTILINE)[0]
    # 10 rows, and 3 + 2 ways that 4 of them were published.
    assert len(re.findall(r"^\| \d+ ", text, re.MULTILINE)) == 15
    pictures = set(re.findall(r"\]\((.*?\.png)\)", text))
    assert len(pictures) == 2 + 10
    for picture in pictures:
        content = (folder / picture).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 10_000
    runs = json.loads(gzip.decompress((folder / "runs.json.gz").read_bytes()))
    assert len(runs) == 2 * 15
    assert {
        "figure",
        "variant",
        "seed",
        "seconds",
        "settings",
        "versions",
        "curves",
    } < (set(runs[0]))
    out = capsys.readouterr().out
    assert f"The report is {folder / 'report.md'}" in out
    assert report.NOT_COMPARABLE in out


@pytest.mark.usefixtures("mnist")
def test_on_mnist_the_published_figures_stand_beside_ours(tmp_path):
    report.main(["--epochs", "1", "--figures", "1", "--output", str(tmp_path)])
    text = (tmp_path / "report.md").read_text("utf-8")
    assert report.NOT_COMPARABLE not in text
    cells = re.findall(r"^\| 1 \|.*", text, re.MULTILINE)[0].split(" | ")
    ours, published = cells[4:12:2], cells[5:12:2]
    assert published == ["0.0398", "0.9858", "0.1103", "0.9667"]
    assert 0.85 < float(ours[1]) < 0.95
    assert 0.85 < float(ours[3]) < 0.95
