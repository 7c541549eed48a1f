"""Pages and docstrings that list all losses, activations or solvers are complete."""

import inspect
import re
from pathlib import Path

import pytest

import cymlp
from cymlp import MLPClassifier
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


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("activation", name) for name in sorted(ACTIVATIONS)),
        *(("loss", name) for name in sorted(losses_for("classes"))),
        *(("solver", name) for name in sorted(SOLVERS)),
    ],
)
def test_the_docstring_of_the_classifier_names_it(kind, name):
    text = inspect.getdoc(MLPClassifier)
    (entry,) = re.findall(rf"^{kind} :.*?(?=^\w)", text, re.MULTILINE | re.DOTALL)
    assert name in names_in(entry), (
        f"name {name!r} at the parameter {kind!r} of MLPClassifier, in classifier.py"
    )


@pytest.mark.parametrize("name", SOLVERS)
def test_the_stub_lists_the_solver(name):
    stub = Path(cymlp.__file__).with_name("classifier.pyi").read_text("utf-8")
    (listed,) = re.findall(r"solver: Literal\[(.*?)\]", stub, re.DOTALL)
    assert name in names_in(listed), f"list the solver {name!r} in classifier.pyi"
