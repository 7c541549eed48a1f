"""The parts of a network, made from the parameters of an estimator."""

import math
from collections.abc import Mapping, Set
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from cymlp._engine.blas import largest_dimension
from cymlp._engine.network import Network, n_parameters
from cymlp._engine.optimizers import SOLVERS
from cymlp._fit import hints
from cymlp._fit.targets import TARGETS
from cymlp._sklearn import InvalidParameterError
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES, Loss

# Collections that cannot be sizes of layers.
UNORDERED = (Mapping, Set)
# Parameters with which several arrays of float64 may fit into memory.
MAX_PARAMETERS = np.iinfo(np.intp).max // 64


def invalid_parameter(estimator, name, allowed, given):
    """The error for a parameter, worded as scikit-learn's."""
    return InvalidParameterError(
        f"The {name!r} parameter of {type(estimator).__name__} must be {allowed}. Got "
        f"{given!r} instead.{hints.value_hint(estimator, name)}"
    )


def layer_sizes(estimator, n_features, n_outputs):
    """Widths of all layers, from input to output."""
    given = estimator.hidden_layer_sizes
    try:
        hidden = list(given)
    except TypeError:
        hidden = [given]
    limit = largest_dimension()
    if isinstance(given, UNORDERED) or not all(
        isinstance(size, Integral) and not isinstance(size, bool) and 1 <= size <= limit
        for size in hidden
    ):
        raise invalid_parameter(
            estimator,
            "hidden_layer_sizes",
            f"integers from 1 to {limit}, the largest dimension of BLAS",
            given,
        )
    if n_features > limit:
        raise ValueError(
            f"X has {n_features} features, more than {limit}, the largest dimension of "
            "BLAS"
        )
    sizes = [n_features, *map(int, hidden), n_outputs]
    if n_parameters(sizes) > MAX_PARAMETERS:
        raise invalid_parameter(
            estimator,
            "hidden_layer_sizes",
            f"small enough for {n_parameters(sizes)} parameters to fit into memory",
            given,
        )
    return sizes


def _per_hidden_layer(estimator, name, n_hidden):
    """A parameter as a sequence with one value per hidden layer."""
    given = getattr(estimator, name)
    if not isinstance(given, list | tuple):
        return [given] * n_hidden
    if len(given) != n_hidden:
        raise invalid_parameter(
            estimator,
            name,
            f"one value, or a list with one value per hidden layer ({n_hidden})",
            given,
        )
    return given


def activation_objects(estimator, n_hidden):
    """The activation of each hidden layer; a copy of each that is cymlp's."""
    activations = [
        _as_object(estimator, "activation", given, ACTIVATIONS)
        for given in _per_hidden_layer(estimator, "activation", n_hidden)
    ]
    if isinstance(estimator.activation, str):
        return activations
    return [
        clone(given) if type(given) in ACTIVATIONS.values() else given
        for given in activations
    ]


def dropout_rates(estimator, n_hidden):
    """The dropout of each hidden layer; an empty list without dropout."""
    rates = _per_hidden_layer(estimator, "dropout", n_hidden)
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise invalid_parameter(
            estimator,
            "dropout",
            "a float in the range [0.0, 1.0), or a list with one such float per hidden "
            f"layer ({n_hidden})",
            estimator.dropout,
        )
    return [float(rate) for rate in rates] if any(rates) else []


def drops_out(estimator):
    """Whether an estimator has dropout, and so draws a seed for each epoch."""
    rates = estimator.dropout
    return any(rates) if isinstance(rates, list | tuple) else rates > 0


def losses_for(*target_kinds):
    """The losses of cymlp for some kinds of targets, by name."""
    return {
        name: member
        for name, member in LOSSES.items()
        if member.target_kind in target_kinds
    }


def given_loss(estimator):
    """The loss that is given as a name or an object."""
    registry = losses_for(*estimator._target_kinds)
    loss = _as_object(estimator, "loss", estimator.loss, registry)
    if isinstance(loss, Loss) and loss.target_kind not in estimator._target_kinds:
        raise invalid_parameter(
            estimator,
            "loss",
            f"one of {sorted(registry)}, an instance of their classes, or an object "
            "with these methods of your own",
            loss,
        )
    return loss


def takes(estimator, target_kind):
    """Whether the loss of an estimator is for a kind of targets, as far as is known."""
    try:
        loss = given_loss(estimator)
    except InvalidParameterError:
        return False
    return not isinstance(loss, Loss) or _in_place_of(loss, target_kind) is not None


