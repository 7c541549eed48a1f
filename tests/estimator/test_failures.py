"""An estimator after a call that failed, and during a call in another thread."""

import contextlib
import copy
import os
import pickle
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import sklearn
from helpers import (
    assert_same_history,
    assert_same_weights,
    make_mlp,
    needs_callbacks,
)
from sklearn.base import clone

from cymlp import MLPClassifier, fit_many
from cymlp._fit.training import EpochControl
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy

CLASSES = [0, 1, 2]


def state_of(mlp):
    """All attributes of a classifier, as bytes."""
    return pickle.dumps(vars(mlp))


def frozen(mlp):
    """A copy through two pickles, after which objects no longer share strings."""
    return pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(mlp))))


# How a call fails. Each function takes the number of epochs that finish before, in the
# call and in earlier calls that it resumes, and returns parameters.


class Fuse:
    """Raises an error after some epochs. A class, so that copies share the count."""

    def __init__(self, error, n_epochs):
        self.error = error
        Fuse.n_batches = 3 * n_epochs + 2  # of three batches an epoch

    def burn(self):
        Fuse.n_batches -= 1
        if Fuse.n_batches == 0:
            raise self.error


class FailingLoss(Fuse):
    def value_and_gradient(self, Z, T):
        self.burn()
        return CrossEntropy().value_and_gradient(Z, T)

    def probabilities(self, Z):
        return CrossEntropy().probabilities(Z)


class FailingActivation(Fuse):
    def value(self, U):
        self.burn()
        return Tanh().value(U)

    def derivative(self, U, A):
        return Tanh().derivative(U, A)


class Rate:
    """A learning rate that is wrong, or raises an error, after some epochs."""

    def __init__(self, wrong, n_epochs):
        self.wrong = wrong
        self.n_epochs = n_epochs

    def __call__(self, epoch):
        if epoch <= self.n_epochs:
            return 0.01
        if isinstance(self.wrong, type):
            raise self.wrong
        return self.wrong


class FailingCallback:
    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == self.n_epochs:
            raise LookupError

    def on_fit_task_end(self, estimator, context): ...


def by_rate(wrong):
    return lambda n_epochs, n_before: {
        "learning_rate": Rate(wrong, n_before + n_epochs)
    }


def by_loss(error):
    return lambda n_epochs, n_before: {"loss": FailingLoss(error, n_epochs)}


ERRORS = {
    "loss": (by_loss(ZeroDivisionError), ZeroDivisionError),
    "activation": (
        lambda n_epochs, n_before: {
            "activation": FailingActivation(ZeroDivisionError, n_epochs)
        },
        ZeroDivisionError,
    ),
    "memory": (by_loss(MemoryError), MemoryError),
    "exit": (by_loss(SystemExit), SystemExit),
    "rate": (by_rate(-1.0), ValueError),
    "error of rate": (by_rate(ZeroDivisionError), ZeroDivisionError),
}
# These keep the epochs that finished before.
STOPS = {
    "divergence": (by_rate(1e38), ValueError),
    "Ctrl-C": (by_loss(KeyboardInterrupt), None),
}

# How the estimator is called.


def partial_fit(mlp, X, y):
    mlp.partial_fit(X, y, CLASSES)


def fit(mlp, X, y):
    mlp.fit(X, y)


def fit_in_thread(mlp, X, y):
    try:
        fit_many({"it": mlp}, X, y)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class Door:
    """A way to call, and whether an earlier call comes before."""

    def __init__(self, call, *, before=None, **parameters):
        self.call, self.before, self.parameters = call, before, parameters

    def estimator(self, data):
        # Batches of 40: three epochs of 120 samples, or of 108 when 12 are held out.
        mlp = make_mlp(batch_size=40, solver="adam", max_iter=5, **self.parameters)
        if self.before is not None:
            self.before(mlp, *data)
        return frozen(mlp)

    @property
    def resumes(self):
        return self.before is not None and (
            self.call is partial_fit or self.parameters.get("warm_start", False)
        )


