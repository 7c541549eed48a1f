"""The training of a network, epoch by epoch."""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cymlp._fit.stopping import Checkpoint, Patience


class DivergedError(ArithmeticError):
    """A loss or a parameter is no longer finite."""


class OptimizerState(NamedTuple):
    """The state of an optimiser between calls.

    Attributes
    ----------
    solver : str
    slots : ndarray of shape (n_slots, n_parameters)
    n_steps : int
    """

    solver: str
    slots: np.ndarray
    n_steps: int


@dataclass
class TrainingState:
    """What a later call needs to resume training, beside the parameters.

    Attributes
    ----------
    random_state : RandomState
        Draws first weights, the order of samples and the masks of dropout.
    optimizer : OptimizerState or None
    n_samples_seen : int
        Number of samples trained on, counted in every epoch.
    n_reductions : int
        Number of times that an adaptive learning rate was lowered.
    split_seed : int or None
        Seed of the split into training and validation data.
    monitor : str or None
        Column of the history that `patience` and `checkpoint` refer to.
    patience : Patience
    checkpoint : Checkpoint
        Between calls without parameters.
    """

    random_state: np.random.RandomState
    optimizer: OptimizerState | None = None
    n_samples_seen: int = 0
    n_reductions: int = 0
    split_seed: int | None = None
    monitor: str | None = None
    patience: Patience = field(default_factory=Patience)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    def set_monitor(self, monitor, tol, n_iter_no_change):
        """Set what training stops by; start afresh if it is another column."""
        if self.monitor != monitor:
            self.monitor = monitor
            self.patience, self.checkpoint = Patience(), Checkpoint()
        self.patience.tol = tol
        self.patience.n_iter_no_change = n_iter_no_change


class EpochControl:
    """Sets the learning rate of every epoch, and decides when to stop.

    Parameters
    ----------
    state : TrainingState
        Updated after every epoch.
    schedule : Schedule
    training : Training
    keeps_best : bool
        Whether training ends with the parameters of its best epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from cymlp._fit.schedules import Schedule
    >>> from cymlp._fit.training import EpochControl, TrainingState
    >>> state = TrainingState(np.random.RandomState(0))
    >>> state.set_monitor("train_loss", tol=0.5, n_iter_no_change=1)
    >>> schedule = Schedule("constant", initial=0.1, power_t=0.5)
    >>> training = SimpleNamespace(indices=np.arange(60))
    >>> control = EpochControl(state, schedule, training, keeps_best=False)
    >>> [control.update({"train_loss": loss}) for loss in (2.0, 1.8, 1.7)]
    [False, False, True]
    """

    def __init__(self, state, schedule, training, keeps_best):
        self._state = state
        self._schedule = schedule
        self._training = training
        self._keeps_best = keeps_best
        if keeps_best and state.checkpoint.epoch is not None:
            # The result of an earlier call is the best so far.
            state.checkpoint.parameters = training.parameters.copy()

    def set_learning_rate(self, epoch):
        """Set the optimiser's learning rate to that of an epoch."""
        rate = self._schedule.rate(epoch, self._state.n_samples_seen)
        self._training.optimizer.learning_rate = rate

    def update(self, metrics):
        """Take the metrics of an epoch into account.

        Returns
        -------
        stop : bool
        """
        state = self._state
        state.n_samples_seen += self._training.indices.size
        metric = metrics[state.monitor]
        if state.monitor.endswith("accuracy"):
            metric = -metric
        if self._keeps_best:
            state.checkpoint.update(metric, metrics["epoch"], self._training.parameters)
        stop = state.patience.update(metric) and not self._schedule.lower()
        state.n_reductions = self._schedule.n_reductions
        return stop

    def restore_best(self):
        """Restore the parameters of the best epoch, if they are kept.

        Returns
        -------
        epoch : int or None
        """
        checkpoint = self._state.checkpoint
        if not self._keeps_best or checkpoint.epoch is None:
            return None
        self._training.parameters.assign(checkpoint.parameters)
        checkpoint.parameters = None
        return checkpoint.epoch


