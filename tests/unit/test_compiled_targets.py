"""The checks of targets before an epoch follows their pointers."""

import gc

import numpy as np
import pytest

from cymlp._engine.targets import Targets

Y = np.array([0, 2, 1])
T = np.eye(3)[Y]


def make(**changes):
    arguments = {
        "labels": Y,
        "n_outputs": 3,
        "values": T,
        "weights": np.array([1.0, 2.0, 3.0]),
    }
    return Targets(**arguments | changes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_keep_what_they_are_given(dtype):
    values, weights = T.astype(dtype), np.ones(3, dtype)
    targets = make(values=values, weights=weights)
    assert (targets.n_samples, targets.n_outputs) == (3, 3)
    assert targets.labels is Y
    assert targets.values is values
    assert targets.weights is weights
    assert targets.dtype == dtype


@pytest.mark.parametrize(
    ("changes", "dtype"),
    [
        ({"values": None, "weights": None}, None),
        ({"values": None}, "float64"),
        ({"values": T.astype("f4"), "weights": None}, "float32"),
        ({"values": None, "weights": np.ones(3, "f4")}, "float32"),
    ],
    ids=["labels", "labels and weights", "values", "float32 weights"],
)
def test_labels_alone_fit_both_precisions(changes, dtype):
    assert make(**changes).dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("indices", [np.array([2, 0, 0]), slice(1, None)], ids=str)
def test_rows_are_values_or_the_one_hot_form_of_labels(indices, dtype):
    one_hot = Targets(Y, 4).rows(indices, dtype)
    assert one_hot.dtype == dtype
    np.testing.assert_array_equal(one_hot, np.eye(4)[Y[indices]])
    values = np.arange(6.0).reshape(3, 2).astype(dtype)
    rows = Targets(None, 2, values).rows(indices, dtype)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, values[indices])


def test_other_weights_leave_the_targets_alone():
    targets = make()
    other = targets.weighted(np.ones(3))
    assert other.labels is targets.labels
    assert other.values is targets.values
    np.testing.assert_array_equal(other.weights, np.ones(3))
    np.testing.assert_array_equal(targets.weights, [1, 2, 3])
    assert targets.weighted(None).weights is None
    with pytest.raises(ValueError, match=r"weights must have shape \(3,\); got \(2,\)"):
        targets.weighted(np.ones(2))


def test_kind_and_variances_stay_with_other_weights():
    variances = np.array([1.0, 2.0, 0.0])
    targets = make(labels=None, kind="values").with_variances(variances)
    assert targets.weighted(None).variances is variances
    assert targets.weighted(None).kind == targets.kind == "values"
    assert targets.weights is not None
    with pytest.raises(ValueError, match=r"variances must have shape \(3,\); got \(2"):
        targets.with_variances(np.ones(2))
    with pytest.raises(ValueError, match=r"variances must be .* of dtype float64"):
        targets.with_variances(np.ones(3, "f4"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": Y[:2]}, r"labels must have shape \(3,\); got \(2,\)"),
        ({"labels": Y[:, None]}, r"labels must have shape \(3,\); got \(3, 1\)"),
        ({"values": np.eye(3)[:2]}, r"labels must have shape \(2,\); got \(3,\)"),
        ({"values": np.eye(4)[Y]}, r"values must have shape \(3, 3\); got \(3, 4\)"),
        ({"weights": np.ones(2)}, r"weights must have shape \(3,\); got \(2,\)"),
        ({"labels": Y[:0], "values": None, "weights": None}, "at least one sample"),
        (
            {"labels": None, "values": None},
            "labels or values must have at least one sample.*got None",
        ),
        (
            {"n_outputs": 0, "values": None},
            r"n_outputs must be at least 1; got \(3,\) and 0",
        ),
        ({"labels": np.array([0, 3, 1])}, r"labels must be in 0\.\.2; got 0 to 3"),
        ({"labels": np.array([0, -1, 1])}, r"labels must be in 0\.\.2; got -1 to 1"),
        (
            {"labels": Y.astype(np.int16)},
            "labels must be C-contiguous and of dtype int.*; got dtype int16",
        ),
        ({"labels": np.repeat(Y, 2)[::2]}, "labels must be C-contiguous"),
        ({"values": np.asfortranarray(T)}, "values must be C-contiguous"),
        (
            {"values": T.astype("f4")},
            "weights must be .* of dtype float32; got dtype float64",
        ),
        (
            {"weights": np.ones(3, np.float32)},
            "weights must be .* of dtype float64; got dtype float32",
        ),
        ({"weights": np.ones(6)[::2]}, "weights must be C-contiguous"),
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    make()
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_arrays_may_be_read_only_and_cannot_be_resized_meanwhile():
    values = np.eye(3)
    targets = make(values=values)
    with pytest.raises(ValueError, match="cannot resize"):
        values.resize((1, 3))
    values.flags.writeable = False
    targets = make(values=values)
    del values
    gc.collect()
    np.testing.assert_array_equal(targets.rows(slice(None), "f8"), np.eye(3))
