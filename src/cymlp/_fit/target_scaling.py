"""Scaling of real targets, in double precision."""

import numpy as np

from cymlp._fit.scaling import given_scale
from cymlp._sklearn import InvalidParameterError

# Rounding makes a constant seem to vary by a few of these units.
CONSTANT = 10 * np.finfo(np.float64).eps


def fitted_target_scale(estimator, values, weights):
    """Measure the scale of values (n, n_outputs), or check a given one.

    `weights` (n,) are those of the samples, or None. Returns shift and divisor, float64
    arrays of shape (n_outputs,); None and None for no scaling.
    """
    scale, log_link = estimator.target_scale, has_log_link(estimator)
    if scale is None:
        return None, None
    if isinstance(scale, str):
        return _measured(values, weights, log_link)
    n_outputs = values.shape[1]
    owner = type(estimator).__name__
    shift, divisor = given_scale(scale, n_outputs, owner, "target_scale")
    if log_link and (np.any(shift) or np.any(np.less(divisor, 0))):
        raise InvalidParameterError(
            f"The 'target_scale' parameter of {owner} must have a shift of 0 and a "
            f"positive divisor for loss={estimator.loss!r}, which predicts a positive "
            f"mean. Got {scale!r} instead."
        )
    return np.full(n_outputs, shift, np.float64), np.full(n_outputs, divisor, float)


def _measured(values, weights, log_link):
    """Mean and standard deviation; with a log link, 0 and the mean."""
    # Targets of any magnitude, without overflow or underflow.
    magnitude = np.abs(values).max(axis=0)
    magnitude[magnitude == 0] = 1
    values = values / magnitude
    mean = np.average(values, axis=0, weights=weights)
    if log_link:
        return np.zeros_like(mean), magnitude * np.where(mean > 0, mean, 1)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    deviation[deviation <= CONSTANT * np.abs(mean)] = 1
    return magnitude * mean, magnitude * deviation


def has_log_link(estimator):
    """Whether the scores of an estimator are logarithms of its predictions."""
    return getattr(estimator._loss, "log_link", False) is True


def scaled_targets(values, shift, divisor, dtype):
    """Scale values (n, n_outputs) and round them to `dtype`."""
    if divisor is not None:
        values = (values - shift) / divisor
    with np.errstate(over="ignore"):
        scaled = np.require(values, dtype, "C")
    if not np.isfinite(scaled).all():
        raise ValueError(
            f"y must be finite in {np.dtype(dtype)}, once it is scaled as target_scale "
            f"says; got a magnitude of {np.abs(values).max():g}"
        )
    return scaled


def unscaled_targets(values, shift, divisor):
    """Undo the scaling of values (n, n_outputs), in double precision."""
    values = np.asarray(values, np.float64)
    return values if divisor is None else values * divisor + shift