DOORS = {
    "fit": Door(fit),
    "fit again": Door(fit, before=fit),
    "fit after partial_fit": Door(fit, before=partial_fit),
    "warm start": Door(fit, before=fit, warm_start=True),
    "warm start for the first time": Door(fit, warm_start=True),
    "warm start with dropout": Door(fit, before=fit, warm_start=True, dropout=0.2),
    "early stopping": Door(fit, early_stopping=True),
    "early stopping again": Door(fit, before=fit, early_stopping=True),
    "warm start of early stopping": Door(
        fit, before=fit, early_stopping=True, warm_start=True
    ),
    "partial_fit": Door(partial_fit),
    "partial_fit again": Door(partial_fit, before=partial_fit),
    "partial_fit after fit": Door(partial_fit, before=fit),
    "fit_many": Door(fit_in_thread),
    "fit_many again": Door(fit_in_thread, before=fit),
    "warm start in fit_many": Door(fit_in_thread, before=fit, warm_start=True),
}
doors = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
finished = pytest.mark.parametrize("n_epochs", [0, 3])


def prepare(door, failure, n_epochs, data):
    """A classifier whose next call fails, and a copy whose next call does not."""
    mlp = door.estimator(data)
    n_before = mlp.history_.n_epochs if door.resumes else 0
    if door.call is partial_fit:
        n_epochs = 0
    parameters = failure(n_epochs, n_before)
    if door.parameters.get("early_stopping") and "learning_rate" not in parameters:
        Fuse.n_batches += n_epochs  # a batch of validation
    sound = clone(mlp)
    vars(sound).update(vars(frozen(mlp)))
    return mlp.set_params(**parameters), sound, n_epochs


@doors
@finished
@pytest.mark.parametrize("failure", ERRORS.values(), ids=ERRORS)
def test_an_error_leaves_the_estimator_as_it_was(
    three_classes, door, failure, n_epochs
):
    mlp, _, _ = prepare(door, failure[0], n_epochs, three_classes)
    before, names = state_of(mlp), set(vars(mlp))
    with pytest.raises(failure[1]):
        door.call(mlp, *three_classes)
    assert set(vars(mlp)) == names
    assert state_of(mlp) == before


@needs_callbacks
@finished
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_error_of_a_callback_leaves_the_estimator_as_it_was(
    three_classes, warm_start, n_epochs
):
    mlp = make_mlp(warm_start=warm_start).fit(*three_classes)
    mlp = frozen(mlp.set_callbacks(FailingCallback(n_epochs)))
    before = state_of(mlp)
    with pytest.raises(LookupError):
        mlp.fit(*three_classes)
    assert state_of(mlp) == before


@doors
@finished
@pytest.mark.parametrize("failure", STOPS.values(), ids=STOPS)
def test_divergence_and_ctrl_c_keep_the_finished_epochs(
    three_classes, door, failure, n_epochs
):
    mlp, sound, n_epochs = prepare(door, failure[0], n_epochs, three_classes)
    before = state_of(mlp)
    kept = f"{n_epochs} finished" if n_epochs else "as it was before the call"
    if failure[1] is None:
        with pytest.warns(RuntimeWarning, match=f"interrupted in epoch.*{kept}"):
            door.call(mlp, *three_classes)
    else:
        with pytest.raises(ValueError, match=f"diverged in epoch.*{kept}"):
            door.call(mlp, *three_classes)
    if n_epochs == 0:
        assert state_of(mlp) == before
        return
    door.call(sound.set_params(max_iter=n_epochs), *three_classes)
    changed = {"loss", "learning_rate", "max_iter"}
    assert set(vars(mlp)) == set(vars(sound))
    assert mlp.n_iter_ == sound.n_iter_ == n_epochs
    assert mlp.loss_curve_ == sound.loss_curve_
    assert getattr(mlp, "best_epoch_", None) == getattr(sound, "best_epoch_", None)
    assert_same_weights(mlp, sound)
    assert_same_history(mlp, sound)
    # A later call goes on in the same way.
    mlp.set_params(**{name: getattr(sound, name) for name in changed})
    for estimator in (mlp, sound):
        door.call(estimator, *three_classes)
    assert_same_weights(mlp, sound)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_epoch_counts_once_its_metrics_are_recorded(
    three_classes, early_stopping, monkeypatch
):
    def update(control, metrics):
        if metrics["epoch"] == 4:
            raise KeyboardInterrupt
        return original(control, metrics)

    original = EpochControl.update
    monkeypatch.setattr(EpochControl, "update", update)
    mlp = make_mlp(early_stopping=early_stopping)
    with pytest.warns(RuntimeWarning, match="epoch 4.* 3 finished"):
        mlp.fit(*three_classes)
    monkeypatch.undo()
    shorter = make_mlp(early_stopping=early_stopping, max_iter=3).fit(*three_classes)
    assert mlp.n_iter_ == 3
    assert_same_weights(mlp, shorter)
    assert_same_history(mlp, shorter)


