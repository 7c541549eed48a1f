"""Kinds of data: sparse matrices, data frames, memory maps, arrays of any form."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from frames import NAMES, assert_frames_equal_arrays, assert_other_names_are_refused
from helpers import assert_same_weights, make_mlp
from members import SOLVERS
from sklearn.base import clone

from cymlp import MLPClassifier, fit_many
from cymlp._fit import prepare

FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]


@pytest.fixture
def sparse_digits():
    """200 samples of 12 features, most of which are 0; three samples are all 0."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 3
    X = rng.normal(size=(200, 12)) + 2 * np.eye(12)[y]
    X[rng.random(X.shape) < 0.7] = 0
    X[:3] = 0
    return X, y


def wide(X):
    """A CSR matrix with indices of 64 bits."""
    X = scipy.sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def not_canonical(X):
    """A CSR matrix with duplicates, stored zeros and unsorted indices."""
    dense, X = X, scipy.sparse.coo_array(X)
    row, column, data = X.row, X.col, X.data
    row = np.concatenate([row, row, np.arange(5)])
    column = np.concatenate([column, column, np.zeros(5, int)])
    data = np.concatenate([0.25 * data, 0.75 * data, np.zeros(5)])
    order = np.lexsort((-column, row))
    starts = np.searchsorted(row[order], np.arange(dense.shape[0] + 1))
    return scipy.sparse.csr_matrix((data[order], column[order], starts), dense.shape)


SPARSE = {
    **{f"{name}_array": getattr(scipy.sparse, f"{name}_array") for name in FORMATS},
    **{f"{name}_matrix": getattr(scipy.sparse, f"{name}_matrix") for name in FORMATS},
    "wide": wide,
    "not canonical": not_canonical,
}


def assert_close(one, other, X, atol=1e-12):
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)
    for column in set(one.history_) - {"seconds"}:
        np.testing.assert_allclose(
            one.history_[column], other.history_[column], rtol=0, atol=100 * atol
        )
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(
            getattr(one, method)(X[0]),
            getattr(other, method)(X[1]),
            rtol=0,
            atol=100 * atol,
        )
    np.testing.assert_array_equal(one.predict(X[0]), other.predict(X[1]))


# SciPy warns that DIA is inefficient for this matrix.
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("form", SPARSE.values(), ids=SPARSE)
def test_every_sparse_format_equals_dense(sparse_digits, form):
    X, y = sparse_digits
    mlp = make_mlp(dtype="float64", hidden_layer_sizes=(7, 5), max_iter=4)
    fits = [
        (
            clone(mlp).fit(
                data, y, X_val=data[:50] if data is X else form(X[:50]), y_val=y[:50]
            ),
            clone(mlp).set_params(early_stopping=True).fit(data, y),
            clone(mlp).partial_fit(data, y, [0, 1, 2]).partial_fit(data, y),
            *fit_many([clone(mlp)], data, y, X_val=data, y_val=y),
        )
        for data in (X, form(X))
    ]
    for dense, sparse in zip(*fits, strict=True):
        assert_close(dense, sparse, (X, form(X)))


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": ()},
        *SOLVERS,
        {"dropout": 0.4},
        {"loss": "hinge", "class_weight": "balanced"},
        {"activation": "relu", "batch_size": 7},
        {"dtype": "float32"},
    ],
    ids=repr,
)
def test_sparse_equals_dense_whatever_is_trained(sparse_digits, parameters):
    X, y = sparse_digits
    mlp = make_mlp(**{"dtype": "float64", "max_iter": 4} | parameters)
    dense, sparse = (clone(mlp).fit(form(X), y) for form in (np.asarray, not_canonical))
    atol = 1e-5 if mlp.dtype == "float32" else 1e-12
    for a, b in zip(dense.coefs_, sparse.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e60])
