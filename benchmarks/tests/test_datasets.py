"""Data sets: where they are looked for, and which files are refused."""

import gzip
import hashlib
import importlib.util
import os
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmarks import datasets

DATA_FOLDER = os.environ.get("CYMLP_DATA", "")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = datasets.SOURCES["mnist"].files


def idx(array):
    """Write a uint8 array as the content of an IDX file."""
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return struct.pack(">I", 0x800 + array.ndim) + shape + array.tobytes()


def pack(content):
    return gzip.compress(content, mtime=0)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def arrays():
    """Six images to train on and three to test on, two pixels by two."""
    rng = np.random.default_rng(0)
    return {
        TRAIN_IMAGES: rng.integers(0, 256, (6, 2, 2), dtype=np.uint8),
        TRAIN_LABELS: np.arange(6, dtype=np.uint8),
        TEST_IMAGES: rng.integers(0, 256, (3, 2, 2), dtype=np.uint8),
        TEST_LABELS: np.arange(3, dtype=np.uint8),
    }


@pytest.fixture
def files(arrays):
    return {name: pack(idx(array)) for name, array in arrays.items()}


def make_official(monkeypatch, files):
    """Make `files` the official MNIST files."""
    hashes = {
        name: datasets.Sha256(sha256(packed), sha256(gzip.decompress(packed)))
        for name, packed in files.items()
    }
    monkeypatch.setitem(datasets.SOURCES, "mnist", datasets.Source("MNIST", (), hashes))


