"""Targets and weights: checked and encoded."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_array

from cymlp._engine.targets import Targets
from cymlp._fit.targets import (
    TOLERANCE,
    check_sample_weight,
    class_weights,
    combine_weights,
    encode_classes,
    encode_labels,
    encode_values,
    is_indicator,
    label_weights,
    normalise_weights,
    with_variances,
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
def test_labels_become_indices_into_the_sorted_classes(y):
    targets, classes = encode_classes(y, "float32")
    assert classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(targets.labels, [1, 2, 0, 1])
    assert targets.labels.dtype == np.intp
    assert targets.values is None
    assert targets.n_outputs == 3


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
    targets, classes = encode_classes(y, "float32")
    assert classes.tolist() == expected
    np.testing.assert_array_equal(targets.labels, [1, 0, 1])


def test_labels_need_not_be_of_all_given_classes():
    classes = np.array(["a", "b", "c"])
    targets, same = encode_classes(["c", "c"], "float32", classes=classes)
    assert same is classes
    np.testing.assert_array_equal(targets.labels, [2, 2])
    assert targets.n_outputs == 3


@pytest.mark.parametrize("n_samples", [3, 30])
@pytest.mark.parametrize(
    "classes", [[0, 5, 7], [False, True], ["a", "bb"], [0.0, 5.0]], ids=repr
)
def test_known_labels_have_their_indices(n_samples, classes):
    classes = np.array(classes)
    expected = np.arange(n_samples) % classes.size
    y = classes[expected]
    for given in (y, y.tolist(), pd.Series(y)):
        targets, _ = encode_classes(given, "float32", classes=classes)
        np.testing.assert_array_equal(targets.labels, expected)
        assert targets.labels.dtype == np.intp


@pytest.mark.parametrize("classes", [None, np.arange(40)], ids=["new", "known"])
def test_many_different_labels_bring_scikit_learns_warning(classes):
    with pytest.warns(UserWarning, match="greater than 50% of the number of samples"):
        encode_classes(np.arange(40), "float32", classes=classes)
    encode_classes(np.arange(40) // 4, "float32", classes=classes)


@pytest.mark.parametrize(
    ("y", "classes"), [(["d"], ["a", "b"]), ([1], ["a", "b"]), (["a"], [0, 1])]
)
def test_labels_that_are_not_among_the_classes_are_refused(y, classes):
    with pytest.raises(
        ValueError, match=rf"not among the classes: \[{y[0]!r}\]; the 2"
    ):
        encode_classes(y, "float32", classes=np.array(classes))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_are_normalised_and_give_the_most_likely_class(dtype):
    tolerance = TOLERANCE[np.dtype(dtype)]
    given = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    for scale in (1 - 0.99 * tolerance, 1 + 0.99 * tolerance):
        targets, classes = encode_classes(np.asfortranarray(scale * given), dtype)
        np.testing.assert_allclose(
            targets.values, given, rtol=1e-6 if dtype == "float32" else 1e-14
        )
        assert targets.values.dtype == dtype
        assert targets.values.flags.c_contiguous
        np.testing.assert_array_equal(targets.labels, [1, 2])
        np.testing.assert_array_equal(classes, [0, 1, 2])
    for scale in (1 - 1.1 * tolerance, 1 + 1.1 * tolerance):
        with pytest.raises(ValueError, match=rf"sum 1 within {tolerance:g}; row 0 has"):
            encode_classes(scale * given, dtype)


@pytest.mark.parametrize(
    "given",
    [
        [[0.25, 0.75], [1.0, 0.0]],
        pd.DataFrame({"p": [0.25, 1.0], "q": [0.75, 0.0]}),
    ],
    ids=["list", "pandas"],
)
def test_probabilities_may_be_a_list_or_a_data_frame(given):
    targets, _ = encode_classes(given, "float64")
    np.testing.assert_array_equal(targets.values, [[0.25, 0.75], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0.5, 0.6]], "row 0 has sum 1.1 and minimum 0.5"),
        ([[1.0, 0.0], [1.5, -0.5]], "non-negative.*row 1 has sum 1 and minimum -0.5"),
        ([[0.5, np.nan]], "y contains NaN"),
        ([[0.5, np.inf]], "y contains infinity"),
        ([[1, 0], [0, 1]], r"y must be labels of shape.*int64 and shape \(2, 2\)"),
        ([[True, False], [True, True]], "floats of shape.*an array of dtype bool"),
        ([["a", "b"]], "floats of shape.*an array of dtype <U1"),
        (np.full((2, 2, 2), 0.5), r"shape \(2, 2, 2\)"),
        ([[0.5], [0.5]], "continuous"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_targets_that_are_not_probabilities_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        encode_classes(y, "float32")


def test_probabilities_of_other_classes_are_refused():
    rows = [[0.5, 0.5]]
    assert encode_classes(rows, "float32", classes=np.array([0, 1]))[1].tolist() == [
        0,
        1,
    ]
    for classes in ([0, 1, 2], [1, 2]):
        with pytest.raises(ValueError, match=r"rows of 2 prob.*classes 0 to 1"):
            encode_classes(rows, "float32", classes=np.array(classes))


# Several labels


INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (INDICATOR, True),
        (INDICATOR.astype(bool), True),
        (INDICATOR.tolist(), True),
        (pd.DataFrame(INDICATOR), True),
        (csr_array(INDICATOR), True),
        (INDICATOR.astype(float), False),
        (INDICATOR[:, :1], False),
        (INDICATOR[:, 0], False),
    ],
    ids=repr,
)
def test_integers_and_booleans_in_several_columns_are_an_indicator(y, expected):
    assert is_indicator(y) is expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "convert",
    [
        np.array,
        np.asfortranarray,
        csr_array,
        csc_matrix,
        pd.DataFrame,
        np.ndarray.tolist,
    ],
)
def test_indicators_become_values_of_0_and_1(convert, dtype):
    for given in (INDICATOR, INDICATOR.astype(bool)):
        targets, classes = encode_labels(convert(given), dtype)
        assert targets.kind == "labels"
        assert targets.labels is None
        assert targets.values.dtype == dtype
        np.testing.assert_array_equal(targets.values, INDICATOR)
        np.testing.assert_array_equal(classes, [0, 1, 2])


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (INDICATOR + 1, None, r"0 and 1 for several labels.*the value 2.*\(4, 3\)"),
        (csr_array(INDICATOR / 2), None, "the value 0.5 in a matrix"),
        (INDICATOR, np.arange(2), r"the 3 labels 0 to 2; the 2 labels are 0, 1"),
        (INDICATOR, np.array(["a", "b", "c"]), "the 3 labels 0 to 2; the 3 labels are"),
        (csr_array(INDICATOR * np.nan), None, "y contains NaN"),
    ],
    ids=["integers", "sparse", "more labels", "names", "NaN"],
)
def test_other_indicators_are_refused(y, classes, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y, "float32", classes=classes)


@pytest.fixture
def labels():
    return encode_labels(INDICATOR, "float64")[0]


def test_weights_of_labels_have_a_mean_of_1(labels):
    own = np.array([1.0, 2.0, 0.5, 0.0])
    assert label_weights(None, own, labels) is None
    for class_weight in ({0: 3, 2: 0.5}, [{1: 2}, {0: 0.5}, {}]):
        for weights in (None, own):
            absent, present = label_weights(class_weight, weights, labels)
            terms = np.where(INDICATOR == 1, present, absent)
            np.testing.assert_allclose(
                np.average(terms.mean(axis=1), weights=weights), 1
            )
    absent, present = label_weights({0: 3}, None, labels)
    np.testing.assert_allclose(absent, np.array([3, 1, 1]) * 0.6)
    np.testing.assert_array_equal(present, absent)
    absent, present = label_weights([{1: 4}, {0: 0}, {}], None, labels)
    np.testing.assert_allclose(present / absent[0], [4, 1, 1])
    np.testing.assert_allclose(absent / absent[0], [1, 0, 1])


def test_balanced_labels_are_absent_and_present_with_the_same_weight(labels):
    own = np.array([1.0, 2.0, 0.5, 0.25])
    absent, present = label_weights("balanced", own, labels)
    np.testing.assert_allclose((own @ INDICATOR) * present, 3.75 / 2)
    np.testing.assert_allclose((own @ (1 - INDICATOR)) * absent, 3.75 / 2)
    targets, _ = encode_labels([[1, 0], [1, 1]], "float32")
    np.testing.assert_allclose(
        label_weights("balanced", None, targets), [[0, 1], [0.5, 1]]
    )  # the first label is never absent


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({3: 1.0}, r"not among the classes: \[3\]"),
        ({0: -1.0}, "must have finite weights >= 0; got -1.0 for class 0"),
        ([{}, {}], "for each of the 3 labels.*got"),
        ([1, 2, 3], "for each of the 3 labels.*got"),
        ([{2: 1.0}, {}, {}], r"not among the classes: \[2\]"),
        ({0: 0, 1: 0, 2: 0}, "at least one of them positive; their mean is 0.0"),
    ],
    ids=repr,
)
def test_other_weights_of_labels_are_refused(labels, class_weight, message):
    with pytest.raises(ValueError, match=message):
        label_weights(class_weight, None, labels)


# Values


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1, 2], [[1], [2]]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        (np.array([1, 2], np.float32), [[1], [2]]),
        (np.array([[1], [2]], object), [[1], [2]]),
        (pd.Series([1, 2], name="y"), [[1], [2]]),
        (pd.DataFrame({"a": [1, 3], "b": [2, 4]}), [[1, 2], [3, 4]]),
        ([True, False], [[1], [0]]),
    ],
    ids=repr,
)
def test_values_become_double_precision(y, expected):
    targets = encode_values(y)
    assert targets.kind == "values"
    assert targets.labels is None
    assert targets.values.dtype == np.float64
    np.testing.assert_array_equal(targets.values, expected)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan], "y contains NaN"),
        ([1.0, np.inf], "y contains infinity"),
        (csr_array(np.eye(3)), "y must be a dense array; got a sparse matrix"),
        (np.zeros((2, 2, 2)), "dim 3"),
        (["a", "b"], "got the label 'a'"),
        (np.array([1j, 2]), "Complex data not supported"),
        (np.zeros((3, 3)), "y must have 2 outputs.*got 3"),
        (np.zeros(3), "y must have 2 outputs.*got 1"),
    ],
    ids=str,
)
def test_other_values_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        encode_values(y, n_outputs=2)


@pytest.mark.parametrize("weighted", [False, True])
def test_variances_are_those_of_the_selected_samples(weighted):
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    values[:, 2] = np.float32(0.1)
    weights = np.float32(np.arange(20) % 4) if weighted else None
    indices = np.arange(3, 17)
    targets = with_variances(Targets(None, 3, values, weights, "values"), indices)
    chosen = values[indices].astype(float)
    w = None if weights is None else weights[indices]
    mean = np.average(chosen, axis=0, weights=w)
    expected = np.average((chosen - mean) ** 2, axis=0, weights=w)
    np.testing.assert_allclose(targets.variances[:2], expected[:2], rtol=1e-12)
    assert targets.variances[2] == 0
    assert targets.values is values
    assert targets.weights is weights


def test_samples_of_weight_0_do_not_count_in_variances():
    values, weights = np.array([[1e300], [1.0], [1.0]]), np.array([0.0, 1.0, 2.0])
    targets = Targets(None, 1, values, weights, "values")
    assert with_variances(targets, np.arange(3)).variances == 0
    assert with_variances(Targets(np.array([0, 1]), 2), np.arange(2)).variances is None


# Weights


@pytest.fixture
def hard():
    return Targets(np.array([0, 1, 1, 1, 2, 2]), 3)


@pytest.fixture
def soft():
    T = np.array([[0.25, 0.75, 0], [0.5, 0, 0.5], [0, 0, 1.0]])
    return Targets(T.argmax(axis=1), 3, T)


CLASSES = np.array(["a", "b", "c"])


def test_balanced_weights_give_every_class_the_same_total(hard, soft):
    weights = class_weights("balanced", None, hard, CLASSES)
    np.testing.assert_allclose(weights, [6 / 3, 6 / 9, 6 / 6])
    own = np.array([1, 0, 1, 1, 0.5, 0])
    weights = class_weights("balanced", own, hard, CLASSES)
    total = np.bincount(hard.labels, weights[hard.labels] * own)
    np.testing.assert_allclose(total, 3.5 / 3)
    weights = class_weights("balanced", None, soft, CLASSES)
    np.testing.assert_allclose(soft.values.sum(axis=0) * weights, 1)


def test_classes_missing_from_a_dict_get_weight_1(hard):
    for label, weight in (("b", 0), (np.str_("b"), np.float32(0.5)), ("b", 3)):
        weights = class_weights({label: weight}, None, hard, CLASSES)
        np.testing.assert_array_equal(weights, [1, weight, 1])
    assert class_weights(None, None, hard, CLASSES) is None
    weights = class_weights({np.int64(7): 2.0}, None, hard, np.array([5.0, 6.0, 7.0]))
    np.testing.assert_array_equal(weights, [1, 1, 2])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"d": 1.0},
            r"not among the classes: \['d'\]; the 3 classes are 'a', 'b', 'c'",
        ),
        ({0: 1.0}, r"not among the classes: \[0\]"),
        ({"a": -1}, "class_weight must have finite weights >= 0; got -1 for class 'a'"),
        ({"a": np.nan}, "got nan for class 'a'"),
        ({"a": np.inf}, "got inf for class 'a'"),
        ({"a": "1"}, "got '1' for class 'a'"),
        ({"a": None}, "got None for class 'a'"),
    ],
)
def test_other_dicts_are_refused(hard, class_weight, message):
    with pytest.raises(ValueError, match=message):
        class_weights(class_weight, None, hard, CLASSES)


def test_a_row_of_probabilities_gets_the_mean_of_the_class_weights(soft):
    by_class = np.array([1.0, 2.0, 4.0])
    expected = np.array([0.25 + 1.5, 0.5 + 2, 4])
    weights = combine_weights(None, by_class, soft)
    np.testing.assert_allclose(weights, expected / 4)
    weights = combine_weights(np.array([1.0, 4.0, 0.0]), by_class, soft)
    np.testing.assert_allclose(weights, [1.75 / 10, 1, 0])


@pytest.mark.parametrize("weight", [5e-324, 1e-300, 1e308])
def test_only_the_ratio_of_class_weights_counts(hard, weight):
    weights = combine_weights(None, np.full(3, weight), hard)
    np.testing.assert_array_equal(weights, np.ones(6))


def test_products_of_weights_that_vanish_or_overflow_are_refused(hard):
    with pytest.raises(ValueError, match=r"at least one.*positive; the largest is 0"):
        combine_weights(None, np.zeros(3), hard)
    own = np.where(hard.labels == 0, 5e-324, 1)
    by_class = class_weights("balanced", own, hard, CLASSES)
    with pytest.raises(ValueError, match=r"must be finite.*the largest is inf"):
        combine_weights(own, by_class, hard)


def test_sample_weights_are_divided_by_the_largest():
    X = np.zeros((3, 1))
    np.testing.assert_array_equal(check_sample_weight([3, 0, 6], X), [0.5, 0, 1])
    np.testing.assert_array_equal(check_sample_weight(7.0, X), [1, 1, 1])
    assert check_sample_weight(None, X) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -2, 3], r"sample_weight .*smallest is -2\.0, its largest 3\.0"),
        # Depending on its version, scikit-learn refuses these itself.
        ([0, 0, 0], r"(?i)sample.weight.* at least one (positive|non-zero)"),
    ],
)
def test_sample_weights_that_are_negative_or_all_0_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weights, np.zeros((3, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_get_mean_1_over_the_samples_to_train_on(dtype):
    weights = np.array([0.1, 0.5, 1.0, 0.0])
    indices = np.array([0, 1, 3])
    normalised = normalise_weights(weights, indices, dtype)
    assert normalised.dtype == dtype
    np.testing.assert_allclose(normalised[indices].mean(), 1, rtol=1e-6)
    np.testing.assert_allclose(normalised, weights * 5, rtol=1e-6)
    assert normalise_weights(None, indices, dtype) is None
    with pytest.raises(ValueError, match="leave no sample to train on"):
        normalise_weights(weights, np.array([3]), dtype)
