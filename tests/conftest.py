"""Fixtures that several test files use."""

import os

import data
import pytest


@pytest.fixture(scope="session")
def mnist():
    """MNIST, scaled as in the reference, from the folder that CYMLP_DATA names."""
    if "CYMLP_DATA" not in os.environ:
        pytest.skip("CYMLP_DATA is not set to a folder that has mnist/")
    dataset = data.load("mnist")
    assert dataset.comparable, "CYMLP_DATA is set but has no MNIST"
    return dataset._replace(
        X_train=data.scale(dataset.X_train), X_test=data.scale(dataset.X_test)
    )
