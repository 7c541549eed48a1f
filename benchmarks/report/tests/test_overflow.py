"""Plain formulas that overflow, beside those of cymlp."""

import math

import pytest

from benchmarks.report.overflow import overflow_table


def test_plain_formulas_overflow_where_those_of_cymlp_are_right():
    table = overflow_table()
    assert len(table.lines) == 14
    failed = 0
    for _, plain, computed, exact in table.lines:
        assert float(computed) == pytest.approx(float(exact), rel=1e-6)
        if not math.isfinite(float(plain)):
            failed += 1
    # tanh and softmax at 89 and 1000; a softmax with shift at 104 and 1000.
    assert failed == 6
