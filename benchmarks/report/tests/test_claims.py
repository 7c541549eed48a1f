"""The claims of the publication and the runs that they need."""

from benchmarks.report import claims, verdicts
from benchmarks.report.claims import RowVariant
from benchmarks.report.rows import plan, published


def planned():
    runs = plan(published()["rows"], [0])
    return verdicts.by_row([run._asdict() for run in runs])


def test_every_claim_is_about_planned_runs():
    known = set(planned())
    for of_topic in claims.CLAIMS.values():
        for claim in of_topic:
            assert claim.comparisons
            assert claim.rows <= known, claim.text


def test_probes_have_the_settings_that_their_names_say():
    runs = planned()
    ((alpha_only,), (gamma_only,), (larger,), (none,)) = (
        runs[row]
        for row in (
            claims.ALPHA_ONLY, claims.GAMMA_ONLY, claims.LARGER_STEP, RowVariant(28),
        )
    )  # fmt: skip
    assert alpha_only["settings"]["loss_parameters"] == {"alpha": 0.1, "gamma": 0.0}
    assert gamma_only["settings"]["loss_parameters"] == {"alpha": 1.0, "gamma": 2.0}
    assert larger["settings"] == none["settings"] | {"learning_rate_init": 0.03}
