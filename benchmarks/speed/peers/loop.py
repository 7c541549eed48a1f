"""What the peers have in common that are a loop over batches."""

import time

import numpy as np

from benchmarks.speed.workloads import first_parameters, layer_sizes


class LoopPeer:
    """A peer that makes loops.

    A loop has ``run_epoch(order)``, ``parameters()``, the list [W, b, W, b, ...] as
    arrays of NumPy, and ``probabilities(X)``.
    """

    def refusal(self, work):
        """Say why a work is not done, or None."""
        return None

    def comparable(self, work):
        """Give the nearest work that can be compared, and what is different in it."""
        return work, ""

    def make(self, work, X, y, parameters):
        """Make a loop that begins with the given parameters."""
        raise NotImplementedError

    def train(self, work, samples, n_epochs):
        """Train a new network.

        Returns
        -------
        seconds : list of float
            Of each epoch.
        fixed : float
            Seconds that everything before the first epoch took.
        """
        start = time.perf_counter()
        parameters = first_parameters(layer_sizes(work, samples), samples.X.dtype)
        loop = self.make(work, samples.X, samples.y, parameters)
        generator = np.random.default_rng(0)
        ends = [time.perf_counter()]
        for _ in range(n_epochs):
            loop.run_epoch(generator.permutation(len(samples.y)))
            ends.append(time.perf_counter())
        return np.diff(ends).tolist(), ends[0] - start

    def fit(self, work, samples, n_epochs):
        """Train a new network; this may be called from several threads at once."""
        self.train(work, samples, n_epochs)

    def trained(self, work, samples, parameters, order):
        """Train for an epoch in a given order; give what the parameters are then."""
        loop = self.make(work, samples.X, samples.y, parameters)
        loop.run_epoch(order)
        return loop.parameters()

    def predictor(self, work, samples, parameters):
        """Give a function of X that computes probabilities."""
        return self.make(work, samples.X, samples.y, parameters).probabilities
