"""The layer that reads X: for every storage form, with every kernel."""

import numpy as np
import pytest
from members import OPTIMIZERS
from twin_training import Training, assert_epochs_agree_with_twin

from cymlp import kernels
from cymlp._engine.inputs import Inputs
from cymlp._engine.optimizers import SGD, SOLVERS, Adam
from cymlp._engine.storage import FORMS, block_sparse, store
from cymlp._engine.storage.block_sparse import BlockSparse
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense

# The arguments of a training that make a form suit its X.
ARGUMENTS = {
    Dense: {},
    BlockSparse: {"background": True},
    CSR: {"sparse": True},
}
EVERY_FORM = pytest.mark.parametrize(
    "arguments", ARGUMENTS.values(), ids=[form.__name__ for form in ARGUMENTS]
)


@pytest.fixture(params=kernels.available(), autouse=True)
def isa(request):
    before = kernels.isa()
    kernels._use(request.param)
    yield request.param
    kernels._use(before)


def test_every_form_is_tested():
    assert set(ARGUMENTS) == set(FORMS)
    for form, arguments in ARGUMENTS.items():
        training = Training([30, 20, 3], n_samples=45, **arguments)
        assert type(training.stored()) is form


@EVERY_FORM
@pytest.mark.parametrize("n_out", [1, 8, 17, 28, 64, 100])
@pytest.mark.parametrize("n_features", [1, 11, 26])
def test_widths_of_every_kind_agree_with_numpy(arguments, n_features, n_out):
    training = Training(
        [n_features, n_out, 3], n_samples=45, batch_size=20, **arguments
    )
    assert_epochs_agree_with_twin(training, n_epochs=3)


@EVERY_FORM
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, {"momentum": 0}], ids=str)
def test_optimizers_agree_with_numpy(arguments, optimizer):
    training = Training([30, 20, 3], n_samples=45, **optimizer, **arguments)
    assert_epochs_agree_with_twin(training, n_epochs=3)


@EVERY_FORM
def test_float32_is_close_to_float64(arguments):
    training = Training([30, 20, 3], n_samples=45, dtype="float32", **arguments)
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=2e-5)


@pytest.mark.parametrize("optimizer", SOLVERS.values())
def test_batches_too_large_to_transpose_at_once_agree_with_numpy(
    monkeypatch, optimizer
):
    monkeypatch.setattr(block_sparse, "MAX_ROWS", 8)
    training = Training(
        [30, 20, 3], n_samples=45, batch_size=21, background=True, optimizer=optimizer
    )
    assert type(training.stored()) is BlockSparse
    assert_epochs_agree_with_twin(training, n_epochs=2)


def test_block_sparse_rows_train_as_dense_rows_do(monkeypatch):
    arguments = {"sizes": [50, 28, 3], "n_samples": 45, "background": True}
    training = Training(**arguments)
    assert training.stored().blocks_per_row == 13
    training.epoch()
    monkeypatch.setattr(block_sparse, "MAX_SHARE", -1)
    dense = Training(**arguments)
    assert type(dense.stored()) is Dense
    dense.epoch()
    np.testing.assert_allclose(training.state, dense.state, rtol=1e-13, atol=1e-15)


@EVERY_FORM
def test_the_same_epoch_gives_the_same_bits(arguments):
    runs = [Training([30, 28, 3], dtype="float32", **arguments) for _ in range(2)]
    for run in runs:
        run.epoch()
    np.testing.assert_array_equal(runs[0].state, runs[1].state)


@EVERY_FORM
def test_a_layer_has_the_width_and_the_batch_size_asked_for(arguments):
    stored = Training([30, 5, 3], n_samples=45, **arguments).stored()
    layer = stored.first_layer(5, 2, SGD(0.1, 0.9, 0))
    assert (layer.n_out, layer.batch_size) == (5, 2)
    assert layer.stored is stored


@EVERY_FORM
def test_many_layers_read_one_stored_x(arguments):
    training, other = (
        Training([30, 20, 3], n_samples=45, **arguments, **settings)
        for settings in ({}, {"optimizer": Adam})
    )
    stored = training.stored()
    expected = [run.twin_epoch()[0] for run in (training, other)]
    for run in (training, other):
        first = stored.first_layer(20, run.batch_size, run.optimizer)
        assert run.network.train_epoch(**run.arguments() | {"first": first})
    for run, state in zip((training, other), expected, strict=True):
        np.testing.assert_allclose(run.state, state, rtol=1e-12, atol=1e-12)


def test_inputs_of_another_precision_are_converted():
    X = np.random.default_rng(0).normal(size=(45, 7))
    stored = store(Inputs(X, "float32"))
    assert stored.dtype == "float32"
    training = Training([7, 20, 3], n_samples=45, dtype="float32")
    training.X = X.astype(np.float32)
    state, _ = training.twin_epoch()
    first = stored.first_layer(20, 8, training.optimizer)
    assert training.network.train_epoch(**training.arguments() | {"first": first})
    np.testing.assert_allclose(training.state, state, rtol=2e-5, atol=2e-5)
