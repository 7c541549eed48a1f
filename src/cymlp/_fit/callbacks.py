"""scikit-learn's callbacks, where its version has them, and what a fit tells them."""

from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        """Nothing, so that there is no ``set_callbacks`` either."""

    def with_callbacks(method):
        """Return the method as it is."""
        return method


class FitCallbacks:
    """Tells callbacks about a fit and each of its epochs.

    Parameters
    ----------
    estimator : MLPClassifier
    X, y, sample_weight
        What it is fitted to, as it was given.
    """

    def __init__(self, estimator, X, y, sample_weight):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._epoch = None
        self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self):
        """Tell that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, snapshot):
        """Tell that the epoch is over.

        Parameters
        ----------
        snapshot : callable
            Returns the attributes of an estimator whose fit had stopped here, as a
            dict. Called only where a callback wants to see one.

        Returns
        -------
        stop : bool
            Whether a callback wants no more epochs.
        """
        return self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=snapshot
        )

    def end(self):
        """Tell that the fit is over."""
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})


@contextmanager
def callbacks_of(estimator, X, y, sample_weight):
    """Give the FitCallbacks of a fit, or None where nobody wants to be told.

    Examples
    --------
    >>> from cymlp import MLPClassifier
    >>> from cymlp._fit.callbacks import callbacks_of
    >>> with callbacks_of(MLPClassifier(), [[0.0], [1.0]], [0, 1], None) as callbacks:
    ...     print(callbacks)
    None
    """
    # What set_callbacks leaves, be it called by a user or by a search for its parts.
    if not hasattr(estimator, "_skl_callbacks"):
        yield None
        return
    estimator._validate_params()
    try:
        callbacks = FitCallbacks(estimator, X, y, sample_weight)
        yield callbacks
        callbacks.end()
    finally:
        _tear_down(estimator)


@with_callbacks
def _tear_down(estimator):
    """Let the decorator do it, which adds no frame between a warning and its cause."""
