/* Threads that share the chunks of a loop.
 *
 * One thread, the caller, opens loops. The others help: each thread begins with
 * its own chunks, a range that is the same in every loop of as many chunks, so
 * that its data stay in its caches, and then takes those that are left. Nobody
 * waits for a helper that comes late or does not come at all.
 *
 * A range is one word: the number of the loop, the next chunk, and the end. So
 * a thread that was stopped, and comes back to a loop that is over, can take
 * nothing from it. */
#ifndef CYMLP_TEAM_H
#define CYMLP_TEAM_H

#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE) && !defined(_WIN32)
#define _POSIX_C_SOURCE 200809L /* nanosleep and sched_yield */
#endif
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sched.h>
#endif

/* Atomic operations. Loads acquire, stores release, the others do both. */
#if defined(__GNUC__)
#define CYMLP_ATOMIC_LOAD(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define CYMLP_ATOMIC_STORE(p, value) \
  __atomic_store_n(p, value, __ATOMIC_RELEASE)
static inline int64_t cymlp_atomic_add(int64_t *p, int64_t value) {
  return __atomic_add_fetch(p, value, __ATOMIC_ACQ_REL);
}
/* Replace *p by `desired` if it is *expected; otherwise set *expected to it. */
static inline int cymlp_atomic_replace(int64_t *p, int64_t *expected,
                                       int64_t desired) {
  return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}
#else /* 64-bit Windows: its interlocked functions are full barriers */
#define CYMLP_ATOMIC_LOAD(p) InterlockedOr64(p, 0)
#define CYMLP_ATOMIC_STORE(p, value) ((void)InterlockedExchange64(p, value))
static inline int64_t cymlp_atomic_add(int64_t *p, int64_t value) {
  return InterlockedExchangeAdd64(p, value) + value;
}
static inline int cymlp_atomic_replace(int64_t *p, int64_t *expected,
                                       int64_t desired) {
  const int64_t before = *expected;
  *expected = InterlockedCompareExchange64(p, desired, before);
  return *expected == before;
}
#endif

/* Tell the processor that this thread waits. */
static inline void cymlp_pause(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("isb");
#elif defined(_WIN32)
  YieldProcessor();
#endif
}

/* Wait a little, longer after many times: a loop is opened within microseconds
 * of the last one, unless Python code runs in between. */
static inline void cymlp_wait(unsigned times) {
  enum { PAUSES = 1000, YIELDS = 20 };
  if (times < PAUSES) {
    cymlp_pause();
    return;
  }
#ifdef _WIN32
  SwitchToThread();
#else
  if (times < PAUSES + YIELDS) {
    sched_yield();
  } else {
    const struct timespec nap = {0, 50000};
    nanosleep(&nap, NULL);
  }
#endif
}

static inline double cymlp_seconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Compute a chunk, in one of the threads 0..n_threads - 1; return -1 if it
 * fails. */
typedef int (*cymlp_task)(void *context, ptrdiff_t chunk, int thread);

/* Two cache lines, because processors fetch them in pairs. */
#define CYMLP_APART 128
typedef struct {
  int64_t range;
  int64_t n_done; /* chunks that this thread has computed */
  char apart[CYMLP_APART - 2 * sizeof(int64_t)];
} cymlp_share;

typedef struct {
  int n_threads;
  cymlp_share *shares; /* [n_threads], zeros at first */
  cymlp_task task;
  void *context;
  ptrdiff_t first_chunk; /* the one that chunk 0 of the ranges stands for */
  /* Called after a failure by the thread in which it occurred. */
  void (*failure)(void *owner);
  void *owner;
  int is_patient; /* for tests: each thread computes its own range, never more,
                     and the team does not pause */
  double resumes; /* no helpers before this time */
  char apart_1[CYMLP_APART];
  int64_t loop; /* the number of the loop that is open, or of the last one */
  int64_t is_closed;
  char apart_2[CYMLP_APART];
  int64_t n_left; /* chunks that are not finished */
  char apart_3[CYMLP_APART];
} cymlp_team;

enum { CYMLP_CHUNK_BITS = 18, CYMLP_MAX_CHUNKS = (1 << CYMLP_CHUNK_BITS) - 1 };

static inline int64_t cymlp_range(int64_t loop, ptrdiff_t next, ptrdiff_t end) {
  return (int64_t)(((uint64_t)loop << 2 * CYMLP_CHUNK_BITS) |
                   ((uint64_t)next << CYMLP_CHUNK_BITS) | (uint64_t)end);
}

