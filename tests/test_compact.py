"""Rows stored without the commonest values of their columns."""

import numpy as np
import pytest

from cymlp import compact


def restored(row_starts, places, values, offsets, n_features):
    """The rows that a compact form stands for."""
    X = np.tile(offsets, (len(row_starts) - 1, 1))
    rows = np.repeat(np.arange(len(row_starts) - 1), np.diff(row_starts))
    for row, place, block in zip(rows, places, values, strict=True):
        X[row, 4 * place : 4 * place + 4] += block
    return X[:, :n_features]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [1, 4, 7, 50])
def test_it_stands_for_the_rows_that_it_was_made_of(n_features, dtype):
    rng = np.random.default_rng(0)
    offsets = rng.integers(-3, 4, n_features)
    values = rng.integers(-9, 10, (300, n_features))
    X = np.where(rng.random(values.shape) < 0.05, values, offsets).astype(dtype)
    form = compact.compacted(X)
    np.testing.assert_array_equal(restored(*form, n_features), X)
    np.testing.assert_array_equal(form[3][:n_features], offsets)
    assert form[2].dtype == form[3].dtype == dtype
    assert np.all(np.any(form[2] != 0, axis=1))


def test_what_has_no_commonest_values_stays_as_it_is():
    rng = np.random.default_rng(0)
    assert compact.compacted(rng.normal(size=(500, 40))) is None
    # Few differ in each column, but nearly every block has one that does.
    assert compact.compacted((rng.random((500, 40)) < 0.3) * 1.0) is None


def test_a_share_that_only_the_later_rows_show_is_found():
    X = np.zeros((1000, 40))
    X[compact.ROWS_TO_JUDGE_BY :: 2] = np.arange(40)
    X[:: -(-len(X) // compact.ROWS_TO_JUDGE_BY)] = 0
    assert compact.compacted(X) is not None
    X[1::4] = X[2::4] = X[3::4] = np.arange(1, 41)
    assert compact.compacted(X) is None


def test_rows_too_wide_for_the_places_stay_as_they_are():
    assert compact.compacted(np.zeros((1, 4 * 2**16))) is None
    assert compact.compacted(np.zeros((1, 4 * 2**16 - 4))) is not None
