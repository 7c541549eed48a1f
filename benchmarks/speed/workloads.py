"""The networks that the speed is measured on, and the data they are trained on."""

import csv
import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import datasets

SGD_PEERS = ("numpy", "scikit-learn", "pytorch", "jax")


class Work(NamedTuple):
    """A network to train. It has tanh units and cross entropy unless it says otherwise.

    Attributes
    ----------
    data : str
        A key of `DATA`.
    hidden : tuple of int
    batch_size : int
    peers : tuple of str
        Who does it beside cymlp.
    solver : {"sgd", "adam"}
    learning_rate, weight_decay : float
    momentum : float
        For "sgd".
    epsilon : float
        For "adam".
    activation, loss : str
        Peers know only the defaults.
    n_rows : int or None
        Repeat or cut the data to so many.
    """

    data: str
    hidden: tuple[int, ...]
    batch_size: int = 100
    peers: tuple[str, ...] = SGD_PEERS
    solver: str = "sgd"
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    momentum: float = 0.9
    epsilon: float = 1e-8
    activation: str = "tanh"
    loss: str = "cross_entropy"
    n_rows: int | None = None


class Samples(NamedTuple):
    """What a work is done on.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features), float32
    y : ndarray of shape (n_samples,), int64
        Classes, as numbers from 0.
    X_test : like X
        Rows to predict.
    source : str
        Where they come from, for people to read.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    source: str


class NoDataError(LookupError):
    """The data of a work are not at hand."""


def load(work):
    """Load the samples of a work, as many as make whole batches.

    Parameters
    ----------
    work : Work

    Returns
    -------
    Samples

    Raises
    ------
    NoDataError
        They are not at hand.
    """
    samples = DATA[work.data]()
    n_rows = work.n_rows or len(samples.y)
    if n_rows > len(samples.y):
        rows = np.arange(n_rows) % len(samples.y)
        samples = samples._replace(X=samples.X[rows], y=samples.y[rows])
    n_rows -= n_rows % work.batch_size
    return samples._replace(X=samples.X[:n_rows], y=samples.y[:n_rows])


def mnist():
    """MNIST, scaled as in the reference experiment."""
    dataset = datasets.load("mnist")
    if not dataset.comparable:
        raise NoDataError("MNIST cannot be had")
    return _scaled(dataset)


def digits():
    """The digits of scikit-learn, for a quick look."""
    return _scaled(datasets.load("digits"))


def noise():
    """Inputs without a zero or a pattern, in the shape of MNIST."""
    return _gaussian(60_000, 784, 10)


def table():
    """A table of many rows and few columns."""
    return _gaussian(200_000, 54, 7)


def text():
    """Queries to a bank (Casanueva et al., 2020): TF-IDF of 2 to 5 characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    path = Path(os.environ.get("CYMLP_DATA", "")) / "banking77" / "train.csv"
    if not path.is_file():
        raise NoDataError("CYMLP_DATA names no folder with banking77/train.csv")
    with path.open(encoding="utf-8", newline="") as file:
        texts, labels = zip(*list(csv.reader(file))[1:], strict=True)
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 5), min_df=2, dtype=np.float32
    )
    X = vectorizer.fit_transform(texts)
    y = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    order = np.random.RandomState(0).permutation(len(y))  # they come sorted by class
    return Samples(X[order], y[order], X[:1000], "banking77")


def _scaled(dataset):
    return Samples(
        datasets.scale(dataset.X_train),
        dataset.y_train.astype(np.int64),
        datasets.scale(dataset.X_test),
        dataset.source,
    )


def _gaussian(n_samples, n_features, n_classes):
    """Gaussian inputs; the class is that of the largest of some weighted sums."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features), np.float32)
    W = generator.standard_normal((n_features, n_classes), np.float32)
    return Samples(X, (X @ W).argmax(axis=1), X[:1000], "Gaussian noise")


DATA = {member.__name__: member for member in (mnist, digits, noise, table, text)}


def layer_sizes(work, samples):
    """Widths of all layers, from input to output."""
    return samples.X.shape[1], *work.hidden, int(samples.y.max()) + 1


def first_parameters(sizes, dtype):
    """Draw weights of Glorot's variance, and biases of 0: [W, b, W, b, ...]."""
    generator = np.random.default_rng(0)
    parameters = []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(6 / (n_in + n_out))
        parameters.append(generator.uniform(-bound, bound, (n_in, n_out)).astype(dtype))
        parameters.append(np.zeros(n_out, dtype))
    return parameters


def dense_operations(sizes, n_rows):
    """Count the multiplications and additions of an epoch's products.

    Each weight takes part in three products: forward, for its own gradient, and for the
    gradient of the layer before, which the first layer has none of.
    """
    weights = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 2 * n_rows * (3 * sum(weights) - weights[0])
