"""Model files and checkpoints of each format, which every later version must load.

tests/data/write_model_files.py writes them.
"""

import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from cymlp import Checkpoint, export
from cymlp.activations import ACTIVATIONS
from cymlp.export import model_file
from cymlp.losses import LOSSES

FOLDER = Path(__file__).parents[1] / "data" / "model_files"
FILES = sorted(FOLDER.glob("format-*/*.safetensors"))
# Other processors round the sums of float32 in other ways.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
files = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
checkpoints = pytest.mark.parametrize(
    "file",
    [file for file in FILES if file.stem.startswith("checkpoint")],
    ids=lambda file: file.stem,
)


def stored(file):
    """A stored network, its X and y, and the other arrays beside it."""
    estimator = export.load(file)
    with np.load(file.with_suffix(".npz")) as arrays:
        arrays = dict(arrays)
    X, y = arrays.pop("X"), arrays.pop("y")
    if hasattr(estimator, "feature_names_in_"):
        X = pd.DataFrame(X, columns=estimator.feature_names_in_)
    return estimator, csr_array(X) if file.stem == "sparse" else X, y, arrays


@files
def test_it_predicts_as_the_network_that_was_saved(file):
    estimator, X, _, arrays = stored(file)
    assert "predict" in arrays
    for name, expected in arrays.items():
        if name.startswith("coefs"):
            continue
        predicted = getattr(estimator, name)(X)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(predicted, expected, **TOLERANCE)
        else:
            assert predicted.tolist() == expected.tolist()


@files
def test_training_goes_on_from_it(file):
    estimator, X, y, _ = stored(file)
    estimator.set_params(early_stopping=False)
    n_epochs = estimator.history_.n_epochs
    assert estimator.partial_fit(X, y).history_.n_epochs == n_epochs + 1


@checkpoints
def test_a_fit_goes_on_from_a_stored_checkpoint(file, tmp_path):
    estimator, X, y, arrays = stored(file)
    assert estimator.history_.n_epochs == 2
    shutil.copy(file, tmp_path)
    parameters = estimator.get_params()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The checkpoint .* was written by cymlp")
        fitted = type(estimator)(**parameters).fit(
            X, y, checkpoint=Checkpoint(tmp_path / file.name)
        )
    assert fitted.n_iter_ == 3
    for i, W in enumerate(fitted.coefs_):
        np.testing.assert_allclose(W, arrays[f"coefs.{i}"], **TOLERANCE)


def test_all_that_this_version_can_save_is_stored():
    found, dtypes = set(), set()
    for file in FOLDER.glob(f"format-{model_file.FORMAT}/*.safetensors"):
        _, model, _ = model_file.read(file)
        found |= {member["object"] for member in (*model["activations"], model["loss"])}
        dtypes.add(model["class_dtype"])
        assert re.fullmatch(r"\d+\.\d+.*", model["version"])
    missing = {*ACTIVATIONS, *LOSSES} - found
    assert not missing, f"enter them in write_model_files.py and run it: {missing}"
    assert dtypes >= {"str", "object", "bool", "uint8", "int64", "float64", None}


def test_the_checksum_is_that_of_little_endian_values():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    same = values.astype(">f4")  # as on a processor with the first byte at the end
    assert model_file._digest({}, {"a": values}) == model_file._digest({}, {"a": same})
