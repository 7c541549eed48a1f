"""Means, differences and collapses."""

import pytest

from benchmarks.defaults.summaries import difference, summary

SETS = {"easy": {"commonest": [0.5, 0.5]}, "hard": {"commonest": [0.6, 0.6]}}


def fits(easy, hard):
    """Columns of a method with these accuracies."""
    return {
        name: {
            "accuracy": accuracy,
            "log_loss": [1 - value for value in accuracy],
            "seconds": [1.0, 2.0],
            "warned": [1, 0],
            "failed": [0, 0],
        }
        for name, accuracy in (("easy", easy), ("hard", hard))
    }


METHODS = {
    "a": fits([0.5, 1.0], [0.6, 0.6]),
    "b": fits([0.9, 0.9], [0.65, 0.75]),
    "c": fits([0.8, 0.4], [0.6, 0.6]),
}


def test_means_are_those_over_the_sets():
    one = summary("a", METHODS, SETS)
    assert one.accuracy == pytest.approx((0.75 + 0.6) / 2)
    assert one.log_loss == one.median_log_loss == pytest.approx((0.25 + 0.4) / 2)
    assert one.seconds == 1.5
    assert one.warned == 0.5
    assert one.failed == 0


def test_the_worst_set_is_relative_to_the_best_other_method():
    one = summary("a", METHODS, SETS)
    assert one.worst_set == "easy"
    assert one.worst_difference == pytest.approx(0.75 - 0.9)
    assert summary("b", METHODS, SETS).worst_difference == pytest.approx(0.1)


def test_a_collapse_needs_a_method_that_is_better_by_a_margin():
    # a: easy with seed 0, hard with seed 1; with seed 0 no method is much better.
    assert summary("a", METHODS, SETS).collapses == 2
    assert summary("b", METHODS, SETS).collapses == 0
    assert summary("c", METHODS, SETS).collapses == 2


def test_differences_are_paired():
    mean, error = difference(METHODS["a"], METHODS["b"], "accuracy")
    assert mean == pytest.approx((-0.15 - 0.1) / 2)
    assert error == pytest.approx(0.025)
    assert difference(METHODS["a"], METHODS["a"], "log_loss") == (0, 0)
