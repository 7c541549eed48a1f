"""What several test files use to fit networks and to compare them."""

import importlib.util
import inspect
import os
import re
import shlex

import numpy as np
import pytest

import cymlp
from cymlp import MLPClassifier

COMPILER = shlex.split(os.environ.get("CC", "cc"))

HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn before 1.9 has no callbacks"
)

# The import names of packages in the group "integration", which the core tests lack.
INTEGRATION = re.compile("dask|distributed|mlflow|onnx|optuna|polars|tensorboardX")


def needs_integration(code):
    """Whether the code of a page or a docstring uses one of these packages."""
    return INTEGRATION.search(code) is not None


# A small network that trains by SGD for a fixed number of epochs.
SMALL_MLP = {
    "hidden_layer_sizes": (8,),
    "activation": "tanh",
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "learning_rate": "constant",
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 1e-4,
    "batch_size": 100,
    "max_iter": 10,
    "scale": None,
    "n_iter_no_change": np.inf,
    "monitor": "accuracy",
    "random_state": 0,
}


def make_mlp(**parameters):
    """A classifier with the settings of SMALL_MLP, except for those given."""
    return MLPClassifier(**SMALL_MLP | parameters)


def assert_same_weights(one, other):
    """That two networks have the same bits."""
    for a, b in zip(
        one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def assert_same_history(one, other):
    """That two networks report the same, but for the time that it took."""
    assert set(one.history_) == set(other.history_)
    for column in set(one.history_) - {"seconds"}:
        np.testing.assert_array_equal(
            one.history_[column], other.history_[column], err_msg=column
        )


def public_modules():
    """The modules that ``cymlp.__all__`` names."""
    return [m for m in map(vars(cymlp).get, cymlp.__all__) if inspect.ismodule(m)]


def public_objects():
    """Full names of all public functions and classes, with their public members."""
    for namespace in (cymlp, *public_modules()):
        for name in namespace.__all__:
            thing = getattr(namespace, name)
            if callable(thing):
                yield from with_members(thing)


def with_members(thing):
    name = f"{thing.__module__}.{thing.__qualname__}"
    yield name
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            documented = isinstance(value, property) or callable(getattr(thing, member))
            if member[0] != "_" and documented:
                yield f"{name}.{member}"
