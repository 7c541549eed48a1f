"""The command line of the report and the files that it writes."""

import json
import os
import re
import sys

import pytest

from benchmarks import datasets
from benchmarks.report import __main__ as command
from benchmarks.report import sections


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
    assert "the published value" not in text
    # 11 rows and 5 alternatives of 4 of them.
    assert len(re.findall(r"^\| \d+[, ]", text, re.MULTILINE)) == 11 + 5
    # Two pictures of many rows and one of a few; pictures of networks in HTML only.
    named = set(re.findall(r"\]\((.*?\.svg)\)", text))
    assert named == {path.name for path in folder.glob("*.svg")}
    assert len(named) == 3
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<figure>") == 3 + 11 + 5 + 1
    runs = [run for run in networks_of(folder) for run in run["runs"]]
    assert len(runs) == 2 * (11 + 5 + 1)
    out = capsys.readouterr().out
    assert "34 of 34 runs in 0 s." in re.sub(r"in \d+ s", "in 0 s", out)
    assert out.endswith(
        f"{sections.NOT_COMPARABLE}\nThe report is {folder / 'report.html'}\n"
    )


def networks_of(folder):
    return json.loads((folder / "runs.json").read_text("utf-8"))["networks"]


def test_a_report_can_be_written_again_from_its_runs(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    digits = ["--data", "digits", "--figures", "1,28"]
    command.main([*digits, "--epochs", "1", "--output", str(first)])
    command.main([*digits, "--from-runs", str(first), "--output", str(second)])
    names = {path.name for path in second.iterdir()}
    assert names == {"report.html", "report.md", "momentum.svg",
                     "single-hidden-layer.svg"}  # fmt: skip
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


MOMENTUM = ["--figures", "21,26-28", "--epochs", "2"]


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory):
    """A report on three runs of each network that claims on momentum need."""
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as patch:
        as_published(patch, folder)
        command.main([*MOMENTUM, "--repeats", "3", "--output", str(folder)])
    return folder


def as_published(patch, folder):
    """Present the digits as the published data set, and a report as the committed."""
    load = datasets.load
    patch.setattr(datasets, "load", lambda _: load("digits")._replace(comparable=True))
    patch.setattr(command, "EPOCHS", 2)
    patch.setattr(command, "ROUNDS", 2)
    patch.setattr(command, "COMMITTED", folder)


@pytest.fixture
def committed(three_runs, monkeypatch):
    as_published(monkeypatch, three_runs)
    return three_runs


def test_a_new_run_is_shown_beside_the_committed_ones(committed, tmp_path, capsys):
    capsys.readouterr()
    command.main([*MOMENTUM, "--output", str(tmp_path / "new")])
    lines = capsys.readouterr().out.splitlines()[-5:]
    starts = ["Rows that agree: ", "Rows that do not: ", "New runs: ", "Claims: "]
    for line, start in zip(lines, [*starts, "The report is "], strict=True):
        assert line.startswith(start)
    assert lines[2] == "New runs: none strays; 7 of 7 repeat their values exactly"
    text = (tmp_path / "new" / "report.md").read_text("utf-8")
    assert "then the new run." in text
    assert "7 of 7 new runs have exactly the values" in text
    # Means, spreads and verdicts are those of the committed runs.
    of_committed = (committed / "report.md").read_text("utf-8")
    for page in text, of_committed:
        claims = page[page.index("## Claims: Momentum") :]
        assert claims in of_committed


def test_a_run_that_strays_is_named(committed, tmp_path, monkeypatch, capsys):
    def strange(runs, *arguments, **options):
        records = train(runs, *arguments, **options)
        for record in records:
            if record["figure"] == 26:
                record["test_loss"] = 1e6
        return records

    train = command.train
    monkeypatch.setattr(command, "train", strange)
    command.main([*MOMENTUM, "--output", str(tmp_path / "new")])
    out = capsys.readouterr().out
    assert "stray from the committed runs: 26 (seed 0); 6 of 7 repeat" in out
    text = (tmp_path / "new" / "report.md").read_text("utf-8")
    assert "- 26, seed 0: test loss +" in text
    assert "- 26, seed 0: other values" in text


def test_other_epochs_are_not_compared_with_the_committed_runs(
    committed, tmp_path, capsys
):
    command.main(["--figures", "21", "--epochs", "1", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert "Single runs cannot be judged; --repeats 2 or more trains several." in out


def test_damaged_committed_runs_are_named(committed, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "COMMITTED", tmp_path)
    (tmp_path / "runs.json").write_bytes(b"[")
    with pytest.raises(SystemExit) as error:
        command.main([*MOMENTUM, "--output", str(tmp_path / "new")])
    assert error.value.code.startswith(f"{tmp_path / 'runs.json'} is damaged: ")


@pytest.mark.skipif("CYMLP_DATA" not in os.environ, reason="CYMLP_DATA is not set")
def test_on_mnist_the_published_values_are_in_the_table(tmp_path):
    command.main(["--epochs", "1", "--figures", "1", "--output", str(tmp_path)])
    text = (tmp_path / "report.md").read_text("utf-8")
    assert sections.NOT_COMPARABLE not in text
    cells = re.findall(r"^\| 1 \|.*", text, re.MULTILINE)[0].split(" | ")
    published, computed = zip(*(cell.split("<br>") for cell in cells[2:6]), strict=True)
    assert published == ("0.0398", "0.9858", "0.1103", "0.9667")
    assert 0.85 < float(computed[1]) < 0.95
    assert 0.85 < float(computed[3]) < 0.95
