"""Limit BLAS to one thread while a network trains."""

import threading

from threadpoolctl import ThreadpoolController


class SingleThreadedBLAS:
    """Context manager that limits BLAS to one thread; may be entered concurrently.

    The limit holds for the whole process: the first fit to enter sets it, and the last
    to leave restores the previous limit. Matrices of this size gain nothing from
    threads, and the order in which threads add their parts would change the last bits
    of a result.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._controller = None
        self._limiter = None
        self._users = 0

    def __enter__(self):
        with self._lock:
            if self._users == 0:
                # Finding the libraries takes about a millisecond, once.
                self._controller = self._controller or ThreadpoolController()
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._users += 1
        return self

    def renew(self):
        """Set the limit again if other code has lifted it.

        scikit-learn does so when it lifts its own limits.
        """
        for library in self._controller.lib_controllers:
            if library.user_api == "blas" and library.num_threads != 1:
                library.set_num_threads(1)

    def __exit__(self, *error):
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limiter.restore_original_limits()


single_threaded_blas = SingleThreadedBLAS()
