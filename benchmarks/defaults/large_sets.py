"""The large data sets: images as bytes, and text as a sparse matrix."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks import datasets
from benchmarks.defaults.data_sets import Split


def mnist():
    """Load MNIST: 60000 rows of 784 bytes."""
    found = datasets.load("mnist")
    if not found.comparable:
        raise datasets.DataUnavailableError("MNIST is unavailable")
    labels = found.y_train.astype(np.int64), found.y_test.astype(np.int64)
    return Split(found.X_train, found.X_test, *labels)


def banking77():
    """Load BANKING77: 10003 queries as TF-IDF of words and pairs of words."""
    (texts, labels), (test_texts, test_labels) = (
        datasets.load_banking77(part) for part in ("train", "test")
    )
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    X_train, X_test = vectorizer.fit_transform(texts), vectorizer.transform(test_texts)
    classes, y_train = np.unique(labels, return_inverse=True)
    return Split(X_train, X_test, y_train, np.searchsorted(classes, test_labels))


LARGE_SETS = {"mnist": mnist, "banking77": banking77}


def splits(name, seeds):
    """Load a data set, with its own split for every seed."""
    if name not in LARGE_SETS:
        raise datasets.DataUnavailableError(
            f"{name!r} is not one of {', '.join(LARGE_SETS)}"
        )
    return [LARGE_SETS[name]()] * len(seeds)
