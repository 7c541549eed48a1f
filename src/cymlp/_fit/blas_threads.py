"""Limit BLAS to one thread while a network trains."""

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
        self._lock = threading.Lock()
        self._libraries = None
        self._before = None  # number of threads of each library before the limit

    def limit(self):
        """Set the limit, also again if other code has lifted it.

        scikit-learn does so when it lifts its own limits.
        """
        with self._lock:
            if self._libraries is None:  # finding them takes a millisecond
                found = ThreadpoolController().select(user_api="blas")
                self._libraries = found.lib_controllers
            if self._before is None:
                self._before = [one.num_threads for one in self._libraries]
            for library in self._libraries:
                if library.num_threads != 1:
                    library.set_num_threads(1)

    def lift(self):
        """Restore the limits from before if there are no more users."""
        with self._lock:
            if self.users or self._before is None:
                return
            for library, n_threads in zip(self._libraries, self._before, strict=True):
                library.set_num_threads(n_threads)
            self._before = None


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
