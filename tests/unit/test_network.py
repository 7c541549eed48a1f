"""Epochs of whole networks: against NumPy, against differences, with users' parts."""

import _thread
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from members import (
    ACTIVATIONS,
    ALL_LOSSES,
    LABEL_LOSSES,
    OPTIMIZERS,
    VALUE_LOSSES,
    settings_of,
)
from reference import batch_gradient, unpack
from scipy.sparse import issparse
from sklearn.metrics import r2_score
from twin_training import Training, UserTanh, assert_epochs_agree_with_twin, twin_of

from cymlp import activations, losses
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network, n_parameters, split_parameters
from cymlp._engine.optimizers import SGD, Adam
from cymlp._engine.storage import store
from cymlp._engine.targets import Targets
from cymlp.activations import HardSwish, Logistic, Selu, Tanh
from cymlp.losses import CrossEntropy, Poisson


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    parts=st.lists(
        st.tuples(st.integers(1, 7), st.sampled_from(ACTIVATIONS)), max_size=3
    ),
    loss=st.sampled_from(ALL_LOSSES),
    n_features=st.integers(1, 6),
    n_classes=st.integers(2, 5),
    n_samples=st.integers(1, 20),
    batch_size=st.integers(1, 9),
    weighted=st.booleans(),
    soft=st.booleans(),
    sparse=st.booleans(),
    background=st.booleans(),
    dropout=st.sampled_from([0.0, 0.0, 0.4]),
    seed=st.integers(0, 1000),
    learning_rate=st.sampled_from([0.003, 0.03]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    optimizer=st.sampled_from(
        [*OPTIMIZERS, {"momentum": 0.0}, {"momentum": 0.5, "nesterov": True}]
    ),
)
def test_epochs_of_any_network_agree_with_numpy(
    parts, loss, n_features, n_classes, dropout, soft, optimizer, **arguments
):
    assume(not (soft and getattr(loss, "hard_labels_only", False)))
    training = Training(
        [n_features, *(width for width, _ in parts), n_classes],
        [part for _, part in parts],
        loss,
        soft=soft,
        dropout=[dropout] * len(parts),
        **optimizer,
        **arguments,
    )
    assert_epochs_agree_with_twin(training, n_epochs=2)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_float32_stays_close_to_float64(loss):
    parts = [Tanh(), Selu(), HardSwish(), Logistic()]
    training = Training([4, 6, 6, 6, 6, 3], parts, loss, dtype="float32", weighted=True)
    # Three steps through sums of up to 20 numbers of about 1, at 6e-8 a rounding.
    assert_epochs_agree_with_twin(training, tolerance=5e-6)


@pytest.mark.parametrize("n_hidden", [0, 1, 2])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_gradient_agrees_with_differences_of_the_loss(activation, loss, n_hidden):
    training = Training(
        [3, *[4] * n_hidden, 3],
        [activation] * n_hidden,
        loss,
        n_samples=5,
        batch_size=5,
        weighted=True,
        learning_rate=1e-300,  # which moves nothing
        momentum=0,
        weight_decay=0,
    )
    training.epoch()
    theta, gradient = training.state.copy()

    # The difference is wrong by about h² and by 1e-15 / h. No data is this close to a
    # kink.
    h = 1e-5
    differences = []
    for step in h * np.eye(theta.size):
        losses = []
        for moved in (theta + step, theta - step):
            training.state[0] = moved
            training.epoch()
            losses.append(training.record[0, 0])
        differences.append((losses[0] - losses[1]) / (2 * h))
    np.testing.assert_allclose(gradient, differences, rtol=0, atol=1e-8)


def test_record_holds_loss_and_accuracy_of_each_batch_before_its_update():
    training = Training(
        [1, 2], [], n_samples=5, batch_size=2, momentum=0, weight_decay=0
    )
    training.X[:] = 0
    training.y[:] = [0, 0, 1, 0, 1]
    training.order[:] = [3, 1, 0, 2, 4]  # classes 0 0, 0 1, 1
    training.state[0] = [0, 0, 1, 0]
    training.epoch()
    # Scores are the biases. Their difference is 1 at first, rises by 2p / 10 in the
    # first batch, whose gradient is (-p, p), and stays above 0.
    p = 1 / (1 + np.exp(1))
    np.testing.assert_allclose(training.record[0, 0], -np.log(1 - p), rtol=1e-14)
    z = 1 + 2 * 0.1 * p
    second = (np.log1p(np.exp(-z)) + np.log1p(np.exp(z))) / 2
    np.testing.assert_allclose(training.record[0, 1], second, rtol=1e-14)
    np.testing.assert_array_equal(training.record[1], [1, 0.5, 0])


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-12)])
def test_record_holds_the_norm_of_the_gradient_of_many_parameters(dtype, rtol):
    training = Training([100, 90, 5], weighted=True, dtype=dtype)
    assert training.network.n_parameters > 8192
    assert_epochs_agree_with_twin(training, tolerance=rtol)


