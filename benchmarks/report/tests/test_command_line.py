"""The command line of the report and the files that it writes."""

import gzip
import json
import os
import re
import sys

import pytest

from benchmarks.report import __main__ as command
from benchmarks.report import sections
from benchmarks.report.rows import METRICS


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", [1, 2, 3]), ("9-11,40", [9, 10, 11, 40])]
)
def test_figures_are_chosen_by_number(text, numbers):
    assert command.parse_arguments(["--figures", text]).figures == numbers


def test_all_28_figures_are_the_default():
    assert len(command.parse_arguments([]).figures) == 28


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--figures", "1-x"], "published figures, got '1-x'; the figures are [1, 2,"),
        (["--figures", "12"], "published figures, got '12'; the figures are [1, 2,"),
        (["--epochs", "0"], "must be a positive integer, got '0'"),
        (["--repeats", "two"], "must be a positive integer, got 'two'"),
        (["--jobs", "-1"], "must be a positive integer, got '-1'"),
        (["--data", "cifar"], "invalid choice: 'cifar'"),
        (["--jobs", "99", "--scheduler", "a:1"], "not allowed with argument --jobs"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_it_writes_tables_pictures_and_runs(tmp_path, capsys):
    folder = tmp_path / "new" / "report"
    command.main(
        ["--data", "digits", "--epochs", "2", "--figures", "1-9,27,28", "--repeats",
         "2", "--output", str(folder)]
    )  # fmt: skip
    text = (folder / "report.md").read_text("utf-8")
    assert sections.NOT_COMPARABLE in text
    assert sections.NOT_MNIST in text
    assert "published |" not in re.findall(r"^\| figure.*", text, re.MULTILINE)[0]
    # 11 rows, 5 variants of 4 of them, a probe.
    assert len(re.findall(r"^\| \d+ ", text, re.MULTILINE)) == 11 + 5 + 1
    # Two overviews of many rows and one of a few; pictures of rows in HTML only.
    named = set(re.findall(r"\]\((.*?\.png)\)", text))
    assert named == {path.name for path in folder.glob("*.png")}
    assert len(named) == 3
    for name in named:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<img ") == 3 + 11 + 5
    runs = json.loads((folder / "runs.json").read_text("utf-8"))
    assert len(runs) == 2 * (11 + 5)
    assert {
        "figure",
        "variant",
        "seed",
        "seconds",
        "settings",
        "versions",
        "curves",
        *METRICS,
    } < set(runs[0])
    assert {run["variant"] for run in runs} == {"named", "as published"}
    probes = json.loads((folder / "probes.json").read_text("utf-8"))
    assert [(run["figure"], run["seed"]) for run in probes] == [(28, 0), (28, 1)]
    out = capsys.readouterr().out
    assert f"34 of 34 runs in 0 s. The report is {folder / 'report.html'}" in re.sub(
        r"in \d+ s", "in 0 s", out
    )
    assert sections.NOT_COMPARABLE in out


def test_a_report_can_be_written_again_from_its_runs(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    digits = ["--data", "digits", "--figures", "1,28"]
    command.main([*digits, "--epochs", "1", "--output", str(first)])
    command.main([*digits, "--from-runs", str(first), "--output", str(second)])
    names = {path.name for path in second.iterdir()}
    assert names == {path.name for path in first.glob("*.*") if path.suffix != ".json"}
    for name in names:
        assert (second / name).read_bytes() == (first / name).read_bytes()


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(SystemExit) as error:
        command.main(["--data", "digits", "--from-runs", str(tmp_path)])
    assert error.value.code == (
        f"--from-runs {tmp_path}: must have runs.json or runs.json.gz with runs"
    )


def test_a_report_of_no_runs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "train", lambda *_, **__: [])
    with pytest.raises(SystemExit) as error:
        command.main(["--data", "digits", "--figures", "1", "--output", str(tmp_path)])
    assert (
        error.value.code == "None of the 1 runs finished; there is nothing to report."
    )


def test_a_missing_dask_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit) as error:
        command.main(["--scheduler", "a:1", "--output", str(tmp_path / "new")])
    assert error.value.code == (
        "--scheduler a:1: dask.distributed is not installed here; "
        "run pip install distributed"
    )
    assert not (tmp_path / "new").exists()


def test_large_runs_are_compressed_and_the_other_file_is_removed(tmp_path):
    small, large = [{"seed": 1}], [{"seed": "1" * command.MAX_PLAIN}]
    assert command.read_runs(tmp_path, "runs") == []
    for results, name in ((small, "runs.json"), (large, "runs.json.gz")) * 2:
        path = command.write_runs(results, tmp_path, "runs")
        assert [found.name for found in tmp_path.iterdir()] == [path.name] == [name]
        content = path.read_bytes()
        if name.endswith(".gz"):
            content = gzip.decompress(content)
        assert json.loads(content) == command.read_runs(tmp_path, "runs") == results


@pytest.mark.skipif("CYMLP_DATA" not in os.environ, reason="CYMLP_DATA is not set")
def test_on_mnist_the_published_values_are_in_the_table(tmp_path):
    command.main(["--epochs", "1", "--figures", "1", "--output", str(tmp_path)])
    text = (tmp_path / "report.md").read_text("utf-8")
    assert sections.NOT_COMPARABLE not in text
    cells = re.findall(r"^\| 1 \|.*", text, re.MULTILINE)[0].split(" | ")
    computed, published = cells[4:12:2], cells[5:12:2]
    assert published == ["0.0398", "0.9858", "0.1103", "0.9667"]
    assert 0.85 < float(computed[1]) < 0.95
    assert 0.85 < float(computed[3]) < 0.95
    assert "Claims about rows that were not trained:" in text
    assert "- Batches of 10 take less time per epoch" in text
