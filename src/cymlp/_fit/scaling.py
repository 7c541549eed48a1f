"""Conversion and scaling of X, applied as its rows are read."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from cymlp._engine.inputs import READABLE, Inputs, canonical_csr, is_file
from cymlp._sklearn import InvalidParameterError

# Values of X that are measured at once, as float64: 512 KB.
CHUNK_SIZE = 65_536
# Samples of which quantiles are measured.
N_QUANTILE_SAMPLES = 1000
# Largest distance between scaled values of a feature.
MAX_SPAN = 6
# Relative difference of values that rounding may have caused.
ROUNDING = 10 * np.finfo(np.float64).eps


class Scale(NamedTuple):
    """The scaling of X to (X - shift) / divisor, after clipping to bounds.

    Shift and divisor are float64 or arrays of float64 of shape (n_features,), both None
    without scaling. Bounds have shape (2, n_features), None without clipping.
    """

    shift: np.ndarray | float | None = None
    divisor: np.ndarray | float | None = None
    bounds: np.ndarray | None = None


def scale_of(estimator):
    """The scale that an estimator has measured."""
    return Scale(estimator.shift_, estimator.divisor_, estimator.bounds_)


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


def as_inputs(X, dtype, once=False):
    """Make Inputs, not scaled yet, of X as checked by scikit-learn.

    `once` tells that X is read only once.
    """
    if issparse(X):
        X = X if once else canonical_csr(X)
    else:
        is_readable = X.dtype in READABLE
        if not (is_readable and X.flags.c_contiguous and X.flags.aligned):
            # Data frames of several types can come out as objects.
            X = np.require(X, None if is_readable else dtype, ["C", "A"])
    return Inputs(X, dtype)


def unscaled(inputs):
    """Inputs without scaling, with all their digits.

    Dense inputs become float64. Sparse ones were converted before and stay as they are.
    """
    if inputs.is_sparse:
        return inputs
    return Inputs(inputs.array, np.float64, indices=inputs.indices)


def fitted_scale(scale, inputs, weights=None, owner="MLPClassifier"):
    """Measure a scale on inputs that are not scaled, or check a given one.

    `weights` (n_samples,) count the samples, None for 1 each; `owner` is the name of
    the estimator.
    """
    if not isinstance(scale, str):
        shift, divisor = given_scale(scale, inputs.shape[1], owner)
        if inputs.is_sparse and not keeps_zeros(scale):
            raise ValueError(
                f"scale must have a shift of 0 for sparse X; got {scale!r}, which "
                "would make every value of X non-zero"
            )
        return Scale(shift, divisor)
    dense, sparse = SCALES[scale]
    inputs = unscaled(inputs)
    bounds = None
    with np.errstate(over="ignore", invalid="ignore"):
        if scale == "auto" and not inputs.is_sparse:
            bounds = _bounds(inputs, weights)
        chunks = _chunks(inputs, weights, bounds)
        shift, divisor = sparse(chunks) if inputs.is_sparse else dense(chunks)
    if not (np.isfinite(shift).all() and np.isfinite(divisor).all()):
        raise ValueError(
            f"scale={scale!r} cannot be measured, because values of X are too large"
        )
    return Scale(shift, divisor, bounds)


def _bounds(inputs, weights):
    """Lowest and highest value of each feature that are not outliers.

    The bounds lie outside the 5th and the 95th percentile by twice their distance.
    Where these two are equal, every value is within the bounds.
    """
    indices = np.arange(inputs.shape[0]) if weights is None else np.flatnonzero(weights)
    chosen = indices[:: -(-indices.size // N_QUANTILE_SAMPLES)]
    X, w = inputs.rows(chosen), None if weights is None else weights[chosen]
    n_columns = max(CHUNK_SIZE // len(X), 1)
    parts = [
        _quantiles(X[:, part], w, [0.05, 0.95])
        for part in gen_batches(X.shape[1], n_columns)
    ]
    low, high = np.concatenate(parts, axis=1)
    margin = 2 * (high - low)
    largest = np.finfo(np.float64).max
    bounds = np.array([low - margin, high + margin]).clip(-largest, largest)
    if not margin.all():
        lowest, width = _minmax(_chunks(inputs, weights))
        bounds = np.where(margin > 0, bounds, [lowest, lowest + width])
    return bounds


def _quantiles(X, weights, fractions):
    """Quantiles of each column: the first value that reaches a fraction of the weight.

    Weights count as repetitions, which NumPy can do since version 2.0 only.
    """
    order = X.argsort(axis=0)
    reached = np.ones(len(X)) if weights is None else weights
    reached = reached[order].cumsum(axis=0)
    X = np.take_along_axis(X, order, axis=0)
    index = [(reached < fraction * reached[-1]).sum(axis=0) for fraction in fractions]
    return np.take_along_axis(X, np.array(index), axis=0)


def _chunks(inputs, weights, bounds=None):
    """Yield all samples of positive weight in chunks of rows, with their weights."""
    n_samples, n_features = inputs.shape
    indices = np.arange(n_samples) if weights is None else np.flatnonzero(weights)
    # Chunks fit into the cache, since their rows are read several times.
    n_rows = CHUNK_SIZE // n_features
    if inputs.is_sparse:
        # Each chunk also has a sum for each feature.
        n_stored = max(inputs.array.nnz, 1) / inputs.array.shape[0]
        n_rows = int(max(CHUNK_SIZE, n_features) / n_stored)
    for part in gen_batches(indices.size, max(n_rows, 1)):
        chosen = indices[part]
        X = inputs.rows(chosen)
        yield (
            X if bounds is None else X.clip(*bounds),
            np.ones(chosen.size) if weights is None else weights[chosen],
        )


def _standard(chunks):
    """Mean and standard deviation of arrays, merged as by Chan et al. 1983."""
    total = mean = squares = 0.0
    origin = None
    for X, w in chunks:
        # Relative to a sample, constant features are exactly 0.
        origin = X[0] if origin is None else origin
        X = X - origin
        n = w.sum()
        # einsum, because the order of BLAS's sums may vary with its threads.
        chunk_mean = np.einsum("i,ij->j", w, X) / n
        X -= chunk_mean
        total += n
        change = chunk_mean - mean
        mean = mean + change * (n / total)
        squares = squares + change**2 * (n * (1 - n / total))
        squares += np.einsum("i,ij->j", w, np.square(X, out=X))
    mean = origin + mean
    return mean, _divisor(np.sqrt(squares / total), abs(mean))


def _standard_in_span(chunks):
    """Mean and standard deviation, which is at least the range divided by MAX_SPAN.

    It limits the scaled values of features that are rarely different from a constant,
    such as the pixels in the corners of images.
    """
    lowest, highest = np.inf, -np.inf

    def watched():
        nonlocal lowest, highest
        for X, w in chunks:
            lowest = np.minimum(lowest, X.min(axis=0))
            highest = np.maximum(highest, X.max(axis=0))
            yield X, w

    mean, deviation = _standard(watched())
    return mean, np.maximum(deviation, (highest - lowest) / MAX_SPAN)


def _root_mean_square(chunks):
    """Root mean square of sparse matrices."""
    total = squares = 0.0
    for X, w in chunks:
        X.sum_duplicates()
        weights = np.repeat(w, np.diff(X.indptr))
        values = weights * np.square(X.data, dtype=np.float64)
        squares = squares + np.bincount(X.indices, values, minlength=X.shape[1])
        total += w.sum()
    return 0.0, _divisor(np.sqrt(squares / total), 0)


def _minmax(chunks):
    """Minimum and range of arrays."""
    lowest, highest = np.inf, -np.inf
    for X, _ in chunks:
        lowest = np.minimum(lowest, X.min(axis=0))
        highest = np.maximum(highest, X.max(axis=0))
    return lowest, _divisor(highest - lowest, np.maximum(abs(lowest), abs(highest)))


def _max_abs(chunks):
    """Largest absolute value of sparse matrices."""
    largest = 0.0
    for X, _ in chunks:
        X.sum_duplicates()
        largest = np.maximum(largest, abs(X).max(axis=0).toarray().ravel())
    return 0.0, _divisor(largest.astype(np.float64), 0)


def _at_least_1(chunks):
    """Largest absolute value of sparse matrices, or 1 if that is larger."""
    shift, divisor = _max_abs(chunks)
    return shift, np.maximum(divisor, 1)


def _divisor(spread, magnitude):
    """The spread of the values; for constant features their magnitude, at least 1.

    Features whose values differ only by rounding count as constant. Divided by their
    magnitude, they stay small whatever it is.
    """
    is_constant = spread <= ROUNDING * magnitude
    return np.where(is_constant, np.maximum(magnitude, 1.0), spread)


# How to measure a scale in chunks of rows, of arrays and of sparse matrices.
SCALES = {
    "auto": (_standard_in_span, _at_least_1),
    "standard": (_standard, _root_mean_square),
    "minmax": (_minmax, _max_abs),
}


def keeps_zeros(scale):
    """Whether a scale does not shift sparse X; True for an invalid scale."""
    if not isinstance(scale, tuple):
        return True
    try:
        return not np.any(np.asarray(scale[0], np.float64))
    except (IndexError, TypeError, ValueError):
        return True


def given_scale(scale, n_columns, owner="MLPClassifier", name="scale"):
    """Check a given shift and divisor; return them like `fitted_scale`."""
    try:
        shift, divisor = (np.asarray(part, np.float64) for part in scale)
    except (TypeError, ValueError):
        raise _invalid_scale(scale, n_columns, owner, name) from None
    for part in (shift, divisor):
        if part.shape not in ((), (n_columns,)) or not np.isfinite(part).all():
            raise _invalid_scale(scale, n_columns, owner, name)
    if not divisor.all():
        raise _invalid_scale(scale, n_columns, owner, name)
    return shift[()], divisor[()]


def _invalid_scale(scale, n_columns, owner, name):
    names, columns = "'auto', 'standard', 'minmax'", "features"
    if name == "target_scale":
        names, columns = "'standard'", "outputs"
    return InvalidParameterError(
        f"The {name!r} parameter of {owner} must be {names}, None, or a pair of a "
        "shift and a non-zero divisor, each a finite float or an array of one finite "
        f"float for each of the {n_columns} {columns}. Got {scale!r} instead."
    )


def scaled_rows(inputs, scale):
    """A function that reads and scales the rows in a slice, of sparse inputs too.

    If the shift is not 0, sparse rows become dense, which is no problem for a few.
    """
    if not inputs.is_sparse or scale.divisor is None or not np.any(scale.shift):
        return scaled(inputs, scale).rows

    def rows(batch):
        dense = Inputs(inputs.array[batch].toarray())
        return scaled(dense, scale).rows(slice(None))

    return rows


def _per_feature(value, n_features):
    """A float, or an array of shape (n_features,), as an array of float64."""
    array = np.ascontiguousarray(value, np.float64)
    return array if array.shape == (n_features,) else np.full(n_features, array)


def scaled(inputs, scale):
    """Scale inputs: arrays as they are read, the values of sparse matrices now."""
    if scale.divisor is None:
        return inputs
    shift = _per_feature(scale.shift, inputs.shape[1])
    divisor = _per_feature(scale.divisor, inputs.shape[1])
    if not inputs.is_sparse:
        return Inputs(
            inputs.array, inputs.dtype, shift, divisor, scale.bounds, inputs.indices
        )
    if shift.any():
        raise ValueError(
            "X is sparse, and shift_ is not 0: scaling would make every value of X "
            "non-zero. Pass a dense array."
        )
    X = inputs.array
    with np.errstate(over="ignore"):
        data = (X.data / divisor[X.indices]).astype(inputs.dtype)
    return Inputs(type(X)((data, X.indices, X.indptr), shape=X.shape))