def test_sparse_values_that_are_not_finite_are_refused(sparse_digits, wrong):
    X, y = sparse_digits
    mlp = make_mlp().fit(X, y)
    X = scipy.sparse.csr_array(X)
    X.data[5] = wrong
    for use in (lambda: make_mlp().fit(X, y), lambda: mlp.predict(X)):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            use()


# Data frames


FRAMES = {
    "categories": lambda X, labels: (
        pd.DataFrame(X, columns=NAMES), pd.Series(labels, dtype="category")
    ),
    "text": lambda X, labels: (pd.DataFrame(X, columns=NAMES), pd.Series(labels)),
}  # fmt: skip


@pytest.mark.parametrize("kind", FRAMES)
def test_data_frames_equal_arrays(three_classes, kind):
    assert_frames_equal_arrays(FRAMES[kind], *three_classes)


def test_features_of_other_names_are_refused(three_classes):
    assert_other_names_are_refused(
        FRAMES["text"], lambda frame: frame.add_suffix("z"), *three_classes
    )


# Arrays of any form


@pytest.fixture
def stored_arrays(monkeypatch):
    """The array or matrix of each X that is stored."""
    arrays = []
    store = prepare.store

    def spy(inputs):
        arrays.append(inputs.array)
        return store(inputs)

    monkeypatch.setattr(prepare, "store", spy)
    return arrays


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_memory_map_is_not_copied(three_classes, dtype, tmp_path, stored_arrays):
    X, y = three_classes
    np.save(tmp_path / "X.npy", X.astype(dtype))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    mlp = make_mlp(dtype=dtype).fit(mapped, y)
    (stored,) = stored_arrays
    assert np.shares_memory(stored, mapped)
    assert_same_weights(mlp, make_mlp(dtype=dtype).fit(X, y))
    np.testing.assert_array_equal(mlp.predict_proba(mapped), mlp.predict_proba(X))


def test_values_of_a_sparse_matrix_are_not_copied(sparse_digits, stored_arrays):
    X, y = sparse_digits
    X = scipy.sparse.csr_array(X)
    make_mlp(dtype="float64").fit(X, y)
    (stored,) = stored_arrays
    assert np.shares_memory(stored.data, X.data)


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1].copy()[::-1],
        lambda X: X.astype(">f8"),
        lambda X: X.astype(object),
        lambda X: X.tolist(),
        lambda X: [tuple(row) for row in X],
        lambda X: X.view(np.ma.MaskedArray),
    ],
    ids=[
        "F",
        "columns",
        "reversed",
        "big-endian",
        "objects",
        "list",
        "tuples",
        "masked",
    ],
)
def test_arrays_of_any_form_are_taken(three_classes, form):
    X, y = three_classes
    mlp, expected = (make_mlp().fit(data, y) for data in (form(X), X))
    assert_same_weights(mlp, expected)
    np.testing.assert_array_equal(mlp.predict_proba(form(X)), expected.predict_proba(X))


def test_data_may_be_read_only_and_are_not_changed(three_classes):
    X, y = three_classes
    T = np.eye(3)[y]
    weights = np.linspace(0.5, 2, 120)
    arrays = [X.astype(np.float32), T.astype(np.float32), weights]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    make_mlp(early_stopping=True).fit(*arrays)
    make_mlp().partial_fit(*arrays[:2], sample_weight=weights)
    make_mlp().fit(*arrays, X_val=arrays[0], y_val=arrays[1], sample_weight_val=weights)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_metadata_that_a_pipeline_may_pass_is_declared():
    names = {"sample_weight", "X_val", "y_val", "sample_weight_val"}
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = MLPClassifier().set_fit_request(**dict.fromkeys(names, True))
        mlp.set_partial_fit_request(classes=True, sample_weight=True)
        requests = mlp.get_metadata_routing()
    # A pipeline passes `checkpoint` on request only, as any other argument.
    assert requests.fit.requests == dict.fromkeys(names, True) | {"checkpoint": None}
    assert requests.partial_fit.requests == {"classes": True, "sample_weight": True}
