"""The limit of BLAS to one thread while a network trains."""

import threading

from threadpoolctl import ThreadpoolController


class SingleThreadedBLAS:
    """Context manager that limits BLAS to one thread; may be entered concurrently.

    The limit holds for the whole process. The first fit to enter sets it, and the last
    to leave restores the limit before it. If each fit restored the limit it had found,
    two overlapping fits would restore in the wrong order.

    Products as small as a network's only lose by threads, and the order in which
    threads add up their parts would change the last bits of the result.

    Examples
    --------
    >>> from cymlp._fit.blas_threads import single_threaded_blas
    >>> with single_threaded_blas:
    ...     pass
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._controller = None
        self._limiter = None
        self._users = 0

    def __enter__(self):
        with self._lock:
            if self._users == 0:
                # Looking for the libraries takes about a millisecond, once.
                self._controller = self._controller or ThreadpoolController()
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._users += 1
        return self

    def renew(self):
        """Set the limit again, in case other code has lifted it meanwhile.

        scikit-learn lifts its own limits, which it may have set before.
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
