"""The report on a Dask cluster of two processes that may be killed."""

import json
import os
import shutil
import signal
import socket
import sys
import time
from importlib.metadata import version
from pathlib import Path

import distributed
import numpy as np
import pytest

from benchmarks.report import __main__ as command
from benchmarks.report import cluster, training
from benchmarks.report.rows import plan, published

DIGITS = ["--data", "digits", "--epochs", "6"]
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def client():
    """Client of two workers with one thread each, which cannot import this package."""
    with pytest.MonkeyPatch.context() as patch:
        others = [path for path in sys.path if Path(path).resolve() != ROOT]
        patch.setattr(sys, "path", others)
        workers = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        )
    with workers, distributed.Client(workers) as client:
        yield client


def pids(client):
    client.wait_for_workers(2, timeout=120)
    return set(client.run(os.getpid).values())


def die():
    """Kill the process that calls this."""
    # Windows lacks SIGKILL; there any signal ends a process at once.
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def same(results):
    """The part of the records that does not depend on the machine."""
    return [result | {"seconds": None} for result in results]


@pytest.fixture
def train(tmp_path, digits):
    """Give a function that trains two rows, or takes the runs that are kept."""
    rows = [row for row in published()["rows"] if row["figure"] in (1, 2)]

    def train(client=None, n_seeds=1):
        runs = plan(rows, range(n_seeds))
        folder = tmp_path / ("here" if client is None else "there")
        return training.train(
            runs, digits, epochs=6, jobs=2, folder=folder, client=client
        )

    return train


def test_the_workers_cannot_import_this_package(client):
    def find():
        from importlib.util import find_spec

        return find_spec("benchmarks"), find_spec("cymlp") is not None

    assert client.submit(find).result() == (None, True)


def test_the_report_is_the_same_on_a_cluster(client, tmp_path, capsys):
    reports = []
    for options in [], ["--scheduler", client.scheduler.address]:
        command.main([*DIGITS, "--figures", "2", "--output", str(tmp_path), *options])
        printed = capsys.readouterr()
        assert "2 of 2 runs in" in printed.out
        assert "12/12" in printed.err
        networks = json.loads((tmp_path / "runs.json").read_text("utf-8"))["networks"]
        reports.append(same(run for network in networks for run in network["runs"]))
        shutil.rmtree(tmp_path / "runs")
    here, there = reports
    # The activation of the second is missing from the workers' modules.
    assert len(here) == 2
    assert there == here


def test_runs_from_a_cluster_are_kept_and_used_again(client, train, capsys):
    first = train(client)
    assert "0 of 3 runs are in" in capsys.readouterr().out
    assert train(client) == first
    assert "3 of 3 runs are in" in capsys.readouterr().out


def test_the_runs_of_a_worker_that_dies_are_trained_again(client, train, monkeypatch):
    train_one, before = training.train_one, pids(client)

    def fatal(run, *arrays, epochs):
        if run.kind == "alternative" and os.getpid() in before:
            die()
        return train_one(run, *arrays, epochs=epochs)

    here = train()
    monkeypatch.setattr(training, "train_one", fatal)
    assert same(train(client)) == same(here)
    assert not before <= pids(client)


def test_arrays_survive_the_death_of_all_workers(client):
    array = np.arange(1000.0)
    before = pids(client)
    done = cluster.call_for_each(
        client, lambda item, X: item * X.sum(), {"a": 1, "b": 2}, [array]
    )
    key, future = next(done)
    assert future.result() == {"a": 1, "b": 2}[key] * array.sum()
    done.close()

    def die_first(item, X):
        if os.getpid() in before:
            die()
        return X.sum()

    items = dict.fromkeys(range(2))
    for _, future in cluster.call_for_each(client, die_first, items, [array]):
        assert future.result() == array.sum()
    assert not before & pids(client)


def test_a_run_that_fails_does_not_lose_the_others(client, train, monkeypatch, capsys):
    train_one = training.train_one

    def failing(run, *arrays, epochs):
        if run.figure == 1:
            raise ArithmeticError("bad luck")
        return train_one(run, *arrays, epochs=epochs)

    monkeypatch.setattr(training, "train_one", failing)
    assert [run["figure"] for run in train(client)] == [2, 2]
    out = capsys.readouterr().out
    assert "Raised by the network 'figure-01-seed-0" in out
    assert "bad luck" in out


def test_ctrl_c_keeps_what_is_finished_and_cancels_the_rest(
    client, train, monkeypatch, tmp_path
):
    save, train_one = training.save, training.train_one

    def train_slowly(*arguments, epochs):
        time.sleep(1)
        return train_one(*arguments, epochs=epochs)

    def save_and_interrupt(result, path):
        save(result, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_one", train_slowly)
    monkeypatch.setattr(training, "save", save_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(client, n_seeds=100)
    (kept,) = (tmp_path / "there").iterdir()
    assert kept.suffix == ".json"
    deadline = time.monotonic() + 60
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def refused(tmp_path):
    """Give a function that asserts that an address is refused before any training."""

    def refused(address, message):
        folder = tmp_path / "new"
        with pytest.raises(SystemExit, match=f"--scheduler {address}: .*{message}"):
            command.main([*DIGITS, "--output", str(folder), "--scheduler", address])
        assert not folder.exists()

    return refused


def test_a_wrong_address_is_refused(refused):
    refused("nowhere", r"missing port.*the address must be the one that dask sched")
    refused("http://here:1", "unknown address scheme 'http'")


def test_an_address_without_an_answer_is_refused(refused, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        refused(address, r"no scheduler answers \(within 0.2 s\)")


def test_a_cluster_with_another_cymlp_is_refused(client, refused, monkeypatch):
    pid, installed = os.getpid(), version("cymlp")

    def of_this_process(package):
        return "0.0.1" if os.getpid() == pid else installed

    monkeypatch.setattr(cluster, "version", of_this_process)
    message = f"tcp://.* has cymlp '{installed}'; it must be '0.0.1', as here"
    refused(client.scheduler.address, message)
