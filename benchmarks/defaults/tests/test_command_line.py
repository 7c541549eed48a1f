"""The command line, the files that it writes, and the committed results."""

import json
from pathlib import Path

import pytest

from benchmarks.defaults import __main__ as command
from benchmarks.defaults import large_sets, tables
from benchmarks.defaults.data_sets import STRESS, splits
from benchmarks.defaults.methods import INGREDIENTS, METHODS, has_realmlp
from benchmarks.defaults.parts import PARTS

RESULTS = Path(__file__).parents[1] / "results"
PAGE = Path(__file__).parents[3] / "docs" / "choosing-settings.md"
SETS = ["--sets", "iris", "wine"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the results of some parts on small sets."""
    folder = tmp_path_factory.mktemp("defaults")
    arguments = ["--seeds", "1", "--output", str(folder)]
    command.main(["--parts", "suite", "stress", *SETS, *arguments])
    with pytest.MonkeyPatch.context() as patch:
        wine = splits("wine", [0])[0]
        patch.setitem(large_sets.LARGE_SETS, "mnist", lambda: wine)
        command.main(["--parts", "large", "--sets", "mnist", *arguments])
    return folder


def test_the_json_has_all_fits(folder):
    suite = json.loads((folder / "suite.json").read_text(encoding="utf-8"))
    assert set(suite["sets"]) == {"iris", "wine"}
    assert set(suite["fits"]["raw"]) == {*METHODS}
    assert suite["machine"]["versions"]["cymlp"]
    stress = json.loads((folder / "stress.json").read_text(encoding="utf-8"))
    assert {*stress["fits"], "raw"} == {*STRESS}


def test_the_markdown_has_the_tables_of_all_parts(folder):
    text = (folder / "defaults.md").read_text(encoding="utf-8")
    for title in (PARTS[part].title for part in ("suite", "stress", "large")):
        assert f"\n## {title}\n" in text
    for method in METHODS.values():
        assert f"\n| {method.title} | " in text
    for change in STRESS.keys() - {"raw"}:
        assert text.count(f"\n| {change} | ") == 5
    assert "\n| mnist, 133 × 13 | cymlp, defaults | " in text
    rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert min(rows) > 5


def test_the_tables_can_be_written_again(folder, capsys):
    path = folder / "defaults.md"
    before = path.read_text(encoding="utf-8")
    path.unlink()
    command.main(["--parts", "--output", str(folder)])
    assert path.read_text(encoding="utf-8") == before
    assert capsys.readouterr().out == ""


def test_the_ingredients_are_compared_with_the_defaults(capsys, monkeypatch):
    few = {name: INGREDIENTS[name] for name in ("cymlp", "30 epochs")}
    part = PARTS["ingredients"]._replace(methods=few)
    monkeypatch.setitem(PARTS, "ingredients", part)
    command.main(["--parts", "ingredients", *SETS, "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert "2 data sets, 2 seeds. " in lines[2]
    # In the table of all sets, and in that of small ones, which are the same here.
    rows = [line for line in lines if line.startswith("| 30 epochs | ")]
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert rows[0].count(" ± ") == 2


def test_wrong_arguments_are_refused(capsys):
    for arguments in (["--parts", "nothing"], ["--seeds", "0"]):
        with pytest.raises(SystemExit):
            command.parse_arguments(arguments)
    assert "must be a positive integer, got '0'" in capsys.readouterr().err


@pytest.mark.skipif(has_realmlp(), reason="pytabkit is installed")
def test_realmlp_needs_its_package(capsys):
    with pytest.raises(SystemExit):
        command.parse_arguments(["--parts", "realmlp"])
    assert "needs pytabkit: pip install pytabkit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "problem"),
    [("banking77", "CYMLP_DATA must name a folder"), ("iris", "'iris' is not one of")],
)
def test_missing_data_are_named(monkeypatch, name, problem):
    monkeypatch.setenv("CYMLP_DATA", "")
    with pytest.raises(SystemExit, match=f"large cannot be measured: {problem}"):
        command.main(["--parts", "large", "--sets", name])


def test_the_committed_tables_are_those_of_the_committed_results():
    results = command.read(RESULTS)
    assert {*results} == {*PARTS}  # those of regression have a test of their own
    committed = (RESULTS / "defaults.md").read_text(encoding="utf-8")
    assert tables.document(results) == committed


def test_the_committed_results_are_those_of_all_methods_and_sets():
    results = command.read(RESULTS)
    for part, result in results.items():
        if PARTS[part].document != "defaults":
            continue
        assert len(result["sets"]) == (2 if part == "large" else 43)
        assert {*result["fits"]} == {*PARTS[part].changes}
        for fits in result["fits"].values():
            assert {*fits} == {*PARTS[part].methods}


def test_the_page_on_settings_has_the_committed_figures():
    text = PAGE.read_text(encoding="utf-8")
    for table in tables.of_the_page(command.read(RESULTS)):
        assert f"\n\n{table}\n" in text
