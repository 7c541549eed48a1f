"""The loss of a network over batches of samples, as scikit-learn defines it."""

import numpy as np
from scipy.sparse import issparse

from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network, split_parameters
from cymlp._engine.optimizers import GradientSum
from cymlp._engine.scikit_learn_losses import LOSSES
from cymlp._engine.storage import store
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense
from cymlp._engine.targets import Targets
from cymlp._fit.cores import FitCores, n_multiplications
from cymlp._fit.parameters import Parameters
from cymlp.activations import ACTIVATIONS
from cymlp.neural_network._optimizers import MIN_RATE

# Samples from which a part of the whole gradient is computed at once, so that the sums
# of the layers stay in the cache.
GRADIENT_BATCH_SIZE = 1024


class Objective:
    """The loss of an estimator's network over batches, which an optimiser minimises.

    The data are X (n_samples, n_features), dense or sparse, y (n_samples, n_outputs),
    and weights (n_samples,) or None; an epoch takes `n_selected` of the samples.
    `parameters` are at first `coefs_` and `intercepts_`.
    """

    def __init__(
        self, estimator, data, dtype, optimizer, n_selected, batch_size, n_epochs
    ):
        X, y, sample_weight = data
        hidden = [len(W) for W in estimator.coefs_[1:]]
        sizes = [X.shape[1], *hidden, y.shape[1]]
        self._optimizer = optimizer
        self._network = Network(
            sizes,
            [ACTIVATIONS[estimator.activation]() for _ in hidden],
            LOSSES[estimator.out_activation_],
        )
        self._weights = None if sample_weight is None else sample_weight.astype(dtype)
        self._targets = Targets(
            None, y.shape[1], y.astype(dtype, order="C"), self._weights
        )
        stored = _stored(X, dtype, n_epochs)
        self._first = stored.first_layer(sizes[1], batch_size, optimizer)
        self._memory = self._network.memory(batch_size, dtype)
        self._starts = np.arange(0, n_selected, batch_size)
        self._sizes = np.diff(self._starts, append=n_selected).astype(np.float64)
        self._record = np.empty((3, self._starts.size))
        per_sample = n_multiplications(self._network, stored)
        self.cores = FitCores(None, batch_size * per_sample, n_selected * per_sample)
        self.parameters = Parameters(sizes, optimizer.n_slots, dtype)
        self._set(self.parameters.coefs, estimator.coefs_)
        self._set(self.parameters.intercepts, estimator.intercepts_)

    @staticmethod
    def _set(arrays, values):
        for array, value in zip(arrays, values, strict=True):
            array[...] = value

    def resume(self, optimizer):
        """Start from the state of an optimiser after an earlier call."""
        self.parameters.values[1:] = optimizer.slots
        self.parameters.n_steps = optimizer.n_steps

    def save(self, optimizer):
        """Keep the state of the optimiser for a later call."""
        self.set_learning_rate(optimizer.learning_rate)
        optimizer.slots = self.parameters.values[1:].copy()
        optimizer.n_steps = self.parameters.n_steps

    def set_learning_rate(self, rate):
        """Set the learning rate; scikit-learn's velocity contains the earlier one."""
        earlier = self._optimizer.learning_rate
        self._optimizer.learning_rate = max(rate, MIN_RATE)
        if self._optimizer.learning_rate != earlier:
            self.parameters.values[1:] *= earlier / self._optimizer.learning_rate

    def epoch(self, indices):
        """Step after each batch of these samples; return the mean of their losses."""
        batch_weights = self._sizes
        if self._weights is not None:
            batch_weights = np.add.reduceat(
                self._weights[indices], self._starts, dtype=np.float64
            )
            if not batch_weights.all():
                raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        losses = self._run(indices, batch_weights)
        return float(losses @ self._sizes / indices.size)

    def _run(self, indices, batch_weights):
        """Train on batches, whose summed losses are divided by their weights.

        Return the losses. Once one is not finite, the parameters become NaN.
        """
        parameters = self.parameters
        with self.cores.team() as team:
            finite = self._network.train_epoch(
                self._first, self._targets, indices, self._optimizer,
                parameters.values, parameters.n_steps, self._memory, self._record,
                team=team, batch_weights=batch_weights,
            )  # fmt: skip
        parameters.n_steps += self._starts.size
        if not finite:
            parameters.values[0] = self._record[0] = np.nan
        return self._record[0]


class FullObjective(Objective):
    """The loss of an estimator's network over all samples, and its gradient.

    They are computed in float64: rounding errors of float32 would end the line search
    of L-BFGS early.
    """

    def __init__(self, estimator, data):
        X, _, sample_weight = data
        n_samples = X.shape[0]
        super().__init__(
            estimator, data, np.float64, GradientSum(), n_samples,
            min(n_samples, GRADIENT_BATCH_SIZE), estimator.max_iter,
        )  # fmt: skip
        total = n_samples if sample_weight is None else sample_weight.sum()
        self._decay = estimator.alpha / total
        self._indices = np.arange(n_samples)
        self._batch_weights = np.full(self._starts.size, total, np.float64)
        # Positions of the parameters in scikit-learn's order: weights first.
        positions = np.arange(self._network.n_parameters)
        coefs, intercepts = split_parameters(positions, self._network.sizes)
        self._order = np.concatenate([part.ravel() for part in coefs + intercepts])
        self._n_weights = sum(W.size for W in coefs)

    def __call__(self, packed):
        """Loss and gradient at parameters in scikit-learn's order."""
        parameters, gradient = self.parameters.values
        parameters[self._order] = packed
        gradient[:] = 0
        loss = self._run(self._indices, self._batch_weights).sum()
        gradient = gradient[self._order]
        weights = packed[: self._n_weights]
        gradient[: self._n_weights] += self._decay * weights
        return loss + 0.5 * self._decay * (weights @ weights), gradient


def _stored(X, dtype, n_epochs):
    """X as the engine reads it, a copy only if necessary."""
    if issparse(X):
        return CSR.store(Inputs(X.tocsr().astype(dtype, copy=False)))
    inputs = Inputs(np.require(X, None, ["C", "A"]), dtype)
    # Another form takes as long to make as it saves in some epochs.
    return Dense(inputs) if n_epochs == 1 else store(inputs)
