"""Write model files and checkpoints that every later version must load.

    python tests/data/write_model_files.py

tests/estimator/test_stored_models.py reads them. A folder has the files of one format.
Files that are there stay as they are: they were written by the version that they name.
So add a case for a new loss, activation or kind of labels, and run the script. If
FORMAT has been raised, it writes all of them once more, beside the older ones.

Each file has an .npz beside it with its data, the predictions of the network that was
saved, and for a checkpoint the weights after the last epoch of the fit.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cymlp import Checkpoint, MLPClassifier, MLPRegressor, export
from cymlp._fit import checkpointing
from cymlp.activations import ACTIVATIONS, LeakyRelu
from cymlp.export.model_file import FORMAT
from cymlp.losses import (
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    Quantile,
)

FOLDER = Path(__file__).with_name("model_files") / f"format-{FORMAT}"
METHODS = ("predict", "decision_function", "predict_proba", "predict_log_proba")
SETTINGS = {"max_iter": 3, "n_iter_no_change": np.inf, "random_state": 0}

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 3)).round(2)
y = np.arange(12) % 3
names = np.array(["ant", "bee", "cät"])
sparse = csr_array(np.where(X > 0, X, 0))
indicator = (X[:, :2] > 0).astype(int)
soft = np.eye(3)[y] * 0.7 + 0.1
values = np.exp(X[:, :2])


def classifier(hidden=(4,), **parameters):
    return MLPClassifier(hidden, **SETTINGS | parameters)


def regressor(**parameters):
    return MLPRegressor((4,), **SETTINGS | parameters)


def named(X):
    return pd.DataFrame(X, columns=["a", "b", "ç"])


# Estimator, X, y.
CASES = {
    # Labels, features and scales.
    "strings": (classifier(), named(X), names[y]),
    "objects": (classifier(scale="minmax"), X, names.astype(object)[y]),
    "booleans": (classifier(scale="standard"), X, y > 0),
    "bytes": (classifier(scale=(1, 2.5), dtype="float64"), X, y.astype(np.uint8)),
    "large-integers": (classifier(scale=None), X, np.array([-5, 0, 2**60])[y]),
    "floats": (classifier(scale=([0, 1, 2], [1.5, -2, 3])), X, y * 2.0),
    "sparse": (classifier(), sparse, y),
    "rows-of-probabilities": (classifier(), X, soft),
    "no-hidden-layer": (classifier((), loss="kl_div"), X, y),
    # Members with parameters, and parameters of all types.
    "activations": (
        classifier(
            tuple(range(2, 3 + len(ACTIVATIONS))),
            activation=[*sorted(ACTIVATIONS), LeakyRelu(negative_slope=0.3)],
            dropout=[0.1] * (1 + len(ACTIVATIONS)),
            init=0.5,
        ),
        X, y,
    ),
    "parameters": (
        classifier(
            [3, 2], activation=("selu", "tanh"), loss=Focal(alpha=[1, 2, 3], gamma=0.5),
            class_weight={0: 2.0, 2: 0.5}, solver="sgd", nesterovs_momentum=True,
            weight_decay=0.01, batch_size=5, learning_rate="adaptive",
            n_iter_no_change=7, warm_start=True, random_state=None, verbose=0,
        ),
        X, y,
    ),
    "smoothed": (classifier(loss=CrossEntropy(label_smoothing=0.1)), X, y),
    "hinge": (classifier(loss="hinge"), X, y),
    "hinge-with-softmax": (classifier(loss=Hinge(margin=1, softmax=True)), X, y),
    # Several labels per sample.
    "labels": (classifier(loss=BinaryFocal(alpha=0.3)), X, indicator),
    "weighted-labels": (
        classifier(
            loss=BinaryCrossEntropy(label_smoothing=0.2),
            class_weight=[{1: 2.0}, {0: 0.5}],
        ),
        X, indicator,
    ),
    # Real values.
    "values": (regressor(), X, values),
    "one-value": (regressor(loss="poisson", target_scale=None), X, values[:, 0]),
    "huber": (regressor(loss=Huber(0.5), target_scale=(1, 2)), X, values),
    "quantiles": (regressor(loss=Quantile([0.1, 0.9]), dtype="float64"), X, values),
    # Checkpoints after two of three epochs.
    "checkpoint": (classifier(), named(X), names[y]),
    "checkpoint-of-all": (
        classifier(
            dropout=0.2, early_stopping=True, validation_fraction=0.4, diagnostics=True,
            record_batches=True, learning_rate_init=0.5, batch_size=3,
        ),
        X, y,
    ),
    "checkpoint-of-values": (regressor(solver="sgd", momentum=0.5), X, values),
}  # fmt: skip


class Stopped(BaseException):
    """Ends a fit after its checkpoint was written."""


def write_checkpoint(estimator, X, y, file):
    """Leave the checkpoint of the second epoch; return the weights of the last."""
    write_file, n_written = checkpointing.write_file, 0

    def write(*args):
        nonlocal n_written
        write_file(*args)
        n_written += 1
        if n_written == 2:
            raise Stopped

    checkpointing.write_file = write
    try:
        estimator.fit(X, y, checkpoint=Checkpoint(file))
    except Stopped:
        checkpointing.write_file = write_file
    estimator.fit(X, y)
    return {f"coefs.{i}": W for i, W in enumerate(estimator.coefs_)}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (estimator, X, y) in CASES.items():
        file = FOLDER / f"{name}.safetensors"
        if file.exists():
            continue
        arrays = {}
        if name.startswith("checkpoint"):
            arrays = write_checkpoint(estimator, X, y, file)
            estimator = export.load(file)
        else:
            export.save(estimator.fit(X, y), file)
        arrays |= {
            method: np.asarray(getattr(estimator, method)(X))
            for method in METHODS
            if hasattr(estimator, method)
        }
        # Strings, since NumPy would pickle objects.
        arrays = {
            key: array.astype(str) if array.dtype == object else array
            for key, array in arrays.items()
        }
        dense = X.toarray() if name == "sparse" else np.asarray(X)
        np.savez(
            file.with_suffix(".npz"),
            X=dense,
            y=y.astype(str) if y.dtype == object else y,
            **arrays,
        )
        print("written", name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
