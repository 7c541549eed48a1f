"""The processes of all peers: started with limited threads, asked, and stopped."""

import contextlib
import multiprocessing
import os
from importlib.util import find_spec

from benchmarks.speed.peer_server import compute_forever, pin, serve
from benchmarks.speed.peers import PEERS

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

# Make the libraries of all peers use the instructions of processors with AVX2.
AVX2 = {
    "CYMLP_ISA": "avx2",
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


class PeerProcesses:
    """Context manager of one process per peer, started when it is first asked.

    Parameters
    ----------
    names : list of str
        Keys of `PEERS`.
    settings : dict of str to str
        Environment variables of the processes.

    Attributes
    ----------
    missing : dict of str to str
        Peers that are left out, with the reason.
    cpus : list of int
        Available processors. Peers with one thread take turns on the last one.
    """

    def __init__(self, names, settings=()):
        self.missing = {
            name: "not installed"
            for name in names
            if find_spec(PEERS[name].package) is None
        }
        self.cpus = available_cpus()
        self._settings = dict(settings)
        self._processes = {}
        self._rate = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for _, pipe in self._processes.values():
            pipe.close()
        for name in self.started():
            self.stop(name)

    def start(self, key, name, cpus=None):
        """Start a process of the peer `name` under the name `key`.

        It has a thread for each of the given processors. Without them, it may use all
        processors and the libraries' default number of threads.
        """
        context = multiprocessing.get_context("spawn")
        own_end, peer_end = context.Pipe()
        # Not a daemon, because joblib would then use a single thread. The process ends
        # when its pipe is closed.
        process = context.Process(target=serve, args=(PEERS[name].target, peer_end))
        with unlimited() if cpus is None else limited(cpus):
            add_to_environment(self._settings)
            process.start()
        peer_end.close()
        self._processes[key] = process, own_end

    def stop(self, key):
        """Stop a process, even if it is busy."""
        process, pipe = self._processes.pop(key)
        pipe.close()
        process.join(timeout=1)
        process.terminate()
        process.join()

    def multiplication_rate(self):
        """Return operations per second of a large product: the best so far."""
        self._rate = max(self._rate, self.ask("cymlp", "multiplication_rate"))
        return self._rate

    def started(self):
        """Return the names of the processes."""
        return list(self._processes)

    def pipe(self, key):
        """Return the pipe to a process, to wait for its answer."""
        return self._processes[key][1]

    def send(self, key, *request):
        """Send a request to a process; it is started if necessary."""
        if key not in self._processes:
            self.start(key, key, self.cpus[-1:])
        self.pipe(key).send(request)

    def receive(self, key):
        """Wait for the answer of a process.

        Raises
        ------
        RuntimeError
            If the request failed or the process died.
        """
        try:
            succeeded, answer = self.pipe(key).recv()
        except EOFError:
            raise RuntimeError(f"the process of {key} has died") from None
        if not succeeded:
            raise RuntimeError(f"{key} failed:\n{answer}")
        return answer

    def ask(self, key, *request):
        """Send a request to a process and wait for the answer."""
        self.send(key, *request)
        return self.receive(key)


@contextlib.contextmanager
def limited(cpus):
    """Limit processes that are started meanwhile to a thread for each processor.

    They inherit environment and affinity, which libraries read when they are loaded.
    """
    before = available_cpus()
    with restored_environment():
        os.environ.update(dict.fromkeys(THREAD_LIMITS, str(len(cpus))))
        if len(cpus) == 1:
            add_to_environment({"XLA_FLAGS": ONE_THREAD})
        pin(cpus)
        try:
            yield
        finally:
            pin(before)


def add_to_environment(settings):
    """Set environment variables; XLA_FLAGS, a list, is made longer."""
    for name, value in settings.items():
        given = os.environ.get(name, "") if name == "XLA_FLAGS" else ""
        os.environ[name] = f"{given} {value}".strip()


@contextlib.contextmanager
def unlimited():
    """Remove limits on the threads of processes that are started meanwhile."""
    with restored_environment():
        for name in (*THREAD_LIMITS, "XLA_FLAGS"):
            os.environ.pop(name, None)
        yield


@contextlib.contextmanager
def restored_environment():
    """Restore the environment variables afterwards."""
    environment = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)


@contextlib.contextmanager
def busy_loop(cpu):
    """Keep a processor busy with another process meanwhile."""
    process = multiprocessing.get_context("spawn").Process(
        target=compute_forever, daemon=True
    )
    with limited([cpu]):
        process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def available_cpus():
    """Return the indices of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
