"""The classifiers that are compared."""

import pytest

from benchmarks.defaults import data_sets
from benchmarks.defaults.fits import measure
from benchmarks.defaults.methods import CHANGES, CYMLP, INGREDIENTS, METHODS
from cymlp import MLPClassifier


def test_the_first_row_is_what_a_first_time_user_calls():
    estimator = METHODS[CYMLP].make(3)
    assert type(estimator) is MLPClassifier
    assert estimator.get_params() == MLPClassifier(random_state=3).get_params()


@pytest.mark.parametrize("title", CHANGES)
def test_every_change_differs_from_the_defaults(title):
    defaults = MLPClassifier().get_params()
    changed = INGREDIENTS[title].make(0).get_params(deep=False)
    differing = {
        name
        for name in defaults
        if name != "random_state" and changed[name] != defaults[name]
    }
    assert differing
    assert differing <= {*CHANGES[title]}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns(name):
    (rows,) = data_sets.splits("iris", [0])
    fit = measure(METHODS[name].make(0), rows)
    assert not fit.failed
    assert fit.accuracy > 0.9


def test_five_networks_differ_in_their_seeds():
    networks = INGREDIENTS["mean of five"].make(1).estimators
    assert [network.random_state for _, network in networks] == [5, 6, 7, 8, 9]
