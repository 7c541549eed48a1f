"""Find and run the examples in the docstrings of the installed package."""

import doctest
import importlib
import pkgutil
import re

from helpers import needs_integration

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


def examples_of(name, integration):
    """The examples of a module that need the group "integration", or all others."""
    return [
        test
        for test in examples(importlib.import_module(name))
        if needs_integration("".join(one.source for one in test.examples))
        == integration
    ]


def failures(tests):
    """Run examples and report those that fail."""
    runner = doctest.DocTestRunner(AnyNumPy())
    report = []
    for test in tests:
        runner.run(test, out=report.append)
    return "".join(report)
