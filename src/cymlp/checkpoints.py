"""Checkpoints of a fit."""

import os
from dataclasses import KW_ONLY, dataclass
from numbers import Integral

from sklearn.utils import check_scalar


@dataclass(frozen=True)
class Checkpoint:
    """A file from which a fit that was killed goes on.

    ``fit(X, y, checkpoint=Checkpoint(file))`` saves its state in the file. After a
    crash or a power failure the same call, in a new process, finds the file and goes
    on after the last epoch that was saved. The result has the same bits as that of a
    fit that was not interrupted. A fit that had ended is not trained again.

    The file is a model file: :func:`cymlp.export.load` loads the network as it was when
    the file was written. It contains the weights, the optimiser state, the random
    state, `history_`, the scales and the parameters, but no code. A fit replaces it as
    a whole, so that at any time it has the last state or the one before. Requires
    safetensors: ``pip install cymlp[safetensors]``.

    Parameters
    ----------
    file : str or path-like
        File to write, one for each fit. It stays when the fit ends; delete it to train
        anew.
    every : int, default=1
        Number of epochs after which the file is written. It is also written after the
        last epoch.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    TypeError
        If `file` is not a path, or `every` not an int.
    ValueError
        If `every` is less than 1.

    See Also
    --------
    cymlp.export.save : Save a fitted network.

    Notes
    -----
    `fit` raises a ValueError if the file is damaged, or comes from a fit with other
    parameters or other data. The data are compared by their targets, their weights and
    at most 1000 rows of X. Callbacks see the remaining epochs only. Another version of
    cymlp warns and goes on; the bits may then differ.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cymlp import Checkpoint, MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> folder = tempfile.TemporaryDirectory()
    >>> checkpoint = Checkpoint(Path(folder.name, "iris.safetensors"), every=10)
    >>> clf = MLPClassifier((8,), max_iter=30, n_iter_no_change=float("inf"))
    >>> weights = clf.fit(X, y, checkpoint=checkpoint).coefs_[0]
    >>> again = MLPClassifier((8,), max_iter=30, n_iter_no_change=float("inf"))
    >>> again = again.fit(X, y, checkpoint=checkpoint)  # as a new process would
    >>> bool((again.coefs_[0] == weights).all())
    True
    >>> folder.cleanup()
    """

    file: str | os.PathLike
    _: KW_ONLY
    every: int = 1

    def __post_init__(self):
        # It imports the estimators, which import this module.
        from cymlp.export.parts import as_path, imported

        as_path(self.file)
        check_scalar(self.every, "every", Integral, min_val=1)
        imported("safetensors.numpy", "cymlp[safetensors]")
