"""Hints: their tables name what exists, and what they say to write is accepted."""

import re

import numpy as np
import pytest
from sklearn.utils._param_validation import StrOptions

from cymlp import MLPClassifier
from cymlp._fit import hints
from cymlp._fit.hint_tables import FIT_NOTES, NAME_NOTES, NAMES, VALUE_NOTES, VALUES

PARAMETERS = MLPClassifier._get_param_names()


def in_words(table):
    return [word for words in table for word in words.split()]


def all_words():
    yield from in_words(NAMES.values())
    for table in (NAME_NOTES, FIT_NOTES, *VALUE_NOTES.values()):
        yield from in_words(table)
    for table in VALUES.values():
        yield from in_words(table.values())


def test_words_are_in_the_form_in_which_they_are_looked_up():
    assert [word for word in all_words() if hints._word(word) != word] == []


def test_tables_name_parameters_that_exist():
    for table in (NAMES, VALUES, VALUE_NOTES):
        assert table.keys() <= {*PARAMETERS}


def test_a_name_has_one_meaning():
    names = [*in_words(NAMES.values()), *in_words(NAME_NOTES)]
    assert len({*names}) == len(names)
    assert not {*names} & {hints._word(parameter) for parameter in PARAMETERS}
    for table in VALUES.values():
        words = in_words(table.values())
        assert len({*words}) == len(words)


CARRIED_OVER = [
    (parameter, word)
    for parameter, table in VALUES.items()
    for word in in_words(table.values())
]


@pytest.mark.parametrize(("parameter", "word"), CARRIED_OVER)
def test_what_a_hint_says_to_write_is_valid(parameter, word):
    given = {"true": True, "false": False, "none": None, "0": 0}.get(word, word)
    mlp = MLPClassifier(**{parameter: given})
    with pytest.raises(ValueError, match=f"'{parameter}' parameter") as info:
        mlp._validate_params()
    hint = str(info.value).partition(" instead. ")[2]
    assert re.search(r"\b[Ww]rite |^Did you mean ", hint)
    for name, value in re.findall(r"(\w+)=([^ ,;:?]+)", hint.removesuffix(".")):
        value = eval(value, {"numpy": np})
        MLPClassifier(**{name: value})._validate_params()


class Regressor(MLPClassifier):
    """As an estimator of real values has its losses."""

    _parameter_constraints = MLPClassifier._parameter_constraints | {
        "loss": [StrOptions({"huber", "squared_error"})]
    }


@pytest.mark.parametrize(
    ("loss", "hint"),
    [
        ("mse", "Write loss='squared_error'."),
        ("SmoothL1Loss", "Write loss='huber'."),
        ("hubber", "Did you mean loss='huber'?"),
        ("cross_entropy", "That is a loss for classes, not for real values."),
    ],
)
def test_hints_follow_the_values_that_an_estimator_accepts(loss, hint):
    assert hints.value_hint(Regressor(loss=loss), "loss") == f" {hint}"


def test_values_that_are_close_to_nothing_get_no_hint():
    for parameter, value in (("solver", "qqq"), ("momentum", -1), ("tol", "low")):
        mlp = MLPClassifier(**{parameter: value})
        with pytest.raises(ValueError, match=r"Got \S+ instead\.$"):
            mlp._validate_params()


def test_arrays_and_long_values_are_abbreviated():
    assert hints.shown_value(np.zeros((3, 4))) == "<ndarray of shape (3, 4)>"
    assert hints.shown_value([*range(99)]).endswith("8, 9, ...]")
    assert len(hints.shown_value("a" * 1000)) < 100
    assert hints.shown_value(float("inf")) == "numpy.inf"
    assert hints.shown_value(np.float64(0.5)) == repr(np.float64(0.5))
