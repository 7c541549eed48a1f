"""What is checked of samples before an epoch follows their pointers."""

import gc

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from cymlp._engine.first_layer import FirstLayer
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD
from cymlp._engine.samples import Samples
from cymlp.losses import CrossEntropy

Y = np.array([0, 2, 1])


def dense(dtype="float64", **changes):
    arguments = {
        "X": np.arange(12.0).reshape(3, 4).astype(dtype),
        "y": Y,
        "n_classes": 3,
        "T": np.eye(3, dtype=dtype)[Y],
        "weights": np.ones(3, dtype),
    }
    return Samples(**arguments | changes)


def csr(dtype="float64", **changes):
    """A matrix whose arrays are then exchanged for others."""
    X = csr_array(np.array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 3, 0, 4]], dtype))
    for name, array in changes.items():
        setattr(X, name, np.array(array, getattr(X, name).dtype))
    return X


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sparse", [False, True])
def test_it_tells_what_it_has(sparse, dtype):
    samples = dense(dtype, X=csr(dtype)) if sparse else dense(dtype)
    assert (samples.n_samples, samples.n_features, samples.n_classes) == (3, 4, 3)
    assert samples.dtype == dtype
    assert samples.is_sparse is sparse


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y[:2]}, "shape"),
        ({"y": Y[:, None]}, "shape"),
        ({"T": np.eye(3)[:2]}, "shape"),
        ({"T": np.eye(4)[Y]}, "shape"),
        ({"weights": np.ones(2)}, "shape"),
        ({"X": np.zeros((0, 4)), "y": Y[:0], "T": None, "weights": None}, "shape"),
        ({"X": np.zeros((3, 0))}, "shape"),
        ({"n_classes": 0, "T": None}, "shape"),
        ({"y": np.array([0, 3, 1])}, "y has a number out of range"),
        ({"y": np.array([0, -1, 1])}, "y has a number out of range"),
        ({"y": Y.astype(np.int16)}, "dtype int"),
        ({"y": np.repeat(Y, 2)[::2]}, "contiguous"),
        ({"X": np.zeros((4, 3)).T}, "contiguous"),
        ({"X": np.zeros((3, 8))[:, ::2]}, "contiguous"),
        ({"T": np.asfortranarray(np.eye(3)[Y])}, "contiguous"),
        ({"T": np.eye(3, dtype=np.float32)[Y]}, "dtype float64; it has float32"),
        ({"weights": np.ones(3, np.float32)}, "dtype float64; it has float32"),
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dense(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": [0, 4, 1, 3]}, "X has a column out of range"),
        ({"indices": [0, -1, 1, 3]}, "X has a column out of range"),
        ({"indptr": [0, 2, 2, 5]}, "X has rows out of range"),
        ({"indptr": [1, 2, 2, 4]}, "X has rows out of range"),
        ({"indptr": [0, 3, 2, 4]}, "X has rows out of range"),
        ({"indptr": [0, 2, 4]}, "X has rows out of range"),
        ({"indices": [0, 2, 1]}, "not as many numbers as columns"),
        ({"data": [1.0, 2.0, 3.0]}, "not as many numbers as columns"),
    ],
    ids=str,
)
def test_sparse_rows_that_point_elsewhere_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dense(X=csr(**changes))


def trained(samples, dtype="float64"):
    """The parameters after an epoch of a linear network."""
    network = Network([4, 3], [], CrossEntropy(), batch_size=2)
    state = np.zeros((2, network.n_parameters), dtype)
    work = np.empty(network.work_size, dtype)
    order = np.array([2, 0, 1], np.intp)
    optimizer = SGD(0.1, 0.9, 0.0)
    first = FirstLayer(samples, 3, 2, optimizer)
    assert network.train_epoch(first, order, optimizer, state, work, np.empty((3, 2)))
    return state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_may_be_unsorted_repeated_zero_and_of_wide_indices(dtype):
    expected = trained(dense(dtype, X=csr(dtype).toarray()), dtype)
    # 3 is 1 + 2, a zero is stored, and no row is in order.
    data = np.array([2, 1, 0, 1, 4, 2], dtype)
    for index in (np.int32, np.int64):
        columns = np.array([2, 0, 0, 1, 3, 1], index)
        X = csr_matrix((3, 4), dtype=dtype)
        X.data, X.indices, X.indptr = data, columns, np.array([0, 2, 3, 6], index)
        own = trained(dense(dtype, X=X), dtype)
        np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-7)


def test_sparse_rows_may_have_no_number_at_all():
    empty = csr_array((3, 4), dtype=np.float64)
    np.testing.assert_array_equal(
        trained(dense(X=empty)), trained(dense(X=np.zeros((3, 4))))
    )


def test_arrays_may_be_read_only_and_outlive_their_names():
    X, T = np.arange(12.0).reshape(3, 4), np.eye(3)[Y]
    expected = trained(dense())
    for array in (X, T):
        array.flags.writeable = False
    samples = dense(X=X, T=T, weights=np.ones(3))
    del X, T, array
    gc.collect()
    clutter = [np.full((3, 4), np.nan) for _ in range(100)]
    np.testing.assert_array_equal(trained(samples), expected)
    del clutter
