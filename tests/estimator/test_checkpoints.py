"""Fits that are killed and go on from a checkpoint."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exports import rewrite
from helpers import assert_same_history, assert_same_weights, make_mlp
from safetensors import safe_open
from scipy.sparse import csr_array

from cymlp import Checkpoint, MLPClassifier, MLPRegressor, export
from cymlp._fit import checkpointing
from cymlp.export import model_file
from cymlp.losses import CrossEntropy

KILLS = Path(__file__).parents[1] / "kills.py"


class Killed(BaseException):
    """Ends a fit without a trace, as SIGKILL would."""


@pytest.fixture
def kill_after(monkeypatch):
    """Give a function that ends the next fit once it has written so many files."""
    write_file = checkpointing.write_file

    def kill_after(n_files):
        left = n_files

        def write(*args):
            nonlocal left
            write_file(*args)
            left -= 1
            if left == 0:
                monkeypatch.setattr(checkpointing, "write_file", write_file)
                raise Killed

        monkeypatch.setattr(checkpointing, "write_file", write)

    return kill_after


SETTINGS = {
    "SGD": {},
    "adam": {"solver": "adam", "dtype": "float64", "dropout": 0.3},
    "early stopping": {
        "early_stopping": True, "learning_rate_init": 1.0, "solver": "adam",
        "max_iter": 30, "n_iter_no_change": 6, "monitor": "loss",
    },
    "schedule": {"learning_rate": "cosine", "scale": "auto"},
    "adaptive": {
        "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1, "max_iter": 40,
    },
    "stop": {"tol": 0.1, "n_iter_no_change": 2, "learning_rate_init": 0.1},
    "metrics": {
        "record_batches": True, "diagnostics": True, "class_weight": "balanced",
    },
}  # fmt: skip


def killed_and_resumed(mlp, data, checkpoint, kill_after, n_files):
    """The estimator as a new process fits it after the first was killed."""
    process = pickle.loads(pickle.dumps(mlp))
    before = pickle.dumps(vars(process))
    kill_after(n_files)
    with pytest.raises(Killed):
        process.fit(*data, checkpoint=checkpoint)
    assert pickle.dumps(vars(process)) == before
    return mlp.fit(*data, checkpoint=checkpoint)


def assert_same_fit(one, other):
    assert set(vars(one)) == set(vars(other))
    assert one.n_iter_ == other.n_iter_
    assert one.loss_curve_ == other.loss_curve_
    assert getattr(one, "best_epoch_", None) == getattr(other, "best_epoch_", None)
    assert_same_weights(one, other)
    assert_same_history(one, other)
    if one.record_batches:
        for name, column in one.history_.batches.items():
            np.testing.assert_array_equal(column, other.history_.batches[name])


@pytest.mark.parametrize(("every", "warm_start"), [(1, False), (3, True)])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_fit_goes_on_with_the_same_bits(
    three_classes, tmp_path, kill_after, settings, warm_start, every
):
    settings = settings | {"warm_start": warm_start, "batch_size": 40}
    one = make_mlp(**settings).fit(*three_classes)
    checkpoint = Checkpoint(tmp_path / "model", every=every)
    other = make_mlp(**settings)
    other = killed_and_resumed(other, three_classes, checkpoint, kill_after, 2)
    assert_same_fit(one, other)
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]
    loaded = export.load(checkpoint.file)
    assert_same_weights(loaded, one)
    assert_same_history(loaded, one)
    # Now the file has the last epoch: nothing remains to be trained.
    again = make_mlp(**settings).fit(*three_classes, checkpoint=checkpoint)
    assert_same_fit(one, again)
    assert again.history_["seconds"].tolist() == other.history_["seconds"].tolist()
    if not warm_start:
        return
    # A second call, of the fitted network.
    checkpoint = Checkpoint(tmp_path / "second", every=every)
    again = killed_and_resumed(again, three_classes, checkpoint, kill_after, 1)
    assert_same_fit(one.fit(*three_classes), again)
    for mlp in (one, again):
        mlp.set_params(early_stopping=False, class_weight=None)
        mlp.partial_fit(*three_classes)
    assert_same_weights(one, again)


def indicator(X, y):
    return X, np.eye(3, dtype=int)[y]


def soft(X, y):
    return X, 0.8 * np.eye(3)[y] + 0.2 / 3


def weighted(X, y):
    return X, y, np.linspace(0, 2, len(y))


def sparse(X, y):
    return csr_array(np.where(abs(X) > 1, X, 0)), np.array(["a", "b", "c"])[y]


@pytest.mark.parametrize("change", [indicator, soft, weighted, sparse])
def test_all_kinds_of_data_go_on(three_classes, tmp_path, kill_after, change):
    data = change(*three_classes)
    one = make_mlp(early_stopping=True).fit(*data)
    checkpoint = Checkpoint(tmp_path / "model")
    other = make_mlp(early_stopping=True)
    assert_same_fit(one, killed_and_resumed(other, data, checkpoint, kill_after, 4))


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_a_regressor_goes_on(three_classes, tmp_path, kill_after, loss):
    X, _ = three_classes
    data = X, np.exp(X[:, :2])
    settings = {"hidden_layer_sizes": 5, "loss": loss, "max_iter": 8, "random_state": 1}
    one = MLPRegressor(**settings).fit(*data)
    checkpoint = Checkpoint(tmp_path / "model")
    other = killed_and_resumed(
        MLPRegressor(**settings), data, checkpoint, kill_after, 3
    )
    assert_same_fit(one, other)
    assert one.target_shift_.tobytes() == other.target_shift_.tobytes()


def test_without_a_seed_a_fit_goes_on_with_its_random_numbers(
    three_classes, tmp_path, kill_after
):
    settings = {"random_state": None, "early_stopping": True, "dropout": 0.1}
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(0)  # noqa: NPY002, the generator of random_state=None
        one = make_mlp(**settings).fit(*three_classes)
        np.random.seed(0)  # noqa: NPY002
        checkpoint = Checkpoint(tmp_path / "model")
        kill_after(5)
        with pytest.raises(Killed):
            make_mlp(**settings).fit(*three_classes, checkpoint=checkpoint)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    other = make_mlp(**settings).fit(*three_classes, checkpoint=checkpoint)
    assert_same_weights(one, other)


def test_validation_data_go_on(three_classes, tmp_path, kill_after):
    X, y = three_classes
    validation = {"X_val": X[80:], "y_val": y[80:]}
    one = make_mlp().fit(X[:80], y[:80], **validation)
    arguments = validation | {"checkpoint": Checkpoint(tmp_path / "model")}
    kill_after(2)
    with pytest.raises(Killed):
        make_mlp().fit(X[:80], y[:80], **arguments)
    with pytest.raises(ValueError, match="of a fit with other data"):
        make_mlp().fit(X[:80], y[:80], **arguments | {"y_val": y[:40]})
    assert_same_fit(one, make_mlp().fit(X[:80], y[:80], **arguments))


def test_a_kill_can_come_at_any_moment(tmp_path):
    """kills.py ends processes by SIGKILL; by hand, of a hundred."""
    if os.name != "posix":
        pytest.skip("forks")
    run = [sys.executable, KILLS, "6", tmp_path]
    result = subprocess.run(run, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert re.search("6 kills, all went on with the same bits", result.stdout)


def test_it_is_written_every_n_epochs_and_after_the_last(
    three_classes, tmp_path, monkeypatch
):
    epochs = []
    original = checkpointing.write_file

    def write(file, content):
        original(file, content)
        epochs.append(export.load(file).history_.n_epochs)

    monkeypatch.setattr(checkpointing, "write_file", write)
    make_mlp().fit(*three_classes, checkpoint=Checkpoint(tmp_path / "a", every=4))
    assert epochs == [4, 8, 10]


def test_load_gives_the_network_as_it_was(three_classes, tmp_path, kill_after):
    kill_after(7)
    settings = {"early_stopping": True, "learning_rate_init": 1.0}
    with pytest.raises(Killed):
        make_mlp(**settings).fit(
            *three_classes, checkpoint=Checkpoint(tmp_path / "model")
        )
    loaded = export.load(tmp_path / "model")
    shorter = make_mlp(**settings, max_iter=7).fit(*three_classes)
    assert_same_fit(loaded, shorter)
    assert loaded.score(*three_classes) == shorter.score(*three_classes)


def test_it_says_which_version_wrote_it(three_classes, tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "model")
    one = make_mlp().fit(*three_classes, checkpoint=checkpoint)
    with safe_open(checkpoint.file, "numpy") as file:
        model = json.loads(file.metadata()["cymlp"])["model"]
    assert model["version"] == model_file.VERSION
    monkeypatch.setattr(model_file, "VERSION", "99.1")
    with pytest.warns(UserWarning, match=r"by cymlp [\d.]+; this is 99.1"):
        other = make_mlp().fit(*three_classes, checkpoint=checkpoint)
    assert_same_weights(one, other)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_iter": 11}, "with max_iter=10; this one has max_iter=11"),
        ({"loss": "focal"}, "loss='cross_entropy'; this one has loss='focal'"),
        ({"random_state": None}, "random_state=0; .* random_state=None"),
    ],
)
def test_another_fit_is_refused(three_classes, tmp_path, changed, message):
    checkpoint = Checkpoint(tmp_path / "model")
    make_mlp().fit(*three_classes, checkpoint=checkpoint)
    with pytest.raises(ValueError, match=f"checkpoint=.*{message}.*Delete the file"):
        make_mlp(**changed).fit(*three_classes, checkpoint=checkpoint)
    make_mlp(verbose=True).fit(*three_classes, checkpoint=checkpoint)


def test_other_data_are_refused(three_classes, tmp_path):
    X, y = three_classes
    checkpoint = Checkpoint(tmp_path / "model")
    make_mlp().fit(X, y, checkpoint=checkpoint)
    weights = np.arange(120.0)
    for data in ((X + 1e-5, y), (X, y[::-1]), (X, y, weights), (X[1:], y[1:])):
        with pytest.raises(ValueError, match="of a fit with other data"):
            make_mlp().fit(*data, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="X has 5 features"):
        make_mlp().fit(X[:, :5], y, checkpoint=checkpoint)


def test_another_estimator_is_refused(three_classes, tmp_path):
    X, y = three_classes
    checkpoint = Checkpoint(tmp_path / "model")
    make_mlp().fit(X, y, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="is a checkpoint of an MLPClassifier"):
        MLPRegressor().fit(X, X[:, 0], checkpoint=checkpoint)


def test_a_call_that_begins_elsewhere_is_refused(three_classes, tmp_path):
    checkpoint = Checkpoint(tmp_path / "model")
    mlp = make_mlp(warm_start=True).fit(*three_classes, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="after 0 epochs; this one begins after 10"):
        mlp.fit(*three_classes, checkpoint=checkpoint)


def test_a_model_file_is_not_replaced(three_classes, tmp_path):
    export.save(make_mlp().fit(*three_classes), tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    with pytest.raises(ValueError, match="is a model file, but not a checkpoint"):
        make_mlp().fit(*three_classes, checkpoint=Checkpoint(tmp_path / "model"))
    assert (tmp_path / "model").read_bytes() == before


def test_damage_is_refused(three_classes, tmp_path):
    checkpoint = Checkpoint(tmp_path / "model")
    make_mlp().fit(*three_classes, checkpoint=checkpoint)
    content = bytearray(checkpoint.file.read_bytes())
    content[-1] ^= 1
    checkpoint.file.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: its SHA-256"):
        make_mlp().fit(*three_classes, checkpoint=checkpoint)
    assert checkpoint.file.read_bytes() == content


def change(name, value):
    """Change a value of the state of training."""

    def spoil(model, tensors):
        model["training"][name] = value

    return spoil


def change_history(name, value):
    def spoil(model, tensors):
        figures, _ = model["training"]["history"][3]
        figures[name] = value

    return spoil


def change_array(name, change):
    def spoil(model, tensors):
        tensors[f"training.{name}"] = change(tensors[f"training.{name}"])

    return spoil


HOSTILE = {
    "count": (change("n_steps", -1), "its counts of training"),
    "count that is a float": (change("n_reductions", 1.0), "its counts of training"),
    "too many epochs": (change("n_before", 10), "its history of training"),
    "seed": (change("split_seed", 2**31), "its split_seed of training"),
    "monitor": (change("monitor", None), "its monitor of training"),
    "stopped": (change("has_stopped", 1), "its has_stopped of training"),
    "data": (change("data", 1), "its data of training"),
    "position": (change("random_state", [625, 0, 0.0]), "its random_state of training"),
    "normal": (change("random_state", [624, 2, 0.0]), "its random_state of training"),
    "patience": (change("patience", ["a", 0]), "its patience of training"),
    "best without arrays": (change("best", [1, 0.5, 3]), "its best of training"),
    "no history": (change("history", []), "its arrays of training"),
    "figure": (change_history("train_loss", "a"), "its history of training"),
    "name": (change_history("batches", 1), "multiple values"),
    "parameters": (
        change_array("parameters", lambda a: a.T.copy()),
        "its parameters of",
    ),
    "dtype": (change_array("parameters", np.float64), "its parameters of training"),
    "NaN": (change_array("parameters", lambda a: a * np.nan), "its parameters of"),
    "slots": (change_array("parameters", lambda a: a[:1]), "its parameters of"),
    "key": (change_array("random_state", lambda a: a[1:]), "its random_state of"),
    "batches": (change_array("batches.loss", lambda a: a[1:]), "its batches of"),
    "more batches": (change_array("batches.loss", lambda a: np.append(a, a)), "arrays"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_checkpoint_made_to_deceive_is_refused(three_classes, tmp_path, name):
    checkpoint = Checkpoint(tmp_path / "model")
    mlp = make_mlp(record_batches=True)
    mlp.fit(*three_classes, checkpoint=checkpoint)
    spoil, message = HOSTILE[name]
    rewrite(checkpoint.file, spoil)
    with pytest.raises(ValueError, match=f"is not a model file.*{message}"):
        make_mlp(record_batches=True).fit(*three_classes, checkpoint=checkpoint)


class UserLoss:
    def value_and_gradient(self, Z, T):
        return CrossEntropy().value_and_gradient(Z, T)


@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": UserLoss()},
        {"random_state": np.random.RandomState(0)},
        {"learning_rate": lambda epoch: 0.1},
    ],
)
def test_code_is_refused_before_training(three_classes, tmp_path, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"{name}=.*cannot be saved"):
        make_mlp(**parameters).fit(
            *three_classes, checkpoint=Checkpoint(tmp_path / "model")
        )
    assert not list(tmp_path.iterdir())


def test_an_error_in_writing_leaves_the_estimator_as_it_was(
    three_classes, tmp_path, monkeypatch
):
    def full(file, content):
        raise OSError(28, "No space left on device", os.fspath(file))

    monkeypatch.setattr(checkpointing, "write_file", full)
    mlp = make_mlp()
    names = set(vars(mlp))
    with pytest.raises(OSError, match="No space left"):
        mlp.fit(*three_classes, checkpoint=Checkpoint(tmp_path / "model"))
    assert set(vars(mlp)) == names


def test_a_missing_folder_is_found_before_training(three_classes, tmp_path):
    checkpoint = Checkpoint(tmp_path / "no" / "model")
    with pytest.raises(FileNotFoundError, match=r"existing folder; got .*no"):
        make_mlp().fit(*three_classes, checkpoint=checkpoint)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"file": 3}, TypeError, "file must be a str or path-like; got int"),
        ({"file": "a", "every": 0}, ValueError, "every == 0, must be >= 1"),
        ({"file": "a", "every": 1.5}, TypeError, "every must be an instance of int"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        Checkpoint(**arguments)


def test_fit_takes_nothing_else(three_classes):
    with pytest.raises(TypeError, match=r"must be a Checkpoint or None.*'x'"):
        MLPClassifier().fit(*three_classes, checkpoint="x")
