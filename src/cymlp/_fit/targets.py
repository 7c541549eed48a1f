"""Targets and weights, checked and encoded."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from cymlp._engine.targets import Targets
from cymlp._fit.errors import naming
from cymlp._sklearn import _check_sample_weight, _check_y, is_pandas_na, is_scalar_nan
from cymlp.losses import TOLERANCE

# Kinds of targets, as losses have them, in words.
TARGETS = {
    "classes": "one class per sample",
    "labels": "several labels per sample",
    "values": "real values",
}


SETS_OF_LABELS = (
    "y has sets of labels of different sizes. Turn them into 0 and 1 with "
    "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
)


def kind_of(y):
    """The kind of targets that y has for a classifier, "classes" or "labels"."""
    return "labels" if is_indicator(y) else "classes"


def check_kind(y, expected):
    """Refuse y of another kind than the data that came before."""
    if (kind := kind_of(y)) != expected:
        raise ValueError(
            f"y must have {TARGETS[expected]}, as in the training data or in earlier "
            f"calls; got {TARGETS[kind]}"
        )


def has_rows(y):
    """Whether y has rows rather than one label for each sample."""
    shape = y.shape if issparse(y) else np.asarray(y).shape
    return len(shape) > 1 and shape[1:] != (1,)


def encode_classes(y, dtype, *, classes=None):
    """Encode labels, or rows of probabilities, as Targets.

    `classes` are the allowed labels; None for those of y. Returns the targets, with
    probabilities in `dtype`, and the classes: 0, 1, ... for rows of probabilities.
    """
    if has_rows(y):
        return _encode_probabilities(y, np.dtype(dtype), classes)
    if classes is not None and (labels := known_indices(classes, y)) is not None:
        return Targets(labels, classes.size), classes
    y, found = _checked_labels(y)
    labels = np.searchsorted(found, y)
    if classes is None:
        if found.size < 2:
            raise ValueError(
                "y must have at least 2 classes; got one class only: "
                f"{found.tolist()[0]!r}"
            )
        classes = found
    else:
        labels = _indices_in(classes, found)[labels]
    return Targets(labels.astype(np.intp, copy=False), classes.size), classes


def known_indices(classes, y):
    """The index of each label, intp; None unless all are certainly known labels."""
    y = np.asarray(y)
    if y.dtype.kind != classes.dtype.kind or not _are_labels(y, classes.size):
        return None
    indices = classes.searchsorted(y)
    is_known = classes.take(indices, mode="clip") == y
    return indices if is_known.all() else None


def _are_labels(y, n_found):
    """Whether y certainly has labels in which scikit-learn's check finds nothing.

    It refuses some floats and objects, and warns if more than half of many labels are
    different. It takes longer than a step of training.
    """
    return (
        y.ndim == 1
        and y.size > 0
        and y.dtype.kind in "biuU"
        and (y.size <= 20 or n_found < y.size // 2)
    )


def _checked_labels(y):
    """Labels as an array, and the different ones.

    Missing ones and values other than labels are refused.
    """
    given = np.asarray(y)
    if given.size == 0:
        raise ValueError("y must have at least one label; got none")
    if given.dtype.kind in "biuU" and given.ndim == 1:
        found = np.unique(given)
        if _are_labels(given, found.size):
            return given, found
    _check_present(given.ravel(), "labels")
    y = _check_y(y)
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(_unknown_type(y)) from error
    return y, np.unique(y)


def _check_present(y, what):
    """Refuse missing targets (n_samples,) or (n_samples, n_outputs)."""
    missing = _is_missing(y.ravel()).reshape(len(y), -1).any(axis=1)
    if missing.any():
        keep = "~pandas.isna(y)" if y.ndim == 1 else "~pandas.isna(y).any(axis=1)"
        raise ValueError(
            f"y contains NaN or None, for missing {what}: {missing.sum()} of "
            f"{missing.size}, the first at index {missing.argmax()}. Leave these "
            f"samples out: with keep = {keep}, pass X[keep] and y[keep]."
        )


def _is_missing(targets):
    if targets.dtype.kind == "f":
        return np.isnan(targets)
    if targets.dtype.kind != "O":
        return np.zeros(targets.size, bool)
    missing = [
        not isinstance(target, str)
        and (target is None or is_scalar_nan(target) or is_pandas_na(target))
        for target in targets
    ]
    return np.array(missing, bool)


def _unknown_type(y):
    """Text of the error for y that scikit-learn does not take for labels."""
    if y.dtype.kind == "f":
        example = y[y != np.floor(y)][0]
        return (
            f"Unknown label type: continuous. y has real values such as {example:g}, "
            "and a classifier needs labels. Use MLPRegressor to predict real values; "
            "if they are labels, pass y.astype(str)."
        )
    if {*map(type, y)} <= {list, set, tuple}:
        return SETS_OF_LABELS
    types = sorted({type(label).__name__ for label in y.tolist()})
    numeric = types in (["bool"], ["float"], ["int"])
    return (
        f"Unknown label type: y has dtype {y.dtype} and labels of type "
        f"{' and '.join(types)}. Make all labels of one type: pass "
        f"y.astype({types[0] if numeric else 'str'})."
    )


def _indices_in(classes, found):
    """The index of each label found among the classes."""
    # Looked up in Python, because NumPy does not compare strings with numbers.
    index_of = {label: index for index, label in enumerate(classes.tolist())}
    if unknown := [label for label in found.tolist() if label not in index_of]:
        raise ValueError(
            f"labels that are not among the classes: {unknown[:5]}; the "
            f"{classes.size} classes are {_shortened(classes)}, from the labels passed "
            "to fit or the classes passed to the first partial_fit"
        )
    return np.array([index_of[label] for label in found.tolist()], np.intp)


def check_same_classes(classes, previous):
    """Refuse other classes for a warm start, in the words of scikit-learn."""
    if classes.tolist() != previous.tolist():
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. Previously got {previous}, `y` has {classes}. "
            "Write warm_start=False to start again, or use partial_fit to train on "
            "samples of some of the classes."
        )


def most_likely_labels(y, dtype, classes):
    """Labels as they are; for rows of probabilities, the most likely class of each."""
    if not has_rows(y):
        return y
    targets, _ = encode_classes(y, dtype, classes=classes)
    return classes[targets.labels]


def _shortened(classes):
    shown = [repr(label) for label in classes[:10].tolist()]
    return ", ".join(shown + ["..."] * (classes.size > 10))


def _encode_probabilities(T, dtype, classes):
    T = np.asarray(T)
    if T.dtype.kind != "f" or T.ndim != 2:
        raise ValueError(
            "y must be labels of shape (n_samples,), rows of probabilities as floats "
            "of shape (n_samples, n_classes), or rows of 0 and 1 for several labels as "
            f"integers or booleans; got an array of dtype {T.dtype} and shape "
            f"{T.shape}. If these are 0 and 1, pass y.astype(int). For several outputs "
            "per sample, wrap the classifier in "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    T = check_array(T, dtype=np.float64, ensure_min_features=2, input_name="y")
    total = T.sum(axis=1)
    wrong = (T < 0).any(axis=1) | (abs(total - 1) > TOLERANCE[dtype])
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            "y must be labels, or rows of probabilities, non-negative and of sum 1 "
            f"within {TOLERANCE[dtype]:g}; row {row} has sum {total[row]:g} and "
            f"minimum {T[row].min():g}. For real values, use MLPRegressor. For several "
            "labels per sample, pass integers, y.astype(int). For several outputs, "
            "wrap the classifier in "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    if classes is None:
        classes = np.arange(T.shape[1])
    elif not np.array_equal(classes, np.arange(T.shape[1])):
        raise ValueError(
            f"y has rows of {T.shape[1]} probabilities, for the classes 0 to "
            f"{T.shape[1] - 1}; the {classes.size} classes are {_shortened(classes)}"
        )
    T = np.require(T / total[:, np.newaxis], dtype, "C")
    return Targets(T.argmax(axis=1), T.shape[1], T), classes


def is_indicator(y):
    """Whether y has one column of 0 and 1 for each of several labels.

    Floats are probabilities instead.
    """
    if issparse(y):
        return True
    try:
        y = np.asarray(y)
    except ValueError as error:
        raise ValueError(SETS_OF_LABELS) from error
    return y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "biu"


def encode_labels(y, dtype, *, classes=None):
    """Encode an indicator matrix, dense or sparse, as Targets.

    `classes` are the allowed labels, 0, 1, ...; None for those of y. Returns the
    targets, with values in `dtype`, and the classes.
    """
    y = check_array(y, accept_sparse=True, dtype=None, input_name="y")
    y = y.toarray() if issparse(y) else y
    wrong = (y != 0) & (y != 1)
    if wrong.any():
        raise ValueError(
            "y must be labels of shape (n_samples,), rows of probabilities as floats, "
            "or 0 and 1 for several labels per sample, of shape (n_samples, n_labels); "
            f"got the value {y[wrong][0]} in a matrix of shape {y.shape}. For several "
            "outputs with more than two classes, wrap the classifier in "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    labels = np.arange(y.shape[1])
    # As lists, since NumPy before 1.25 warns when it compares names with integers.
    if classes is not None and classes.tolist() != labels.tolist():
        raise ValueError(
            f"y has columns for the {labels.size} labels 0 to {labels.size - 1}; the "
            f"{classes.size} labels are {_shortened(classes)}"
        )
    values = np.require(y, dtype, "C")
    return Targets(None, labels.size, values, kind="labels"), labels


def encode_values(y, *, n_outputs=None):
    """Encode real values of shape (n_samples,) or (n_samples, n_outputs) as Targets.

    The values of the targets are float64. `n_outputs` is their number, None for any.
    """
    if issparse(y):
        raise ValueError(
            f"y must be a dense array; got a sparse matrix of shape {y.shape}. Pass "
            "y.toarray()."
        )
    y = _checked_values(y)
    values = y.reshape(len(y), -1)
    if n_outputs is not None and values.shape[1] != n_outputs:
        raise ValueError(
            f"y must have {n_outputs} outputs, as in earlier calls or in the training "
            f"data; got {values.shape[1]}"
        )
    return Targets(None, values.shape[1], values, kind="values")


def _checked_values(y):
    """Real values as an array of float64; missing ones and others are refused."""
    given = np.asarray(y)
    if given.dtype.kind in "biuf" and given.ndim in (1, 2) and given.size > 0:
        values = np.require(given, np.float64, "C")
        # Then scikit-learn's check, which takes longer than a step, finds nothing.
        if np.isfinite(values).all():
            return values
    given = np.atleast_1d(given)
    _check_present(given, "values")
    if given.dtype.kind in "OSU":
        _check_real(given.ravel())
    return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", order="C")


def _check_real(y):
    """Refuse labels that are not numbers."""
    for value in y.tolist():
        try:
            float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"y must have real values; got the label {value!r}. Use MLPClassifier "
                "to predict labels."
            ) from error


def partial_fit_classes(classifier, y, classes):
    """Check the classes given to partial_fit; None for those of the first y."""
    if isinstance(classifier.class_weight, str):
        raise ValueError(
            "class_weight must be a dict or None for partial_fit, which does not see "
            f"all samples at once; got {classifier.class_weight!r}. The function "
            "sklearn.utils.class_weight.compute_class_weight computes balanced weights "
            "from all labels."
        )
    known = getattr(classifier, "classes_", None)
    if classes is None:
        if known is None and not has_rows(y):
            raise ValueError(
                "classes must be passed on the first call to partial_fit, unless y has "
                "a column for each class; got None. Pass all labels that will occur in "
                "any call: partial_fit(X, y, classes=numpy.unique(all_labels))"
            )
        return known
    with naming("classes"):
        classes = unique_labels(classes)
    if classes.size < 2:
        raise ValueError(f"classes must have at least 2 labels; got {classes!r}")
    if known is not None and not np.array_equal(classes, known):
        raise ValueError(
            "classes must be the same in every call to partial_fit; got "
            f"{classes!r}, earlier {known!r}"
        )
    return classes


def class_weights(class_weight, sample_weight, targets, classes):
    """Weight of each class, float64 of shape (n_classes,), or None for None.

    "balanced" gives all classes the same total weight, sample weights included.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, Mapping):
        return _given_weights(class_weight, classes)
    if class_weight != "balanced":
        raise ValueError(
            "class_weight must be a dict, 'balanced' or None, unless samples have "
            f"several labels; got {class_weight!r}. Write a dict of label to weight: "
            "{0: 1, 1: 5}."
        )
    weights = np.ones(targets.n_samples) if sample_weight is None else sample_weight
    if targets.values is None:
        total = np.bincount(targets.labels, weights, minlength=targets.n_outputs)
    else:
        total = weights @ targets.values
    # A class without samples of positive weight needs no weight. Totals too small to
    # be balanced give an infinite weight, which `combine_weights` refuses.
    with np.errstate(over="ignore"):
        return total.sum() / (targets.n_outputs * np.where(total > 0, total, 1))


