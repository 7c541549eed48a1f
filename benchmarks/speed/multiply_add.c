/* The rate at which a core multiplies and adds: prints operations per second.
 */
#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif
typedef float vector __attribute__((vector_size(4 * LANES)));

/* More sums than the instruction's latency times the units that compute it. */
enum { SUMS = 12, STEPS = 1000000, REPEATS = 20 };

static double seconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv) {
  vector sums[SUMS] = {{0}}, factor, term;
  double best = 1e300;
  (void)argv;
  for (int lane = 0; lane < LANES; lane++) {
    factor[lane] = 0.5f * (float)argc; /* unknown to the compiler */
    term[lane] = (float)argc;
  }
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    const double begin = seconds();
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 12
      for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * factor + term;
    const double taken = seconds() - begin;
    best = taken < best ? taken : best;
  }
  float total = 0;
  for (int i = 0; i < SUMS; i++) total += sums[i][0];
  if (total == 0) return 1;
  printf("%.6g\n", 2.0 * SUMS * LANES * STEPS / best);
  return 0;
}
