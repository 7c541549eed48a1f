"""The metrics of each epoch of a fit."""

from collections.abc import Mapping
from contextlib import suppress

import numpy as np


class History(Mapping):
    """Metrics of each epoch, as a mapping of column names to arrays.

    ``history_["train_loss"]`` is an array with one value per epoch, NaN for epochs
    without that metric. The columns have shape (n_epochs,) unless stated otherwise:

    - ``epoch``: 1, 2, ...;
    - ``train_loss``, ``train_accuracy``: means over the training samples, measured on
      each mini-batch before its update. A sample with several labels is right if all
      its labels are;
    - ``gradient_norm``: mean over the mini-batches of the Euclidean norm of the
      gradient of all parameters, without weight decay;
    - ``val_loss``, ``val_accuracy``: measured after the epoch, if there are validation
      data;
    - ``train_r2`` and ``val_r2``, in place of the accuracy, for a regressor: R², the
      mean over the outputs, as ``score`` computes it. Losses of a regressor refer to
      the scaled targets;
    - ``seconds``: training time, without validation and diagnostics;
    - ``learning_rate``.

    With ``diagnostics=True``, three more columns are measured on the training data
    after each epoch:

    - ``dead_units``, of shape (n_epochs, n_hidden_layers): fraction of the units of
      each layer whose activation has a derivative of zero for all samples;
    - ``saturation``, of shape (n_epochs, n_hidden_layers): fraction of the derivatives
      of each layer, over samples and units, with a magnitude below 0.01;
    - ``zero_gradients``, of shape (n_epochs, n_hidden_layers + 1): fraction of samples
      and units of each layer, including the output layer, for which the gradient of the
      loss with respect to the weighted sum is exactly zero.

    Attributes
    ----------
    n_epochs : int
        Number of epochs.
    batches : dict of str to ndarray of shape (n_epochs, n_batches), or None
        Metrics of each mini-batch.

    Examples
    --------
    >>> from cymlp.history import History
    >>> history = History()
    >>> history.append(epoch=1, train_loss=0.5)
    >>> history.append(epoch=2, train_loss=0.25)
    >>> history["train_loss"]
    array([0.5 , 0.25])
    >>> history
    History of 2 epochs; the last: train_loss=0.25
    """

    def __init__(self):
        # The last epoch, linked to those before it: copies share them, and readers in
        # other threads see whole epochs.
        self._last = None

    def append(self, *, batches=None, **figures):
        """Append an epoch.

        Parameters
        ----------
        batches : dict of str to array-like of shape (n_batches,), default=None
            Metrics of each mini-batch.
        **figures : float or list of float
            Value of each column, or a list with one value per layer.

        Raises
        ------
        ValueError
            If `batches` has values that are not numbers.
        """
        if batches is not None:
            with np.errstate(over="ignore"):
                batches = {name: np.float32(values) for name, values in batches.items()}
        self._last = (self._last, self.n_epochs + 1, figures, batches)

    @property
    def n_epochs(self):
        """Number of epochs."""
        return 0 if self._last is None else self._last[1]

    @property
    def _epochs(self):
        """Pairs of the figures and the batches of each epoch."""
        epochs, last = [], self._last
        while last is not None:
            last, _, *epoch = last
            epochs.append(epoch)
        return epochs[::-1]

    @property
    def batches(self):
        """Metrics of each mini-batch, or None if they were not recorded.

        ``loss`` and ``accuracy`` or ``r2`` before each update, as float32, recorded
        with ``record_batches=True``. Epochs with fewer mini-batches than others are
        padded with NaN.
        """
        epochs = [batches or {} for _, batches in self._epochs]
        return {name: _column(epochs, name) for name in _names(epochs)} or None

    @property
    def _last_loss(self):
        return np.nan if self._last is None else self._last[2]["train_loss"]

    def _truncate(self, n_epochs):
        """Forget the epochs after the first `n_epochs`."""
        while self.n_epochs > n_epochs:
            self._last = self._last[0]

    def __copy__(self):
        copied = History()
        copied._last = self._last
        return copied

    def __getstate__(self):
        # As a list, because links would be pickled recursively.
        return {"_epochs": self._epochs}

    def __setstate__(self, state):
        self._last = None
        for figures, batches in state["_epochs"]:
            self._last = (self._last, self.n_epochs + 1, figures, batches)

    def __getitem__(self, name):
        return _column([figures for figures, _ in self._epochs], name)

    def __iter__(self):
        return iter(_names(figures for figures, _ in self._epochs))

    def __len__(self):
        return sum(1 for _ in self)

    def __repr__(self):
        figures = (
            f"{name}={_short(column[-1])}"
            for name, column in self.items()
            if name != "epoch"
        )
        last = f"; the last: {', '.join(figures)}" if self.n_epochs else ""
        return f"History of {self.n_epochs} epochs{last}"

    def to_frame(self):
        """Convert to a pandas DataFrame with one row per epoch.

        Requires pandas. Metrics of mini-batches are not included.

        Returns
        -------
        frame : DataFrame of shape (n_epochs, n_columns)
            The columns of the history. A column with one value per layer becomes one
            column per layer, named with the suffix _1, _2, ..., from the first layer.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from cymlp.history import History
        >>> history = History()
        >>> history.append(epoch=1, train_loss=0.5, dead_units=[0.25, 0.0])
        >>> history.append(epoch=2, train_loss=0.25, dead_units=[0.5, 0.0])
        >>> history.to_frame()
           epoch  train_loss  dead_units_1  dead_units_2
        0      1        0.50          0.25           0.0
        1      2        0.25          0.50           0.0
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "History.to_frame needs pandas: pip install pandas"
            ) from error
        columns = {}
        for name, values in self.items():
            if values.ndim == 1:
                columns[name] = values
            else:
                for layer, of_layer in enumerate(values.T, start=1):
                    columns[f"{name}_{layer}"] = of_layer
        return pd.DataFrame(columns)

    def plot(self, axes=None):
        """Plot loss and score over the epochs: the accuracy, or R² of a regressor.

        Requires matplotlib: ``pip install cymlp[plot]``.

        Parameters
        ----------
        axes : sequence of 2 matplotlib Axes, default=None
            Axes for the loss and the score. By default, a new figure is created.

        Returns
        -------
        axes : ndarray of 2 matplotlib Axes
            Axes of the loss and of the score.

        Raises
        ------
        ImportError
            If `axes` is None and matplotlib is not installed.
        KeyError
            If the history lacks loss, or both accuracy and R².
        ValueError
            If `axes` does not have two entries, or the history has no epochs.
        """
        from cymlp.plots import plot_history

        return plot_history(self, axes)


def _short(metric):
    """A metric, or one value per layer, with few digits."""
    if np.ndim(metric):
        return f"[{', '.join(map(_short, metric))}]"
    return f"{metric:.4g}"


def _names(epochs):
    """Names of the metrics of all epochs, in order of first appearance."""
    return dict.fromkeys(name for figures in epochs for name in figures)


def _column(epochs, name):
    """Values of one metric, padded with NaN where an epoch has none or fewer."""
    has_it = [name in figures for figures in epochs]
    if not any(has_it):
        columns = ", ".join(_names(epochs))
        raise KeyError(f"{name!r} is not a column; the columns are {columns}")
    if all(has_it):
        with suppress(ValueError):  # raised for different lengths
            return np.array([figures[name] for figures in epochs])
    rows = {
        index: np.asarray(figures[name])
        for index, figures in enumerate(epochs)
        if has_it[index]
    }
    shape = max(row.shape for row in rows.values())
    # Integers cannot be NaN.
    dtype = np.result_type(*(row.dtype for row in rows.values()), np.float32)
    column = np.full((len(epochs), *shape), np.nan, dtype)
    for index, row in rows.items():
        column[(index, *map(slice, row.shape))] = row
    return column
