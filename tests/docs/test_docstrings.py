"""The docstrings of the installed package, compiled modules too, and their examples."""

import doctest
import importlib
import pkgutil
import re

import pytest
from helpers import public_callables, public_objects

import cymlp

MODULES = [
    cymlp.__name__,
    *(m.name for m in pkgutil.walk_packages(cymlp.__path__, f"{cymlp.__name__}.")),
]

# What numpydoc asks for and we do not, by its own codes: more than one sentence, names
# of others to see, and types without the name of what is returned.
NOT_ASKED_FOR = {"ES01", "SA01", "RT02"}
# Only compiled code can make or use these.
WITHOUT_EXAMPLE = ("BoundLoss", "Compiled")


class AnyNumPy(doctest.OutputChecker):
    """NumPy 2 prints np.float64(0.5) for what NumPy 1 prints as 0.5."""

    def check_output(self, want, got, optionflags):
        want, got = (
            re.sub(r"np\.(?:float|int|bool|str)\w*\((.*?)\)", r"\1", text)
            for text in (want, got)
        )
        return super().check_output(want, got, optionflags)


def examples(module):
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_right(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(AnyNumPy())
    report = []
    results = [runner.run(test, out=report.append) for test in examples(module)]
    assert sum(result.failed for result in results) == 0, "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_module_with_public_callables_has_examples(name):
    module = importlib.import_module(name)
    if public_callables(module):
        assert examples(module)


@pytest.mark.parametrize("name", [*public_objects()])
def test_it_is_as_numpydoc_wants_it(name):
    validate = pytest.importorskip("numpydoc.validate").validate
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
