"""Dropout: which units are left out, and only in training."""

import re

import numpy as np
import pytest
import reference
from helpers import assert_same_history, assert_same_weights, make_mlp
from members import LOSSES
from sklearn.base import clone

from cymlp.activations import Identity
from cymlp.losses import Hinge


class Watch(Identity):
    """A user's activation that keeps the values of its layer's inputs."""

    def __init__(self):
        self.seen = []

    def value(self, U):
        self.seen.append(U.copy())
        return U.copy()


def units_left(rate, n_samples=400, width=50, max_iter=3, **parameters):
    """The dropout masks of each epoch, of shape (n_epochs, n_samples, width).

    The first layer gives 1 for each unit, and the second is the identity, so that its
    weighted sums are the masks.
    """
    watch = Watch()
    mlp = make_mlp(
        hidden_layer_sizes=(width, width), activation=["identity", watch],
        dropout=[rate, 0.0], warm_start=True, learning_rate_init=1e-30, shuffle=False,
        batch_size=100, max_iter=1, **parameters,
    )  # fmt: skip
    X, y = np.zeros((n_samples, 1)), np.arange(n_samples) % 2
    mlp.fit(X, y)
    mlp.coefs_[1] = np.eye(width)
    mlp.intercepts_ = [np.ones(width), np.zeros(width), np.zeros(2)]
    watch.seen.clear()
    mlp.set_params(max_iter=max_iter).fit(X, y)
    masks = np.concatenate(watch.seen).reshape(max_iter, n_samples, width)
    # Weights of 0 have taken steps of about 1e-30.
    masks[np.abs(masks) < 1e-20] = 0
    return masks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_stated_fraction_is_left_out_and_the_mean_kept(rate, dtype):
    masks = units_left(rate, dtype=dtype)
    assert set(np.unique(masks)) == {0, np.dtype(dtype).type(1 / (1 - rate))}
    # Five standard errors of 60000 values.
    tolerance = 5 * np.sqrt(rate * (1 - rate) / masks.size)
    np.testing.assert_allclose(np.mean(masks == 0), rate, atol=tolerance)
    np.testing.assert_allclose(masks.mean(), 1, atol=tolerance / (1 - rate))
    # Each unit and each sample is left out equally often.
    for axes in ((0, 1), (0, 2)):
        fractions = np.mean(masks == 0, axis=axes)
        n_drawn = masks.size / fractions.size
        np.testing.assert_allclose(
            fractions, rate, atol=5 * np.sqrt(rate * (1 - rate) / n_drawn)
        )


def test_other_units_are_left_out_of_each_sample_batch_and_epoch():
    epochs = units_left(0.5) == 0
    # Independent masks agree at half of the units.
    pairs = {
        "epochs": (epochs[:-1], epochs[1:]),
        "samples": (epochs[:, :-1], epochs[:, 1:]),
        "batches": (epochs[:, :-100], epochs[:, 100:]),
        "units": (epochs[:, :, :-1], epochs[:, :, 1:]),
    }
    for name, (one, other) in pairs.items():
        agreement = np.mean(one == other)
        assert agreement == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(one.size)), name
    assert len(np.unique(epochs.reshape(-1, 50), axis=0)) == 1200


def test_two_layers_leave_out_different_units():
    masks = reference.dropout_masks(5, 0, [0.5, 0.5], 100, [40, 40])
    assert np.mean((masks[0] > 0) == (masks[1] > 0)) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("dropout", [0.0, 0, [0.0, 0.0], (0, 0)])
def test_without_a_rate_no_bit_changes(three_classes, dropout, loss):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=(8, 5), loss=loss)
    off = clone(mlp).set_params(dropout=dropout).fit(X, y)
    assert_same_weights(off, mlp.fit(X, y))


def test_the_seed_determines_what_is_left_out(three_classes):
    X, y = three_classes
    mlps = [
        make_mlp(dropout=0.5, random_state=seed, max_iter=3).fit(X, y)
        for seed in (0, 0, 1)
    ]
    assert_same_weights(mlps[0], mlps[1])
    assert_same_history(mlps[0], mlps[1])
    assert not np.array_equal(mlps[0].coefs_[0], mlps[2].coefs_[0])


def test_a_number_means_that_rate_for_every_layer(three_classes):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=(8, 5))
    by_number, by_list, first, second = (
        clone(mlp).set_params(dropout=dropout).fit(X, y)
        for dropout in (0.3, [0.3, 0.3], [0.3, 0], [0, 0.3])
    )
    assert_same_weights(by_number, by_list)
    for other in (first, second):
        assert not np.array_equal(by_number.coefs_[0], other.coefs_[0])
    assert not np.array_equal(first.coefs_[0], second.coefs_[0])


def test_validation_and_predictions_use_all_units(three_classes):
    X, y = three_classes
    mlp = make_mlp(dropout=0.8, dtype="float64").fit(X, y, X_val=X, y_val=y)
    A = np.tanh(X @ mlp.coefs_[0] + mlp.intercepts_[0])
    Z = A @ mlp.coefs_[1] + mlp.intercepts_[1]
    np.testing.assert_allclose(mlp.decision_function(X), Z, rtol=0, atol=1e-12)
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(120), y].mean()
    np.testing.assert_allclose(mlp.history_["val_loss"][-1], loss, rtol=1e-12)
    np.testing.assert_array_equal(mlp.predict_proba(X), mlp.predict_proba(X))
    # The training loss is measured without the units that were left out.
    assert mlp.history_["train_loss"][-1] > loss


def test_float32_is_close_to_float64_with_dropout(three_classes):
    X, y = three_classes
    single, double = (
        make_mlp(dropout=[0.5], dtype=dtype).fit(X, y)
        for dtype in ("float32", "float64")
    )
    for a, b in zip(single.coefs_, double.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_it_learns_with_dropout(three_classes):
    X, y = three_classes
    mlp = make_mlp(hidden_layer_sizes=(100,), dropout=0.5, batch_size=10, max_iter=50)
    assert mlp.fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("rate", [1 - 2**-53, 1e-300])
def test_extreme_rates_are_taken(three_classes, rate):
    X, y = three_classes
    mlp = make_mlp(dropout=rate, max_iter=1, loss=Hinge()).fit(X, y)
    assert np.isfinite(mlp.loss_)


@pytest.mark.parametrize(
    "dropout",
    [1.0, 1, -0.1, np.nan, np.inf, "0.5", None, True, [0.5, 1.0], [0.5, "a"],
     [0.5, np.nan], np.array([0.5, 0.5]), {0: 0.5}],
    ids=repr,
)  # fmt: skip
def test_other_rates_are_refused(three_classes, dropout):
    mlp = make_mlp(hidden_layer_sizes=(4, 3), dropout=dropout)
    with pytest.raises(
        ValueError, match=r"(?s)'dropout'.*\[0.0, 1.0\).*Got .* instead"
    ):
        mlp.fit(*three_classes)


@pytest.mark.parametrize("dropout", [[0.5], [0.5, 0.5, 0.5], []])
def test_a_list_of_another_length_is_refused(three_classes, dropout):
    mlp = make_mlp(hidden_layer_sizes=(4, 3), dropout=dropout)
    got = re.escape(repr(dropout))
    message = rf"'dropout'.*one value per hidden layer \(2\)\. Got {got}"
    with pytest.raises(ValueError, match=message):
        mlp.fit(*three_classes)
