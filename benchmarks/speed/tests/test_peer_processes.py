"""The processes of the peers, their threads and their processors."""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from benchmarks.speed.peer_processes import (
    AVX2,
    ONE_THREAD,
    PeerProcesses,
    available_cpus,
)
from cymlp import kernels

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def start(processes):
    """Give a function that starts a process; returns its pid and its environment."""

    def start(*arguments):
        others = multiprocessing.active_children()
        processes.start("another", *arguments)
        processes.ask("another", "versions")
        (pid,) = (p.pid for p in multiprocessing.active_children() if p not in others)
        environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
        return pid, environment.split("\0")

    yield start
    processes.stop("another")


def test_starting_a_process_restores_environment_and_affinity(processes):
    before = dict(os.environ)
    processes.start("another", "numpy", processes.cpus[:1])
    processes.stop("another")
    assert dict(os.environ) == before
    assert available_cpus() == processes.cpus


@needs_proc
def test_a_process_may_use_all_threads_and_processors(processes, start, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    pid, environment = start("cymlp")
    assert not any("NUM_THREADS" in variable for variable in environment)
    assert sorted(os.sched_getaffinity(pid)) == processes.cpus
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


@needs_proc
def test_a_process_is_limited_to_one_thread_on_one_processor(processes, start):
    pid, environment = start("numpy", processes.cpus[:1])
    assert "OPENBLAS_NUM_THREADS=1" in environment
    assert f"XLA_FLAGS={ONE_THREAD}" in environment
    assert os.sched_getaffinity(pid) == {processes.cpus[0]}


@needs_proc
def test_a_process_has_a_thread_for_each_processor(processes, start):
    pid, environment = start("numpy", processes.cpus)
    assert f"OPENBLAS_NUM_THREADS={len(processes.cpus)}" in environment
    assert sorted(os.sched_getaffinity(pid)) == processes.cpus


@pytest.mark.skipif("avx2" not in kernels.available(), reason="needs AVX2")
def test_instructions_can_be_limited_to_avx2():
    with PeerProcesses(["cymlp"], AVX2) as processes:
        assert processes.ask("cymlp", "instructions") == "avx2"
        assert any("Haswell" in name for name in processes.ask("cymlp", "blas"))


def test_a_failing_peer_gives_its_traceback(processes, quick):
    with pytest.raises(RuntimeError, match=r"(?s)numpy failed.*KeyError: 'nothing'"):
        processes.ask("numpy", "train", quick._replace(data="nothing"), 1)
