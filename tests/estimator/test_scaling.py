"""Scaling X as it is read, and training on every element type of X."""

import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from cymlp import MLPClassifier, fit_many
from cymlp._engine.inputs import ELEMENT_TYPES, Inputs
from cymlp._engine.optimizers import SOLVERS
from cymlp._engine.storage import store
from cymlp._engine.storage.block_sparse import BlockSparse
from cymlp._engine.storage.dense import Dense
from cymlp._fit import scaling

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


@pytest.fixture
def far():
    """Samples far from 0, of which one feature is constant."""
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    X = rng.normal(size=(150, 7)) + 2 * np.eye(7)[y]
    X = X * [1, 10, 100, 1, 1, 1, 0] + [0, 5, 1e5, -3, 1, 0, 4]
    return X, y


@pytest.fixture
def pixels():
    """Images of few bright pixels, and their classes."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 4
    X = np.where(rng.random((200, 50)) < 0.05, rng.integers(0, 256, (200, 50)), 0)
    X[np.arange(200), y * 5] = 255
    return X.astype(np.uint8), y


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALERS)
def test_it_is_what_a_scaler_before_it_does(far, scale, dtype, solver):
    X, y = far
    settings = {"dtype": dtype, "solver": solver, "dropout": 0.2, "batch_size": 20}
    alone = make_mlp(scale=scale, **settings).fit(X, y)
    after_scaler = make_pipeline(SCALERS[scale](), make_mlp(**settings)).fit(X, y)
    atol = 1e-4 if dtype == "float32" else 1e-9
    for W, expected in zip(alone.coefs_, after_scaler[-1].coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=0, atol=atol)
    np.testing.assert_allclose(
        alone.predict_proba(X), after_scaler.predict_proba(X), rtol=0, atol=atol
    )


@pytest.mark.parametrize("n_chunks", [1, 4])
@pytest.mark.parametrize("scale", SCALERS)
def test_the_scale_is_that_of_scikit_learn(far, scale, n_chunks, monkeypatch):
    monkeypatch.setattr(scaling, "CHUNK_SIZE", 7 * -(-150 // n_chunks))
    X, y = far
    mlp = make_mlp(scale=scale).fit(X, y)
    scaler = SCALERS[scale]().fit(X)
    shift, divisor = mlp.shift_, mlp.divisor_
    assert shift.dtype == divisor.dtype == np.float64
    assert divisor[6] == 4  # the constant
    varies = slice(0, 6)
    np.testing.assert_allclose(shift[6], 4, rtol=0, atol=0)
    if scale == "standard":
        np.testing.assert_allclose(shift, scaler.mean_, rtol=1e-13, atol=1e-13)
        expected = scaler.scale_[varies]
        np.testing.assert_allclose(divisor[varies], expected, rtol=1e-12)
    else:
        np.testing.assert_array_equal(shift, scaler.data_min_)
        np.testing.assert_array_equal(divisor[varies], scaler.data_range_[varies])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_standard_scale_counts_weights(far, dtype):
    X, y = far
    weights = np.random.default_rng(0).uniform(0, 1e20, 150) * (np.arange(150) % 4 > 0)
    class_weight = {0: 3, 1: 0.5}
    mlp = make_mlp(scale="standard", dtype=dtype, class_weight=class_weight)
    mlp.fit(X, y, weights)
    factors = np.select([y == 0, y == 1], [3, 0.5], 1)
    scaler = StandardScaler().fit(X, sample_weight=weights * factors / 1e20)
    rtol = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(mlp.shift_, scaler.mean_, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(mlp.divisor_[:6], scaler.scale_[:6], rtol=rtol)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", SCALERS)
def test_a_weight_counts_copies(far, scale, form):
    X, y = far
    counts = np.random.default_rng(0).integers(0, 4, 150)
    X[counts == 0] *= 1e6  # outliers that do not count
    settings = {"scale": scale, "dtype": "float64", "batch_size": 1000}
    weighted = make_mlp(**settings).fit(form(X), y, counts)
    copies = make_mlp(**settings).fit(form(X.repeat(counts, 0)), y.repeat(counts))
    for a, b in (
        (weighted.shift_, copies.shift_),
        (weighted.divisor_, copies.divisor_),
        (weighted.predict_proba(X), copies.predict_proba(X)),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("factor", [1e-30, 1e-15, 1e15, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALERS)
def test_units_do_not_matter(far, scale, dtype, factor, form):
    X, y = far
    X = X.astype(dtype)
    # A power of two changes no digit.
    factor = 2.0 ** round(np.log2(factor))
    plain = make_mlp(scale=scale).fit(form(X[:, :6]), y)
    other = make_mlp(scale=scale).fit(form(X[:, :6] * np.asarray(factor, dtype)), y)
    np.testing.assert_array_equal(other.shift_, plain.shift_ * factor)
    np.testing.assert_array_equal(other.divisor_, plain.divisor_ * factor)
    assert_same_weights(plain, other)


@pytest.mark.parametrize("value", [0, 1e-30, -0.1, 1e9, -1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALERS)
def test_constant_features_become_0(scale, dtype, value):
    rng = np.random.default_rng(0)
    X = np.full((3000, 4), value, dtype)
    X[:, 1] = 1e-3 * rng.normal(size=3000)
    if dtype == "float64":
        X[:, 2] *= 1 + rng.integers(-2, 3, 3000) * np.finfo(dtype).eps  # rounding
    y = np.arange(3000) % 2
    mlp = make_mlp(scale=scale, max_iter=1).fit(X, y)
    expected = max(abs(X[0, 3]), 1)
    assert mlp.shift_[0] == mlp.shift_[3] == X[0, 0]
    np.testing.assert_allclose(mlp.divisor_[[0, 2, 3]], expected, rtol=1e-14)
    assert abs(X[:, 2] - mlp.shift_[2]).max() / mlp.divisor_[2] < 1e-14


def test_auto_is_standard_for_dense_data_without_rare_values(far):
    X, y = far
    X = X.clip(*np.quantile(X, [0.02, 0.98], axis=0))
    weights = np.linspace(0, 1, 150)
    auto, standard = (
        make_mlp(scale=scale).fit(X, y, weights) for scale in ("auto", "standard")
    )
    assert_same_weights(auto, standard)


def test_auto_limits_values_that_are_rare():
    X = np.random.default_rng(0).normal(size=(1500, 2))
    X[:, 1] = 0
    X[-3:, 1] = 5
    y = np.arange(1500) % 2
    auto, standard = (
        make_mlp(scale=scale, max_iter=1).fit(X, y) for scale in ("auto", "standard")
    )
    assert standard.divisor_[1] < 0.3
    np.testing.assert_array_equal(auto.shift_, standard.shift_)
    assert auto.divisor_[1] == 5 / 6
    # Its samples range over 6.6 standard deviations.
    np.testing.assert_allclose(auto.divisor_[0], np.ptp(X[:, 0]) / 6, rtol=1e-14)


def test_a_small_spread_beside_a_large_mean_is_no_rounding():
    X = 1.7e9 + np.random.default_rng(0).normal(size=(100_000, 1))
    mlp = make_mlp(scale="standard", max_iter=1).fit(X, np.arange(100_000) % 2)
    X -= 1.7e9
    np.testing.assert_allclose(mlp.divisor_, X.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(mlp.shift_ - 1.7e9, X.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_shift_and_divisor_are_applied_wherever_x_is_read(pixels, form):
    X, y = pixels
    divisor = np.linspace(100, 300, 50)
    mlp, plain = (
        network.fit(data, y, X_val=data[:50], y_val=y[:50])
        for network, data in (
            (make_mlp(scale=(0, divisor), dtype="float64", diagnostics=True), form(X)),
            (make_mlp(dtype="float64", diagnostics=True), form(X / divisor)),
        )
    )
    assert mlp.shift_ == 0
    np.testing.assert_array_equal(mlp.divisor_, divisor)
    assert plain.shift_ is plain.divisor_ is None
    for a, b in zip(mlp.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    for column in set(mlp.history_) - {"seconds"}:
        np.testing.assert_allclose(
            mlp.history_[column], plain.history_[column], atol=1e-10
        )
    np.testing.assert_allclose(
        mlp.decision_function(form(X)), plain.decision_function(X / divisor), atol=1e-9
    )


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("form", [BlockSparse, Dense])
def test_raw_pixels_are_scaled_to_the_bit(pixels, form, early_stopping):
    X, y = pixels
    if form is Dense:
        X = np.random.default_rng(0).integers(0, 256, X.shape, np.uint8)
    inputs = Inputs(X, "float32", np.full(50, 128.0), np.full(50, 255.0))
    assert type(store(inputs)) is form
    settings = {"early_stopping": early_stopping, "batch_size": 30}
    mlp = make_mlp(scale=(128, 255), **settings).fit(X, y)
    scaled = (X.astype(np.float32) - 128) / np.float32(255)
    plain = make_mlp(**settings).fit(scaled, y)
    assert_same_weights(mlp, plain)
    assert_same_history(mlp, plain)
    np.testing.assert_array_equal(mlp.predict_proba(X), plain.predict_proba(scaled))
    assert (mlp.shift_, mlp.divisor_) == (128, 255)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("background", [0, 255])
def test_bytes_in_block_sparse_form_are_standardised(pixels, background, solver):
    X, y = pixels
    X = abs(background - X)
    settings = {"dtype": "float64", "solver": solver, "max_iter": 3}
    mlp = make_mlp(scale="standard", **settings).fit(X, y)
    inputs = Inputs(X, "float64", mlp.shift_, mlp.divisor_)
    assert store(inputs).scales is not None
    after_scaler = make_pipeline(StandardScaler(), make_mlp(**settings)).fit(X, y)
    for coefs, same in zip(mlp.coefs_, after_scaler[-1].coefs_, strict=True):
        np.testing.assert_allclose(coefs, same, rtol=0, atol=1e-10)


def test_samples_that_are_held_out_do_not_count(far):
    X, y = far
    mlp = make_mlp(scale="minmax", early_stopping=True, max_iter=1)
    before = clone(mlp).fit(X, y)
    scaled = (X - before.shift_) / before.divisor_
    outside = np.flatnonzero((abs(scaled - 0.5) > 0.5001).any(axis=1))
    assert 0 < outside.size <= 15
    X = X.copy()
    X[outside] += 1e6
    np.testing.assert_array_equal(clone(mlp).fit(X, y).divisor_, before.divisor_)


@pytest.mark.filterwarnings("ignore:The features of X have a root mean square")
@pytest.mark.parametrize("scale", ["standard", (1, np.arange(1.0, 8))])
def test_the_first_call_fixes_the_scale(far, scale):
    X, y = far
    at_once = make_mlp(scale=scale).fit(X, y)
    warm = make_mlp(scale=scale, warm_start=True, max_iter=5).fit(X, y)
    warm = pickle.loads(pickle.dumps(warm)).fit(X, y)
    assert_same_weights(warm, at_once)
    assert_same_history(warm, at_once)
    shift = warm.shift_
    warm.set_params(scale=None).fit(X + 1, y)
    assert warm.shift_ is shift
    parts = make_mlp(scale=scale).partial_fit(X[:70], y[:70], [0, 1, 2])
    shift = parts.shift_
    parts.partial_fit(X[70:], y[70:])
    np.testing.assert_array_equal(parts.shift_, shift)
    fresh = warm.set_params(warm_start=False).fit(X, y)
    assert fresh.shift_ is None


def test_a_refused_call_leaves_the_scale_alone(far):
    X, y = far
    mlp = make_mlp(scale="standard").fit(X, y)
    shift = mlp.shift_
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        mlp.set_params(hidden_layer_sizes=(2.5,)).fit(X + 1, y)
    assert mlp.shift_ is shift


@pytest.mark.filterwarnings("ignore:The features of X have a root mean square")
def test_many_are_scaled_as_one_is(far):
    X, y = far
    networks = [
        make_mlp(scale=scale, dtype=dtype)
        for scale in (None, "standard", (5, 10))
        for dtype in ("float32", "float64")
    ]
    for many in fit_many([clone(mlp) for mlp in networks], X, y, X_val=X, y_val=y):
        one = clone(many).fit(X, y, X_val=X, y_val=y)
        assert_same_weights(many, one)
        assert_same_history(many, one)


def test_digits_beyond_float32_are_kept_until_x_is_scaled(far):
    X, y = far
    mlp = make_mlp(scale="standard").fit(X + 1e9, y)
    plain = make_mlp(scale="standard").fit(X, y)
    for a, b in zip(mlp.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)
    huge = make_mlp(scale=(0, 1e60)).fit(1e60 * X, y)
    assert_same_weights(huge, make_mlp(scale=(0, 1e60)).fit(1e60 * X, y))


def test_names_of_features_are_kept(far):
    X, y = far
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    mlp = make_mlp(scale="standard").fit(frame, y)
    assert list(mlp.feature_names_in_) == list("abcdefg")
    assert_same_weights(mlp, make_mlp(scale="standard").fit(X, y))


@pytest.mark.parametrize(
    "scale",
    [
        "robust",
        3,
        (1,),
        (1, 2, 3),
        (0, 0),
        (0, np.nan),
        (np.inf, 1),
        (0, [1, 2, 3]),
        (np.zeros(6), 1),
        (0, [1, 1, 1, 0, 1, 1, 1]),
        (0, "wide"),
        ("a", 1),
        (None, 1),
    ],
    ids=repr,
)
def test_a_wrong_scale_is_refused(far, scale):
    class Renamed(MLPClassifier):
        pass

    for kind in (MLPClassifier, Renamed):
        with pytest.raises(
            ValueError, match=f"'scale' parameter of {kind.__name__} must be"
        ):
            kind(scale=scale).fit(*far)


@pytest.mark.parametrize("n_chunks", [1, 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_data_are_divided_only(pixels, dtype, n_chunks, monkeypatch):
    X, y = pixels
    factors = np.linspace(-3, 3, 50)
    factors[7], factors[30] = 0, 1e-3
    X = csr_array(X * factors)
    twice = csr_array((200, 50))
    # Every entry is stored as two halves.
    halves = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr
    twice.data, twice.indices, twice.indptr = halves
    monkeypatch.setattr(scaling, "CHUNK_SIZE", twice.nnz // n_chunks)
    dense = X.toarray()
    for scale, expected in (
        ("standard", np.sqrt((dense**2).mean(axis=0))),
        ("minmax", MaxAbsScaler().fit(X).scale_),
        ("auto", np.maximum(MaxAbsScaler().fit(X).scale_, 1)),
    ):
        expected[7] = 1
        for data in (X, twice):
            mlp = make_mlp(scale=scale, dtype=dtype).fit(data, y)
            assert mlp.shift_ == 0
            np.testing.assert_allclose(mlp.divisor_, expected, rtol=1e-6)
            np.testing.assert_allclose(
                mlp.predict_proba(data), mlp.predict_proba(dense), atol=1e-5
            )
    if dtype == "float64":  # conversion by SciPy 1.10 adds the halves up
        assert twice.nnz == 2 * X.nnz


@pytest.mark.parametrize("scale", ["standard", "minmax", (1, 2)])
def test_sparse_rows_are_shifted_for_predictions_only(pixels, scale):
    X, y = pixels
    X = X + 1.0
    mlp = make_mlp(scale=scale).fit(X, y)
    for part in (X, X[:1], np.tile(X, (7, 1))):
        np.testing.assert_array_equal(
            mlp.predict_proba(csr_array(part)), mlp.predict_proba(part)
        )
    broken = X.copy()
    broken[3, 4] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        mlp.predict(csr_array(broken))
    with pytest.raises(ValueError, match=r"X_val.*sparse, and shift_ is not 0"):
        mlp.fit(X, y, X_val=csr_array(X), y_val=y)
    with pytest.raises(ValueError, match="X is sparse, and shift_ is not 0"):
        mlp.partial_fit(csr_array(X), y)
    with pytest.raises(ValueError, match=r"shift of 0 for sparse X; got \(1, 2\)"):
        make_mlp(scale=(1, 2)).fit(csr_array(X), y)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_a_scale_that_makes_values_infinite_is_refused(pixels, form):
    X, y = pixels
    with pytest.raises(ValueError, match=r"scale=.* not finite in float32"):
        make_mlp(scale=(0, 1e-40)).fit(form(X), y)
    with pytest.raises(ValueError, match="cannot be measured"):
        make_mlp(scale="standard").fit(1e200 * X, y)


@pytest.mark.filterwarnings("ignore:The features of X have a root mean square")
@pytest.mark.parametrize("scale", [None, "standard", "minmax", (1, 2)], ids=str)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_values_that_are_not_finite_are_refused(far, scale, wrong, dtype):
    X, y = far
    X = (X / 10).astype(dtype)
    mlp = make_mlp(scale=scale).fit(X, y)
    broken = X.copy()
    broken[140, 3] = wrong
    for use in (
        lambda: make_mlp(scale=scale).fit(broken, y),
        lambda: make_mlp(scale=scale).fit(X, y, X_val=broken, y_val=y),
        lambda: mlp.predict(broken),
    ):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            use()


@pytest.mark.parametrize("batch_size", [7, 30, 1500])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("element_type", ELEMENT_TYPES)
def test_data_of_every_type_train_as_floats_do(element_type, solver, batch_size):
    rng = np.random.default_rng(0)
    y = np.arange(1500) % 3
    X = (rng.integers(0, 60, (1500, 5)) + 40 * np.eye(5, dtype=int)[y]) // 8
    X = (X > 4 if element_type == "bool" else X).astype(element_type)
    mlp = make_mlp(solver=solver, batch_size=batch_size, max_iter=2, dropout=0.1)
    for dtype in ("float32", "float64"):
        mlp.set_params(dtype=dtype)
        own, plain = (clone(mlp).fit(data, y) for data in (X, X.astype(dtype)))
        atol = 1e-5 if dtype == "float32" else 1e-12
        for a, b in zip(own.coefs_, plain.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=atol)
        np.testing.assert_array_equal(
            own.predict_proba(X), own.predict_proba(X.astype(dtype))
        )
