"""What a fit reports of each epoch."""

from collections.abc import Mapping

import numpy as np


class History(Mapping):
    """Columns of figures, one value per epoch.

    ``history_["train_loss"]`` is an array over the epochs. The columns, of shape
    (n_epochs,) unless said otherwise, are

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
        ``loss`` and ``accuracy`` of every mini-batch before its update, as float32,
        where ``record_batches=True`` asked for them.

    Examples
    --------
    >>> from cymlp.history import History
    >>> history = History()
    >>> history.append(epoch=1, train_loss=0.5)
    >>> history.append(epoch=2, train_loss=0.25)
    >>> history["train_loss"]
    array([0.5 , 0.25])
    >>> history
    History of 2 epochs: epoch, train_loss
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
            One value for each column, or one for each layer; the same columns every
            time.
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
        """Figures of every mini-batch, or None where they were not recorded."""
        if not self._epochs or self._epochs[0][1] is None:
            return None
        names = self._epochs[0][1]
        return {
            name: np.stack([batches[name] for _, batches in self._epochs])
            for name in names
        }

    def __getitem__(self, name):
        if name not in self._names():
            raise KeyError(name)
        return np.array([figures[name] for figures, _ in self._epochs])

    def __iter__(self):
        return iter(self._names())

    def __len__(self):
        return len(self._names())

    def _names(self):
        return self._epochs[0][0] if self._epochs else {}

    def __repr__(self):
        return f"History of {self.n_epochs} epochs: {', '.join(self)}"

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
