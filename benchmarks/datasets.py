"""Data sets of the benchmarks: MNIST, Fashion-MNIST, digits and BANKING77.

MNIST and Fashion-MNIST are read from a data folder, or from the user's cache, which is
filled from public mirrors. Their files are checked against known SHA-256 hashes.
"""

import csv
import gzip
import hashlib
import math
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

try:
    import pooch
except ImportError:  # only downloads need it
    pooch = None

TIMEOUT = 10  # seconds to wait for an answer of a mirror


class DataError(ValueError):
    """A data file is truncated or altered."""


class DataUnavailableError(LookupError):
    """A data set cannot be found or downloaded."""


class DataSet(NamedTuple):
    """Training and test images, one row of pixels (0 to 255) per image.

    Attributes
    ----------
    name : str
        "mnist", "fashion-mnist" or "digits".
    X_train, X_test : ndarray of shape (n, d), uint8
    y_train, y_test : ndarray of shape (n,), uint8
    source : str
        Where the data came from, for display.
    comparable : bool
        Whether results are comparable with the published ones; true for MNIST only.
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    source: str
    comparable: bool


class Sha256(NamedTuple):
    """Hashes of the compressed file on the mirrors, and of its content.

    Distributors recompress the files, so a local copy is checked by its content.
    """

    gzip: str
    content: str


class Source(NamedTuple):
    """Mirrors and files of a data set.

    The files are training images, training labels, test images and test labels.
    """

    title: str
    mirrors: tuple[str, ...]
    files: dict[str, Sha256]


SOURCES = {
    "mnist": Source(
        title="MNIST",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        files={
            "train-images-idx3-ubyte.gz": Sha256(
                gzip="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                content="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            "train-labels-idx1-ubyte.gz": Sha256(
                gzip="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                content="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            "t10k-images-idx3-ubyte.gz": Sha256(
                gzip="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                content="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            "t10k-labels-idx1-ubyte.gz": Sha256(
                gzip="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                content="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        },
    ),
    "fashion-mnist": Source(
        title="Fashion-MNIST",
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        files={
            "train-images-idx3-ubyte.gz": Sha256(
                gzip="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                content="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            "train-labels-idx1-ubyte.gz": Sha256(
                gzip="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                content="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            "t10k-images-idx3-ubyte.gz": Sha256(
                gzip="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                content="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            "t10k-labels-idx1-ubyte.gz": Sha256(
                gzip="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                content="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        },
    ),
}


def load(name="mnist", *, folder=None, mirrors=None, cache=None):
    """Load a data set from a folder, the cache or a mirror; otherwise the digits.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "digits"}, default="mnist"
        Name of the data set. The digits come with scikit-learn and need no files.
    folder : path-like, optional
        Folder whose subfolder `name` is searched first; by default the environment
        variable ``CYMLP_DATA`` if it is set.
    mirrors : sequence of str, optional
        Addresses to download from, in the order to try; by default the public mirrors
        of the data set.
    cache : path-like, optional
        Folder whose subfolder `name` keeps downloads; by default the user's cache.

    Returns
    -------
    DataSet
        The data set. If it is unavailable, the digits, with a message on standard
        error.

    Raises
    ------
    DataError
        If a file in the folder is truncated or altered.
    """
    if name == "digits":
        return _digits()
    if name not in SOURCES:
        raise ValueError(f"name must be one of {[*SOURCES, 'digits']}, got {name!r}")
    if isinstance(mirrors, str):
        raise TypeError(f"mirrors must be a sequence of str, got the str {mirrors!r}")
    found = _from_folder(name, folder) or _from_mirrors(name, mirrors, cache)
    if found:
        return found
    _tell(
        f"{SOURCES[name].title} is unavailable; using scikit-learn's digits instead. "
        "The results are not comparable with the published ones."
    )
    return _digits()


def scale(X):
    """Scale pixels as the published experiment does, to (pixel - 128) / 255.

    Returns a new C-contiguous float32 array.
    """
    X = np.array(X, dtype=np.float32, order="C")
    X -= 128
    X /= 255
    return X


def load_banking77(part="train"):
    """Load the queries of BANKING77 (Casanueva et al., 2020).

    Parameters
    ----------
    part : {"train", "test"}, default="train"

    Returns
    -------
    texts, labels : tuple of str
        Queries to a bank and their intents, sorted by intent.

    Raises
    ------
    DataUnavailableError
        If the folder that ``CYMLP_DATA`` names lacks the file of the part in
        banking77.
    """
    path = Path(os.environ.get("CYMLP_DATA", "")) / "banking77" / f"{part}.csv"
    if not path.is_file():
        raise DataUnavailableError(
            f"CYMLP_DATA must name a folder with banking77/{part}.csv"
        )
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(zip(*list(csv.reader(file))[1:], strict=True))


def _digits():
    """Load scikit-learn's digits, with the same fifth of each class for testing."""
    pixels, labels = load_digits(return_X_y=True)
    X = np.rint(pixels * (255 / 16)).astype(np.uint8)
    X_train, X_test, y_train, y_test = train_test_split(
        X, labels.astype(np.uint8), test_size=0.2, stratify=labels, random_state=0
    )
    source = "the digits that come with scikit-learn (8 by 8 pixels, not MNIST)"
    return DataSet("digits", X_train, y_train, X_test, y_test, source, comparable=False)


