"""The order in which a fit prepares its data, and how often it reads them."""

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.utils.validation
from helpers import make_mlp
from scipy.sparse import csr_array

from cymlp._engine import storage
from cymlp._fit import prepare
from cymlp.losses import Focal

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3
T = RNG.dirichlet(np.ones(3), 60)
DENSE = RNG.normal(size=(60, 8)).astype(np.float32)
SPARSE = np.where(RNG.random((60, 8)) < 0.1, DENSE, 0)
BY_FORM = {"dense": DENSE, "block sparse": SPARSE, "CSR": csr_array(SPARSE)}


def values_of(X):
    return X.data if isinstance(X, csr_array) else X


@pytest.fixture
def readings(monkeypatch):
    """The arrays that are stored or checked: a list of (reader, array)."""
    readings = []

    def watched(form):
        def store(inputs):
            stored = form.store(inputs)
            if stored is not None:
                readings.append((form.__name__, values_of(inputs.array)))
            return stored

        return SimpleNamespace(store=store)

    def check(X, *args, **kwargs):
        readings.append(("check", X))
        return original(X, *args, **kwargs)

    original = sklearn.utils.validation._assert_all_finite
    monkeypatch.setattr(sklearn.utils.validation, "_assert_all_finite", check)
    monkeypatch.setattr(storage, "FORMS", tuple(map(watched, storage.FORMS)))
    return readings


def readers_of(X, readings):
    """The readers of X, and how many of its values were checked."""
    own = [(name, read) for name, read in readings if np.shares_memory(read, X)]
    n_checked = sum(read.size for name, read in own if name == "check")
    return [name for name, _ in own if name != "check"], n_checked


@pytest.mark.parametrize(
    ("form", "reader"),
    [("dense", "Dense"), ("block sparse", "BlockSparse"), ("CSR", "CSR")],
)
def test_training_and_validation_data_are_read_once(readings, form, reader):
    X, X_val = BY_FORM[form], BY_FORM[form].copy()
    make_mlp(max_iter=3).fit(X, Y, X_val=X_val, y_val=Y)
    # The block sparse form checks the values while it encodes them.
    n_checked = 0 if form == "block sparse" else values_of(X).size
    for given in (X, X_val):
        assert readers_of(values_of(given), readings) == ([reader], n_checked)


@pytest.mark.parametrize("form", BY_FORM)
def test_held_out_samples_share_the_storage_of_the_others(readings, form):
    X = BY_FORM[form]
    make_mlp(max_iter=3, early_stopping=True).fit(X, Y)
    assert len(readers_of(values_of(X), readings)[0]) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("form", BY_FORM)
def test_validation_data_that_are_not_finite_are_refused_by_their_name(form, value):
    X_val = BY_FORM[form].copy()
    values_of(X_val)[-1] = value
    with pytest.raises(ValueError, match=r"X_val: Input X contains (NaN|infinity)"):
        make_mlp().fit(BY_FORM[form], Y, X_val=X_val, y_val=Y)


REFUSED = [
    ({"loss": "hinge"}, {"y": T}, "takes labels only, and y has rows"),
    (
        {"loss": "hinge"},
        {"X_val": DENSE, "y_val": T},
        "takes labels only, and y_val has rows",
    ),
    ({"hidden_layer_sizes": (3.5,)}, {}, "'hidden_layer_sizes'"),
    ({"hidden_layer_sizes": (0,)}, {}, "'hidden_layer_sizes'"),
    (
        {"activation": ["tanh", "relu"]},
        {},
        r"'activation'.*one value per hidden layer \(1\)",
    ),
    ({"activation": "swosh"}, {}, "'activation'"),
    ({"loss": "mse"}, {}, "'loss'"),
    ({"dropout": [0.1, 0.2]}, {}, r"'dropout'.*one value per hidden layer \(1\)"),
    ({"momentum": 1.0}, {}, "'momentum'"),
    ({"class_weight": {7: 1.0}}, {}, r"class_weight.*not among the classes: \[7\]"),
    ({"class_weight": dict.fromkeys(range(3), 0)}, {}, "class_weight.*positive"),
    ({}, {"y": None}, "requires y"),
    (
        {},
        {"y": Y[1:]},
        r"y must have one entry for each of the 60 samples of X; got 59",
    ),
    ({}, {"y": np.zeros(60)}, "at least 2 classes"),
    ({}, {"sample_weight": -np.ones(60)}, "sample_weight"),
    ({}, {"X_val": DENSE}, "given together; got None for y_val"),
    ({}, {"X_val": DENSE[:, :7], "y_val": Y}, "X_val: X has 7 features"),
    ({}, {"X_val": DENSE, "y_val": Y + 1}, r"y_val.*not among the classes: \[3\]"),
    ({}, {"X_val": DENSE, "y_val": Y[1:]}, "y_val: .*each of the 60 samples.*got 59"),
    (
        {},
        {"X_val": DENSE, "y_val": Y, "sample_weight_val": -np.ones(60)},
        "sample_weight_val",
    ),
    (
        {"early_stopping": True},
        {"sample_weight": np.arange(60) < 2},
        "validation_fraction=0.1 of 2 samples of positive weight",
    ),
    ({"loss": Focal(alpha=[1, 2])}, {}, "'alpha'.*3 classes"),
]


@pytest.fixture
def n_stored(monkeypatch):
    """How often X was stored."""
    calls = []

    def store(inputs):
        calls.append(inputs)
        return original(inputs)

    original = prepare.store
    monkeypatch.setattr(prepare, "store", store)
    return lambda: len(calls)


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize(("parameters", "arguments", "message"), REFUSED)
def test_other_arguments_are_refused_before_x_is_read(
    n_stored, parameters, arguments, message, scale
):
    arguments = {"X": np.full((60, 8), np.nan), "y": Y} | arguments
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make_mlp(scale=scale, **parameters).fit(**arguments)
    assert n_stored() == 0
    make_mlp(max_iter=1).fit(DENSE, Y, X_val=DENSE, y_val=Y)
    assert n_stored() == 2


def test_a_split_that_leaves_no_weight_is_refused_before_x_is_read(n_stored):
    mlp = make_mlp(early_stopping=True, validation_fraction=0.5)
    for index in range(60):
        with pytest.raises(ValueError, match="of 1 samples of positive weight"):
            mlp.fit(np.full((60, 8), np.nan), Y, np.arange(60) == index)
    assert n_stored() == 0


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("wrong", ["shape", "value"])
def test_weights_that_cannot_be_resumed_are_refused_before_x_is_read(
    n_stored, wrong, partial
):
    mlp = make_mlp(warm_start=True).fit(DENSE, Y)
    message = "coefs_ and intercepts_.*must be finite"
    if wrong == "shape":
        mlp.set_params(hidden_layer_sizes=(9,))
        message = r"hidden_layer_sizes=\(9,\) does not fit"
    else:
        mlp.coefs_[1][2, 1] = np.nan
    with pytest.raises(ValueError, match=message):
        (mlp.partial_fit if partial else mlp.fit)(np.full((60, 8), np.nan), Y)
    assert n_stored() == 1
