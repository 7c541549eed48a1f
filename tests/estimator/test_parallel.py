"""Many networks, fitted at the same time."""

import itertools
import multiprocessing
import re
import threading
import time
import tracemalloc
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from helpers import SMALL_MLP
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from cymlp import MLPClassifier, fit_many, parallel
from cymlp._fit import prepare


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def make_mlp(**parameters):
    return MLPClassifier(**SMALL_MLP | {"max_iter": 6} | parameters)


def make_networks():
    """Networks of several kinds, which finish at different times."""
    return {
        "tanh": make_mlp(),
        "selu hinge": make_mlp(activation="selu", loss="hinge", random_state=1),
        "float64": make_mlp(dtype="float64"),
        "deep": make_mlp(hidden_layer_sizes=(32, 16), max_iter=12, record_batches=True),
        "linear": make_mlp(hidden_layer_sizes=(), batch_size=10),
    }


def assert_same_fit(one, other):
    for a, b in zip(
        one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(a, b)
    for column in set(one.history_) - {"seconds"}:
        np.testing.assert_array_equal(one.history_[column], other.history_[column])
    assert vars(one).keys() == vars(other).keys()


@pytest.mark.parametrize("blas_threads", [1, 2])
@pytest.mark.parametrize("n_jobs", [None, 2, 5])
def test_each_is_fitted_as_it_would_be_alone(digits, n_jobs, blas_threads):
    X, y = digits
    networks = make_networks()
    with threadpool_limits(blas_threads, user_api="blas"):
        given = fit_many(networks, X, y, X_val=X[:99], y_val=y[:99], n_jobs=n_jobs)
    assert given is networks
    for name, alone in make_networks().items():
        assert_same_fit(networks[name], alone.fit(X, y, X_val=X[:99], y_val=y[:99]))


def test_a_list_is_taken_too(digits):
    X, y = digits
    networks = list(make_networks().values())
    assert fit_many(networks, X, y, n_jobs=2) is networks
    assert_same_fit(networks[0], make_mlp().fit(X, y))


def test_names_of_features_are_kept(digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    networks = fit_many([make_mlp()], frame, y, X_val=frame[:99], y_val=y[:99])
    assert_same_fit(
        networks[0], make_mlp().fit(frame, y, X_val=frame[:99], y_val=y[:99])
    )
    assert networks[0].feature_names_in_[3] == "pixel 3"


def test_a_warm_start_keeps_the_names_of_features(digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    validation = {"X_val": frame[:99], "y_val": y[:99]}
    networks = [make_mlp(warm_start=True, max_iter=3) for _ in range(2)]
    for _ in range(2):
        fit_many(networks, frame, y, **validation)
    alone = make_mlp(warm_start=True, max_iter=3)
    for _ in range(2):
        alone.fit(frame, y, **validation)
    assert_same_fit(networks[1], alone)
    renamed = frame.rename(columns={"pixel 5": "dot"})
    with pytest.raises(ExceptionGroup) as info:
        fit_many(networks, renamed, y)
    assert "feature names" in str(info.value.exceptions[0])
    assert_same_fit(networks[1], alone)
    assert networks[1].feature_names_in_[5] == "pixel 5"


def test_all_read_one_copy_of_the_data():
    X = np.zeros((20_000, 500), np.float32)
    y = np.arange(20_000) % 2
    networks = [make_mlp(max_iter=1, random_state=seed) for seed in range(4)]
    tracemalloc.start()
    fit_many(networks, X, y, n_jobs=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.25 * X.nbytes


@pytest.fixture
def stored(monkeypatch):
    """Count how often an X of each number of samples is stored."""
    counts = Counter()
    store = prepare.store

    def spy(inputs):
        counts[inputs.shape[0]] += 1
        return store(inputs)

    monkeypatch.setattr(prepare, "store", spy)
    return counts


N_JOBS = pytest.mark.parametrize("n_jobs", [1, 2])
N_SAMPLES, N_VAL_SAMPLES = 1797, 99


def fit_together(digits, form, networks, n_jobs):
    X, y = digits
    X_val, y_val = X[:N_VAL_SAMPLES], y[:N_VAL_SAMPLES]
    fit_many(networks, form(X), y, X_val=form(X_val), y_val=y_val, n_jobs=n_jobs)


@N_JOBS
@pytest.mark.parametrize(
    ("form", "scale"),
    [
        (np.asarray, None),
        (np.asarray, (0.5, 2)),
        (np.asarray, (np.linspace(0, 1, 64), np.linspace(1, 2, 64))),
        (np.asarray, "standard"),
        (csr_array, None),
        (csr_array, (0, 2)),
    ],
    ids=["array", "scalars", "features", "standard", "csr", "scaled csr"],
)
def test_networks_of_one_dtype_and_scale_store_x_once(
    digits, stored, form, scale, n_jobs
):
    networks = [
        make_mlp(scale=scale, hidden_layer_sizes=(8 + seed,), random_state=seed)
        for seed in range(4)
    ]
    fit_together(digits, form, networks, n_jobs)
    assert stored == {N_SAMPLES: 1, N_VAL_SAMPLES: 1}


@N_JOBS
@pytest.mark.parametrize(
    ("form", "scales"),
    [
        (np.asarray, [None, (0.5, 2), (0.5, 3), "standard", "minmax"]),
        (csr_array, [None, (0, 2), (0, np.linspace(1, 2, 64))]),
    ],
    ids=["array", "csr"],
)
def test_x_is_stored_once_for_each_dtype_and_scale(
    digits, stored, form, scales, n_jobs
):
    kinds = list(itertools.product(["float32", "float64"], scales))
    networks = [
        make_mlp(dtype=dtype, scale=scale, random_state=seed, max_iter=2)
        for seed in range(2)
        for dtype, scale in kinds
    ]
    fit_together(digits, form, networks, n_jobs)
    assert stored == {N_SAMPLES: len(kinds), N_VAL_SAMPLES: len(kinds)}


@N_JOBS
def test_x_is_stored_for_each_scale_that_is_measured(digits, stored, n_jobs):
    # Each of the three seeds holds out other samples, and measures the rest.
    networks = [
        make_mlp(scale="standard", early_stopping=True, random_state=seed % 3)
        for seed in range(6)
    ]
    fit_many(networks, *digits, n_jobs=n_jobs)
    assert stored == {N_SAMPLES: 3}


@N_JOBS
def test_x_that_is_also_for_validation_is_stored_once(digits, stored, n_jobs):
    X, y = digits[0].astype(np.float32), digits[1]
    networks = [make_mlp(random_state=seed) for seed in range(3)]
    fit_many(networks, X, y, X_val=X, y_val=y, n_jobs=n_jobs)
    assert stored == {N_SAMPLES: 1}


def test_an_epoch_leaves_the_interpreter_to_other_threads():
    X = np.random.default_rng(0).random((20_000, 200), np.float32)
    mlp = make_mlp(hidden_layer_sizes=(256, 256), max_iter=1)
    thread = threading.Thread(target=mlp.fit, args=(X, np.arange(20_000) % 2))
    thread.start()
    ticks = []
    while thread.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.001)
    # If the epoch held the GIL, there would be a gap of its length.
    assert np.diff(ticks).max() < mlp.history_["seconds"][0] / 2


def test_an_error_names_its_network_and_leaves_the_others_fitted(digits):
    X, y = digits
    networks = make_networks() | {
        "wild": make_mlp(learning_rate_init=1e30),
        "wrong": make_mlp(momentum=2.0),
    }
    with pytest.raises(
        ExceptionGroup, match=r"2 of 7 networks.*'wrong', 'wild'"
    ) as info:
        fit_many(networks, X, y, n_jobs=2)
    notes = {error.__notes__[0]: str(error) for error in info.value.exceptions}
    for name, error, parameter in (
        ("wild", "diverged", "learning_rate_init=1e+30"),
        ("wrong", "'momentum'", "momentum=2.0"),
    ):
        note = next(note for note in notes if f"the network {name!r} (" in note)
        assert error in notes[note]
        assert parameter in note
        assert "shuffle" not in note  # the same in all
    for name, alone in make_networks().items():
        assert_same_fit(networks[name], alone.fit(X, y))


def test_a_warning_names_its_networks(digits):
    X, y = digits
    stops = {"max_iter": 2, "n_iter_no_change": 1}
    networks = [make_mlp(random_state=seed, **stops) for seed in range(7)]
    networks += [make_mlp(random_state=7), make_mlp(max_iter=3, n_iter_no_change=1)]
    with pytest.warns(ConvergenceWarning) as warned:
        fit_many(networks, X, y, n_jobs=2)
    texts = [str(one.message) for one in warned]
    assert [re.search("max_iter=(.)", text)[1] for text in texts] == ["2", "3"]
    assert texts[0].endswith(
        "This is about 7 of 9 networks: "
        + "; ".join(
            f"{i} (max_iter=2, n_iter_no_change=1, random_state={i})" for i in range(5)
        )
        + "; and 2 more."
    )
    assert " 1 of 9 networks: 8 (max_iter=3, n_iter_no_change=1, " in texts[1]
    assert {one.filename for one in warned} == {__file__}


def test_networks_with_equal_parameters_are_named_all_the_same(digits):
    X, y = digits
    networks = {"a": make_mlp(), "b": make_mlp(), "c": make_mlp()}
    for mlp in networks.values():
        mlp.set_params(n_iter_no_change=9, max_iter=1)
    with pytest.warns(ConvergenceWarning, match=r"3 of 3 networks: 'a'; 'b'; 'c'\.$"):
        fit_many(networks, X, y)


def test_a_warning_that_is_made_an_error_comes_after_all_fits(digits):
    X, y = digits
    networks = [make_mlp(n_iter_no_change=9, random_state=seed) for seed in range(3)]
    wild = make_mlp(learning_rate_init=1e30)
    with warnings.catch_warnings(action="error"):
        with pytest.raises(ConvergenceWarning, match="This is about 3 of 3 networks"):
            fit_many(networks, X, y, n_jobs=2)
        assert all(mlp.n_iter_ == 6 for mlp in networks)
        with pytest.raises(ExceptionGroup, match="1 of 4 networks"):
            fit_many([*networks, wild], X, y, n_jobs=2)


def test_ctrl_c_keeps_finished_networks_and_epochs(digits, press_ctrl_c):
    X, y = digits
    quick = make_mlp(max_iter=1)
    networks = {"quick": quick}
    networks |= {i: make_mlp(max_iter=100_000, random_state=i) for i in range(4)}
    others = threading.enumerate()
    press_ctrl_c(0.5)
    with (
        warnings.catch_warnings(action="ignore", category=RuntimeWarning),
        pytest.raises(KeyboardInterrupt),
    ):
        fit_many(networks, X, y, n_jobs=2)
    left = set(threading.enumerate()) - set(others)
    assert not [thread for thread in left if "Pool" in thread.name]
    assert_same_fit(quick, make_mlp(max_iter=1).fit(X, y))
    begun = networks[0]
    assert 0 < begun.n_iter_ < 100_000
    assert_same_fit(begun, make_mlp(max_iter=begun.n_iter_).fit(X, y))
    assert not hasattr(networks[3], "coefs_")


@pytest.mark.parametrize("n_presses", [1, 2])
def test_ctrl_c_stops_threads_within_long_epochs(press_ctrl_c, n_presses):
    """A second one must not leave a thread that trains on."""
    # An epoch has 100000 batches of 10 million operations, which take minutes.
    X = np.zeros((100_000, 40), dtype=np.float32)
    settings = {"hidden_layer_sizes": (1000, 1000), "batch_size": 1}
    begun = []

    def rate(epoch):
        if not begun:
            for index in range(n_presses):
                press_ctrl_c(0.3 + 0.05 * index)
        begun.append(epoch)
        return 0.01

    networks = [make_mlp(**settings, learning_rate=rate) for _ in range(4)]
    others = threading.enumerate()
    start = time.process_time()
    with pytest.raises(KeyboardInterrupt):
        fit_many(networks, X, np.arange(100_000) % 2, n_jobs=2)
    for thread in set(threading.enumerate()) - set(others):
        if "Pool" in thread.name:
            thread.join()
    assert time.process_time() - start < 15
    assert len(begun) <= 2
    assert not any(hasattr(network, "coefs_") for network in networks)


def test_progress_counts_the_epochs_of_all(digits, capsys):
    X, y = digits
    early = make_mlp(max_iter=500, tol=0.5, n_iter_no_change=2)
    fit_many([make_mlp(), early], X, y, progress=True)
    epochs = 6 + early.n_iter_
    assert early.n_iter_ < 500
    assert f"{epochs}/{epochs}" in capsys.readouterr().err
    fit_many([make_mlp()], X, y)
    assert capsys.readouterr().err == ""


def test_entries_other_than_classifiers_are_refused(digits):
    with pytest.raises(TypeError, match="MLPRegressor; got 3 as 'b'"):
        fit_many({"a": make_mlp(), "b": 3}, *digits)
    with pytest.raises(TypeError, match="must be a list or a dict"):
        fit_many((make_mlp() for _ in range(2)), *digits)


def test_other_arguments_are_refused_by_their_name(digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"n_jobs must be .* other than 0; got 0"):
        fit_many([make_mlp()], X, y, n_jobs=0)
    with pytest.raises(TypeError, match=r"n_jobs must be .*; got '2'"):
        fit_many([make_mlp()], X, y, n_jobs="2")
    with pytest.raises(TypeError, match=r"a list or a dict.*single one; got MLPClass"):
        fit_many(make_mlp(), X, y)
    with pytest.raises(ValueError, match=r"^X: could not convert.*OneHotEncoder"):
        fit_many([make_mlp()], [["red"]] * 2, [0, 1])
    with pytest.raises(ValueError, match=r"^X_val: Expected 2D array"):
        fit_many([make_mlp()], X, y, X_val=y, y_val=y)


@pytest.mark.parametrize("shared", ["classifier", "random state"])
def test_entries_whose_order_would_matter_are_refused(digits, shared):
    mlp = make_mlp(random_state=np.random.RandomState(0))
    twin = mlp
    if shared == "random state":
        twin = clone(mlp).set_params(random_state=mlp.random_state)
    with pytest.raises(ValueError, match="twice, nor networks that share a Ra"):
        fit_many([mlp, twin], *digits)


def n_threads_of_a_daemon(pipe):
    pipe.send(parallel._n_threads(3))


def test_a_daemon_process_has_threads_too():
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe()
    process = context.Process(target=n_threads_of_a_daemon, args=(sender,), daemon=True)
    process.start()
    assert receiver.recv() == 3
    process.join()


def test_the_number_of_threads_may_come_from_joblib():
    with parallel_config(n_jobs=2):
        assert parallel._n_threads(None) == 2
    assert parallel._n_threads(None) == 1
