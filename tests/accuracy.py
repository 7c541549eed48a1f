"""Errors of the kernels' functions, and the arguments at which to measure them."""

import numpy as np

MAX_ULPS = 3


def edges(dtype=np.float32):
    """Where sign, size or method change, with a neighbour on either side."""
    info = np.finfo(dtype)
    ends = [0, info.smallest_subnormal, info.tiny, info.eps, info.max, np.inf]
    halves = np.log(2) * np.arange(-300, 300) / 2
    limits = [-104, -103.97208, -103.27893, -87.33655, -30, 15, 88.72284, 89]
    x = np.concatenate([ends, np.negative(ends), halves, limits]).astype(dtype)
    return np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(1e9))])


def ulps(computed, true):
    """Distance in units in the last place of the true value; equal infinities are 0."""
    rounded = true.astype(computed.dtype)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(computed.dtype).max))
    distance = np.abs(computed.astype(np.float64) - true) / unit
    return np.where(computed == rounded, 0, distance)
