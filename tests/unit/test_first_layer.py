"""The layer that reads the samples: every form of these, with every kernel."""

import numpy as np
import pytest
from twin_training import Training, assert_epochs_agree_with_twin

from cymlp import kernels
from cymlp._engine import block_sparse as compact
from cymlp._engine import first_layer
from cymlp._engine.first_layer import FirstLayer
from cymlp._engine.optimizers import SGD, Adam
from cymlp._engine.samples import Samples


@pytest.fixture(params=kernels.available(), autouse=True)
def isa(request):
    before = kernels.isa()
    kernels.use(request.param)
    yield request.param
    kernels.use(before)


FORMS = {"dense": {}, "compact": {"background": True}, "sparse": {"sparse": True}}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_out", [1, 8, 17, 28, 64, 100])
@pytest.mark.parametrize("n_features", [1, 11, 26])
def test_widths_of_every_kind_agree_with_numpy(form, n_features, n_out):
    training = Training(
        [n_features, n_out, 3], n_samples=45, batch_size=20, **FORMS[form]
    )
    assert_epochs_agree_with_twin(training, n_epochs=3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "optimizer", [{}, {"nesterov": True}, {"momentum": 0}, {"optimizer": Adam}], ids=str
)
def test_optimizers_agree_with_numpy(form, optimizer):
    training = Training([30, 20, 3], n_samples=45, **optimizer, **FORMS[form])
    assert_epochs_agree_with_twin(training, n_epochs=3)


@pytest.mark.parametrize("form", FORMS)
def test_float32_is_close_to_float64(form):
    training = Training([30, 20, 3], n_samples=45, dtype="float32", **FORMS[form])
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=2e-5)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_batches_too_large_to_sort_at_once_agree_with_numpy(monkeypatch, optimizer):
    monkeypatch.setattr(first_layer, "MOST_AT_ONCE", 8)
    training = Training(
        [30, 20, 3], n_samples=45, batch_size=21, background=True, optimizer=optimizer
    )
    assert_epochs_agree_with_twin(training, n_epochs=2)


def test_compact_rows_train_as_dense_rows_do(monkeypatch):
    arguments = {"sizes": [50, 28, 3], "n_samples": 45, "background": True}
    stored = Training(**arguments)
    assert Samples(stored.X, stored.y, 3).n_places == 13
    stored.epoch()
    monkeypatch.setattr(compact, "LARGEST_SHARE", -1)
    dense = Training(**arguments)
    assert Samples(dense.X, dense.y, 3).n_places == 0
    dense.epoch()
    np.testing.assert_allclose(stored.state, dense.state, rtol=1e-13, atol=1e-15)


def test_the_same_epoch_gives_the_same_bits():
    for form in FORMS.values():
        runs = [Training([30, 28, 3], dtype="float32", **form) for _ in range(2)]
        for run in runs:
            run.epoch()
        np.testing.assert_array_equal(runs[0].state, runs[1].state)


def test_rows_have_the_width_of_the_kernels(isa):
    samples = Samples(np.eye(4, dtype=np.float32), np.arange(4), 4)
    layer = FirstLayer(samples, 5, 2, SGD(0.1, 0.9, 0))
    assert (layer.n_out, layer.batch_size) == (5, 2)
    assert isa in ("avx512", "avx2", "plain")
