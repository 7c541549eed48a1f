"""That type checkers know the installed package: py.typed, and what its stubs say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot
import pytest
import sklearn
import typed_use
from helpers import public_objects
from sklearn.datasets import make_classification

from cymlp import activations, losses

matplotlib.use("agg")


def test_mypy_agrees_with_the_user(tmp_path):
    # Elsewhere and without paths, so that there is the installed package alone.
    environment = {k: v for k, v in os.environ.items() if k != "MYPYPATH"}
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    result = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", *options, typed_use.__file__],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_mypy_agrees_with_runs(tmp_path):
    X, y = make_classification(40, 5, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        typed_use.use_all(X, y, tmp_path)
    matplotlib.pyplot.close("all")


def test_the_user_uses_every_public_name():
    used = {*re.findall(r"\w+", Path(typed_use.__file__).read_text("utf-8"))}
    names = {name.rpartition(".")[2] for name in public_objects()}
    alike = activations.ACTIVATIONS | losses.LOSSES
    names -= {part.__name__ for part in alike.values()}
    assert names - used == set()
