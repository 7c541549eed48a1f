"""The published rows and the runs that are planned for them."""

import numpy as np

from benchmarks.report.rows import METRICS, Run, SwappedHardSwish, plan, published


def test_the_classifier_takes_all_28_rows():
    rows = published()["rows"]
    assert len({row["figure"] for row in rows}) == len(rows) == 28
    for run in plan(rows, [0]):
        run.classifier(epochs=1).fit(np.eye(20), np.arange(20) % 2)
    for row in rows:
        assert set(row["published"]) == set(METRICS)
    notes = {row["note"] for row in rows if "note" in row}
    assert notes == set(published()["notes"])


def test_rows_that_look_wrong_are_planned_with_both_settings():
    runs = plan(published()["rows"], [0, 1])
    assert len(runs) == 2 * (28 + 6 + 4)
    changed = {
        run.figure: run for run in runs if run.kind == "alternative" and run.seed
    }
    assert set(changed) == {2, 6, 7, 27, 41}
    assert isinstance(changed[2].classifier(1).activation, SwappedHardSwish)
    assert changed[41].classifier(1).loss.margin == 1.0


def test_runs_are_planned_seed_by_seed_and_the_longest_first():
    runs = plan(published()["rows"], [0, 1])
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    costs = [run.cost() for run in runs if run.seed == 0]
    assert costs == sorted(costs, reverse=True)


def test_comparisons_are_planned_for_the_row_that_they_explain():
    runs = plan(published()["rows"], [0])
    found = {
        (run.figure, run.name): run.classifier(1)
        for run in runs
        if run.kind == "comparison"
    }
    assert set(found) == {
        (28, "learning rate 0.03"), (41, "one hidden layer"), (50, "alpha 1"),
        (50, "gamma 0"),
    }  # fmt: skip
    assert found[28, "learning rate 0.03"].learning_rate_init == 0.03
    assert found[50, "gamma 0"].loss.gamma == 0


def test_a_run_has_the_settings_of_the_publication(row):
    mlp = Run(1, "", "stated", row["settings"], seed=3).classifier(epochs=100)
    assert (mlp.init, mlp.max_iter, mlp.random_state) == (0.01, 100, 3)
    assert mlp.n_iter_no_change == np.inf
    assert mlp.learning_rate_init == 0.1


def test_the_swapped_hardswish_has_two_branches_exchanged():
    U = np.array([-4.0, -3.0, -1.0, 2.0, 3.0, 5.0])
    swapped = SwappedHardSwish()
    np.testing.assert_allclose(swapped.value(U), [0, 0, -1, 2, 3, 20 / 3])
    np.testing.assert_allclose(
        swapped.derivative(U, swapped.value(U)), [0, 0, 1, 1, 1.5, 13 / 6]
    )
