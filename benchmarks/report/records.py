"""The record of a trained network: published metrics, curves and diagnostics.

Training metrics are means over the last complete block of 50 mini-batches, each
measured before its update; test metrics are those after the last of the epochs 1, 6,
11, ...
"""

from importlib.metadata import version

import numpy as np

from benchmarks.command_line import processor
from benchmarks.report.rows import METRICS
from cymlp import kernels

BLOCK = 50  # mini-batches per point of the published training curve
TEST_EVERY = 5  # epochs between two points of the published test curve
DIAGNOSTICS = ("dead_units", "saturation", "zero_gradients")
PACKAGES = ("cymlp", "numpy", "scipy", "scikit-learn")
FORMAT = 2  # of the records; part of the name of their files


def record(run, network, X_test, y_test):
    """Describe a finished run.

    Parameters
    ----------
    run : Run
    network : MLPClassifier
        The fitted network.
    X_test : ndarray of shape (n, d)
    y_test : ndarray of shape (n,)

    Returns
    -------
    record : dict
        Settings, the four metrics with their sampling errors, the curves, the test
        images that the network gets wrong, what trained it and, if the run asks for
        them, diagnostics and extreme values.
    """
    history = network.history_
    curves = all_curves(history)
    described = {
        "figure": run.figure,
        "name": run.name,
        "kind": run.kind,
        "seed": run.seed,
        **{name: round(final(name, curves), 6) for name in METRICS},
        "sampling_errors": sampling_errors(network, X_test, y_test),
        "seconds": round(float(history["seconds"].sum()), 2),
        "settings": run.settings,
        "versions": {package: version(package) for package in PACKAGES},
        "processor": processor(),
        "instruction_set": kernels.isa(),
        "curves": {
            name: {"epochs": rounded(epochs), "values": rounded(values)}
            for name, (epochs, values) in curves.items()
        },
        "wrong": np.flatnonzero(network.predict(X_test) != y_test).tolist(),
    }
    if run.diagnostics:
        described["diagnostics"] = diagnostics(history)
        described["extremes"] = extremes(network, X_test)
    return described


def final(name, curves):
    """Give a metric at the last point of its published curve."""
    epochs, values = curves[name]
    last = (len(epochs) - 1) // TEST_EVERY * TEST_EVERY
    return float(values[last if name.startswith("test") else -1])


def sampling_errors(network, X_test, y_test):
    """Estimate the standard error of each metric, as a mean over a sample of images.

    The sample is the last 50 mini-batches for training metrics and the test set for
    test metrics.
    """
    errors = {}
    for quantity, batches in network.history_.batches.items():
        window = in_blocks(batches)[-1, -1]
        # A single mini-batch has no spread.
        errors[f"train_{quantity}"] = (
            window.std(ddof=1) / np.sqrt(window.size) if window.size > 1 else 0.0
        )
    Z = network.decision_function(X_test)
    targets = np.eye(Z.shape[1], dtype=Z.dtype)[y_test]
    values, _ = network.loss.value_and_gradient(Z, targets)
    right = Z.argmax(axis=1) == y_test
    errors["test_loss"] = values.std() / np.sqrt(values.size)
    errors["test_accuracy"] = right.std() / np.sqrt(right.size)
    return {name: round(float(errors[name]), 6) for name in METRICS}


def in_blocks(batches):
    """Reshape values of mini-batches to (n_epochs, n_blocks, batches per block).

    The incomplete block at the end of an epoch is dropped; an epoch shorter than a
    block is one block.
    """
    n_epochs, n_batches = batches.shape
    block = min(BLOCK, n_batches)
    n_blocks = n_batches // block
    return batches[:, : n_blocks * block].reshape(n_epochs, n_blocks, block)


def all_curves(history):
    """Reduce a history to curves.

    Parameters
    ----------
    history : History
        History with batches and validation metrics.

    Returns
    -------
    curves : dict of str to tuple of 2 ndarray
        Epochs and values: training metrics at the points of the published curves, test
        metrics and gradient norms after every epoch.
    """
    curves = {"gradient_norm": (history["epoch"], history["gradient_norm"])}
    for quantity in ("loss", "accuracy"):
        batches = history.batches[quantity]
        blocks = in_blocks(batches)
        n_epochs, n_blocks, block = blocks.shape
        ends = np.arange(1, n_blocks + 1) * block / batches.shape[1]
        curves[f"train_{quantity}"] = (
            (np.arange(n_epochs)[:, np.newaxis] + ends).ravel(),
            blocks.mean(axis=2, dtype=np.float64).ravel(),
        )
        curves[f"test_{quantity}"] = history["epoch"], history[f"val_{quantity}"]
    return curves


def rounded(values, digits=4):
    """Round to significant digits.

    Four are enough for accuracies of 10000 images or of blocks of 5000.
    """
    return np.vectorize(lambda x: float(f"{x:.{digits}g}"))(values).tolist()


def diagnostics(history):
    """Take the diagnostics at the epochs of the published test curve.

    Returns
    -------
    columns : dict of str to list
        "epoch" and, for each of `DIAGNOSTICS`, a list of one value per layer for each
        epoch.
    """
    return {
        "epoch": history["epoch"][::TEST_EVERY].tolist(),
        **{name: rounded(history[name][::TEST_EVERY]) for name in DIAGNOSTICS},
    }


def extremes(network, X):
    """Measure the extreme inputs of the activation and of the loss.

    Parameters
    ----------
    network : MLPClassifier
        Fitted network with one hidden layer.
    X : ndarray of shape (n, d)

    Returns
    -------
    extremes : dict of str to float
        "hidden_input", the largest absolute input of a hidden unit; "score_range", the
        largest difference between two scores of one sample.
    """
    U = X @ network.coefs_[0] + network.intercepts_[0]
    Z = network.decision_function(X)
    return {
        "hidden_input": round(float(np.abs(U).max()), 2),
        "score_range": round(float(np.ptp(Z, axis=1).max()), 2),
    }
