"""The benchmark beside other implementations: what it compares, and what it writes."""

import json
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import measurements, peer_processes, tables, workloads
from benchmarks.speed.peer_processes import Peer, Session
from benchmarks.speed.peers.numpy_loop import NumpyPeer

QUICK = workloads.Work("digits", (8,), batch_size=200, peers=("numpy",))
BATCH = {"batch_size": QUICK.batch_size}


class WrongRatePeer(NumpyPeer):
    """A peer that learns a little faster than it is asked to."""

    def make(self, work, X, y, parameters):
        faster = work._replace(learning_rate=1.0001 * work.learning_rate)
        return super().make(faster, X, y, parameters)


@pytest.fixture(scope="module")
def running():
    """A session with all peers, one more that is wrong and one not installed."""
    with pytest.MonkeyPatch.context() as patch:
        wrong = Peer("Wrong", "numpy", f"{__name__}:WrongRatePeer")
        patch.setitem(peer_processes.PEERS, "wrong", wrong)
        absent = Peer("Absent", "no_such_module_at_all", "none:None")
        patch.setitem(peer_processes.PEERS, "absent", absent)
        with Session(list(peer_processes.PEERS)) as some:
            yield some


@pytest.fixture(scope="module")
def output(running, tmp_path_factory):
    """What the command line writes, with all peers that are installed."""
    folder = tmp_path_factory.mktemp("speed")
    results = command.run(running, ["digits"], list(peer_processes.PEERS), 1)
    command.write(results, folder)
    return results, folder


def test_a_peer_with_a_wrong_learning_rate_is_found_out(running):
    with pytest.raises(
        measurements.ValidationError, match="wrong computes something else"
    ):
        measurements.validate(running, QUICK, ["cymlp", "wrong"])


def test_a_right_peer_is_validated_to_rounding_errors(running):
    validated = measurements.validate(running, QUICK, ["cymlp", "numpy"])
    assert list(validated) == ["numpy"]
    assert float(validated["numpy"].split()[0]) < 1e-14


def test_a_peer_that_is_not_installed_is_named(running):
    wanted = ["cymlp", "numpy", "absent"]
    work = QUICK._replace(peers=("numpy", "absent"))
    result = measurements.training(running, work, wanted, 1)
    assert result["left_out"] == {"absent": "not installed"}
    assert list(result["times"]) == ["cymlp", "numpy"]
    text = tables.section({"title": "Digits", "kind": "training", **result} | BATCH)
    assert "left out: Absent: not installed" in text


