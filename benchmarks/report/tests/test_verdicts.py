"""Verdicts on claims."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from benchmarks.report import verdicts
from benchmarks.report.claims import Claim, Comparison, RowVariant
from benchmarks.report.measures import Measure
from benchmarks.report.rows import METRICS
from benchmarks.report.verdicts import FAILS, HOLDS, INCONCLUSIVE

VALUE = Measure("value", lambda result: result["value"], clear=1.0)


def make_runs(*values, figure=1, variant="named"):
    return [
        {
            "figure": figure,
            "variant": variant,
            "settings": {},
            "value": value,
            "seed": seed,
        }
        for seed, value in enumerate(values)
    ]


def verdict(values, others, relation="higher", **options):
    comparison = Comparison(VALUE, RowVariant(1), relation, RowVariant(2), **options)
    runs = [*make_runs(*values), *make_runs(*others, figure=2)]
    judgements, _ = verdicts.judge(runs, {"topic": [Claim("It is so.", (comparison,))]})
    return judgements["topic"][0].verdict


def test_the_interval_is_that_of_welch():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 5), rng.normal(1, 3, 4)
    for end in verdicts.welch_interval(a, b):
        # If the difference were that end, the p-value of a test would be 0.05.
        assert ttest_ind(a - end, b, equal_var=False).pvalue == pytest.approx(0.05)


def test_equal_runs_have_an_interval_of_one_point():
    interval = verdicts.welch_interval(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    assert interval == (1.0, 1.0)


def test_a_single_run_has_no_interval():
    low, high = verdicts.welch_interval(np.array([1.0]), np.array([1.0, 2.0]))
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_claim_holds_fails_or_is_inconclusive():
    small, large = (1.0, 1.1, 1.2), (9.0, 9.1, 9.2)
    assert verdict(large, small) == verdict(small, large, "lower") == HOLDS
    assert verdict(small, large) == verdict(large, small, "lower") == FAILS
    # The interval ends below the smallest clear difference.
    assert verdict(small, (1.0, 1.1, 1.3)) == FAILS
    assert verdict((0, 5, 10), (1, 5, 9)) == INCONCLUSIVE
    assert verdict((9,), (1,)) == INCONCLUSIVE


def test_a_reference_may_have_a_factor():
    assert verdict((5.0, 5.1), (2.0, 2.1), factor=2.0) == HOLDS
    assert verdict((5.0, 5.1), (3.0, 3.1), factor=2.0) == FAILS


def test_a_spread_is_compared_by_the_ratio_of_variances():
    wide, narrow = (0, 100, -100, 50, -50), (0, 1, -1, 0.5, -0.5)
    assert verdict(wide, narrow, "wider") == HOLDS
    assert verdict(narrow, wide, "wider") == FAILS
    assert verdict((0, 1, 2), (0, 1, 3), "wider") == INCONCLUSIVE
    assert verdict((0,), (0, 1), "wider") == INCONCLUSIVE


def test_nan_gives_no_verdict():
    assert verdict((math.nan, math.nan), (1.0, 2.0)) == INCONCLUSIVE
    assert verdict((math.nan, math.nan), (1.0, 2.0), "wider") == INCONCLUSIVE


def test_a_claim_needs_all_its_comparisons():
    assert verdicts.combined([HOLDS, HOLDS]) == HOLDS
    assert verdicts.combined([HOLDS, INCONCLUSIVE]) == INCONCLUSIVE
    assert verdicts.combined([INCONCLUSIVE, FAILS, HOLDS]) == FAILS
    assert verdicts.combined([HOLDS, INCONCLUSIVE], refuted=True) == FAILS
    assert verdicts.combined([FAILS, FAILS], refuted=True) == HOLDS


def test_a_claim_without_its_runs_is_left_out():
    comparison = Comparison(VALUE, RowVariant(1), "higher", RowVariant(2))
    claim = Claim("It is so.", (comparison,))
    assert verdicts.judge(make_runs(1, 2), {"topic": [claim]}) == ({}, [claim])


def test_a_constant_may_be_the_reference():
    runs = make_runs(3.0, 3.1)
    for constant, expected in ((0.0, HOLDS), (9.0, FAILS)):
        comparison = Comparison(VALUE, RowVariant(1), "higher", constant)
        judgements, _ = verdicts.judge(runs, {"topic": [Claim("So.", (comparison,))]})
        assert judgements["topic"][0].verdict == expected


def test_equal_means_equal_curves_for_equal_seeds():
    def make(figure, *losses):
        return [
            {
                "figure": figure,
                "variant": "named",
                "settings": {},
                "seed": seed,
                "curves": {
                    name: {"epochs": [1, 2], "values": [1.0, loss]} for name in METRICS
                },
            }
            for seed, loss in enumerate(losses)
        ]

    comparison = Comparison(VALUE, RowVariant(1), "equal", RowVariant(2))
    claim = Claim("Equal.", (comparison,))
    for others, expected in (((0.5, 0.25), HOLDS), ((0.25, 0.5), FAILS)):
        runs = [*make(1, 0.5, 0.25), *make(2, *others)]
        judgements, _ = verdicts.judge(runs, {"topic": [claim]})
        assert judgements["topic"][0].verdict == expected