@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [("float32", [1e-40, 1e-25, 1e-15, 1e15, 1e25, 1e38]),
     ("float64", [1e-310, 1e-200, 1e-140, 1e140, 1e200, 1e308])],
)  # fmt: skip
def test_record_holds_a_norm_whose_square_is_out_of_range(dtype, sizes):
    for size in sizes:
        training = Training([2, 2], [], n_samples=2, dtype=dtype, learning_rate=1e-3)
        # With all scores 0 and both classes, the gradient is 0 in the two biases and a
        # quarter of the size in each of the four weights, up to its sign.
        training.X[:], training.y[:] = [[size, 0], [0, size]], [0, 1]
        training.state[:] = 0
        assert training.epoch()
        rtol = 1e-4 if size in (1e-40, 1e-310) else 1e-6  # subnormal: few digits
        expected = float(training.X[0, 0]) / 2
        np.testing.assert_allclose(training.record[2], [expected], rtol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norm_of_a_gradient_of_0_is_0(dtype):
    training = Training([2, 2], [], n_samples=2, dtype=dtype)
    training.X[:], training.y[:], training.state[:] = 0, [0, 1], 0
    assert training.epoch()
    assert training.record[2] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_epoch_ends_with_a_loss_that_is_not_finite(dtype):
    training = Training(n_samples=20, batch_size=5, dtype=dtype)
    training.X[training.order[10]] = np.nan  # in the third of four batches
    assert training.epoch() is False
    assert np.isfinite(training.record[:, :2]).all()
    assert np.isnan(training.record[0, 2])
    np.testing.assert_array_equal(training.record[:, 3], -1)
    assert np.isfinite(training.state).all()


def test_diverging_ends_the_epoch():
    assert Training(activations=[Selu()], learning_rate=1e200).epoch() is False


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_same_start_gives_the_same_bits(loss, activation, optimizer):
    sizes, size = [300, 100, 10], {"n_samples": 90, "batch_size": 40}
    runs = [
        Training(sizes, [activation], loss, dtype="float32", **size, **optimizer)
        for _ in range(2)
    ]
    for run in runs:
        run.state *= 0.1  # or exponentials of the scores are too large
    assert all(run.epoch() for run in runs)
    np.testing.assert_array_equal(runs[0].state, runs[1].state)
    np.testing.assert_array_equal(runs[0].record, runs[1].record)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize(
    "form", [{}, {"sparse": True}, {"background": True}], ids=["dense", "CSR", "blocks"]
)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-12)])
def test_a_penalty_is_a_weight_decay_in_the_loss(form, optimizer, dtype, rtol):
    sizes = [70, 5, 3]
    penalised, decayed = (
        Training(sizes, n_samples=8, dtype=dtype, weight_decay=0, **form, **optimizer)
        for _ in range(2)
    )
    penalised.optimizer.penalty = 0.5
    settings = settings_of(type(decayed.optimizer)) | {"weight_decay": 0.5 / 8}
    settings |= {"nesterov": True} if "nesterov" in optimizer else {}
    decayed.optimizer = type(decayed.optimizer)(**settings, decays_biases=False)
    for _ in range(3):
        squares = sum((W**2).sum() for W, _ in unpack(penalised.state[0], sizes))
        assert penalised.epoch()
        assert decayed.epoch()
        penalty = penalised.record[0] - decayed.record[0]
        np.testing.assert_allclose(penalty, 0.5 / 8 / 2 * squares, rtol=rtol)
        np.testing.assert_allclose(penalised.state, decayed.state, rtol=rtol, atol=rtol)


