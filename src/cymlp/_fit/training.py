"""A training run: a network with its numbers and its samples, epoch by epoch."""

import time
from dataclasses import dataclass, field

import numpy as np

from cymlp._engine.first_layer import FirstLayer
from cymlp._engine.samples import Samples
from cymlp._fit.schedules import Schedule
from cymlp._fit.stopping import BestState, NoImprovement
from cymlp._fit.targets import weights_of_mean_1


class DivergedError(ArithmeticError):
    """A loss or a parameter is not finite any more."""


@dataclass
class Progress:
    """What a later call goes on from, besides the parameters.

    Attributes
    ----------
    random_state : RandomState
        Draws first weights, the order of samples and what dropout leaves out.
    solver : str or None
        Whose `slots` these are.
    slots : ndarray of shape (n_slots, n_parameters) or None
        What the optimiser keeps beside the parameters.
    n_steps : int
        Number of steps that the optimiser has taken.
    n_seen : int
        Number of samples trained on, each as often as it was.
    n_reductions : int
        How often an adaptive learning rate was lowered.
    split_seed : int or None
        Determines which samples are held out for validation.
    monitor : str or None
        Column of the history that `stopping` and `best` are about.
    stopping : NoImprovement
    best : BestState
    """

    random_state: np.random.RandomState
    solver: str | None = None
    slots: np.ndarray | None = None
    n_steps: int = 0
    n_seen: int = 0
    n_reductions: int = 0
    split_seed: int | None = None
    monitor: str | None = None
    stopping: NoImprovement = field(default_factory=NoImprovement)
    best: BestState = field(default_factory=BestState)


class Control:
    """Sets the learning rate of every epoch, and tells when to stop.

    Parameters
    ----------
    settings : MLPClassifier
        Whose parameters say how.
    progress : Progress
        Goes on changing.
    training : Training

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from cymlp import MLPClassifier
    >>> from cymlp._fit.training import Control, Progress
    >>> settings = MLPClassifier(tol=0.5, n_iter_no_change=1)
    >>> training = SimpleNamespace(rows=np.arange(60))
    >>> control = Control(settings, Progress(np.random.RandomState(0)), training)
    >>> [control.update({"train_loss": loss}) for loss in (2.0, 1.8, 1.7)]
    [False, False, True]
    """

    def __init__(self, settings, progress, training):
        self._progress = progress
        self._training = training
        self._schedule = Schedule(
            settings.learning_rate,
            settings.learning_rate_init,
            settings.power_t,
            progress.n_reductions,
        )
        self._keeps_best = settings.early_stopping
        monitor = "train_loss"
        if settings.early_stopping:
            monitor = f"val_{settings.monitor}"
        if progress.monitor != monitor:
            progress.monitor = monitor
            progress.stopping = NoImprovement()
            progress.best = BestState()
        if self._keeps_best and progress.best.epoch is not None:
            # What an earlier call has left is the best so far.
            progress.best.state = training.state.copy()
            progress.best.n_steps = training.optimizer.n_steps
        progress.stopping.tol = settings.tol
        progress.stopping.n_iter_no_change = settings.n_iter_no_change

    def set_learning_rate(self, epoch):
        """Set the optimiser's learning rate to that of an epoch."""
        rate = self._schedule.rate(epoch, self._progress.n_seen)
        self._training.optimizer.learning_rate = rate

    def update(self, figures):
        """Take note of an epoch's figures.

        Returns
        -------
        stop : bool
        """
        progress, training = self._progress, self._training
        progress.n_seen += training.rows.size
        figure = figures[progress.monitor]
        if progress.monitor.endswith("accuracy"):
            figure = -figure
        if self._keeps_best:
            progress.best.update(
                figure, figures["epoch"], training.state, training.optimizer.n_steps
            )
        stop = progress.stopping.update(figure) and not self._schedule.lower()
        progress.n_reductions = self._schedule.n_reductions
        return stop

    def restore_best(self):
        """Go back to the state of the best epoch, where it is kept.

        Returns
        -------
        epoch : int or None
            Its number.
        """
        best = self._progress.best
        if not self._keeps_best or best.epoch is None:
            return None
        self._training.put_back(best.state, best.n_steps)
        best.state = None
        return best.epoch


def samples_of(dataset, rows):
    """Store a dataset as an epoch takes it.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of intp of shape (n_rows,)
        Numbers of the samples to train on.

    Returns
    -------
    samples : Samples

    Raises
    ------
    ValueError
        If none of the rows has a positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._fit.targets import Dataset, encode
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._fit.training import samples_of
    >>> targets, _ = encode(["a", "b"], "float64")
    >>> samples_of(Dataset(Inputs(np.eye(2)), targets, None), np.arange(2)).n_classes
    2
    """
    targets = dataset.targets
    weights = weights_of_mean_1(dataset.weights, rows, dataset.X.dtype)
    return Samples(dataset.X, targets.y, targets.n_classes, targets.T, weights)


