"""Fits that SIGKILL ends at random moments, and that go on from their checkpoints.

    python tests/kills.py [number of kills] [folder]

Each fit runs in a process of its own, which is killed after a random time, again and
again until one of them comes to the end. Its weights and history must have the bits of
a fit that nobody killed. After each kill the file must be missing or sound.
"""

import hashlib
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from helpers import make_mlp
from scipy.sparse import random_array
from sklearn.datasets import make_classification

from cymlp import Checkpoint, MLPRegressor, export

SETTINGS = [
    {"solver": "adam", "dropout": 0.1, "hidden_layer_sizes": (64,)},
    {"early_stopping": True, "learning_rate": "cosine", "record_batches": True},
    {"sparse": True, "scale": "auto", "dtype": "float64"},
    {"regressor": True, "diagnostics": True, "random_state": 0, "max_iter": 40},
]


def fit(settings, checkpoint=None):
    """The bits of a fit."""
    settings = dict(settings)
    X, y = make_classification(300, 20, n_informative=8, n_classes=3, random_state=0)
    if settings.pop("sparse", False):
        X = random_array((300, 500), density=0.05, rng=np.random.RandomState(0)).tocsr()
    if settings.pop("regressor", False):
        mlp, y = MLPRegressor((8,), **settings), X[:, :2]
    else:
        mlp = make_mlp(max_iter=40, batch_size=50, **settings)
    mlp.fit(X, y, checkpoint=checkpoint)
    digest = hashlib.sha256()
    for array in (*mlp.coefs_, *mlp.intercepts_, mlp.history_["train_loss"]):
        digest.update(array.tobytes())
    return digest.digest()


def fit_elsewhere(settings, checkpoint, seconds):
    """The bits of a fit in a new process; None if it was killed first."""
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ours)
        try:
            os.write(theirs, fit(settings, checkpoint))
        finally:
            os._exit(0)
    os.close(theirs)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with open(ours, "rb") as pipe:
        return pipe.read() or None


def main(n_kills, folder):
    warnings.simplefilter("ignore")
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    killed, n_files, n_fits = 0, 0, 0
    while killed < n_kills:
        settings = SETTINGS[n_fits % len(SETTINGS)]
        start = time.monotonic()
        expected = fit(settings, Checkpoint(folder / "undisturbed"))
        seconds = time.monotonic() - start
        assert expected == fit(settings)
        (folder / "undisturbed").unlink()
        checkpoint, bits = Checkpoint(folder / "model"), None
        while bits is None:
            bits = fit_elsewhere(settings, checkpoint, rng.uniform(0, 0.6 * seconds))
            killed += bits is None
            if checkpoint.file.exists():
                n_files += bits is None
                export.load(checkpoint.file)
        assert bits == expected, f"other bits with {settings}"
        n_fits += 1
        checkpoint.file.unlink()
    print(
        f"{n_kills} kills, all went on with the same bits: {killed} killed in "
        f"{n_fits} fits, {n_files} times with a file, "
        f"{len(list(folder.glob('*.part')))} parts left"
    )


if __name__ == "__main__":
    n_kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    if len(sys.argv) > 2:
        main(n_kills, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(n_kills, Path(folder))
