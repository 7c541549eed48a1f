"""Agreement of the published values with the runs of a row."""

import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.report import document, sections
from benchmarks.report.claims import RowVariant
from benchmarks.report.replicates import Replicates, grouped
from benchmarks.report.rows import METRICS

SETTINGS = {"activation": "tanh", "loss": "hinge", "batch_size": 100}


def make_group(values, published, *, error=0.0, variant="named"):
    """A row whose four metrics are all the same."""
    row = {"figure": 1, "settings": SETTINGS, "section": "one"}
    row["published"] = dict.fromkeys(METRICS, published)
    results = [
        {
            "settings": SETTINGS,
            "sampling_errors": dict.fromkeys(METRICS, error),
            **dict.fromkeys(METRICS, value),
        }
        for value in values
    ]
    return Replicates(RowVariant(1, variant), row, results)


def test_agreement_is_judged_by_the_stated_bound():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    bound = student.ppf(0.975, 4) * values.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert make_group(values, 3).noise("test_loss") == pytest.approx(bound)
    assert make_group(values, 3 + 0.99 * bound).verdict() == "agrees"
    far = make_group(values, 3 - 2 * bound).verdict()
    assert far.startswith("differs (train loss -2.0, train accuracy -2.0, test loss")


def test_the_deviation_is_at_least_the_sampling_error():
    bound = student.ppf(0.975, 1) * 0.5 * np.sqrt(1 + 1 / 2)
    assert make_group([1, 1], 1, error=0.5).noise("test_loss") == pytest.approx(bound)


def test_the_bound_holds_for_95_percent_of_equal_runs():
    rng = np.random.default_rng(0)
    inside = [
        make_group(rng.normal(size=5), rng.normal()).verdict() == "agrees"
        for _ in range(2000)
    ]
    # The standard error of this frequency is 0.005.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_a_single_run_is_not_judged():
    assert make_group([1.0], 2.0).verdict() == ""


def test_runs_are_grouped_by_everything_but_their_seed():
    row = {"figure": 1, "settings": SETTINGS}
    changed = SETTINGS | {"batch_size": 10}
    results = [
        {"figure": 1, "variant": variant, "settings": settings, "seed": seed}
        for variant, settings in [("named", SETTINGS), ("as published", changed)]
        for seed in (0, 1)
    ]
    named, published = grouped([row], results)
    assert [result["seed"] for result in named.results] == [0, 1]
    assert (named.variant, published.variant) == ("named", "as published")
    assert published.differences == ["batch size 10"]


def test_the_summary_names_the_rows_and_settings_that_agree():
    agreeing, differing = make_group([1, 2, 3], 2), make_group([1, 2, 3], 99)
    named = make_group([1, 2, 3], 50)
    published = make_group([49, 50, 51], 50, variant="as published")
    for figure, group in enumerate([agreeing, differing, named], start=1):
        group.row["figure"] = figure
    published.row = named.row
    groups = [agreeing, differing, named, published]
    text = document.as_markdown(sections.agreement(groups))
    assert "in 1 of 2 rows (1)" in text
    assert "Figure 2 differs (train loss" in text
    assert "Figure 3: with the stated settings it differs (train loss" in text
    assert "; with tanh, hinge it agrees." in text


def test_names_show_the_settings_that_differ_among_rows():
    groups = []
    for figure, momentum in ((1, 0.9), (2, 0.5)):
        results = [{"settings": SETTINGS | {"momentum": momentum}}]
        groups.append(Replicates(RowVariant(figure), {"figure": figure}, results))
    assert sections.distinguished(groups) == ["1: momentum 0.9", "2: momentum 0.5"]
