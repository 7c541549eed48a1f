"""Storage that several fits share."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cymlp._fit.shared_storage import SharedStorage

N_THREADS = 8


@pytest.fixture
def storage():
    return SharedStorage()


def get_in_threads(storage, key, make):
    """A future for each of many threads that ask for the same at the same time."""
    barrier = threading.Barrier(N_THREADS)

    def get():
        barrier.wait()
        return storage.get(key, make)

    with ThreadPoolExecutor(N_THREADS) as threads:
        return [threads.submit(get) for _ in range(N_THREADS)]


def test_threads_that_ask_at_once_make_once(storage):
    made = []

    def make():
        time.sleep(0.05)  # so that the others ask meanwhile
        made.append(object())
        return made[-1]

    futures = get_in_threads(storage, (np.eye(2), None), make)
    assert len(made) == 1
    assert {future.result() for future in futures} == set(made)


def test_an_error_is_raised_to_all_and_making_is_tried_again(storage):
    key = np.eye(2), None

    def fail():
        raise ValueError("X contains NaN")

    for future in get_in_threads(storage, key, fail):
        with pytest.raises(ValueError, match="X contains NaN"):
            future.result()
    stored = storage.get(key, object)
    assert storage.get(key, fail) is stored


def test_a_slow_x_does_not_hold_up_others(storage):
    begun, finish = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert finish.wait(5)
        return "slow"

    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(storage.get, (np.eye(2), None), slow)
        assert begun.wait(5)
        assert storage.get((np.eye(2), None), lambda: "fast") == "fast"
        finish.set()
        assert future.result() == "slow"


X = np.eye(2)
SHIFT = np.array([1.0, 2.0])
KEY = X, np.dtype("float32"), SHIFT, np.float64(3.0)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ((X, np.dtype("float32"), SHIFT.copy(), np.float64(3.0)), True),
        ((X.copy(), *KEY[1:]), False),
        ((X, np.dtype("float64"), *KEY[2:]), False),
        ((X, np.dtype("float32"), SHIFT + 1, np.float64(3.0)), False),
        ((X, np.dtype("float32"), SHIFT, np.float64(4.0)), False),
        ((X, np.dtype("float32"), None, None), False),
    ],
    ids=["equal", "other X", "other dtype", "other shift", "other divisor", "no scale"],
)
def test_x_is_compared_by_identity_and_its_scale_by_value(storage, other, is_same):
    stored = storage.get(KEY, object)
    assert (storage.get(other, object) is stored) is is_same
    assert storage.get(KEY, object) is stored


def test_x_is_kept_so_that_no_other_gets_its_identity(storage):
    given = np.eye(2)
    reference = weakref.ref(given)
    storage.get((given, None), object)
    del given
    gc.collect()
    assert reference() is not None
