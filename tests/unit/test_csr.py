"""Training on X in CSR form: it equals dense training, and needs little memory."""

import functools
import tracemalloc

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import SOLVERS
from scipy.sparse import csr_array, random
from twin_training import Training, assert_epochs_agree_with_twin

from cymlp import fit_many, kernels
from cymlp._engine.inputs import Inputs
from cymlp._engine.optimizers import SOLVERS as OPTIMIZERS
from cymlp._engine.optimizers import power
from cymlp._engine.storage import store
from cymlp.losses import CrossEntropy


@pytest.fixture(params=kernels.available(), autouse=True)
def isa(request):
    before = kernels.isa()
    kernels._use(request.param)
    yield request.param
    kernels._use(before)


def rare_features(n_samples, n_features, seed=0):
    """Features from one that all samples have to ones that hardly any sample has."""
    rng = np.random.default_rng(seed)
    chances = np.geomspace(1, 2 / n_samples, n_features)
    X = rng.normal(size=(n_samples, n_features))
    return np.where(rng.random(X.shape) < chances, X, 0)


def make_training(X, n_out=5, **arguments):
    """A training on these samples, in their own order."""
    training = Training([X.shape[1], n_out, 3], n_samples=len(X), **arguments)
    training.X = csr_array(X.astype(training.state.dtype))
    training.order = np.arange(len(X))
    return training


def set_learning_rate(training, rate):
    """Set the learning rate of the optimiser and of its twin."""
    training.optimizer.learning_rate = rate
    settings = training.step.keywords | {"learning_rate": rate}
    training.step = functools.partial(training.step.func, **settings)


# Weights of features that batches lack


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [0, 0.01])
@pytest.mark.parametrize("momentum", [0, 0.9, 0.99])
def test_hundreds_of_steps_agree_with_dense_ones(momentum, decay, nesterov):
    training = make_training(
        rare_features(n_samples=400, n_features=60),
        batch_size=2,
        momentum=momentum,
        weight_decay=decay,
        nesterov=nesterov,
    )
    for rate in (0.02, 0.02, 0.005):
        set_learning_rate(training, rate)
        assert_epochs_agree_with_twin(training, tolerance=1e-10)


@pytest.mark.parametrize("decay", [0, 0.01])
@pytest.mark.parametrize("momentum", [0, 0.9, 0.99])
def test_weights_untouched_for_thousands_of_steps_agree_with_dense_ones(
    momentum, decay
):
    X = np.zeros((3000, 4))
    X[:, 0] = 1
    X[[0, 2999], 1] = 2  # the second time after 2999 steps
    X[[0, 300], 2] = -1
    training = make_training(
        X, n_out=3, batch_size=1, momentum=momentum, weight_decay=decay,
        learning_rate=0.02 * (1 - momentum),  # larger ones make differences grow
    )  # fmt: skip
    assert_epochs_agree_with_twin(training, tolerance=1e-10)


@pytest.mark.parametrize("decay", [0, 1e-4, 0.01])
def test_float32_stays_close_to_dense_float64(decay):
    training = make_training(
        rare_features(n_samples=2000, n_features=40),
        batch_size=2,
        dtype="float32",
        weight_decay=decay,
        learning_rate=0.005,
    )
    assert_epochs_agree_with_twin(training, tolerance=2e-5)


def test_float32_decays_weights_by_less_than_its_rounding():
    # 1 - ηλ is 1 in float32. A dense step in float32 would not change the weights.
    X = np.zeros((3000, 2))
    X[:, 0] = 1
    training = make_training(
        X, batch_size=1, dtype="float32", momentum=0, weight_decay=2e-6,
        learning_rate=0.01,
    )  # fmt: skip
    before = training.state[0].reshape(-1)[5:10].astype(float)
    assert training.epoch()
    after = training.state[0].reshape(-1)[5:10]
    np.testing.assert_allclose(after, before * (1 - 2e-8) ** 3000, rtol=6e-8)
    assert np.all(after != before)


