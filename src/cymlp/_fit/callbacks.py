"""Support for the callbacks of scikit-learn 1.9 and later."""

from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        """Without ``set_callbacks``, as scikit-learn does not support it."""

    def with_callbacks(method):
        """Return the method unchanged."""
        return method


class FitCallbacks:
    """Calls the callbacks of an estimator at the begin and end of fit and epochs."""

    def __init__(self, estimator, X, y, sample_weight):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._epoch = None
        self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self):
        """Call the callbacks at the begin of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, snapshot):
        """Call the callbacks at the end of an epoch; return whether one wants to stop.

        `snapshot()` returns the attributes of an estimator whose fit ended here. It is
        called only if a callback needs them.
        """
        return self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=snapshot
        )

    def end(self):
        """Call the callbacks at the end of the fit."""
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})


@contextmanager
def callbacks_of(estimator, call, X, y, sample_weight):
    """Context with the FitCallbacks of a call, or None without callbacks."""
    # Set by set_callbacks, which a user or scikit-learn's model selection calls.
    if not (call.has_callbacks and hasattr(estimator, "_skl_callbacks")):
        yield None
        return
    estimator._validate_params()
    try:
        yield FitCallbacks(estimator, X, y, sample_weight)
    finally:
        _tear_down(estimator)


@with_callbacks
def _tear_down(estimator):
    """Tear down, by the decorator. Around fit, it would add a frame to warnings."""
