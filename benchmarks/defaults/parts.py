"""The parts of the benchmark: which methods are trained on which data sets."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.defaults import (
    data_sets,
    fits,
    label_sets,
    labels,
    large_sets,
    regression,
    regression_sets,
)
from benchmarks.defaults.methods import (
    INGREDIENTS,
    LABEL_METHODS,
    METHODS,
    ON_LARGE_SETS,
    WITH_REALMLP,
    Method,
)
from benchmarks.defaults.regressors import REGRESSORS, WITH_CHANGES


class Part(NamedTuple):
    """Methods that take turns on data sets.

    Attributes
    ----------
    title : str
    methods : dict of str to Method
    n_seeds : int
        Default number of seeds.
    names : callable
        Returns the names of the data sets.
    splits : callable
        Takes a name and the seeds, and returns a `Split` for each seed.
    changes : tuple of str
        Keys of `data_sets.STRESS`.
    measure : callable
        Takes an estimator and a `Split`, and returns a named tuple of measurements,
        with `seconds`, `warned` and `failed`.
    describe : callable
        Takes the splits of a data set and returns its description.
    document : str
        Name of the file with the tables.
    """

    title: str
    methods: dict[str, Method]
    n_seeds: int = 5
    names: Callable[[], list[str]] = data_sets.names
    splits: Callable = data_sets.splits
    changes: tuple[str, ...] = (data_sets.RAW,)
    measure: Callable = fits.measure
    describe: Callable = fits.description
    document: str = "defaults"


OF_REGRESSION = {
    "names": regression_sets.names,
    "splits": regression_sets.splits,
    "measure": regression.measure,
    "describe": regression.description,
    "document": "regression",
}


PARTS = {
    "suite": Part("Defaults on raw features", METHODS),
    "realmlp": Part("Beside RealMLP-TD", WITH_REALMLP),
    "large": Part(
        "Large sets",
        ON_LARGE_SETS,
        n_seeds=1,
        names=lambda: list(large_sets.LARGE_SETS),
        splits=large_sets.splits,
    ),
    "stress": Part(
        "Features of wild scale",
        METHODS,
        n_seeds=2,
        changes=tuple(change for change in data_sets.STRESS if change != data_sets.RAW),
    ),
    "ingredients": Part("One default changed", INGREDIENTS),
    "labels": Part(
        "Several labels per sample",
        LABEL_METHODS,
        names=label_sets.names,
        splits=label_sets.splits,
        measure=labels.measure,
        describe=labels.description,
        document="labels",
    ),
    "regression": Part("Regression", REGRESSORS, **OF_REGRESSION),
    "regression-ingredients": Part(
        "Regression, one default changed", WITH_CHANGES, n_seeds=2, **OF_REGRESSION
    ),
}
