"""Networks: their runs, and the agreement of the published values with them."""

import math

import numpy as np
import pytest

from benchmarks.report import agreement, networks, sections
from benchmarks.report.networks import Key, Network
from benchmarks.report.rows import METRICS

SETTINGS = {"hidden_layer_sizes": [28], "activation": "tanh", "loss": "hinge"}
MAKER = {"processor": "one", "instruction_set": "plain", "versions": {"numpy": "2"}}


def make_network(values, published, figure=1, name="", kind="stated"):
    """A network whose four metrics are all the same."""
    row = {"figure": figure, "published": dict.fromkeys(METRICS, published)}
    runs = [
        {"figure": figure, "name": name, "kind": kind, "settings": SETTINGS,
         "seed": seed, "measures": {"epochs": value}, **MAKER,
         **dict.fromkeys(METRICS, value)}
        for seed, value in enumerate(values)
    ]  # fmt: skip
    return Network(row, runs, {})


def by_key(*found):
    return {network.key: network for network in found}


def test_a_distance_is_in_units_of_the_bound():
    network = make_network([1, 2, 3, 4, 5], published=3)
    bound = network.bound("test_loss")
    assert network.distance("test_loss") == 0
    assert network.distance("test_loss", 3 - 2 * bound) == pytest.approx(-2)
    assert make_network([1, 2, 3, 4, 5], 3 + 0.99 * bound).outside == {}
    far = make_network([1, 2, 3, 4, 5], 3 - 1.5 * bound)
    assert far.outside == dict.fromkeys(METRICS, pytest.approx(-1.5))


def test_equal_runs_agree_with_their_own_value_only():
    assert make_network([2, 2], published=2).outside == {}
    assert make_network([2, 2], published=1).distance("test_loss") == -math.inf


def test_about_5_percent_of_equal_rows_are_outside():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        runs = [dict(zip(METRICS, rng.normal(size=4), strict=True)) for _ in range(8)]
        network = make_network(range(8), 0)
        network.runs = [run | new for run, new in zip(network.runs, runs, strict=True)]
        found.append(network)
    # Bonferroni's level is slightly conservative; the 3200 runs are not independent.
    assert 0.035 < networks.rejection_rate(found) < 0.06


def test_measures_are_given_by_seed_and_times_by_round():
    network = make_network([1, 2], 0)
    del network.runs[0]["measures"]["epochs"]
    network.times = [5.0, 6.0, 7.0]
    assert network.measured("epochs") == {1: 2}
    assert network.measured("time") == {0: 5, 1: 6, 2: 7}


def test_settings_are_written_in_words():
    row = {"figure": 1}
    settings = {
        "hidden_layer_sizes": [112, 28], "activation": "swapped_hardswish",
        "loss": "hinge", "loss_parameters": {"margin": 0.5, "softmax": True},
        "learning_rate_init": 0.01, "momentum": 0.0, "weight_decay": 1e-5,
        "batch_size": 100,
    }  # fmt: skip
    run = {"figure": 1, "name": "", "kind": "stated", "settings": settings}
    assert Network(row, [run], {}).description == (
        "swapped HardSwish, hinge, 112 + 28 hidden units, momentum 0, "
        "weight decay 0.00001, margin 0.5, softmax"
    )
    plain = settings | {"loss_parameters": {"margin": 5.0, "softmax": False}}
    words = Network(row, [run | {"settings": plain}], {}).description
    assert "softmax" not in words
    assert str(Key(27, "momentum 0.9")) == "27 with momentum 0.9"


def test_rows_are_sorted_by_their_agreement():
    found = agreement.agreement(
        by_key(
            make_network([1, 2, 3], 2, 1),
            make_network([1, 2, 3], 99, 2),
            make_network([1, 2, 3], 50, 3),
            make_network([49, 50, 51], 50, 3, "better", "alternative"),
            make_network([1, 2, 3], 50, 4),
            make_network([49, 50, 51], 50, 4, "other", "comparison"),
        )
    )
    assert [network.key for network in found.agreeing] == [Key(1)]
    ((stated, corrections),) = found.corrected
    assert stated.key == Key(3)
    assert [network.key for network in corrections] == [Key(3, "better")]
    assert [network.key for network in found.differing] == [Key(2), Key(4)]
    assert found.n_rows == 4


def test_new_runs_are_compared_with_earlier_ones():
    earlier = by_key(
        make_network([1, 2, 3], 0, 1), make_network([1, 2, 3], 0, 2),
        make_network([1, 2, 3], 0, 3),
    )  # fmt: skip
    new = by_key(
        make_network([1], 0, 1), make_network([1.5], 0, 2), make_network([99], 0, 3),
        make_network([1], 0, 4),
    )  # fmt: skip
    found = agreement.strays(new, earlier)
    assert (found.n_equal, found.n_repeated) == (1, 3)
    assert found.changed == [(Key(2), 0), (Key(3), 0)]
    ((key, seed, far),) = found.outside
    assert (key, seed, set(far)) == (Key(3), 0, set(METRICS))


def test_other_processors_need_not_give_equal_figures():
    earlier, new = make_network([1, 2, 3], 0), make_network([1.5], 0)
    new.runs[0]["processor"] = "another"
    found = agreement.strays(by_key(new), by_key(earlier))
    assert found == agreement.Strays(0, 0, [], [])


def test_figures_are_listed_with_ranges():
    assert agreement.listed([Key(9), 3, 4, 5, Key(1)]) == "1, 3–5, 9"
    assert agreement.listed([6, 7, 2]) == "2, 6, 7"
    assert agreement.listed([]) == ""


def test_counts_of_verdicts_are_written_in_singular_and_plural():
    counts = {"holds": 1, "no clear difference": 2, "does not hold": 1, "undecided": 3}
    assert sections.counts_in_words(counts) == (
        "1 holds, 2 show no clear difference, 1 does not hold, 3 are undecided"
    )
