"""Fit many networks in parallel threads that share the data."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from copy import copy
from numbers import Real

import numpy as np
from joblib import effective_n_jobs, parallel_config
from scipy.sparse import issparse
from sklearn.utils import check_array
from tqdm.auto import tqdm

from cymlp._engine.inputs import canonical_csr
from cymlp._fit.errors import collected_warnings, naming, naming_text, warn
from cymlp._fit.estimator import BaseMLP
from cymlp._fit.fitting import Shared
from cymlp._fit.hints import shown_value
from cymlp._fit.scaling import conversion
from cymlp._fit.shared_storage import SharedStorage
from cymlp._sklearn import _check_feature_names

# Networks that a warning lists.
_MAX_SHOWN = 5


def fit_many(estimators, X, y, *, X_val=None, y_val=None, n_jobs=None, progress=False):
    """Fit several networks to the same data, in parallel threads.

    Training releases the GIL, so threads are as fast as processes and share one copy of
    the data: X is converted and encoded once for all networks with the same `dtype` and
    `scale`. The results are identical to those of separate calls of ``fit``. If several
    networks share a user-defined activation or loss, it must be thread-safe.

    Parameters
    ----------
    estimators : list of MLPClassifier or MLPRegressor, or dict of name to these
        Networks, fitted in place.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as for ``fit``.
    X_val : array-like or sparse matrix of shape (n_val_samples, n_features), \
            default=None
        Validation data for all networks.
    y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), \
            default=None
        Targets of the validation data.
    n_jobs : int, default=None
        Number of networks to train at the same time. None means 1 unless in a
        :class:`joblib.parallel_config` context. -1 means using all processors.
    progress : bool, default=False
        Whether to show a progress bar over all epochs of all networks.

    Returns
    -------
    estimators : list or dict
        The argument, with fitted networks.

    Raises
    ------
    TypeError
        If `estimators` is not a list or a dict of MLPClassifier and MLPRegressor, or
        `n_jobs` not an int.
    ValueError
        If two entries are the same object or share a RandomState, as the result would
        depend on their order, if X or X_val is not two-dimensional, or if `n_jobs` is
        0.
    ExceptionGroup
        If single networks fail. Raised when all others are fitted. Each of its
        exceptions has a note with the name of the network and its parameters that are
        not the same in all networks.
    KeyboardInterrupt
        On Ctrl-C, when the networks in training have stopped. They keep the results of
        their finished epochs; the others are unchanged.

    Warns
    -----
    ConvergenceWarning
        If networks reach `max_iter` while they still improve. Each warning names the
        networks that it is about, as the notes of exceptions do.

    Examples
    --------
    >>> from cymlp import MLPClassifier, fit_many
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> settings = {"max_iter": 5, "n_iter_no_change": float("inf"), "random_state": 0}
    >>> networks = {
    ...     name: MLPClassifier((20,), name, **settings) for name in ("selu", "tanh")
    ... }
    >>> fit_many(networks, X / 16, y, n_jobs=2)["selu"].n_iter_
    5
    """
    named = _named(estimators)
    errors, warned = {}, {name: [] for name in named}
    for name, estimator in named.items():
        try:
            estimator._validate_params()
        except ValueError as error:
            errors[name] = error
    sound = {name: named[name] for name in named if name not in errors}
    copies = {
        key: (_converted(X, "X", *key), _converted(X_val, "X_val", *key))
        for key in {_conversion_of(estimator) for estimator in sound.values()}
    }
    storage, stopped = SharedStorage(), []
    # Even a disabled bar takes tqdm's lock, which processes share that were forked.
    total = sum(estimator.max_iter for estimator in sound.values())
    bar = tqdm(total=total, unit="epoch") if progress else None

    def check():
        if stopped:
            raise KeyboardInterrupt

    def fit(name):
        estimator = sound[name]
        n_left = estimator.max_iter

        def after_epoch():
            nonlocal n_left
            if bar is not None:
                with bar.get_lock():
                    bar.update()
            n_left -= 1

        check()
        X_shared, X_val_shared = copies[_conversion_of(estimator)]
        validation = X_val_shared, y_val, None
        feature_names = _feature_names(estimator, X, X_val)
        shared = Shared(storage, feature_names, check, after_epoch)
        with collected_warnings(warned[name]):
            estimator._fit(X_shared, y, None, validation, shared=shared)
        if bar is not None:
            with bar.get_lock():
                bar.total -= n_left

    with bar or nullcontext(), ThreadPoolExecutor(_n_threads(n_jobs)) as threads:
        try:
            names = {threads.submit(fit, name): name for name in sound}
            for future in as_completed(names):
                if (error := future.exception()) is not None:
                    errors[names[future]] = error
        finally:
            # One step, which a second Ctrl-C cannot split: no thread trains on.
            stopped.append(True)
            threads.shutdown(cancel_futures=True)
    labels = _labels(named)
    try:
        _warn(warned, labels)  # raises if a filter makes errors of warnings
    finally:
        _raise(errors, labels)
    return estimators


def _raise(errors, labels):
    if not errors:
        return
    for name, error in errors.items():
        error.add_note(f"Raised by the network {labels[name]}.")
    raise BaseExceptionGroup(
        f"{len(errors)} of {len(labels)} networks failed: {list(errors)}",
        list(errors.values()),
    )


def _labels(named):
    """Names of the networks, each with its parameters that are not the same in all."""
    shown = {
        name: {
            key: shown_value(value)
            for key, value in estimator.get_params(deep=False).items()
        }
        for name, estimator in named.items()
    }
    values = {}
    for parameters in shown.values():
        for key, value in parameters.items():
            values.setdefault(key, set()).add(value)
    labels = {}
    for name, parameters in shown.items():
        differing = [
            f"{key}={parameters[key]}" for key in parameters if len(values[key]) > 1
        ]
        labels[name] = f"{name!r} ({', '.join(differing)})" if differing else repr(name)
    return labels


def _warn(warned, labels):
    """Give each warning once, with the networks that it is about."""
    about = {}
    for name, warnings in warned.items():
        for warning in warnings:
            about.setdefault(warning, []).append(labels[name])
    for (message, category), networks in about.items():
        shown = "; ".join(networks[:_MAX_SHOWN])
        rest = len(networks) - _MAX_SHOWN
        shown += f"; and {rest} more" if rest > 0 else ""
        warn(
            f"{message} This is about {len(networks)} of {len(labels)} networks: "
            f"{shown}.",
            category,
        )


def _n_threads(n_jobs):
    if n_jobs == 0 or not isinstance(n_jobs, Real | None):
        kind = ValueError if n_jobs == 0 else TypeError
        raise kind(f"n_jobs must be None or an int other than 0; got {n_jobs!r}")
    # A daemon process may start threads, but no processes.
    with parallel_config(backend="threading"):
        return effective_n_jobs(n_jobs)


def _named(estimators):
    """The networks as a dict; refuse those that cannot be fitted in parallel."""
    if isinstance(estimators, Mapping):
        named = dict(estimators)
    elif isinstance(estimators, Sequence):
        named = dict(enumerate(estimators))
    else:
        raise TypeError(
            "estimators must be a list or a dict of MLPClassifier or MLPRegressor, "
            f"also for a single one; got {estimators!r}"
        )
    for name, estimator in named.items():
        if not isinstance(estimator, BaseMLP):
            raise TypeError(
                "estimators must be instances of MLPClassifier or MLPRegressor; got "
                f"{estimator!r} as {name!r}"
            )
    states = [estimator.random_state for estimator in named.values()]
    own = [
        *named.values(),
        *(s for s in states if isinstance(s, np.random.RandomState)),
    ]
    if len({id(one) for one in own}) < len(own):
        raise ValueError(
            "estimators must not contain a network twice, nor networks that share a "
            "RandomState: the result would depend on their order. Clone the network, "
            "or give each an int as random_state."
        )
    return named


def _feature_names(estimator, X, X_val):
    """Check feature names, which the shared arrays lack; return those of X or None."""
    probe = copy(estimator)
    resumes = estimator.warm_start and hasattr(estimator, "coefs_")
    _check_feature_names(probe, X, reset=not resumes)
    if X_val is not None:
        _check_feature_names(probe, X_val, reset=False)
    return getattr(probe, "feature_names_in_", None)


def _conversion_of(estimator):
    """The dtype of the computation and whether X is scaled, for `_converted`."""
    resumes = estimator.warm_start and hasattr(estimator, "coefs_")
    scale = estimator.divisor_ if resumes else estimator.scale
    return np.dtype(estimator.dtype), scale is not None


def _converted(X, name, dtype, is_scaled):
    """Convert X as each fit would, which also checks its values."""
    if X is None:
        return None
    with naming(name), naming_text(X), np.errstate(over="ignore"):
        X = check_array(X, **conversion(X, dtype, is_scaled))
        return canonical_csr(X) if issparse(X) else X
