"""The examples in the docstrings of the installed package, compiled modules too."""

import doctest
import importlib
import pkgutil
import re

import pytest

import cymlp

MODULES = [
    cymlp.__name__,
    *(m.name for m in pkgutil.walk_packages(cymlp.__path__, f"{cymlp.__name__}.")),
]


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


def public_callables(module):
    return [
        name
        for name, member in vars(module).items()
        if callable(member)
        and not name.startswith("_")
        and getattr(member, "__module__", None) == module.__name__
    ]


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


def test_examples_of_compiled_modules_are_found():
    """Doctest by itself would pass over a compiled function it takes for another's."""
    from cymlp import activations

    found = {test.name for test in examples(activations)}
    assert {"cymlp.activations.Tanh", "cymlp.activations.known"} <= found
