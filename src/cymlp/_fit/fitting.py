"""A fit from beginning to end.

`fit` reads as its plan: prepare, store, build, train epoch by epoch, take over.
"""

from copy import copy
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state, gen_batches
from tqdm.auto import tqdm

from cymlp._engine.blas import largest_dimension
from cymlp._fit import architecture, prepare
from cymlp._fit.blas_threads import single_threaded_blas
from cymlp._fit.diagnostics import GradientFlow
from cymlp._fit.errors import naming, warn
from cymlp._fit.initialization import draw_weights
from cymlp._fit.parameters import Parameters
from cymlp._fit.schedules import Schedule
from cymlp._fit.stopping import Checkpoint
from cymlp._fit.training import (
    DivergedError,
    EpochControl,
    Evaluation,
    OptimizerState,
    Training,
    TrainingState,
)
from cymlp.history import History

# Samples that are evaluated at once, so that their sums stay in the cache.
VALIDATION_BATCH_SIZE = 256
DIAGNOSTICS_BATCH_SIZE = 1024


class Call(NamedTuple):
    """How a call of fit or partial_fit differs from others with the same data."""

    n_epochs: int  # at most
    classes: np.ndarray | None = None  # the allowed labels; None for those of y
    resumes: bool = False  # whether to start from the present weights
    storage: object = None  # SharedStorage or None
    after_epoch: object = None  # called after each epoch; may raise
    callbacks: object = None  # FitCallbacks or None


def fit(estimator, X, y, sample_weight, validation, call):
    """Fit an estimator; return whether it converged before the last epoch.

    `validation` is (X_val, y_val, sample_weight_val).
    """
    draft = _draft(estimator)
    network, data, validation = _prepare(draft, X, y, sample_weight, validation, call)
    optimizer = architecture.make_optimizer(draft)
    parameters = _make_parameters(draft, network, optimizer.n_slots, call)
    stored, validation_stored = _store(draft, data, validation, call)
    training = _build_training(
        draft, data, stored, network, parameters, optimizer, call
    )
    evaluation = _build_evaluation(training, validation, validation_stored)
    control = _build_control(draft, training, call)
    estimator.__dict__ = vars(draft)  # one assignment, which Ctrl-C cannot split
    return _train(estimator, training, evaluation, control, call)


def _draft(estimator):
    """A copy to prepare the fit on, so that a refused call changes nothing."""
    draft = copy(estimator)
    if hasattr(estimator, "_training_state"):
        draft._training_state = copy(estimator._training_state)
    return draft


def _prepare(draft, X, y, sample_weight, validation, call):
    """Check everything except the values of X, and split off validation data.

    Returns the network, the training data, and the validation data or None. The latter
    share the inputs of the training data if they are held out.
    """
    draft._validate_params()
    is_scaled = (draft.divisor_ if call.resumes else draft.scale) is not None
    samples, class_weights = prepare.check_training(
        draft, X, y, sample_weight, call.classes, is_scaled, call.resumes
    )
    network = _make_network(draft, samples.targets.n_outputs)
    prepare.check_loss_takes(draft, samples.targets, "y")
    validation = prepare.check_validation(draft, *validation, class_weights, is_scaled)
    if not call.resumes or not hasattr(draft, "_training_state"):
        draft._training_state = TrainingState(check_random_state(draft.random_state))
    if validation is not None:
        prepare.check_loss_takes(draft, validation.targets, "y_val")
        return network, prepare.select(samples), prepare.select(validation)
    if not draft.early_stopping:
        return network, prepare.select(samples), None
    indices, held_out = prepare.hold_out(draft, samples)
    training = prepare.select(samples, indices)
    return network, training, training._replace(indices=held_out)


def _make_network(draft, n_outputs):
    """Make the network, from parts that a later set_params does not change."""
    sizes = architecture.layer_sizes(draft, draft.n_features_in_, n_outputs)
    draft._activations = architecture.activation_objects(draft, len(sizes) - 2)
    draft._loss = architecture.loss_object(draft)
    draft.n_layers_, draft.n_outputs_ = len(sizes), n_outputs
    draft.out_activation_ = draft._output_activation()
    return architecture.make_network(draft, sizes)


