"""Files that are replaced as a whole."""

import errno
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cymlp._files import write_file

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    return path


def assert_only(file, content):
    """That this file, with this content, is all that is in its folder."""
    assert [*file.parent.iterdir()] == [file]
    assert file.read_bytes() == content


def test_a_file_is_made_or_replaced(tmp_path):
    for content in (b"one", b"", b"more\r\n\0"):
        write_file(tmp_path / "model.bin", content)
        assert_only(tmp_path / "model.bin", content)


def test_a_path_may_be_a_string_or_relative(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    write_file("model.bin", b"new")
    assert_only(file, b"new")


FULL_DISK = """
import resource, sys
from cymlp._files import write_file

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file(sys.argv[1], bytes(1001))
except OSError as error:
    sys.exit(f"{type(error).__name__} {error.errno} {error.filename}")
"""


@needs_posix
def test_a_full_disk_leaves_the_old_file(file):
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, file], capture_output=True, text=True
    )
    assert run.stderr == f"OSError {errno.EFBIG} {os.path.realpath(file)}\n"
    assert_only(file, b"old")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_in_any_step_leaves_the_old_file(file, monkeypatch, step, error):
    def fail(*arguments, **named):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises((OSError, KeyboardInterrupt)) as caught:
        write_file(file, b"new")
    monkeypatch.undo()
    if isinstance(error, OSError):
        assert caught.value.filename == os.path.realpath(file)
        assert caught.value.errno == errno.ENOSPC
    assert_only(file, b"old")


def test_the_content_is_on_the_disk_before_it_replaces_the_file(file, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        step = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, n=name, s=step: (steps.append(n), s(*a))[1]
        )
    write_file(file, b"new")
    assert steps[:2] == ["fsync", "replace"]


@pytest.mark.parametrize("parts", [("absent", "model"), ("model.bin", "model")])
def test_an_error_names_the_file_and_not_its_part(file, parts):
    path = file.parent.joinpath(*parts)
    with pytest.raises(OSError, match=re.escape(repr(os.path.realpath(path)))):
        write_file(path, b"new")
    assert_only(file, b"old")


def test_a_folder_is_not_replaced(file):
    with pytest.raises(OSError, match=re.escape(file.parent.name)):
        write_file(file.parent, b"new")
    assert_only(file, b"old")


@needs_posix
def test_permissions_stay_and_new_files_have_the_usual(file):
    file.chmod(0o640)
    write_file(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    mask = os.umask(0o027)
    try:
        write_file(file.with_name("other"), b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(file.with_name("other").stat().st_mode) == 0o640


def test_a_file_that_may_not_be_written_is_not_replaced(file, monkeypatch):
    file.chmod(0o444)
    # The administrator may write any file.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=re.escape(file.name)):
        write_file(file, b"new")
    assert_only(file, b"old")


@needs_posix
def test_a_symbolic_link_stays(file):
    link = file.with_name("latest")
    link.symlink_to(file.name)
    write_file(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


@needs_posix
def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_file, args=(pipe, b"new"))
    writer.start()
    assert pipe.read_bytes() == b"new"
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_writers_at_the_same_time_do_not_mix(file):
    contents = [bytes([i]) * 10_000 for i in range(8)]

    def write(content):
        for _ in range(20):
            write_file(file, content)

    writers = [threading.Thread(target=write, args=(one,)) for one in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert file.read_bytes() in [b"old", *contents]
    assert_only(file, file.read_bytes())
    assert file.read_bytes() in contents


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    write_file(tmp_path / ("m" * 255), b"new")
    assert_only(tmp_path / ("m" * 255), b"new")


@pytest.mark.parametrize("folder", ["src", "benchmarks"])
def test_every_file_is_written_so(folder):
    writing = re.compile(r"\.write_(text|bytes)\(|\bopen\([^)]*[\"'][wax]b?\+?[\"']")
    example = re.compile(r"^ *(>>>|\.\.\.) .*", re.MULTILINE)
    sources = {
        path: example.sub("", path.read_text("utf-8"))
        for path in (Path(__file__).parents[2] / folder).rglob("*.py")
        if path.name != "_files.py" and not path.name.startswith("test_")
    }
    assert len(sources) > 10
    assert not [path for path, source in sources.items() if writing.search(source)]
