"""One fit at a time of each estimator."""

import threading
from contextlib import contextmanager

# The thread that fits an estimator, by the id of the estimator.
_threads: dict[int, threading.Thread] = {}


@contextmanager
def only_fit_of(estimator):
    """Context of a fit; refuse to enter while another thread fits the estimator."""
    key, thread = id(estimator), threading.current_thread()
    other = _threads.setdefault(key, thread)
    if other is not thread:
        # A process that is forked during a fit has the entry, but not the thread.
        if other in threading.enumerate():
            raise RuntimeError(
                f"This {type(estimator).__name__} is being fitted in another thread. "
                "Wait for the end of that fit, or fit a clone. Predictions are "
                "possible meanwhile."
            )
        _threads[key] = thread
    try:
        yield
    finally:
        _threads.pop(key, None)
