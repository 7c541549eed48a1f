"""Data to learn from: samples with labels or probabilities, and with weights."""

from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y

from cymlp._engine.inputs import Inputs

# How far a row of probabilities may be from 1 in sum.
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-6}


class Targets(NamedTuple):
    """What is to be learned of samples, as numbers.

    Attributes
    ----------
    y : ndarray of intp of shape (n_samples,)
        Class of each sample as a number from 0, the likeliest where there are
        probabilities.
    T : ndarray of shape (n_samples, n_classes) or None
        Probabilities of the classes, where these are given and not labels.
    n_classes : int
    """

    y: np.ndarray
    T: np.ndarray | None
    n_classes: int

    def rows(self, index):
        """Take some samples.

        Parameters
        ----------
        index : slice or ndarray of int

        Returns
        -------
        targets : Targets
        """
        T = None if self.T is None else self.T[index]
        return self._replace(y=self.y[index], T=T)

    def probabilities(self, dtype):
        """Make rows of probabilities, one-hot where there are labels.

        Parameters
        ----------
        dtype : dtype

        Returns
        -------
        T : ndarray of shape (n_samples, n_classes)
        """
        if self.T is not None:
            return self.T
        return np.eye(self.n_classes, dtype=dtype)[self.y]


class Dataset(NamedTuple):
    """Samples with all that belongs to them, checked.

    Attributes
    ----------
    X : Inputs of shape (n_samples, n_features), or what rows of it were read as
    targets : Targets
    weights : ndarray of float64 of shape (n_samples,) or None
        Up to a factor. None where all are 1.
    """

    X: Inputs | np.ndarray
    targets: Targets
    weights: np.ndarray | None

    def rows(self, index):
        """Read some samples.

        Parameters
        ----------
        index : slice or ndarray of int

        Returns
        -------
        dataset : Dataset
            Whose X is an array or a CSR matrix.
        """
        weights = None if self.weights is None else self.weights[index]
        return Dataset(self.X.rows(index), self.targets.rows(index), weights)


def has_rows(y):
    """Whether targets have a row for each sample, and are no labels then.

    Parameters
    ----------
    y : array-like or sparse matrix

    Returns
    -------
    has_rows : bool

    Examples
    --------
    >>> from cymlp._fit.targets import has_rows
    >>> has_rows(["a", "b"]), has_rows([["a"], ["b"]]), has_rows([[0.25, 0.75]])
    (False, False, True)
    """
    shape = y.shape if issparse(y) else np.asarray(y).shape
    return len(shape) > 1 and shape[1:] != (1,)


def encode(y, dtype, *, classes=None):
    """Check targets and make them numbers.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, or rows of probabilities as floats.
    dtype : dtype
        Of the probabilities.
    classes : ndarray of shape (n_classes,), default=None
        Those that y may have; by default those that it has.

    Returns
    -------
    targets : Targets
    classes : ndarray of shape (n_classes,)
        Labels; 0, 1, ... where y has probabilities.

    Raises
    ------
    ValueError
        If y is neither labels of at least two classes nor rows of probabilities, or has
        classes that are not among those given.

    Examples
    --------
    >>> from cymlp._fit.targets import encode
    >>> targets, classes = encode(["b", "a", "b"], "float32")
    >>> targets.y, classes
    (array([1, 0, 1]), array(['a', 'b'], dtype='<U1'))
    >>> targets, classes = encode([[0.25, 0.75], [1.0, 0.0]], "float32")
    >>> targets.y, classes
    (array([1, 0]), array([0, 1]))
    """
    if has_rows(y):
        return _encode_probabilities(y, np.dtype(dtype), classes)
    y = _check_y(y)
    check_classification_targets(y)
    found = np.unique(y)
    y = np.searchsorted(found, y)
    if classes is None:
        if found.size < 2:
            raise ValueError(
                "y must have samples of at least 2 classes; "
                f"got one class only: {found.tolist()[0]!r}"
            )
        classes = found
    else:
        y = _positions(found, classes)[y]
    return Targets(y.astype(np.intp, copy=False), None, classes.size), classes


def _positions(found, classes):
    """Where the labels that were found are among the classes."""
    # Looked up in Python, because NumPy compares no strings with numbers.
    position = {label: index for index, label in enumerate(classes.tolist())}
    if unknown := [label for label in found.tolist() if label not in position]:
        raise ValueError(
            f"y has labels that are not among the classes: {unknown[:5]}; "
            f"the {classes.size} classes are {_shortened(classes)}"
        )
    return np.array([position[label] for label in found.tolist()], np.intp)


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
    return Targets(T.argmax(axis=1), T, T.shape[1]), classes


