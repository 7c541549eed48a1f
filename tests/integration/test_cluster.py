"""Searches and fits on a Dask cluster of two processes that may be killed."""

import os
import signal
import sys
from itertools import chain

import distributed
import joblib
import numpy as np
import pytest
from helpers import make_mlp
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from threadpoolctl import threadpool_info, threadpool_limits


@pytest.fixture(scope="module")
def client():
    """Of two workers with one thread each, which find the installed packages only."""
    with pytest.MonkeyPatch.context() as patch:
        own = os.path.dirname(__file__)
        patch.setattr(sys, "path", [path for path in sys.path if path != own])
        workers = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        )
    with workers, distributed.Client(workers) as client:
        yield client


@pytest.fixture
def die_once(tmp_path):
    """Give a function that kills the process that calls it, the first time only."""
    mark = str(tmp_path / "dead")

    def die():
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        # Windows has no SIGKILL, and ends a process at once by any signal.
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    yield die
    assert os.path.exists(mark), "nobody was killed"


def pids(client):
    client.wait_for_workers(2, timeout=120)
    return set(client.run(os.getpid).values())


def test_a_grid_search_outlives_a_worker(three_classes, client, die_once):
    X, y = three_classes
    splits = list(StratifiedKFold(3).split(X, y))
    grid = {"learning_rate_init": [0.01, 0.1, 1.0], "activation": ["tanh", "selu"]}

    def score(mlp, X, y):
        if mlp.learning_rate_init == 0.1:  # the search is half done
            die_once()
        return mlp.score(X, y)

    here = GridSearchCV(make_mlp(), grid, cv=splits).fit(X, y)
    before = pids(client)
    client.amm.stop()
    copied = [X, y, *chain(*splits)]
    with joblib.parallel_config(backend="dask", scatter=copied):
        there = GridSearchCV(make_mlp(), grid, cv=splits, scoring=score).fit(X, y)
    client.amm.start()
    assert len(before & pids(client)) == 1
    assert there.best_params_ == here.best_params_
    assert there.best_score_ == here.best_score_
    for column in here.cv_results_:
        if "test_score" in column:
            np.testing.assert_array_equal(
                there.cv_results_[column], here.cv_results_[column]
            )


def test_a_fit_has_one_blas_thread_on_a_worker_too(client):
    mlp = make_mlp()

    def n_threads():
        seen = []

        class Spy:
            def value(self, U):
                seen.extend(
                    library["num_threads"]
                    for library in threadpool_info()
                    if library["user_api"] == "blas"
                )
                return U

            def derivative(self, U, A):
                return np.ones_like(U)

        with threadpool_limits(2, user_api="blas"):
            mlp.set_params(activation=Spy()).fit(np.eye(20), np.arange(20) % 2)
        return set(seen)

    assert client.submit(n_threads).result() == {1}
