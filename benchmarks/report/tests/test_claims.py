"""The claims of the publication: what is measured on runs, and how it is judged."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from benchmarks.report import claims
from benchmarks.report.claims import (
    FAILS,
    HOLDS,
    UNKNOWN,
    Claim,
    Comparison,
    Measure,
    Which,
)
from benchmarks.report.training import plan, reference

NUMBER = Measure("number", lambda result: result["number"], clear=1.0)


def make_runs(*numbers, figure=1, variant="named"):
    return [
        {
            "figure": figure,
            "variant": variant,
            "settings": {},
            "number": n,
            "seed": seed,
        }
        for seed, n in enumerate(numbers)
    ]


def make_curves(**curves):
    return {
        "curves": {
            name: {"epochs": list(range(1, len(values) + 1)), "values": values}
            for name, values in curves.items()
        },
        "seconds": 10.0,
    }


def verdict(mine, others, direction="more", **options):
    comparison = Comparison(NUMBER, Which(1), direction, Which(2), **options)
    runs = make_runs(*mine), make_runs(*others, figure=2)
    judgements, _ = claims.judge(
        [*runs[0], *runs[1]], {"topic": [Claim("It is so.", (comparison,))]}
    )
    return judgements["topic"][0].verdict


def test_the_interval_is_that_of_welch():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 5), rng.normal(1, 3, 4)
    for end in claims.interval(a, b):
        # Were the difference that of an end, a test would be at its 5 percent.
        assert ttest_ind(a - end, b, equal_var=False).pvalue == pytest.approx(0.05)


def test_runs_without_spread_have_an_interval_of_one_point():
    assert claims.interval(np.array([2.0, 2.0]), np.array([1.0, 1.0])) == (1.0, 1.0)


def test_a_single_run_has_no_interval():
    low, high = claims.interval(np.array([1.0]), np.array([1.0, 2.0]))
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_claim_holds_fails_or_cannot_be_told():
    small, large = (1.0, 1.1, 1.2), (9.0, 9.1, 9.2)
    assert verdict(large, small) == verdict(small, large, "less") == HOLDS
    assert verdict(small, large) == verdict(large, small, "less") == FAILS
    # Bounded below what would be a clear difference.
    assert verdict(small, (1.0, 1.1, 1.3)) == FAILS
    assert verdict((0, 5, 10), (1, 5, 9)) == UNKNOWN
    assert verdict((9,), (1,)) == UNKNOWN


def test_others_may_count_several_times():
    assert verdict((5.0, 5.1), (2.0, 2.1), factor=2.0) == HOLDS
    assert verdict((5.0, 5.1), (3.0, 3.1), factor=2.0) == FAILS


def test_a_spread_is_compared_by_the_ratio_of_variances():
    wide, narrow = (0, 100, -100, 50, -50), (0, 1, -1, 0.5, -0.5)
    assert verdict(wide, narrow, "wider") == HOLDS
    assert verdict(narrow, wide, "wider") == FAILS
    assert verdict((0, 1, 2), (0, 1, 3), "wider") == UNKNOWN
    assert verdict((0,), (0, 1), "wider") == UNKNOWN


def test_a_claim_needs_all_its_comparisons():
    assert claims.combined([HOLDS, HOLDS]) == HOLDS
    assert claims.combined([HOLDS, UNKNOWN]) == UNKNOWN
    assert claims.combined([UNKNOWN, FAILS, HOLDS]) == FAILS
    assert claims.combined([HOLDS, UNKNOWN], denied=True) == FAILS
    assert claims.combined([FAILS, FAILS], denied=True) == HOLDS


def test_a_claim_without_its_runs_is_left_out():
    comparison = Comparison(NUMBER, Which(1), "more", Which(2))
    claim = Claim("It is so.", (comparison,))
    assert claims.judge(make_runs(1, 2), {"topic": [claim]}) == ({}, [claim])


def test_a_number_may_stand_for_the_others():
    runs = make_runs(3.0, 3.1)
    for number, expected in ((0.0, HOLDS), (9.0, FAILS)):
        claim = Claim("So.", (Comparison(NUMBER, Which(1), "more", number),))
        judgements, _ = claims.judge(runs, {"topic": [claim]})
        assert judgements["topic"][0].verdict == expected


def test_the_same_means_the_same_curves_seed_by_seed():
    def make(figure, *losses):
        return [
            {"figure": figure, "variant": "named", "settings": {}, "seed": seed}
            | make_curves(**{name: [1.0, loss] for name in claims.FIGURES})
            for seed, loss in enumerate(losses)
        ]

    claim = Claim("Same.", (Comparison(NUMBER, Which(1), "same", Which(2)),))
    for others, expected in (((0.5, 0.25), HOLDS), ((0.25, 0.5), FAILS)):
        runs = [*make(1, 0.5, 0.25), *make(2, *others)]
        judgements, _ = claims.judge(runs, {"topic": [claim]})
        assert judgements["topic"][0].verdict == expected


def test_speed_is_when_a_level_is_first_reached():
    result = make_curves(train_accuracy=[0.5, 0.96, 0.9, 0.97])
    assert claims.epochs_to(result) == 2
    assert claims.seconds_to(result) == 2 * 10 / 4
    assert claims.epochs_to(result, 0.99) == 4


def test_roughness_does_not_count_a_trend():
    straight = [0.5, 0.1, 0.7, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert claims.roughness(make_curves(test_accuracy=straight)) < 1e-12
    zigzag = [*straight[:4], 0.2, 0.4, 0.2, 0.4]
    bends = claims.roughness(make_curves(test_accuracy=zigzag))
    assert bends == pytest.approx(0.4)


def test_a_slope_is_that_of_the_end():
    result = make_curves(test_loss=[9, 1, 5, 3, 1.0, 2.0, 3.0, 4.0])
    assert claims.slope(result, "test_loss", 0.4) == pytest.approx(1)


def test_runs_too_short_to_tell_give_no_verdict():
    result = make_curves(test_accuracy=[0.5], test_loss=[1.0], train_loss=[1.0])
    assert math.isnan(claims.roughness(result))
    assert math.isnan(claims.slope(result, "test_loss", 0.5))
    assert verdict((math.nan, math.nan), (1.0, 2.0)) == UNKNOWN
    assert verdict((math.nan, math.nan), (1.0, 2.0), "wider") == UNKNOWN


def test_every_claim_is_about_runs_that_are_planned():
    results = [
        {"figure": run.figure, "variant": run.variant, "settings": run.settings}
        for run in plan(reference()["rows"], [0])
    ]
    known = set(claims.by_row(results))
    for of_topic in claims.CLAIMS.values():
        for claim in of_topic:
            assert claim.comparisons
            assert claim.needs <= known, claim.text


def test_probes_of_the_focal_loss_change_what_their_names_say():
    runs = claims.by_row(
        [run._asdict() for run in plan(reference()["rows"], [0])]
    )  # fmt: skip
    ((alpha_only,), (gamma_only,), (larger,), (none,)) = (
        runs[which]
        for which in (
            claims.ALPHA_ONLY, claims.GAMMA_ONLY, claims.LARGER_STEP, Which(28),
        )
    )  # fmt: skip
    assert alpha_only["settings"]["loss_parameters"] == {"alpha": 0.1, "gamma": 0.0}
    assert gamma_only["settings"]["loss_parameters"] == {"alpha": 1.0, "gamma": 2.0}
    assert larger["settings"] == none["settings"] | {"learning_rate_init": 0.03}


def test_plain_formulas_overflow_where_ours_are_right():
    table = claims.overflow_table()
    assert len(table.lines) == 14
    failed = 0
    for _, plain, ours, exact in table.lines:
        assert float(ours) == pytest.approx(float(exact), rel=1e-6)
        if not math.isfinite(float(plain)):
            failed += 1
    # tanh and softmax at 89 and 1000; a softmax with shift at 104 and 1000.
    assert failed == 6
