"""Pages and docstrings whose code needs the packages of the group "integration"."""

import os
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doctests import MODULES, examples_of, failures
from helpers import needs_callbacks
from matplotlib import pyplot
from pages import BLOCK, DOCS, pages_with_code, run
from tensorboardX.proto.event_pb2 import Event

pyplot.switch_backend("agg")

LOGGING = DOCS / "logging.md"
PAGES = pages_with_code(integration=True)


def test_the_pages_that_need_them_are_found():
    assert {LOGGING, DOCS / "export.md", DOCS / "scaling-out.md"} <= {*PAGES}


@pytest.mark.parametrize(
    "page", sorted({*PAGES} - {LOGGING}), ids=lambda page: page.name
)
def test_its_code_runs_and_prints_what_is_quoted(page, capsys):
    run(page, capsys)


def test_examples_of_docstrings_are_right():
    tests = [test for name in MODULES for test in examples_of(name, integration=True)]
    assert "cymlp.export.to_onnx" in {test.name for test in tests}
    assert failures(tests) == ""


@needs_callbacks
def test_the_loggers_have_the_figures_of_the_history(tmp_path):
    blocks = [*BLOCK.finditer(LOGGING.read_text("utf-8"))]
    code = "".join(block["code"] for block in blocks)
    code += "figures.to_pickle('history')\nprint(folder)\n"
    # By itself, since MLflow starts threads and has settings for the whole process.
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, check=True, text=True,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}, stdout=subprocess.PIPE,
    )  # fmt: skip
    *printed, folder = result.stdout.splitlines()
    assert printed == [block["printed"].strip() for block in blocks if block["printed"]]
    history = pd.read_pickle(tmp_path / "history")
    assert len(history) > 5
    assert "val_loss" in history
    # One fit was logged as it went on; one, of the same seed, after it was over.
    for logged in (*Path(folder).glob("fit-*"), Path(folder, "after")):
        assert_same_figures(tensorboard_curves(logged), history)
    runs = mlflow_curves(Path(folder, "mlflow.db"))
    logged = [curves for curves in runs if len(curves) == len(history)]
    assert len(logged) == 2
    for curves in logged:
        assert_same_figures(curves, history)


def assert_same_figures(logged, history):
    assert set(logged) == set(history)
    assert logged.index.tolist() == history["epoch"].tolist()
    for name in set(history) - {"seconds"}:
        np.testing.assert_allclose(logged[name], history[name], rtol=1e-7)


def tensorboard_curves(folder):
    """What TensorBoard shows of a folder, as a column for each curve."""
    (file,) = folder.glob("events.*")
    content, curves = file.read_bytes(), {}
    while content:
        # The number of bytes, its checksum, the bytes, their checksum.
        (n_bytes,) = struct.unpack_from("<Q", content)
        event, content = content[12 : 12 + n_bytes], content[16 + n_bytes :]
        event = Event.FromString(event)
        for value in event.summary.value:
            curves.setdefault(value.tag, {})[event.step] = value.simple_value
    return pd.DataFrame(curves)


def mlflow_curves(database):
    """What MLflow shows of its runs, for each a column for each curve."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT run_uuid, step, key, value FROM metrics")
        metrics = pd.DataFrame(rows, columns=["run", "step", "key", "value"])
    return [
        run.pivot(index="step", columns="key", values="value")
        for _, run in metrics.groupby("run")
    ]
