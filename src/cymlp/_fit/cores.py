"""The processor's cores, and how fits share them.

The number of threads of a fit changes no bit of its result, so it can change at every
epoch: many fits at once use a core each, and the last one left uses all that it can.
"""

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from weakref import ref

from joblib import cpu_count

from cymlp._engine.team import ALONE, Team
from cymlp._fit.blas_threads import limited_blas, single_threaded_blas

# Multiplications in a batch, and in an epoch, that are worth another thread: some 20
# microseconds, several times what a batch costs the team, and five milliseconds, many
# times what it takes to start and to end the thread.
MIN_BATCH = 1e6
MIN_EPOCH = 2e8
# Multiplications of a prediction that are worth another thread: about a millisecond.
MIN_PREDICTION = 5e7


class Cores:
    """The cores of this process, dealt to fits.

    Each fit holds at least one core. At the beginning of an epoch it may take its fair
    share, or all cores that other fits leave free.
    """

    def __init__(self):
        # Weak references, so that even Ctrl-C cannot keep cores from being given back.
        # Not a WeakKeyDictionary: the end of a fit in another thread would change it
        # without the lock.
        self._held = {}
        self._forget_threads()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_threads)

    def _forget_threads(self):
        # In a forked child, other threads and their fits are gone.
        self._lock = threading.Lock()
        self._held.clear()

    def deal(self, fit, wanted, total):
        """Return the number of cores for the next epoch of a fit, at least 1.

        `fit` is any object that stands for the fit, which wants this many of `total`.
        """
        with self._lock:
            held = {one: n for one, n in self._held.items() if one() is not None}
            held[ref(fit)] = 0
            fair, free = total // len(held), total - sum(held.values())
            held[ref(fit)] = max(1, min(wanted, max(fair, free)))
            self._held = held
            return held[ref(fit)]

    def leave(self, fit):
        """Give back the cores of a fit that has ended."""
        with self._lock:
            self._held.pop(ref(fit), None)


cores = Cores()


def available():
    """Number of cores that this process may use.

    It counts the processors that the system lets it use (affinity, limits of a
    container, LOKY_MAX_CPU_COUNT) and respects OMP_NUM_THREADS and the limits of
    threadpoolctl.
    """
    limits = [cpu_count(), single_threaded_blas.limit_before]
    first, *_ = os.environ.get("OMP_NUM_THREADS", "").split(",")
    if first.strip().isdecimal():
        limits.append(int(first))
    return max(1, min(limit for limit in limits if limit is not None))


def n_multiplications(network, stored):
    """The number of multiplications for a sample that threads can share, about."""
    # Forward and for the gradients of weights, and for those of the inputs.
    first = 2 * stored.n_values() * network.sizes[1]
    others = 3 * (network.n_parameters - network.sizes[1] * (stored.n_features + 1))
    # With sparse X, another thread gains less in the first layer than it loses: the
    # rows of weights that a batch changes move between the caches of the cores.
    n = max(0, others - first) if stored.inputs.is_sparse else first + others
    return n if stored.dtype == "float32" else 2 * n  # half as many in a vector


def predict_batches(predict, batches, bound, n_multiplications):
    """Return [predict(batch) for batch in batches], computed in several threads.

    There are at most `bound` threads, or any number if it is None, and fewer if the
    `n_multiplications` of all batches are not worth them. Each result is computed by
    one thread, with one thread of BLAS.
    """
    wanted = int(min(len(batches), n_multiplications // MIN_PREDICTION))
    wanted = wanted if bound is None else min(wanted, bound)
    prediction = threading.Event()  # any object that stands for it
    try:
        with limited_blas():
            n_threads = cores.deal(prediction, wanted, available()) if wanted > 1 else 1
            if n_threads == 1:
                return [predict(batch) for batch in batches]
            return _in_threads(predict, batches, n_threads)
    finally:
        cores.leave(prediction)


def _in_threads(function, items, n_threads):
    """Return [function(item) for item in items]; the calling thread takes part."""
    pending, results = deque(enumerate(items)), [None] * len(items)

    def take():
        try:
            return pending.popleft()
        except IndexError:
            return None

    def work():
        try:
            for index, item in iter(take, None):
                results[index] = function(item)
        except BaseException:
            pending.clear()  # the other threads end, too
            raise

    with ThreadPoolExecutor(n_threads - 1, "cymlp-predict") as executor:
        helpers = [executor.submit(work) for _ in range(n_threads - 1)]
        work()
    for helper in helpers:
        helper.result()  # raises the exception of a helper
    return results


class FitCores:
    """The cores of one fit, and the threads that use them.

    `bound` is the maximum number of threads, or None. `per_batch` and `per_epoch` are
    the numbers of multiplications.
    """

    def __init__(self, bound, per_batch, per_epoch):
        worth = int(min(per_batch // MIN_BATCH, per_epoch // MIN_EPOCH))
        self._wanted = worth if bound is None else min(worth, bound)
        self._team = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        cores.leave(self)

    @contextmanager
    def team(self):
        """The threads for one epoch."""
        total = available() if self._wanted > 1 else 1
        n_threads = cores.deal(self, self._wanted, total)
        if n_threads == 1:
            yield ALONE
            return
        if self._team is None:
            self._team = Team()
        try:
            self._team.start(n_threads)
            yield self._team
        finally:
            self._team.stop()
