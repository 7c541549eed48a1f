"""The base of peers that are training loops over batches."""

import time

import numpy as np

from benchmarks.speed.workloads import first_parameters, layer_sizes


class LoopPeer:
    """A peer that makes training loops.

    A loop has ``run_epoch(order)``, ``parameters()``, which returns the NumPy arrays
    [W, b, W, b, ...], and ``probabilities(X)``.
    """

    def unsupported(self, workload):
        """Say why a workload is not supported, or return None."""
        return None

    def comparable(self, workload):
        """Return the nearest workload that can be validated, and the difference."""
        return workload, ""

    def make(self, workload, X, y, parameters):
        """Make a loop that starts from these parameters."""
        raise NotImplementedError

    def train(self, workload, samples, n_epochs):
        """Train a new network.

        Returns
        -------
        seconds : list of float
            Time of each epoch.
        fixed : float
            Time before the first epoch, in seconds.
        """
        start = time.perf_counter()
        parameters = first_parameters(layer_sizes(workload, samples), samples.X.dtype)
        loop = self.make(workload, samples.X, samples.y, parameters)
        generator = np.random.default_rng(0)
        ends = [time.perf_counter()]
        for _ in range(n_epochs):
            loop.run_epoch(generator.permutation(len(samples.y)))
            ends.append(time.perf_counter())
        return np.diff(ends).tolist(), ends[0] - start

    def fit(self, workload, samples, n_epochs):
        """Train a new network; may be called from several threads at once."""
        self.train(workload, samples, n_epochs)

    def parameters_after_epoch(self, workload, samples, parameters, order):
        """Train for one epoch in this order, and return the parameters."""
        loop = self.make(workload, samples.X, samples.y, parameters)
        loop.run_epoch(order)
        return loop.parameters()

    def predictor(self, workload, samples, parameters):
        """Return a function of X that computes probabilities."""
        return self.make(workload, samples.X, samples.y, parameters).probabilities
