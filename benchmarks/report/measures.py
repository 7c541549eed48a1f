"""Measures of a run that the claims are judged by."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LEVEL = 0.95  # training accuracy at which speeds are compared


class Measure(NamedTuple):
    """A quantity measured on a run.

    Attributes
    ----------
    name : str
    of : callable
        Takes the record of a run, returns a float.
    clear : float
        Smallest difference that counts as clear.
    digits : int
        Digits after the decimal point, for printing.
    """

    name: str
    of: Callable
    clear: float
    digits: int = 4


def metric(name, clear):
    """Measure one of the four metrics."""
    return Measure(name.replace("_", " "), lambda record: record[name], clear)


def epochs_to(record, level=LEVEL):
    """Epochs until the training accuracy reaches a level; all epochs if never."""
    epochs, values = curve(record, "train_accuracy")
    reached = np.flatnonzero(values >= level)
    return epochs[reached[0]] if reached.size else epochs[-1]


def seconds_to(record, level=LEVEL):
    """Seconds of training until the training accuracy reaches a level."""
    return epochs_to(record, level) * seconds_per_epoch(record)


def seconds_per_epoch(record):
    """Seconds of training per epoch."""
    return record["seconds"] / curve(record, "train_accuracy")[0][-1]


def roughness(record):
    """Mean absolute second difference of the test accuracy, second half of training.

    NaN if there are too few points.
    """
    _, values = curve(record, "test_accuracy")
    bends = np.diff(values[len(values) // 2 :], n=2)
    return np.abs(bends).mean() if bends.size else math.nan


def slope(record, name, share):
    """Slope of a curve per epoch over the last share of the epochs.

    NaN if there are too few points.
    """
    epochs, values = curve(record, name)
    last = epochs >= (1 - share) * epochs[-1]
    return np.polyfit(epochs[last], values[last], 1)[0] if last.sum() > 1 else math.nan


def curve(record, name):
    """Epochs and values of a curve."""
    return tuple(np.array(record["curves"][name][key]) for key in ("epochs", "values"))


def final(name, layer):
    """Measure one of the diagnostics of a layer after the last epoch."""
    return lambda record: record["diagnostics"][name][-1][layer]


TRAIN_LOSS = metric("train_loss", 0.01)
TEST_LOSS = metric("test_loss", 0.005)
TRAIN_ACCURACY = metric("train_accuracy", 0.002)
TEST_ACCURACY = metric("test_accuracy", 0.002)
GAP = Measure(
    "train accuracy minus test accuracy",
    lambda r: r["train_accuracy"] - r["test_accuracy"], 0.002,
)  # fmt: skip
EPOCHS = Measure(f"epochs to training accuracy {LEVEL}", epochs_to, 1.0, 2)
EARLY_EPOCHS = Measure(
    "epochs to training accuracy 0.9", lambda r: epochs_to(r, 0.9), 1.0, 2
)
SECONDS = Measure("seconds per epoch", seconds_per_epoch, 0.005)
SECONDS_TO = Measure(f"seconds to training accuracy {LEVEL}", seconds_to, 0.1, 2)
ROUGHNESS = Measure(
    "roughness: mean absolute second difference of the test accuracy, second half of "
    "training",
    roughness, 0.001,
)  # fmt: skip
RISE = Measure(
    "rise of the test loss per 10 epochs, second half of training",
    lambda r: 10 * slope(r, "test_loss", 0.5), 0.001,
)  # fmt: skip
FALL = Measure(
    "fall of the training loss per 10 epochs, last fifth of training",
    lambda r: -10 * slope(r, "train_loss", 0.2), 0.001,
)  # fmt: skip
ZERO_AT_SCORES = Measure(
    "fraction of zero gradients at the scores", final("zero_gradients", -1), 0.05
)
SATURATION = Measure(
    "fraction of hidden derivatives near zero", final("saturation", 0), 0.05
)
DEAD_UNITS = Measure("fraction of dead hidden units", final("dead_units", 0), 0.02)
HIDDEN_INPUT = Measure(
    "largest absolute input of a hidden unit",
    lambda r: r["extremes"]["hidden_input"], 1.0, 1,
)  # fmt: skip
SCORE_RANGE = Measure(
    "largest difference between two scores of an image",
    lambda r: r["extremes"]["score_range"], 1.0, 1,
)  # fmt: skip
