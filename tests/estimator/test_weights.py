"""Weights of samples and of classes, in training and in the history."""

import numpy as np
import pytest
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import LOSSES, SOFT_LOSSES

TOLERANCES = [("float32", 2e-5), ("float64", 1e-12)]
METRICS = ["train_loss", "train_accuracy", "gradient_norm", "val_loss", "val_accuracy"]


def full_batches(**parameters):
    return make_mlp(batch_size=10_000, shuffle=False, **parameters)


def assert_close(one, other, tolerance):
    """Assert that two networks have the same weights and history, to rounding."""
    for a, b in zip(
        one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    for column in METRICS:
        if column in one.history_:
            np.testing.assert_allclose(
                one.history_[column], other.history_[column], rtol=tolerance
            )


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_an_integer_weight_equals_copies(three_classes, loss, dtype, tolerance):
    X, y = three_classes
    counts = np.random.default_rng(0).integers(0, 4, 120)
    validation = {"X_val": X[:30], "y_val": y[:30]}
    weighted = full_batches(loss=loss, dtype=dtype).fit(
        X, y, counts, **validation, sample_weight_val=counts[:30]
    )
    copies = full_batches(loss=loss, dtype=dtype).fit(
        X.repeat(counts, axis=0),
        y.repeat(counts),
        **{name: part.repeat(counts[:30], axis=0) for name, part in validation.items()},
    )
    assert_close(weighted, copies, tolerance)


@pytest.mark.parametrize("loss", SOFT_LOSSES, ids=repr)
def test_an_integer_weight_equals_copies_of_probabilities(three_classes, loss):
    X, _ = three_classes
    T = np.random.default_rng(0).dirichlet(np.ones(3), 120)
    counts = np.arange(120) % 4
    weighted = full_batches(loss=loss, dtype="float64").fit(X, T, counts)
    copies = full_batches(loss=loss, dtype="float64").fit(
        X.repeat(counts, axis=0), T.repeat(counts, axis=0)
    )
    assert_close(weighted, copies, 1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_class_weight_is_a_weight_of_its_samples(three_classes, loss):
    X, y = three_classes
    y = np.array(["ant", "bee", "cat"])[y]
    own = np.random.default_rng(0).uniform(0, 2, 120)
    by_class = make_mlp(loss=loss, class_weight={"bee": 3, "cat": 0.5}, dtype="float64")
    factors = np.select([y == "bee", y == "cat"], [3, 0.5], 1)
    by_sample = make_mlp(loss=loss, dtype="float64")
    validation = {"X_val": X[:50], "y_val": y[:50]}
    by_class.fit(X, y, **validation)
    by_sample.fit(X, y, factors, **validation, sample_weight_val=factors[:50])
    assert_close(by_class, by_sample, 1e-12)
    by_class.fit(X, y, own, **validation, sample_weight_val=own[:50])
    by_sample.fit(
        X, y, own * factors, **validation, sample_weight_val=(own * factors)[:50]
    )
    assert_close(by_class, by_sample, 1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_balanced_classes_count_the_same(three_classes, loss, weighted):
    X, y = three_classes
    taken = (y == 0) | (np.arange(120) % 3 > 0)
    X, y = X[taken], y[taken]
    own = (
        np.random.default_rng(0).uniform(0, 2, len(y)) if weighted else np.ones(len(y))
    )
    sums = np.bincount(y, own)
    assert sums.max() > 1.3 * sums.min()
    balanced = make_mlp(loss=loss, class_weight="balanced", dtype="float64")
    by_sample = make_mlp(loss=loss, dtype="float64").fit(X, y, own / sums[y])
    assert_close(balanced.fit(X, y, own if weighted else None), by_sample, 1e-12)
    by_class = make_mlp(
        loss=loss, class_weight=dict(enumerate(1 / sums)), dtype="float64"
    )
    assert_close(balanced, by_class.fit(X, y, own), 1e-12)


def test_a_row_of_probabilities_gets_the_mean_of_the_class_weights(three_classes):
    X, _ = three_classes
    T = np.random.default_rng(0).dirichlet(np.ones(3), 120)
    by_class = make_mlp(class_weight={0: 1, 1: 0, 2: 5}, dtype="float64").fit(X, T)
    by_sample = make_mlp(dtype="float64").fit(X, T, T @ [1, 0, 5])
    assert_close(by_class, by_sample, 1e-12)
    balanced = make_mlp(class_weight="balanced", dtype="float64").fit(X, T)
    by_sample = make_mlp(dtype="float64").fit(X, T, T @ (1 / T.sum(axis=0)))
    assert_close(balanced, by_sample, 1e-12)


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 1.0, 2: 1}, {}, {1: 1}])
def test_weights_that_are_all_the_same_change_no_bit(three_classes, class_weight):
    X, y = three_classes
    plain = make_mlp().fit(X, y, X_val=X, y_val=y)
    weighted = make_mlp(class_weight=class_weight)
    weighted.fit(X, y, np.full(120, 4.0), X_val=X, y_val=y)
    assert_same_weights(plain, weighted)
    for column in METRICS:
        np.testing.assert_allclose(
            plain.history_[column], weighted.history_[column], rtol=1e-12
        )


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("scale", [None, "standard", "minmax"])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_sample_of_weight_0_counts_as_absent(
    three_classes, loss, scale, early_stopping
):
    X, y = three_classes
    X[80:] *= 1e3
    weights = np.ones(120)
    weights[80:] = 0
    settings = {"loss": loss, "scale": scale, "early_stopping": early_stopping}
    with_them = full_batches(dtype="float64", **settings).fit(X, y, weights)
    without = full_batches(dtype="float64", **settings).fit(X[:80], y[:80])
    assert_close(with_them, without, 1e-11)


