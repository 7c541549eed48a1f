"""The data set and the row that several test files train."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmarks import datasets


@pytest.fixture
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return datasets.DataSet(
        "digits", X[:1200], y[:1200], X[1200:], y[1200:], "here", False
    )


@pytest.fixture
def row():
    """A row that trains in an instant."""
    settings = {
        "hidden_layer_sizes": [8],
        "activation": "tanh",
        "loss": "cross_entropy",
        "learning_rate_init": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.0001,
        "batch_size": 100,
    }
    return {"figure": 1, "settings": settings}
