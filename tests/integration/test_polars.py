"""Polars frames and series as X and y."""

import numpy as np
import polars as pl
import pytest
from frames import NAMES, assert_frames_equal_arrays, assert_other_names_are_refused
from helpers import assert_same_weights, make_mlp

FRAMES = {
    "categories": lambda X, labels: (
        pl.DataFrame(X, NAMES), pl.Series(labels, dtype=pl.Categorical)
    ),
    "text": lambda X, labels: (pl.DataFrame(X, NAMES), pl.Series(labels)),
}  # fmt: skip


@pytest.mark.parametrize("kind", FRAMES)
def test_polars_frames_equal_arrays(three_classes, kind):
    assert_frames_equal_arrays(FRAMES[kind], *three_classes)


def test_polars_columns_of_other_names_are_refused(three_classes):
    assert_other_names_are_refused(
        FRAMES["text"], lambda frame: frame.rename({"x2": "z"}), *three_classes
    )


def test_probabilities_may_come_in_a_polars_frame(three_classes):
    X, y = three_classes
    T = np.full((len(y), 3), 0.25)
    T[np.arange(len(y)), y] = 0.5
    frame = pl.DataFrame(T, ["p", "q", "r"])
    assert_same_weights(make_mlp().fit(X, frame), make_mlp().fit(X, T))