def test_no_attribute_of_a_running_fit_is_seen(three_classes):
    X, y = three_classes
    seen = []

    class Looking(FailingLoss):
        def burn(self):
            seen.append((set(vars(mlp)), hasattr(mlp, "coefs_") and mlp.predict(X)))

    mlp = make_mlp(loss=Looking(None, 0))
    names = set(vars(mlp))
    mlp.fit(X, y)
    assert all(look == (names, False) for look in seen)
    seen.clear()
    names, predicted = set(vars(mlp)), mlp.predict(X)
    mlp.set_params(random_state=1).fit(X, y)
    assert len(seen) == 20
    for seen_names, seen_predicted in seen:
        assert seen_names == names
        np.testing.assert_array_equal(seen_predicted, predicted)


@needs_callbacks
def test_callbacks_get_a_classifier_of_their_own_until_the_fit_ends(three_classes):
    class Marking(FailingCallback):
        def on_fit_task_begin(self, estimator, context):
            assert estimator is not mlp
            assert not hasattr(mlp, "coefs_")

        def on_fit_task_end(self, estimator, context):
            estimator.mark_ = context.task_name

    mlp = make_mlp().set_callbacks(Marking(None))
    mlp.fit(*three_classes)
    assert mlp.mark_ == "fit"


# Threads


def run_in_threads(*functions):
    """Run functions at the same time; return what they return, or their errors."""
    results = [None] * len(functions)
    barrier = threading.Barrier(len(functions))

    def run(index, function):
        barrier.wait()
        try:
            results[index] = function()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_predictions_during_fits_are_those_of_one_model(three_classes):
    X, y = three_classes
    settings = [
        {"hidden_layer_sizes": (8,), "scale": None},
        {"hidden_layer_sizes": (5, 3), "scale": "standard"},
    ]
    targets = [np.array(["a", "b", "c"])[y], np.where(y == 2, "d", "e")]
    expected = []
    mlp = make_mlp(max_iter=2)
    for parameters, target in zip(settings, targets, strict=True):
        mlp.set_params(**parameters).fit(X, target)
        expected.append((mlp.predict(X), mlp.predict_proba(X)))
    ended = threading.Event()

    def refit():
        for index in range(60):
            mlp.set_params(**settings[index % 2]).fit(X, targets[index % 2])
        ended.set()

    def predict():
        seen = set()
        while not ended.is_set():
            for found, method in ((mlp.predict(X), 0), (mlp.predict_proba(X), 1)):
                same = [np.array_equal(found, one[method]) for one in expected]
                seen.add(same.index(True))
        return seen

    assert run_in_threads(refit, predict, predict) == [None, {0, 1}, {0, 1}]


def test_a_second_fit_at_the_same_time_is_refused(three_classes):
    X, y = three_classes
    mlp = make_mlp()

    class Nested(FailingLoss):
        def burn(self):
            thread = threading.Thread(target=lambda: errors.extend(second_fits()))
            thread.start()
            thread.join()

    def second_fits():
        for call in (fit, partial_fit, fit_in_thread):
            try:
                call(mlp, X, y)
            except RuntimeError as error:
                yield str(error)

    errors = []
    mlp.set_params(loss=Nested(None, 0), max_iter=1, batch_size=120).fit(X, y)
    assert len(errors) == 3
    assert all("This MLPClassifier is being fitted in another" in one for one in errors)
    assert mlp.n_iter_ == 1
    mlp.set_params(loss="focal").fit(X, y)


