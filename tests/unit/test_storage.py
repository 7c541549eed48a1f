"""The storage of X: its choice, and the checks before an epoch follows its pointers."""

import gc

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD
from cymlp._engine.storage import FORMS, NotFiniteError, Stored, store
from cymlp._engine.storage.block_sparse import BlockSparse
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense
from cymlp._engine.targets import Targets
from cymlp.losses import CrossEntropy

Y = np.array([0, 2, 1])


def dense(dtype="float64"):
    return np.arange(12.0).reshape(3, 4).astype(dtype)


def block_sparse(dtype="float64"):
    """Samples of 32 features, of which each has one value that is not 0."""
    return np.eye(3, 32, dtype=dtype)


def csr(dtype="float64", **changes):
    """A matrix; changes replace its arrays without any check."""
    X = csr_array(np.array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 3, 0, 4]], dtype))
    for name, array in changes.items():
        setattr(X, name, np.array(array, getattr(X, name).dtype))
    return X


EXAMPLES = {Dense: dense, BlockSparse: block_sparse, CSR: csr}
EVERY_FORM = pytest.mark.parametrize(
    ("form", "example"), EXAMPLES.items(), ids=[form.__name__ for form in EXAMPLES]
)


def test_every_form_is_tested():
    assert set(EXAMPLES) == set(FORMS)


@EVERY_FORM
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_x_is_stored_in_the_form_that_suits_it(form, example, dtype):
    inputs = Inputs(example(dtype))
    stored = store(inputs)
    assert type(stored) is form
    assert (stored.n_samples, stored.n_features) == inputs.shape
    assert stored.dtype == dtype
    assert (stored.inputs is inputs) == (form is not CSR)  # which has its own indices


@EVERY_FORM
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(form, example, wrong):
    X = example()
    values = X.data if form is CSR else X
    values[-1] = wrong
    with pytest.raises(NotFiniteError, match=r"Input X contains (NaN|infinity)"):
        store(Inputs(X))


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs(np.full((3, 4), 1e60), "float32"),
        Inputs(block_sparse() * 1e60, "float32"),
        Inputs(dense("int8"), "float32", np.zeros(4), np.full(4, 1e-40)),
    ],
    ids=["dense", "block sparse", "scaled"],
)
def test_values_too_large_for_the_precision_are_refused(inputs):
    with pytest.raises(NotFiniteError, match="a value too large for dtype"):
        store(inputs)


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
@pytest.mark.parametrize("make", [np.zeros, csr_array])
def test_x_without_values_is_refused(make, shape):
    with pytest.raises(ValueError, match=r"at least one sample and one feature.*got"):
        store(Inputs(make(shape)))


@pytest.mark.parametrize("example", [dense, block_sparse])
def test_a_selection_of_samples_is_refused(example):
    inputs = Inputs(example()).subset(np.array([0, 2]))
    with pytest.raises(ValueError, match="no selection of samples"):
        store(inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": [0, 4, 1, 3]}, r"X.indices must be in 0\.\.3; got 0 to 4"),
        ({"indices": [0, -1, 1, 3]}, r"X.indices must be in 0\.\.3; got -1 to 3"),
        ({"indptr": [0, 2, 2, 5]}, "X.indptr must have 4 values .* at most 4"),
        ({"indptr": [1, 2, 2, 4]}, "X.indptr must have 4 values .* from 0"),
        ({"indptr": [0, 3, 2, 4]}, "X.indptr must have 4 values that do not decrease"),
        ({"indptr": [0, 2, 4]}, "X.indptr must have 4 values"),
        ({"indices": [0, 2, 1]}, "X.data and X.indices differ in length: 4 and 3"),
        ({"data": [1.0, 2.0, 3.0]}, "X.data and X.indices differ in length: 3 and 4"),
    ],
    ids=str,
)
def test_sparse_rows_that_lead_outside_of_the_matrix_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        store(Inputs(csr(**changes)))


def trained(X, values=None, weights=None):
    """The parameters after an epoch of a linear network."""
    stored = X if isinstance(X, Stored) else store(Inputs(X))
    network = Network([stored.n_features, 3], [], CrossEntropy())
    state = np.zeros((2, network.n_parameters), stored.dtype)
    optimizer = SGD(0.1, 0.9, 0.0)
    assert network.train_epoch(
        stored.first_layer(3, 2, optimizer),
        Targets(Y, 3, values, weights),
        np.array([2, 0, 1], np.intp),
        optimizer,
        state,
        0,
        network.memory(2, stored.dtype),
        np.empty((3, 2)),
    )
    return state


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_may_be_unsorted_and_have_duplicates_and_zeros(dtype, index_type):
    # 3 is 1 + 2, a zero is stored, and no row is in order.
    X = csr_matrix((3, 4), dtype=dtype)
    X.data = np.array([2, 1, 0, 1, 4, 2], dtype)
    X.indices = np.array([2, 0, 0, 1, 3, 1], index_type)
    X.indptr = np.array([0, 2, 3, 6], index_type)
    expected = trained(csr(dtype).toarray())
    arrays = [array.copy() for array in arrays_of(X)]
    np.testing.assert_array_equal(trained(X), trained(csr(dtype)))
    np.testing.assert_allclose(trained(X), expected, rtol=1e-6, atol=1e-7)
    for array, before in zip(arrays_of(X), arrays, strict=True):
        np.testing.assert_array_equal(array, before)


def test_sparse_x_may_be_empty():
    empty = csr_array((3, 4), dtype=np.float64)
    np.testing.assert_array_equal(trained(empty), trained(np.zeros((3, 4))))


def arrays_of(X):
    return [X] if isinstance(X, np.ndarray) else [X.data, X.indices, X.indptr]


@EVERY_FORM
def test_arrays_may_be_read_only_and_outlive_their_names(form, example):
    X, values, weights = example(), np.eye(3)[Y], np.ones(3)
    expected = trained(X.copy(), values.copy(), weights.copy())
    for array in (*arrays_of(X), values, weights):
        array.flags.writeable = False
    stored = store(Inputs(X))
    assert type(stored) is form
    del X, array
    gc.collect()
    clutter = [np.full((3, 4), np.nan) for _ in range(100)]
    np.testing.assert_array_equal(trained(stored, values, weights), expected)
    del clutter


def test_duplicates_whose_sum_is_too_large_are_refused():
    X = csr("float32")
    X.data, X.indices = np.full(4, 3e38, "float32"), X.indices[[0, 0, 2, 2]]
    with pytest.raises(NotFiniteError):
        store(Inputs(X))


def test_sorting_in_place_later_has_no_effect():
    X = csr()
    X.indices, X.data = X.indices[[1, 0, 3, 2]], X.data[[1, 0, 3, 2]]
    stored = store(Inputs(X))
    X.sort_indices()
    np.testing.assert_array_equal(trained(stored), trained(csr()))


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
@pytest.mark.parametrize("name", ["indices", "indptr"])
def test_later_changes_of_sparse_indices_have_no_effect(name, index_type):
    X = csr()
    X.indices = X.indices.astype(index_type)
    X.indptr = X.indptr.astype(index_type)
    stored = store(Inputs(X))
    getattr(X, name)[1:3] = 0
    np.testing.assert_array_equal(trained(stored), trained(csr()))
