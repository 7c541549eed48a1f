"""A network on random data, trained beside a NumPy version of the same network."""

import functools

import numpy as np
from members import settings_of
from reference import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    accuracy,
    r2,
    subset_accuracy,
    train_epoch,
)
from scipy.sparse import csr_array, issparse

from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD
from cymlp._engine.storage import NotFiniteError, store
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense
from cymlp._engine.targets import Targets
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy, Loss


def twin_of(part):
    """The NumPy twin of an activation or a loss."""
    parameters = part.get_params()
    if part.name in ACTIVATIONS:
        return [functools.partial(f, **parameters) for f in ACTIVATIONS[part.name]]
    return functools.partial(LOSSES[part.name], **parameters)


class Training:
    """A network, random data and parameters, and one epoch after the other of it."""

    def __init__(
        self,
        sizes=(4, 5, 3),
        activations=None,
        loss=None,
        *,
        n_samples=20,
        batch_size=8,
        dtype="float64",
        weighted=False,
        soft=False,
        sparse=False,
        background=False,
        dropout=(),
        seed=0,
        optimizer=SGD,
        **settings,
    ):
        rng = np.random.default_rng(seed)
        self.sizes, self.batch_size = sizes, batch_size
        self.activations = [Tanh()] if activations is None else activations
        self.loss = loss or CrossEntropy()
        settings = settings_of(optimizer) | settings
        self.optimizer = optimizer(**settings)
        self.step = functools.partial(OPTIMIZERS[optimizer.__name__], **settings)
        self.dropout, self.seed = dropout, seed
        self.network = Network(sizes, self.activations, self.loss, dropout)
        self.n_steps = 0

        self.X = rng.normal(size=(n_samples, sizes[0])).astype(dtype)
        if background:
            kept = rng.random(self.X.shape) < 0.1
            self.X = np.where(kept, self.X, self.X[0])
        if sparse:
            self.X = csr_array(self.X * (rng.random(self.X.shape) < 0.3))
        self.y = rng.integers(sizes[-1], size=n_samples).astype(np.intp)
        self.weights = rng.uniform(0, 2, n_samples).astype(dtype) if weighted else None
        kind = self.loss.target_kind if isinstance(self.loss, Loss) else "classes"
        self.kind, self.variances, self.score = kind, None, accuracy
        self.T = self._targets(kind, rng, soft)
        if kind == "values":
            self.variances = rng.uniform(0.5, 2, sizes[-1])
            self.score = functools.partial(
                r2, variances=self.variances, log_link=self.loss.log_link
            )
        if kind == "labels":
            self.score = subset_accuracy
        if kind != "classes":
            self.y = None
        elif soft:
            self.y = self.T.argmax(axis=1)
        self.order = rng.permutation(n_samples).astype(np.intp)
        shape = (1 + self.optimizer.n_slots, self.network.n_parameters)
        self.state = np.zeros(shape, dtype)
        self.state[0] = rng.normal(scale=0.5, size=self.network.n_parameters)
        self.record = None

    def _targets(self, kind, rng, soft):
        """Rows of targets of the kind of the loss; None for labels."""
        n_samples, n_outputs = len(self.y), self.sizes[-1]
        if kind == "labels":
            T = rng.uniform(size=(n_samples, n_outputs))
            T = T if soft else T < 0.4
        elif kind == "values":
            T = rng.normal(size=(n_samples, n_outputs))
            T = np.maximum(T, 0) if self.loss.log_link else T
        elif soft:
            T = rng.dirichlet(np.ones(n_outputs), n_samples)
        else:
            return None
        return T.astype(self.X.dtype)

    def stored(self):
        """X as an epoch reads it, even if it is not finite."""
        inputs = Inputs(self.X)
        try:
            return store(inputs)
        except NotFiniteError:
            return CSR(inputs) if inputs.is_sparse else Dense(inputs)

    def targets(self):
        return Targets(
            self.y, self.sizes[-1], self.T, self.weights, self.kind, self.variances
        )

    def arguments(self):
        """The arguments of an epoch; the record is -1 where nothing is written."""
        n_batches = -(-len(self.order) // self.batch_size)
        self.record = np.full((3, n_batches), -1.0)
        return {
            "first": self.stored().first_layer(
                self.sizes[1], self.batch_size, self.optimizer
            ),
            "targets": self.targets(),
            "indices": self.order,
            "optimizer": self.optimizer,
            "state": self.state,
            "n_steps": self.n_steps,
            "memory": self.network.memory(self.batch_size, self.X.dtype),
            "record": self.record,
            "seed": self.seed,
        }

    def epoch(self):
        finite = self.network.train_epoch(**self.arguments())
        self.n_steps += self.record.shape[1]
        return finite

    def twin_epoch(self):
        """The state and the record that the next epoch is to end with."""
        return train_epoch(
            self.state.astype(float),
            self.sizes,
            [twin_of(activation) for activation in self.activations],
            twin_of(self.loss),
            self.X.toarray() if issparse(self.X) else self.X,
            np.eye(self.sizes[-1])[self.y] if self.T is None else self.T,
            np.ones(self.X.shape[0]) if self.weights is None else self.weights,
            self.order,
            self.batch_size,
            self.step,
            self.n_steps,
            self.dropout,
            self.seed,
            self.score,
        )


def assert_epochs_agree_with_twin(training, n_epochs=1, tolerance=1e-12):
    for _ in range(n_epochs):
        state, record = training.twin_epoch()
        assert training.epoch() is True
        for own, twin in (training.state, state), (training.record, record):
            np.testing.assert_allclose(own, twin, rtol=tolerance, atol=tolerance)


class UserTanh:
    def value(self, U):
        return np.tanh(U)

    def derivative(self, U, A):
        return 1 - A**2