def test_starting_workers_leaves_our_environment_and_processors_alone(running):
    before = dict(os.environ)
    running.start("another", "numpy", running.cpus[0])
    running.stop("another")
    assert dict(os.environ) == before
    assert peer_processes.processors() == running.cpus


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_may_have_all_threads_and_processors(running, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    others = multiprocessing.active_children()
    running.start("another", "cymlp")
    running.ask("another", "versions")
    (pid,) = (p.pid for p in multiprocessing.active_children() if p not in others)
    environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    assert not any("NUM_THREADS" in variable for variable in environment)
    assert sorted(os.sched_getaffinity(pid)) == running.cpus
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    running.stop("another")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_are_held_to_one_thread_on_one_processor(running):
    others = multiprocessing.active_children()
    running.start("another", "numpy", running.cpus[0])
    running.ask("another", "versions")
    (pid,) = (p.pid for p in multiprocessing.active_children() if p not in others)
    environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    assert "OPENBLAS_NUM_THREADS=1" in environment
    assert os.sched_getaffinity(pid) == {running.cpus[0]}
    running.stop("another")


def test_a_failing_peer_tells_what_happened(running):
    with pytest.raises(RuntimeError, match=r"(?s)numpy failed.*KeyError: 'nothing'"):
        running.ask("numpy", "train", QUICK._replace(data="nothing"), 1)


def test_the_json_has_what_a_reader_needs(output):
    results, folder = output
    written = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    case = written["cases"]["digits"]
    assert set(case["times"]) | set(case["left_out"]) == {"cymlp", *workloads.SGD_PEERS}
    assert set(written["machine"]["versions"]) >= set(case["times"])
    assert "absent" in written["machine"]["missing"]
    assert case["sizes"] == [64, 28, 10]
    operations = workloads.dense_operations(case["sizes"], case["rows"])
    assert case["floor"] == pytest.approx(operations / case["multiplication_rate"])
    for name, times in case["times"].items():
        assert 0 < times["best"] <= times["median"] <= times["total"]
        assert times["ratio"] == pytest.approx(
            times["total"] / case["times"]["cymlp"]["total"]
        )
        assert name == "cymlp" or "off" in case["validated"][name]
    assert {"cymlp", "numpy", "scikit-learn"} <= set(case["times"])
    assert "no weight decay" in case["validated"]["scikit-learn"]
    assert set(results["cases"]) == {"digits"}


def test_the_markdown_has_a_row_for_every_peer(output):
    results, folder = output
    text = (folder / "speed.md").read_text(encoding="utf-8")
    for name in results["cases"]["digits"]["times"]:
        assert f"\n| {peer_processes.PEERS[name].title} | " in text
    for name in results["machine"]["missing"]:
        assert f"{peer_processes.PEERS[name].title}: not installed" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables


def test_the_picture_is_readable_at_700_pixels(output):
    _, folder = output
    header = (folder / "speed.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20], "big") == 1400  # two for each that is shown


def test_other_kinds_of_cases_give_tables(running):
    everyone = ["cymlp", "numpy"]
    results = {
        "prediction": measurements.prediction(running, QUICK, everyone, 1, n_rows=100),
        "parts": measurements.parts(running, QUICK, everyone, 1),
        "scaling": measurements.scaling(
            running, QUICK, everyone, 1, n_rows=(400, 800), widths=(4, 8)
        ),
    }
    if len(running.cpus) > 1:
        results["threads"] = measurements.threads(running, QUICK, everyone, 1)
        results["busy"] = measurements.busy(
            running, QUICK._replace(peers=("scikit-learn",)),
            ["cymlp", "scikit-learn"], 1,
        )  # fmt: skip
    for kind, result in results.items():
        text = tables.section({"title": kind, "kind": kind, **BATCH, **result})
        rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert len(rows) > 2
    assert results["parts"]["relative"]["tanh"]["cross_entropy"] == 1
    assert set(results["scaling"]["by_rows"]) == {400, 800}


def test_dense_operations_are_counted_product_by_product():
    rows, sizes = 7, (5, 4, 3)
    forward = 5 * 4 + 4 * 3
    weight_gradients = forward
    input_gradients = 4 * 3  # the first layer has none
    expected = 2 * rows * (forward + weight_gradients + input_gradients)
    assert workloads.dense_operations(sizes, rows) == expected


def test_samples_are_repeated_and_cut_to_whole_batches():
    samples = workloads.load(QUICK._replace(n_rows=3000, batch_size=7))
    assert len(samples.y) == len(samples.X) == 2996
    np.testing.assert_array_equal(samples.X[1437:1500], samples.X[:63])


def test_an_exponent_of_one_is_linear():
    assert measurements.exponent({10: 1.0, 20: 2.0, 80: 8.0}) == pytest.approx(1)
    assert measurements.exponent({10: 1.0, 20: 4.0, 80: 64.0}) == pytest.approx(2)


def test_the_command_line_refuses_what_it_does_not_know(capsys):
    for arguments in (["--cases", "nothing"], ["--peers", "nobody"], ["--epochs", "0"]):
        with pytest.raises(SystemExit):
            command.parse(arguments)
    assert "must be 1 or more, got 0" in capsys.readouterr().err
    assert command.parse(["--peers", "numpy"]).peers == ["cymlp", "numpy"]
