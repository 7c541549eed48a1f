"""The public interface as lines of text: names, with the signatures of callables.

``python tests/public_interface.py`` prints it. tests/data/public_interface.txt is what
has been promised; append to it what a release adds.
"""

import inspect

from helpers import public_modules, with_members

import cymlp


def interface():
    """One line for each public name."""
    for namespace in (cymlp, *public_modules()):
        yield namespace.__name__
        for name in namespace.__all__:
            full_name = f"{namespace.__name__}.{name}"
            thing = getattr(namespace, name)
            yield full_name + signature(thing)
            for member in members(thing):
                yield f"{full_name}.{member}{signature(getattr(thing, member))}"


def members(thing):
    """Names of the public methods and properties of a class."""
    if not inspect.isclass(thing):
        return []
    _, *full_names = with_members(thing)
    names = (name.rpartition(".")[2] for name in full_names)
    return [name for name in names if not name.endswith("_request")]  # scikit-learn's


def signature(thing):
    """The arguments of a callable; nothing for other objects."""
    if not callable(thing) or getattr(thing, "_is_protocol", False):
        return ""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):  # a compiled class
        return ""
    return f"({', '.join(p.name for p in parameters if p.name != 'self')})"


if __name__ == "__main__":
    print(*interface(), sep="\n")