def test_batch_weights_divide_the_losses():
    runs = [Training(n_samples=16, batch_size=8, weighted=True) for _ in range(2)]
    arguments = runs[0].arguments()
    assert runs[0].network.train_epoch(**arguments, batch_weights=np.array([4.0, 8.0]))
    assert runs[1].epoch()
    figures = [run.record[[0, 2], 0] for run in runs]  # loss and norm of the gradient
    np.testing.assert_allclose(figures[0], 2 * figures[1], rtol=1e-13)
    with pytest.raises(ValueError, match=r"batch_weights must have shape \(2,\)"):
        runs[0].network.train_epoch(**arguments, batch_weights=np.ones(3))


def test_parameters_of_each_layer_are_its_weights_and_then_its_biases():
    sizes = [3, 2, 4]
    assert n_parameters(sizes) == (3 * 2 + 2) + (2 * 4 + 4)
    theta = np.arange(20.0)
    coefs, intercepts = split_parameters(theta, sizes)
    assert [W.shape for W in coefs] == [(3, 2), (2, 4)]
    assert [b.shape for b in intercepts] == [(2,), (4,)]
    parts = [coefs[0].ravel(), intercepts[0], coefs[1].ravel(), intercepts[1]]
    np.testing.assert_array_equal(np.concatenate(parts), theta)
    assert all(np.shares_memory(part, theta) for part in parts)


# Users' own activations and losses


class UserCrossEntropy:
    def value_and_gradient(self, Z, T):
        Z = Z - Z.max(axis=1, keepdims=True)
        log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
        return -(T * log_p).sum(axis=1), np.exp(log_p) - T


@pytest.mark.parametrize(
    ("parts", "loss"),
    [
        ([UserTanh(), UserTanh()], UserCrossEntropy()),
        ([UserTanh(), Tanh()], CrossEntropy()),
        ([Tanh(), UserTanh()], CrossEntropy()),
        ([Tanh(), Tanh()], UserCrossEntropy()),
    ],
    ids=["all parts", "first activation", "second activation", "loss"],
)
@pytest.mark.parametrize(("dtype", "atol"), [("float32", 2e-6), ("float64", 1e-14)])
def test_a_users_part_in_the_place_of_ours_computes_the_same(parts, loss, dtype, atol):
    sizes = [4, 5, 6, 3]
    users = Training(sizes, parts, loss, dtype=dtype, weighted=True)
    ours = Training(sizes, [Tanh(), Tanh()], dtype=dtype, weighted=True)
    assert users.epoch() is ours.epoch() is True
    np.testing.assert_allclose(users.record, ours.record, rtol=0, atol=atol)
    np.testing.assert_allclose(users.state, ours.state, rtol=0, atol=atol)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_a_class_derived_from_our_activation_computes_what_it_overrides(activation):
    """Twice the activation is the activation before twice the weights."""

    class Doubled(type(activation)):
        def value(self, U):
            return 2 * super().value(U)

        def derivative(self, U, A):
            return 2 * super().derivative(U, A / 2)

    doubled, ours = (
        Training(activations=[part], momentum=0, weight_decay=0, batch_size=20)
        for part in (Doubled(**activation.get_params()), activation)
    )
    coefs, _ = split_parameters(ours.state[0], ours.sizes)
    coefs[1] *= 2
    assert doubled.epoch() is ours.epoch() is True
    coefs, _ = split_parameters(ours.state[1], ours.sizes)
    coefs[1] *= 2
    np.testing.assert_allclose(doubled.record[:2], ours.record[:2], rtol=1e-12)
    np.testing.assert_allclose(doubled.state[1], ours.state[1], rtol=1e-12)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_a_class_derived_from_our_loss_computes_what_it_overrides(loss):
    class Doubled(type(loss)):
        def value_and_gradient(self, Z, T):
            return tuple(2 * part for part in super().value_and_gradient(Z, T))

    doubled = Training(loss=Doubled(**loss.get_params()), weight_decay=0)
    ours = Training(loss=loss, learning_rate=0.2, weight_decay=0)
    assert doubled.epoch() is ours.epoch() is True
    np.testing.assert_allclose(doubled.record[0], 2 * ours.record[0], rtol=1e-12)
    np.testing.assert_allclose(doubled.state[0], ours.state[0], rtol=1e-12)


