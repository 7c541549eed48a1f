"""The threads of one fit or prediction.

The thread that trains runs the epoch; the others help with loops over chunks of samples
or of weights (team.h). Each value of a result is computed within one chunk, and no sum
is split in a way that depends on the threads, so their number changes no bit.

Helpers are Python threads, which every platform and every debugger knows. They run
compiled code without the GIL and exist for an epoch only: between epochs, a callback
may fork, and nothing is left behind if a fit ends early.
"""

cimport cython
from cpython.exc cimport PyErr_Fetch, PyErr_NormalizeException
from cpython.object cimport PyObject

import threading


# Seconds that it takes to start a thread, or to end it, if there are free cores.
cdef double USUAL_START = 2e-4


@cython.final
cdef class Team(Buffers):
    """The calling thread and, between `start` and `stop`, its helpers.

    If helpers are late, the calling thread does their work. If time is lost because
    another program uses a helper's processor, it computes alone for a while. A patient
    team, for tests, waits for every helper in every loop.
    """

    def __cinit__(self, int n_threads=1, bint is_patient=False):
        if n_threads < 1:
            raise ValueError(f"n_threads must be positive; got {n_threads}")
        self.helpers, self.errors = [], []
        self.shared = <cymlp_team *> self.reserve(sizeof(cymlp_team))
        self.shared.failure, self.shared.owner = keep_error, <void *> self
        self.shared.is_patient = is_patient
        self.wanted = n_threads
        self.allocate(1)

    cdef allocate(self, int n_threads):
        self.memory, self.max_threads = Buffers(), n_threads
        self.shared.shares = <cymlp_share *> self.memory.reserve(
            n_threads * sizeof(cymlp_share)
        )
        self.shared.n_threads = self.n_threads = 1

    def start(self, int n_threads):
        """Start helpers for a team of n_threads, or fewer if the system refuses them.

        None are started while the team computes alone.
        """
        cdef double begin = cymlp_seconds()
        if n_threads == 1 or begin < self.shared.resumes:
            return
        if n_threads > self.max_threads:
            self.allocate(n_threads)
        self.shared.is_closed = 0
        try:
            for index in range(1, n_threads):
                helper = threading.Thread(
                    target=_help, args=(self, index), name=f"cymlp-{index}", daemon=True
                )
                helper.start()
                self.helpers.append(helper)
        except RuntimeError:
            pass
        self.shared.n_threads = self.n_threads = 1 + len(self.helpers)
        cymlp_team_lose(self.shared, begin, USUAL_START * n_threads)

    def stop(self):
        """End the helpers."""
        cdef double begin = cymlp_seconds()
        cymlp_team_close(self.shared)
        for helper in self.helpers:
            helper.join()
        if self.helpers:
            cymlp_team_lose(self.shared, begin, USUAL_START * self.n_threads)
        self.helpers.clear()
        self.shared.n_threads = self.n_threads = 1

    def __enter__(self):
        self.start(self.wanted)
        return self

    def __exit__(self, *error):
        self.stop()

    @property
    def n_done(self):
        """The number of chunks that each thread has computed in loops with helpers."""
        return [self.shared.shares[index].n_done for index in range(self.max_threads)]

    cdef int run(self, cymlp_task task, void *context, Py_ssize_t n_chunks) \
            except -1 nogil:
        cdef Py_ssize_t chunk
        if self.shared.n_threads == 1 or n_chunks == 1:
            for chunk in range(n_chunks):
                task(context, chunk, 0)
            return 0
        cymlp_team_run(self.shared, task, context, n_chunks)
        if self.has_errors:
            with gil:
                self.has_errors = False
                raise self.errors.pop()
        return 0


def _help(Team team, int thread):
    with nogil:
        cymlp_team_help(team.shared, thread)


cdef void keep_error(void *owner) noexcept with gil:
    """Take over the exception that is set in this thread."""
    cdef PyObject *kind = NULL
    cdef PyObject *value = NULL
    cdef PyObject *traceback = NULL
    PyErr_Fetch(&kind, &value, &traceback)
    PyErr_NormalizeException(&kind, &value, &traceback)
    (<Team> owner).errors.append(<object> value)
    (<Team> owner).has_errors = True


# For computations by the calling thread alone.
ALONE = Team()
