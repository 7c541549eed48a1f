"""The docstrings of the installed package, compiled modules too, and their examples."""

import pytest
from doctests import MODULES, examples, examples_of, failures
from helpers import public_modules, public_objects
from numpydoc.validate import validate

# Codes of numpydoc for what is not required here: more than one sentence, a section
# "See Also", and return types without a name.
NOT_REQUIRED = {"ES01", "SA01", "RT02"}
# Only compiled code can use these.
WITHOUT_EXAMPLE = ("BoundActivation", "BoundLoss", "Compiled")


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_right(name):
    assert failures(examples_of(name, integration=False)) == ""


@pytest.mark.parametrize("module", public_modules(), ids=lambda m: m.__name__)
def test_public_modules_have_examples(module):
    assert examples(module)


@pytest.mark.parametrize("name", [*public_objects()])
def test_docstrings_follow_numpydoc(name):
    errors = dict(validate(name)["errors"])
    is_member = name.rsplit(".", 1)[0] not in MODULES
    if is_member or name.endswith(WITHOUT_EXAMPLE):
        errors.pop("EX01", None)
    # A protocol is not called; scikit-learn documents the parameters of its networks.
    if name.startswith(("cymlp.typing.", "cymlp.neural_network.")):
        errors.pop("PR01", None)
    assert errors.keys() <= NOT_REQUIRED, errors


def test_all_public_objects_are_found():
    found = {*public_objects()}
    assert {
        "cymlp.get_include", "cymlp.parallel.fit_many", "cymlp.export.load",
        "cymlp.losses.Focal", "cymlp.losses.Loss.value_and_gradient",
        "cymlp.history.History.batches", "cymlp.classifier.MLPClassifier.predict_proba",
    } <= found  # fmt: skip


def test_examples_of_compiled_modules_are_found():
    """Doctest by itself would pass over a compiled function it takes for another's."""
    from cymlp import activations

    found = {test.name for test in examples(activations)}
    assert {"cymlp.activations.Tanh", "cymlp.activations.Activation"} <= found