@pytest.fixture(autouse=True)
def tiny_mnist(monkeypatch, files):
    """Hide the user's data folder and proxies from all tests."""
    make_official(monkeypatch, files)
    monkeypatch.delenv("CYMLP_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def fill(folder, files):
    """Write files to `folder`/mnist."""
    (folder / "mnist").mkdir(parents=True)
    for name, packed in files.items():
        (folder / "mnist" / name).write_bytes(packed)
    return folder


class Mirror(ThreadingHTTPServer):
    """A local web server that records the requested files."""

    def __init__(self, files, delay=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.delay, self.asked = files, delay, []
        self.url = f"http://127.0.0.1:{self.server_port}/data/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        time.sleep(self.server.delay)
        body = self.server.files.get(name)
        try:
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")
        except ConnectionError:
            pass  # the client gave up waiting

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """Give a function that starts a mirror, stopped at the end of the test."""
    mirrors = []

    def start(files, delay=0):
        mirror = Mirror(files, delay)
        threading.Thread(target=mirror.serve_forever, args=(0.01,)).start()
        mirrors.append(mirror)
        return mirror

    yield start
    for mirror in mirrors:
        mirror.shutdown()
        mirror.server_close()


@pytest.fixture
def closed():
    """Address of a port without a server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def assert_is_tiny(found, arrays):
    assert found.name == "mnist"
    assert found.comparable
    np.testing.assert_array_equal(found.X_train, arrays[TRAIN_IMAGES].reshape(6, 4))
    np.testing.assert_array_equal(found.y_train, arrays[TRAIN_LABELS])
    np.testing.assert_array_equal(found.X_test, arrays[TEST_IMAGES].reshape(3, 4))
    np.testing.assert_array_equal(found.y_test, arrays[TEST_LABELS])
    assert {a.dtype for a in found[1:5]} == {np.dtype(np.uint8)}


def assert_is_fallback(found, stderr):
    assert found.name == "digits"
    assert not found.comparable
    assert "not comparable" in stderr.splitlines()[-1]


def test_mirrors_are_tried_in_turn(tmp_path, capsys, arrays, files, serve, closed):
    corrupt = serve({name: packed + b"!" for name, packed in files.items()})
    right = serve(files)
    mirrors = [closed, corrupt.url, right.url]
    found = datasets.load(mirrors=mirrors, cache=tmp_path)
    assert_is_tiny(found, arrays)
    assert corrupt.asked == right.asked == list(files)
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("data:")]
    assert len(lines) == 8  # two failures for each file, a line each
    assert closed in lines[0]
    assert "refused" in lines[0]
    assert "HTTPConnectionPool" not in lines[0]  # the plain reason, not the chain
    assert corrupt.url in lines[1]
    assert sha256(files[TRAIN_IMAGES]) in lines[1]


def test_mirrors_are_chosen_per_file(tmp_path, capsys, arrays, files, serve):
    labels = {name: files[name] for name in (TRAIN_LABELS, TEST_LABELS)}
    partial, whole = serve(labels), serve(files)
    found = datasets.load(mirrors=[partial.url, whole.url], cache=tmp_path)
    assert_is_tiny(found, arrays)
    assert whole.asked == [TRAIN_IMAGES, TEST_IMAGES]
    assert "404" in capsys.readouterr().err


def test_silent_mirror_is_given_up(tmp_path, monkeypatch, arrays, files, serve):
    monkeypatch.setattr(datasets, "TIMEOUT", 0.1)
    silent, right = serve(files, delay=0.5), serve(files)
    found = datasets.load(mirrors=[silent.url, right.url], cache=tmp_path)
    assert_is_tiny(found, arrays)
    assert right.asked == list(files)


def test_digits_when_every_mirror_fails(tmp_path, capsys, serve, closed):
    empty = serve({})
    found = datasets.load(mirrors=[closed, empty.url], cache=tmp_path)
    assert_is_fallback(found, capsys.readouterr().err)
    assert empty.asked == [TRAIN_IMAGES]  # the other files are not worth the wait


def test_digits_without_pooch(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    spec = importlib.util.spec_from_file_location("data_alone", datasets.__file__)
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    found = alone.load(cache=tmp_path)
    stderr = capsys.readouterr().err
    assert_is_fallback(found, stderr)
    assert "pooch is not installed" in stderr


def test_cache_needs_no_network(tmp_path, arrays, files, serve, closed):
    datasets.load(mirrors=[serve(files).url], cache=tmp_path)
    assert_is_tiny(datasets.load(mirrors=[closed], cache=tmp_path), arrays)


def test_corrupt_cached_file_is_fetched_again(tmp_path, arrays, files, serve):
    fill(tmp_path, files | {TEST_IMAGES: files[TEST_IMAGES][:-9]})
    mirror = serve(files)
    assert_is_tiny(datasets.load(mirrors=[mirror.url], cache=tmp_path), arrays)
    assert mirror.asked == [TEST_IMAGES]


def test_folder_argument_precedes_variable_precedes_cache(
    tmp_path, monkeypatch, arrays, files, closed
):
    argument = fill(tmp_path / "argument", files)
    variable = fill(tmp_path / "variable", files | {TEST_LABELS: b"altered"})
    cache = fill(tmp_path / "cache", files)
    found = datasets.load(mirrors=[closed], cache=cache)
    assert "cache" in found.source
    monkeypatch.setenv("CYMLP_DATA", str(variable))
    with pytest.raises(datasets.DataError, match="variable"):
        datasets.load(mirrors=[closed], cache=cache)
    found = datasets.load(folder=argument, mirrors=[closed], cache=cache)
    assert_is_tiny(found, arrays)
    assert "local folder" in found.source


def test_folder_without_the_files_is_passed_over(
    tmp_path, capsys, arrays, files, closed
):
    folder = fill(tmp_path / "folder", {TRAIN_IMAGES: files[TRAIN_IMAGES]})
    cache = fill(tmp_path / "cache", files)
    assert_is_tiny(datasets.load(folder=folder, mirrors=[closed], cache=cache), arrays)
    assert TEST_LABELS in capsys.readouterr().err


def test_recompressed_files_are_the_same_data(tmp_path, arrays, files):
    other = {
        name: gzip.compress(gzip.decompress(packed), 1, mtime=9)
        for name, packed in files.items()
    }
    assert other[TRAIN_IMAGES] != files[TRAIN_IMAGES]
    assert_is_tiny(datasets.load(folder=fill(tmp_path, other)), arrays)


IMAGES = idx(np.zeros((6, 2, 2), np.uint8))


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        (pack(IMAGES)[:-12], "ended before the end"),
        (pack(IMAGES)[:-8] + b"bad! CRC", "CRC check failed"),
        (pack(IMAGES)[:10] + b"\xff" * 20, "invalid block type"),
        (b"<html>not found</html>", "Not a gzipped file"),
        (pack(IMAGES[:15]), "15 bytes are too few for a header of 16"),
        (pack(idx(np.zeros(6, np.uint8)) + IMAGES), "magic number is 2049, expected"),
        (pack(IMAGES[:-1]), r"shape is \[6, 2, 2\], but 23 bytes follow"),
        (pack(IMAGES), "content is not the official one"),
    ],
)
def test_altered_file_is_refused(tmp_path, files, packed, problem):
    folder = fill(tmp_path, files | {TRAIN_IMAGES: packed})
    with pytest.raises(datasets.DataError, match=problem) as caught:
        datasets.load(folder=folder)
    assert str(folder / "mnist" / TRAIN_IMAGES) in str(caught.value)


def test_refusal_names_both_hashes(tmp_path, files):
    folder = fill(tmp_path, files | {TRAIN_IMAGES: pack(IMAGES)})
    official = datasets.SOURCES["mnist"].files[TRAIN_IMAGES].content
    hashes = f"expected {official}, found {sha256(IMAGES)}"
    with pytest.raises(datasets.DataError, match=hashes):
        datasets.load(folder=folder)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"name must be one of .*'digits'.*'minst'"):
        datasets.load("minst")


def test_mirrors_as_one_string():
    with pytest.raises(TypeError, match="must be a sequence of str, got the str"):
        datasets.load(mirrors="http://127.0.0.1/")


def test_digits_are_brought_to_the_range_of_bytes(capsys):
    found = datasets.load("digits")
    pixels, labels = load_digits(return_X_y=True)
    assert capsys.readouterr().err == ""  # no fallback
    assert not found.comparable
    assert found.X_train.shape == (1437, 64)
    assert found.X_test.shape == (360, 64)
    assert (found.X_train.min(), found.X_train.max()) == (0, 255)
    assert {a.dtype for a in found[1:5]} == {np.dtype(np.uint8)}
    X = np.vstack([found.X_train, found.X_test])
    assert sorted(map(tuple, X)) == sorted(map(tuple, np.rint(pixels * 255 / 16)))
    counts = np.bincount(labels) / 5
    np.testing.assert_allclose(np.bincount(found.y_test), counts, atol=1)


def test_digits_are_always_split_alike():
    first, second = datasets.load("digits"), datasets.load("digits")
    for a, b in zip(first[1:5], second[1:5], strict=True):
        np.testing.assert_array_equal(a, b)


def test_scale():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    exact = (pixels.astype(np.float64) - 128) / 255
    for X in (pixels, np.asfortranarray(pixels)):
        scaled = datasets.scale(X)
        assert scaled.dtype == np.float32
        assert scaled.flags.c_contiguous
        np.testing.assert_array_equal(scaled, exact.astype(np.float32))
    assert pixels[15, 15] == 255  # the input is unchanged


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_table_of_hashes_is_well_formed(monkeypatch, name):
    monkeypatch.undo()
    hashes = [h for pair in datasets.SOURCES[name].files.values() for h in pair]
    assert len(set(hashes)) == 8
    assert {len(bytes.fromhex(h)) for h in hashes} == {32}


@pytest.mark.skipif(
    not Path(DATA_FOLDER, "mnist").is_dir(),
    reason="CYMLP_DATA names no folder with mnist in it",
)
def test_real_mnist(monkeypatch):
    monkeypatch.undo()
    found = datasets.load(mirrors=[])
    assert found.name == "mnist"
    assert found.comparable
    assert found.X_train.shape == (60000, 784)
    assert found.X_test.shape == (10000, 784)
    assert found.X_train.sum(dtype=np.int64) == 1_567_298_545
    assert found.X_test.sum(dtype=np.int64) == 264_923_200
    np.testing.assert_array_equal(found.y_train[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    assert np.bincount(found.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