def _make_parameters(draft, network, n_slots, call):
    """Zeros, or the parameters of an earlier call and their optimiser state."""
    parameters = Parameters(network.sizes, n_slots, draft.dtype)
    if call.resumes:
        _copy_parameters(draft, parameters)
    state = draft._training_state.optimizer
    if state is not None and state.solver == draft.solver:
        parameters.values[1:] = state.slots
        parameters.n_steps = state.n_steps
    return parameters


def _copy_parameters(draft, parameters):
    """Copy the weights and biases of an earlier call."""
    given = [*draft.coefs_, *draft.intercepts_]
    arrays = [*parameters.coefs, *parameters.intercepts]
    shapes = [np.shape(array) for array in given]
    if shapes != [array.shape for array in arrays]:
        raise ValueError(
            f"hidden_layer_sizes={draft.hidden_layer_sizes!r} does not fit the coefs_ "
            "and intercepts_ from which training is to resume; their shapes are "
            f"{shapes}"
        )
    for array, value in zip(arrays, given, strict=True):
        with np.errstate(over="ignore"):
            array[...] = value
        if not np.isfinite(array).all():
            raise ValueError(
                "coefs_ and intercepts_, from which training is to resume, must be "
                f"finite in {array.dtype}; got NaN, infinity or a value too large"
            )


def _store(draft, training, validation, call):
    """Measure the scale, and store the training and the validation data."""
    if not call.resumes:
        draft.shift_, draft.divisor_ = prepare.measure_scale(draft, training)
    stored = prepare.store_inputs(draft, training.inputs, call.storage)
    if validation is None or validation.inputs is training.inputs:
        return stored, stored
    with naming("X_val"):
        return stored, prepare.store_inputs(draft, validation.inputs, call.storage)


def _build_training(draft, data, stored, network, parameters, optimizer, call):
    """Join network, data and optimiser; draw the initial weights of a new fit."""
    state = draft._training_state
    if not call.resumes:
        draft.history_ = History()
        draw_weights(
            parameters.coefs, draft._activations, draft.init, state.random_state
        )
    draft.coefs_, draft.intercepts_ = parameters.coefs, parameters.intercepts
    vars(draft).pop("best_epoch_", None)
    return Training(
        network,
        stored,
        data.targets,
        data.indices,
        min(draft.batch_size, data.indices.size, largest_dimension()),
        parameters,
        optimizer,
        state.random_state,
        draft.shuffle,
        bool(np.any(draft.dropout)),
    )


def _build_evaluation(training, data, stored):
    if data is None:
        return None
    batch_size = min(VALIDATION_BATCH_SIZE, data.indices.size)
    return Evaluation(training.network, stored, data.targets, data.indices, batch_size)


def _build_control(draft, training, call):
    state = draft._training_state
    monitor = f"val_{draft.monitor}" if draft.early_stopping else "train_loss"
    state.set_monitor(monitor, draft.tol, draft.n_iter_no_change)
    schedule = Schedule(
        draft.learning_rate,
        draft.learning_rate_init,
        draft.power_t,
        _epochs(draft, call),
        state.n_reductions,
    )
    return EpochControl(state, schedule, training, keeps_best=draft.early_stopping)


def _epochs(estimator, call):
    """The epochs of a call, counted from the first epoch of the history."""
    n_before = estimator.history_.n_epochs
    return range(n_before + 1, n_before + call.n_epochs + 1)


def _train(estimator, training, evaluation, control, call):
    """Train, and take over the result however training ends."""
    n_before = estimator.history_.n_epochs
    try:
        with single_threaded_blas:
            converged = _run_epochs(estimator, training, evaluation, control, call)
        _restore_best(estimator, control)
        return converged
    except DivergedError as error:
        raise ValueError(
            f"Training diverged in epoch {estimator.history_.n_epochs + 1}: a loss or "
            "a weight is no longer finite. The weights are those from before this "
            "epoch. Try a smaller learning_rate_init (it is "
            f"{estimator.learning_rate_init}), momentum ({estimator.momentum}) or "
            f"weight_decay ({estimator.weight_decay}), features of X scaled to a mean "
            "near 0 and a variance near 1, or other values of init "
            f"({estimator.init!r}) or loss ({estimator.loss!r})."
        ) from error
    except KeyboardInterrupt:
        _restore_best(estimator, control)
        warn(
            f"Training interrupted in epoch {estimator.history_.n_epochs + 1}. The "
            f"result of the {estimator.history_.n_epochs} finished epochs is kept.",
            RuntimeWarning,
        )
        return True
    finally:
        _take_over(estimator, training, n_before)


