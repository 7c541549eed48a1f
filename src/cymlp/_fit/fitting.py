"""A fit from beginning to end.

`fit` reads as its plan: prepare, store, build, train epoch by epoch, take over. All of
it works on a draft, a private copy of the estimator. The estimator itself is changed
once, at the end, so that other threads can predict with the earlier model meanwhile,
and an exception leaves it as it was.
"""

from contextlib import nullcontext
from copy import copy
from numbers import Integral
from operator import is_
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state, gen_batches
from tqdm.auto import tqdm

from cymlp._engine.buffers import all_finite
from cymlp._fit import architecture, prepare
from cymlp._fit.blas_threads import single_threaded_blas
from cymlp._fit.callbacks import callbacks_of
from cymlp._fit.checkpointing import CallCheckpoint
from cymlp._fit.cores import FitCores
from cymlp._fit.diagnostics import GradientFlow
from cymlp._fit.errors import naming, warn
from cymlp._fit.initialization import draw_weights
from cymlp._fit.one_at_a_time import only_fit_of
from cymlp._fit.outcome import warn_of_outcome
from cymlp._fit.parameters import Parameters
from cymlp._fit.schedules import Schedule
from cymlp._fit.target_scaling import has_log_link
from cymlp._fit.training import (
    DivergedError,
    EpochControl,
    Evaluation,
    OptimizerState,
    Training,
    TrainingState,
    score_name,
    shallow_copy,
)
from cymlp._parameters import are_plain
from cymlp.history import History

# Samples that are evaluated at once, so that their sums stay in the cache.
VALIDATION_BATCH_SIZE = 256
DIAGNOSTICS_BATCH_SIZE = 1024


class Call(NamedTuple):
    """How a call of fit or partial_fit differs from others with the same data."""

    n_epochs: int  # at most
    has_all_samples: bool = True  # False for partial_fit
    expected: object = None  # the targets that y may have; None for any
    resumes: bool = False  # whether to start from the present weights
    keeps_state: bool = False  # whether a later call may resume where this one ends
    has_callbacks: bool = False  # whether to call scikit-learn's callbacks
    shared: object = None  # Shared or None
    checkpoint: object = None  # CallCheckpoint or None
    n_before: int = 0  # number of epochs of the history before the call


class Shared(NamedTuple):
    """What the fits of fit_many share."""

    storage: object  # SharedStorage
    feature_names: np.ndarray | None  # of X, which was converted before
    check: object  # called during each epoch and after it; may raise
    after_epoch: object  # called after each epoch


class Ending(NamedTuple):
    """How training ended."""

    converged: bool = False  # before the last epoch
    error: BaseException | None = None  # DivergedError or KeyboardInterrupt


def fit(estimator, X, y, sample_weight, validation, call):
    """Fit an estimator.

    `validation` is (X_val, y_val, sample_weight_val).
    """
    with only_fit_of(estimator):
        draft = _draft(estimator, call)
        call = _begin(draft, call)
        with callbacks_of(draft, call, X, y, sample_weight) as callbacks:
            network, data, validation = _prepare(
                draft, X, y, sample_weight, validation, call
            )
            if call.checkpoint is not None:
                call.checkpoint.check_data(prepare.fingerprint(data, validation))
            n_samples = data.indices.size if call.has_all_samples else None
            optimizer = architecture.make_optimizer(draft, n_samples)
            parameters = _make_parameters(draft, network, optimizer.n_slots, call)
            stored, validation_stored = _store(draft, data, validation, call)
            training = _build_training(
                draft, data, stored, network, parameters, optimizer, call
            )
            evaluation = _build_evaluation(
                training, validation, validation_stored, call
            )
            control = _build_control(draft, training, call)
            ending = _train(draft, training, evaluation, control, call, callbacks)
        if draft.n_iter_ > 0:
            estimator.__dict__ = vars(draft)  # one step, which Ctrl-C cannot split
    if ending.error is not None:
        _report(draft, ending)
    elif call.has_all_samples:
        warn_of_outcome(draft, data, ending.converged)


