"""The number of threads changes nothing but the time."""

import pickle
import threading
import warnings

import numpy as np
import pytest
from helpers import SMALL_MLP, make_mlp
from members import ACTIVATIONS, ALL_LOSSES, SOLVERS
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from twin_training import UserTanh

from cymlp import MLPClassifier, MLPRegressor, fit_many, neural_network
from cymlp._engine.team import Team
from cymlp._fit import cores
from cymlp._fit.cores import Cores

N_SAMPLES, N_FEATURES, N_CLASSES = 300, 40, 4


@pytest.fixture(autouse=True)
def teams(monkeypatch):
    """Let small fits have seven threads, all of which take part; list the teams."""
    made = []

    def patient_team():
        made.append(Team(is_patient=True))
        return made[-1]

    monkeypatch.setattr(cores, "available", lambda: 7)
    # Fits that other tests interrupt hold cores until they are collected.
    monkeypatch.setattr(cores, "cores", Cores())
    for module in "_fit.training", "neural_network._objective":
        monkeypatch.setattr(f"cymlp.{module}.n_multiplications", lambda *_: 1e12)
    monkeypatch.setattr(cores, "Team", patient_team)
    return made


def data(form, target_kind="classes"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SAMPLES, N_FEATURES))
    scores = X[:, :N_CLASSES]
    targets = {
        "classes": scores.argmax(axis=1),
        "labels": (scores > 0).astype(int),
        "values": np.exp(scores),
    }
    if form != "dense":
        X = np.where(rng.random(X.shape) < 0.1, X, 0)
    return (csr_array(X) if form == "csr" else X), targets[target_kind]


def result(n_threads, form="dense", **parameters):
    """Everything that a fit leaves behind, as bytes, but for the times."""
    settings = {
        "hidden_layer_sizes": (50, 30), "batch_size": 64, "max_iter": 3,
        "monitor": "loss",
    }  # fmt: skip
    kind = getattr(parameters.get("loss"), "target_kind", "classes")
    Estimator = MLPRegressor if kind == "values" else MLPClassifier
    mlp = Estimator(n_threads=n_threads, **SMALL_MLP | settings | parameters)
    X, y = data(form, kind)
    mlp.fit(X[:250], y[:250], X_val=X[250:], y_val=y[250:])
    return as_bytes(mlp)


def as_bytes(mlp):
    history = {name: mlp.history_[name] for name in mlp.history_ if name != "seconds"}
    state = vars(mlp) | {"n_threads": None, "history_": history}
    return pickle.dumps(state)


def assert_threads_change_nothing(teams, **parameters):
    expected = result(1, **parameters)
    for n_threads in 2, 3, 7:
        assert result(n_threads, **parameters) == expected
        assert len(teams[-1].n_done) == n_threads
        assert min(teams[-1].n_done) > 0


FORMS = pytest.mark.parametrize("form", ["dense", "block_sparse", "csr"])


@FORMS
@pytest.mark.parametrize("solver", SOLVERS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_fit(teams, form, solver, dtype):
    assert_threads_change_nothing(teams, form=form, dtype=dtype, **solver)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, UserTanh()], ids=repr)
def test_any_activation_gives_the_same_fit(teams, activation):
    assert_threads_change_nothing(teams, activation=activation)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_any_loss_gives_the_same_fit(teams, loss):
    assert_threads_change_nothing(teams, loss=loss)


@FORMS
@pytest.mark.parametrize("kind", ["classes", "labels", "values"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_the_networks_of_neural_network_are_the_same(
    teams, monkeypatch, solver, kind, form
):
    X, y = data(form, kind)
    fits = []
    name = "MLPRegressor" if kind == "values" else "MLPClassifier"
    for n_threads in 1, 2, 3, 7:
        monkeypatch.setattr(cores, "available", lambda n=n_threads: n)
        mlp = getattr(neural_network, name)(
            hidden_layer_sizes=(50, 30), solver=solver, max_iter=3, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits.append(pickle.dumps(vars(mlp.fit(X, y))))
        assert n_threads == 1 or len(teams[-1].n_done) == n_threads
        assert n_threads == 1 or min(teams[-1].n_done) > 0
    assert all(fit == fits[0] for fit in fits)


@FORMS
@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.2},
        {"class_weight": "balanced"},
        {"learning_rate": "adaptive"},
        {"early_stopping": True, "monitor": "loss"},
        {"record_batches": True, "diagnostics": True},
        {"warm_start": True},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_any_setting_gives_the_same_fit(teams, form, parameters):
    assert_threads_change_nothing(teams, form=form, **parameters)


@pytest.mark.parametrize("scale", ["standard", (1.0, 2.0)])
@pytest.mark.parametrize("form", ["dense", "block_sparse"])
def test_any_scale_gives_the_same_fit(teams, form, scale):
    assert_threads_change_nothing(teams, form=form, scale=scale)


def test_partial_fit_and_many_fits_at_once_give_the_same(teams):
    X, y = data("dense")
    fits = []
    for n_threads in 1, 3:
        mlp = make_mlp(n_threads=n_threads)
        for part in slice(0, 100), slice(100, None):
            mlp.partial_fit(X[part], y[part], classes=range(N_CLASSES))
        many = [make_mlp(n_threads=n_threads, random_state=seed) for seed in range(3)]
        fits.append([as_bytes(each) for each in [mlp, *fit_many(many, X, y, n_jobs=3)]])
    assert fits[0] == fits[1]
    assert max(len(team.n_done) for team in teams) > 1


def test_all_threads_end_whatever_happens(teams):
    before = threading.active_count()
    X, y = data("dense")
    with pytest.raises(ValueError, match="Training diverged"):
        make_mlp(learning_rate_init=1e30).fit(X, y)
    assert threading.active_count() == before

    class Failing:
        def value_and_gradient(self, Z, T):
            raise LookupError("a user's own")

    with pytest.raises(LookupError, match="a user's own"):
        make_mlp(loss=Failing()).fit(X, y)
    assert threading.active_count() == before
    assert len(teams) == 2
    assert not cores.cores._held


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, "all"])
def test_other_numbers_of_threads_are_refused(n_threads):
    with pytest.raises(ValueError, match="The 'n_threads' parameter of MLPClassifier"):
        make_mlp(n_threads=n_threads).fit(*data("dense"))
