"""Checks of the arrays that a user's own activation or loss returns."""

import numpy as np


def as_float(array):
    """Make an array float32 if it is float32, float64 if it is anything else.

    Parameters
    ----------
    array : array-like

    Returns
    -------
    array : ndarray
        C-contiguous, the input itself where it already is as wanted.

    Raises
    ------
    ValueError
        If it is not of real numbers.

    Examples
    --------
    >>> from cymlp._engine.user_results import as_float
    >>> as_float([1, 2])
    array([1., 2.])
    """
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected an array of real numbers; got dtype {array.dtype}")
    dtype = array.dtype if array.dtype == np.float32 else np.float64
    return np.require(array, dtype=dtype, requirements="C")


def checked_result(result, owner, method, shape, dtype):
    """Make what a user's method returned an array of the shape and dtype needed.

    Parameters
    ----------
    result : object
        What the method returned.
    owner : object
        Whose method it is.
    method : str
        Its name, for the message.
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    array : ndarray
        C-contiguous.

    Raises
    ------
    ValueError
        If the result is not an array of real numbers of that shape.

    Examples
    --------
    >>> from cymlp._engine.user_results import checked_result
    >>> checked_result([1, 2], owner=object(), method="value", shape=(2,), dtype="f4")
    array([1., 2.], dtype=float32)
    """
    array = np.asarray(result)
    if array.shape != shape or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{type(owner).__name__}.{method} must return an array of real numbers of "
            f"shape {shape}; got an array of dtype {array.dtype} and shape "
            f"{array.shape}"
        )
    return np.require(array, dtype=dtype, requirements="C")


def checked_loss(result, loss, shape, dtype):
    """Make what a user's ``value_and_gradient`` returned two arrays as needed.

    Parameters
    ----------
    result : object
        What the method returned.
    loss : object
        Whose method it is.
    shape : tuple of int
        Numbers of rows and classes.
    dtype : dtype

    Returns
    -------
    values : ndarray of shape (n_rows,)
    gradient : ndarray of shape (n_rows, n_classes)

    Raises
    ------
    ValueError
        If the result is not a tuple of two arrays of these shapes.

    Examples
    --------
    >>> from cymlp._engine.user_results import checked_loss
    >>> checked_loss(([1], [[2]]), object(), (1, 1), "f8")
    (array([1.]), array([[2.]]))
    """
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(
            f"{type(loss).__name__}.value_and_gradient must return a tuple of the "
            f"values and the gradient; got {type(result).__name__}"
        )
    method = "value_and_gradient"
    return (
        checked_result(result[0], loss, method, shape[:1], dtype),
        checked_result(result[1], loss, method, shape, dtype),
    )
