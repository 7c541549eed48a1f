"""Summaries of runs and their files."""

import csv
import gzip

import numpy as np
import pytest

from benchmarks.report import summaries
from benchmarks.report.networks import Key
from benchmarks.report.rows import METRICS, plan
from benchmarks.report.training import train


@pytest.fixture
def rows(row):
    changed = {"name": "rate 1", "settings": {"learning_rate_init": 1.0}}
    published = {"published": dict.fromkeys(METRICS, 0.5), "alternatives": [changed]}
    return [row | published | {"diagnostics": True}]


@pytest.fixture
def records(rows, digits, tmp_path):
    return train(
        plan(rows, [1, 0]), digits, epochs=13, jobs=2, folder=tmp_path / "runs"
    )


def test_results_are_the_same_after_writing_and_reading(records, rows, tmp_path):
    times = {"ms": {"1": [1.0, 2.0]}, "processor": "one", "instruction_set": "plain"}
    results = summaries.summarise(records, rows, [0, 5], times)
    assert list(results.networks) == [Key(1), Key(1, "rate 1")]
    assert [run["seed"] for run in results.networks[Key(1)].runs] == [0, 1]
    summaries.write(results, tmp_path)
    again = summaries.read(tmp_path, rows)
    assert summaries.as_json(again) == summaries.as_json(results)
    assert again.networks[Key(1)].measured("time") == {0: 1, 1: 2}
    assert summaries.read(tmp_path, []).networks == {}
    assert summaries.read(tmp_path / "none", rows) is None


def test_figures_are_written_as_a_table(records, rows, tmp_path):
    results = summaries.summarise(records, rows)
    summaries.write(results, tmp_path)
    with (tmp_path / "figures.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(records) == 4
    by_run = {(record["name"], record["seed"]): record for record in records}
    for line in lines:
        name = "" if line["network"] == "as stated" else line["network"]
        record = by_run[name, int(line["seed"])]
        assert [float(line[metric]) for metric in METRICS] == [
            record[metric] for metric in METRICS
        ]
        assert 0 <= float(line["saturation"]) <= 1


def test_large_files_are_compressed_and_the_other_is_removed(
    records, rows, tmp_path, monkeypatch
):
    results = summaries.summarise(records, rows)
    for limit, name in ((10**9, "runs.json"), (10, "runs.json.gz")) * 2:
        monkeypatch.setattr(summaries, "MAX_PLAIN", limit)
        summaries.write(results, tmp_path)
        assert [path.name for path in tmp_path.glob("runs.json*")] == [name]
        assert len(summaries.read(tmp_path, rows).networks) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs.json", b'{"networks": ['),
        ("runs.json", b"{}"),
        ("runs.json.gz", gzip.compress(b"{}")[:-4]),
        ("runs.json.gz", b"not compressed"),
    ],
)
def test_a_damaged_file_is_named(name, content, tmp_path, rows):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(summaries.DamagedError, match=f"{name} is damaged: "):
        summaries.read(tmp_path, rows)


def test_hard_images_are_those_that_half_of_the_runs_get_wrong():
    figure = summaries.HARD_FIGURE
    records = [
        {"figure": figure, "name": "", "wrong": wrong}
        for wrong in ([1, 5, 7], [5], [7], [9])
    ]
    other = {"figure": figure + 1, "name": "", "wrong": [2]}
    assert summaries.hard([*records, other]) == [5, 7]
    assert summaries.hard([other]) == []


def test_training_curves_are_averaged_over_whole_epochs():
    ends = np.arange(1, 14 * 4 + 1) / 4
    epochs, values = summaries.smoothed(ends, ends)
    assert list(epochs) == [*range(1, 11), 12, 14]
    assert values[0] == np.mean([0.25, 0.5, 0.75, 1])
    assert values[-1] == ends[-8:].mean()


def test_drawn_curves_have_means_and_ranges(records, rows):
    network = summaries.summarise(records, rows).networks[Key(1)]
    curve = network.curves["test_accuracy"]
    assert curve["epochs"] == [1, 6, 11]
    found = [record for record in records if record["name"] == ""]
    values = [record["curves"]["test_accuracy"]["values"][::5] for record in found]
    np.testing.assert_allclose(curve["mean"], np.mean(values, axis=0), rtol=1e-3)
    np.testing.assert_allclose(curve["low"], np.min(values, axis=0), rtol=1e-3)


def test_equal_curves_have_equal_digests(records, rows):
    results = summaries.summarise(records, rows)
    digests = [
        run["curves_digest"] for each in results.networks.values() for run in each.runs
    ]
    assert len(set(digests)) == len(records)
    again = summaries.summarise(records, rows)
    assert summaries.as_json(again) == summaries.as_json(results)
