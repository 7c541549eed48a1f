"""Random data and parameters for the fuzzer, as strategies of Hypothesis."""

import tempfile
from typing import NamedTuple

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_array, csr_matrix

from cymlp import MLPClassifier, MLPRegressor, activations, losses
from cymlp.activations import LeakyRelu
from cymlp.losses import CrossEntropy, Focal, Hinge, Huber, Quantile

N_ROWS = 24  # of which each call takes a part


class UserPart:
    def __repr__(self):
        return f"{type(self).__name__}()"


class UserTanh(UserPart):
    def value(self, U):
        return np.tanh(U)

    def derivative(self, U, A):
        return 1 - A**2


class UserLoss(UserPart):
    """Squared error of the scores."""

    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


class Data(NamedTuple):
    """Rows to train on: float64 values, and the targets of an estimator's kind."""

    kind: str
    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray


@st.composite
def data(draw):
    """Values that float16 can represent, so that every container has the same."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_features = draw(st.sampled_from([1, 2, 7, 16, 40]))
    X = rng.normal(size=(N_ROWS, n_features)).astype(np.float16).astype(np.float64)
    density = draw(st.sampled_from([1.0, 0.3, 0.05]))
    fill = draw(st.sampled_from([0.0, 0.0, 1.5]))
    X = np.where(rng.random(X.shape) < density, X, fill)
    if draw(st.booleans()):
        X = np.rint(2 * X)
    kind = draw(st.sampled_from(["classes", "strings", "soft", "labels", "values"]))
    n_outputs = draw(st.integers(2, 4))
    y = rng.permutation(np.arange(N_ROWS) % n_outputs)
    if kind == "strings":
        y = np.array(["ant", "bee", "cat", "dog"])[y]
    elif kind == "soft":
        y = rng.dirichlet(np.ones(n_outputs), N_ROWS)
    elif kind == "labels":
        y = (rng.random((N_ROWS, n_outputs)) < 0.4).astype(int)
    elif kind == "values":
        y = rng.gamma(2, size=(N_ROWS, n_outputs))
        y = y[:, 0] if draw(st.booleans()) else y
    weights = np.where(rng.random(N_ROWS) < 0.2, 0, rng.uniform(0, 2, N_ROWS))
    return Data(kind, X, y, weights)


def _layout(X):
    """A view of every second row and column of a larger array, written backwards."""
    larger = np.full((2 * len(X), 2 * X.shape[1]), np.nan)
    view = larger[::-2, ::-2]
    view[...] = X
    return view


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def _memory_map(dtype):
    def make(X):
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, dtype, "w+", shape=X.shape)
        mapped[...] = X
        return mapped

    return make


def _unsorted(X):
    """CSR with the indices of each row backwards, and explicit zeros."""
    rows, columns = np.indices(X.shape).reshape(2, -1)[:, ::-1]
    order = np.argsort(rows, kind="stable")
    rows, columns = rows[order], columns[order]
    kept = (X[rows, columns] != 0) | (columns % 3 == 0)
    rows, columns = rows[kept], columns[kept]
    indptr = np.concatenate([[0], np.bincount(rows, minlength=len(X)).cumsum()])
    return csr_array((X[rows, columns], columns, indptr), shape=X.shape)


# Functions that store float64 values. Those of a group give a fit the same bits. Memory
# maps are groups of their own: they have another limit for block sparse storage.
CONTAINERS = {
    "dense": {
        "C": np.array,
        "Fortran": np.asfortranarray,
        "list": lambda X: X.tolist(),
        "frame": pd.DataFrame,
        "views": _layout,
        "read-only": _read_only,
        "big-endian": lambda X: X.astype(">f8"),
        "objects": lambda X: X.astype(object),
    },
    "float32": {"C": np.float32, "again": np.float32},
    "float16": {"C": np.float16, "again": np.float16},
    "memory map": {"float64": _memory_map("f8"), "again": _memory_map("f8")},
    "sparse": {
        "CSR": csr_array,
        "matrix": csr_matrix,
        "CSC": lambda X: csr_array(X).tocsc(),
        "COO": coo_matrix,
        "unsorted": _unsorted,
        "64-bit": lambda X: _with_indices(csr_array(X), np.int64),
    },
}
INTEGERS = {
    "bytes": {"C": np.int8, "Fortran": lambda X: np.asfortranarray(np.int8(X))},
    "shorts": {"C": np.int16, "Fortran": lambda X: np.asfortranarray(np.int16(X))},
    "mapped shorts": {"int16": _memory_map("i2"), "again": _memory_map("i2")},
    "integers": {"int32": np.int32, "int64": np.int64},
}


def _with_indices(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def containers(X):
    """A group of containers that hold X, as a strategy."""
    groups = list(CONTAINERS.values())
    if (np.rint(X) == X).all() and np.abs(X).max() < 100:
        groups += INTEGERS.values()
    return st.sampled_from(groups)


ACTIVATIONS = [*sorted(activations.ACTIVATIONS), LeakyRelu(negative_slope=0.2)]
LOSSES = {
    kind: [name for name, member in losses.LOSSES.items() if member.target_kind == kind]
    for kind in ("classes", "labels", "values")
}
LOSSES["classes"] += [
    CrossEntropy(label_smoothing=0.1), Focal(gamma=0.5), Hinge(margin=1, softmax=True),
    UserLoss(),
]  # fmt: skip
LOSSES["soft"] = ["cross_entropy", "kl_div", "focal", UserLoss()]
LOSSES["values"] += [Huber(0.5), Quantile(0.9)]
LOSSES["strings"] = LOSSES["classes"]

COMMON = {
    "solver": ["sgd", "adam"],
    "learning_rate_init": [1e-3, 0.05, 0.3],
    "learning_rate": ["constant", "cosine", "invscaling", "adaptive"],
    "momentum": [0.0, 0.9],
    "nesterovs_momentum": [False, True],
    "beta_1": [0.0, 0.9],
    # Gradients that are 0 but for their rounding must not count.
    "epsilon": [1e-2, 1e-3],
    "weight_decay": ["auto", 0.0, 0.01],
    "dropout": [0.0, 0.3],
    "batch_size": ["auto", 1, 5, 16, 1000],
    "max_iter": [1, 2, 4],
    "init": ["auto", 0.3],
    "scale": ["auto", "standard", "minmax", None, (0, 2)],
    "shuffle": [False, True],
    "random_state": [0, 1, 2**32 - 1],
    "tol": [0.0, 1e-4, 0.1],
    "n_iter_no_change": [1, 10, np.inf],
    "early_stopping": [False, True],
    "validation_fraction": [0.1, 0.4],
    "record_batches": [False, True],
    "diagnostics": [False, True],
}


def parameters(kind):
    """Names and values of parameters that a later call may change, as a strategy."""
    choices = {name: st.sampled_from(values) for name, values in COMMON.items()}
    choices["loss"] = st.sampled_from(LOSSES[kind])
    if kind == "values":
        choices["target_scale"] = st.sampled_from(["standard", None, (0, 2)])
    elif kind != "labels":
        choices["class_weight"] = st.sampled_from([None, "balanced"])
    return st.fixed_dictionaries({}, optional=choices)


@st.composite
def estimators(draw, kind):
    """An estimator for targets of a kind."""
    hidden = draw(st.lists(st.integers(1, 18), max_size=3))
    activation = draw(
        st.sampled_from([*ACTIVATIONS, UserTanh()])
        | st.lists(
            st.sampled_from(ACTIVATIONS), min_size=len(hidden), max_size=len(hidden)
        )
    )
    fixed = {
        "hidden_layer_sizes": hidden,
        "activation": activation,
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "max_iter": 3,
        "random_state": 0,
        "epsilon": 1e-2,
    }
    estimator = MLPRegressor if kind == "values" else MLPClassifier
    return estimator(**fixed | draw(parameters(kind)))
