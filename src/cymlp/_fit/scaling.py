"""Conversion and scaling of X, applied as its rows are read."""

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import InvalidParameterError

from cymlp._engine.inputs import READABLE, Inputs, is_file
from cymlp._engine.storage.dense import MAX_ROWS

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def conversion(X, dtype, is_scaled, once=False):
    """Arguments for scikit-learn's check of X that avoid needless copies.

    X keeps its digits until it is scaled. `once` tells that X is read only once.
    """
    dtype = np.dtype(dtype)
    arguments = {"order": "C", "accept_sparse": "csr", "ensure_all_finite": False}
    if issparse(X):
        return arguments | {"dtype": dtype}
    kept = list(READABLE)
    if not (is_scaled or once or is_file(X) or dtype == np.float64):
        # Conversion halves their memory, and the time to read them in each epoch.
        kept.remove(np.float64)
    # Other types are converted to the first.
    kept.insert(0, np.dtype(np.float64) if is_scaled else dtype)
    return arguments | {"dtype": kept}


def as_inputs(X, dtype):
    """Make Inputs, not scaled yet, of X as checked by scikit-learn."""
    if not issparse(X):
        # Data frames of several types can come out as objects.
        X = np.require(X, None if X.dtype in READABLE else dtype, ["C", "A"])
    return Inputs(X, dtype)


def unscaled(inputs):
    """Inputs without scaling, with all their digits.

    Dense inputs become float64. Sparse ones were converted before and stay as they are.
    """
    if inputs.is_sparse:
        return inputs
    return Inputs(inputs.array, np.float64, indices=inputs.indices)


def fitted_scale(scale, inputs):
    """Measure a scale on inputs that are not scaled, or check a given one.

    Returns shift and divisor, float64 or arrays of float64 of shape (n_features,).
    """
    if not isinstance(scale, str):
        shift, divisor = given_scale(scale, inputs.shape[1])
        if inputs.is_sparse and np.any(shift):
            raise ValueError(
                f"scale must have a shift of 0 for sparse X; got {scale!r}, which "
                "would make every value of X non-zero"
            )
        return shift, divisor
    if inputs.is_sparse:
        raise ValueError(
            f"scale must be None or (0, divisor) for sparse X; got {scale!r}, which "
            "would make every value of X non-zero. Suitable divisors are the scale_ of "
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
            # scikit-learn's rule for constant features.
            divisor = np.where(divisor < 10 * np.finfo(np.float64).eps, 1, divisor)
    if not np.isfinite([shift, divisor]).all():
        raise ValueError(
            f"scale={scale!r} cannot be measured, because values of X are too large"
        )
    return shift, divisor


def given_scale(scale, n_features):
    """Check a given shift and divisor; return them like `fitted_scale`."""
    try:
        shift, divisor = (np.asarray(part, np.float64) for part in scale)
    except (TypeError, ValueError):
        raise _invalid_scale(scale, n_features) from None
    for part in (shift, divisor):
        if part.shape not in ((), (n_features,)) or not np.isfinite(part).all():
            raise _invalid_scale(scale, n_features)
    if not divisor.all():
        raise _invalid_scale(scale, n_features)
    return shift[()], divisor[()]


def _invalid_scale(scale, n_features):
    return InvalidParameterError(
        "The 'scale' parameter of MLPClassifier must be 'standard', 'minmax', None, or "
        "a pair of a shift and a non-zero divisor, each a finite float or an array of "
        f"one finite float for each of the {n_features} features. Got {scale!r} "
        "instead."
    )


def scaled(inputs, shift, divisor):
    """Scale inputs: arrays as they are read, the values of sparse matrices now.

    A divisor of None means no scaling.
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
            "X is sparse, and shift_ is not 0: scaling would make every value of X "
            "non-zero. Pass a dense array."
        )
    X = inputs.array
    with np.errstate(over="ignore"):
        data = (X.data / divisor[X.indices]).astype(inputs.dtype)
    return Inputs(type(X)((data, X.indices, X.indptr), shape=X.shape))
