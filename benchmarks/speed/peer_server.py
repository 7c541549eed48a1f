"""The process of a peer: it does what it is asked through a pipe until it is ended."""

import importlib
import os
import signal
import threading
import time
import traceback
from importlib.metadata import version

import numpy as np
from scipy.sparse import issparse
from threadpoolctl import threadpool_info

from benchmarks.speed.workloads import (
    NoDataError,
    first_parameters,
    layer_sizes,
    load,
)

VALIDATED_BATCHES = 1000


def main(target, pipe):
    """Serve requests, each a method's name and its arguments.

    Ctrl-C is left to the process at the other end of the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = None
    while True:
        try:
            name, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            worker = worker or Worker(target)
            pipe.send((True, getattr(worker, name)(*arguments)))
        except Exception:
            pipe.send((False, traceback.format_exc()))


def pin(cpus):
    """Hold the calling thread, and threads that it starts, to some processors."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def compute_forever():
    """Keep a processor busy until the process is ended."""
    while True:
        pass


class Worker:
    """What a peer can be asked for.

    Parameters
    ----------
    target : str
        Module and class of the peer, "module:Class".
    """

    def __init__(self, target):
        module, name = target.split(":")
        self.peer = getattr(importlib.import_module(module), name)()
        self._samples = None, None

    def samples(self, work):
        """Samples of a work; those of the last are kept."""
        key = work.data, work.batch_size, work.n_rows
        if self._samples[0] != key:
            self._samples = None, None  # two at a time need not fit into memory
            self._samples = key, load(work)
        return self._samples[1]

    def ready(self, work):
        """Say why a work cannot be done, or None."""
        try:
            self.samples(work)
        except NoDataError as error:
            return str(error)
        return self.peer.refusal(work)

    def describe(self, work):
        """Describe what a work is done on."""
        samples = self.samples(work)
        return {
            "rows": samples.X.shape[0],
            "sizes": layer_sizes(work, samples),
            "source": samples.source,
            "sparse": issparse(samples.X),
        }

    def versions(self):
        """Versions of what the peer computes with."""
        return {package: version(package) for package in self.peer.packages}

    def blas(self):
        """Names and versions of the BLAS libraries that are loaded."""
        libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
        return sorted(
            f"{one['internal_api']} {one['version']} {one['architecture']}"
            for one in libraries
        )

    def comparable(self, work):
        """Nearest work that can be compared, and what is different in it."""
        return self.peer.comparable(work)

    def start(self, work):
        """First parameters of a work."""
        return self.peer.start(work, self.samples(work))

    def trained(self, work, parameters):
        """Parameters after an epoch in float64, in an order that is the same for all.

        It is cut after so many batches, as training is chaotic: at 6000 batches of 10,
        parameters that start 1e-15 apart end 3e-7 apart, at 1000 they end 1e-14 apart.
        """
        samples = self.samples(work)
        rows = slice(VALIDATED_BATCHES * work.batch_size)
        X, y = samples.X[rows].astype(np.float64), samples.y[rows]
        samples = samples._replace(X=X, y=y)
        order = np.random.RandomState(1).permutation(len(y))
        return self.peer.trained(work, samples, parameters, order)

    def train(self, work, n_epochs):
        """Seconds of each epoch and of all the rest."""
        return self.peer.train(work, self.samples(work), n_epochs)

    def train_beside(self, work, n_epochs, cpus):
        """Seconds of one training alone, and of one on each processor at a time."""
        samples = self.samples(work)
        return [
            in_threads(lambda: self.peer.fit(work, samples, n_epochs), some)
            for some in (cpus[:1], cpus)
        ]

    def predict(self, work, n_rows, n_calls, *method):
        """Predict some rows: seconds of each call and what comes out."""
        samples = self.samples(work)
        X = samples.X_test[:n_rows]
        start = first_parameters(layer_sizes(work, samples), X.dtype)
        predict = self.peer.predictor(work, samples, start, *method)
        ends = [time.perf_counter()]
        for _ in range(n_calls):
            result = predict(X)
            ends.append(time.perf_counter())
        return np.diff(ends).tolist(), result

    def parts(self):
        """Names of all activations and losses."""
        return self.peer.parts()

    def report(self, works, n_epochs, cpus):
        """Seconds to train many networks on several processors."""
        samples = self.samples(works[0])
        return in_threads(
            lambda: self.peer.report(works, samples, n_epochs, len(cpus)), [cpus]
        )

    def multiplication_rate(self):
        """Operations a second of a large product in float32, the best of some."""
        A = np.ones((1024, 1024), np.float32)
        out = np.empty_like(A)
        best = np.inf
        for _ in range(40):
            start = time.perf_counter()
            np.matmul(A, A, out=out)
            best = min(best, time.perf_counter() - start)
        return 2 * 1024**3 / best


def in_threads(task, places):
    """Run a task in a thread per place, a processor or some; give the seconds."""
    errors = []

    def run(place):
        try:
            pin({place} if isinstance(place, int) else set(place))
            task()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in places]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.perf_counter() - start