def _given_weights(class_weight, classes):
    weights = dict.fromkeys(classes.tolist(), 1.0)
    if unknown := [label for label in class_weight if label not in weights]:
        raise ValueError(
            f"class_weight has labels that are not among the classes: {unknown[:5]}; "
            f"the {classes.size} classes are {_shortened(classes)}"
        )
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and 0 <= weight < np.inf):
            raise ValueError(
                "class_weight must have finite weights >= 0; "
                f"got {weight!r} for class {label!r}"
            )
    return np.array(list((weights | class_weight).values()), np.float64)


def label_weights(class_weight, sample_weight, targets):
    """Weights of each label's loss where it is absent and where it is present.

    Float64 of shape (2, n_labels), divided by their mean over the targets; None for
    None. "balanced" gives the absence and the presence of a label the same total
    weight, sample weights included. A list has a dict for each label, with weights of
    0 and 1; a dict has a weight of each label.
    """
    if class_weight is None:
        return None
    n_labels = targets.n_outputs
    weights = np.ones(targets.n_samples) if sample_weight is None else sample_weight
    present = weights @ targets.values
    totals = np.stack([weights.sum() - present, present])
    if isinstance(class_weight, str):
        return weights.sum() / (2 * np.where(totals > 0, totals, np.inf))
    if isinstance(class_weight, Mapping):
        given = np.tile(_given_weights(class_weight, np.arange(n_labels)), (2, 1))
    elif len(class_weight) == n_labels and all(
        isinstance(member, Mapping) for member in class_weight
    ):
        pairs = [_given_weights(member, np.arange(2)) for member in class_weight]
        given = np.transpose(pairs)
    else:
        raise ValueError(
            "class_weight must be a dict with a weight of each label, a list with a "
            f"dict of the weights of 0 and 1 for each of the {n_labels} labels, "
            f"'balanced' or None; got {class_weight!r}"
        )
    mean = (given * totals).sum() / (n_labels * weights.sum())
    if not 0 < mean < np.inf:
        raise ValueError(
            "the weights that class_weight gives to the labels of y must be finite, "
            f"and at least one of them positive; their mean is {mean}"
        )
    return given / mean


