"""Fixtures that several test files use."""

import os
import signal
import threading

import pytest
import sklearn
from sklearn.datasets import make_classification

from benchmarks import datasets


@pytest.fixture(scope="session")
def mnist():
    """MNIST, scaled as in the reference, from the folder that CYMLP_DATA names."""
    if "CYMLP_DATA" not in os.environ:
        pytest.skip("CYMLP_DATA is not set to a folder that has mnist/")
    dataset = datasets.load("mnist")
    assert dataset.comparable, "CYMLP_DATA is set but has no MNIST"
    return dataset._replace(
        X_train=datasets.scale(dataset.X_train), X_test=datasets.scale(dataset.X_test)
    )


@pytest.fixture
def three_classes():
    """120 samples of 3 classes that a line can nearly tell apart."""
    return make_classification(
        120, 6, n_informative=4, n_classes=3, random_state=0, class_sep=2
    )


@pytest.fixture
def press_ctrl_c():
    """Give a function that presses Ctrl-C after so many seconds.

    A shell starts what it runs in the background with Ctrl-C ignored; not so here.
    """
    if os.name != "posix":
        pytest.skip("sends itself a POSIX signal")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers = []

    def press(seconds):
        arguments = (os.getpid(), signal.SIGINT)
        timers.append(threading.Timer(seconds, os.kill, arguments))
        timers[-1].start()

    config = sklearn.get_config()
    yield press
    for timer in timers:
        timer.cancel()
    signal.signal(signal.SIGINT, handler)
    # Ctrl-C while scikit-learn is about to restore it leaves a changed one behind.
    sklearn.set_config(**config)
