"""Checks of the arrays that a user's own activation or loss returns."""

import numpy as np


def as_float(array, name):
    """Return a C-contiguous array: float32 stays so, anything else becomes float64."""
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be an array of real numbers; got dtype {array.dtype}"
        )
    dtype = array.dtype if array.dtype == np.float32 else np.float64
    return np.require(array, dtype=dtype, requirements="C")


def checked_result(result, owner, method, shape, dtype):
    """Return the result of a user's method as a C-contiguous array of this dtype.

    `owner` is the user's object; its class, `method` and `shape` appear in the error.
    """
    array = np.asarray(result)
    if array.shape != shape or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{type(owner).__name__}.{method} must return an array of real numbers of "
            f"shape {shape}; got an array of dtype {array.dtype} and shape "
            f"{array.shape}"
        )
    if array.dtype == dtype:
        return np.require(array, requirements="C")
    with np.errstate(over="ignore"):  # an infinite value is divergence
        return np.require(array, dtype=dtype, requirements="C")


def checked_loss(result, loss, shape, dtype):
    """Return what a user's ``value_and_gradient`` returned as two arrays of this dtype.

    Their shapes are (n_rows,) and `shape` (n_rows, n_classes).
    """
    method = "value_and_gradient"
    if not isinstance(result, tuple) or len(result) != 2:
        length = f" of length {len(result)}" if isinstance(result, tuple) else ""
        raise ValueError(
            f"{type(loss).__name__}.{method} must return a tuple of the values and the "
            f"gradient; got {type(result).__name__}{length}"
        )
    return (
        checked_result(result[0], loss, method, shape[:1], dtype),
        checked_result(result[1], loss, method, shape, dtype),
    )
