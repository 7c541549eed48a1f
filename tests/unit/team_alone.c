/* The team of threads and the kernels that it runs, without Python, so that a
 * sanitizer sees every access to memory.
 *
 * Computes steps of a dense layer with 2, 3 and 7 threads; fails if a bit
 * differs from the result of one thread, or a chunk is not computed exactly
 * once. Fails, too, if the team does not pause after a helper has been held up.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_set.c"
#include "team.h"

enum { N = 61, N_IN = 47, N_OUT = 70, N_LOOPS = 50, MAX_THREADS = 7 };
enum { N_CHUNKS = (N_IN + 11) / 12, N_SLICES = MAX_THREADS, PANELS = 4 };

typedef struct {
  float A[N * N_IN], W[N_IN * N_OUT], dU[N * N_OUT], bias[N_OUT];
  float U[N * N_OUT], dA[N * N_IN], dW[N_IN * N_OUT];
  float W_panels[PANELS * 32 * N_IN], transposed_W[PANELS * 32 * N_OUT];
  float dU_panels[PANELS * 32 * N];
  int64_t computed[N_SLICES + N_CHUNKS];
} LAYER;

static const cymlp_kernels *const kernels = &SET_OF(CYMLP_ISA).f32;

static void fail(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(EXIT_FAILURE);
}

static void fill(float *values, ptrdiff_t count, int seed) {
  for (ptrdiff_t i = 0; i < count; i++) values[i] = sinf((float)(seed + i * i));
}

static int forward(void *context, ptrdiff_t slice, int thread) {
  LAYER *layer = context;
  const ptrdiff_t first = N * slice / N_SLICES;
  const ptrdiff_t end = N * (slice + 1) / N_SLICES;
  (void)thread;
  kernels->panel_product(layer->A + first * N_IN, end - first, N_IN,
                         layer->W_panels, N_OUT, layer->bias,
                         layer->U + first * N_OUT);
  kernels->panel_product(layer->dU + first * N_OUT, end - first, N_OUT,
                         layer->transposed_W, N_IN, NULL,
                         layer->dA + first * N_IN);
  kernels->pack_panels(layer->dU, N, N_OUT, first, end, layer->dU_panels);
  layer->computed[slice]++;
  return 0;
}

static int step(void *context, ptrdiff_t chunk, int thread) {
  LAYER *layer = context;
  const ptrdiff_t first = 12 * chunk;
  const ptrdiff_t end = first + 12 < N_IN ? first + 12 : N_IN;
  kernels->panel_gradient(layer->A, N, N_IN, first, end, layer->dU_panels,
                          N_OUT, layer->dW);
  for (ptrdiff_t i = first * N_OUT; i < end * N_OUT; i++)
    layer->W[i] -= 0.01f * layer->dW[i];
  kernels->pack_panels(layer->W, N_IN, N_OUT, first, end, layer->W_panels);
  kernels->pack_transposed(layer->W, N_OUT, first, end, layer->transposed_W);
  layer->computed[N_SLICES + chunk]++;
  (void)thread;
  return 0;
}

static void count_failure(void *owner) { cymlp_atomic_add(owner, 1); }

static int64_t n_failures = 0;
static cymlp_team team;

static void *help(void *index) {
  cymlp_team_help(&team, *(int *)index);
  return NULL;
}

/* If the team is patient, every thread must take part in every loop. */
static void train(LAYER *layer, int n_threads, int is_patient) {
  static cymlp_share shares[MAX_THREADS];
  pthread_t threads[MAX_THREADS];
  int indices[MAX_THREADS];
  memset(shares, 0, sizeof shares);
  memset(&team, 0, sizeof team);
  team.n_threads = n_threads, team.shares = shares;
  team.is_patient = is_patient;
  team.failure = count_failure, team.owner = &n_failures;
  memset(layer, 0, sizeof *layer);
  fill(layer->A, N * N_IN, 1), fill(layer->W, N_IN * N_OUT, 2);
  fill(layer->dU, N * N_OUT, 3), fill(layer->bias, N_OUT, 4);
  kernels->pack_panels(layer->W, N_IN, N_OUT, 0, N_IN, layer->W_panels);
  kernels->pack_transposed(layer->W, N_OUT, 0, N_IN, layer->transposed_W);
  for (int i = 1; i < n_threads; i++) {
    indices[i] = i;
    if (pthread_create(&threads[i], NULL, help, &indices[i]))
      fail("no more threads");
  }
  for (int i = 0; i < N_LOOPS; i++) {
    team.resumes = 0; /* no pauses */
    cymlp_team_run(&team, forward, layer, N_SLICES);
    cymlp_team_run(&team, step, layer, N_CHUNKS);
  }
  cymlp_team_close(&team);
  for (int i = 1; i < n_threads; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < N_SLICES + N_CHUNKS; i++)
    if (layer->computed[i] != N_LOOPS) fail("a chunk was not computed once");
}

/* A chunk of 1 ms, or of 30 ms if the helper has lost its processor. */
static int hold_up(void *context, ptrdiff_t chunk, int thread) {
  const struct timespec duration = {0, thread > 0 ? 30000000 : 1000000};
  (void)context, (void)chunk;
  nanosleep(&duration, NULL);
  return 0;
}

static void check_pause(void) {
  static cymlp_share shares[2];
  pthread_t thread;
  int index = 1;
  memset(&team, 0, sizeof team);
  team.n_threads = 2, team.shares = shares;
  if (pthread_create(&thread, NULL, help, &index)) fail("no more threads");
  for (int i = 0; i < 10000 && shares[1].n_done == 0; i++)
    cymlp_team_run(&team, hold_up, NULL, 2);
  if (shares[1].n_done == 0) fail("no thread has helped");
  if (team.resumes < cymlp_seconds()) fail("the team has not paused");
  for (int i = 0; i < 10; i++) cymlp_team_run(&team, hold_up, NULL, 2);
  if (shares[1].n_done > 1) fail("a thread has helped during a pause");
  team.resumes = 0;
  while (shares[1].n_done == 1) cymlp_team_run(&team, hold_up, NULL, 2);
  cymlp_team_close(&team);
  pthread_join(thread, NULL);
}

int main(void) {
  static LAYER one, many;
  const int n_threads[] = {2, 3, MAX_THREADS};
  train(&one, 1, 0);
  for (size_t i = 0; i < 2 * sizeof n_threads / sizeof *n_threads; i++) {
    train(&many, n_threads[i / 2], i % 2);
    if (memcmp(&one, &many, sizeof one)) fail("the threads changed a bit");
  }
  if (n_failures) fail("a chunk failed");
  check_pause();
}