def test_weights_of_zero_stay_so_where_a_power_is_out_of_range():
    X = np.zeros((400, 3))
    X[[0, 399], 1] = 1e-30
    training = make_training(X, batch_size=1, momentum=0.9, weight_decay=100.0)
    training.state[:] = 0
    with np.errstate(over="ignore"):
        assert not np.isfinite(power(training.optimizer, 10**6)).all()
    training.epoch()
    np.testing.assert_array_equal(training.state[0, :5], 0)
    np.testing.assert_array_equal(training.state[0, 10:15], 0)


def test_an_epoch_that_ends_early_has_all_weights_up_to_date():
    X = rare_features(n_samples=60, n_features=20)
    training = make_training(X, batch_size=2)
    training.order = training.order[:40]
    expected, _ = training.twin_epoch()
    training.order = np.arange(60)
    arguments = training.arguments()
    # Written after the check of X, whose values are not copied.
    training.X.data[training.X.indptr[40] : training.X.indptr[41]] = np.nan
    assert training.network.train_epoch(**arguments) is False
    np.testing.assert_allclose(training.state, expected, rtol=1e-12, atol=1e-12)


class FailingCrossEntropy:
    """A user's loss that fails in its twentieth batch."""

    n_calls = 0

    def value_and_gradient(self, Z, T):
        self.n_calls += 1
        if self.n_calls == 20:
            raise RuntimeError("in the loss")
        return CrossEntropy().value_and_gradient(Z, T)


def test_an_error_within_an_epoch_leaves_all_weights_up_to_date():
    X = rare_features(n_samples=60, n_features=20)
    expected = make_training(X, batch_size=2)
    expected.order = np.arange(38)
    assert expected.epoch()
    training = make_training(X, batch_size=2, loss=FailingCrossEntropy())
    with pytest.raises(RuntimeError, match="in the loss"):
        training.epoch()
    np.testing.assert_allclose(training.state, expected.state, rtol=1e-13, atol=1e-13)


# Shapes


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
@pytest.mark.parametrize("n_out", [7, 33, 65, 72, 129, 137, 257])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_widths_around_whole_tiles_agree_with_numpy(dtype, n_out, optimizer):
    training = make_training(
        rare_features(n_samples=30, n_features=9), n_out, dtype=dtype,
        optimizer=optimizer,
    )  # fmt: skip
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    assert_epochs_agree_with_twin(training, tolerance=tolerance)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_more_features_than_are_worked_on_at_once_agree_with_numpy(optimizer):
    X = random(40, 5000, density=0.01, random_state=0).toarray()
    training = make_training(X, batch_size=7, optimizer=optimizer)
    assert_epochs_agree_with_twin(training, n_epochs=2)


def test_later_batches_may_have_more_entries_than_all_before():
    X = np.zeros((12, 40))
    X[:, 0] = 1
    X[11] = np.arange(40)
    training = make_training(X, batch_size=4)
    training.order = np.arange(8)
    assert_epochs_agree_with_twin(training)
    first = training.arguments()["first"]
    for order in (np.arange(8), np.full(8, 11)):
        training.order = order
        state, _ = training.twin_epoch()
        assert training.network.train_epoch(**training.arguments() | {"first": first})
        np.testing.assert_allclose(training.state, state, rtol=1e-12, atol=1e-12)