/* Take chunks, first from the thread's own range, until none are left. */
static inline void cymlp_team_work(cymlp_team *team, int thread, int64_t loop) {
  const int64_t mask = CYMLP_MAX_CHUNKS, one = (int64_t)1 << CYMLP_CHUNK_BITS;
  const int n_ranges = team->is_patient ? 1 : team->n_threads;
  for (int i = 0; i < n_ranges; i++) {
    int64_t *range = &team->shares[(thread + i) % team->n_threads].range;
    int64_t seen = CYMLP_ATOMIC_LOAD(range);
    for (;;) {
      const ptrdiff_t next = (ptrdiff_t)(seen >> CYMLP_CHUNK_BITS & mask);
      if (cymlp_range(loop, next, seen & mask) != seen || next >= (seen & mask))
        break;
      if (!cymlp_atomic_replace(range, &seen, seen + one)) continue;
      /* The loop stays open until this chunk is finished. */
      if (team->task(team->context, team->first_chunk + next, thread) < 0)
        team->failure(team->owner);
      team->shares[thread].n_done++;
      cymlp_atomic_add(&team->n_left, -1);
      seen = CYMLP_ATOMIC_LOAD(range);
    }
  }
}

/* Help until the team is closed. */
static inline void cymlp_team_help(cymlp_team *team, int thread) {
  for (int64_t last = 0;;) {
    int64_t loop = CYMLP_ATOMIC_LOAD(&team->loop);
    for (unsigned times = 0; loop == last; times++) {
      if (CYMLP_ATOMIC_LOAD(&team->is_closed)) return;
      cymlp_wait(times);
      loop = CYMLP_ATOMIC_LOAD(&team->loop);
    }
    last = loop;
    cymlp_team_work(team, thread, loop);
  }
}

static inline void cymlp_team_close(cymlp_team *team) {
  CYMLP_ATOMIC_STORE(&team->is_closed, 1);
}

/* After more than `usual` seconds were lost since `begin`, use no helpers for a
 * multiple of that time, so that little is lost in all. */
static inline void cymlp_team_lose(cymlp_team *team, double begin,
                                   double usual) {
  const double pause = 8, now = cymlp_seconds(), lost = now - begin;
  if (lost > usual && !team->is_patient) team->resumes = now + pause * lost;
}

/* Wait for the helpers' last chunks. Their ranges are about equal, and the
 * caller has helped with the rest: who is late by half of the caller's own time
 * has lost its processor to another program. */
static inline void cymlp_team_wait(cymlp_team *team, double begin) {
  const double min_loss = 2e-4;
  unsigned times = 0;
  double waits = 0;
  while (CYMLP_ATOMIC_LOAD(&team->n_left) > 0) {
    if (times == 100) waits = cymlp_seconds();
    cymlp_wait(times++);
  }
  if (times <= 100) return;
  cymlp_team_lose(
      team, waits,
      waits - begin > 2 * min_loss ? (waits - begin) / 2 : min_loss);
}

static inline void cymlp_team_open(cymlp_team *team, ptrdiff_t n_chunks) {
  /* Loop numbers of the ranges wrap around. */
  const int64_t loop = (int64_t)((uint64_t)(team->loop + 1) &
                                 (UINT64_MAX >> 2 * CYMLP_CHUNK_BITS));
  const int n = team->n_threads;
  CYMLP_ATOMIC_STORE(&team->n_left, (int64_t)n_chunks);
  for (int i = 0; i < n; i++)
    CYMLP_ATOMIC_STORE(
        &team->shares[i].range,
        cymlp_range(loop, n_chunks * i / n, n_chunks * (i + 1) / n));
  CYMLP_ATOMIC_STORE(&team->loop, loop);
}

/* Compute n_chunks chunks, in any order, and return when all are finished. The
 * team has helpers. */
static inline void cymlp_team_run(cymlp_team *team, cymlp_task task,
                                  void *context, ptrdiff_t n_chunks) {
  const double begin = cymlp_seconds();
  if (begin < team->resumes) {
    for (ptrdiff_t chunk = 0; chunk < n_chunks; chunk++)
      if (task(context, chunk, 0) < 0) team->failure(team->owner);
    return;
  }
  team->task = task, team->context = context;
  for (ptrdiff_t first = 0, count; first < n_chunks; first += count) {
    count = n_chunks - first;
    if (count > CYMLP_MAX_CHUNKS) count = CYMLP_MAX_CHUNKS;
    team->first_chunk = first;
    cymlp_team_open(team, count);
    cymlp_team_work(team, 0, team->loop);
    cymlp_team_wait(team, begin);
  }
}

#endif
