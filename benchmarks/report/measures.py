"""Measures of a run that the claims are judged by.

Each has a smallest difference that counts. These were fixed before the verdicts were
looked at.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LEVEL, EARLY_LEVEL = 0.95, 0.9  # accuracies at which speeds are compared
EQUAL_UPDATES = (
    10  # epochs of batch size 100 with the updates of 100 of batch size 1000
)


class Measure(NamedTuple):
    """A quantity measured on a run.

    Attributes
    ----------
    name : str
        The quantity in words.
    of : callable
        Takes the record of a run; returns a float, NaN if the run lacks the data.
    counts : float
        Smallest difference that counts; for a ratio, the smallest factor that counts.
    digits : int
        Digits after the decimal point, for printing.
    is_ratio : bool
        Whether runs are compared by their ratio.
    """

    name: str
    of: Callable
    counts: float
    digits: int = 4
    is_ratio: bool = False


def curve(record, name):
    """Epochs and values of a curve."""
    return tuple(np.array(record["curves"][name][key]) for key in ("epochs", "values"))


def last_epoch(name):
    """Measure the mean of a training metric over the last epoch."""

    def mean(record):
        epochs, values = curve(record, name)
        return float(values[epochs > epochs[-1] - 1 + 1e-9].mean())

    return mean


def at_epoch(name, epoch):
    """Measure a test metric after an epoch."""

    def value(record):
        epochs, values = curve(record, name)
        return float(values[epochs == epoch][0]) if epoch in epochs else math.nan

    return value


def epochs_to(name, level):
    """Measure the epochs until an accuracy reaches a level; all epochs if never."""

    def epoch(record):
        epochs, values = curve(record, name)
        reached = np.flatnonzero(values >= level)
        return float(epochs[reached[0]] if reached.size else epochs[-1])

    return epoch


def gap(record):
    """Training accuracy over the last epoch minus test accuracy."""
    return last_epoch("train_accuracy")(record) - record["test_accuracy"]


def roughness(record):
    """Mean absolute second difference of the test accuracy, second half of training.

    NaN if there are too few points.
    """
    _, values = curve(record, "test_accuracy")
    bends = np.diff(values[len(values) // 2 :], n=2)
    return float(np.abs(bends).mean()) if bends.size else math.nan


def slope(record, name, share):
    """Slope of a curve per epoch over the last share of the epochs.

    NaN if there are too few points.
    """
    epochs, values = curve(record, name)
    last = epochs >= (1 - share) * epochs[-1]
    return np.polyfit(epochs[last], values[last], 1)[0] if last.sum() > 1 else math.nan


def gradient_norm(record):
    """Mean gradient norm of the mini-batches of the second half of training."""
    _, values = curve(record, "gradient_norm")
    return float(values[len(values) // 2 :].mean())


def last_diagnostic(name, layer):
    """Measure one of the diagnostics of a layer after the last epoch."""

    def value(record):
        measured = record.get("diagnostics")
        return measured[name][-1][layer] if measured else math.nan

    return value


def extreme(name):
    """Measure one of the extreme values."""
    return lambda record: record.get("extremes", {}).get(name, math.nan)


MEASURES = {
    "train_loss": Measure(
        "training loss over the last epoch", last_epoch("train_loss"), 0.01
    ),
    "train_accuracy": Measure(
        "training accuracy over the last epoch", last_epoch("train_accuracy"), 0.002
    ),
    "test_loss": Measure("test loss", lambda r: r["test_loss"], 0.005),
    "test_accuracy": Measure("test accuracy", lambda r: r["test_accuracy"], 0.002),
    "final_accuracy": Measure(
        "test accuracy after all epochs",
        lambda r: float(curve(r, "test_accuracy")[1][-1]), 0.002,
    ),
    "accuracy_at_equal_updates": Measure(
        f"test accuracy after {EQUAL_UPDATES} epochs",
        at_epoch("test_accuracy", EQUAL_UPDATES), 0.002,
    ),
    "gap": Measure("training accuracy minus test accuracy", gap, 0.002),
    "epochs": Measure(
        f"epochs to training accuracy {LEVEL}",
        epochs_to("train_accuracy", LEVEL), 1.0, 2,
    ),
    "early_epochs": Measure(
        f"epochs to training accuracy {EARLY_LEVEL}",
        epochs_to("train_accuracy", EARLY_LEVEL), 1.0, 2,
    ),
    "test_epochs": Measure(
        f"epochs to test accuracy {LEVEL}",
        epochs_to("test_accuracy", LEVEL), 1.0, 2,
    ),
    "roughness": Measure("roughness of the test accuracy", roughness, 0.001),
    "rise": Measure(
        "rise of the test loss per 10 epochs, second half of training",
        lambda r: 10 * slope(r, "test_loss", 0.5), 0.001,
    ),
    "fall": Measure(
        "fall of the training loss per 10 epochs, last fifth of training",
        lambda r: -10 * slope(r, "train_loss", 0.2), 0.001,
    ),
    "gradient_norm": Measure(
        "gradient norm, second half of training", gradient_norm, 1.1, 3, True
    ),
    "zero_at_scores": Measure(
        "fraction of zero gradients at the scores",
        last_diagnostic("zero_gradients", -1), 0.05,
    ),
    "saturation": Measure(
        "fraction of hidden derivatives near zero",
        last_diagnostic("saturation", 0), 0.05,
    ),
    "dead_units": Measure(
        "fraction of dead hidden units", last_diagnostic("dead_units", 0), 0.02
    ),
    "hidden_input": Measure(
        "largest absolute input of a hidden unit", extreme("hidden_input"), 1.0, 1
    ),
    "score_range": Measure(
        "largest difference between two scores of an image",
        extreme("score_range"), 1.0, 1,
    ),
    # The next two need more than the record of the run.
    "hard_accuracy": Measure("accuracy on hard test images", None, 0.02),
    "time": Measure("processor time per epoch, ms", None, 1.1, 1, True),
}  # fmt: skip


def measured(record):
    """Measure a run by its record alone."""
    values = {
        key: measure.of(record)
        for key, measure in MEASURES.items()
        if measure.of is not None
    }
    return {key: value for key, value in values.items() if not math.isnan(value)}
