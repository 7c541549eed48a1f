"""Assertions for the data frames of every library."""

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from sklearn.base import clone
from sklearn.utils.validation import _get_feature_names

from cymlp import fit_many

CLASSES = np.array(["ant", "bee", "cat"])
NAMES = [f"x{i}" for i in range(6)]


def assert_frames_equal_arrays(make_frames, X, y):
    """That a frame and a series train the network that the same arrays do."""
    array = CLASSES[y]
    frame, labels = make_frames(X, array)
    weights = type(labels)(np.linspace(0.5, 2, 120))
    mlp = make_mlp()
    ours = clone(mlp).fit(
        frame, labels, weights, X_val=frame[:30], y_val=labels[:30],
        sample_weight_val=weights[:30],
    )  # fmt: skip
    plain = clone(mlp).fit(
        X, array, np.asarray(weights), X_val=X[:30], y_val=array[:30],
        sample_weight_val=np.asarray(weights)[:30],
    )  # fmt: skip
    assert_same_weights(ours, plain)
    assert_same_history(ours, plain)
    np.testing.assert_array_equal(ours.predict(frame), plain.predict(X))
    partly = clone(mlp).partial_fit(frame, labels, CLASSES)
    many = fit_many([clone(mlp)], frame, labels)[0]
    assert_same_weights(
        partly.partial_fit(frame, labels), make_mlp(max_iter=2).fit(X, array)
    )
    assert_same_weights(many, clone(mlp).fit(X, array))
    skip_if_scikit_learn_finds_no_names(frame)
    assert list(ours.feature_names_in_) == NAMES


def assert_other_names_are_refused(make_frames, rename, X, y):
    """That a frame whose columns were renamed is refused after a fit."""
    frame, labels = make_frames(X, CLASSES[y])
    skip_if_scikit_learn_finds_no_names(frame)
    mlp = make_mlp().fit(frame, labels)
    renamed = rename(frame)
    for use in (
        lambda: mlp.predict(renamed),
        lambda: mlp.partial_fit(renamed, labels),
        lambda: mlp.fit(frame, labels, X_val=renamed, y_val=labels),
    ):
        with pytest.raises(ValueError, match="feature names"):
            use()
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        mlp.predict(X)


def skip_if_scikit_learn_finds_no_names(frame):
    if _get_feature_names(frame) is None:
        pytest.skip("this scikit-learn finds no names of features in this frame")
