"""Training and measuring: all methods take turns on the same rows."""

import sys
import time
import warnings
from typing import NamedTuple

import numpy as np

from benchmarks.defaults import data_sets

MIN_PROBABILITY = 1e-15


class Fit(NamedTuple):
    """Measurements of one fit.

    Attributes
    ----------
    accuracy, log_loss : float
        On the test rows, with probabilities of at least `MIN_PROBABILITY`.
    seconds : float
        Processor time of ``fit``.
    warned, failed : bool
        Whether ``fit`` warned, and whether it or the prediction raised ValueError. A
        fit that failed counts as one that predicts the frequencies of the classes.
    """

    accuracy: float
    log_loss: float
    seconds: float
    warned: bool
    failed: bool


def measure(estimator, rows):
    """Fit an estimator and return the `Fit`."""
    frequencies = class_frequencies(rows)
    return Fit(*measurements(estimator, rows, "predict_proba", frequencies, scores))


def measurements(estimator, rows, method, otherwise, scores):
    """Fit an estimator and return the scores of the test rows, and how the fit went.

    `method` is the method that predicts. If it fails, or the fit does, the scores are
    those of the predictions `otherwise`. The last three values are the processor time
    of ``fit``, whether it warned, and whether one of both failed.
    """
    predicted, seconds, warned = predictions(estimator, rows, method)
    failed = predicted is None
    of_test_rows = scores(otherwise if failed else predicted, rows.y_test)
    return *of_test_rows, seconds, warned, failed


def predictions(estimator, rows, method):
    """Fit an estimator and predict the test rows with one of its methods.

    Returns the predictions, None if it failed, the processor time of ``fit``, and
    whether that warned.
    """
    predicted = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.process_time()
        try:
            estimator.fit(rows.X_train, rows.y_train)
        except ValueError:
            seconds, warned = time.process_time() - start, bool(caught)
        else:
            seconds, warned = time.process_time() - start, bool(caught)
            predicted = finite(getattr(estimator, method), rows.X_test)
    return predicted, seconds, warned


def finite(predict, X):
    """Return what an estimator predicts, or None if it cannot."""
    try:
        predicted = np.asarray(predict(X), np.float64)
    except ValueError:
        return None
    return predicted if np.isfinite(predicted).all() else None


def scores(predicted, y):
    """Return accuracy and log loss of predicted probabilities."""
    accuracy = float((predicted.argmax(axis=1) == y).mean())
    of_the_class = predicted[np.arange(len(y)), y]
    loss = -np.log(np.maximum(of_the_class, MIN_PROBABILITY)).mean()
    return accuracy, float(loss)


def class_frequencies(rows):
    """Return the frequencies of the classes in training, for each test row."""
    frequencies = np.bincount(rows.y_train) / len(rows.y_train)
    return np.tile(frequencies, (len(rows.y_test), 1))


def measure_all(part, names, seeds):
    """Fit all methods of a part on all splits of data sets, in turn.

    Parameters
    ----------
    part : Part
    names : sequence of str
        Names of data sets.
    seeds : sequence of int
        Seeds of the splits and of the methods.

    Returns
    -------
    sets : dict of str to dict
        Description of each data set.
    fits : dict of str to dict
        For each change, method and data set, a column for each field of what the part
        measures, with a value for each seed.
    """
    methods = part.methods
    sets, fits = (
        {},
        {change: {method: {} for method in methods} for change in part.changes},
    )
    for name in names:
        raw = part.splits(name, seeds)
        sets[name] = part.describe(raw)
        for change in part.changes:
            measured = {method: [] for method in methods}
            for seed, rows in zip(seeds, raw, strict=True):
                changed = stressed(rows, change, seed)
                for method in methods:
                    estimator = methods[method].make(seed)
                    measured[method].append(part.measure(estimator, changed))
            for method in methods:
                fits[change][method][name] = columns(measured[method])
        print(f"{name} is done", file=sys.stderr, flush=True)
    return sets, fits


def stressed(rows, change, seed):
    """Change the features of rows."""
    generator = np.random.default_rng(seed)
    X_train, X_test = data_sets.STRESS[change](rows.X_train, rows.X_test, generator)
    return rows._replace(X_train=X_train, X_test=X_test)


def description(splits):
    """Describe a data set: its size, and the accuracy of the commonest class."""
    first = splits[0]
    return {
        "training rows": len(first.y_train),
        "test rows": len(first.y_test),
        "features": first.X_train.shape[1],
        "classes": int(first.y_train.max()) + 1,
        "commonest": [
            round(float((rows.y_test == np.bincount(rows.y_train).argmax()).mean()), 4)
            for rows in splits
        ],
    }


def columns(fits):
    """Turn fits into columns that JSON can hold."""
    return {
        name: [
            int(value) if isinstance(value, bool) else round(value, 4)
            for value in values
        ]
        for name, values in zip(fits[0]._fields, zip(*fits, strict=True), strict=True)
    }
