"""Limit BLAS to one thread while a network trains."""

import os
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


class SingleThreadedBLAS:
    """Limits BLAS to one thread as long as it has users.

    The limit holds for the whole process: the first fit sets it, and the last restores
    the previous limits. Matrices of this size gain nothing from threads, and the order
    in which threads add their parts would change the last bits of a result.

    `users` is a set to which a fit adds an object before `limit`, and from which it
    removes it before `lift`. All steps may be repeated, and each takes effect at once
    or not at all, so that Ctrl-C at any moment leaves nothing that the next fit does
    not put right.
    """

    def __init__(self):
        self.users = set()
        self._controller = self._libraries = None
        self._before = None  # number of threads of each library before the limit
        # The number of threads that BLAS and OpenMP were limited to then.
        self.limit_before = None
        self._forget_threads()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_threads)

    def _forget_threads(self):
        # A forked child has only one thread. Another may have held the lock.
        self._lock = threading.Lock()
        self.users.clear()

    def limit(self):
        """Set the limit, also again if other code has lifted it.

        scikit-learn does so when it lifts its own limits.
        """
        with self._lock:
            if self._libraries is None:  # finding them takes a millisecond
                self._controller = ThreadpoolController()
                blas = self._controller.select(user_api="blas")
                self._libraries = blas.lib_controllers
            # Each number of threads is read once, because that takes a microsecond.
            if self._before is None:
                n_threads = {
                    one: one.num_threads for one in self._controller.lib_controllers
                }
                self.limit_before = _limit(n_threads)
                present = self._before = [n_threads[one] for one in self._libraries]
            else:
                present = [one.num_threads for one in self._libraries]
            for library, n in zip(self._libraries, present, strict=True):
                if n != 1:
                    library.set_num_threads(1)

    def lift(self):
        """Restore the limits from before if there are no more users."""
        with self._lock:
            if self.users or self._before is None:
                return
            for library, n_threads in zip(self._libraries, self._before, strict=True):
                library.set_num_threads(n_threads)
            self._before = None


def _limit(n_threads):
    """The number of threads that all libraries for BLAS, or all for OpenMP, may use.

    `n_threads` is the number of threads of each library, or None.
    """
    largest = {}
    for library, n in n_threads.items():
        largest[library.user_api] = max(largest.get(library.user_api, 1), n or 1)
    return min(largest.values(), default=None)


single_threaded_blas = SingleThreadedBLAS()


@contextmanager
def limited_blas():
    """Context in which BLAS has one thread."""
    user = object()
    try:
        single_threaded_blas.users.add(user)
        single_threaded_blas.limit()
        yield
    finally:
        try:
            single_threaded_blas.users.discard(user)
        finally:  # even if Ctrl-C comes here
            single_threaded_blas.lift()
