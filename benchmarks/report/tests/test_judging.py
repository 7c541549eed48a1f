"""The judgement of claims."""

import math

import numpy as np
import pytest

from benchmarks.report import judging
from benchmarks.report.claims import Claim, against, pairs
from benchmarks.report.intervals import FAILS, HOLDS, UNDECIDED
from benchmarks.report.networks import Key
from benchmarks.report.tests.test_networks import by_key, make_network

SMALL, LARGE = (1.0, 1.1, 1.3), (9.0, 9.2, 9.1)


def judged(comparisons, *networks, **options):
    claim = Claim("It is so.", comparisons, **options)
    return judging.judge({"topic": [claim]}, by_key(*networks))["topic"][0]


def test_runs_are_paired_by_seed():
    one = make_network([10.0, 20.0, 30.0], 0, 1)
    other = make_network([12.0, 22.5, 32.1], 0, 2)
    (line,) = judged(pairs("epochs", "higher", 2, 1), one, other).lines
    assert line.n == 3
    # Far less than the spread of each.
    assert line.difference.mean == pytest.approx(2.2)
    assert line.difference.high - line.difference.low < 1.5
    del other.runs[0]
    (line,) = judged(pairs("epochs", "higher", 2, 1), one, other).lines
    assert (line.n, line.mean) == (2, pytest.approx(27.3))


def test_a_factor_and_a_constant_can_be_the_reference():
    one, other = make_network(SMALL, 0, 1), make_network(LARGE, 0, 2)
    assert judged(pairs("epochs", "higher", 2, 1), one, other).verdict == HOLDS
    twice = pairs("epochs", "higher", 2, 1, factor=20.0)
    assert judged(twice, one, other).verdict == FAILS
    assert judged(against("epochs", "higher", 5.0, 2), other).verdict == HOLDS
    assert judged(against("epochs", "higher", 5.0, 1), one).verdict == FAILS


def test_ratios_are_compared_by_their_logarithms():
    one, other = make_network(SMALL, 0, 1), make_network(LARGE, 0, 2)
    one.times, other.times = [10.0, 11.0, 12.0], [11.5, 12.3, 13.9]
    (line,) = judged(pairs("time", "higher", 2, 1), one, other).lines
    assert math.exp(line.difference.mean) == pytest.approx(
        np.prod([1.15, 12.3 / 11, 13.9 / 12]) ** (1 / 3)
    )
    assert line.verdict == HOLDS
    assert line.effect.mean == pytest.approx(line.difference.mean / math.log(1.1))


def test_an_effect_points_to_where_it_is_claimed():
    one, other = make_network(SMALL, 0, 1), make_network(LARGE, 0, 2)
    (line,) = judged(pairs("epochs", "lower", 1, 2), one, other).lines
    assert line.effect.mean == pytest.approx(-line.difference.mean)
    assert line.effect.mean > 0
    assert line.effect.low < line.effect.mean < line.effect.high


def test_joint_intervals_are_wider():
    networks = by_key(make_network(SMALL, 0, 1), make_network(LARGE, 0, 2))
    claims = {"topic": [Claim("So.", pairs("epochs", "higher", 2, 1, 2, 1))]}
    (alone,) = judging.judge(claims, networks)["topic"]
    (joint,) = judging.jointly(claims, networks)["topic"]
    assert joint.lines[0].difference.low < alone.lines[0].difference.low


def test_identical_curves_are_compared_for_each_seed():
    one, other = make_network(SMALL, 0, 1), make_network(SMALL, 0, 2)
    for network in one, other:
        for run in network.runs:
            run["curves_digest"] = str(run["seed"])
    comparison = pairs("epochs", "alike", 1, 2)
    judge = {"judge": judging.identical}
    assert judged(comparison, one, other, **judge).verdict == HOLDS
    other.runs[1]["curves_digest"] = "another"
    assert judged(comparison, one, other, **judge).verdict == FAILS
    other.runs = []
    assert judged(comparison, one, other, **judge).verdict == UNDECIDED


def test_of_two_readings_one_agrees():
    stated = make_network(SMALL, 1.1, 41)
    reading = make_network(LARGE, 1.1, 41, "margin 1", "alternative")
    comparison = pairs("epochs", "alike", 41, Key(41, "margin 1"))
    judge = {"judge": judging.only_one_agrees}
    assert judged(comparison, stated, reading, **judge).verdict == FAILS
    for network in stated, reading:
        network.row["published"] = dict.fromkeys(network.row["published"], 9.1)
    assert judged(comparison, stated, reading, **judge).verdict == HOLDS
    for network in stated, reading:
        network.row["published"] = dict.fromkeys(network.row["published"], 999)
    assert judged(comparison, stated, reading, **judge).verdict == UNDECIDED