def _draft(estimator, call):
    """A copy of an estimator, with a state of its own that training may change."""
    draft = shallow_copy(estimator)
    if call.resumes:
        draft.history_ = copy(draft.history_)
    if hasattr(draft, "_training_state"):
        draft._training_state = draft._training_state.copy()
    if call.shared is not None:
        vars(draft).pop("feature_names_in_", None)  # until training has ended
    return draft


def _begin(draft, call):
    """Where the call begins; go on where its checkpoint ends, if there is one."""
    n_before = draft.history_.n_epochs if call.resumes else 0
    call = call._replace(n_before=n_before)
    if call.checkpoint is None:
        return call
    checkpoint = CallCheckpoint(call.checkpoint, n_before)
    draft._validate_params()
    resumes = checkpoint.resume(draft) or call.resumes
    return call._replace(checkpoint=checkpoint, resumes=resumes)


def _report(draft, ending):
    """Raise or warn, because training diverged or was interrupted."""
    epoch = draft.history_.n_epochs + 1
    kept = (
        f"The result of the {draft.n_iter_} finished epochs of this call is kept."
        if draft.n_iter_ > 0
        else f"The {type(draft).__name__} is as it was before the call."
    )
    if isinstance(ending.error, KeyboardInterrupt):
        warn(f"Training interrupted in epoch {epoch}. {kept}", RuntimeWarning)
        return
    raise ValueError(
        f"Training diverged in epoch {epoch}: {ending.error} is no longer finite. "
        f"{kept} Try a smaller learning_rate_init (it is {draft.learning_rate_init}), "
        f"momentum ({draft.momentum}) or weight_decay ({draft.weight_decay}), features "
        "of X scaled to a mean near 0 and a variance near 1, or other values of init "
        f"({draft.init!r}) or loss ({draft.loss!r})."
    ) from ending.error


def _prepare(draft, X, y, sample_weight, validation, call):
    """Check everything except the values of X, and split off validation data.

    Returns the network, the training data, and the validation data or None. The latter
    share the inputs of the training data if they are held out.
    """
    network = _known_network(draft, call)
    if network is None:
        draft._validate_params()
    is_scaled = (draft.divisor_ if call.resumes else draft.scale) is not None
    samples, class_weights = prepare.check_training(
        draft, X, y, sample_weight, call.expected, is_scaled, call.resumes
    )
    is_new = network is None
    if is_new:
        network = _make_network(draft, samples.targets.n_outputs)
    prepare.check_loss_takes(draft, samples.targets, "y")
    validation = prepare.check_validation(draft, *validation, class_weights, is_scaled)
    if not call.resumes or not hasattr(draft, "_training_state"):
        draft._training_state = TrainingState(check_random_state(draft.random_state))
    if is_new:
        _keep_network(draft, network)
    indices, held_out = prepare.all_indices(samples), None
    if validation is not None:
        prepare.check_loss_takes(draft, validation.targets, "y_val")
    elif draft.early_stopping:
        indices, held_out = prepare.hold_out(draft, samples)
    if not call.resumes:
        draft._measure_targets(samples, indices)
    training = prepare.select(draft, samples, indices)
    if validation is not None:
        with naming("y_val"):
            everything = prepare.all_indices(validation)
            return network, training, prepare.select(draft, validation, everything)
    return network, training, prepare.with_indices(training, held_out)


def _known_network(draft, call):
    """The network of the previous call; None if a parameter may have changed since."""
    state = vars(draft).get("_training_state") if call.resumes else None
    if state is None or state.network is None:
        return None
    is_same = map(is_, draft._parameter_values(), state.parameter_values)
    return state.network if all(is_same) else None


def _keep_network(draft, network):
    """Keep the network for the next call, if its parameters cannot change unnoticed."""
    state, values = draft._training_state, draft._parameter_values()
    has_label_weights = getattr(draft._loss, "_label_weights", None) is not None
    is_fixed = are_plain(values) and not has_label_weights
    state.network, state.parameter_values = network if is_fixed else None, values


