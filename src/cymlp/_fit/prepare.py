"""The data of a fit: checked, encoded, split, scaled and stored.

Data are refused here only. Cheap checks come first; values that are not finite are
found last, while X is stored.
"""

import hashlib
import math
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split
from sklearn.utils import assert_all_finite, gen_batches
from sklearn.utils.validation import validate_data

from cymlp._engine.storage import NotFiniteError, store
from cymlp._engine.storage.dense import MAX_ROWS
from cymlp._fit import architecture, scaling
from cymlp._fit.errors import naming, naming_text
from cymlp._fit.target_scaling import has_log_link
from cymlp._fit.targets import (
    check_sample_weight,
    combine_weights,
    normalise_weights,
    with_variances,
)

# Rows of X by which a checkpoint knows its data.
N_FINGERPRINT_ROWS = 1000


class Samples(NamedTuple):
    """Samples that have been checked, but not stored."""

    inputs: object  # Inputs, not scaled
    targets: object  # Targets, without weights; real values in float64, not scaled
    weights: np.ndarray | None  # float64, up to a factor; None for weights of 1


class Data(NamedTuple):
    """Samples to train on or to validate on."""

    inputs: object  # Inputs, not scaled
    targets: object  # Targets, with weights of mean 1 over the selected samples
    indices: np.ndarray  # of the selected samples, intp


def check_layout(estimator, X, is_scaled, name="X", reset=False, once=False):
    """Check shape and type of X, but not whether its values are finite."""
    arguments = scaling.conversion(X, estimator.dtype, is_scaled, once)
    if is_sound_array(estimator, X, reset) and X.dtype in arguments["dtype"]:
        if reset:
            estimator.n_features_in_ = X.shape[1]
            vars(estimator).pop("feature_names_in_", None)
        return scaling.as_inputs(X, estimator.dtype, once)
    # A value too large for float32 is refused later, so NumPy need not warn.
    with naming(name), naming_text(X), np.errstate(over="ignore", invalid="ignore"):
        X = validate_data(estimator, X, reset=reset, **arguments)
        return scaling.as_inputs(X, estimator.dtype, once)


