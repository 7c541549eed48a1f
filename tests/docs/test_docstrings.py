"""The docstrings of the installed package, compiled modules too, and their examples."""

import importlib

import pytest
from doctests import MODULES, examples, examples_of, failures
from helpers import public_callables, public_objects
from numpydoc.validate import validate

# What numpydoc asks for and we do not, by its own codes: more than one sentence, names
# of others to see, and types without the name of what is returned.
NOT_ASKED_FOR = {"ES01", "SA01", "RT02"}
# Only compiled code can make or use these.
WITHOUT_EXAMPLE = ("BoundLoss", "Compiled")


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_right(name):
    assert failures(examples_of(name, integration=False)) == ""


@pytest.mark.parametrize("name", MODULES)
def test_module_with_public_callables_has_examples(name):
    module = importlib.import_module(name)
    if public_callables(module):
        assert examples(module)


@pytest.mark.parametrize("name", [*public_objects()])
def test_it_is_as_numpydoc_wants_it(name):
    errors = dict(validate(name)["errors"])
    is_member = name.rsplit(".", 1)[0] not in MODULES
    if is_member or name.endswith(WITHOUT_EXAMPLE):
        errors.pop("EX01", None)
    if name.startswith("cymlp.typing."):  # nobody calls a protocol
        errors.pop("PR01", None)
    assert errors.keys() <= NOT_ASKED_FOR, errors


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
    assert {"cymlp.activations.Tanh", "cymlp.activations.known"} <= found