def test_a_class_of_weight_0_is_never_predicted(three_classes):
    X, y = three_classes
    mlp = make_mlp(class_weight={1: 0}, max_iter=60, batch_size=20).fit(X, y)
    assert set(mlp.predict(X)) == {0, 2}


def test_partial_fit_takes_weights_and_class_weights(three_classes):
    X, y = three_classes
    weights = np.random.default_rng(0).uniform(0, 2, 120)
    settings = {"class_weight": {0: 2.0}, "max_iter": 4}
    at_once = make_mlp(**settings).fit(X, y, weights)
    by_parts = make_mlp(**settings)
    for _ in range(4):
        by_parts.partial_fit(X, y, [0, 1, 2], weights)
    assert_same_weights(at_once, by_parts)
    assert_same_history(at_once, by_parts)


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ({"class_weight": {0: 0, 1: 0, 2: 0}}, {}, "at least one of them positive"),
        (
            {"class_weight": {0: 0}},
            {"sample_weight": np.arange(120) % 3 == 0},
            "at least one of them positive",
        ),
        ({"class_weight": {3: 1}}, {}, r"not among the classes: \[3\]"),
        ({"class_weight": {0: -1}}, {}, "class_weight.*got -1 for class 0"),
        ({"class_weight": {0: "1"}}, {}, "class_weight.*got '1' for class 0"),
        ({"class_weight": "even"}, {}, "(?s)'class_weight'.*'balanced'.*Got 'even'"),
        ({"class_weight": [1, 2, 3]}, {}, r"class_weight must be.*got \[1, 2, 3\]"),
        (
            {},
            {"X_val": "same", "sample_weight_val": np.zeros(120)},
            r"sample_weight_val.*at least one (non-zero|positive)",
        ),
        (
            {"class_weight": {0: 0}},
            {"X_val": "same", "sample_weight_val": np.arange(120) % 3 == 0},
            "products of sample_weight_val .*at least one of them positive",
        ),
    ],
)
def test_invalid_weights_are_refused(three_classes, parameters, arguments, message):
    X, _ = three_classes
    y = np.arange(120) % 3
    if "X_val" in arguments:
        arguments = arguments | {"X_val": X, "y_val": y}
    with pytest.raises(ValueError, match=message):
        make_mlp(**parameters).fit(X, y, **arguments)


def test_validation_without_any_weight_is_refused(three_classes):
    X, y = three_classes
    only_0 = {"X_val": X[y == 0], "y_val": y[y == 0]}
    with pytest.raises(
        ValueError,
        match=r"^the weights that class_weight gives .* y_val .*; the largest is 0\.0",
    ):
        make_mlp(class_weight={0: 0}).fit(X, y, **only_0)
    one_sample = np.arange(120) == 7
    with pytest.raises(ValueError, match=r"cannot hold out .* 1 samples of positive"):
        make_mlp(early_stopping=True).fit(X, y, one_sample)
