"""Errors of the kernels' functions, and the arguments at which to measure them."""

import numpy as np
from scipy.special import erfc

# The functions over arrays, as NumPy and SciPy have them.
FUNCTIONS = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "tanh": np.tanh, "erfc": erfc,
}  # fmt: skip
MAX_ULPS = dict.fromkeys(FUNCTIONS, 3) | {"erfc": 4}


def edges(dtype=np.float32):
    """Where sign, size or method change, with a neighbour on either side."""
    info = np.finfo(dtype)
    ends = [0, info.smallest_subnormal, info.tiny, info.eps, info.max, np.inf]
    halves = np.log(2) * np.arange(-2160, 2160) / 2
    limits = [-104, -103.97208, -103.27893, -87.33655, -30, 15, 88.72284, 89]
    limits += [0.5, 9.19, 10.05, 10.06, 10.5, 26.54, 27.23]  # of erfc
    limits += [-746, -745.13321, -708.39641, -60, 30, 709.78271, 710]  # in float64
    squares = np.sqrt(np.abs(halves))
    x = [ends, np.negative(ends), halves, limits, squares, np.negative(squares)]
    x = np.concatenate(x).astype(dtype)
    return np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(1e9))])


def ulps(computed, true):
    """Distance in units in the last place of the true value; equal infinities are 0."""
    rounded = true.astype(computed.dtype)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(computed.dtype).max))
    distance = np.abs(computed.astype(np.float64) - true) / unit
    return np.where(computed == rounded, 0, distance)
