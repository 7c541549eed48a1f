"""Processor times."""

from benchmarks.report import timing
from benchmarks.report.rows import Run


def test_every_round_measures_every_row(digits, row, monkeypatch):
    order = []
    monkeypatch.setattr(
        timing, "time_of_epoch", lambda run, _: order.append(run.figure) or 1.234
    )
    rows = [row, row | {"figure": 2}]
    times = timing.measure(rows, digits, rounds=3)
    assert order == [1, 2] * 3
    assert times["ms"] == {"1": [1.23] * 3, "2": [1.23] * 3}


def test_the_time_of_an_epoch_leaves_out_the_preparation(digits, row, monkeypatch):
    monkeypatch.setattr(
        timing, "time_of_fit", lambda run, _, epochs: 7 + 0.002 * epochs
    )
    run = Run(1, "", "stated", row["settings"], 0)
    assert abs(timing.time_of_epoch(run, digits) - 2) < 1e-9


def test_a_fit_takes_processor_time(digits, row):
    run = Run(1, "", "stated", row["settings"], 0)
    short, long = (timing.time_of_fit(run, digits, epochs) for epochs in (1, 200))
    assert 0 < short < long