class Evaluation:
    """Loss and accuracy of a network on samples that it is not trained on.

    Parameters
    ----------
    network : Network
    stored : Stored
    targets : Targets
    indices : ndarray of intp of shape (n,)
        The samples that count.
    batch_size : int

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._engine.network import Network
    >>> from cymlp._engine.storage import store
    >>> from cymlp._engine.targets import Targets
    >>> from cymlp._fit.training import Evaluation
    >>> from cymlp.losses import CrossEntropy
    >>> network = Network([2, 2], [], CrossEntropy())
    >>> stored, targets = store(Inputs(np.eye(2))), Targets(np.arange(2), 2)
    >>> evaluation = Evaluation(network, stored, targets, np.arange(2), batch_size=1)
    >>> loss, accuracy = evaluation.run(np.array([9.0, -9.0, -9.0, 9.0, 0.0, 0.0]))
    >>> round(loss, 4), accuracy
    (0.0, 1.0)
    """

    def __init__(self, network, stored, targets, indices, batch_size):
        self._network, self._targets, self._indices = network, targets, indices
        self._first = stored.first_layer(network.sizes[1], batch_size)
        self._memory = network.memory(batch_size, stored.dtype)

    def run(self, theta):
        """Compute weighted means of loss and accuracy.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)

        Returns
        -------
        loss, accuracy : float
        """
        return self._network.evaluate(
            self._first, self._targets, self._indices, theta, self._memory
        )


class Training:
    """A network in training.

    Parameters
    ----------
    network : Network
    stored : Stored
    targets : Targets
    indices : ndarray of intp of shape (n,)
        The samples to train on.
    batch_size : int
    parameters : Parameters
        Changed in place.
    optimizer : Optimizer
    random_state : RandomState
    shuffle : bool
        Whether to draw the order of samples in every epoch.
    drops_out : bool
        Whether to draw the masks of dropout in every epoch.
    """

    def __init__(
        self, network, stored, targets, indices, batch_size, parameters, optimizer,
        random_state, shuffle, drops_out,
    ):  # fmt: skip
        self.network, self.stored, self.targets = network, stored, targets
        self.indices, self.parameters, self.optimizer = indices, parameters, optimizer
        self._random_state = random_state
        self._shuffle, self._drops_out = shuffle, drops_out
        self._first = stored.first_layer(network.sizes[1], batch_size, optimizer)
        self._memory = network.memory(batch_size, stored.dtype)
        self._saved = parameters.copy()
        n_full, last = divmod(len(indices), batch_size)
        self._batch_sizes = [batch_size] * n_full + [last] * (last > 0)

    def run_epoch(self):
        """Train on every sample once.

        Returns
        -------
        metrics : dict
            train_loss and train_accuracy, means over the samples, gradient_norm, the
            mean over the batches, and seconds.
        batches : dict of str to ndarray of shape (n_batches,)
            Loss and accuracy of every mini-batch, before its update.

        Raises
        ------
        DivergedError
            If a loss or a parameter is no longer finite.
        """
        start = time.perf_counter()
        record = np.empty((3, len(self._batch_sizes)))
        finite = self.network.train_epoch(
            self._first, self.targets, self._order(), self.optimizer,
            self.parameters.values, self.parameters.n_steps, self._memory, record,
            self._seed(),
        )  # fmt: skip
        if not finite or not np.isfinite(self.parameters.values).all():
            raise DivergedError
        self.parameters.n_steps += len(self._batch_sizes)
        loss, accuracy = np.average(record[:2], axis=1, weights=self._batch_sizes)
        metrics = {
            "train_loss": float(loss),
            "train_accuracy": float(accuracy),
            "gradient_norm": float(record[2].mean()),
            "seconds": time.perf_counter() - start,
        }
        return metrics, {"loss": record[0], "accuracy": record[1]}

    def _order(self):
        if not self._shuffle:
            return self.indices
        return self._random_state.permutation(self.indices)

    def _seed(self):
        if not self._drops_out:
            return 0
        return int(self._random_state.randint(2**63, dtype=np.int64))

    def save(self):
        """Save the parameters of this moment."""
        self._saved.assign(self.parameters)

    def restore(self):
        """Restore the parameters that were saved last."""
        self.parameters.assign(self._saved)
