"""The process of a peer, which answers requests until its pipe is closed."""

import importlib
import os
import signal
import subprocess
import tempfile
import threading
import time
import traceback
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.sparse import issparse
from threadpoolctl import threadpool_info

from benchmarks.datasets import DataUnavailableError
from benchmarks.speed.workloads import first_parameters, layer_sizes, load

VALIDATED_BATCHES = 1000
MULTIPLY_ADD = Path(__file__).with_name("multiply_add.c")


def serve(target, pipe):
    """Answer requests, each the name of a method of `PeerServer` and its arguments.

    Ctrl-C is ignored: the process at the other end of the pipe handles it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = None
    while True:
        try:
            name, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            server = server or PeerServer(target)
            pipe.send((True, getattr(server, name)(*arguments)))
        except Exception:
            pipe.send((False, traceback.format_exc()))


def pin(cpus):
    """Bind the calling thread, and threads that it starts, to these processors."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def compute_forever():
    """Keep a processor busy until the process is terminated."""
    while True:
        pass


class PeerServer:
    """The requests that the process of a peer answers.

    Parameters
    ----------
    target : str
        Module and class of the peer, as "module:Class".
    """

    def __init__(self, target):
        module, name = target.split(":")
        self.peer = getattr(importlib.import_module(module), name)()
        self._samples = None, None

    def samples(self, workload):
        """Load the samples of a workload; the last ones are kept."""
        key = workload.data, workload.batch_size, workload.n_rows
        if self._samples[0] != key:
            self._samples = None, None  # memory may not hold two data sets
            self._samples = key, load(workload)
        return self._samples[1]

    def unsupported(self, workload):
        """Say why a workload cannot be run, or return None."""
        try:
            self.samples(workload)
        except DataUnavailableError as error:
            return str(error)
        return self.peer.unsupported(workload)

    def describe(self, workload):
        """Describe the data and the layers of a workload."""
        samples = self.samples(workload)
        return {
            "rows": samples.X.shape[0],
            "sizes": layer_sizes(workload, samples),
            "source": samples.source,
            "sparse": issparse(samples.X),
        }

    def versions(self):
        """Return the versions of the peer's packages."""
        return {package: version(package) for package in self.peer.packages}

    def blas(self):
        """Return names and versions of the loaded BLAS libraries."""
        libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
        return sorted(
            f"{one['internal_api']} {one['version']} {one['architecture']}"
            for one in libraries
        )

    def comparable(self, workload):
        """Return the nearest workload that can be validated, and the difference."""
        return self.peer.comparable(workload)

    def initial_parameters(self, workload):
        """Return the parameters that validation starts from."""
        return self.peer.initial_parameters(workload, self.samples(workload))

    def parameters_after_epoch(self, workload, parameters):
        """Train an epoch in float64 in a fixed order, and return the parameters.

        The epoch is cut to `VALIDATED_BATCHES`, because training is chaotic: after 6000
        batches of 10, parameters that start 1e-15 apart end 3e-7 apart; after 1000
        batches they end 1e-14 apart.
        """
        samples = self.samples(workload)
        rows = slice(VALIDATED_BATCHES * workload.batch_size)
        X, y = samples.X[rows].astype(np.float64), samples.y[rows]
        samples = samples._replace(X=X, y=y)
        order = np.random.RandomState(1).permutation(len(y))
        return self.peer.parameters_after_epoch(workload, samples, parameters, order)

    def train(self, workload, n_epochs):
        """Return the seconds of each epoch, and of the rest of the fit."""
        return self.peer.train(workload, self.samples(workload), n_epochs)

    def train_alone_and_together(self, workload, n_epochs, cpus):
        """Return the seconds of one fit, and of simultaneous fits, one per CPU."""
        samples = self.samples(workload)
        return [
            run_in_threads(lambda: self.peer.fit(workload, samples, n_epochs), chosen)
            for chosen in (cpus[:1], cpus)
        ]

    def predict(self, workload, n_rows, n_calls, *method):
        """Return the seconds of each call of a prediction, and its result."""
        samples = self.samples(workload)
        X = samples.X_test[:n_rows]
        start = first_parameters(layer_sizes(workload, samples), X.dtype)
        predict = self.peer.predictor(workload, samples, start, *method)
        return timed_calls(lambda: predict(X), n_calls)

    def fit_small(self, workload, method, n_calls):
        """Return the seconds of each call of "fit", or of "partial_fit" of one row."""
        fit = self.peer.fitter(workload, self.samples(workload), method)
        return timed_calls(fit, n_calls)[0]

    def activations_and_losses(self):
        """Return the names of all activations and of all losses."""
        return self.peer.activations_and_losses()

    def fit_many(self, workloads, n_epochs, cpus):
        """Return the seconds to train many networks on several processors."""
        samples = self.samples(workloads[0])
        return run_in_threads(
            lambda: self.peer.fit_many(workloads, samples, n_epochs, len(cpus)), [cpus]
        )

    def instructions(self):
        """Return the instruction set of cymlp's kernels."""
        return self.peer.instructions()

    def multiply_add_rate(self):
        """Return operations per second of multiplications and additions in registers.

        Zero without a C compiler.
        """
        vectors = {"avx2": ["-mavx2", "-mfma"]}.get(self.instructions(), [])
        vectors = vectors or ["-march=native", "-mprefer-vector-width=512"]
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder, "multiply_add")
            command = ["cc", "-O3", "-ffp-contract=fast", *vectors, "-o", program]
            try:
                subprocess.run([*command, MULTIPLY_ADD], check=True)
                return float(subprocess.check_output([program]))
            except (OSError, subprocess.CalledProcessError):
                return 0.0

    def multiplication_rate(self):
        """Return operations per second of a large float32 product, best of 40."""
        A = np.ones((1024, 1024), np.float32)
        out = np.empty_like(A)
        best = np.inf
        for _ in range(40):
            start = time.perf_counter()
            np.matmul(A, A, out=out)
            best = min(best, time.perf_counter() - start)
        return 2 * 1024**3 / best


def timed_calls(function, n_calls):
    """Return the seconds of each call, and the last result."""
    ends = [time.perf_counter()]
    for _ in range(n_calls):
        result = function()
        ends.append(time.perf_counter())
    return np.diff(ends).tolist(), result


def run_in_threads(task, affinities):
    """Run a task in several threads at once, and return the seconds.

    Parameters
    ----------
    task : callable
    affinities : list of int or of list of int
        Processor, or processors, of each thread.
    """
    errors = []

    def run(affinity):
        try:
            pin({affinity} if isinstance(affinity, int) else set(affinity))
            task()
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(affinity,)) for affinity in affinities
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.perf_counter() - start
