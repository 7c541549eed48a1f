"""Searches and the report on a Dask cluster of two processes that may be killed."""

import json
import os
import shutil
import signal
import socket
import sys
import time
from importlib.metadata import version
from itertools import chain

import cluster
import data
import distributed
import experiment
import joblib
import numpy as np
import pytest
import report
from helpers import make_mlp
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from threadpoolctl import threadpool_info, threadpool_limits

DIGITS = ["--data", "digits", "--epochs", "6"]


@pytest.fixture(scope="module")
def client():
    """Of two workers with one thread each, which find the installed packages only."""
    with pytest.MonkeyPatch.context() as patch:
        own = {
            os.path.dirname(module.__file__)
            for module in (cluster, sys.modules[__name__])
        }
        patch.setattr(sys, "path", [path for path in sys.path if path not in own])
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


def same(results):
    """What is the same wherever runs are trained."""
    return [result | {"seconds": None} for result in results]


# Searches


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


# The report


@pytest.fixture
def train(tmp_path):
    """Give a function that trains some rows on the digits, or takes what is kept."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    digits = data.DataSet("digits", X[:999], y[:999], X[999:], y[999:], "", False)
    rows = [row for row in experiment.reference()["rows"] if row["figure"] in (1, 2)]

    def train(client=None, n_seeds=1):
        runs = experiment.plan(rows, range(n_seeds))
        folder = tmp_path / ("here" if client is None else "there")
        return experiment.train(
            runs, digits, epochs=6, jobs=2, folder=folder, client=client
        )

    return train


def test_the_report_is_the_same_on_a_cluster(client, tmp_path, capsys):
    reports = []
    for options in [], ["--scheduler", client.scheduler.address]:
        report.main([*DIGITS, "--figures", "2", "--output", str(tmp_path), *options])
        printed = capsys.readouterr()
        assert "2 of 2 runs in" in printed.out
        assert "12/12" in printed.err
        reports.append(same(json.loads((tmp_path / "runs.json").read_text("utf-8"))))
        shutil.rmtree(tmp_path / "runs")
    here, there = reports
    # The second has an activation that no module of the workers has.
    assert len(here) == 2
    assert there == here


def test_runs_from_a_cluster_are_kept_and_used_again(client, train, capsys):
    first = train(client)
    assert "0 of 3 runs are in" in capsys.readouterr().out
    assert train(client) == first
    assert "3 of 3 runs are in" in capsys.readouterr().out


def test_the_runs_of_a_worker_that_dies_are_trained_again(
    client, train, die_once, monkeypatch
):
    trained = experiment.trained

    def fatal(run, *arrays, epochs):
        if run.variant == "as published":
            die_once()
        return trained(run, *arrays, epochs=epochs)

    before = pids(client)
    here = train()
    monkeypatch.setattr(experiment, "trained", fatal)
    assert same(train(client)) == same(here)
    assert len(before & pids(client)) == 1


def test_data_are_not_lost_with_all_workers(client):
    array = np.arange(1000.0)
    before = pids(client)
    done = cluster.each(
        client, lambda item, X: item * X.sum(), {"a": 1, "b": 2}, [array]
    )
    key, future = next(done)
    assert future.result() == {"a": 1, "b": 2}[key] * array.sum()
    done.close()

    def die_of_it(item, X):
        if os.getpid() in before:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return X.sum()

    items = dict.fromkeys(range(2))
    for _, future in cluster.each(client, die_of_it, items, [array]):
        assert future.result() == array.sum()
    assert not before & pids(client)


def test_a_run_that_fails_does_not_lose_the_others(client, train, monkeypatch, capsys):
    trained = experiment.trained

    def failing(run, *arrays, epochs):
        if run.figure == 1:
            raise ArithmeticError("bad luck")
        return trained(run, *arrays, epochs=epochs)

    monkeypatch.setattr(experiment, "trained", failing)
    assert [run["figure"] for run in train(client)] == [2, 2]
    out = capsys.readouterr().out
    assert "This is the network 'figure-01-seed-0" in out
    assert "bad luck" in out


def test_ctrl_c_keeps_what_is_finished_and_cancels_the_rest(
    client, train, monkeypatch, press_ctrl_c, tmp_path
):
    save, trained = experiment.save, experiment.trained

    def trained_slowly(*arguments, epochs):
        time.sleep(1)
        return trained(*arguments, epochs=epochs)

    def save_and_press(result, path):
        save(result, path)
        press_ctrl_c(0)
        time.sleep(60)

    monkeypatch.setattr(experiment, "trained", trained_slowly)
    monkeypatch.setattr(experiment, "save", save_and_press)
    with pytest.raises(KeyboardInterrupt):
        train(client, n_seeds=100)
    (kept,) = (tmp_path / "there").iterdir()
    assert kept.suffix == ".json"
    deadline = time.monotonic() + 60
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_fit_has_one_blas_thread_on_a_worker_too(client):
    def n_threads(item):
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
            make_mlp(activation=Spy()).fit(np.eye(20), np.arange(20) % 2)
        return set(seen)

    for _, future in cluster.each(client, n_threads, {0: None}, []):
        assert future.result() == {1}


# What is refused


@pytest.fixture
def refused(tmp_path):
    """Give a function that asserts that an address is refused before all else."""

    def refused(address, message):
        folder = tmp_path / "new"
        with pytest.raises(SystemExit, match=f"--scheduler {address}: .*{message}"):
            report.main([*DIGITS, "--output", str(folder), "--scheduler", address])
        assert not folder.exists()

    return refused


def test_what_is_no_address_is_refused(refused):
    refused("nowhere", r"missing port.*must be the address that a dask scheduler pri")
    refused("http://here:1", "unknown address scheme 'http'")


def test_an_address_where_nobody_answers_is_refused(refused, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        refused(address, r"no scheduler answers there \(within 0.2 s\)")


def test_a_cluster_with_another_cymlp_is_refused(client, refused, monkeypatch):
    pid, ours = os.getpid(), version("cymlp")

    def of_this_process(package):
        return "0.0.1" if os.getpid() == pid else ours

    monkeypatch.setattr(cluster, "version", of_this_process)
    message = f"tcp://.* answers '{ours}'; it must be '0.0.1', as here"
    refused(client.scheduler.address, message)
