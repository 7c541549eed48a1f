"""Storage of X that several fits share."""

import threading

import numpy as np


class SharedStorage:
    """Stores each X once, in whichever thread asks first."""

    def __init__(self):
        self._lock = threading.Lock()
        self._entries = {}

    def get(self, key, make):
        """Return the object stored under a key; call `make` for it the first time.

        The key is a tuple of X, compared by identity, and of dtypes, floats, small
        arrays or None, compared by value.
        """
        X, *others = key
        fingerprint = (id(X), *map(_fingerprint, others))
        with self._lock:
            # The entry keeps X alive, so that its id stays unique.
            entry = self._entries.setdefault(fingerprint, _Entry(X))
        return entry.get(make)


def _fingerprint(value):
    if isinstance(value, float | np.ndarray):
        return np.asarray(value).tobytes()
    return value


class _Entry:
    def __init__(self, X):
        self._X = X
        self._lock = threading.Lock()
        self._stored = None

    def get(self, make):
        with self._lock:
            if self._stored is None:
                self._stored = make()
            return self._stored
