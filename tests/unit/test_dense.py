"""The dense layer by itself, and above the first in networks of many widths."""

import subprocess
import sys

import numpy as np
import pytest
from twin_training import Training, assert_epochs_agree_with_twin

from cymlp import kernels
from cymlp._engine import dense
from cymlp._engine.optimizers import Adam
from cymlp.activations import Tanh


def layer(n, n_in, n_out, dtype="float64"):
    rng = np.random.default_rng(0)
    shapes = (n, n_in), (n_in, n_out), (n_out,)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (7, 1, 4), (20, 30, 10)])
def test_forward_agrees_with_numpy(shape, dtype):
    A, W, b = layer(*shape, dtype)
    U = dense.forward(A, W, b)
    assert U.dtype == dtype
    # A sum of up to 31 numbers of about 1.
    np.testing.assert_allclose(
        U, A.astype(float) @ W + b, rtol=0, atol=31 * np.finfo(dtype).eps
    )


def test_forward_takes_any_memory_order_and_the_dtype_of_its_input():
    A, W, b = layer(6, 4, 3)
    expected = dense.forward(A, W, b)
    W_wide, b_wide = np.repeat(W, 2, axis=1)[:, ::2], np.repeat(b, 2)[::2]
    np.testing.assert_array_equal(
        dense.forward(np.asfortranarray(A), W_wide, b_wide), expected
    )
    np.testing.assert_array_equal(
        dense.forward(A.tolist(), W.tolist(), b.tolist()), expected
    )
    assert dense.forward(A.astype(np.float32), W, b).dtype == np.float32


def test_forward_leaves_its_inputs_alone():
    inputs = layer(6, 4, 3)
    dense.forward(*inputs)
    for array, same in zip(inputs, layer(6, 4, 3), strict=True):
        np.testing.assert_array_equal(array, same)


def test_forward_of_nothing_agrees_with_numpy():
    """In another process, because an error here would end it."""
    subprocess.run([sys.executable, "-c", NOTHING], check=True)


NOTHING = """
import numpy as np
from cymlp._engine import dense

for n, n_in, n_out in [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0)]:
    A, W, b = np.ones((n, n_in)), np.ones((n_in, n_out)), np.ones(n_out)
    np.testing.assert_array_equal(dense.forward(A, W, b), A @ W + b)
"""


@pytest.mark.parametrize(
    ("A", "W", "b"),
    [
        ((4,), (4, 3), (3,)),
        ((2, 4), (4,), (4,)),
        ((2, 4), (5, 3), (3,)),
        ((2, 4), (4, 3), (4,)),
        ((2, 4), (4, 3), (1, 3)),
        ((2, 4), (4, 3), ()),
    ],
)
def test_forward_names_shapes_that_do_not_fit(A, W, b):
    with pytest.raises(ValueError, match="must have shapes") as error:
        dense.forward(np.zeros(A), np.zeros(W), np.zeros(b))
    assert str(error.value).endswith(f"got {A}, {W} and {b}")


# In an epoch, with the kernels of every instruction set


@pytest.fixture(params=kernels.available())
def isa(request):
    before = kernels.isa()
    kernels._use(request.param)
    yield request.param
    kernels._use(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_in", [1, 7, 16, 40])
@pytest.mark.parametrize("n_out", [1, 8, 17, 32, 53, 100])
def test_widths_of_every_kind_agree_with_numpy(isa, n_in, n_out, dtype):
    training = Training(
        [3, n_in, n_out, 3], [Tanh(), Tanh()], n_samples=45, batch_size=20, dtype=dtype
    )
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=tolerance)


def test_deep_products_agree_with_numpy(isa):
    # The inner dimensions are longer than the blocks of the kernels.
    training = Training(
        [3, 530, 300, 2], [Tanh(), Tanh()], n_samples=300, batch_size=280
    )
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=1e-11)


@pytest.mark.parametrize("optimizer", [{}, {"optimizer": Adam}], ids=["SGD", "Adam"])
@pytest.mark.parametrize("batch_size", [1, 25, 40, 560])
@pytest.mark.parametrize("n_out", [255, 256, 265, 530])
def test_wide_first_layers_agree_with_numpy(isa, n_out, batch_size, optimizer):
    # From 256 units on, the weights of a tile are copied, and its samples, too, if
    # there are at most 512 in a batch. 530 features are more than a copy holds.
    training = Training(
        [530, n_out, 2], n_samples=batch_size + 20, batch_size=batch_size, **optimizer
    )
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=1e-10)


@pytest.mark.parametrize("batch_size", [1, 25, 40, 560])
def test_rows_of_whole_pages_agree_with_numpy(isa, batch_size):
    # A row of 512 values is 4096 bytes.
    training = Training(
        [3, 512, 1024, 2], [Tanh(), Tanh()], n_samples=batch_size + 20,
        batch_size=batch_size, learning_rate=0.001,
    )  # fmt: skip
    assert_epochs_agree_with_twin(training, n_epochs=1, tolerance=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 3, 16, 19, 33, 128, 130, 300])
def test_gradients_of_biases_agree_with_numpy(isa, width, dtype):
    training = Training([3, width, 2], n_samples=45, batch_size=45, dtype=dtype)
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    assert_epochs_agree_with_twin(training, n_epochs=2, tolerance=tolerance)
