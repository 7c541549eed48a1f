"""Targets and weights, checked and encoded."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y

from cymlp._engine.targets import Targets
from cymlp.losses import TOLERANCE


def has_rows(y):
    """Whether y has rows of probabilities rather than labels.

    Examples
    --------
    >>> from cymlp._fit.targets import has_rows
    >>> has_rows(["a", "b"]), has_rows([["a"], ["b"]]), has_rows([[0.25, 0.75]])
    (False, False, True)
    """
    shape = y.shape if issparse(y) else np.asarray(y).shape
    return len(shape) > 1 and shape[1:] != (1,)


def encode_classes(y, dtype, *, classes=None):
    """Encode the targets of a classifier.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, or rows of probabilities as floats.
    dtype : dtype
        Of the probabilities.
    classes : ndarray of shape (n_classes,), default=None
        The allowed classes; None for those of y.

    Returns
    -------
    targets : Targets
        With the index of each sample's class, the most likely one where there are
        probabilities.
    classes : ndarray of shape (n_classes,)
        Labels; 0, 1, ... for rows of probabilities.

    Raises
    ------
    ValueError
        If y has neither labels of at least two classes nor rows of probabilities, or
        classes that are not allowed.

    Examples
    --------
    >>> from cymlp._fit.targets import encode_classes
    >>> targets, classes = encode_classes(["b", "a", "b"], "float32")
    >>> targets.labels, classes
    (array([1, 0, 1]), array(['a', 'b'], dtype='<U1'))
    >>> targets, classes = encode_classes([[0.25, 0.75], [1.0, 0.0]], "float32")
    >>> targets.labels, classes
    (array([1, 0]), array([0, 1]))
    """
    if has_rows(y):
        return _encode_probabilities(y, np.dtype(dtype), classes)
    y = _check_y(y)
    check_classification_targets(y)
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


def _indices_in(classes, found):
    """The index of each label found among the classes."""
    # Looked up in Python, because NumPy does not compare strings with numbers.
    index_of = {label: index for index, label in enumerate(classes.tolist())}
    if unknown := [label for label in found.tolist() if label not in index_of]:
        raise ValueError(
            f"y has labels that are not among the classes: {unknown[:5]}; "
            f"the {classes.size} classes are {_shortened(classes)}"
        )
    return np.array([index_of[label] for label in found.tolist()], np.intp)


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
            f"{'a sparse matrix' if issparse(T) else 'an array'} of {T.dtype} and "
            f"shape {T.shape}. For several labels or outputs per sample wrap the "
            "classifier in sklearn.multioutput.MultiOutputClassifier; one-hot rows are "
            "labels after y.argmax(axis=1)."
        )
    T = check_array(T, dtype=np.float64, ensure_min_features=2, input_name="y")
    total = T.sum(axis=1)
    wrong = (T < 0).any(axis=1) | (abs(total - 1) > TOLERANCE[dtype])
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            "y must be labels, or have rows of probabilities, non-negative and of sum "
            f"1 within {TOLERANCE[dtype]:g}; row {row} has sum {total[row]:g} and "
            f"minimum {T[row].min():g}. For several outputs per sample wrap the "
            "classifier in sklearn.multioutput.MultiOutputClassifier."
        )
    if classes is None:
        classes = np.arange(T.shape[1])
    elif not np.array_equal(classes, np.arange(T.shape[1])):
        raise ValueError(
            f"y has rows of {T.shape[1]} probabilities, which are for the classes 0 to "
            f"{T.shape[1] - 1}; the {classes.size} classes are {_shortened(classes)}"
        )
    T = np.require(T / total[:, np.newaxis], dtype, "C")
    return Targets(T.argmax(axis=1), T.shape[1], T), classes


def class_weights(class_weight, sample_weight, targets, classes):
    """Weight of each class.

    Parameters
    ----------
    class_weight : dict of label to float, "balanced", or None
        Classes missing from the dict get weight 1. With "balanced" the samples of each
        class have the same total weight, sample weights included.
    sample_weight : ndarray of float64 of shape (n_samples,) or None
    targets : Targets
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    weights : ndarray of float64 of shape (n_classes,) or None
        None for None.

    Raises
    ------
    ValueError
        If class_weight has labels that are not among the classes, or weights that are
        negative or not finite.

    Examples
    --------
    >>> from cymlp._fit.targets import class_weights, encode_classes
    >>> targets, classes = encode_classes(["a", "b", "b", "b"], "float32")
    >>> class_weights("balanced", None, targets, classes)
    array([2.        , 0.66666667])
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
    # be balanced give an infinite weight, which is refused together with its products.
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


def combine_weights(sample_weight, class_weights, targets):
    """Multiply the weights of samples by those of their classes.

    Parameters
    ----------
    sample_weight : ndarray of float64 of shape (n_samples,) or None
    class_weights : ndarray of float64 of shape (n_classes,) or None
    targets : Targets
        A row of probabilities gets the mean of the class weights by these.

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,) or None
        Divided by the largest. None for weights of 1.

    Raises
    ------
    ValueError
        If none of the products is positive, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.targets import combine_weights, encode_classes
    >>> targets, _ = encode_classes([[0.25, 0.75], [1.0, 0.0]], "float64")
    >>> combine_weights(np.array([1.0, 10.0]), np.array([2.0, 4.0]), targets)
    array([0.175, 1.   ])
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
    if not 0 < largest < np.inf:
        raise ValueError(
            "the products of sample_weight and class_weight must be finite, and at "
            f"least one of them positive; the largest is {largest}"
        )
    return weights / largest


def check_sample_weight(sample_weight, X):
    """Check weights of samples.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float, or None
    X : array or sparse matrix of n_samples rows

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,) or None
        Divided by the largest, because the mean of very large or very small weights
        could not be represented. None for None.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or none is positive.

    Examples
    --------
    >>> from cymlp._fit.targets import check_sample_weight
    >>> check_sample_weight([2, 0, 4], [[1], [2], [3]])
    array([0.5, 0. , 1. ])
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
    """Divide weights by their mean over the samples to train on.

    Parameters
    ----------
    weights : ndarray of float64 of shape (n_samples,) or None
    indices : ndarray of int
        The samples to train on.
    dtype : dtype

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If none of these samples has a positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.targets import normalise_weights
    >>> normalise_weights(np.array([1.0, 3.0, 9.0]), np.array([0, 1]), "float64")
    array([0.5, 1.5, 4.5])
    """
    if weights is None:
        return None
    mean = weights[indices].mean()
    if mean == 0:
        raise ValueError(
            "sample_weight and class_weight leave no sample to train on: their product "
            "is 0 for all samples that early_stopping does not hold out"
        )
    return (weights / mean).astype(dtype)
