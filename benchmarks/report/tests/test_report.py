"""The report: what it is asked for, how it judges, and what it writes."""

import gzip
import json
import os
import re
import sys

import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.report import __main__ as report
from benchmarks.report import document
from benchmarks.report.claims import Which


def make_group(values, published, *, error=0.0, variant="named"):
    """A row whose four figures are all the same."""
    row = {"figure": 1, "settings": SETTINGS, "published": {}, "section": "one"}
    results = []
    for value in values:
        result = {"settings": SETTINGS, "sampling_errors": {}}
        for figure in report.FIGURES:
            row["published"][figure] = published
            result[figure] = value
            result["sampling_errors"][figure] = error
        results.append(result)
    return report.Group(Which(1, variant), row, results)


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
    groups = [agreeing, differing, named, published]
    text = document.as_markdown(report.agreement(groups))
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
        (["--jobs", "99", "--scheduler", "a:1"], "not allowed with argument --jobs"),
    ],
)
def test_arguments_are_refused_in_words(arguments, message, capsys):
    with pytest.raises(SystemExit):
        report.parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_it_writes_tables_pictures_and_runs(tmp_path, capsys):
    folder = tmp_path / "new" / "report"
    report.main(
        ["--data", "digits", "--epochs", "2", "--figures", "1-9,27,28", "--repeats",
         "2", "--output", str(folder)]
    )  # fmt: skip
    text = (folder / "report.md").read_text("utf-8")
    assert report.NOT_COMPARABLE in text
    assert "about MNIST: these runs do not test them" in text
    assert "published |" not in re.findall(r"^\| figure.*", text, re.MULTILINE)[0]
    # 11 rows, 3 + 2 ways that 4 of them were published, a probe.
    assert len(re.findall(r"^\| \d+ ", text, re.MULTILINE)) == 11 + 5 + 1
    named = set(re.findall(r"\]\((.*?\.png)\)", text))
    assert named == {path.name for path in folder.glob("*.png")}
    assert len(named) == 3 + 11 + 5
    for name in named:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<img ") == len(named)
    runs = json.loads((folder / "runs.json").read_text("utf-8"))
    assert len(runs) == 2 * (11 + 5)
    assert {
        "figure",
        "variant",
        "seed",
        "seconds",
        "settings",
        "versions",
        "curves",
        *report.FIGURES,
    } < set(runs[0])
    assert {run["variant"] for run in runs} == {"named", "as published"}
    probes = json.loads((folder / "probes.json").read_text("utf-8"))
    assert [(run["figure"], run["seed"]) for run in probes] == [(28, 0), (28, 1)]
    out = capsys.readouterr().out
    assert f"34 of 34 runs in 0 s. The report is {folder / 'report.html'}" in re.sub(
        r"in \d+ s", "in 0 s", out
    )
    assert report.NOT_COMPARABLE in out


def test_a_report_of_no_runs_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "train", lambda *_, **__: [])
    with pytest.raises(SystemExit) as error:
        report.main(["--data", "digits", "--figures", "1", "--output", str(tmp_path)])
    assert (
        error.value.code == "None of the 1 runs finished; there is nothing to report."
    )


def test_that_dask_is_not_installed_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit) as error:
        report.main(["--scheduler", "a:1", "--output", str(tmp_path / "new")])
    assert error.value.code == (
        "--scheduler a:1: dask.distributed is not installed here; "
        "pip install distributed brings it"
    )
    assert not (tmp_path / "new").exists()


def test_large_results_are_compressed_and_the_other_file_is_removed(tmp_path):
    small, large = [{"seed": 1}], [{"seed": "1" * report.LARGEST_PLAIN}]
    for results, name in ((small, "runs.json"), (large, "runs.json.gz")) * 2:
        path = report.write_runs(results, tmp_path, "runs")
        assert [found.name for found in tmp_path.iterdir()] == [path.name] == [name]
        content = path.read_bytes()
        if name.endswith(".gz"):
            content = gzip.decompress(content)
        assert json.loads(content) == results


def test_names_tell_what_differs_among_rows():
    groups = []
    for figure, momentum in ((1, 0.9), (2, 0.5)):
        settings = SETTINGS | {"momentum": momentum}
        results = [{"settings": settings}]
        groups.append(report.Group(Which(figure), {"figure": figure}, results))
    assert report.distinguished(groups) == ["1: momentum 0.9", "2: momentum 0.5"]


@pytest.mark.skipif("CYMLP_DATA" not in os.environ, reason="CYMLP_DATA is not set")
def test_on_mnist_the_published_figures_stand_beside_ours(tmp_path):
    report.main(["--epochs", "1", "--figures", "1", "--output", str(tmp_path)])
    text = (tmp_path / "report.md").read_text("utf-8")
    assert report.NOT_COMPARABLE not in text
    cells = re.findall(r"^\| 1 \|.*", text, re.MULTILINE)[0].split(" | ")
    ours, published = cells[4:12:2], cells[5:12:2]
    assert published == ["0.0398", "0.9858", "0.1103", "0.9667"]
    assert 0.85 < float(ours[1]) < 0.95
    assert 0.85 < float(ours[3]) < 0.95
    # Claims about other rows are named as such.
    assert "Left out, for want of the runs" in text
    assert "- Batches of 10 take less time per epoch" in text
