"""Rows stored without the commonest values of their columns."""

import numpy as np
import pytest

from cymlp._engine import block_sparse as compact
from cymlp._engine.inputs import Inputs


def compacted(X):
    return compact.compacted(Inputs(X))


def restored(form, n_features):
    """The rows that a compact form stands for."""
    X = np.tile(form.offsets, (len(form.row_starts) - 1, 1))
    rows = np.repeat(np.arange(len(X)), np.diff(form.row_starts))
    places = np.ascontiguousarray(form.blocks[:, :2]).view(np.uint16).ravel()
    for row, place, block in zip(rows, places, form.blocks[:, 2:], strict=True):
        columns = slice(4 * place, 4 * place + 4)
        if form.table is None:
            X[row, columns] += block.view(X.dtype)
        elif form.scales is None:
            X[row, columns] = form.table[block]
        else:
            S = (form.table[block] - form.taken[columns]) * form.scales[columns]
            X[row, columns] += S
    return X[:, :n_features]


@pytest.mark.parametrize("n_values", [20, 255, 10_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [1, 4, 7, 50])
def test_it_stands_for_the_rows_that_it_was_made_of(n_features, dtype, n_values):
    rng = np.random.default_rng(0)
    offsets = rng.integers(-3, 4, n_features)
    values = rng.integers(1, n_values, (1000, n_features))
    X = np.where(rng.random(values.shape) < 0.05, values, offsets).astype(dtype)
    form = compacted(X)
    np.testing.assert_array_equal(restored(form, n_features), X)
    np.testing.assert_array_equal(form.offsets[:n_features], offsets)
    assert form.offsets.dtype == dtype
    assert (form.table is None) == (len(np.unique(X)) > 255)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_values", [256, 257])
def test_256_numbers_of_any_kind_have_codes(n_values, dtype):
    rng = np.random.default_rng(0)
    values = rng.normal(size=n_values).astype(dtype)
    X = np.full((2000, 40), values[0])
    places = rng.random(X.shape) < 0.05
    X[places] = rng.choice(values, places.sum())
    X[:n_values, 0] = values
    form = compacted(X)
    assert (form.table is None) == (n_values > 256)
    tolerance = 0 if form.table is not None else 1e-6
    np.testing.assert_allclose(restored(form, 40), X, rtol=0, atol=tolerance)


@pytest.fixture
def pixels():
    """Images of few dark pixels on white, of which some are always black."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (1000, 50))
    X = np.where(rng.random(values.shape) < 0.05, values, 255)
    X[:, 20:22] = 0
    X[7, 30] = 0
    return X.astype(np.uint8)


def standardised(X, dtype):
    """X to be read with the scales of its columns, and as it is then."""
    exact = X.astype(float)
    shift, divisor = exact.mean(axis=0), exact.std(axis=0)
    divisor[divisor == 0] = 1
    return Inputs(X, dtype, shift, divisor), (exact - shift) / divisor


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", ["uint8", "float32"])
def test_columns_that_are_scaled_each_by_itself_have_codes(pixels, stored, dtype):
    inputs, X = standardised(pixels.astype(stored), dtype)
    form = compact.compacted(inputs)
    assert form.scales is not None
    assert form.blocks.shape[1] == 2 + 4
    np.testing.assert_allclose(
        restored(form, 50), X, rtol=0, atol=50 * np.finfo(dtype).eps
    )


def test_scales_that_would_cost_digits_are_not_taken(pixels):
    pixels = pixels.astype(np.float32)
    pixels[:, 7] += 20000 * (pixels[:, 7] != 255) + 20000
    inputs, X = standardised(pixels, "float32")
    form = compact.compacted(inputs)
    assert form.scales is None
    np.testing.assert_allclose(restored(form, 50), X, rtol=0, atol=1e-5)
    pixels[:, 7] = pixels[:, 8]
    assert compact.compacted(standardised(pixels, "float32")[0]).scales is not None


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_values", [20, 10_000])
def test_numbers_that_are_not_finite_are_not_stored(n_values, wrong):
    rng = np.random.default_rng(0)
    values = rng.integers(1, n_values, (1000, 42)).astype(np.float32)
    X = np.where(rng.random(values.shape) < 0.05, values, 0)
    X[-1, -1] = 1
    assert compacted(X) is not None
    for row, column in ((0, 0), (500, 7), (999, 41)):
        broken = X.copy()
        broken[row, column] = wrong
        assert compacted(broken) is None
    X[:, 3] = wrong
    assert compacted(X) is None


def test_offsets_that_would_cost_digits_are_not_taken():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((500, 40)) < 0.05, rng.normal(size=(500, 40)), 0.5)
    X[:, 8] = np.where(X[:, 8] == 0.5, -1e6, X[:, 8])
    X[:, 16] = 3e38 * np.where(X[:, 16] == 0.5, 1, np.clip(X[:, 16], -1, 1))
    X = X.astype(np.float32)
    form = compacted(X)
    assert form.offsets[8] == form.offsets[16] == 0
    np.testing.assert_allclose(restored(form, 40), X, rtol=0, atol=1e-6)
    X[:, 24] = -1e6  # constant: nothing is taken from anything
    assert compacted(X).offsets[24] == -1e6


def test_what_has_no_commonest_values_stays_as_it_is():
    rng = np.random.default_rng(0)
    assert compacted(rng.normal(size=(500, 40))) is None
    # Few differ in each column, but nearly every block has one that does.
    assert compacted((rng.random((500, 40)) < 0.3) * 1.0) is None


def test_a_share_that_only_the_later_rows_show_is_found():
    X = np.zeros((1000, 40))
    X[compact.ROWS_TO_JUDGE_BY :: 2] = np.arange(40)
    X[:: -(-len(X) // compact.ROWS_TO_JUDGE_BY)] = 0
    assert compacted(X) is not None
    X[1::4] = X[2::4] = X[3::4] = np.arange(1, 41)
    assert compacted(X) is None


def test_rows_too_wide_for_the_places_stay_as_they_are():
    assert compacted(np.zeros((1, 4 * 2**16))) is None
    assert compacted(np.zeros((1, 4 * 2**16 - 4))) is not None


def test_numbers_that_only_scaling_tells_apart_in_float32_stay_apart():
    rng = np.random.default_rng(0)
    noise = np.where(rng.random((2000, 40)) < 0.05, rng.normal(size=(2000, 40)), 0)
    X = 1e9 + noise
    shift, divisor = np.full(40, 1e9), np.full(40, 0.5)
    form = compact.compacted(Inputs(X, "float32", shift, divisor))
    np.testing.assert_allclose(restored(form, 40), (X - shift) / divisor, atol=1e-6)
