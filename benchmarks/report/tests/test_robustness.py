"""Finished runs survive whatever ends a report."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.report import training
from benchmarks.report.rows import plan

ROOT = Path(__file__).parents[3]
SLOW = ["--data", "digits", "--figures", "20-23", "--epochs", "600", "--jobs", "1"]


def start(folder, *options):
    """Start a report in a process of its own."""
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); "
        "from benchmarks.report.__main__ import main; main()"
    )
    command = [sys.executable, "-P", "-c", code, *SLOW, "--output", str(folder)]
    command += options
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(folder):
    return sorted((folder / "runs").glob("figure-*.json"))


def records(folder):
    return [json.loads(path.read_bytes()) for path in finished(folder)]


def test_what_was_finished_before_a_kill_is_used_again(tmp_path):
    process = start(tmp_path)
    deadline = time.monotonic() + 120
    while not finished(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    # Windows lacks SIGKILL; there any signal ends a process at once.
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate()
    kept = records(tmp_path)
    assert 0 < len(kept) < 4
    assert not (tmp_path / "report.html").exists()
    out, _ = start(tmp_path).communicate()
    assert f"{len(kept)} of 4 runs are in" in out
    assert len(records(tmp_path)) == 4
    assert (tmp_path / "report.html").exists()


def test_two_reports_can_share_a_folder(tmp_path):
    processes = [start(tmp_path), start(tmp_path, "--figures", "22-25")]
    outs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outs
    assert {record["figure"] for record in records(tmp_path)} == set(range(20, 26))
    assert json.loads((tmp_path / "runs.json").read_bytes())["networks"]


@pytest.mark.parametrize("content", [b"", b'{"figure": 1, "se', b"[1]", b'{"seed": 0}'])
def test_a_damaged_file_is_named_and_trained_again(
    content, digits, row, tmp_path, capsys
):
    runs = plan([row], [0, 1])
    kept = {"epochs": 1, "jobs": 1, "folder": tmp_path}
    first = training.train(runs, digits, **kept)
    path = next(iter(tmp_path.glob("figure-01-seed-0-*")))
    path.write_bytes(content)
    again = training.train(runs, digits, **kept)
    out = capsys.readouterr().out
    assert f"{path} is damaged and will be trained again" in out
    assert "1 of 2 runs" in out
    seconds = {"seconds": None}
    assert [one | seconds for one in again] == [one | seconds for one in first]
    assert json.loads(path.read_bytes()) == again[0]


def full(path, content):
    """Fail as write_file does on a disk that is full."""
    if "seed-1" in path.name:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))
    path.write_bytes(content)


def test_a_full_disk_is_named_and_keeps_the_finished_runs(
    digits, row, tmp_path, monkeypatch, capsys
):
    runs = plan([row], [0, 1, 2])
    monkeypatch.setattr(training, "write_file", full)
    with pytest.raises(OSError, match=r"No space left.*figure-01-seed-1"):
        training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)
    names = [path.name[:16] for path in tmp_path.iterdir()]
    assert sorted(names) == ["figure-01-seed-0", "figure-01-seed-2"]
    monkeypatch.undo()
    assert len(training.train(runs, digits, epochs=2, jobs=1, folder=tmp_path)) == 3
    assert "2 of 3 runs" in capsys.readouterr().out


def test_a_disk_with_space_again_takes_what_waits(digits, row, tmp_path, monkeypatch):
    failures = []

    def full_once(path, content):
        if not failures:
            failures.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))
        path.write_bytes(content)

    monkeypatch.setattr(training, "write_file", full_once)
    monkeypatch.setattr(training.Saver, "INTERVAL", 0.001)
    runs = plan([row], range(8))
    assert len(training.train(runs, digits, epochs=20, jobs=1, folder=tmp_path)) == 8
    assert len(failures) == 1
    assert len(list(tmp_path.iterdir())) == 8