def _make_network(draft, n_outputs):
    """Make the network, from parts that a later set_params does not change."""
    sizes = architecture.layer_sizes(draft, draft.n_features_in_, n_outputs)
    draft._activations = architecture.activation_objects(draft, len(sizes) - 2)
    draft._loss = draft._make_loss()
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
    coefs, intercepts = architecture.assigned_arrays(draft)
    given = [*coefs, *intercepts]
    arrays = [*parameters.coefs, *parameters.intercepts]
    shapes = [array.shape for array in given]
    if shapes != [array.shape for array in arrays]:
        raise ValueError(
            f"hidden_layer_sizes={draft.hidden_layer_sizes!r} does not fit the coefs_ "
            "and intercepts_ from which training is to resume; their shapes are "
            f"{shapes}"
        )
    with np.errstate(over="ignore"):
        for array, value in zip(arrays, given, strict=True):
            array[...] = value
    if not all_finite(parameters.values[0]):
        raise ValueError(
            "coefs_ and intercepts_, from which training is to resume, must be finite "
            f"in {parameters.values.dtype}; got NaN, infinity or a value too large"
        )


def _store(draft, training, validation, call):
    """Measure the scale, and store the training and the validation data."""
    if not call.resumes:
        scale = prepare.measure_scale(draft, training)
        draft.shift_, draft.divisor_, draft.bounds_ = scale
    storage = None if call.shared is None else call.shared.storage
    stored = prepare.store_inputs(draft, training.inputs, storage)
    if validation is None or validation.inputs is training.inputs:
        return stored, stored
    with naming("X_val"):
        return stored, prepare.store_inputs(draft, validation.inputs, storage)


def _build_training(draft, data, stored, network, parameters, optimizer, call):
    """Join network, data and optimiser; draw the initial weights of a new fit."""
    state = draft._training_state
    if not call.resumes:
        draft.history_ = History()
        draw_weights(
            parameters.coefs, draft._activations, draft.init, state.random_state
        )
        _start_at_constants(draft, data, parameters)
    draft.coefs_, draft.intercepts_ = parameters.coefs, parameters.intercepts
    vars(draft).pop("best_epoch_", None)
    return Training(
        network,
        stored,
        data.targets,
        data.indices,
        architecture.batch_size(draft, data.indices.size),
        parameters,
        optimizer,
        state.random_state,
        draft.shuffle,
        architecture.drops_out(draft),
        # Numbers that are drawn from a RandomState of the user stay drawn.
        rewinds=call.keeps_state and isinstance(draft.random_state, Integral),
        check=None if call.shared is None else call.shared.check,
    )


def _start_at_constants(draft, data, parameters):
    """Let scores be 0 where this predicts all values of an output.

    Such an output is constant, and training then leaves it so.
    """
    if data.targets.kind == "values":
        predicted = 1 if has_log_link(draft) else 0
        constant = (data.targets.values[data.indices] == predicted).all(axis=0)
        parameters.coefs[-1][:, constant] = 0


def _build_evaluation(training, data, stored, call):
    if data is None:
        return None
    batch_size = min(VALIDATION_BATCH_SIZE, data.indices.size)
    return Evaluation(
        training.network,
        stored,
        data.targets,
        data.indices,
        batch_size,
        check=None if call.shared is None else call.shared.check,
    )


def _build_control(draft, training, call):
    state = draft._training_state
    state.n_epochs = draft.history_.n_epochs
    monitor = f"val_{draft.monitor}" if draft.early_stopping else "train_loss"
    state.set_monitor(monitor, draft.tol, draft.n_iter_no_change)
    schedule = Schedule(
        draft.learning_rate,
        draft.learning_rate_init,
        draft.power_t,
        _epochs(call),
        state.n_reductions,
    )
    return EpochControl(state, schedule, training, keeps_best=draft.early_stopping)


def _epochs(call):
    """The epochs of a call, counted from the first epoch of the history."""
    return range(call.n_before + 1, call.n_before + call.n_epochs + 1)


def _train(draft, training, evaluation, control, call, callbacks):
    """Train, and put the result into the draft; return the Ending.

    After any exception the draft is of no use.
    """
    try:
        ending = _run_epochs(draft, training, evaluation, control, call, callbacks)
        try:
            _take_over(draft, training, control, call)
            if callbacks is not None and not isinstance(ending.error, DivergedError):
                callbacks.end()
        except KeyboardInterrupt as error:
            ending = Ending(converged=True, error=error)
            _take_over(draft, training, control, call)
        return ending
    except BaseException:
        training.rewind(0)
        raise


