"""Hints for arguments that users of other libraries carry over, or misspell.

An error about an argument ends with what to write instead. hint_tables.py has the names
and values of other libraries; the rest follows from the parameters and constraints of
the estimator. No hint is a value that the estimator would refuse.
"""

import inspect
import re
from difflib import get_close_matches
from functools import wraps
from numbers import Integral, Real
from reprlib import Repr

import numpy as np

from cymlp._fit.hint_tables import (
    FIT_NOTES,
    LOSS_NOTES_OF,
    NAME_NOTES,
    NAME_NOTES_OF,
    NAMES,
    VALUE_NOTES,
    VALUES,
)
from cymlp._sklearn import StrOptions, make_constraint
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES

BOOLEANS = {
    True: {"true", "yes", "on", "1"},
    False: {"false", "no", "off", "0", "none"},
}
NOTHING = object()


def explains_arguments(method):
    """Decorate a method to say what to write instead of arguments that it lacks."""
    positional, by_name = [], []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        is_positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        (positional if is_positional else by_name).append(parameter.name)
    allowed = {*positional, *by_name}

    @wraps(method)
    def checked(self, *args, **kwargs):
        if len(args) > len(positional):
            raise TypeError(_too_many(type(self), method, args, positional, by_name))
        unknown = {name: kwargs[name] for name in kwargs if name not in allowed}
        if unknown:
            raise TypeError(_unexpected(type(self), method, unknown))
        return method(self, *args, **kwargs)

    return checked


def _called(cls, method):
    return cls.__name__ if method.__name__ == "__init__" else method.__name__


def _too_many(cls, method, args, positional, by_name):
    names = ", ".join(f"{name}=" for name in by_name[:2])
    return (
        f"{_called(cls, method)} takes only {', '.join(positional)} by position; got "
        f"{len(args)} arguments, the last is {shown_value(args[-1])}. Write the others "
        f"with their names ({names}, and so on)."
    )


def _unexpected(cls, method, unknown):
    sentences = []
    for name, value in unknown.items():
        if method.__name__ == "__init__":
            hint = parameter_hint(cls, name, value) or _all_names(cls)
        else:
            hint = _fit_hint(cls, method, name, value)
        sentences.append(f"{name}={shown_value(value)}. {hint}")
    called = _called(cls, method)
    return f"{called} got an unexpected keyword argument {' Also '.join(sentences)}"


def _all_names(cls):
    return f"Valid parameters are: {cls._get_param_names()}."


def _fit_hint(cls, method, name, value):
    if hint := _note(FIT_NOTES, cls, name, value):
        return hint
    if (parameter := _renamed(cls, name)) is not None:
        assignment = _assignment(cls, parameter, value) or f"{parameter}=..."
        return f"It is a parameter of the class: write {cls.__name__}({assignment})."
    arguments = [*inspect.signature(method).parameters][1:]
    close = _close_match(name, arguments)
    return f"Did you mean {close}?" if close else f"It takes {', '.join(arguments)}."


def parameter_hint(cls, name, value):
    """What to write instead of a parameter that an estimator lacks, or ""."""
    if (parameter := _renamed(cls, name)) is not None:
        assignment = _assignment(cls, parameter, value)
        return f"Write {assignment}." if assignment else f"Its name is {parameter}."
    if hint := _note(NAME_NOTES | NAME_NOTES_OF[cls._target_kind], cls, name, value):
        return hint
    close = _close_match(name, cls._get_param_names())
    return f"Did you mean {close}?" if close else ""


def _renamed(cls, name):
    """The parameter whose name elsewhere is `name`, or None."""
    for parameter in cls._get_param_names():
        if _word(name) in (_word(parameter), *NAMES.get(parameter, "").split()):
            return parameter
    return None


def _assignment(cls, parameter, value):
    """A parameter with the value, or the one that is meant; "" if none is valid."""
    constraints = cls._parameter_constraints.get(parameter, [object])
    meant = _meant(parameter, value, constraints)
    return "" if meant is NOTHING else f"{parameter}={shown_value(meant)}"


def check_settable(estimator, params):
    """Refuse names of parameters that an estimator cannot set, as scikit-learn does."""
    for key, value in params.items():
        name, _, part = key.partition("__")
        invalid = f"Invalid parameter {key!r} for estimator {estimator}."
        if name not in estimator._get_param_names():
            cls = type(estimator)
            hint = parameter_hint(cls, name, value) or _all_names(cls)
            raise ValueError(f"{invalid} {hint}")
        owner = params.get(name, getattr(estimator, name))
        if part and not hasattr(owner, "set_params"):
            member = (ACTIVATIONS | LOSSES).get(str(owner))
            hint = f" Write {name}={member.__name__}({part}=...)." if member else ""
            raise ValueError(
                f"{invalid} {name}={shown_value(owner)} has no parameters to set.{hint}"
            )


