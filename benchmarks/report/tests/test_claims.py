"""The claims of the publication and the runs that they need."""

import pytest

from benchmarks.report import claims, judging
from benchmarks.report.measures import MEASURES
from benchmarks.report.networks import Key
from benchmarks.report.rows import plan, published


def planned():
    runs = plan(published()["rows"], [0])
    return {Key(run.figure, run.name): run for run in runs}


ALL = [claim for of_topic in claims.CLAIMS.values() for claim in of_topic]


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.text)
def test_every_claim_compares_measures_of_planned_runs(claim):
    assert claim.comparisons
    assert claim.keys <= set(planned())
    for comparison in claim.comparisons:
        measure = MEASURES[comparison.measure]
        assert comparison.relation in ("higher", "lower", "alike", "not lower")
        assert measure.counts > (1 if measure.is_ratio else 0)
        needs_diagnostics = comparison.measure in (
            "zero_at_scores", "saturation", "dead_units", "hidden_input", "score_range",
        )  # fmt: skip
        keys = {comparison.network, comparison.reference} & set(planned())
        for key in keys if needs_diagnostics else ():
            assert planned()[key].diagnostics
    assert claim.place.startswith("figure")


def test_no_claim_stands_twice():
    named = [
        (topic, claim.text) for topic, found in claims.CLAIMS.items() for claim in found
    ]
    assert len(named) == len(set(named))
    compared = [claim.comparisons for claim in ALL]
    assert len(compared) == len(set(compared))


def test_changed_networks_have_the_settings_that_their_names_say():
    runs = planned()
    settings = {key: run.settings for key, run in runs.items()}
    assert settings[claims.ALPHA_ONLY]["loss_parameters"] == {"alpha": 0.1, "gamma": 0}
    assert settings[claims.GAMMA_ONLY]["loss_parameters"] == {"alpha": 1, "gamma": 2}
    larger = settings[Key(28)] | {"learning_rate_init": 0.03}
    assert settings[claims.LARGER_STEP] == larger
    one_layer = settings[Key(41)] | {"hidden_layer_sizes": [28]}
    assert settings[claims.ONE_LAYER] == one_layer
    swapped = settings[Key(7)] | {"activation": "swapped_hardswish"}
    assert settings[claims.swapped(7)] == swapped


def test_claims_about_networks_without_runs_are_left_out():
    assert judging.judge(claims.CLAIMS, {}) == {}