def is_sound_array(estimator, X, reset=False):
    """Whether X is an array that scikit-learn would certainly leave as it is.

    Its check takes longer than a step of training or the prediction of a row.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype.kind in "biuf"
        and X.size > 0
        and (
            reset
            or (
                X.shape[1] == estimator.n_features_in_
                and not hasattr(estimator, "feature_names_in_")
            )
        )
    )


def check_training(estimator, X, y, sample_weight, expected, is_scaled, resumes):
    """Check the training data; set the estimator's features and classes.

    `expected` are the targets that y may have; None for any. Returns the samples and
    the class weights, float64 or None.
    """
    inputs = check_layout(estimator, X, is_scaled, reset=not resumes)
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    with naming("y"):
        targets = _check_targets(estimator, y, expected, inputs)
    with naming("sample_weight"):
        weights = check_sample_weight(sample_weight, inputs.array)
    class_weights = estimator._class_weights(targets, weights)
    weights = combine_weights(weights, class_weights, targets)
    return Samples(inputs, targets, weights), class_weights


def check_validation(estimator, X, y, sample_weight, class_weights, is_scaled):
    """Check the validation data; None if there are none."""
    missing = [name for name, data in {"X_val": X, "y_val": y}.items() if data is None]
    if len(missing) == 2 and sample_weight is None:
        return None
    if missing:
        both = "X_val and y_val must be given together"
        raise ValueError(
            f"{both if sample_weight is None else f'{both}, with sample_weight_val'}; "
            f"got None for {' and '.join(missing)}"
        )
    inputs = check_layout(estimator, X, is_scaled, "X_val")
    with naming("y_val"):
        expected = estimator._expected_targets()
        targets = _check_targets(estimator, y, expected, inputs)
    with naming("sample_weight_val"):
        weights = check_sample_weight(sample_weight, inputs.array)
    weights = combine_weights(weights, class_weights, targets, "_val")
    return Samples(inputs, targets, weights)


def _check_targets(estimator, y, expected, inputs):
    targets = estimator._encode_targets(y, expected)
    if targets.n_samples != inputs.shape[0]:
        raise ValueError(
            f"y must have one entry for each of the {inputs.shape[0]} samples of X; "
            f"got {targets.n_samples}"
        )
    return targets


def check_loss_takes(estimator, targets, name):
    """Refuse targets that the loss does not accept."""
    if targets.kind == "values":
        _check_sign(estimator, targets, name)
    elif targets.kind == "classes" and targets.values is not None:
        _check_probabilities(estimator, name)


def _check_sign(estimator, targets, name):
    smallest = targets.values.min()
    if has_log_link(estimator) and smallest < 0:
        raise ValueError(
            f"loss={estimator.loss!r} takes values >= 0 only; got a minimum of "
            f"{smallest:g} in {name}"
        )


def _check_probabilities(estimator, name):
    if not getattr(estimator._loss, "hard_labels_only", False):
        return
    others = [
        other
        for other, member in sorted(architecture.losses_for("classes").items())
        if not member.hard_labels_only
    ]
    raise ValueError(
        f"loss={estimator.loss!r} takes labels only, and {name} has rows of "
        f"probabilities. Pass {name}.argmax(axis=1), or use one of {others}."
    )


def hold_out(estimator, samples):
    """Indices of the training and of the validation samples, intp.

    The split is stratified by class. Samples of weight 0 are not held out. Later calls
    split in the same way.
    """
    state = estimator._training_state
    if state.split_seed is None:
        # From a copy, so that a refused call leaves the random state unchanged.
        random_state = deepcopy(state.random_state)
        state.split_seed = random_state.randint(2**31 - 1)
    weights, labels = samples.weights, samples.targets.labels
    if labels is None:
        labels = np.zeros(samples.targets.n_samples, np.intp)
    if weights is None:
        weights = np.ones(labels.size)
    counted = np.flatnonzero(weights)
    training, validation = _split(
        counted, labels[counted], estimator.validation_fraction, state.split_seed
    )
    if validation.size == 0:
        raise ValueError(
            "early_stopping=True cannot hold out validation_fraction="
            f"{estimator.validation_fraction} of {counted.size} samples"
            f"{' of positive weight' * (counted.size < labels.size)}, which would "
            "leave too few to train on. Pass X_val and y_val instead."
        )
    return np.concatenate([training, np.flatnonzero(weights == 0)]), validation


def _split(indices, labels, fraction, seed):
    """Split indices, stratified by their labels if each class has enough samples.

    Otherwise each class keeps a sample to train on or, if no class has two samples, two
    of the classes do. Fewer samples may be held out then, or none.
    """
    counts = np.unique(labels, return_counts=True)[1]
    n_held_out = math.ceil(fraction * indices.size)
    if counts.min() > 1 and (counts.size <= n_held_out <= indices.size - counts.size):
        return train_test_split(
            indices, test_size=fraction, stratify=labels, random_state=seed
        )
    order = np.random.RandomState(seed).permutation(indices.size)
    first = np.unique(labels[order], return_index=True)[1]
    others = np.delete(order, first)
    spare = others if others.size > 0 else order[2:]
    held_out = spare[:n_held_out]
    return indices[np.setdiff1d(order, held_out)], indices[held_out]


def select(estimator, samples, indices):
    """Select samples as Data, with scaled targets."""
    scaled = samples._replace(targets=estimator._scaled_targets(samples.targets))
    return Data(samples.inputs, weighted_targets(scaled, indices), indices)


def weighted_targets(samples, indices):
    """The targets, with weights of mean 1 over the samples in `indices`."""
    targets = samples.targets
    weights = normalise_weights(samples.weights, indices, samples.inputs.dtype)
    return with_variances(
        targets if weights is None else targets.weighted(weights), indices
    )


def with_indices(data, indices):
    """The same data with other samples selected; None for None."""
    if indices is None:
        return None
    targets = with_variances(data.targets, indices)
    return data._replace(targets=targets, indices=indices)


def all_indices(samples):
    """Indices of all samples."""
    return np.arange(samples.targets.n_samples, dtype=np.intp)


def fingerprint(data, validation):
    """A hash of the data of a fit: of X, at most N_FINGERPRINT_ROWS rows of each."""
    digest = hashlib.sha256()
    for part in (data, validation):
        if part is not None:
            for array in _identifying(part):
                digest.update(f"{array.dtype} {array.shape}".encode())
                # The same on processors that put the highest byte first.
                little_endian = array.dtype.newbyteorder("<")
                digest.update(np.ascontiguousarray(array, little_endian).data)
    return digest.hexdigest()


def _identifying(data):
    """Arrays that differ if the data do, at least probably."""
    targets, n_samples = data.targets, data.inputs.shape[0]
    rows = data.inputs.rows(
        np.arange(0, n_samples, -(-n_samples // N_FINGERPRINT_ROWS))
    )
    yield from (rows.data, rows.indices, rows.indptr) if issparse(rows) else (rows,)
    yield np.array(data.inputs.shape)
    yield data.indices
    for array in (targets.labels, targets.values, targets.weights):
        yield np.empty(0) if array is None else array


def measure_scale(estimator, data):
    """The Scale of the estimator's `scale`.

    Weights count as in the loss: samples of weight 0 do not.
    """
    if estimator.scale is None:
        return scaling.Scale()
    inputs, weights = data.inputs.subset(data.indices), data.targets.weights
    if weights is not None:
        weights = weights[data.indices].astype(np.float64)
    try:
        return scaling.fitted_scale(
            estimator.scale, inputs, weights, type(estimator).__name__
        )
    except ValueError:
        check_finite(estimator, scaling.unscaled(inputs))
        raise


def store_inputs(estimator, inputs, storage=None):
    """Scale X as measured and store it; refuse values that are not finite.

    What a SharedStorage `storage` holds already is not stored again.
    """
    scale = scaling.scale_of(estimator)

    def make():
        with np.errstate(invalid="ignore"):  # for the sum of infinities
            return store(scaling.scaled(inputs, scale))

    try:
        if storage is None:
            return make()
        return storage.get((inputs.array, inputs.dtype, *scale), make)
    except NotFiniteError:
        _explain_not_finite(estimator, inputs)
        raise


def _explain_not_finite(estimator, inputs):
    """Raise scikit-learn's error for X as given, or blame the scale."""
    if estimator.divisor_ is None:
        check_finite(estimator, inputs)
        return
    check_finite(estimator, scaling.unscaled(inputs))
    try:
        check_finite(estimator, scaling.scaled(inputs, scaling.scale_of(estimator)))
    except ValueError as error:
        raise ValueError(
            f"scale={estimator.scale!r} makes values of X that are not finite in "
            f"{inputs.dtype}: {error}"
        ) from error


def check_finite(estimator, inputs):
    """Raise scikit-learn's error for values that are not finite."""
    if inputs.is_sparse:
        check_values(estimator, inputs.array.data)
        return
    for rows in gen_batches(inputs.shape[0], MAX_ROWS):
        check_values(estimator, inputs.rows(rows))


def check_values(estimator, X):
    """Raise scikit-learn's error for an array that is not finite."""
    with np.errstate(invalid="ignore"):  # for the sum of infinities
        assert_all_finite(X, input_name="X", estimator_name=type(estimator).__name__)
