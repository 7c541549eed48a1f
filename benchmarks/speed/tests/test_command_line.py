"""The command line of the benchmark and the files that it writes."""

import json
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import tables
from benchmarks.speed.peers import PEERS
from benchmarks.speed.workloads import SGD_PEERS, dense_operations

RESULTS = Path(__file__).parents[1] / "results"


@pytest.fixture(scope="module")
def output(processes, tmp_path_factory):
    """Results of all installed peers, and the folder that they were written to."""
    folder = tmp_path_factory.mktemp("speed")
    results = command.run(processes, ["digits"], list(PEERS), 1)
    command.write(results, folder)
    return results, folder


def test_the_json_has_all_times(output):
    results, folder = output
    written = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    case = written["cases"]["digits"]
    assert set(case["times"]) | set(case["left_out"]) == {"cymlp", *SGD_PEERS}
    assert set(written["machine"]["versions"]) >= set(case["times"])
    assert "absent" in written["machine"]["missing"]
    assert case["sizes"] == [64, 28, 10]
    operations = dense_operations(case["sizes"], case["rows"])
    assert case["floor"] == pytest.approx(operations / case["multiplication_rate"])
    assert set(case["times_all"]) == set(
        case["times"] if written["machine"]["processors"] > 1 else ()
    )
    assert written["machine"]["multiplication_rate"] > 1e9
    for name, times in case["times"].items():
        assert 0 < times["best"] <= times["median"] <= times["total"]
        assert times["ratio"] == pytest.approx(
            times["total"] / case["times"]["cymlp"]["total"]
        )
        assert name == "cymlp" or float(case["validated"][name].split()[0]) < 1e-10
    assert {"cymlp", "numpy", "scikit-learn"} <= set(case["times"])
    assert "no weight decay" in case["validated"]["scikit-learn"]
    assert set(results["cases"]) == {"digits"}


def test_the_markdown_has_a_row_for_every_peer(output):
    results, folder = output
    text = (folder / "speed.md").read_text(encoding="utf-8")
    for name in results["cases"]["digits"]["times"]:
        assert f"\n| {PEERS[name].title} | " in text
    for name in results["machine"]["missing"]:
        assert f"{PEERS[name].title}: not installed" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables


def test_the_picture_is_1400_pixels_wide(output):
    _, folder = output
    header = (folder / "speed.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20], "big") == 1400  # shown at 700


@pytest.mark.parametrize("folder", [RESULTS, RESULTS / "avx2"], ids=["all", "avx2"])
def test_the_committed_tables_are_those_of_the_committed_results(folder):
    results = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    committed = (folder / "speed.md").read_text(encoding="utf-8")
    assert tables.document(results) == committed


def test_wrong_arguments_are_refused(capsys):
    for arguments in (["--cases", "nothing"], ["--peers", "nobody"], ["--epochs", "0"]):
        with pytest.raises(SystemExit):
            command.parse_arguments(arguments)
    assert "must be a positive integer, got '0'" in capsys.readouterr().err
    assert command.parse_arguments(["--peers", "numpy"]).peers == ["cymlp", "numpy"]
