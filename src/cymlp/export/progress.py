"""The part of a checkpoint that other model files lack: the state of training."""

from typing import NamedTuple

import numpy as np

from cymlp._engine.network import n_parameters, split_parameters
from cymlp._fit.architecture import make_optimizer
from cymlp._fit.parameters import Parameters
from cymlp._fit.stopping import BestEpoch, Patience
from cymlp._fit.training import OptimizerState, TrainingState
from cymlp.export.json_values import decoded, encoded
from cymlp.history import History

N_KEYS = 624  # of the Mersenne Twister
KEYS = {
    "n_before", "has_stopped", "data", "n_steps", "n_samples_seen", "n_reductions",
    "split_seed", "monitor", "patience", "best", "random_state", "history",
}  # fmt: skip
TENSORS = "training."  # what the names of the arrays begin with


class Progress(NamedTuple):
    """How far a call of fit has come."""

    state: TrainingState
    coefs: list  # of the last epoch, not of the best
    intercepts: list
    history: History
    n_before: int  # epochs of the history before the call
    has_stopped: bool
    data: str  # fingerprint


def packed_progress(estimator, parameters, n_before, data, has_stopped):
    """JSON values and arrays of the state of training."""
    state = estimator._training_state
    best = state.best
    random_state = state.random_state.get_state(legacy=False)
    if random_state["bit_generator"] != "MT19937":
        raise ValueError(
            "The random state of NumPy, which random_state=None uses, must be an "
            f"MT19937 for a checkpoint; got {random_state['bit_generator']}"
        )
    history, tensors = _packed_history(estimator.history_)
    tensors |= {
        "parameters": parameters.values,
        "random_state": random_state["state"]["key"].astype(np.uint32),
    }
    if best.parameters is not None:
        tensors["best"] = best.parameters.values
    document = {
        "n_before": n_before,
        "has_stopped": has_stopped,
        "data": data,
        "n_steps": parameters.n_steps,
        "n_samples_seen": state.n_samples_seen,
        "n_reductions": state.n_reductions,
        "split_seed": state.split_seed,
        "monitor": state.monitor,
        "patience": [state.patience._best, state.patience._count],
        "best": [
            best.epoch,
            best._metric,
            0 if best.parameters is None else best.parameters.n_steps,
        ],
        "random_state": [
            random_state["state"]["pos"],
            random_state["has_gauss"],
            random_state["gauss"],
        ],
    }
    document = {name: encoded(name, value) for name, value in document.items()}
    tensors = {TENSORS + name: tensor for name, tensor in tensors.items()}
    return document | {"history": history}, tensors


def unpacked_progress(document, tensors, estimator):
    """The Progress of a file whose other parts are in the estimator, checked."""
    if not isinstance(document, dict) or set(document) != KEYS:
        raise ValueError(f"its training must have the keys {sorted(KEYS)}")
    document = dict(document)
    epochs = document.pop("history")
    document = {name: decoded(value) for name, value in document.items()}
    tensors = {name.removeprefix(TENSORS): array for name, array in tensors.items()}
    counts = [document[name] for name in ("n_before", "n_samples_seen", "n_reductions")]
    for count in (*counts, document["n_steps"]):
        _check(_is_count(count), "its counts", count)
    split_seed, monitor = document["split_seed"], document["monitor"]
    _check(split_seed is None or _is_count(split_seed, 2**31), "split_seed", split_seed)
    _check(isinstance(monitor, str), "monitor", monitor)
    has_stopped, data = document["has_stopped"], document["data"]
    _check(isinstance(has_stopped, bool), "has_stopped", has_stopped)
    _check(isinstance(data, str), "data", data)
    sizes = [W.shape[0] for W in estimator.coefs_] + [estimator.n_outputs_]
    values = _values(tensors.pop("parameters"), sizes, estimator)
    state = TrainingState(
        _random_state(document["random_state"], tensors.pop("random_state")),
        OptimizerState(estimator.solver, values[1:], document["n_steps"]),
        n_epochs=len(epochs),
        n_samples_seen=document["n_samples_seen"],
        n_reductions=document["n_reductions"],
        split_seed=split_seed,
        monitor=monitor,
        patience=_patience(document["patience"]),
        best=_best(document["best"], tensors.pop("best", None), sizes, estimator),
    )
    history = _history(epochs, tensors)
    _check(history.n_epochs > document["n_before"], "history", history.n_epochs)
    coefs, intercepts = split_parameters(values[0], sizes)
    n_before = document["n_before"]
    return Progress(state, coefs, intercepts, history, n_before, has_stopped, data)


def _packed_history(history):
    """Figures of each epoch with the number of its batches, and arrays of batches."""
    epochs, columns = [], {}
    for figures, batches in history._epochs:
        figures = {name: encoded(name, value) for name, value in figures.items()}
        sizes = None if batches is None else {n: a.size for n, a in batches.items()}
        epochs.append([figures, sizes])
        for name, column in (batches or {}).items():
            columns.setdefault(f"batches.{name}", []).append(column)
    return epochs, {name: np.concatenate(parts) for name, parts in columns.items()}


def _history(epochs, tensors):
    history, used = History(), dict.fromkeys(tensors, 0)
    for figures, sizes in epochs:
        batches = None if sizes is None else {}
        for name, size in (sizes or {}).items():
            _check(_is_count(size), "batches", size)
            key = f"batches.{name}"
            start = used[key]
            used[key] += size
            batches[name] = tensors[key][start : used[key]]
            _check(batches[name].shape == (size,), "batches", size)
        figures = {name: decoded(value) for name, value in figures.items()}
        _check(all(map(_is_figure, figures.values())), "history", figures)
        history.append(**figures, batches=batches)
    for name, array in tensors.items():
        is_used = array.dtype == np.float32 and array.shape == (used[name],)
        _check(is_used, "arrays", name)
    return history


def _is_figure(value):
    if isinstance(value, list):
        return all(map(_is_number, value))
    return _is_number(value)


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value, end=2**63):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < end


def _values(values, sizes, estimator):
    n_slots = make_optimizer(estimator, None).n_slots
    shape = (1 + n_slots, n_parameters(sizes))
    right = values.shape == shape and values.dtype == np.dtype(estimator.dtype)
    _check(right and np.isfinite(values).all(), "parameters", values)
    return values


def _random_state(document, key):
    position, has_gauss, gauss = document
    right = (
        key.dtype == np.uint32
        and key.shape == (N_KEYS,)
        and _is_count(position, N_KEYS + 1)
        and _is_count(has_gauss, 2)
        and isinstance(gauss, float)
    )
    _check(right, "random_state", document)
    random_state = np.random.RandomState(0)
    random_state.set_state(("MT19937", key, position, has_gauss, gauss))
    return random_state


def _patience(document):
    best, count = document
    _check(_is_number(best) and _is_count(count), "patience", document)
    patience = Patience()
    patience._best, patience._count = best, count
    return patience


def _best(document, values, sizes, estimator):
    epoch, metric, n_steps = document
    right = (epoch is None or _is_count(epoch)) and _is_number(metric)
    _check(right and _is_count(n_steps), "best", document)
    _check((epoch is None) == (values is None), "best", document)
    best = BestEpoch()
    best.epoch, best._metric = epoch, metric
    if values is not None:
        values = _values(values, sizes, estimator)
        best.parameters = Parameters(sizes, len(values) - 1, values.dtype)
        best.parameters.values[...], best.parameters.n_steps = values, n_steps
    return best


def _check(right, name, value):
    if not right:
        raise ValueError(f"its {name} of training must be valid; got {value!r:.200}")