class Spy:
    """Hands its calls on, keeps the arrays that it gets and writes over them."""

    def __init__(self, part):
        self.part, self.seen = part, []

    def __getattr__(self, method):
        def call(*arrays):
            result = getattr(self.part, method)(*arrays)
            for array in arrays:
                array[:] = len(self.seen)
            self.seen.append((method, *arrays))
            return result

        return call


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_users_parts_may_keep_and_change_the_batches_they_get(dtype):
    activation, loss = Spy(Tanh()), Spy(CrossEntropy())
    users = Training(activations=[activation], loss=loss, dtype=dtype)
    ours = Training(dtype=dtype)
    assert users.epoch() is ours.epoch() is True
    np.testing.assert_allclose(users.state, ours.state, rtol=0, atol=1e-6)
    del users

    for spy, methods, width in (
        (activation, ["value", "derivative"], 5),
        (loss, ["value_and_gradient"], 3),
    ):
        assert [method for method, *_ in spy.seen] == methods * 3
        for index, (_, *arrays) in enumerate(spy.seen):
            n = [8, 8, 4][index // len(methods)]
            for array in arrays:
                np.testing.assert_array_equal(array, np.full((n, width), index))
                assert array.dtype == dtype


def test_a_user_may_return_the_array_that_came_in_or_other_numbers():
    class InPlace:
        def value(self, U):
            return np.maximum(U, 0, out=U)

        def derivative(self, U, A):
            return (U > 0).tolist()

    class NewArrays:
        def value(self, U):
            return np.asfortranarray(np.maximum(U, 0))

        def derivative(self, U, A):
            return (A > 0).astype(np.float16)

    runs = [Training(activations=[part]) for part in (InPlace(), NewArrays())]
    assert all(run.epoch() for run in runs)
    np.testing.assert_array_equal(runs[0].state, runs[1].state)


WRONG_ARRAYS = {
    "none": lambda array: None,
    "short": lambda array: array[1:],
    "deep": lambda array: array[None],
    "complex": lambda array: array + 0j,
    "text": lambda array: array.astype(str),
    "objects": lambda array: array.astype(object),
}


def wrong(part, method, spoil):
    """A user's part with one method whose results are spoiled."""

    class Wrong(type(part)):
        pass

    setattr(Wrong, method, lambda self, *args: spoil(getattr(part, method)(*args)))
    return Wrong()


@pytest.mark.parametrize("spoil", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
@pytest.mark.parametrize("method", ["value", "derivative"])
def test_says_which_array_a_users_activation_must_return(method, spoil):
    training = Training(activations=[wrong(UserTanh(), method, spoil)])
    message = rf"Wrong.{method} must return an array of real numbers of shape \(8, 5\)"
    with pytest.raises(ValueError, match=message):
        training.epoch()


@pytest.mark.parametrize("spoil", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
@pytest.mark.parametrize(("index", "shape"), [(0, r"\(8,\)"), (1, r"\(8, 3\)")])
def test_says_which_array_a_users_loss_must_return(index, shape, spoil):
    def spoil_one(result):
        return tuple(spoil(x) if i == index else x for i, x in enumerate(result))

    loss = wrong(UserCrossEntropy(), "value_and_gradient", spoil_one)
    message = rf"Wrong.value_and_gradient must return an array .* of shape {shape}"
    with pytest.raises(ValueError, match=message):
        Training(loss=loss).epoch()


@pytest.mark.parametrize("spoil", [list, lambda pair: pair[0], lambda pair: pair * 2])
def test_says_that_a_users_loss_must_return_a_tuple_of_two(spoil):
    loss = wrong(UserCrossEntropy(), "value_and_gradient", spoil)
    message = "Wrong.value_and_gradient must return a tuple of the values and the"
    with pytest.raises(ValueError, match=message):
        Training(loss=loss).epoch()


class UserBoth(UserTanh, UserCrossEntropy):
    pass


@pytest.mark.parametrize("method", ["value", "derivative", "value_and_gradient"])
def test_a_users_exception_comes_out_and_leaves_the_network_usable(method):
    def fail(result):
        raise LookupError("the user's own")

    part = wrong(UserBoth(), method, fail)
    training, ours = Training(activations=[part], loss=part), Training()
    with pytest.raises(LookupError, match="the user's own"):
        training.epoch()
    delattr(type(part), method)
    assert training.epoch() is ours.epoch() is True
    np.testing.assert_allclose(training.state, ours.state, rtol=1e-12)


# What an epoch leaves alone: other threads, the user's Ctrl-C, and the heap


@pytest.fixture
def long_training():
    """An epoch of some seconds, which a NaN in X ends."""
    training = Training([100, 100, 10], n_samples=100, batch_size=100)
    training.order = np.tile(training.order, 20_000)
    training.arguments()
    return training


def await_first_batch(training, epoch):
    while training.record[0, 0] == -1 and epoch.is_alive():
        time.sleep(1e-4)


def test_other_threads_run_during_an_epoch(long_training):
    epoch = threading.Thread(target=long_training.epoch)
    epoch.start()
    await_first_batch(long_training, epoch)
    last = long_training.record[0, -1]
    long_training.X[:] = np.nan
    epoch.join()
    assert long_training.record[0, 0] != -1
    assert last == -1, "the epoch was over before this thread could go on"


def test_ctrl_c_ends_an_epoch(long_training):
    def press_ctrl_c():
        await_first_batch(long_training, threading.main_thread())
        _thread.interrupt_main()

    def epoch():
        long_training.epoch()
        thread.join()  # which an interrupt that comes too late ends

    thread = threading.Thread(target=press_ctrl_c)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            epoch()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert long_training.record[0, -1] == -1
    assert np.isfinite(long_training.state).all()


COUNTING_HEAP = """
#include <stddef.h>

static long count;
long allocations(void) { return count; }

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_calloc(number, size);
}
void *realloc(void *block, size_t size) {
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return __libc_realloc(block, size);
}
"""

COUNT_ALLOCATIONS = """
import ctypes
import itertools
import numpy as np
from members import ACTIVATIONS, LOSSES, OPTIMIZERS
from twin_training import Training, UserTanh

allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_long

def count(n_batches, activation, loss, dtype, optimizer):
    sizes, parts = [4, 5, 5, 3], [activation] * 2
    training = Training(
        sizes, parts, loss, dtype=dtype, weighted=True, learning_rate=1e-4, **optimizer
    )
    training.order = np.resize(training.order, n_batches * training.batch_size - 1)
    arguments = training.arguments()
    before = allocations()
    assert training.network.train_epoch(**arguments)
    return allocations() - before

every = itertools.product(ACTIVATIONS, LOSSES, ("float32", "float64"), OPTIMIZERS)
for part in every:
    count(2, *part)
    few, many = count(2, *part), count(200, *part)
    assert few == many, (part, few, many)

part = UserTanh(), LOSSES[0], "float64", OPTIMIZERS[0]
assert count(2, *part) < count(200, *part), "allocations are not counted"
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc's malloc")
@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_an_epoch_allocates_nothing_per_batch(tmp_path):
    source, library = tmp_path / "heap.c", tmp_path / "heap.so"
    source.write_text(COUNTING_HEAP)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    environment = {
        "LD_PRELOAD": str(library),
        "PYTHONMALLOC": "malloc",  # so that Python's allocations count too
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    subprocess.run(
        [sys.executable, "-c", COUNT_ALLOCATIONS],
        check=True,
        env={**os.environ, **environment},
    )


# Another program's numbers

TORCH_LOSSES = {
    "cross_entropy": lambda f, Z, y: f.cross_entropy(Z, y),
    "hinge": lambda f, Z, y: Z.shape[1] * f.multi_margin_loss(Z, y, margin=5.0),
    "kl_div": lambda f, Z, y: f.kl_div(
        f.log_softmax(Z, 1), f.one_hot(y, Z.shape[1]).double(), reduction="batchmean"
    ),
}
TORCH_ACTIVATIONS = {
    "gelu": "GELU",
    "hardswish": "Hardswish",
    "identity": "Identity",
    "leaky_relu": "LeakyReLU",
    "logistic": "Sigmoid",
    "mish": "Mish",
    "relu": "ReLU",
    "selu": "SELU",
    "silu": "SiLU",
    "tanh": "Tanh",
}


def torch_settings(optimizer, learning_rate, weight_decay, **settings):
    """What torch.optim's class of the same name calls these."""
    names = {"lr": learning_rate, "weight_decay": weight_decay}
    if optimizer is Adam:
        names["betas"] = settings.pop("beta_1"), settings.pop("beta_2")
        names["eps"] = settings.pop("epsilon")
    return names | settings


ADAM = {"optimizer": Adam, "learning_rate": 0.01, "epsilon": 1e-8}


@pytest.mark.parametrize("loss", TORCH_LOSSES)
@pytest.mark.parametrize(
    "settings",
    [
        *({"optimizer": SGD, "momentum": momentum, "weight_decay": weight_decay}
          for momentum, weight_decay in
          [(0, 0), (0.9, 0), (0, 0.1), (0.5, 0.01), (0.9, 1e-4)]),
        *({"optimizer": SGD, "nesterov": True, "weight_decay": weight_decay}
          for weight_decay in (0, 0.1)),
        *(ADAM | {"weight_decay": weight_decay} for weight_decay in (0, 0.1)),
        ADAM | {"beta_1": 0.5, "beta_2": 0.999, "epsilon": 0.1},
    ],
    ids=repr,
)  # fmt: skip
def test_20_steps_agree_with_torch(loss, settings):
    torch = pytest.importorskip("torch")
    settings = {"learning_rate": 0.05} | settings
    settings = settings_of(settings["optimizer"]) | settings
    parts = [activations.ACTIVATIONS[name]() for name in TORCH_ACTIVATIONS]
    sizes = [6, 9, 8, 7, 8, 7, 8, 9, 8, 7, 8, 4]
    training = Training(
        sizes, parts, losses.LOSSES[loss](), n_samples=160, batch_size=8, **settings
    )

    layers = []
    for W, b in zip(*split_parameters(training.state[0], sizes), strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W.T), torch.tensor(b)
        layers.append(linear)
    hidden = [getattr(torch.nn, name)() for name in TORCH_ACTIVATIONS.values()]
    model = torch.nn.Sequential(
        *(layer for pair in zip(layers, hidden, strict=False) for layer in pair),
        layers[-1],
    )
    optimizer = getattr(torch.optim, settings["optimizer"].__name__)(
        model.parameters(), **torch_settings(**settings)
    )
    X, y = torch.tensor(training.X), torch.tensor(training.y)
    values = []
    for batch in torch.tensor(training.order).split(training.batch_size):
        value = TORCH_LOSSES[loss](torch.nn.functional, model(X[batch]), y[batch])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())

    assert training.epoch()
    np.testing.assert_allclose(training.record[0], values, rtol=1e-11)
    coefs, intercepts = split_parameters(training.state[0], sizes)
    for W, b, linear in zip(coefs, intercepts, layers, strict=True):
        # 20 steps, in which rounding errors of 1e-16 grow a thousandfold at most.
        np.testing.assert_allclose(W.T, linear.weight.detach(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(b, linear.bias.detach(), rtol=0, atol=1e-12)


def make_first(n_features=4, n_out=4, batch_size=8, optimizer=None, dtype="float64"):
    stored = store(Inputs(np.zeros((20, n_features), dtype)))
    return stored.first_layer(n_out, batch_size, optimizer or SGD(0.1, 0.0, 0.0))


NETWORK = Network([4, 4, 3], [Tanh()], CrossEntropy())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"first": make_first(n_features=5)},
            r"first must have shape \(4, 4\); got \(5, 4\)",
        ),
        (
            {"first": make_first(n_out=5)},
            r"first must have shape \(4, 4\); got \(4, 5\)",
        ),
        (
            {"targets": Targets(np.arange(20) % 3, 4)},
            r"targets must have shape \(20, 3\); got \(20, 4\)",
        ),
        (
            {"targets": Targets(np.arange(19) % 3, 3)},
            r"targets must have shape \(20, 3\); got \(19, 3\)",
        ),
        (
            {"targets": Targets(np.arange(20) % 3, 3, None, np.ones(20, "f4"))},
            "targets must be of dtype float64, like the parameters; got float32",
        ),
        ({"first": make_first(batch_size=5)}, r"record must have shape \(3, 4\)"),
        ({"first": make_first(batch_size=9)}, "batches of 9 samples; got 8"),
        (
            {"first": make_first(optimizer=Adam(**settings_of(Adam)))},
            "first must have 1 slots, as the optimiser has; got 2",
        ),
        (
            {"first": make_first(dtype="float32")},
            "first must be of dtype float64, like the parameters; got float32",
        ),
        ({"state": np.zeros((1, 35))}, r"state must have shape \(2, 35\); got \(1, 35"),
        ({"state": np.zeros((2, 30))}, r"state must have shape \(2, 35\); got \(2, 30"),
        ({"memory": NETWORK.memory(7, "f8")}, "batches of 8 samples; got 7"),
        ({"memory": NETWORK.memory(8, "f4")}, "memory must be of dtype float64"),
        (
            {"memory": NETWORK.memory(8, "f8", trains=False)},
            "and memory be for training",
        ),
        ({"record": np.zeros((3, 1))}, r"record must have shape \(3, 3\); got \(3, 1"),
        ({"record": np.zeros((2, 3))}, r"record must have shape \(3, 3\); got \(2, 3"),
        ({"indices": np.zeros(0, np.intp)}, r"indices must be .* in 0\.\.19"),
        ({"indices": np.arange(1, 21)}, r"indices must be .* in 0\.\.19"),
        ({"indices": np.arange(-1, 19)}, r"indices must be .* in 0\.\.19"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_refused(changes, message):
    arguments = {
        "first": make_first(),
        "targets": Targets(np.arange(20) % 3, 3),
        "indices": np.arange(20),
        "optimizer": SGD(0.1, 0.0, 0.0),
        "state": np.zeros((2, NETWORK.n_parameters)),
        "n_steps": 0,
        "memory": NETWORK.memory(8, "f8"),
        "record": np.zeros((3, 3)),
    }
    assert NETWORK.train_epoch(**arguments)
    with pytest.raises(ValueError, match=message):
        NETWORK.train_epoch(**arguments | changes)
    for name in arguments:
        with pytest.raises(TypeError):
            NETWORK.train_epoch(**arguments | {name: None})


class SquaredError:
    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


def test_targets_may_be_real_values_without_labels():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(12, 4)), rng.normal(size=(12, 2))
    network = Network([4, 2], [], SquaredError())
    stored, optimizer = store(Inputs(X)), SGD(0.1, 0.0, 0.0)
    targets, record = Targets(None, 2, T), np.empty((3, 1))
    state = np.zeros((2, network.n_parameters))
    memory = network.memory(12, "f8")
    network.train_epoch(
        stored.first_layer(2, 12, optimizer), targets, np.arange(12), optimizer, state,
        0, memory, record,
    )  # fmt: skip
    (W,), (b,) = split_parameters(state[0], network.sizes)
    np.testing.assert_allclose(W, 0.1 * X.T @ T / 12, rtol=1e-12)
    np.testing.assert_allclose(b, 0.1 * T.mean(axis=0), rtol=1e-12)
    assert np.isnan(record[1, 0])
    loss, accuracy = network.evaluate(
        stored.first_layer(2, 12), targets, np.arange(12), state[0], memory
    )
    np.testing.assert_allclose(loss, ((X @ W + b - T) ** 2).sum() / 24, rtol=1e-12)
    assert np.isnan(accuracy)


def test_labels_may_stand_beside_several_ones_in_a_row():
    # Several labels for a sample, for losses that take them.
    T = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    targets = Targets(None, 3, T)
    np.testing.assert_array_equal(targets.rows(np.array([1, 0]), "f8"), T[::-1])


# Evaluation


def evaluate(training, order, batch_size=8):
    """Loss and accuracy of some samples, by a layer that cannot be trained."""
    network = Network(
        training.sizes, training.activations, training.loss, training.dropout
    )
    return network.evaluate(
        training.stored().first_layer(training.sizes[1], batch_size),
        training.targets(),
        order,
        training.state[0],
        network.memory(batch_size, training.X.dtype),
    )


@pytest.mark.parametrize("batch_size", [8, 100])
@pytest.mark.parametrize("n_samples", [20, 0])
@pytest.mark.parametrize("form", [{}, {"background": True}, {"sparse": True}], ids=str)
@pytest.mark.parametrize(
    "settings",
    [
        *({}, {"weighted": True}, {"soft": True}, {"dropout": [0.5]}),
        *({"loss": loss, "weighted": True} for loss in [*LABEL_LOSSES, *VALUE_LOSSES]),
    ],
    ids=str,
)
def test_evaluation_agrees_with_numpy(settings, form, n_samples, batch_size):
    training = Training([40, 5, 3], n_samples=60, **settings, **form)
    training.epoch()
    order = training.order[-n_samples:]
    before = training.state.copy()
    loss, score = evaluate(training, order, batch_size)
    X = training.X.toarray() if issparse(training.X) else training.X
    T = np.eye(3)[training.y] if training.T is None else training.T
    weights = np.ones(60) if training.weights is None else training.weights
    value, mean_score, _ = batch_gradient(
        unpack(training.state[0], training.sizes), [twin_of(Tanh())],
        twin_of(training.loss), X[order], T[order], weights[order], [1], training.score,
    )  # fmt: skip
    expected = [value, mean_score] / weights[order].mean()
    np.testing.assert_allclose([loss, score], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(training.state, before)


def test_evaluation_calls_what_a_user_has_written():
    own = Training(activations=[UserTanh()], loss=UserCrossEntropy())
    ours = Training()
    np.testing.assert_allclose(evaluate(own, own.order), evaluate(ours, ours.order))
    own.loss = wrong(UserCrossEntropy(), "value_and_gradient", list)
    with pytest.raises(ValueError, match="must return a tuple"):
        evaluate(own, own.order)


@pytest.mark.parametrize("loss", [losses.SquaredError(), Poisson()], ids=repr)
def test_the_score_of_values_is_r2(loss):
    training = Training([4, 5, 3], loss=loss, n_samples=60, weighted=True)
    training.variances = np.average(
        (training.T - np.average(training.T, axis=0, weights=training.weights)) ** 2,
        axis=0, weights=training.weights,
    )  # fmt: skip
    _, score = evaluate(training, np.arange(60))
    (W, b), output = unpack(training.state[0], training.sizes)
    Z = np.tanh(training.X @ W + b) @ output[0] + output[1]
    predicted = np.exp(Z) if loss.log_link else Z
    expected = r2_score(training.T, predicted, sample_weight=training.weights)
    np.testing.assert_allclose(score, expected, rtol=1e-12)
    training.variances[:] = 0  # of constant targets, which r2_score treats alike
    assert evaluate(training, np.arange(60))[1] == 0


def test_samples_of_weight_0_do_not_count_in_the_score():
    training = Training(loss=losses.SquaredError(), weighted=True)
    training.weights[training.order[0]] = 0
    before = evaluate(training, training.order)
    training.T[training.order[0]] = 1e300
    assert evaluate(training, training.order) == before


def test_evaluation_goes_on_where_a_loss_is_not_finite():
    training = Training()
    training.X[training.order[0]] = np.nan
    loss, accuracy = evaluate(training, training.order)
    assert np.isnan(loss)
    assert 0 < accuracy < 1


@pytest.mark.parametrize(
    ("order", "state", "message"),
    [
        (np.array([0, 20]), slice(None), r"indices must be .* in 0\.\.19"),
        (np.array([-1]), slice(None), r"indices must be .* in 0\.\.19"),
        (np.array([], np.intp), slice(None), r"indices must be .* in 0\.\.19"),
        (np.array([0]), slice(1, None), "theta must have shape"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(order, state, message):
    training = Training()
    training.state = training.state[:, state].copy()
    with pytest.raises(ValueError, match=message):
        evaluate(training, order)


@pytest.mark.parametrize(
    ("sizes", "activations"),
    [([3], []), ([], []), ([3, 0], []), ([3, -2], []), ([3, 2], [Tanh()]),
     ([3, 4, 2], [])],
)  # fmt: skip
def test_layers_that_do_not_fit_are_refused(sizes, activations):
    with pytest.raises(ValueError, match=r"(sizes|activations) must be"):
        Network(sizes, activations, CrossEntropy())


def test_a_network_without_a_loss_is_not_evaluated():
    network = Network([4, 4, 3], [Tanh()])
    with pytest.raises(ValueError, match="must have a loss"):
        network.evaluate(
            make_first(),
            Targets(np.arange(20) % 3, 3),
            np.arange(20),
            np.zeros(network.n_parameters),
            network.memory(8, "f8"),
        )


def test_a_memory_needs_room_for_a_sample():
    with pytest.raises(ValueError, match="batch_size must be positive; got 0"):
        NETWORK.memory(0, "f8")
