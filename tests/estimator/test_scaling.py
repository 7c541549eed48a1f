"""Scaling X as it is read, and reading it in the type that it is stored in."""

import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from cymlp import MLPClassifier, fit_many
from cymlp._engine.block_sparse import compacted
from cymlp._engine.inputs import Inputs
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


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALERS)
def test_it_is_what_a_scaler_before_it_does(far, scale, dtype, solver):
    X, y = far
    settings = {"dtype": dtype, "solver": solver, "dropout": 0.2, "batch_size": 20}
    alone = make_mlp(scale=scale, **settings).fit(X, y)
    after_scaler = make_pipeline(SCALERS[scale](), make_mlp(**settings)).fit(X, y)
    atol = 1e-4 if dtype == "float32" else 1e-9
    for ours, theirs in zip(alone.coefs_, after_scaler[-1].coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)
    np.testing.assert_allclose(
        alone.predict_proba(X), after_scaler.predict_proba(X), rtol=0, atol=atol
    )


@pytest.mark.parametrize("n_chunks", [1, 4])
@pytest.mark.parametrize("scale", SCALERS)
def test_the_scale_is_that_of_scikit_learn(far, scale, n_chunks, monkeypatch):
    monkeypatch.setattr(scaling, "ROWS_AT_A_TIME", -(-150 // n_chunks))
    X, y = far
    mlp = make_mlp(scale=scale).fit(X, y, np.linspace(0, 1, 150))
    scaler = SCALERS[scale]().fit(X)
    shift, divisor = mlp.shift_, mlp.divisor_
    assert shift.dtype == divisor.dtype == np.float64
    assert divisor[6] == 1
    if scale == "standard":
        np.testing.assert_allclose(shift, scaler.mean_, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(divisor, scaler.scale_, rtol=1e-12)
    else:
        np.testing.assert_array_equal(shift, scaler.data_min_)
        np.testing.assert_allclose(1 / divisor, scaler.scale_, rtol=1e-15)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_shift_and_divisor_are_applied_wherever_x_is_read(pixels, form):
    X, y = pixels
    divisor = np.linspace(100, 300, 50)
    ours, plain = (
        clone(mlp).fit(data, y, X_val=data[:50], y_val=y[:50])
        for mlp, data in (
            (make_mlp(scale=(0, divisor), dtype="float64", diagnostics=True), form(X)),
            (make_mlp(dtype="float64", diagnostics=True), form(X / divisor)),
        )
    )
    assert ours.shift_ == 0
    np.testing.assert_array_equal(ours.divisor_, divisor)
    assert plain.shift_ is plain.divisor_ is None
    for a, b in zip(ours.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    for column in set(ours.history_) - {"seconds"}:
        np.testing.assert_allclose(
            ours.history_[column], plain.history_[column], atol=1e-10
        )
    np.testing.assert_allclose(
        ours.decision_function(form(X)), plain.decision_function(X / divisor), atol=1e-9
    )


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("compact", [True, False])
def test_raw_pixels_are_scaled_to_the_bit(pixels, compact, early_stopping):
    X, y = pixels
    if not compact:
        X = np.random.default_rng(0).integers(0, 256, X.shape, np.uint8)
    settings = {"early_stopping": early_stopping, "batch_size": 30}
    ours = make_mlp(scale=(128, 255), **settings).fit(X, y)
    scaled = (X.astype(np.float32) - 128) / np.float32(255)
    plain = make_mlp(**settings).fit(scaled, y)
    assert_same_weights(ours, plain)
    assert_same_history(ours, plain)
    np.testing.assert_array_equal(ours.predict_proba(X), plain.predict_proba(scaled))
    assert (ours.shift_, ours.divisor_) == (128, 255)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("background", [0, 255])
def test_bytes_are_standardised_where_they_are_stored_compactly(
    pixels, background, solver
):
    X, y = pixels
    X = abs(background - X)
    settings = {"dtype": "float64", "solver": solver, "max_iter": 3}
    ours = make_mlp(scale="standard", **settings).fit(X, y)
    inputs = Inputs(X, "float64", ours.shift_, ours.divisor_)
    assert compacted(inputs).scales is not None
    after_scaler = make_pipeline(StandardScaler(), make_mlp(**settings)).fit(X, y)
    for coefs, same in zip(ours.coefs_, after_scaler[-1].coefs_, strict=True):
        np.testing.assert_allclose(coefs, same, rtol=0, atol=1e-10)


def test_what_is_held_out_does_not_count(far):
    X, y = far
    mlp = make_mlp(scale="minmax", early_stopping=True, max_iter=1)
    before = clone(mlp).fit(X, y)
    scaled = (X - before.shift_) / before.divisor_
    outside = np.flatnonzero((abs(scaled - 0.5) > 0.5001).any(axis=1))
    assert 0 < outside.size <= 15
    X = X.copy()
    X[outside] += 1e6
    np.testing.assert_array_equal(clone(mlp).fit(X, y).divisor_, before.divisor_)


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


def test_digits_that_float32_has_not_survive(far):
    X, y = far
    ours = make_mlp(scale="standard").fit(X + 1e9, y)
    plain = make_mlp(scale="standard").fit(X, y)
    for a, b in zip(ours.coefs_, plain.coefs_, strict=True):
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
def test_a_scale_that_is_none_is_refused(far, scale):
    with pytest.raises(ValueError, match="'scale' parameter of MLPClassifier"):
        MLPClassifier(scale=scale).fit(*far)


@pytest.mark.parametrize("scale", ["standard", "minmax", (1, 2)])
def test_sparse_data_are_not_shifted(pixels, scale):
    X, y = pixels
    with pytest.raises(ValueError, match=r"scale=.* would subtract"):
        make_mlp(scale=scale).fit(csr_array(X), y)
    mlp = make_mlp(scale=scale).fit(X + 1.0, y)
    with pytest.raises(ValueError, match="X is sparse, and scale would subtract"):
        mlp.predict(csr_array(X))


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_what_scale_makes_infinite_is_refused(pixels, form):
    X, y = pixels
    with pytest.raises(ValueError, match=r"scale=.* not finite in float32"):
        make_mlp(scale=(0, 1e-40)).fit(form(X), y)
    with pytest.raises(ValueError, match="cannot be measured"):
        make_mlp(scale="standard").fit(1e200 * X, y)


@pytest.mark.parametrize("scale", [None, "standard", "minmax", (1, 2)], ids=str)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_not_finite_is_refused(far, scale, wrong, dtype):
    X, y = far
    X = (X / 10).astype(dtype)
    mlp = make_mlp(scale=scale).fit(X, y)
    spoilt = X.copy()
    spoilt[140, 3] = wrong
    for use in (
        lambda: make_mlp(scale=scale).fit(spoilt, y),
        lambda: make_mlp(scale=scale).fit(X, y, X_val=spoilt, y_val=y),
        lambda: mlp.predict(spoilt),
    ):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            use()


def test_inputs_that_do_not_fit_are_refused():
    X = np.zeros((3, 2))
    for arguments in (
        (X.astype(int),),
        (X.astype(">f4"), "float32"),
        (X, "float16"),
        (csr_array(X), "float32"),
    ):
        with pytest.raises(ValueError, match="cannot be read as"):
            Inputs(*arguments)
    with pytest.raises(ValueError, match="must be contiguous"):
        Inputs(X.T, "float32")
    with pytest.raises(ValueError, match="a shift and a divisor for each column"):
        Inputs(X, "float32", np.zeros(3), np.ones(3))
    with pytest.raises(IndexError, match="out of range"):
        Inputs(X, "float32").rows(np.array([3]))


@pytest.mark.parametrize("to", ["float32", "float64"])
@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i1", "u2", "i2", "f2", "f4", "f8"], ids=str
)
def test_numbers_of_every_type_are_read_as_numpy_converts_them(dtype, to):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**16, 65 * 128, np.uint16)
    if dtype == "bool":
        X = bits % 2 == 1
    elif dtype == "f2":
        X = bits.view(np.float16)  # infinite, NaN and subnormal ones as well
    else:
        X = bits.astype(dtype) if dtype != "f8" else rng.normal(size=bits.shape)
    X = np.ascontiguousarray(X.reshape(128, 65))
    rows = rng.permutation(128)[:100]
    np.testing.assert_array_equal(Inputs(X, to).rows(rows), X[rows].astype(to))
    np.testing.assert_array_equal(
        Inputs(X, to).part(rows).part(np.arange(5, 9)).rows(slice(1, None, 2)),
        X[rows[[6, 8]]].astype(to),
    )
    shift, divisor = rng.normal(size=(2, 65))
    with np.errstate(invalid="ignore"):
        expected = ((X[rows].astype(np.float64) - shift) / divisor).astype(to)
    np.testing.assert_array_equal(Inputs(X, to, shift, divisor).rows(rows), expected)


@pytest.mark.parametrize("batch_size", [7, 30, 1500])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", ["bool", "u1", "i1", "u2", "i2", "f2", "f4", "f8"])
def test_data_of_every_type_train_as_floats_do(dtype, solver, batch_size):
    rng = np.random.default_rng(0)
    y = np.arange(1500) % 3
    X = (rng.integers(0, 60, (1500, 5)) + 40 * np.eye(5, dtype=int)[y]) // 8
    X = (X > 4 if dtype == "bool" else X).astype(dtype)
    mlp = make_mlp(solver=solver, batch_size=batch_size, max_iter=2, dropout=0.1)
    for to in ("float32", "float64"):
        mlp.set_params(dtype=to)
        ours, plain = (clone(mlp).fit(data, y) for data in (X, X.astype(to)))
        atol = 1e-5 if to == "float32" else 1e-12
        for a, b in zip(ours.coefs_, plain.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=atol)
        np.testing.assert_array_equal(
            ours.predict_proba(X), ours.predict_proba(X.astype(to))
        )
