"""Threads that share the chunks of a loop."""

from libc.stdint cimport int64_t

from cymlp._engine.buffers cimport Buffers


cdef extern from "team.h" nogil:
    # Compute a chunk in a thread of index 0..n_threads - 1.
    ctypedef int (*cymlp_task)(
        void *context, Py_ssize_t chunk, int thread
    ) except -1 nogil
    ctypedef struct cymlp_share:
        int64_t n_done
    ctypedef struct cymlp_team:
        int n_threads
        cymlp_share *shares
        void (*failure)(void *owner) noexcept nogil
        void *owner
        int64_t is_closed
        double resumes
        bint is_patient
    void cymlp_team_run(
        cymlp_team *team, cymlp_task task, void *context, Py_ssize_t n_chunks
    ) noexcept
    void cymlp_team_help(cymlp_team *team, int thread) noexcept
    double cymlp_seconds() noexcept
    void cymlp_team_lose(cymlp_team *team, double begin, double usual) noexcept
    void cymlp_team_close(cymlp_team *team) noexcept


cdef class Team(Buffers):
    cdef int wanted
    cdef readonly int max_threads
    cdef readonly int n_threads
    cdef Buffers memory
    cdef list helpers
    cdef list errors
    cdef bint has_errors
    cdef cymlp_team *shared

    cdef allocate(self, int n_threads)

    # Compute chunks 0..n_chunks - 1 in any order, the first ones by this thread. If
    # some fail, raise the exception of one when all are finished.
    cdef int run(self, cymlp_task task, void *context, Py_ssize_t n_chunks) \
        except -1 nogil


# A batch of n samples is cut into slices, one for each thread. Multiples of 4 suit the
# tiles of the kernels.

cdef enum:
    SLICE_UNIT = 4


cdef inline Py_ssize_t n_slices_of(Py_ssize_t n, Team team) noexcept nogil:
    return max(1, min(n // SLICE_UNIT, team.n_threads))


cdef inline Py_ssize_t slice_begin(
    Py_ssize_t n, Py_ssize_t n_slices, Py_ssize_t index
) noexcept nogil:
    cdef Py_ssize_t units = n // SLICE_UNIT * index // n_slices
    return n if index == n_slices else units * SLICE_UNIT


# Rows of weights are cut into chunks of a size that depends on the matrix only, because
# a sum of squares is computed for each: about as many values as stay in the first-level
# cache, and enough chunks for many threads.

cdef enum:
    CHUNK_VALUES = 8192
    MIN_CHUNKS = 16


cdef inline Py_ssize_t chunk_rows(
    Py_ssize_t n_rows, Py_ssize_t width, Py_ssize_t unit
) noexcept nogil:
    """Return the rows in a chunk, a multiple of `unit`."""
    cdef Py_ssize_t rows = min(
        CHUNK_VALUES // width, (n_rows + MIN_CHUNKS - 1) // MIN_CHUNKS
    )
    return max(1, (rows + unit - 1) // unit) * unit
