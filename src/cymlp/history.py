"""What a fit reports of each epoch."""

from collections.abc import Mapping
from contextlib import suppress

import numpy as np


class History(Mapping):
    """Columns of figures, one value per epoch.

    ``history_["train_loss"]`` is an array over the epochs, NaN for those that have no
    such figure. The columns, of shape (n_epochs,) unless said otherwise, are

    - ``epoch``: 1, 2, ...;
    - ``train_loss``, ``train_accuracy``: means over the samples, as they were measured
      batch by batch, each before its update;
    - ``gradient_norm``: the mean over the batches of the Euclidean norm of the gradient
      of a batch's loss, all parameters in one vector, without weight decay;
    - ``val_loss``, ``val_accuracy``: after the epoch, where there is a validation set;
    - ``seconds``: what training took, without what is measured after the epoch;
    - ``learning_rate``;
    - where ``diagnostics=True`` asked for them, measured on the training data after the
      epoch, of shape (n_epochs, n_hidden_layers): ``dead_units``, the fraction of a
      layer's units whose activation has derivative zero at every sample, and
      ``saturation``, the fraction of derivatives, over samples and units, of a
      magnitude below 0.01; and of shape (n_epochs, n_hidden_layers + 1), the output
      layer last, ``zero_gradients``, the fraction of samples and units where the
      gradient of the loss in the weighted sum is exactly zero.

    Attributes
    ----------
    batches : dict of str to ndarray of shape (n_epochs, n_batches), or None
        Figures of every mini-batch.

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
        # Rows, so that an epoch is there whole or not at all whenever one looks.
        self._epochs = []

    def append(self, *, batches=None, **figures):
        """Add an epoch.

        Parameters
        ----------
        batches : dict of str to array-like of shape (n_batches,), default=None
            Figures of each mini-batch.
        **figures : float or list of float
            One value for each column, or one for each layer.
        """
        if batches is not None:
            batches = {name: np.float32(values) for name, values in batches.items()}
        self._epochs.append((figures, batches))

    @property
    def n_epochs(self):
        """Number of epochs."""
        return len(self._epochs)

    @property
    def batches(self):
        """Figures of every mini-batch, or None where they were not recorded.

        ``loss`` and ``accuracy`` of each before its update, as float32, where
        ``record_batches=True`` asked for them; NaN after the last batch of an epoch
        that has fewer than others.
        """
        epochs = [batches or {} for _, batches in self._epochs]
        return {name: _column(epochs, name) for name in _names(epochs)} or None

    def __copy__(self):
        copied = History()
        copied._epochs = self._epochs.copy()
        return copied

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
        """Make a pandas DataFrame, one row per epoch.

        Needs pandas.

        Returns
        -------
        frame : DataFrame of shape (n_epochs, n_columns)
            The columns of the history. One with a value for each layer becomes as many,
            whose names end in _1, _2, ..., from the input on. What is in `batches` is
            left out.

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
        """Draw loss and accuracy over the epochs.

        Needs matplotlib, which ``pip install cymlp[plot]`` brings.

        Parameters
        ----------
        axes : sequence of 2 matplotlib Axes, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        axes : ndarray of 2 matplotlib Axes
            Of the loss and of the accuracy.
        """
        from cymlp.plots import plot_history

        return plot_history(self, axes)


def _short(figure):
    """A figure, or those of each layer, with few digits."""
    if np.ndim(figure):
        return f"[{', '.join(map(_short, figure))}]"
    return f"{figure:.4g}"


def _names(epochs):
    """Names that any of the epochs has, in the order of their first appearance."""
    return dict.fromkeys(name for figures in epochs for name in figures)


def _column(epochs, name):
    """Figures of one name, NaN where an epoch has none or fewer than others."""
    has_it = [name in figures for figures in epochs]
    if not any(has_it):
        raise KeyError(name)
    if all(has_it):
        with suppress(ValueError):  # that they are not of one length
            return np.array([figures[name] for figures in epochs])
    rows = {
        index: np.asarray(figures[name])
        for index, figures in enumerate(epochs)
        if has_it[index]
    }
    shape = max(row.shape for row in rows.values())
    # An integer cannot be NaN.
    dtype = np.result_type(*(row.dtype for row in rows.values()), np.float32)
    column = np.full((len(epochs), *shape), np.nan, dtype)
    for index, row in rows.items():
        column[(index, *map(slice, row.shape))] = row
    return column
