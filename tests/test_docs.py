"""The code and the links of the README and of the pages in docs."""

import importlib.util
import os
import re
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn import neural_network

import cymlp
from cymlp import MLPClassifier

pyplot.switch_backend("agg")

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
RESULTS = (ROOT / "benchmarks" / "report" / "results").resolve()
SWITCH = DOCS / "coming-from-scikit-learn.md"
LOGGING = DOCS / "logging.md"
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
NUMBER = r"-?\d+(?:\.\d+)?"
FIGURE = re.compile(rf"(?P<mean>{NUMBER})(?: ± (?P<sd>{NUMBER}))?")


def pages_with_code():
    return [
        page
        for page in sorted(DOCS.glob("*.md"))
        if BLOCK.search(page.read_text("utf-8"))
    ]


def run(page, capsys):
    """Run the blocks of a page, and compare what they print where the page shows it."""
    text = page.read_text("utf-8")
    names, outputs = {}, []
    for block in BLOCK.finditer(text):
        # A traceback then names the page's own lines.
        blank_lines = "\n" * text.count("\n", 0, block.start("code"))
        exec(compile(blank_lines + block["code"], str(page), "exec"), names)
        printed = capsys.readouterr().out
        if block["printed"] is not None:
            assert difference(printed, block["printed"]) is None
        outputs.append(printed)
    pyplot.close("all")
    return names, outputs


def difference(printed, quoted):
    """The first two lines that do not say the same, None where all do.

    Rounding differs between machines, and training magnifies it to what another seed
    would have changed. So a mean over seeds, which has a ± behind it, may be 2 standard
    deviations off, about 3 times its own standard error; the standard deviation itself
    may be anything. Other numbers may differ by one unit in the last place.
    """
    for lines in zip_longest(printed.splitlines(), quoted.splitlines(), fillvalue=""):
        words, quoted_words = (FIGURE.sub("#", line).split() for line in lines)
        figures, quoted_figures = (list(FIGURE.finditer(line)) for line in lines)
        if words != quoted_words or not all(map(agree, figures, quoted_figures)):
            return lines
    return None


def agree(figure, quoted):
    if (figure["sd"] is None) != (quoted["sd"] is None):
        return False
    unit = 10.0 ** -len(quoted["mean"].partition(".")[2])
    tolerance = max(unit, 2 * float(quoted["sd"] or 0))
    return abs(float(figure["mean"]) - float(quoted["mean"])) <= 1.0001 * tolerance


@pytest.mark.parametrize(
    "page", sorted({*pages_with_code()} - {LOGGING}), ids=lambda page: page.name
)
def test_its_code_runs_and_prints_what_is_quoted(page, capsys):
    if page.name == "scaling-out.md":
        for module in ("dask.array", "distributed", "optuna"):
            pytest.importorskip(module)
    run(page, capsys)


def test_the_pages_that_have_code_are_found():
    assert {SWITCH, DOCS / "losses.md"} <= set(pages_with_code())


def test_the_readmes_code_runs(capsys):
    names, outputs = run(README, capsys)
    accuracy = re.match(r"accuracy (0\.\d+) after \d+ epochs", outputs[0])
    assert float(accuracy[1]) > 0.94
    X_train, y_train = names["X_train"], names["y_train"]
    search = names["search"]
    search.estimator.set_params(max_iter=20, n_iter_no_change=float("inf"))
    assert search.fit(X_train[:300], y_train[:300]).best_score_ > 0.8
    assert names["clf"].score(names["X_val"], names["y_val"]) > 0.9


def test_the_loggers_have_the_figures_of_the_history(tmp_path):
    for module in ("sklearn.callback", "tensorboardX", "mlflow", "alembic"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"there is no {module}")
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
    logged = [run for run in runs if len(run) == len(history)]
    assert len(logged) == 2
    for run in logged:
        assert_same_figures(run, history)


def assert_same_figures(logged, history):
    assert set(logged) == set(history)
    assert logged.index.tolist() == history["epoch"].tolist()
    for name in set(history) - {"seconds"}:
        np.testing.assert_allclose(logged[name], history[name], rtol=1e-7)


def tensorboard_curves(folder):
    """What TensorBoard shows of a folder, as a column for each curve."""
    from tensorboardX.proto.event_pb2 import Event

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


@pytest.mark.parametrize(
    "printed",
    [
        "a 0.905 ± 0.020   0.500\n",
        "a 0.866 ± 0.001   0.499\n",
        "a   0.885 ± 0.010   0.501\n",
    ],
)
def test_quoted_figures_may_differ_a_little(printed):
    assert difference(printed, "a  0.885 ± 0.010  0.500\n") is None


@pytest.mark.parametrize(
    "printed",
    [
        "a 0.906 ± 0.010   0.500\n",
        "a 0.885 ± 0.010   0.502\n",
        "b 0.885 ± 0.010   0.500\n",
        "a 0.885   0.500\n",
        "a 0.885 ± 0.010   0.500   0.500\n",
        "a 0.885 ± 0.010   0.500\nb\n",
        "",
    ],
)
def test_quoted_figures_that_are_wrong_are_found(printed):
    assert difference(printed, "a 0.885 ± 0.010   0.500\n") is not None


def first_column(section):
    """Names in the first column of a table in the page for scikit-learn's users."""
    text = SWITCH.read_text("utf-8").partition(f"\n## {section}\n")[2]
    rows = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_name_of_scikit_learns_classifier_is_mapped():
    theirs = neural_network.MLPClassifier()
    theirs.partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])
    attributes = {name for name in vars(theirs) if re.fullmatch(r"[a-z]\w*_", name)}
    methods = {
        name
        for name in dir(theirs)
        if name[0] != "_" and callable(getattr(theirs, name))
    }
    assert set(theirs.get_params()) <= first_column("Parameters")
    assert attributes <= first_column("Attributes")
    assert methods <= first_column("Methods")


def test_every_parameter_of_ours_is_named():
    text = SWITCH.read_text("utf-8")
    missing = [name for name in MLPClassifier().get_params() if f"`{name}`" not in text]
    assert missing == []


def headings(page):
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page",
    [
        page
        for folder in ("*", "benchmarks/**/*", "docs/**/*")
        for page in sorted(ROOT.glob(f"{folder}.md"))
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_its_relative_links_lead_somewhere(page):
    prose = BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        if RESULTS in linked.resolve().parents and not RESULTS.exists():
            continue  # a source distribution comes without
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked), target


def test_the_tests_that_pages_name_are_there():
    tests = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/*.py"))
    named = {
        name
        for page in DOCS.glob("*.md")
        for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))
    }
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_every_public_name_is_in_the_reference():
    pages = "".join(path.read_text("utf-8") for path in DOCS.glob("api/*.rst"))
    documented = set(re.findall(r"^\.\. auto\w+:: (\S+)$", pages, re.MULTILINE))
    compiled = {f"cymlp.{path.stem}" for path in ROOT.glob("src/cymlp/*.pyx")}
    modules = compiled | {"cymlp.plots", "cymlp.export", "cymlp.typing"}
    assert {f"cymlp.{name}" for name in cymlp.__all__} | modules <= documented
