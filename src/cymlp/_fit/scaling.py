"""Conversion and scaling of X, done as its rows are read."""

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import InvalidParameterError

from cymlp._engine.inputs import READABLE, Inputs, is_file
from cymlp._engine.storage.dense import MAX_ROWS

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def conversion(X, dtype, is_scaled, once=False):
    """Arguments for scikit-learn's check of X, such that X is not copied needlessly.

    Parameters
    ----------
    X : array-like or sparse matrix
    dtype : dtype
        Precision of the computation.
    is_scaled : bool
        Whether X will be scaled. Until then it keeps its digits.
    once : bool, default=False
        Whether X will be read only once.

    Returns
    -------
    arguments : dict
        For ``check_array`` or ``validate_data``.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.scaling import conversion
    >>> [str(dtype) for dtype in conversion(np.zeros(2), "float32", False)["dtype"]][:3]
    ['float32', 'bool', 'uint8']
    """
    dtype = np.dtype(dtype)
    arguments = {"order": "C", "accept_sparse": "csr", "ensure_all_finite": False}
    if issparse(X):
        return arguments | {"dtype": dtype}
    kept = list(READABLE)
    if not (is_scaled or once or is_file(X) or dtype == np.float64):
        # Converted, these take half of the memory, and half of the time to read in
        # every epoch.
        kept.remove(np.float64)
    # Other types are converted to the first.
    kept.insert(0, np.dtype(np.float64) if is_scaled else dtype)
    return arguments | {"dtype": kept}


def as_inputs(X, dtype):
    """Make inputs of what scikit-learn has checked, not scaled yet.

    Parameters
    ----------
    X : ndarray or CSR matrix
    dtype : dtype

    Returns
    -------
    inputs : Inputs

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.scaling import as_inputs
    >>> as_inputs(np.array([[1, 2]], np.uint8), "float32").rows(slice(1))
    array([[1., 2.]], dtype=float32)
    """
    if not issparse(X):
        # Data frames of several types can come out as objects.
        X = np.require(X, None if X.dtype in READABLE else dtype, ["C", "A"])
    return Inputs(X, dtype)


def unscaled(inputs):
    """Inputs without scaling, with all their digits.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    inputs : Inputs
        In float64; sparse ones as they are, which have been converted already.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.scaling import as_inputs, unscaled
    >>> unscaled(as_inputs(np.array([[1e60]]), "float32")).rows(slice(1))
    array([[1.e+60]])
    """
    if inputs.is_sparse:
        return inputs
    return Inputs(inputs.array, np.float64, indices=inputs.indices)


def fitted_scale(scale, inputs):
    """Measure a scale, or check a given one.

    Parameters
    ----------
    scale : {"standard", "minmax"} or tuple of shift and divisor
    inputs : Inputs
        The samples to measure, not scaled.

    Returns
    -------
    shift, divisor : float64, or ndarray of float64 of shape (n_features,)

    Raises
    ------
    ValueError
        If a given scale is not as described, if a measured one is not finite, or if
        sparse X would be shifted.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._fit.scaling import fitted_scale
    >>> fitted_scale("minmax", Inputs(np.array([[2.0, 7.0], [6.0, 7.0]])))
    (array([2., 7.]), array([4., 1.]))
    """
    if not isinstance(scale, str):
        shift, divisor = given_scale(scale, inputs.shape[1])
        if inputs.is_sparse and np.any(shift):
            raise ValueError(
                f"scale={scale!r} has a shift other than 0, which would make every "
                "value of the sparse X non-zero"
            )
        return shift, divisor
    if inputs.is_sparse:
        raise ValueError(
            f"scale={scale!r} would make every value of the sparse X non-zero. "
            "Give (0, divisor) instead, for example with the scale_ of "
            f"sklearn.preprocessing.{'MaxAbsScaler()' if scale == 'minmax' else ''}"
            f"{'StandardScaler(with_mean=False)' if scale == 'standard' else ''}."
        )
    scaler = SCALERS[scale]()
    inputs = unscaled(inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in gen_batches(inputs.shape[0], MAX_ROWS):
            scaler.partial_fit(inputs.rows(rows))
        if scale == "standard":
            shift, divisor = scaler.mean_, scaler.scale_
        else:
            shift, divisor = scaler.data_min_, scaler.data_range_
            # As scikit-learn has it for constant columns.
            divisor = np.where(divisor < 10 * np.finfo(np.float64).eps, 1, divisor)
    if not np.isfinite([shift, divisor]).all():
        raise ValueError(
            f"scale={scale!r} cannot be measured: values of X are too large"
        )
    return shift, divisor


def given_scale(scale, n_features):
    """Check a given shift and divisor.

    Parameters
    ----------
    scale : tuple
    n_features : int

    Returns
    -------
    shift, divisor : float64, or ndarray of float64 of shape (n_features,)

    Raises
    ------
    ValueError
        If one is not finite or of another shape, or if a divisor is 0.

    Examples
    --------
    >>> from cymlp._fit.scaling import given_scale
    >>> shift, divisor = given_scale((128, [255, 1]), n_features=2)
    >>> float(shift), divisor
    (128.0, array([255.,   1.]))
    """
    try:
        shift, divisor = (np.asarray(part, np.float64) for part in scale)
    except (TypeError, ValueError):
        raise _refused(scale, n_features) from None
    for part in (shift, divisor):
        if part.shape not in ((), (n_features,)) or not np.isfinite(part).all():
            raise _refused(scale, n_features)
    if not divisor.all():
        raise _refused(scale, n_features)
    return shift[()], divisor[()]


def _refused(scale, n_features):
    return InvalidParameterError(
        "The 'scale' parameter of MLPClassifier must be 'standard', 'minmax', None, or "
        "a pair of a shift and a non-zero divisor, each a finite float or an array of "
        f"one for each of the {n_features} features. Got {scale!r} instead."
    )


def scaled(inputs, shift, divisor):
    """Scale inputs: an array as it is read, the values of a sparse matrix now.

    Parameters
    ----------
    inputs : Inputs
        Not scaled yet.
    shift, divisor : float, ndarray of shape (n_features,), or None
        None for no scaling.

    Returns
    -------
    inputs : Inputs

    Raises
    ------
    ValueError
        If sparse X would be shifted.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._fit.scaling import scaled
    >>> scaled(Inputs(np.array([[2.0, 7.0]])), 2, np.array([1, 10])).rows(slice(1))
    array([[0. , 0.5]])
    """
    if divisor is None:
        return inputs
    n_features = inputs.shape[1]
    shift = np.full(n_features, shift, np.float64)
    divisor = np.full(n_features, divisor, np.float64)
    if not inputs.is_sparse:
        return Inputs(inputs.array, inputs.dtype, shift, divisor, inputs.indices)
    if shift.any():
        raise ValueError(
            "X is sparse, and shift_ is not 0, which would make every value of X "
            "non-zero"
        )
    X = inputs.array
    with np.errstate(over="ignore"):
        data = (X.data / divisor[X.indices]).astype(inputs.dtype)
    return Inputs(type(X)((data, X.indices, X.indptr), shape=X.shape))