def class_factors(class_weight, sample_weight, targets, classes):
    """Make a factor for each class of what `class_weight` says.

    Parameters
    ----------
    class_weight : dict of label to float, "balanced", or None
        Labels that are not in the dict have weight 1. "balanced" weights make every
        class count the same in sum, sample weights included.
    sample_weight : ndarray of float64 of shape (n_samples,) or None
    targets : Targets
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    factors : ndarray of float64 of shape (n_classes,) or None
        None for None.

    Raises
    ------
    ValueError
        If class_weight has labels that are not among the classes, or weights that are
        not non-negative and finite.

    Examples
    --------
    >>> from cymlp._fit.targets import class_factors, encode
    >>> targets, classes = encode(["a", "b", "b", "b"], "float32")
    >>> class_factors("balanced", None, targets, classes)
    array([2.        , 0.66666667])
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, Mapping):
        return _given_factors(class_weight, classes)
    weights = np.ones(len(targets.y)) if sample_weight is None else sample_weight
    if targets.T is None:
        total = np.bincount(targets.y, weights, minlength=targets.n_classes)
    else:
        total = weights @ targets.T
    # A class without samples of positive weight needs no factor. Weights that are too
    # small to be balanced get an infinite one, which is refused with what it makes.
    with np.errstate(over="ignore"):
        return total.sum() / (targets.n_classes * np.where(total > 0, total, 1))


def _given_factors(class_weight, classes):
    factors = dict.fromkeys(classes.tolist(), 1.0)
    if unknown := [label for label in class_weight if label not in factors]:
        raise ValueError(
            f"class_weight has labels that are not among the classes: {unknown[:5]}; "
            f"the {classes.size} classes are {_shortened(classes)}"
        )
    for label, factor in class_weight.items():
        if not (isinstance(factor, Real) and 0 <= factor < np.inf):
            raise ValueError(
                "class_weight must have non-negative, finite numbers; "
                f"it has {factor!r} for the class {label!r}"
            )
    return np.array(list((factors | class_weight).values()), np.float64)


def combined_weights(sample_weight, factors, targets):
    """Multiply the weights of samples by those of their classes.

    Parameters
    ----------
    sample_weight : ndarray of float64 of shape (n_samples,) or None
    factors : ndarray of float64 of shape (n_classes,) or None
    targets : Targets
        A row of probabilities has the mean of the factors by these.

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,) or None
        Divided by the largest. None where all are 1.

    Raises
    ------
    ValueError
        If none of the products is positive, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.targets import combined_weights, encode
    >>> targets, _ = encode([[0.25, 0.75], [1.0, 0.0]], "float64")
    >>> combined_weights(np.array([1.0, 10.0]), np.array([2.0, 4.0]), targets)
    array([0.175, 1.   ])
    """
    if factors is None:
        return sample_weight
    weights = factors[targets.y] if targets.T is None else targets.T @ factors
    if sample_weight is not None:
        with np.errstate(invalid="ignore"):
            weights = weights * sample_weight
    largest = weights.max()
    if not 0 < largest < np.inf:
        raise ValueError(
            "sample_weight and class_weight must have finite products, at least one of "
            f"them positive; the largest is {largest}"
        )
    return weights / largest


def check_weights(sample_weight, X):
    """Check weights of samples.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float, or None
    X : array or sparse matrix of n_samples rows

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,) or None
        Divided by the largest, because the mean of numbers near the largest or smallest
        could not be represented. None for None.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or none is positive.

    Examples
    --------
    >>> from cymlp._fit.targets import check_weights
    >>> check_weights([2, 0, 4], [[1], [2], [3]])
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


def weights_of_mean_1(weights, rows, dtype):
    """Scale weights so that their mean over some rows is 1.

    Parameters
    ----------
    weights : ndarray of float64 of shape (n_samples,) or None
    rows : ndarray of int
        Those that are trained on.
    dtype : dtype

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If none of the rows has a positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.targets import weights_of_mean_1
    >>> weights_of_mean_1(np.array([1.0, 3.0, 9.0]), np.array([0, 1]), "float64")
    array([0.5, 1.5, 4.5])
    """
    if weights is None:
        return None
    mean = weights[rows].mean()
    if mean == 0:
        raise ValueError(
            "sample_weight and class_weight leave no sample to train on: the product "
            "of both is 0 for all that early_stopping does not hold out"
        )
    return (weights / mean).astype(dtype)