def _run_epochs(draft, training, evaluation, control, call, callbacks):
    """Train epoch by epoch; return the Ending."""
    if call.checkpoint is not None and call.checkpoint.has_stopped:
        return Ending(converged=True)
    n_done = draft.history_.n_epochs
    epochs = _epochs(call)[n_done - call.n_before :]
    user = object()
    cores = FitCores(draft.n_threads, *training.n_multiplications())
    try:
        single_threaded_blas.users.add(user)
        with _progress_bar(draft, len(epochs)) as bar, cores:
            for epoch in epochs:
                single_threaded_blas.limit()
                control.set_learning_rate(epoch)
                if callbacks is not None:
                    callbacks.begin_epoch()
                with cores.team() as team:
                    metrics = _train_epoch(draft, epoch, training, evaluation, team)
                stop = control.update(metrics)
                training.save()
                _show(bar, metrics)
                stop |= _end_epoch(draft, training, call, callbacks)
                if call.checkpoint is not None:
                    is_last = stop or epoch == epochs[-1]
                    call.checkpoint.end_epoch(draft, training, is_last, stop)
                if stop:
                    return Ending(converged=True)
        return Ending()
    except (DivergedError, KeyboardInterrupt) as error:
        training.restore(control.n_epochs - n_done)
        draft.history_._truncate(control.n_epochs)
        return Ending(converged=True, error=error)
    finally:
        try:
            single_threaded_blas.users.discard(user)
        finally:  # even if this is a second Ctrl-C
            single_threaded_blas.lift()


def _train_epoch(draft, epoch, training, evaluation, team):
    """Train and evaluate for one epoch, and append its metrics to the history."""
    metrics, batches = training.run_epoch(team)
    metrics = {"epoch": epoch, **metrics}
    if evaluation is not None:
        score = f"val_{score_name(training.targets)}"
        metrics["val_loss"], metrics[score] = evaluation.run(
            training.parameters.values[0], team
        )
    metrics["learning_rate"] = training.optimizer.learning_rate
    if draft.diagnostics:
        metrics |= _diagnose(training)
    draft.history_.append(**metrics, batches=batches if draft.record_batches else None)
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


def _progress_bar(draft, n_epochs):
    """Context of a progress bar, or of None without `verbose`.

    Even a disabled bar takes tqdm's lock, which processes share that were forked.
    """
    return tqdm(total=n_epochs, unit="epoch") if draft.verbose else nullcontext()


def _show(bar, metrics):
    """Advance the progress bar by an epoch, if there is one."""
    if bar is None:
        return
    shown = {
        name: f"{value:.4f}"
        for name, value in metrics.items()
        if name.startswith(("train_", "val_"))
    }
    bar.set_postfix(shown, refresh=False)
    bar.update()


def _end_epoch(draft, training, call, callbacks):
    """Call the hooks of the call; return whether a callback wants to stop."""

    def snapshot():
        return _snapshot(draft, training, call) | {"history_": copy(draft.history_)}

    if call.shared is not None:
        call.shared.after_epoch()
        call.shared.check()
    return callbacks is not None and callbacks.end_epoch(snapshot)


def _take_over(draft, training, control, call):
    """Put the result of training into the draft, without its memory.

    May be called again if Ctrl-C ends it.
    """
    if (epoch := control.restore_best()) is not None:
        draft.best_epoch_ = epoch
    vars(draft).update(_snapshot(draft, training, call))
    if call.shared is not None and call.shared.feature_names is not None:
        draft.feature_names_in_ = call.shared.feature_names
    if not call.keeps_state:
        vars(draft).pop("_training_state", None)
        return
    draft._training_state.optimizer = OptimizerState(
        draft.solver,
        training.parameters.values[1:].copy(),
        training.parameters.n_steps,
    )


def _snapshot(draft, training, call):
    """The fitted attributes so far, with copies of the weights."""
    return {
        "coefs_": [W.copy() for W in training.parameters.coefs],
        "intercepts_": [b.copy() for b in training.parameters.intercepts],
        "n_iter_": draft.history_.n_epochs - call.n_before,
        "loss_": draft.history_._last_loss,
    }