def combine_weights(sample_weight, class_weights, targets, suffix=""):
    """Multiply sample weights by class weights; divide the products by the largest.

    All weights are float64 or None; None stands for weights of 1. For a row of
    probabilities, the class weight is the mean under these. `suffix` is "_val" for
    validation data.
    """
    if class_weights is None:
        return sample_weight
    if targets.values is None:
        weights = class_weights[targets.labels]
    else:
        weights = targets.values @ class_weights
    if sample_weight is not None:
        with np.errstate(invalid="ignore"):
            weights = weights * sample_weight
    largest = weights.max()
    if 0 < largest < np.inf:
        return weights / largest
    if sample_weight is None:
        raise ValueError(
            f"the weights that class_weight gives to the samples of y{suffix} must be "
            f"finite, and at least one of them positive; the largest is {largest}"
        )
    raise ValueError(
        f"the products of sample_weight{suffix} and class_weight must be finite, and "
        f"at least one of them positive; the largest is {largest}"
    )


def check_sample_weight(sample_weight, X):
    """Check sample weights; divide them by the largest. None for None.

    The mean of very large or very small weights could not be represented.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if np.any(weights < 0) or not np.any(weights > 0):
        raise ValueError(
            "sample_weight must have no negative value and at least one positive; "
            f"its smallest is {weights.min()}, its largest {weights.max()}"
        )
    return weights / weights.max()


def normalise_weights(weights, indices, dtype):
    """Divide weights by their mean over the training samples in `indices`."""
    if weights is None:
        return None
    mean = weights[indices].mean()
    if mean == 0:
        raise ValueError(
            "the weights of the samples leave no sample to train on: they are 0 for "
            "all samples that early_stopping does not hold out"
        )
    return (weights / mean).astype(dtype)


def with_variances(targets, indices):
    """Real targets with the weighted variances of the samples in `indices`, for R2.

    Other targets stay as they are.
    """
    if targets.kind != "values":
        return targets
    weights = targets.weights
    if weights is not None:
        indices = indices[weights[indices] > 0]
        weights = weights[indices]
    values = targets.values[indices].astype(np.float64)
    values -= values[0]  # so that the variance of equal values is exactly 0
    mean = np.average(values, axis=0, weights=weights)
    variances = np.average((values - mean) ** 2, axis=0, weights=weights)
    return targets.with_variances(variances)
