"""Rows of X, read in the precision of the computation."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from cymlp._engine.inputs import ELEMENT_TYPES, READABLE, Inputs, is_file

BOTH_PRECISIONS = pytest.mark.parametrize("precision", ["float32", "float64"])


def examples(element_type, shape=(128, 65)):
    """Values of an element type: for up to 16 bits, all that there are."""
    rng = np.random.default_rng(0)
    dtype, count = np.dtype(element_type), np.prod(shape)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.itemsize > 2 and dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    # The bits of halves include infinities, NaN and subnormal values.
    bits = np.resize(rng.permutation(2**16).astype(np.uint16), count)
    return bits.astype(f"u{dtype.itemsize}").view(dtype).reshape(shape)


def test_the_registry_lists_every_readable_type():
    assert tuple(np.dtype(name) for name in ELEMENT_TYPES) == READABLE
    assert list(ELEMENT_TYPES.values()) == list(range(len(ELEMENT_TYPES)))
    assert {"float32", "float64"} <= set(ELEMENT_TYPES)


@BOTH_PRECISIONS
@pytest.mark.parametrize("element_type", ELEMENT_TYPES)
def test_values_of_every_type_are_read_as_numpy_converts_them(element_type, precision):
    X = examples(element_type)
    indices = np.random.default_rng(1).permutation(128)[:100]
    inputs = Inputs(X, precision)
    rows = inputs.rows(indices)
    assert rows.dtype == precision
    np.testing.assert_array_equal(rows, X[indices].astype(precision))
    np.testing.assert_array_equal(
        inputs.subset(indices).subset(np.arange(5, 9)).rows(slice(1, None, 2)),
        X[indices[[6, 8]]].astype(precision),
    )


@BOTH_PRECISIONS
@pytest.mark.parametrize("element_type", ELEMENT_TYPES)
def test_values_of_every_type_are_scaled_in_double_precision(element_type, precision):
    X = examples(element_type)
    shift, divisor = np.random.default_rng(1).normal(size=(2, 65))
    with np.errstate(invalid="ignore"):
        expected = ((X.astype(np.float64) - shift) / divisor).astype(precision)
    rows = Inputs(X, precision, shift, divisor).rows(slice(None))
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize("element_type", ELEMENT_TYPES)
def test_both_precisions_read_the_same_values(element_type):
    # Small integers, which every element type and both precisions hold exactly.
    X = np.arange(2 if element_type == "bool" else 120).astype(element_type)
    single, double = (
        Inputs(X[:, np.newaxis], precision).rows(slice(None))
        for precision in ("float32", "float64")
    )
    np.testing.assert_array_equal(single, double)
    np.testing.assert_array_equal(double.ravel(), np.arange(X.size))


def test_rows_are_a_view_where_nothing_is_to_be_converted():
    X = np.zeros((3, 2), np.float32)
    direct, converted = Inputs(X), Inputs(X, "float64")
    assert direct.is_direct
    assert np.shares_memory(direct.rows(slice(2)), X)
    assert not converted.is_direct
    assert not Inputs(X, "float32", np.zeros(2), np.ones(2)).is_direct
    assert converted.rows(np.array([], np.intp)).shape == (0, 2)


def test_a_view_of_a_file_is_recognised(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((3, 2)))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert is_file(mapped)
    assert is_file(np.asarray(mapped)[1:])
    assert not is_file(np.array(mapped))
    assert not is_file(csr_array(mapped))


X = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X.astype(int),), "X of dtype int.* cannot be read as int"),
        ((X.astype(">f4"), "float32"), "X of dtype >f4 cannot be read as float32"),
        ((X, "float16"), "X of dtype float64 cannot be read as float16"),
        ((csr_array(X), "float32"), "X of dtype float64 cannot be read as float32"),
        ((X.T, "float32"), "X must be C-contiguous and of dtype float64"),
        ((np.zeros((3, 4))[:, ::2],), "X must be C-contiguous and of dtype float64"),
        (
            (X, "float32", np.zeros(3), np.ones(3)),
            r"shift and divisor must have shape \(2,\); got \(3,\) and \(3,\)",
        ),
        (
            (X, "float32", np.zeros(2), np.ones(3)),
            r"shift and divisor must have shape \(2,\); got \(2,\) and \(3,\)",
        ),
        (
            (X, "float32", np.zeros(2, "f4"), np.ones(2)),
            "shift must be .* of dtype float64; got dtype float32",
        ),
        (
            (X, "float32", np.zeros(2), np.ones(4)[::2]),
            "divisor must be C-contiguous",
        ),
    ],
)
def test_arrays_that_cannot_be_read_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Inputs(*arguments)


@pytest.mark.parametrize("indices", [[0, 3], [-1]])
def test_indices_out_of_range_are_refused(indices):
    message = rf"indices must be in 0\.\.2; got {min(indices)} to {max(indices)}"
    with pytest.raises(IndexError, match=message):
        Inputs(X, "float32").rows(np.array(indices))
