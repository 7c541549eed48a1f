"""The report's data: MNIST or Fashion-MNIST, and scikit-learn's digits without them.

A data set is looked for in a data folder, then in the user's cache, which is filled
from public mirrors. What is read is checked against known SHA-256 hashes.
"""

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
except ImportError:  # local folders and the digits need none
    pooch = None

TIMEOUT = 10  # seconds a mirror may stay silent


class DataError(ValueError):
    """A data file is truncated or altered."""


class DataSet(NamedTuple):
    """Training and test samples, one row of pixels (0 to 255) per image.

    Attributes
    ----------
    name : str
        "mnist", "fashion-mnist" or "digits".
    X_train, X_test : ndarray of shape (n, d), uint8
    y_train, y_test : ndarray of shape (n,), uint8
    source : str
        Where the data came from, for people to read.
    comparable : bool
        Whether figures may be compared with the published ones: only on MNIST.
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    source: str
    comparable: bool


class Sha256(NamedTuple):
    """Hashes of one file: as the mirrors have it, and of what is in it.

    Distributors recompress the files, so only the content identifies a local copy.
    """

    gzip: str
    content: str


class Source(NamedTuple):
    """Where a data set is published, and its files.

    The files come in the order training images and labels, test images and labels.
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
    """Load a data set from a folder, the cache or a mirror, or else the digits.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "digits"}, default="mnist"
        The data set. The digits come with scikit-learn and need no files.
    folder : path-like, optional
        Folder whose subfolder `name` is looked in first; by default the environment
        variable ``CYMLP_DATA``, where it is set.
    mirrors : sequence of str, optional
        Web addresses to download from, in the order to try; by default the public
        mirrors of the data set.
    cache : path-like, optional
        Folder whose subfolder `name` keeps downloads; by default the user's cache.

    Returns
    -------
    DataSet
        The data set, or the digits where it cannot be had: a line on standard error
        then says so.

    Raises
    ------
    DataError
        A file in the folder is truncated or altered.
    """
    if name == "digits":
        return _digits()
    if name not in SOURCES:
        raise ValueError(f"name must be one of {[*SOURCES, 'digits']}, got {name!r}")
    if isinstance(mirrors, str):
        raise TypeError(f"mirrors must be a sequence of addresses, got {mirrors!r}")
    found = _from_folder(name, folder) or _from_mirrors(name, mirrors, cache)
    if found:
        return found
    _tell(
        f"{SOURCES[name].title} cannot be had; using scikit-learn's digits instead. "
        "The figures are not comparable to the published ones."
    )
    return _digits()


def scale(X):
    """Scale pixels as the reference experiment does: (pixel - 128) / 255.

    Parameters
    ----------
    X : array-like
        Pixels, 0 to 255.

    Returns
    -------
    ndarray
        C-contiguous float32 array of the same shape.
    """
    X = np.array(X, dtype=np.float32, order="C")
    X -= 128
    X /= 255
    return X


def _digits():
    """scikit-learn's digits, a fifth of each class for testing, always the same."""
    pixels, labels = load_digits(return_X_y=True)
    X = np.rint(pixels * (255 / 16)).astype(np.uint8)
    X_train, X_test, y_train, y_test = train_test_split(
        X, labels.astype(np.uint8), test_size=0.2, stratify=labels, random_state=0
    )
    source = "the digits that come with scikit-learn (8 by 8 pixels, not MNIST)"
    return DataSet("digits", X_train, y_train, X_test, y_test, source, comparable=False)


def _from_folder(name, folder):
    """The data set in a data folder; None without a folder or where it lacks files."""
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
    """The data set in the cache, downloaded where need be; None where that fails."""
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
    """Have `file` in `folder`, from the first mirror that serves it; False if none."""
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=sys.stderr.isatty())
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file}"
        try:
            pooch.retrieve(url, sha256, file, folder, downloader=downloader)
            return True
        except (OSError, ValueError) as error:  # no answer or HTTP error; wrong hash
            _tell(f"{url} failed: {_root_cause(error)}")
    return False


def _root_cause(error):
    """The first error of a chain: the one that says in plain words what happened."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _read(name, folder, place):
    """The data set from the files in a folder."""
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
    """The array in a gzipped IDX file, checked against the hash of its content."""
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
    """The uint8 array of `n_dims` dimensions that is the content of an IDX file."""
    start = 4 * (1 + n_dims)
    if len(content) < start:
        raise ValueError(f"{len(content)} bytes are too few for a header of {start}")
    magic, *shape = struct.unpack(f">{1 + n_dims}I", content[:start])
    expected = 0x800 + n_dims  # 8 in the third byte stands for uint8
    if magic != expected:
        raise ValueError(f"magic number is {magic}, expected {expected}")
    if len(content) - start != math.prod(shape):
        raise ValueError(f"shape is {shape}, but {len(content) - start} bytes follow")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _refusal(path, problem, expected, content):
    """The error for a file that cannot be used."""
    found = hashlib.sha256(content).hexdigest()
    return DataError(
        f"{path} is truncated or altered: {problem} "
        f"(SHA-256 expected {expected}, found {found})"
    )


def _tell(message):
    """Say something to the user, on standard error."""
    print(f"data: {message}", file=sys.stderr)
