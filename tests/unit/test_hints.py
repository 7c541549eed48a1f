"""Hints: their tables name what exists, and what they say to write is accepted."""

import re

import numpy as np
import pytest

from cymlp import MLPClassifier, MLPRegressor
from cymlp._fit import hints
from cymlp._fit.hint_tables import (
    FIT_NOTES,
    LOSS_NOTES_OF,
    NAME_NOTES,
    NAME_NOTES_OF,
    NAMES,
    VALUE_NOTES,
    VALUES,
)

ESTIMATORS = [MLPClassifier, MLPRegressor]
PARAMETERS = {name for cls in ESTIMATORS for name in cls._get_param_names()}


def in_words(table):
    return [word for words in table for word in words.split()]


def all_words():
    yield from in_words(NAMES.values())
    tables = (*NAME_NOTES_OF.values(), *LOSS_NOTES_OF.values(), *VALUE_NOTES.values())
    for table in (NAME_NOTES, FIT_NOTES, *tables):
        yield from in_words(table)
    for table in VALUES.values():
        yield from in_words(table.values())


def test_words_are_in_the_form_in_which_they_are_looked_up():
    assert [word for word in all_words() if hints._word(word) != word] == []


def test_tables_name_parameters_that_exist():
    for table in (NAMES, VALUES, VALUE_NOTES):
        assert table.keys() <= PARAMETERS


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_name_has_one_meaning(cls):
    own = cls._get_param_names()
    names = [
        *in_words(words for name, words in NAMES.items() if name in own),
        *in_words(NAME_NOTES | NAME_NOTES_OF[cls._target_kind]),
    ]
    assert len({*names}) == len(names)
    assert not {*names} & {hints._word(parameter) for parameter in own}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_value_has_one_meaning(cls):
    for parameter in VALUES.keys() & {*cls._get_param_names()}:
        constraints = cls._parameter_constraints[parameter]
        table = VALUES[parameter].items()
        words = in_words(w for one, w in table if hints._is_valid(one, constraints))
        assert len({*words}) == len(words)


CARRIED_OVER = [
    (cls, parameter, word)
    for cls in ESTIMATORS
    for parameter, table in VALUES.items()
    for word in in_words(table.values())
    if parameter in cls._get_param_names()
]


@pytest.mark.parametrize(("cls", "parameter", "word"), CARRIED_OVER)
def test_what_a_hint_says_to_write_is_valid(cls, parameter, word):
    given = {"true": True, "false": False, "none": None, "0": 0}.get(word, word)
    mlp = cls(**{parameter: given})
    if word in hints._options(cls._parameter_constraints[parameter]):
        mlp._validate_params()  # a score of the other estimator
        return
    with pytest.raises(ValueError, match=f"'{parameter}' parameter") as info:
        mlp._validate_params()
    hint = str(info.value).partition(" instead. ")[2]
    assert re.search(r"\b[Ww]rite |^Did you mean ", hint)
    for name, value in re.findall(r"(\w+)=([^ ,;:?]+)", hint.removesuffix(".")):
        value = eval(value, {"numpy": np})
        cls(**{name: value})._validate_params()


@pytest.mark.parametrize(
    ("cls", "loss", "hint"),
    [
        (MLPRegressor, "mse", "Write loss='squared_error'."),
        (MLPRegressor, "SmoothL1Loss", "Write loss='huber'."),
        (MLPRegressor, "hubber", "Did you mean loss='huber'?"),
        (
            MLPRegressor,
            "cross_entropy",
            "That is a loss for classes: use MLPClassifier to predict them. For real "
            "values write loss='squared_error'.",
        ),
        (
            MLPClassifier,
            "mse",
            "That is a loss for real values: use MLPRegressor to predict them. For "
            "classes write loss='cross_entropy'.",
        ),
    ],
)
def test_hints_follow_the_values_that_an_estimator_accepts(cls, loss, hint):
    assert hints.value_hint(cls(loss=loss), "loss") == f" {hint}"


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_losses_of_the_other_estimator_are_told_apart(cls):
    known = set(hints._options(cls._parameter_constraints["loss"]))
    others = {*hints.LOSSES} - known
    assert len(others) > 3
    for loss in others:
        assert "That is a loss for " in hints.value_hint(cls(loss=loss), "loss")


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