def _run_epochs(estimator, training, evaluation, control, call):
    """Train epoch by epoch; return whether training stopped early."""
    n_before = estimator.history_.n_epochs
    epochs = _epochs(estimator, call)
    epoch = n_before
    training.save()
    try:
        with tqdm(
            total=len(epochs), disable=not estimator.verbose, unit="epoch"
        ) as bar:
            for epoch in epochs:
                single_threaded_blas.renew()
                control.set_learning_rate(epoch)
                if call.callbacks is not None:
                    call.callbacks.begin_epoch()
                metrics = _train_epoch(estimator, epoch, training, evaluation)
                training.save()
                stop = control.update(metrics)
                _show(bar, metrics)
                stop |= _end_epoch(estimator, call, n_before)
                if stop:
                    return True
    except BaseException:
        if estimator.history_.n_epochs < epoch:
            training.restore()
        raise
    return False


def _train_epoch(estimator, epoch, training, evaluation):
    """Train and evaluate for one epoch, and append its metrics to the history."""
    metrics, batches = training.run_epoch()
    metrics = {"epoch": epoch, **metrics}
    if evaluation is not None:
        metrics["val_loss"], metrics["val_accuracy"] = evaluation.run(
            training.parameters.values[0]
        )
    metrics["learning_rate"] = training.optimizer.learning_rate
    if estimator.diagnostics:
        metrics |= _diagnose(training)
    estimator.history_.append(
        **metrics, batches=batches if estimator.record_batches else None
    )
    return metrics


def _diagnose(training):
    """Fractions of vanishing gradients over the training samples."""
    parameters, indices = training.parameters, training.indices
    dtype = parameters.values.dtype
    flow = GradientFlow(
        training.network,
        parameters.coefs,
        parameters.intercepts,
        min(DIAGNOSTICS_BATCH_SIZE, indices.size),
    )
    for batch in gen_batches(indices.size, DIAGNOSTICS_BATCH_SIZE):
        X = training.stored.inputs.rows(indices[batch])
        flow.add(X, training.targets.rows(indices[batch], dtype))
    return flow.fractions()


def _show(bar, metrics):
    """Advance the progress bar by an epoch."""
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    shown = {name: f"{metrics[name]:.4f}" for name in names if name in metrics}
    bar.set_postfix(shown, refresh=False)
    bar.update()


def _end_epoch(estimator, call, n_before):
    """Call the hooks of the call; return whether a callback wants to stop."""

    def snapshot():
        return _snapshot(estimator, n_before) | {"history_": copy(estimator.history_)}

    if call.after_epoch is not None:
        call.after_epoch()
    return call.callbacks is not None and call.callbacks.end_epoch(snapshot)


def _restore_best(estimator, control):
    """Restore the weights of the best epoch, with early stopping."""
    if (epoch := control.restore_best()) is not None:
        estimator.best_epoch_ = epoch


def _take_over(estimator, training, n_before):
    """Copy the results of training, so that its memory can be freed."""
    vars(estimator).update(_snapshot(estimator, n_before))
    state = estimator._training_state
    if state.checkpoint.parameters is not None:
        # An error ended training before the checkpoint was restored.
        state.checkpoint = Checkpoint()
    state.optimizer = OptimizerState(
        estimator.solver,
        training.parameters.values[1:].copy(),
        training.parameters.n_steps,
    )


def _snapshot(estimator, n_before):
    """The fitted attributes so far, with copies of the weights."""
    loss_curve = estimator.history_.get("train_loss", np.empty(0)).tolist()
    return {
        "coefs_": [W.copy() for W in estimator.coefs_],
        "intercepts_": [b.copy() for b in estimator.intercepts_],
        "n_iter_": estimator.history_.n_epochs - n_before,
        "loss_curve_": loss_curve,
        "loss_": loss_curve[-1] if loss_curve else np.nan,
    }
