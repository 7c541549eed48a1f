"""How fits share the cores, and what limits a fit."""

import gc
import os
import subprocess
import sys
import threading
from functools import partial
from weakref import ref

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from cymlp import MLPClassifier
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.storage.csr import CSR
from cymlp._engine.team import Team
from cymlp._fit import cores
from cymlp._fit.blas_threads import limited_blas, single_threaded_blas
from cymlp._fit.cores import Cores, FitCores, predict_batches
from cymlp.activations import Relu

LARGE = 1e12


class Fit:
    """Stands for a fit."""


def test_a_fit_alone_gets_what_it_wants_of_all_cores():
    budget, fit = Cores(), Fit()
    assert [budget.deal(fit, wanted, 8) for wanted in (0, 1, 3, 8, 20)] == [
        1, 1, 3, 8, 8,
    ]  # fmt: skip


def test_fits_share_the_cores_and_the_last_one_takes_all():
    budget, a, b, c = Cores(), Fit(), Fit(), Fit()
    assert budget.deal(a, 20, 8) == 8
    # The first fit keeps its cores until its next epoch.
    assert budget.deal(b, 20, 8) == 4
    assert budget.deal(a, 20, 8) == 4
    assert budget.deal(c, 1, 8) == 1
    # What the small fit does not need is free.
    assert budget.deal(a, 20, 8) == 3
    assert budget.deal(b, 20, 8) == 4
    budget.leave(b)
    assert budget.deal(a, 20, 8) == 7
    budget.leave(c)
    budget.leave(c)
    assert budget.deal(a, 20, 8) == 8


def test_a_fit_that_is_lost_gives_its_cores_back():
    budget, lost, fit = Cores(), Fit(), Fit()
    assert budget.deal(lost, 8, 8) == 8
    del lost
    gc.collect()
    assert budget.deal(fit, 8, 8) == 8


def test_every_fit_has_a_core():
    budget, fits = Cores(), [Fit() for _ in range(5)]
    assert [budget.deal(fit, 5, 2) for fit in fits] == [2, 1, 1, 1, 1]
    assert [budget.deal(fit, 5, 2) for fit in fits] == [1] * 5


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


AVAILABLE = "from cymlp._fit.cores import available; print(available())"


@pytest.mark.parametrize(
    ("value", "expected"), [("1", 1), ("1,4", 1), (" 1 ", 1), ("", 5), ("many", 5)]
)
def test_omp_num_threads_is_respected(monkeypatch, value, expected):
    monkeypatch.setattr(cores, "cpu_count", lambda: 5)
    monkeypatch.setattr(single_threaded_blas, "limit_before", None)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert cores.available() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_affinity_is_respected():
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
    assert run(code + AVAILABLE) == "1"


def test_the_limit_of_loky_is_respected():
    assert run(AVAILABLE, LOKY_MAX_CPU_COUNT="1") == "1"


