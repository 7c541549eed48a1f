"""Training of a network, epoch by epoch."""

import math
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cymlp._engine.buffers import all_finite
from cymlp._engine.network import Network
from cymlp._engine.team import ALONE
from cymlp._fit.cores import n_multiplications
from cymlp._fit.stopping import BestEpoch, Patience


def shallow_copy(thing):
    """Like copy.copy, but ten times as fast and blind to __getstate__."""
    copied = object.__new__(type(thing))
    vars(copied).update(vars(thing))
    return copied


class DivergedError(ArithmeticError):
    """A value is no longer finite; the argument says which."""


class OptimizerState(NamedTuple):
    """The state of an optimiser between calls."""

    solver: str
    slots: np.ndarray  # of shape (n_slots, n_parameters)
    n_steps: int


@dataclass
class TrainingState:
    """State for resuming training, in addition to the parameters.

    The random state draws initial weights, sample orders and dropout masks. `n_epochs`
    counts the finished epochs of all calls, `n_samples_seen` every sample once per
    epoch, `n_reductions` the reductions of an adaptive learning rate. `monitor` is the
    column of the history to which `patience` and `best` refer. Between calls `best`
    holds no parameters.
    """

    random_state: np.random.RandomState
    optimizer: OptimizerState | None = None
    n_epochs: int = 0
    n_samples_seen: int = 0
    n_reductions: int = 0
    split_seed: int | None = None
    monitor: str | None = None
    patience: Patience = field(default_factory=Patience)
    best: BestEpoch = field(default_factory=BestEpoch)
    # The network, None if parts of it may change unnoticed, and the values of all
    # parameters from which it was made.
    network: Network | None = None
    parameter_values: tuple | None = None

    def __getstate__(self):
        return vars(self) | {"network": None, "parameter_values": None}

    def copy(self):
        """Copy everything but the random state and arrays, which training replaces."""
        copied = shallow_copy(self)
        copied.patience = shallow_copy(self.patience)
        copied.best = shallow_copy(self.best)
        return copied

    def set_monitor(self, monitor, tol, n_iter_no_change):
        """Set the column to monitor; forget the progress of a different one."""
        if self.monitor != monitor:
            self.monitor = monitor
            self.patience, self.best = Patience(), BestEpoch()
        self.patience.tol = tol
        self.patience.n_iter_no_change = n_iter_no_change


def score_name(targets):
    """The name of the score that the network computes for such targets."""
    return "r2" if targets.kind == "values" else "accuracy"


class EpochControl:
    """Sets the learning rate of each epoch, and decides when to stop.

    With `keeps_best`, training ends with the parameters of the best epoch.
    """

    def __init__(self, state, schedule, training, keeps_best):
        self._state = state
        self._schedule = schedule
        self._training = training
        self._keeps_best = keeps_best
        # A checkpoint has them, if its best epoch is not its last.
        if keeps_best and state.best.epoch is not None and not state.best.parameters:
            # The earlier call ended with the best parameters so far.
            state.best.parameters = training.parameters.copy()

    def set_learning_rate(self, epoch):
        """Set the optimiser's learning rate for an epoch."""
        rate = self._schedule.rate(epoch, self._state.n_samples_seen)
        self._training.optimizer.learning_rate = rate

    @property
    def n_epochs(self):
        """Number of finished epochs, those of earlier calls included."""
        return self._state.n_epochs

    def update(self, metrics):
        """Finish an epoch with these metrics; return whether to stop."""
        state = self._state
        metric = metrics[state.monitor]
        if not state.monitor.endswith("loss"):  # but a score
            metric = -metric
        patience, best = shallow_copy(state.patience), state.best
        if self._keeps_best:
            best = shallow_copy(best)
            best.update(metric, metrics["epoch"], self._training.parameters)
        stop = patience.update(metric) and not self._schedule.lower()
        # In one step, so that Ctrl-C leaves no epoch half finished.
        vars(state).update(
            n_epochs=metrics["epoch"],
            n_samples_seen=state.n_samples_seen + self._training.indices.size,
            n_reductions=self._schedule.n_reductions,
            patience=patience,
            best=best,
        )
        return stop

    def restore_best(self):
        """Restore the parameters of the best epoch and return it; None if not kept.

        Further calls change nothing.
        """
        best = self._state.best
        if not self._keeps_best:
            return None
        if best.parameters is not None:
            self._training.parameters.assign(best.parameters)
            best.parameters = None
        return best.epoch


