"""Results of cymlp against golden values from PyTorch, without PyTorch.

data/write_pytorch.py wrote them to data/pytorch.npz.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import cymlp
from cymlp._engine.optimizers import SOLVERS
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES

with np.load(Path(__file__).parents[1] / "data" / "pytorch.npz") as file:
    GOLDEN = dict(file)
ABOUT = json.loads(GOLDEN["json"].tobytes())
DESIGN = ABOUT["design"]
CASES = DESIGN + ABOUT["more"]
ONE_OUTPUT = ABOUT["one_output"]

WRITE = "tests/data/write_pytorch.py"

# Parameters and losses are about 1. The largest differences seen after the 15 steps are
# 4e-7 and 1e-15.
FIT_TOLERANCE = {"float32": 4e-6, "float64": 1e-14}
# Units in the last place.
MEMBER_ULPS = 8


def assert_close(actual, golden, tolerance):
    """Within the tolerance, relative and absolute."""
    assert actual.dtype == golden.dtype
    np.testing.assert_allclose(actual, golden, rtol=tolerance, atol=tolerance)


def flat(model):
    """Weights and biases, layer by layer."""
    layers = zip(model.coefs_, model.intercepts_, strict=True)
    return np.concatenate([part.ravel() for layer in layers for part in layer])


def fit(case, convert=np.asarray, **changes):
    levels = case["levels"]
    X, y = GOLDEN[f"fit/{levels['X']}"], GOLDEN[f"fit/{case['targets']}"]
    if case in ONE_OUTPUT:
        y = y[:, 0]
    weights = GOLDEN["fit/sample_weight"] if levels["sample_weight"] else None
    if "label_weights" in levels:
        changes["class_weight"] = class_weight(levels["label_weights"])
    model = getattr(cymlp, case["estimator"])(
        loss=LOSSES[case["loss"]](**case["loss_settings"]),
        shuffle=False,
        learning_rate="constant",
        scale=None,
        n_iter_no_change=np.inf,
        **{"epsilon": 1e-8} | case["parameters"] | changes,
    )
    return model.fit(convert(X), y, sample_weight=weights)


def class_weight(label_weights):
    """The parameter for weights of the absence and the presence of each label."""
    if isinstance(label_weights, str):
        return label_weights
    return [dict(enumerate(pair)) for pair in label_weights]


def golden_fit(case):
    """Parameters and training losses of a case, computed by PyTorch."""
    group, cases = "one_output", ONE_OUTPUT
    if case not in ONE_OUTPUT:
        group = case["parameters"]["dtype"]
        cases = [other for other in CASES if other["parameters"]["dtype"] == group]
    row = cases.index(case)
    return [GOLDEN[f"fit/{group}/{name}"][row] for name in ("parameters", "train_loss")]


def name_of(case):
    return "-".join(map(str, case["levels"].values()))


MEMBERS = [
    *(("activation", name) for name in sorted(ACTIVATIONS)),
    *(("loss", name) for name in sorted(LOSSES)),
    *(("solver", name) for name in sorted(SOLVERS)),
]


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_members_have_golden_values(kind, name):
    golden = {
        "activation": {a for c in CASES for a in c["parameters"]["activation"]},
        "loss": {case["loss"] for case in CASES},
        "solver": {case["parameters"]["solver"] for case in CASES},
    }
    if name not in golden[kind]:
        pytest.skip(f"no golden values for the {kind} {name}; {WRITE} writes them")


def test_every_pair_of_levels_occurs():
    levels = {}
    for case in DESIGN:
        for factor, level in case["levels"].items():
            levels.setdefault(factor, {})[level] = None
    for one, other in itertools.combinations(levels, 2):
        found = {(case["levels"][one], case["levels"][other]) for case in DESIGN}
        missing = set(itertools.product(levels[one], levels[other])) - found
        assert not missing, f"{WRITE} made no fit with {one} and {other} {missing}"


# Activations and losses by themselves


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ABOUT["activations"])
def test_activations(name, dtype):
    value, derivative = GOLDEN[f"{dtype}/activation/{name}"].T
    U = GOLDEN[f"{dtype}/U"]
    activation = ACTIVATIONS[name]()
    A = activation.value(U)
    tolerance = MEMBER_ULPS * np.finfo(dtype).eps
    assert_close(A, value, tolerance)
    assert_close(activation.derivative(U, A), derivative, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("level", ABOUT["losses"])
def test_losses(level, dtype):
    name, settings, targets = ABOUT["losses"][level]
    golden = GOLDEN[f"{dtype}/loss/{level}"]
    loss, Z = LOSSES[name](**settings), GOLDEN[f"{dtype}/Z"]
    if getattr(loss, "log_link", False):
        Z = np.minimum(Z, 50)  # of which the exponentials are finite
    value, gradient = loss.value_and_gradient(Z, GOLDEN[f"{dtype}/{targets}"])
    tolerance = MEMBER_ULPS * np.finfo(dtype).eps
    assert_close(value, golden[:, 0], tolerance)
    assert_close(gradient, golden[:, 1:], tolerance)


# Fits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_first_weights(dtype):
    """With a float for `init`, the layers draw normal values one after the other."""
    case = next(case for case in CASES if case["parameters"]["dtype"] == dtype)
    # Such small steps do not change the weights and leave the biases next to 0.
    model = fit(
        case, solver="sgd", momentum=0.0, weight_decay=0.0, learning_rate_init=1e-300
    )
    golden = GOLDEN["fit/first"].astype(dtype)
    assert_close(flat(model), golden, 4 * np.finfo(dtype).eps)
    rng = np.random.RandomState(case["parameters"]["random_state"])
    for W in model.coefs_:
        drawn = rng.normal(0, case["parameters"]["init"], W.shape)
        np.testing.assert_array_equal(W, drawn.astype(dtype))


@pytest.mark.parametrize("convert", [np.asarray, csr_matrix], ids=["array", "csr"])
@pytest.mark.parametrize("case", CASES + ONE_OUTPUT, ids=name_of)
def test_fits(case, convert):
    """All forms of storing X: dense, block sparse with and without codebook, CSR.

    An array is stored as block sparse rows where its columns have mostly one value.
    """
    parameters, train_loss = golden_fit(case)
    model = fit(case, convert)
    tolerance = FIT_TOLERANCE[case["parameters"]["dtype"]]
    assert_close(flat(model), parameters, tolerance)
    assert_close(model.history_["train_loss"], train_loss, tolerance)