@pytest.mark.parametrize("api", ["blas", "openmp", None])
def test_the_limits_of_threadpoolctl_are_respected(monkeypatch, api):
    monkeypatch.setattr(cores, "cpu_count", lambda: 5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for limit in 1, 2:
        with threadpool_limits(limit, user_api=api), limited_blas():
            assert cores.available() <= limit
            # The limit for the fits themselves does not count.
            with limited_blas():
                assert cores.available() <= limit


@pytest.mark.parametrize("bound", [None, 1, 2, 5])
def test_large_batches_get_threads_up_to_the_bound(monkeypatch, bound):
    monkeypatch.setattr(cores, "available", lambda: 3)
    with FitCores(bound, LARGE, LARGE) as fit, fit.team() as team:
        assert team.n_threads == min(bound or 3, 3)
    assert ref(fit) not in cores.cores._held


@pytest.mark.parametrize("work", [(1e5, LARGE), (LARGE, 1e6), (0, 0)])
def test_small_batches_and_small_epochs_get_one_thread(monkeypatch, work):
    monkeypatch.setattr(cores, "available", lambda: 3)
    before = threading.active_count()
    with FitCores(None, *work) as fit, fit.team() as team:
        assert team.n_threads == 1
        assert threading.active_count() == before


@pytest.mark.parametrize(
    ("sizes", "expected"), [([1000, 100, 10], 0), ([1000, 100, 300, 10], 95_930)]
)
def test_the_first_layer_of_sparse_samples_asks_for_no_threads(sizes, expected):
    # 20 values a sample: 2 x 20 x 100 multiplications, and 3 for every other weight.
    at = np.arange(100)
    X = csr_array((np.ones(100, np.float32), (at // 20, at)), (5, 1000))
    network = Network(sizes, [Relu()] * (len(sizes) - 2))
    stored = CSR.store(Inputs(X, np.dtype("float32")))
    assert cores.n_multiplications(network, stored) == expected


def test_threads_end_with_each_epoch(monkeypatch):
    monkeypatch.setattr(cores, "available", lambda: 3)
    # One that does not pause on a busy machine.
    monkeypatch.setattr(cores, "Team", partial(Team, is_patient=True))
    before = threading.active_count()
    with FitCores(None, LARGE, LARGE) as fit:
        for _ in range(2):
            with fit.team() as team:
                assert threading.active_count() == before + 2
            assert team.n_threads == 1
            assert threading.active_count() == before
        with pytest.raises(LookupError), fit.team():
            raise LookupError
        assert threading.active_count() == before


FORK = """
import os
from cymlp._fit.cores import cores
class Fit: pass
one, other = Fit(), Fit()  # of another thread, and of this one
cores.deal(one, 2, 2)
cores._lock.acquire()
child = os.fork()
if child == 0:
    cores.leave(one)
    os._exit(cores.deal(other, 2, 2) != 2)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_fork_has_all_cores():
    run(FORK)


# Predictions


@pytest.mark.parametrize(
    ("bound", "n_multiplications", "expected"),
    [(None, LARGE, 3), (2, LARGE, 2), (1, LARGE, 1), (None, 1e6, 1), (None, 1.2e8, 2)],
)
def test_large_predictions_get_threads(monkeypatch, bound, n_multiplications, expected):
    monkeypatch.setattr(cores, "available", lambda: 3)
    meeting = threading.Barrier(expected, timeout=60)

    def predict(batch):
        if batch < expected:
            meeting.wait()  # until there are so many threads
        return batch, threading.get_ident()

    results, threads = zip(
        *predict_batches(predict, list(range(9)), bound, n_multiplications),
        strict=True,
    )
    assert results == tuple(range(9))
    assert len(set(threads)) == expected
    assert threading.get_ident() in threads
    assert not list(cores.cores._held.keys())


def test_an_error_in_one_batch_ends_the_prediction(monkeypatch):
    monkeypatch.setattr(cores, "available", lambda: 2)

    def predict(batch):
        if batch == 4:
            raise ValueError("batch 4")

    with pytest.raises(ValueError, match="batch 4"):
        predict_batches(predict, list(range(9)), None, LARGE)
    assert not [t for t in threading.enumerate() if "predict" in t.name]
    assert not list(cores.cores._held.keys())


@pytest.mark.parametrize("kind", ["dense", "scaled", "sparse"])
def test_threads_change_no_bit_of_a_prediction(monkeypatch, kind):
    monkeypatch.setattr(cores, "available", lambda: 3)
    monkeypatch.setattr(cores, "MIN_PREDICTION", 1)
    X = np.random.default_rng(0).normal(size=(5000, 30)).astype(np.float32)
    X[X < 0.5] = 0
    y = X[:, :4].argmax(axis=1)
    X = csr_array(X) if kind == "sparse" else X
    clf = MLPClassifier(
        (40, 20), max_iter=2, scale="standard" if kind == "scaled" else None
    ).fit(X, y)
    expected = clf.set_params(n_threads=1).predict_proba(X)
    for n_threads in (None, 2):
        clf.set_params(n_threads=n_threads)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)
