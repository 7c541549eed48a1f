"""Pages and docstrings that list all losses, activations or solvers are complete."""

import inspect
import re
from pathlib import Path

import pytest

import cymlp
from cymlp import MLPClassifier, MLPRegressor
from cymlp._engine.optimizers import SOLVERS
from cymlp._fit.architecture import losses_for
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES

ROOT = Path(__file__).parents[2]
PAGES = {
    "activation": ["README.md", "docs/coming-from-scikit-learn.md"],
    "loss": ["README.md", "docs/losses.md"],
    "solver": ["README.md", "docs/coming-from-scikit-learn.md"],
}
REGISTRIES = {"activation": ACTIVATIONS, "loss": LOSSES, "solver": SOLVERS}
EVERY_MEMBER = pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in REGISTRIES for name in sorted(REGISTRIES[kind])],
)


def names_in(text):
    """Words in backticks or quotation marks."""
    return {*re.findall(r"[`\"](\w+)[`\"]", text)}


@EVERY_MEMBER
def test_pages_name_it(kind, name):
    missing = [
        page
        for page in PAGES[kind]
        if name not in names_in((ROOT / page).read_text("utf-8"))
    ]
    assert not missing, f"name the {kind} {name!r} in {' and '.join(missing)}"


def entry(estimator, parameter):
    """What the docstring says about a parameter."""
    text = inspect.getdoc(estimator)
    pattern = rf"^{parameter} :.*?(?=^\w)"
    (found,) = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize(
    ("estimator", "kind", "name"),
    [
        (estimator, kind, name)
        for estimator in (MLPClassifier, MLPRegressor)
        for kind, members in {
            "activation": ACTIVATIONS,
            "loss": losses_for(*estimator._target_kinds),
            "solver": SOLVERS,
        }.items()
        for name in sorted(members)
    ],
)
def test_the_docstrings_of_the_estimators_name_it(estimator, kind, name):
    assert name in names_in(entry(estimator, kind)), (
        f"name {name!r} at the parameter {kind!r} of {estimator.__name__}"
    )


@pytest.mark.parametrize("stub", ["classifier.pyi", "regressor.pyi"])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_stubs_list_the_solver(name, stub):
    text = Path(cymlp.__file__).with_name(stub).read_text("utf-8")
    (listed,) = re.findall(r"solver: Literal\[(.*?)\]", text, re.DOTALL)
    assert name in names_in(listed), f"list the solver {name!r} in {stub}"


# Parameters whose text or default depends on the targets.
DIFFERENT = {"loss", "monitor", "validation_fraction", "weight_decay"}


def parameters(estimator):
    return [*inspect.signature(estimator).parameters]


@pytest.mark.parametrize(
    "name", sorted({*parameters(MLPClassifier)} & {*parameters(MLPRegressor)})
)
def test_the_estimators_say_the_same_about_their_common_parameters(name):
    name = {"beta_1": "beta_1, beta_2", "beta_2": "beta_1, beta_2"}.get(name, name)
    same = entry(MLPClassifier, name) == entry(MLPRegressor, name)
    assert same is (name not in DIFFERENT), (
        f"make the texts on {name!r} equal in classifier.py and regressor.py"
    )
