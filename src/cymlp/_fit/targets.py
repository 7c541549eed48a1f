"""Targets and weights, checked and encoded."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, _check_y

from cymlp._engine.targets import Targets
from cymlp._fit.errors import naming
from cymlp.losses import TOLERANCE


def has_rows(y):
    """Whether y has rows of probabilities rather than labels."""
    shape = y.shape if issparse(y) else np.asarray(y).shape
    return len(shape) > 1 and shape[1:] != (1,)


def encode_classes(y, dtype, *, classes=None):
    """Encode labels, or rows of probabilities, as Targets.

    `classes` are the allowed labels; None for those of y. Returns the targets, with
    probabilities in `dtype`, and the classes: 0, 1, ... for rows of probabilities.
    """
    if has_rows(y):
        return _encode_probabilities(y, np.dtype(dtype), classes)
    y = _checked_labels(y)
    found = np.unique(y)
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


def _checked_labels(y):
    """Labels as an array; missing ones and values other than labels are refused."""
    missing = _is_missing(np.asarray(y).ravel())
    if missing.any():
        raise ValueError(
            f"y contains NaN or None, for missing labels: {missing.sum()} of "
            f"{missing.size}, the first at index {missing.argmax()}. Leave these "
            "samples out: with keep = ~pandas.isna(y), pass X[keep] and y[keep]."
        )
    y = _check_y(y)
    if y.size == 0:
        raise ValueError("y must have at least one label; got none")
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(_unknown_type(y)) from error
    return y


def _is_missing(labels):
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind != "O":
        return np.zeros(labels.size, bool)
    missing = [
        not isinstance(label, str)
        and (label is None or is_scalar_nan(label) or is_pandas_na(label))
        for label in labels
    ]
    return np.array(missing, bool)


def _unknown_type(y):
    """Text of the error for y that scikit-learn does not take for labels."""
    if y.dtype.kind == "f":
        example = y[y != np.floor(y)][0]
        return (
            f"Unknown label type: continuous. y has real values such as {example:g}, "
            "and a classifier needs labels. Use a regressor to predict real values; "
            "if they are labels, pass y.astype(str)."
        )
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
    if not issparse(T):
        T = np.asarray(T)
    if issparse(T) or T.dtype.kind != "f" or T.ndim != 2:
        raise ValueError(
            "y must be labels of shape (n_samples,), or rows of probabilities as "
            "floats of shape (n_samples, n_classes); got "
            f"{'a sparse matrix' if issparse(T) else 'an array'} of dtype {T.dtype} "
            f"and shape {T.shape}. {_advice_on_rows(T)}"
        )
    T = check_array(T, dtype=np.float64, ensure_min_features=2, input_name="y")
    total = T.sum(axis=1)
    wrong = (T < 0).any(axis=1) | (abs(total - 1) > TOLERANCE[dtype])
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            "y must be labels, or rows of probabilities, non-negative and of sum 1 "
            f"within {TOLERANCE[dtype]:g}; row {row} has sum {total[row]:g} and "
            f"minimum {T[row].min():g}. For real values, use a regressor. For several "
            "outputs per sample, wrap the classifier in "
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


def _advice_on_rows(T):
    is_one_hot = T.dtype.kind in "biu" and np.all((T != 0).sum(axis=1) == 1)
    if is_one_hot:
        return "For one-hot rows, pass y.argmax(axis=1)."
    return (
        "For several labels or outputs per sample, wrap the classifier in "
        "sklearn.multioutput.MultiOutputClassifier."
    )


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
                "rows of probabilities; got None. Pass all labels that will occur in "
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
            "sample_weight and class_weight leave no sample to train on: their product "
            "is 0 for all samples that early_stopping does not hold out"
        )
    return (weights / mean).astype(dtype)