def _in_place_of(loss, target_kind):
    """The loss of cymlp that takes the place of another one for such targets."""
    # A derived class is for the targets of its base class.
    if type(loss) in LOSSES.values() or loss.target_kind == target_kind:
        return loss._for_targets(target_kind)
    return None


def loss_object(estimator, target_kind):
    """The loss for a kind of targets.

    A loss of cymlp is copied, so that a later set_params does not change it.
    """
    loss = given_loss(estimator)
    if not isinstance(loss, Loss):
        return loss
    if loss.target_kind == target_kind:
        return loss if isinstance(estimator.loss, str) else clone(loss)
    if (other := _in_place_of(loss, target_kind)) is not None:
        return other
    names = [
        name
        for name, member in sorted(LOSSES.items())
        if member()._for_targets(target_kind) is not None
    ]
    raise ValueError(
        f"loss={estimator.loss!r} does not take {TARGETS[target_kind]}, as y has them; "
        f"use one of {names}"
    )


METHODS = {"activation": ("value", "derivative"), "loss": ("value_and_gradient",)}


def _as_object(estimator, name, given, registry):
    if isinstance(given, str) and given in registry:
        return registry[given]()
    if isinstance(given, type) or not all(
        hasattr(given, method) for method in METHODS[name]
    ):
        raise invalid_parameter(
            estimator,
            name,
            f"one of {sorted(registry)}, or an object (not a class) that implements "
            f"{' and '.join(METHODS[name])}",
            given,
        )
    return given


def assigned_arrays(estimator):
    """Lists of the weights and of the biases, which a user may have assigned.

    They are arrays of real numbers; shapes and dtypes are left to the caller.
    """
    try:
        coefs, intercepts = (
            [np.asarray(array) for array in arrays]
            for arrays in (estimator.coefs_, estimator.intercepts_)
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"coefs_ and intercepts_ must be lists of arrays: {error}"
        ) from error
    for array in (*coefs, *intercepts):
        if array.dtype.kind not in "biuf":
            raise ValueError(
                "coefs_ and intercepts_ must be real numbers; got an array of dtype "
                f"{array.dtype}"
            )
    return coefs, intercepts


def assigned_layers(estimator):
    """Pairs of the weights and biases of each layer, whose shapes fit together."""
    coefs, intercepts = assigned_arrays(estimator)
    n_layers = len(estimator._activations) + 1
    if not len(coefs) == len(intercepts) == n_layers:
        raise ValueError(
            f"coefs_ and intercepts_ must have an array for each of the {n_layers} "
            f"layers; got {len(coefs)} and {len(intercepts)}"
        )
    layers = list(zip(coefs, intercepts, strict=True))
    check_shapes(layers, estimator.n_features_in_, estimator.n_outputs_)
    return layers


def check_shapes(layers, n_features, n_outputs):
    """Refuse weights and biases unless their shapes fit together."""
    shapes = [array.shape for layer in layers for array in layer]
    n_in, fit = n_features, True
    for W, b in layers:
        fit = fit and W.ndim == 2 and W.shape[0] == n_in and b.shape == W.shape[1:]
        n_in = W.shape[-1] if W.shape else 0
    if not (fit and n_in == n_outputs and all(W.size for W, _ in layers)):
        raise ValueError(
            "coefs_ and intercepts_ must have consistent shapes, from "
            f"{n_features} features to {n_outputs} outputs; got {shapes}"
        )


def make_network(estimator, sizes):
    """The network, from the activations and the loss that were made before."""
    return Network(
        sizes,
        estimator._activations,
        estimator._loss,
        dropout_rates(estimator, len(sizes) - 2),
    )


def make_optimizer(estimator, n_samples):
    """The optimiser of an estimator for a number of training samples, None if open."""
    weight_decay = estimator.weight_decay
    if weight_decay == "auto":
        weight_decay = 1e-4 if n_samples is None else 2 / max(n_samples, 100)
        if estimator._target_kind == "labels":  # their losses are added
            weight_decay *= estimator.n_outputs_
    return SOLVERS[estimator.solver].from_parameters(estimator, weight_decay)


def batch_size(estimator, n_samples):
    """Size of the mini-batches for a number of training samples."""
    size = estimator.batch_size
    if size == "auto":
        size = max(32, math.isqrt(n_samples))
    return min(size, n_samples, largest_dimension())