class Evaluation:
    """Evaluates a network on the selected samples, without training on them."""

    def __init__(self, network, stored, targets, indices, batch_size, check=None):
        self._network, self._targets, self._indices = network, targets, indices
        self._check = check
        self._first = stored.first_layer(network.sizes[1], batch_size)
        self._memory = network.memory(batch_size, stored.dtype)

    def run(self, theta, team=ALONE):
        """Weighted means of loss and score, for theta of shape (n_parameters,).

        The threads of `team` share the work. Raise DivergedError if the loss is not
        finite.
        """
        loss, score = self._network.evaluate(
            self._first, self._targets, self._indices, theta, self._memory, team,
            self._check,
        )  # fmt: skip
        if not math.isfinite(loss):
            raise DivergedError("the validation loss")
        return loss, score


class Training:
    """A network in training on the selected samples.

    The parameters are changed in place. `drops_out` tells whether epochs need a seed
    for dropout masks, `rewinds` whether random numbers can be taken back. `check()`, if
    given, is called now and then during an epoch and may raise to end it.
    """

    def __init__(
        self, network, stored, targets, indices, batch_size, parameters, optimizer,
        random_state, shuffle, drops_out, rewinds=False,
        check=None,
    ):  # fmt: skip
        self.network, self.stored, self.targets = network, stored, targets
        self.indices, self.parameters, self.optimizer = indices, parameters, optimizer
        self._random_state = random_state
        self._shuffle, self._drops_out = shuffle, drops_out
        self._check = check
        self._first = stored.first_layer(network.sizes[1], batch_size, optimizer)
        self._memory = network.memory(batch_size, stored.dtype)
        self._saved, self._n_saved = parameters.values.copy(), 0
        self._n_steps_saved = parameters.n_steps
        # Getting the state takes 30 us. The order of one sample draws no number.
        draws = drops_out or (shuffle and len(indices) > 1)
        self._start = (
            random_state.get_state(legacy=False) if rewinds and draws else None
        )
        n_full, last = divmod(len(indices), batch_size)
        sizes = [batch_size] * n_full + [last] * (last > 0)
        self._batch_sizes = np.array(sizes, np.float64)

    def n_multiplications(self):
        """The numbers of multiplications in a batch and in an epoch, about."""
        per_sample = n_multiplications(self.network, self.stored)
        return self._batch_sizes[0] * per_sample, self.indices.size * per_sample

    def run_epoch(self, team=ALONE):
        """Train on every sample once; raise DivergedError if a value is not finite.

        The threads of `team` share the work.

        Returns the metrics: `train_loss` and `train_accuracy` or `train_r2`, means over
        the samples, `gradient_norm`, the mean over the batches, and `seconds`; and the
        loss and score of each mini-batch before its update, of shape (n_batches,).
        """
        start = time.perf_counter()
        record = np.empty((3, len(self._batch_sizes)))
        finite = self.network.train_epoch(
            self._first, self.targets, self._order(), self.optimizer,
            self.parameters.values, self.parameters.n_steps, self._memory, record,
            self._seed(), team, self._check,
        )  # fmt: skip
        if not finite or not all_finite(self.parameters.values):
            raise DivergedError("a loss or a weight")
        self.parameters.n_steps += len(self._batch_sizes)
        # As np.average, which takes longer than a small epoch.
        totals = np.add.reduce(record[:2] * self._batch_sizes, axis=1)
        loss, score = (totals / self.indices.size).tolist()
        name = score_name(self.targets)
        metrics = {
            "train_loss": loss,
            f"train_{name}": score,
            "gradient_norm": float(np.add.reduce(record[2]) / len(record[2])),
            "seconds": time.perf_counter() - start,
        }
        return metrics, {"loss": record[0], name: record[1]}

    def _order(self):
        if not self._shuffle:
            return self.indices
        return self._random_state.permutation(self.indices)

    def _seed(self):
        if not self._drops_out:
            return 0
        return int(self._random_state.randint(2**63, dtype=np.int64))

    def save(self):
        """Save the parameters at the end of an epoch."""
        np.copyto(self._saved, self.parameters.values)
        self._n_steps_saved = self.parameters.n_steps
        self._n_saved += 1

    def restore(self, n_epochs):
        """Undo an epoch that did not finish, after this number of finished epochs."""
        # The parameters have not changed since an epoch that is not yet saved.
        if self._n_saved == n_epochs:
            np.copyto(self.parameters.values, self._saved)
            self.parameters.n_steps = self._n_steps_saved
        self.rewind(n_epochs)

    def rewind(self, n_epochs):
        """Take back the random numbers drawn since this number of epochs."""
        if self._start is None:
            return
        self._random_state.set_state(self._start)
        for _ in range(n_epochs):
            self._order()
            self._seed()
