"""What is learned from: targets and weights, as labels, probabilities and numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from cymlp._engine.inputs import Inputs
from cymlp._fit.targets import (
    TOLERANCE,
    Dataset,
    Targets,
    check_weights,
    class_factors,
    combined_weights,
    encode,
    weights_of_mean_1,
)

LABELS = ["b", "c", "a", "b"]


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        np.array(LABELS),
        np.array(LABELS, object),
        pd.Series(LABELS),
        pd.Series(LABELS, dtype="category"),
        pd.Series(LABELS, dtype="string"),
    ],
    ids=lambda y: f"{type(y).__module__.split('.')[0]} {getattr(y, 'dtype', '')}",
)
def test_labels_become_numbers_in_the_order_of_the_classes(y):
    targets, classes = encode(y, "float32")
    assert classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(targets.y, [1, 2, 0, 1])
    assert (targets.y.dtype, targets.T, targets.n_classes) == (np.intp, None, 3)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([True, False, True], [False, True]),
        ([3.0, -1.0, 3.0], [-1.0, 3.0]),
        (pd.Series([7, 5, 7], dtype="Int64"), [5, 7]),
        (np.array([7, 5, 7], ">i4"), [5, 7]),
    ],
    ids=["bool", "float", "nullable", "big-endian"],
)
def test_numbers_and_booleans_are_labels_too(y, expected):
    targets, classes = encode(y, "float32")
    assert classes.tolist() == expected
    np.testing.assert_array_equal(targets.y, [1, 0, 1])


def test_labels_may_be_some_of_given_classes():
    classes = np.array(["a", "b", "c"])
    targets, same = encode(["c", "c"], "float32", classes=classes)
    assert same is classes
    np.testing.assert_array_equal(targets.y, [2, 2])
    np.testing.assert_array_equal(targets.probabilities("float32"), [[0, 0, 1]] * 2)


@pytest.mark.parametrize(
    ("y", "classes"), [(["d"], ["a", "b"]), ([1], ["a", "b"]), (["a"], [0, 1])]
)
def test_labels_that_no_class_has_are_named(y, classes):
    with pytest.raises(
        ValueError, match=rf"not among the classes: \[{y[0]!r}\]; the 2"
    ):
        encode(y, "float32", classes=np.array(classes))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_are_normalised_and_keep_the_likeliest_class(dtype):
    tolerance = TOLERANCE[np.dtype(dtype)]
    given = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    for scale in (1 - 0.99 * tolerance, 1 + 0.99 * tolerance):
        targets, classes = encode(np.asfortranarray(scale * given), dtype)
        np.testing.assert_allclose(
            targets.T, given, rtol=1e-6 if dtype == "float32" else 1e-14
        )
        assert targets.T.dtype == dtype
        assert targets.T.flags.c_contiguous
        np.testing.assert_array_equal(targets.y, [1, 2])
        np.testing.assert_array_equal(classes, [0, 1, 2])
    for scale in (1 - 1.1 * tolerance, 1 + 1.1 * tolerance):
        with pytest.raises(ValueError, match=rf"sum 1 within {tolerance:g}; row 0 has"):
            encode(scale * given, dtype)


@pytest.mark.parametrize(
    "given",
    [
        [[0.25, 0.75], [1.0, 0.0]],
        pd.DataFrame({"p": [0.25, 1.0], "q": [0.75, 0.0]}),
    ],
    ids=["list", "pandas"],
)
def test_probabilities_may_come_in_a_frame(given):
    targets, _ = encode(given, "float64")
    np.testing.assert_array_equal(targets.T, [[0.25, 0.75], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0.5, 0.6]], "row 0 has sum 1.1 and minimum 0.5"),
        ([[1.0, 0.0], [1.5, -0.5]], "non-negative.*row 1 has sum 1 and minimum -0.5"),
        ([[0.5, np.nan]], "y contains NaN"),
        ([[0.5, np.inf]], "y contains infinity"),
        ([[1, 0], [0, 1]], r"y must be labels of shape.*int64 and shape \(2, 2\)"),
        ([[True, False], [True, True]], "floats of shape.*an array of bool"),
        ([["a", "b"]], "floats of shape.*an array of <U1"),
        (np.full((2, 2, 2), 0.5), r"shape \(2, 2, 2\)"),
        (csr_array(np.eye(2)), "a sparse matrix of float64"),
        ([[0.5], [0.5]], "continuous"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_what_is_no_probability_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        encode(y, "float32")


def test_probabilities_of_other_classes_are_refused():
    rows = [[0.5, 0.5]]
    assert encode(rows, "float32", classes=np.array([0, 1]))[1].tolist() == [0, 1]
    for classes in ([0, 1, 2], [1, 2]):
        with pytest.raises(ValueError, match=r"rows of 2 prob.*classes 0 to 1"):
            encode(rows, "float32", classes=np.array(classes))


# Weights


@pytest.fixture
def hard():
    return Targets(np.array([0, 1, 1, 1, 2, 2]), None, 3)


@pytest.fixture
def soft():
    T = np.array([[0.25, 0.75, 0], [0.5, 0, 0.5], [0, 0, 1.0]])
    return Targets(T.argmax(axis=1), T, 3)


CLASSES = np.array(["a", "b", "c"])


def test_balanced_factors_make_all_classes_count_the_same(hard, soft):
    factors = class_factors("balanced", None, hard, CLASSES)
    np.testing.assert_allclose(factors, [6 / 3, 6 / 9, 6 / 6])
    weights = np.array([1, 0, 1, 1, 0.5, 0])
    factors = class_factors("balanced", weights, hard, CLASSES)
    total = np.bincount(hard.y, factors[hard.y] * weights)
    np.testing.assert_allclose(total, 3.5 / 3)
    factors = class_factors("balanced", None, soft, CLASSES)
    np.testing.assert_allclose(soft.T.sum(axis=0) * factors, 1)


def test_factors_of_a_dict_are_1_where_it_has_none(hard):
    for label, factor in (("b", 0), (np.str_("b"), np.float32(0.5)), ("b", 3)):
        factors = class_factors({label: factor}, None, hard, CLASSES)
        np.testing.assert_array_equal(factors, [1, factor, 1])
    assert class_factors(None, None, hard, CLASSES) is None
    numbered = class_factors({np.int64(7): 2.0}, None, hard, np.array([5.0, 6.0, 7.0]))
    np.testing.assert_array_equal(numbered, [1, 1, 2])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"d": 1.0},
            r"not among the classes: \['d'\]; the 3 classes are 'a', 'b', 'c'",
        ),
        ({0: 1.0}, r"not among the classes: \[0\]"),
        ({"a": -1}, "non-negative, finite numbers; it has -1 for the class 'a'"),
        ({"a": np.nan}, "it has nan"),
        ({"a": np.inf}, "it has inf"),
        ({"a": "1"}, "it has '1'"),
        ({"a": None}, "it has None"),
    ],
)
def test_other_dicts_are_refused(hard, class_weight, message):
    with pytest.raises(ValueError, match=message):
        class_factors(class_weight, None, hard, CLASSES)


def test_a_row_of_probabilities_has_the_mean_of_the_factors(soft):
    factors = np.array([1.0, 2.0, 4.0])
    expected = np.array([0.25 + 1.5, 0.5 + 2, 4])
    weights = combined_weights(None, factors, soft)
    np.testing.assert_allclose(weights, expected / 4)
    weights = combined_weights(np.array([1.0, 4.0, 0.0]), factors, soft)
    np.testing.assert_allclose(weights, [1.75 / 10, 1, 0])


@pytest.mark.parametrize("factor", [5e-324, 1e-300, 1e308])
def test_only_the_ratio_of_factors_counts(hard, factor):
    weights = combined_weights(None, np.full(3, factor), hard)
    np.testing.assert_array_equal(weights, np.ones(6))


def test_no_product_of_weights_is_lost_in_silence(hard):
    with pytest.raises(ValueError, match=r"at least one.*positive; the largest is 0"):
        combined_weights(None, np.zeros(3), hard)
    weights = np.where(hard.y == 0, 5e-324, 1)
    factors = class_factors("balanced", weights, hard, CLASSES)
    with pytest.raises(ValueError, match=r"finite prod.*the largest is inf"):
        combined_weights(weights, factors, hard)


def test_weights_are_divided_by_the_largest():
    np.testing.assert_array_equal(
        check_weights([3, 0, 6], np.zeros((3, 1))), [0.5, 0, 1]
    )
    np.testing.assert_array_equal(check_weights(7.0, np.zeros((3, 1))), [1, 1, 1])
    assert check_weights(None, np.zeros((3, 1))) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_get_the_mean_1_over_the_rows_that_are_trained_on(dtype):
    weights = np.array([0.1, 0.5, 1.0, 0.0])
    rows = np.array([0, 1, 3])
    scaled = weights_of_mean_1(weights, rows, dtype)
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled[rows].mean(), 1, rtol=1e-6)
    np.testing.assert_allclose(scaled, weights * 5, rtol=1e-6)
    with pytest.raises(ValueError, match="leave no sample to train on"):
        weights_of_mean_1(weights, np.array([3]), dtype)


def test_rows_take_all_that_belongs_to_a_sample(soft):
    X = Inputs(np.arange(6.0).reshape(3, 2))
    dataset = Dataset(X, soft, np.array([0.1, 0.2, 0.3]))
    some = dataset.rows(np.array([2, 0]))
    np.testing.assert_array_equal(some.X, [[4, 5], [0, 1]])
    np.testing.assert_array_equal(some.targets.T, soft.T[[2, 0]])
    np.testing.assert_array_equal(some.targets.y, [2, 1])
    np.testing.assert_array_equal(some.weights, [0.3, 0.1])
    assert Dataset(dataset.X, soft, None).rows(slice(1)).weights is None
