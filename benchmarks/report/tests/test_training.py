"""Training of runs, and the files that keep them."""

import json

import pytest

from benchmarks.report import training
from benchmarks.report.rows import Run, plan


def test_finished_runs_are_used_again(digits, row, tmp_path, capsys):
    runs = plan([row], [0, 1])
    kept = {"epochs": 2, "jobs": 1, "folder": tmp_path}
    first = training.train(runs[:1], digits, **kept)
    assert "0 of 1 runs" in capsys.readouterr().out
    again = training.train(runs, digits, **kept)
    assert "1 of 2 runs" in capsys.readouterr().out
    assert again[0] == first[0]
    for other in (
        {"epochs": 3},
        {"dataset": digits._replace(name="others")},
        {"runs": [Run(1, "", "stated", row["settings"] | {"momentum": 0.5}, 0)]},
    ):
        training.train(**{"runs": runs, "dataset": digits} | kept | other)
        assert "0 of" in capsys.readouterr().out


def test_an_interrupt_keeps_the_finished_runs(digits, row, tmp_path, monkeypatch):
    def interrupted(networks, *data, X_val, y_val, **options):
        first, *_ = networks.values()
        first.fit(digits.X_train, digits.y_train, X_val=X_val, y_val=y_val)
        raise KeyboardInterrupt

    runs = plan([row], [0, 1])
    monkeypatch.setattr(training, "fit_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text())["seed"] in (0, 1)


def test_a_failure_is_reported_and_keeps_the_other_runs(digits, row, tmp_path, capsys):
    wild = row["settings"] | {"learning_rate_init": 1e30}
    runs = [
        Run(1, "", "stated", row["settings"], 0), Run(2, "", "stated", wild, 0),
    ]  # fmt: skip
    results = training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)
    assert [result["figure"] for result in results] == [1]
    out = capsys.readouterr().out
    assert "figure-02-seed-0" in out
    assert "diverged" in out
