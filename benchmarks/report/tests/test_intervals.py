"""Intervals and verdicts."""

import math

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from benchmarks.report import intervals
from benchmarks.report.intervals import (
    ALIKE,
    FAILS,
    HOLDS,
    IN_PART,
    UNDECIDED,
    Interval,
    combined,
    verdict_on,
)


def test_the_interval_is_that_of_a_paired_test():
    differences = np.random.default_rng(0).normal(1, 2, 7)
    mean, *ends = intervals.interval(differences)
    assert mean == pytest.approx(differences.mean())
    for end in ends:
        # If the mean were that end, the p-value of a test would be 0.05.
        assert ttest_1samp(differences, end).pvalue == pytest.approx(0.05)


def test_a_single_difference_has_no_interval():
    found = intervals.interval([1.0])
    assert found.mean == 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert verdict_on(found, "higher", 1.0) == UNDECIDED


@pytest.mark.parametrize(
    ("mean", "low", "high", "claimed_higher", "claimed_alike", "claimed_not_lower"),
    [
        (5.0, 4.0, 6.0, HOLDS, FAILS, HOLDS),
        (1.5, 0.1, 2.9, HOLDS, FAILS, HOLDS),
        # Clearly above zero, but it may be too small to count.
        (0.9, 0.1, 1.7, UNDECIDED, UNDECIDED, HOLDS),
        (0.5, 0.1, 0.9, ALIKE, HOLDS, HOLDS),
        (0.0, -0.5, 0.5, ALIKE, HOLDS, HOLDS),
        (0.0, -2.0, 2.0, UNDECIDED, UNDECIDED, UNDECIDED),
        # No difference that counts in the claimed direction.
        (-0.5, -1.5, 0.5, FAILS, UNDECIDED, UNDECIDED),
        (-5.0, -6.0, -4.0, FAILS, FAILS, FAILS),
    ],
)
def test_a_verdict_follows_from_the_interval(
    mean, low, high, claimed_higher, claimed_alike, claimed_not_lower
):
    found = Interval(mean, low, high)
    assert verdict_on(found, "higher", 1.0) == claimed_higher
    assert verdict_on(-found, "lower", 1.0) == claimed_higher
    assert verdict_on(found, "alike", 1.0) == claimed_alike
    assert verdict_on(-found, "alike", 1.0) == claimed_alike
    assert verdict_on(found, "not lower", 1.0) == claimed_not_lower


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, FAILS], IN_PART),
        ([HOLDS, UNDECIDED], IN_PART),
        ([ALIKE, ALIKE], ALIKE),
        ([ALIKE, FAILS], FAILS),
        ([UNDECIDED, FAILS], UNDECIDED),
        ([UNDECIDED], UNDECIDED),
    ],
)
def test_verdicts_on_comparisons_are_combined(verdicts, expected):
    assert combined(verdicts) == combined(verdicts[::-1]) == expected


def test_every_verdict_has_one_meaning():
    assert set(intervals.MEANINGS) == set(intervals.VERDICTS)
    assert len(set(intervals.MEANINGS.values())) == len(intervals.VERDICTS)


def test_the_bound_is_a_prediction_interval():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = student.ppf(0.975, 4) * values.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert intervals.bound(values) == pytest.approx(expected)
    assert math.isnan(intervals.bound([1.0]))


def test_the_bound_holds_for_95_percent_of_further_runs():
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(4000, 6))
    outside = [
        abs(new - runs.mean()) > intervals.bound(runs) for *runs, new in runs.tolist()
        for runs in [np.array(runs)]
    ]  # fmt: skip
    # The standard error of this frequency is 0.0034.
    assert np.mean(outside) == pytest.approx(0.05, abs=0.011)
