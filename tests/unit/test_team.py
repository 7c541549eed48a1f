"""The team of threads: the same bits for any number of them, and a clean end."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import COMPILER
from members import ACTIVATIONS, LOSSES, OPTIMIZERS
from twin_training import Training, UserTanh

from cymlp import kernels
from cymlp._engine.optimizers import Optimizer
from cymlp._engine.team import Team
from cymlp.activations import Relu, Tanh
from cymlp.losses import CrossEntropy

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src" / "cymlp" / "_engine" / "kernels"
NUMBERS = [1, 2, 3, 7]
FORMS = {"dense": {}, "block_sparse": {"background": True}, "csr": {"sparse": True}}
EVERY_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


class UserCrossEntropy(CrossEntropy):
    pass


def train(n_threads, n_epochs=2, **arguments):
    """State, record, metrics and number of chunks that helpers have computed."""
    settings = {
        "sizes": [37, 70, 33, 5],
        "activations": [Tanh(), Relu()],
        "n_samples": 230,
        "batch_size": 101,
        "weighted": True,
        "learning_rate": 0.01,
    }
    training = Training(**settings | arguments)
    given = training.arguments()
    first = training.stored().first_layer(training.sizes[1], 64)
    memory = training.network.memory(64, training.X.dtype)
    with Team(n_threads, is_patient=True) as team:
        for _ in range(n_epochs):
            assert training.network.train_epoch(**given, team=team)
        metrics = training.network.evaluate(
            first, given["targets"], training.order, training.state[0], memory, team
        )
        n_helped = sum(team.n_done[1:])
    return training.state, training.record, np.array(metrics), n_helped


def assert_same_bits(**arguments):
    *expected, n_helped = train(1, **arguments)
    assert n_helped == 0
    for n_threads in NUMBERS[1:]:
        *results, n_helped = train(n_threads, **arguments)
        assert n_helped > 0
        for own, same in zip(results, expected, strict=True):
            np.testing.assert_array_equal(own, same)


@EVERY_FORM
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("isa", kernels.available())
def test_any_number_of_threads_gives_the_same_bits(isa, optimizer, dtype, form):
    before = kernels.isa()
    kernels._use(isa)
    try:
        assert_same_bits(dtype=dtype, dropout=[0.3, 0.0], **optimizer, **form)
    finally:
        kernels._use(before)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, UserTanh()], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_activation_gives_the_same_bits(activation, dtype):
    assert_same_bits(activations=[activation] * 2, dtype=dtype)


@pytest.mark.parametrize("loss", [*LOSSES, UserCrossEntropy()], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_loss_gives_the_same_bits(loss, dtype):
    soft = not loss.hard_labels_only
    assert_same_bits(loss=loss, dtype=dtype, soft=soft)


@EVERY_FORM
@pytest.mark.parametrize("batch_size", [1, 7, 8, 50, 230])
def test_any_batch_size_gives_the_same_bits(batch_size, form):
    assert_same_bits(batch_size=batch_size, dtype="float32", **form)


@EVERY_FORM
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_batches_of_many_samples_give_the_same_bits(optimizer, form):
    # Block sparse samples are then processed in several parts.
    assert_same_bits(
        n_samples=2300, batch_size=2100, dtype="float32", **optimizer, **form
    )


@pytest.mark.parametrize("batch_size", [101, 600])
def test_wide_layers_give_the_same_bits(batch_size):
    # Their tiles are copied in batches of at most 512 samples.
    assert_same_bits(
        sizes=[37, 520, 512, 5], n_samples=620, batch_size=batch_size, dtype="float64"
    )


@EVERY_FORM
def test_a_network_without_hidden_layers_gives_the_same_bits(form):
    assert_same_bits(sizes=[37, 5], activations=[], dtype="float32", **form)


@EVERY_FORM
def test_gradients_out_of_range_give_the_same_bits(form):
    # The sum of squares overflows, so that the norm is computed again.
    assert_same_bits(
        dtype="float32", activations=[Relu(), Relu()], learning_rate=1e-30,
        loss=HugeLoss(), n_epochs=1, **form,
    )  # fmt: skip


class HugeLoss:
    def value_and_gradient(self, Z, T):
        value, gradient = CrossEntropy().value_and_gradient(Z, T)
        return value, gradient * np.float32(1e25)


def test_helpers_end_with_the_context():
    before = set(threading.enumerate())
    with Team(3) as team:
        helpers = set(threading.enumerate()) - before
        assert len(helpers) == team.n_threads - 1 == 2
        assert all(helper.daemon for helper in helpers)
        assert {helper.name for helper in helpers} == {"cymlp-1", "cymlp-2"}
    assert set(threading.enumerate()) == before


def test_the_team_is_smaller_if_the_system_refuses_threads(monkeypatch):
    start = threading.Thread.start

    def start_one(thread):
        if thread.name != "cymlp-1":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with Team(5) as team:
        assert team.n_threads == 2


@pytest.mark.parametrize("method", ["start", "join"])
def test_a_team_computes_alone_after_its_threads_were_late(monkeypatch, method):
    prompt = getattr(threading.Thread, method)

    def late(thread, *arguments):
        time.sleep(0.1)  # as if the processor were busy
        prompt(thread, *arguments)

    training = Training([300, 300, 10], n_samples=400, batch_size=200)
    arguments = training.arguments()
    with Team(2) as team:
        assert team.n_threads == 2
    with monkeypatch.context() as patches:
        patches.setattr(threading.Thread, method, late)
        with Team(2) as team:
            assert training.network.train_epoch(**arguments, team=team)
            if method == "start":
                assert sum(team.n_done) == 0
    team.start(2)
    assert team.n_threads == 1
    # The more time was lost, the longer the pause.
    deadline = time.monotonic() + 60
    while team.n_threads == 1 and time.monotonic() < deadline:
        time.sleep(0.1)
        team.start(2)
    assert team.n_threads == 2
    team.stop()


@pytest.mark.parametrize("n_threads", [0, -1])
def test_a_team_has_at_least_one_thread(n_threads):
    with pytest.raises(
        ValueError, match=f"n_threads must be positive; got {n_threads}"
    ):
        Team(n_threads)


def test_the_exception_of_a_chunk_comes_out_once_and_all_threads_end():
    training = Training([30, 60, 60, 3], [Tanh()] * 2, n_samples=90, batch_size=90)
    training.optimizer = Optimizer(0.1, 0)  # which has no step
    training.state = training.state[:1].copy()
    before = threading.active_count()
    with Team(3, is_patient=True) as team:
        for _ in range(2):
            with pytest.raises(NotImplementedError, match="Optimizer has no step"):
                training.network.train_epoch(**training.arguments(), team=team)
            # The first loop that fails is the last one: its norm is not recorded.
            assert (training.record[2] == -1).all()
        training = Training()
        assert training.network.train_epoch(**training.arguments(), team=team)
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX")
def test_ctrl_c_ends_all_threads():
    before = threading.active_count()
    training = Training([100, 100, 10], n_samples=100, batch_size=100)
    training.order = np.tile(training.order, 20_000)
    arguments = training.arguments()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt), Team(2) as team:
            training.network.train_epoch(**arguments, team=team)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert training.record[0, -1] == -1, "the epoch was over before Ctrl-C"
    timer.join()
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_during_an_epoch_leaves_a_child_that_trains():
    expected = train(1)[0]
    training = Training([100, 100, 10], n_samples=100, batch_size=100)
    training.order = np.tile(training.order, 2000)
    arguments = training.arguments()
    with Team(2) as team:
        epoch = threading.Thread(
            target=training.network.train_epoch, kwargs=arguments | {"team": team}
        )
        epoch.start()
        while training.record[0, 0] == -1:
            pass
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of other threads
            child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(train(2)[0], expected) else 1)
        _, status = os.waitpid(child, 0)
        epoch.join()
    assert status == 0
    assert training.record[0, -1] != -1


@pytest.mark.skipif(not FOLDER.exists(), reason="needs the sources")
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX threads")
@pytest.mark.parametrize("options", [["-fsanitize=thread"], []], ids=["tsan", "plain"])
def test_no_thread_sees_the_others_halfway(tmp_path, options):
    if not shutil.which(COMPILER[0]):
        pytest.skip(f"needs {COMPILER[0]}")
    program = tmp_path / "team_alone"
    compile_c = [
        *COMPILER, "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2",
        "-fno-math-errno", "-DCYMLP_ISA=plain", f"-I{ROOT / 'include'}", f"-I{FOLDER}",
        ROOT / "tests" / "unit" / "team_alone.c", "-o", program, "-lm", "-pthread",
    ]  # fmt: skip
    done = subprocess.run([*compile_c, *options], capture_output=True, text=True)
    if done.returncode and "tsan" in done.stderr:
        pytest.skip("needs the library of ThreadSanitizer")
    assert done.returncode == 0, done.stderr
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