def value_hint(estimator, name):
    """What to write instead of an invalid value: a space and a sentence, or ""."""
    value = getattr(estimator, name)
    constraints = estimator._parameter_constraints[name]
    if isinstance(value, type) and _is_valid(value, constraints):
        return f" Write {name}={value.__name__}()."
    meant = next(_valid_candidates(name, value, constraints), NOTHING)
    if meant is not NOTHING:
        return f" Write {name}={shown_value(meant)}."
    notes = VALUE_NOTES.get(name, {})
    if name == "loss":
        notes = notes | LOSS_NOTES_OF[type(estimator)._target_kind]
    if hint := _note(notes, type(estimator), value, value):
        return f" {hint}"
    close = _close_match(value, _options(constraints))
    return f" Did you mean {name}={close!r}?" if close else ""


def _is_valid(value, constraints):
    return any(make_constraint(one).is_satisfied_by(value) for one in constraints)


def _options(constraints):
    strings = [one.options for one in constraints if isinstance(one, StrOptions)]
    return [option for options in strings for option in sorted(options)]


def _meant(name, value, constraints):
    """The value if it is valid, otherwise the one that is meant, or NOTHING."""
    if _is_valid(value, constraints) and not isinstance(value, type):
        return value
    return next(_valid_candidates(name, value, constraints), NOTHING)


def _valid_candidates(name, value, constraints):
    for candidate in _candidates(name, value, constraints):
        is_new = repr(candidate) != repr(value)
        if is_new and _is_valid(candidate, constraints):
            yield candidate


def _candidates(name, value, constraints):
    """Values that may be meant, the most likely first."""
    if name == "hidden_layer_sizes":
        return _sizes(value)
    if isinstance(value, list | tuple):
        meant = [_meant(name, one, constraints) for one in value]
        return [] if any(one is NOTHING for one in meant) else [meant]
    word = _word(value)
    candidates = [*_translations(name, word)]
    candidates += [one for one in _options(constraints) if word == _word(one)]
    if "boolean" in constraints or "verbose" in constraints:
        candidates += [choice for choice, words in BOOLEANS.items() if word in words]
    candidates += _numbers(value)
    return [*candidates, *(_dtypes(value) if name == "dtype" else ())]


def _translations(name, word):
    """Values that have this name elsewhere."""
    for value, words in VALUES.get(name, {}).items():
        if word in words.split():
            yield value


def _numbers(value):
    """The number that a string or a float stands for, as an int if possible."""
    if not isinstance(value, str | Real) or isinstance(value, bool):
        return []
    try:
        number = float(value)
    except ValueError:
        return []
    return [int(number), number] if number.is_integer() else [number]


def _dtypes(value):
    """The name of the dtype that NumPy makes of a value, and float32."""
    try:
        # PyTorch's are printed as "torch.float64".
        text = str(value).rpartition(".")[2]
        dtype = np.dtype(value if isinstance(value, type) else text)
    except (SyntaxError, TypeError, ValueError):  # NumPy parses some strings as Python
        return []
    return [dtype.name, "float32"]


def _sizes(value):
    """Sizes of layers as a tuple of int, from strings or floats."""
    if isinstance(value, str):
        value = re.findall(r"\d+", value)
    given = np.ravel(value).tolist() if isinstance(value, np.ndarray) else value
    given = given if isinstance(given, list | tuple) else [given]
    sizes = [next(iter(_numbers(one)), 0) for one in given]
    is_sound = all(isinstance(size, Integral) and size > 0 for size in sizes)
    return [tuple(sizes)] if sizes and is_sound else []


def _note(notes, cls, name, value):
    """The note for a name, or for a value as its own name; "" if there is none."""
    kinds = [_word(name)]
    if isinstance(name, Real) and not isinstance(name, bool):
        kinds.append("number")
    if callable(name) and not isinstance(name, type):
        kinds.append("function")
    for kind in kinds:
        for words, note in notes.items():
            if kind in words.split():
                return note.format(value=shown_value(value), estimator=cls.__name__)
    return ""


def _close_match(name, names):
    """The name that differs by a few letters only, or None."""
    by_word = {_word(one): one for one in names}
    found = get_close_matches(_word(name), by_word, 1, 0.7)
    return by_word[found[0]] if found else None


def _word(value):
    """The name of a value in lower case, letters and digits only.

    This is "leakyrelu" for "Leaky ReLU", torch.nn.LeakyReLU and torch.nn.LeakyReLU().
    """
    if not isinstance(value, str | Real | None):
        value = getattr(value, "__name__", type(value).__name__)
    return re.sub("[^a-z0-9]", "", str(value).lower())


def shown_value(value):
    """A value as code, long ones abbreviated."""
    if isinstance(value, float) and value == np.inf:
        return "numpy.inf"
    return _Abbreviation().repr(value)


class _Abbreviation(Repr):
    def __init__(self):
        super().__init__()
        self.maxother = self.maxstring = 80
        self.maxtuple = self.maxlist = 10

    def repr_instance(self, value, level):
        if getattr(value, "shape", ()):  # an array or a data frame, of several lines
            return f"<{type(value).__name__} of shape {value.shape}>"
        return super().repr_instance(value, level)
