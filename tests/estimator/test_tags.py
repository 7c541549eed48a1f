"""Each of scikit-learn's estimator tags, compared with what a fit accepts."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import make_mlp
from members import LOSSES
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.arange(60) % 3

ESTIMATORS = [
    *(make_mlp(loss=loss) for loss in LOSSES),
    *(
        make_mlp(scale=scale)
        for scale in ("standard", "minmax", (0, 2), (1.5, 2), ([0, 0, 1, 0], 2))
    ),
    make_mlp(dtype="float64", early_stopping=True),
]


def accepts(mlp, X, y):
    """Whether an estimator can be fitted to data and predict them."""
    mlp = clone(mlp)
    try:
        with warnings.catch_warnings(action="ignore"):
            mlp.fit(X, y)
            return len(mlp.predict(X)) == len(y)
    except (TypeError, ValueError):
        return False


def with_nan(X):
    X = X.copy()
    X[7, 2] = np.nan
    return X


def of_strings(X):
    return np.where(X > 0, "high", "low")


def differs_between_fits(mlp):
    one, two = (clone(mlp).fit(X, Y).decision_function(X) for _ in range(2))
    return not np.array_equal(one, two)


def needs_a_fit(mlp):
    with pytest.raises(NotFittedError):
        clone(mlp).predict(X)
    return True


def scores_poorly(mlp):
    blobs, labels = make_blobs(300, random_state=0)
    mlp = clone(mlp).set_params(max_iter=100)
    return (
        mlp.fit(blobs[:, [0, 1] * 2], labels).score(blobs[:, [0, 1] * 2], labels) < 0.83
    )


def frame_of_categories():
    return pd.DataFrame(of_strings(X), columns=list("abcd")).astype("category")


FACTS = {
    "input_tags.one_d_array": lambda mlp: accepts(mlp, X[:, 0], Y),
    "input_tags.two_d_array": lambda mlp: accepts(mlp, X, Y),
    "input_tags.three_d_array": lambda mlp: accepts(mlp, X[:, :, np.newaxis], Y),
    "input_tags.sparse": lambda mlp: accepts(mlp, csr_array(X), Y),
    "input_tags.categorical": lambda mlp: accepts(mlp, frame_of_categories(), Y),
    "input_tags.string": lambda mlp: accepts(mlp, of_strings(X), Y),
    "input_tags.dict": lambda mlp: accepts(mlp, [{"a": x} for x in X[:, 0]], Y),
    "input_tags.positive_only": lambda mlp: not accepts(mlp, -abs(X), Y),
    "input_tags.allow_nan": lambda mlp: accepts(mlp, with_nan(X), Y),
    "input_tags.pairwise": lambda mlp: not accepts(mlp, X, Y),
    "target_tags.required": lambda mlp: not accepts(mlp, X, None),
    "target_tags.single_output": lambda mlp: accepts(mlp, X, Y),
    "target_tags.multi_output": lambda mlp: accepts(mlp, X, np.c_[Y, 2 - Y]),
    "classifier_tags.multi_class": lambda mlp: accepts(mlp, X, Y),
    "classifier_tags.multi_label": lambda mlp: accepts(mlp, X, np.c_[Y > 0, Y < 2]),
    "classifier_tags.poor_score": scores_poorly,
    "non_deterministic": differs_between_fits,
    "requires_fit": needs_a_fit,
}


@pytest.mark.parametrize("tag", FACTS)
@pytest.mark.parametrize("mlp", ESTIMATORS, ids=repr)
def test_a_tag_is_true(mlp, tag):
    said = get_tags(mlp)
    for name in tag.split("."):
        said = getattr(said, name)
    assert said == FACTS[tag](mlp)


@pytest.mark.parametrize("scale", ["robust", 3, (), (None, 1), ("a", 1), ([0, [1]], 2)])
def test_an_invalid_scale_has_tags(scale):
    get_tags(make_mlp(scale=scale))
