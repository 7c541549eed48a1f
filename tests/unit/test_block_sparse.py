"""X stored without the most frequent values of its features."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from cymlp._engine.inputs import Inputs
from cymlp._engine.storage import block_sparse
from cymlp._engine.storage.block_sparse import BlockSparse


def store(X):
    return BlockSparse.store(Inputs(X))


def restored(stored):
    """The values that a block sparse form stands for."""
    X = np.tile(stored.fill_values, (stored.n_samples, 1))
    rows = np.repeat(np.arange(len(X)), np.diff(stored.indptr))
    indices = np.ascontiguousarray(stored.blocks[:, :2]).view(np.uint16).ravel()
    for row, index, block in zip(rows, indices, stored.blocks[:, 2:], strict=True):
        features = slice(4 * index, 4 * index + 4)
        if stored.codebook is None:
            X[row, features] += block.view(X.dtype)
        elif stored.scales is None:
            X[row, features] = stored.codebook[block]
        else:
            S = stored.codebook[block] - stored.codebook_offsets[features]
            X[row, features] += S * stored.scales[features]
    return X[:, : stored.n_features]


@pytest.mark.parametrize("n_values", [20, 255, 10_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [1, 4, 7, 50])
def test_it_stands_for_the_values_that_it_was_made_of(n_features, dtype, n_values):
    rng = np.random.default_rng(0)
    fill_values = rng.integers(-3, 4, n_features)
    values = rng.integers(1, n_values, (1000, n_features))
    X = np.where(rng.random(values.shape) < 0.05, values, fill_values).astype(dtype)
    stored = store(X)
    np.testing.assert_array_equal(restored(stored), X)
    np.testing.assert_array_equal(stored.fill_values[:n_features], fill_values)
    assert stored.fill_values.dtype == dtype
    assert stored.blocks_per_row == -(-n_features // 4)
    assert (stored.codebook is None) == (len(np.unique(X)) > 255)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_values", [256, 257])
def test_a_codebook_has_room_for_256_values_of_any_kind(n_values, dtype):
    rng = np.random.default_rng(0)
    values = rng.normal(size=n_values).astype(dtype)
    X = np.full((2000, 40), values[0])
    others = rng.random(X.shape) < 0.05
    X[others] = rng.choice(values, others.sum())
    X[:n_values, 0] = values
    stored = store(X)
    assert (stored.codebook is None) == (n_values > 256)
    tolerance = 0 if stored.codebook is not None else 1e-6
    np.testing.assert_allclose(restored(stored), X, rtol=0, atol=tolerance)


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
    """Inputs that scale each feature of X, and the scaled values."""
    exact = X.astype(float)
    shift, divisor = exact.mean(axis=0), exact.std(axis=0)
    divisor[divisor == 0] = 1
    return Inputs(X, dtype, shift, divisor), (exact - shift) / divisor


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("element_type", ["uint8", "float32"])
def test_features_that_are_scaled_each_by_itself_have_codes(
    pixels, element_type, dtype
):
    inputs, X = standardised(pixels.astype(element_type), dtype)
    stored = BlockSparse.store(inputs)
    assert stored.scales is not None
    assert stored.blocks.shape[1] == 2 + 4
    np.testing.assert_allclose(
        restored(stored), X, rtol=0, atol=50 * np.finfo(dtype).eps
    )


def test_scales_that_would_cost_digits_are_not_used(pixels):
    pixels = pixels.astype(np.float32)
    pixels[:, 7] += 20000 * (pixels[:, 7] != 255) + 20000
    inputs, X = standardised(pixels, "float32")
    stored = BlockSparse.store(inputs)
    assert stored.scales is None
    np.testing.assert_allclose(restored(stored), X, rtol=0, atol=1e-5)
    pixels[:, 7] = pixels[:, 8]
    assert BlockSparse.store(standardised(pixels, "float32")[0]).scales is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [1, 4, 7, 50])
def test_one_row_is_stored_like_one_of_several_equal_rows(n_features, dtype):
    X = np.random.default_rng(0).normal(size=(1, n_features)).astype(dtype)
    X[0, -1] = -0.0
    for scale in ((), (np.full(n_features, 0.5), np.full(n_features, 3.0))):
        one = BlockSparse.store(Inputs(X, dtype, *scale))
        two = BlockSparse.store(Inputs(np.tile(X, (2, 1)), dtype, *scale))
        assert one.fill_values.tobytes() == two.fill_values.tobytes()
        assert one.indptr.tolist() == [0, 0]
        assert one.blocks.shape == two.blocks.shape
        assert one.scales is two.scales is None
        np.testing.assert_array_equal(restored(one), restored(two)[:1])
    for wrong in (np.nan, np.inf):
        X[0, 0] = wrong
        assert store(X) is None


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_values", [20, 10_000])
def test_values_that_are_not_finite_are_left_to_the_dense_form(n_values, wrong):
    rng = np.random.default_rng(0)
    values = rng.integers(1, n_values, (1000, 42)).astype(np.float32)
    X = np.where(rng.random(values.shape) < 0.05, values, 0)
    X[-1, -1] = 1
    assert store(X) is not None
    for row, feature in ((0, 0), (500, 7), (999, 41)):
        broken = X.copy()
        broken[row, feature] = wrong
        assert store(broken) is None
    X[:, 3] = wrong
    assert store(X) is None


def test_fill_values_that_would_cost_digits_are_not_used():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((500, 40)) < 0.05, rng.normal(size=(500, 40)), 0.5)
    X[:, 8] = np.where(X[:, 8] == 0.5, -1e6, X[:, 8])
    X[:, 16] = 3e38 * np.where(X[:, 16] == 0.5, 1, np.clip(X[:, 16], -1, 1))
    X = X.astype(np.float32)
    stored = store(X)
    assert stored.fill_values[8] == stored.fill_values[16] == 0
    np.testing.assert_allclose(restored(stored), X, rtol=0, atol=1e-6)
    X[:, 24] = -1e6  # constant: there is nothing to subtract the fill value from
    assert store(X).fill_values[24] == -1e6


def test_x_without_frequent_values_is_not_stored():
    rng = np.random.default_rng(0)
    assert store(rng.normal(size=(500, 40))) is None
    # Few values of each feature differ, but nearly every block has one.
    assert store((rng.random((500, 40)) < 0.3) * 1.0) is None


def test_a_share_of_blocks_that_only_other_rows_show_is_found():
    X = np.zeros((1000, 40))
    X[block_sparse.N_SAMPLED_ROWS :: 2] = np.arange(40)
    X[:: -(-len(X) // block_sparse.N_SAMPLED_ROWS)] = 0
    assert store(X) is not None
    X[1::4] = X[2::4] = X[3::4] = np.arange(1, 41)
    assert store(X) is None


def test_rows_with_more_blocks_than_indices_are_not_stored():
    assert store(np.zeros((1, 4 * 2**16))) is None
    assert store(np.zeros((1, 4 * 2**16 - 4))).blocks_per_row == 2**16 - 1


def test_sparse_x_is_not_stored():
    assert store(csr_array(np.eye(64))) is None


def test_values_that_only_scaling_separates_in_float32_stay_separate():
    rng = np.random.default_rng(0)
    noise = np.where(rng.random((2000, 40)) < 0.05, rng.normal(size=(2000, 40)), 0)
    X = 1e9 + noise
    shift, divisor = np.full(40, 1e9), np.full(40, 0.5)
    stored = BlockSparse.store(Inputs(X, "float32", shift, divisor))
    np.testing.assert_allclose(restored(stored), (X - shift) / divisor, atol=1e-6)