def _from_folder(name, folder):
    """Read a data set from a data folder; None without the folder or its files."""
    root = os.environ.get("CYMLP_DATA") if folder is None else folder
    if not root:
        return None
    folder = Path(root) / name
    missing = [file for file in SOURCES[name].files if not (folder / file).is_file()]
    if missing:
        _tell(f"{folder} lacks {', '.join(missing)}; looking elsewhere.")
        return None
    return _read(name, folder, "a local folder")


def _from_mirrors(name, mirrors, cache):
    """Read a data set from the cache, downloading missing files; None on failure."""
    if pooch is None:
        _tell("pooch is not installed, so nothing can be downloaded.")
        return None
    source = SOURCES[name]
    folder = Path(pooch.os_cache("cymlp") if cache is None else cache) / name
    mirrors = source.mirrors if mirrors is None else mirrors
    for file, sha256 in source.files.items():
        if not _fetch(file, sha256.gzip, mirrors, folder):
            return None
    return _read(name, folder, "the user's cache of downloads")


def _fetch(file, sha256, mirrors, folder):
    """Download a file unless the folder has it; False if every mirror fails."""
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=sys.stderr.isatty())
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file}"
        try:
            pooch.retrieve(url, sha256, file, folder, downloader=downloader)
            return True
        except (OSError, ValueError) as error:  # no answer, HTTP error or wrong hash
            _tell(f"{url} failed: {_root_cause(error)}")
    return False


def _root_cause(error):
    """Return the first error of a chain, which has the clearest message."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _read(name, folder, place):
    """Read a data set from the files in a folder."""
    source = SOURCES[name]
    X_train, y_train, X_test, y_test = (
        _read_idx(folder / file, sha256) for file, sha256 in source.files.items()
    )
    return DataSet(
        name,
        X_train.reshape(len(X_train), -1),
        y_train,
        X_test.reshape(len(X_test), -1),
        y_test,
        source=f"the official {source.title} files, from {place}",
        comparable=name == "mnist",
    )


def _read_idx(path, sha256):
    """Read the array of a gzipped IDX file, checked against its hash."""
    packed = path.read_bytes()
    try:
        content = gzip.decompress(packed)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _refusal(path, error, sha256.gzip, packed) from error
    try:
        array = _parse_idx(content, n_dims=3 if "idx3" in path.name else 1)
    except ValueError as error:
        raise _refusal(path, error, sha256.content, content) from error
    if hashlib.sha256(content).hexdigest() != sha256.content:
        problem = "the content is not the official one"
        raise _refusal(path, problem, sha256.content, content)
    return array


def _parse_idx(content, n_dims):
    """Parse an IDX file into a uint8 array of `n_dims` dimensions."""
    start = 4 * (1 + n_dims)
    if len(content) < start:
        raise ValueError(f"{len(content)} bytes are too few for a header of {start}")
    magic, *shape = struct.unpack(f">{1 + n_dims}I", content[:start])
    expected = 0x800 + n_dims  # 8 in the third byte means uint8
    if magic != expected:
        raise ValueError(f"magic number is {magic}, expected {expected}")
    if len(content) - start != math.prod(shape):
        raise ValueError(f"shape is {shape}, but {len(content) - start} bytes follow")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _refusal(path, problem, expected, content):
    """Make the error for a file that cannot be used."""
    found = hashlib.sha256(content).hexdigest()
    return DataError(
        f"{path} is truncated or altered: {problem} "
        f"(SHA-256 expected {expected}, found {found})"
    )


def _tell(message):
    """Print a message on standard error."""
    print(f"data: {message}", file=sys.stderr)
