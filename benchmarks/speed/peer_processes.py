"""The processes of all peers, and who of them takes part."""

import contextlib
import multiprocessing
import os
from importlib.util import find_spec
from typing import NamedTuple

from benchmarks.speed.peer_server import compute_forever, main, pin

THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


class Peer(NamedTuple):
    """Who takes part.

    Attributes
    ----------
    title : str
    module : str
        Which has to be installed.
    target : str
        Module and class, "module:Class".
    """

    title: str
    module: str
    target: str


PEERS = {
    "cymlp": Peer("cymlp", "cymlp", "benchmarks.speed.peers.estimators:CymlpPeer"),
    "numpy": Peer(
        "NumPy, in place", "numpy", "benchmarks.speed.peers.numpy_loop:NumpyPeer"
    ),
    "scikit-learn": Peer(
        "scikit-learn", "sklearn", "benchmarks.speed.peers.estimators:SklearnPeer"
    ),
    "pytorch": Peer(
        "PyTorch, fused", "torch", "benchmarks.speed.peers.torch_loop:TorchPeer"
    ),
    "dataloader": Peer(
        "PyTorch, DataLoader",
        "torch",
        "benchmarks.speed.peers.torch_loop:DataLoaderPeer",
    ),
    "jax": Peer("JAX, scan", "jax", "benchmarks.speed.peers.jax_loop:JaxPeer"),
}


class Session:
    """Context manager: a process for each peer that is installed, once it is needed.

    Parameters
    ----------
    names : list of str
        Keys of `PEERS`.

    Attributes
    ----------
    missing : dict of str to str
        Peers that are not installed, and why they are left out.
    cpus : list of int
        Processors there are. All peers take turns on the last.
    """

    def __init__(self, names):
        self.missing = {
            name: "not installed"
            for name in names
            if find_spec(PEERS[name].module) is None
        }
        self.cpus = processors()
        self._processes = {}
        self._rate = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for _, pipe in self._processes.values():
            pipe.close()
        for name in self.started():
            self.stop(name)

    def start(self, key, name, cpu=None):
        """Start a process of a peer and know it as `key`.

        It has one thread on one processor; where none is named, it may use them all,
        with as many threads as its libraries take.
        """
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Not a daemon, as joblib would have these do one thing at a time. It ends by
        # itself when its pipe is closed.
        process = context.Process(target=main, args=(PEERS[name].target, theirs))
        with unlimited() if cpu is None else single_threaded(cpu):
            process.start()
        theirs.close()
        self._processes[key] = process, ours

    def stop(self, key):
        """End a process; one that is at work does not get to finish it."""
        process, pipe = self._processes.pop(key)
        pipe.close()
        process.join(timeout=1)
        process.terminate()
        process.join()

    def multiplication_rate(self):
        """Operations a second of a large product: the best that was seen so far."""
        self._rate = max(self._rate, self.ask("cymlp", "multiplication_rate"))
        return self._rate

    def started(self):
        """Names of the processes there are."""
        return list(self._processes)

    def pipe(self, key):
        """Pipe to a process, to wait for its answer."""
        return self._processes[key][1]

    def send(self, key, *request):
        """Ask a process for something; it is started if its peer has none."""
        if key not in self._processes:
            self.start(key, key, self.cpus[-1])
        self.pipe(key).send(request)

    def receive(self, key):
        """Wait for the answer of a process.

        Raises
        ------
        RuntimeError
            The process failed or died.
        """
        try:
            succeeded, answer = self.pipe(key).recv()
        except EOFError:
            raise RuntimeError(f"the process of {key} has died") from None
        if not succeeded:
            raise RuntimeError(f"{key} failed:\n{answer}")
        return answer

    def ask(self, key, *request):
        """Ask a process for something and wait for the answer."""
        self.send(key, *request)
        return self.receive(key)


@contextlib.contextmanager
def single_threaded(cpu):
    """Have processes that are started meanwhile use one thread, on one processor.

    They inherit both, as libraries look for them as soon as they are loaded.
    """
    cpus = processors()
    with same_environment():
        os.environ.update(THREAD_LIMITS)
        pin({cpu})
        try:
            yield
        finally:
            pin(cpus)


@contextlib.contextmanager
def unlimited():
    """Have processes that are started meanwhile use what threads they like."""
    with same_environment():
        for name in THREAD_LIMITS:
            os.environ.pop(name, None)
        yield


@contextlib.contextmanager
def same_environment():
    """Have the environment afterwards as it was before."""
    environment = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)


@contextlib.contextmanager
def busy_loop(cpu):
    """Have a processor compute something else meanwhile."""
    process = multiprocessing.get_context("spawn").Process(
        target=compute_forever, daemon=True
    )
    with single_threaded(cpu):
        process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def processors():
    """Numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