def test_fits_in_many_threads_are_done_or_refused(three_classes):
    X, y = three_classes
    mlp = make_mlp()

    def train():
        n_done = 0
        for _ in range(30):
            with contextlib.suppress(RuntimeError):
                mlp.partial_fit(X, y, CLASSES)
                n_done += 1
        return n_done

    n_done = run_in_threads(train, train, train, train)
    assert all(n >= 0 for n in n_done), n_done
    assert mlp.history_.n_epochs == sum(n_done) > 0
    assert_same_weights(mlp, make_mlp(max_iter=sum(n_done)).fit(X, y))


def test_copies_are_fitted_at_the_same_time(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=30)
    copies = [copy.copy(mlp) for _ in range(4)]
    fitted = run_in_threads(*(lambda one=one: one.fit(X, y) for one in copies))
    mlp.fit(X, y)
    for one in fitted:
        assert_same_weights(one, mlp)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_during_a_fit_can_fit(three_classes):
    X, y = three_classes
    mlp = make_mlp(max_iter=1, batch_size=120)
    begun, forked = threading.Event(), threading.Event()

    class Waiting(FailingLoss):
        def burn(self):
            begun.set()
            forked.wait()

    fitting = threading.Thread(
        target=mlp.set_params(loss=Waiting(None, 0)).fit, args=(X, y)
    )
    fitting.start()
    begun.wait()
    if (pid := os.fork()) == 0:
        try:
            n_epochs = mlp.set_params(loss="focal").fit(X, y).n_iter_
        finally:
            os._exit(n_epochs if n_epochs == 1 else 9)
    forked.set()
    fitting.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_signals_at_any_moment_leave_a_whole_model(
    three_classes, early_stopping, monkeypatch
):
    X, y = three_classes
    ignored = []  # a signal in a destructor, such as that of tqdm
    monkeypatch.setattr(sys, "unraisablehook", lambda it: ignored.append(it.exc_type))
    settings = {"warm_start": True, "early_stopping": early_stopping}
    settings |= {"monitor": "loss", "learning_rate": "invscaling", "batch_size": 20}
    expected = {}

    def at_once(n_epochs):
        if n_epochs not in expected:
            alone = make_mlp(**settings, max_iter=n_epochs)
            expected[n_epochs] = alone.fit(X, y)
        return expected[n_epochs]

    def handle(signum, frame):
        nonlocal n_signals
        n_signals -= 1
        if n_signals <= 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
        while n_signals >= 0 and frame is not None:
            if frame.f_code is MLPClassifier.fit.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    rng = random.Random(0)
    n_signals, n_kept = 0, 0
    config = sklearn.get_config()
    handler = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(60):
            mlp = make_mlp(**settings, max_iter=40)
            n_signals = rng.choice([1, 2, 3])
            interval = rng.choice([1e-5, 1e-4, 3e-4])
            with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-3, 9e-3), interval)
                with contextlib.suppress(KeyboardInterrupt):
                    mlp.fit(X, y)
                while n_signals > 0:
                    time.sleep(1e-4)
            if not hasattr(mlp, "coefs_"):
                assert vars(mlp) == vars(make_mlp(**settings, max_iter=40))
                continue
            n_kept += 1
            alone = at_once(mlp.n_iter_)
            assert_same_weights(mlp, alone)
            assert_same_history(mlp, alone)
            assert getattr(mlp, "best_epoch_", 0) == getattr(alone, "best_epoch_", 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        time.sleep(0.01)  # for a signal that is on its way
        signal.signal(signal.SIGALRM, handler)
        # Signals while scikit-learn is about to restore it leave a changed one behind.
        sklearn.set_config(**config)
    assert n_kept > 0
    assert set(ignored) <= {KeyboardInterrupt}