def test_batches_may_have_duplicate_entries_or_none_at_all():
    X = rare_features(n_samples=9, n_features=6)
    X[:4] = 0  # the first batch has no entry
    plain = make_training(X, batch_size=4)
    halves = make_training(X, batch_size=4)
    halves.X.data = np.repeat(halves.X.data / 2, 2)
    halves.X.indices = np.repeat(halves.X.indices, 2)
    halves.X.indptr = halves.X.indptr * 2
    assert_epochs_agree_with_twin(plain)
    assert halves.epoch()
    np.testing.assert_allclose(halves.state, plain.state, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [("float32", [1e-40, 1e-25, 1e-15, 1e15, 1e25]),
     ("float64", [1e-310, 1e-200, 1e-140, 1e140, 1e200])],
)  # fmt: skip
def test_record_holds_a_norm_whose_square_is_out_of_range(dtype, sizes, optimizer):
    for size in sizes:
        training = Training(
            [2, 2], [], n_samples=2, dtype=dtype, learning_rate=1e-3,
            optimizer=optimizer,
        )  # fmt: skip
        X = np.array([[size, 0], [0, size]], dtype)
        training.X, training.y[:] = csr_array(X), [0, 1]
        training.state[:] = 0
        training.epoch()
        rtol = 1e-4 if size in (1e-40, 1e-310) else 1e-6  # subnormal: few digits
        expected = float(X[0, 0]) / 2
        np.testing.assert_allclose(training.record[2], [expected], rtol=rtol)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_memory_grows_neither_with_batch_times_features_nor_by_copies(optimizer):
    n_features = 500_000
    X = csr_array(
        (np.ones(200, np.float32), (np.arange(200), np.arange(200) * 2000)),
        shape=(200, n_features),
    )
    training = Training(
        [n_features, 2, 3], n_samples=1, dtype="float32", optimizer=optimizer
    )
    training.X, training.y = X, np.arange(200) % 3
    training.order = np.arange(200)
    arguments, stored = training.arguments(), store(Inputs(X))
    tracemalloc.start()
    arguments["first"] = stored.first_layer(2, 8, training.optimizer)
    assert training.network.train_epoch(**arguments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * n_features + 2**20  # 2 values of 4 bytes per feature


# Through the estimator


@pytest.fixture
def texts():
    """Samples as an array and as a sparse matrix, and their labels."""
    X = rare_features(n_samples=300, n_features=80, seed=1)
    y = np.random.default_rng(2).integers(3, size=300)
    X[:, :3] += 3 * np.eye(3)[y]
    return X, csr_array(X), y


SETTINGS = [
    *(solver | {"epsilon": 1e-3} for solver in SOLVERS),
    {"nesterovs_momentum": True, "momentum": 0.99, "weight_decay": 0.01},
    {"momentum": 0, "weight_decay": 0},
    {"dropout": 0.3},
]
MORE_SETTINGS = [
    {"early_stopping": True, "n_iter_no_change": 3},
    {"learning_rate": lambda epoch: 0.1 / epoch},
    {"hidden_layer_sizes": ()},
]


@pytest.mark.parametrize("settings", SETTINGS + MORE_SETTINGS, ids=str)
def test_sparse_and_dense_x_train_the_same_network(texts, settings):
    X, sparse, y = texts
    mlp = {"dtype": "float64", "batch_size": 7} | settings
    dense = make_mlp(**mlp).fit(X, y)
    other = make_mlp(**mlp).fit(sparse, y)
    for name in ("train_loss", "gradient_norm"):
        np.testing.assert_allclose(other.history_[name], dense.history_[name], 1e-9)
    for a, b in zip(dense.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_warm_start_continues_as_one_fit_of_as_many_epochs(texts, settings):
    _, X, y = texts
    whole = make_mlp(max_iter=6, **settings).fit(X, y)
    again = make_mlp(max_iter=3, warm_start=True, **settings).fit(X, y).fit(X, y)
    assert_same_weights(whole, again)


def backwards(X):
    """The same values with the indices of each row in reverse order."""
    turned = X[:, ::-1]
    turned.sort_indices()
    indices = X.shape[1] - 1 - turned.indices
    return csr_array((turned.data, indices, turned.indptr), shape=X.shape)


def halved(X):
    """The same values in two halves each."""
    arrays = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr
    return csr_array(arrays, shape=X.shape)


def with_zeros(X):
    """The same values and a stored zero where a row lacks one of two features."""
    stored = X.toarray() != 0
    stored[:, [5, 60]] = True
    rows, columns = stored.nonzero()
    indptr = np.append(0, np.cumsum(stored.sum(axis=1)))
    return csr_array((X.toarray()[rows, columns], columns, indptr), shape=X.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("change", [backwards, halved, with_zeros])
def test_every_way_to_store_sparse_values_gives_the_same_bits(
    texts, settings, change, scale, dtype
):
    _, X, y = texts
    X = csr_array(X).astype(dtype)
    changed = change(X)
    before = changed.data.copy(), changed.indices.copy(), changed.indptr.copy()
    assert not changed.has_canonical_format or changed.nnz > X.nnz
    settings = settings | {"scale": scale, "dtype": dtype}
    one = make_mlp(**settings).fit(X, y, X_val=X[:9], y_val=y[:9])
    for other in (
        make_mlp(**settings).fit(changed, y, X_val=changed[:9], y_val=y[:9]),
        fit_many([make_mlp(**settings)], changed, y, X_val=changed[:9], y_val=y[:9])[0],
    ):
        assert_same_weights(one, other)
        assert_same_history(one, other)
        np.testing.assert_array_equal(
            one.predict_proba(X), other.predict_proba(changed)
        )
    for array, given in zip(
        (changed.data, changed.indices, changed.indptr), before, strict=True
    ):
        np.testing.assert_array_equal(array, given)


@pytest.mark.parametrize("settings", [{}, {"diagnostics": True}], ids=str)
def test_indices_that_a_users_loss_changes_lead_nowhere(texts, settings):
    _, X, y = texts
    X = csr_array(X).astype(np.float32)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)

    class Loss:
        def value_and_gradient(self, Z, T):
            given.indices[:] = 2**31 - 1
            given.indptr[1:] = 2**31 - 1
            return CrossEntropy().value_and_gradient(Z, T)

    given = X.copy()
    spoilt = make_mlp(loss=Loss(), **settings).fit(given, y, X_val=given, y_val=y)
    assert given.indices.max() == 2**31 - 1
    alone = make_mlp(**settings).fit(X, y, X_val=X, y_val=y)
    assert_same_history(spoilt, alone)
    assert_same_weights(spoilt, alone)


def test_the_same_fit_gives_the_same_bits(texts):
    _, X, y = texts
    assert_same_weights(make_mlp().fit(X, y), make_mlp().fit(X, y))


def test_divergence_keeps_the_result_of_finished_epochs(texts):
    _, X, y = texts
    kept = make_mlp(max_iter=2, batch_size=7).fit(X, y)
    mlp = make_mlp(
        max_iter=5,
        batch_size=7,
        activation="identity",
        learning_rate=lambda epoch: 0.001 if epoch < 3 else 1e30,
    )
    with pytest.raises(ValueError, match="diverged in epoch 3"):
        mlp.fit(X, y)
    assert mlp.history_.n_epochs == kept.history_.n_epochs == 2
    assert all(np.isfinite(W).all() for W in mlp.coefs_)
    same = mlp.set_params(max_iter=2, learning_rate=lambda epoch: 0.001)
    learned = [W.copy() for W in mlp.coefs_]
    for W, expected in zip(same.fit(X, y).coefs_, learned, strict=True):
        np.testing.assert_array_equal(W, expected)


def test_ctrl_c_keeps_the_result_of_finished_epochs(texts, press_ctrl_c):
    _, X, y = texts
    mlp = make_mlp(max_iter=10**6, batch_size=1)
    press_ctrl_c(0.5)
    with pytest.warns(RuntimeWarning, match="interrupted"):
        mlp.fit(X, y)
    assert mlp.n_iter_ > 0
    assert_same_weights(mlp, make_mlp(max_iter=mlp.n_iter_, batch_size=1).fit(X, y))
