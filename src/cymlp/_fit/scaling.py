"""How X is stored and scaled: what is read batch by batch, and what it then becomes."""

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import assert_all_finite, gen_batches
from sklearn.utils._param_validation import InvalidParameterError

from cymlp._engine.inputs import READABLE, Inputs, is_file

# Rows that are looked at together.
ROWS_AT_A_TIME = 1024

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def storage(X, dtype, scaled, once=False):
    """Say how scikit-learn is to check X so that it is not converted needlessly.

    Parameters
    ----------
    X : array-like or sparse matrix
    dtype : dtype
        What is computed in.
    scaled : bool
        Whether X will be scaled. Then it keeps its digits until it is.
    once : bool, default=False
        Whether X will be read only once.

    Returns
    -------
    arguments : dict
        For ``check_array`` or ``validate_data``.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.scaling import storage
    >>> [str(dtype) for dtype in storage(np.zeros(2), "float32", False)["dtype"]][:3]
    ['float32', 'bool', 'uint8']
    """
    dtype = np.dtype(dtype)
    arguments = {"order": "C", "accept_sparse": "csr", "ensure_all_finite": False}
    if issparse(X):
        return arguments | {"dtype": dtype}
    kept = list(READABLE)
    if not (scaled or once or is_file(X) or dtype == np.float64):
        # Converted, these take half of their memory, and half of the time to read in
        # every epoch.
        kept.remove(np.float64)
    # What is not among them becomes the first.
    kept.insert(0, np.dtype(np.float64) if scaled else dtype)
    return arguments | {"dtype": kept}


def as_inputs(X, dtype):
    """Make what scikit-learn has checked inputs, not scaled yet.

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
    """Inputs to look at as they are, with all their digits.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    inputs : Inputs
        In float64, but for sparse ones, which are converted already.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.scaling import as_inputs, unscaled
    >>> unscaled(as_inputs(np.array([[1e60]]), "float32")).rows(slice(1))
    array([[1.e+60]])
    """
    if inputs.is_sparse:
        return inputs
    return Inputs(inputs.array, np.float64, chosen=inputs.chosen)


def check_finite(inputs, estimator_name):
    """Check numbers as they are read.

    Parameters
    ----------
    inputs : Inputs
    estimator_name : str
        For the message.

    Raises
    ------
    ValueError
        If one is NaN, infinite or too large for what is computed in.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._fit.scaling import check_finite
    >>> check_finite(Inputs(np.array([[1.0, 2.0]])), "MLPClassifier")
    """
    names = {"input_name": "X", "estimator_name": estimator_name}
    if inputs.is_sparse:
        assert_all_finite(inputs.array.data, **names)
        return
    if inputs.array.dtype.kind in "biu" and inputs.divisor is None:
        return
    for rows in gen_batches(inputs.shape[0], ROWS_AT_A_TIME):
        assert_all_finite(inputs.rows(rows), **names)


def fitted_scale(scale, inputs):
    """Find the shift and the divisor that a scale stands for.

    Parameters
    ----------
    scale : {"standard", "minmax"} or tuple of shift and divisor
    inputs : Inputs
        Not scaled; what is to be measured.

    Returns
    -------
    shift, divisor : float64, or ndarray of float64 of shape (n_features,)

    Raises
    ------
    ValueError
        If the scale is no pair of finite numbers, the second not 0, or of as many of
        them as there are features; or if sparse X would be shifted.

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
                f"scale={scale!r} would subtract from every number of X, which is "
                "sparse; only a shift of 0 leaves it so"
            )
        return shift, divisor
    if inputs.is_sparse:
        raise ValueError(
            f"scale={scale!r} would subtract from every number of X, which is sparse. "
            "Give (0, divisor) instead, for example with the scale_ of "
            f"sklearn.preprocessing.{'MaxAbsScaler()' if scale == 'minmax' else ''}"
            f"{'StandardScaler(with_mean=False)' if scale == 'standard' else ''}."
        )
    scaler = SCALERS[scale]()
    inputs = unscaled(inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in gen_batches(inputs.shape[0], ROWS_AT_A_TIME):
            scaler.partial_fit(inputs.rows(rows))
        if scale == "standard":
            shift, divisor = scaler.mean_, scaler.scale_
        else:
            shift, divisor = scaler.data_min_, scaler.data_range_
            # As scikit-learn has it for constant columns.
            divisor = np.where(divisor < 10 * np.finfo(np.float64).eps, 1, divisor)
    if not np.isfinite([shift, divisor]).all():
        raise ValueError(f"scale={scale!r} cannot be measured: X has too large numbers")
    return shift, divisor


def given_scale(scale, n_features):
    """Check a pair of a shift and a divisor.

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
        If they are not finite, of another shape, or a divisor is 0.

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
        "a pair of a shift and a divisor, both finite numbers or arrays of one for "
        f"each of the {n_features} features, and no divisor 0. Got {scale!r} instead."
    )


def scaled(inputs, shift, divisor):
    """Scale inputs: an array as it is read, the numbers of a sparse matrix now.

    Parameters
    ----------
    inputs : Inputs
        Not scaled yet.
    shift, divisor : float, ndarray of shape (n_features,), or None
        None for numbers as they are.

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
        return Inputs(inputs.array, inputs.dtype, shift, divisor, inputs.chosen)
    if shift.any():
        raise ValueError(
            "X is sparse, and scale would subtract from every number of it: shift_ is "
            "not 0"
        )
    X = inputs.array
    with np.errstate(over="ignore"):
        data = (X.data / divisor[X.indices]).astype(inputs.dtype)
    return Inputs(type(X)((data, X.indices, X.indptr), shape=X.shape))