class Evaluation:
    """A network and samples that it is judged by, and not trained on.

    Parameters
    ----------
    network : Network
    samples : Samples
    rows : ndarray of intp of shape (n_rows,)
        Numbers of the samples that count.

    Attributes
    ----------
    rows : ndarray
        As given.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp.losses import CrossEntropy
    >>> from cymlp._engine.network import Network
    >>> from cymlp._engine.samples import Samples
    >>> from cymlp._fit.training import Evaluation
    >>> samples = Samples(np.eye(2), np.arange(2), n_classes=2)
    >>> network = Network([2, 2], [], CrossEntropy(), batch_size=1)
    >>> evaluation = Evaluation(network, samples, np.arange(2))
    >>> loss, accuracy = evaluation.run(np.array([9.0, -9.0, -9.0, 9.0, 0.0, 0.0]))
    >>> round(loss, 4), accuracy
    (0.0, 1.0)
    """

    def __init__(self, network, samples, rows):
        self.rows = rows
        self._network = network
        self._first = FirstLayer(samples, network.first_width, network.batch_size)
        self._work = np.empty(network.work_size, samples.dtype)

    def run(self, theta):
        """Compute weighted means of loss and accuracy.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The network's parameters.

        Returns
        -------
        loss, accuracy : float
        """
        return self._network.evaluate(self._first, self.rows, theta, self._work)


class Training:
    """A network in training.

    Parameters
    ----------
    network : Network
    state : ndarray of shape (1 + optimizer.n_slots, n_parameters)
        Parameters and what the optimiser keeps beside them; changed in place.
    optimizer : Optimizer
    dataset : Dataset
        Of the dtype of state.
    samples : Samples
        What `samples_of` makes of it.
    rows : ndarray of intp of shape (n_rows,)
        Numbers of the samples to train on.
    random_state : RandomState or None
        Draws the order of samples. None for that of `rows`.
    dropout_state : RandomState or None
        Draws what dropout leaves out. None for no dropout.
    """

    def __init__(
        self, network, state, optimizer, dataset, samples, rows, random_state,
        dropout_state,
    ):  # fmt: skip
        self.network = network
        self.state = state
        self.optimizer = optimizer
        self.dataset = dataset
        self.rows = rows
        self.random_state = random_state
        self.dropout_state = dropout_state
        self._first = FirstLayer(
            samples, network.first_width, network.batch_size, optimizer
        )
        self._work = np.empty(network.work_size, state.dtype)
        self._saved = np.empty_like(state), 0
        n_full, last = divmod(len(rows), network.batch_size)
        self._batch_sizes = [network.batch_size] * n_full + [last] * (last > 0)

    def run_epoch(self):
        """Train on every sample once.

        Returns
        -------
        figures : dict
            train_loss and train_accuracy, means over the samples, gradient_norm, the
            mean over the batches, and seconds.
        batches : dict of str to ndarray of shape (n_batches,)
            Loss and accuracy of every mini-batch, before its update.

        Raises
        ------
        DivergedError
            If a loss or a parameter is not finite any more.
        """
        start = time.perf_counter()
        record = np.empty((3, len(self._batch_sizes)))
        finite = self.network.train_epoch(
            self._first, self._order(), self.optimizer, self.state, self._work,
            record, self._seed(),
        )  # fmt: skip
        if not finite or not np.isfinite(self.state).all():
            raise DivergedError
        loss, accuracy = np.average(record[:2], axis=1, weights=self._batch_sizes)
        figures = {
            "train_loss": float(loss),
            "train_accuracy": float(accuracy),
            "gradient_norm": float(record[2].mean()),
            "seconds": time.perf_counter() - start,
        }
        return figures, {"loss": record[0], "accuracy": record[1]}

    def _order(self):
        if self.random_state is None:
            return self.rows
        return self.random_state.permutation(self.rows)

    def _seed(self):
        if self.dropout_state is None:
            return 0
        return int(self.dropout_state.randint(2**63, dtype=np.int64))

    def save(self):
        """Remember the state of this moment."""
        np.copyto(self._saved[0], self.state)
        self._saved = self._saved[0], self.optimizer.n_steps

    def restore(self):
        """Go back to the state that was saved last."""
        self.put_back(*self._saved)

    def put_back(self, state, n_steps):
        """Go back to a state of the optimiser and its number of steps."""
        np.copyto(self.state, state)
        self.optimizer.n_steps = n_steps
