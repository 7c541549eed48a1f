"""Pictures of what a fit reports. Needs matplotlib, imported where it is used."""

import numpy as np

# Training and validation differ in the form of the line too, not in colour alone.
STYLES = {
    "train": {"label": "training", "color": "C0", "linestyle": "-"},
    "val": {"label": "validation", "color": "C1", "linestyle": "--"},
}


def plot_history(history, axes=None):
    """Draw loss and accuracy over the epochs.

    Parameters
    ----------
    history : History
        Or any mapping with its columns.
    axes : sequence of 2 matplotlib Axes, default=None
        Where to draw; by default in a new figure.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes
        Of the loss and of the accuracy.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If axes are not two.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cymlp.plots import plot_history
    >>> columns = {"epoch": [1, 2], "train_loss": [2, 1], "train_accuracy": [0.5, 1]}
    >>> [axis.get_ylabel() for axis in plot_history(columns)]
    ['loss', 'accuracy']
    """
    if axes is None:
        axes = new_axes()
    axes = np.asarray(axes, dtype=object).reshape(-1)
    if axes.size != 2:
        raise ValueError(f"axes must be 2, for loss and accuracy; got {axes.size}")
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for part, style in STYLES.items():
            column = f"{part}_{quantity}"
            if column in history:
                axis.plot(history["epoch"], history[column], **style)
        axis.set_xlabel("epoch")
        axis.set_ylabel(quantity)
        axis.legend()
    return axes


def new_axes():
    """Make a figure with room for loss and accuracy side by side.

    Returns
    -------
    axes : ndarray of 2 matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "plotting needs matplotlib: pip install 'cymlp[plot]'"
        ) from error
    return pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")[1]
