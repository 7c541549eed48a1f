"""The networks whose training is timed, and the samples that they are trained on."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks import datasets

SGD_PEERS = ("numpy", "scikit-learn", "pytorch", "jax")


class Workload(NamedTuple):
    """A network to train.

    Attributes
    ----------
    data : str
        A key of `DATA`.
    hidden : tuple of int
        Hidden layer sizes.
    batch_size : int
    peers : tuple of str
        Names of the peers that take part, besides cymlp.
    solver : {"sgd", "adam"}
    learning_rate, weight_decay : float
    momentum : float
        Momentum for "sgd".
    epsilon : float
        Epsilon for "adam".
    activation, loss : str
        Peers other than cymlp support the defaults only.
    n_rows : int or None
        Number of rows to repeat or cut the data to.
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
    """The data of a workload.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features), float32
    y : ndarray of shape (n_samples,), int64
        Class indices.
    X_test : like X
        Rows to predict.
    source : str
        Where the data came from, for display.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    source: str


def load(workload):
    """Load the samples of a workload, cut to whole batches.

    Raises
    ------
    datasets.DataUnavailableError
        If the data set cannot be found or downloaded.
    """
    samples = DATA[workload.data]()
    n_rows = workload.n_rows or len(samples.y)
    if n_rows > len(samples.y):
        indices = np.arange(n_rows) % len(samples.y)
        samples = samples._replace(X=samples.X[indices], y=samples.y[indices])
    n_rows -= n_rows % workload.batch_size
    return samples._replace(X=samples.X[:n_rows], y=samples.y[:n_rows])


def mnist():
    """Load MNIST, scaled as in the published experiment."""
    dataset = datasets.load("mnist")
    if not dataset.comparable:
        raise datasets.DataUnavailableError("MNIST is unavailable")
    return _scaled(dataset)


def digits():
    """Load scikit-learn's digits."""
    return _scaled(datasets.load("digits"))


def noise():
    """Make dense samples without structure, in the shape of MNIST."""
    return _gaussian(60_000, 784, 10)


def table():
    """Make a table of many rows and few columns."""
    return _gaussian(200_000, 54, 7)


def iris():
    """Load scikit-learn's iris, standardised."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    return Samples(X, y.astype(np.int64), X, "scikit-learn's iris")


def text():
    """Load the queries of BANKING77 as TF-IDF of 2 to 5 characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, labels = datasets.load_banking77()
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 5), min_df=2, dtype=np.float32
    )
    X = vectorizer.fit_transform(texts)
    y = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    order = np.random.RandomState(0).permutation(len(y))  # the file is sorted by class
    return Samples(X[order], y[order], X[:1000], "banking77")


def _scaled(dataset):
    return Samples(
        datasets.scale(dataset.X_train),
        dataset.y_train.astype(np.int64),
        datasets.scale(dataset.X_test),
        dataset.source,
    )


def _gaussian(n_samples, n_features, n_classes):
    """Draw Gaussian samples; the class is the largest of n_classes weighted sums."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features), np.float32)
    W = generator.standard_normal((n_features, n_classes), np.float32)
    return Samples(X, (X @ W).argmax(axis=1), X[:1000], "Gaussian noise")


DATA = {member.__name__: member for member in (mnist, digits, noise, table, iris, text)}


def layer_sizes(workload, samples):
    """Return the sizes of all layers, input and output included."""
    return samples.X.shape[1], *workload.hidden, int(samples.y.max()) + 1


def first_parameters(sizes, dtype):
    """Draw weights with Glorot's bound, and zero biases: [W, b, W, b, ...]."""
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
    gradient of the previous layer, which the first layer does not need.
    """
    weights = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 2 * n_rows * (3 * sum(weights) - weights[0])
