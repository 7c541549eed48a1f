"""Formulas of tanh and cross entropy that overflow, compared with those of cymlp."""

import numpy as np
from scipy.special import log_softmax

from benchmarks.report.document import Table
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy


def tanh_by_exponentials(U):
    """Compute tanh by its definition."""
    return (np.exp(U) - np.exp(-U)) / (np.exp(U) + np.exp(-U))


def loss_by_softmax(Z, T):
    """Compute cross entropy as the logarithm of softmax without a shift."""
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -(T * np.log(P)).sum(axis=1)


def loss_by_shifted_softmax(Z, T):
    """Compute cross entropy as the logarithm of softmax with a shift."""
    return loss_by_softmax(Z - Z.max(axis=1, keepdims=True), T)


def overflow_table():
    """Compare plain formulas and cymlp in float32 with float64."""
    with np.errstate(all="ignore"):
        lines = [
            *(tanh_line(u) for u in (1, 20, 88, 89, 1000)),
            *(loss_line(loss_by_softmax, z) for z in (1, 60, 88, 89, 1000)),
            *(loss_line(loss_by_shifted_softmax, z) for z in (60, 103, 104, 1000)),
        ]
    return Table(["in float32", "plain formula", "cymlp", "in float64"], lines)


def tanh_line(u):
    """Write the line of tanh(u)."""
    U = np.array([[u]], np.float32)
    computed, exact = Tanh().value(U), np.tanh(U.astype(float))
    return [f"tanh {u}", *formatted(tanh_by_exponentials(U), computed, exact)]


def loss_line(formula, z):
    """Write the line of a loss with the scores z and 0, the second class right."""
    Z, T = np.array([[z, 0]], np.float32), np.array([[0, 1]], np.float32)
    computed, _ = CrossEntropy().value_and_gradient(Z, T)
    exact = -log_softmax(Z.astype(float), axis=1)[:, 1]
    name = formula.__name__.replace("_", " ")
    return [
        f"{name}, scores {z} and 0, second class right",
        *formatted(formula(Z, T), computed, exact),
    ]


def formatted(*values):
    """Format arrays of one value each with the digits of float32."""
    return [f"{value.item():.7g}" for value in values]
