/* The update of weights, by a gradient that is in registers or by Adam; see
 * cymlp_step and cymlp_adam in kernels.h. A template. */
#include <math.h>

#include "template.h"

#define STEP NAME(step)
typedef struct {
  REAL *weights, *velocity, *gradient;
  REAL momentum, weight_decay, velocity_rate, direction_rate;
} STEP;

/* The settings in the precision of the computation. */
static inline STEP NAME(step_of)(const cymlp_step *step) {
  return (STEP){step->weights,
                step->velocity,
                step->gradient,
                (REAL)step->momentum,
                (REAL)step->weight_decay,
                (REAL)step->velocity_rate,
                (REAL)step->direction_rate};
}

/* Apply the update to one vector of weights, or accumulate its gradient. */
CYMLP_INLINE void NAME(update)(const STEP *step, VEC gradient, ptrdiff_t at,
                               VEC *squares) {
  *squares += gradient * gradient;
  if (step->velocity == NULL) {
    STORE(step->gradient + at, LOAD(step->gradient + at) + gradient);
    return;
  }
  const VEC weight = LOAD(step->weights + at);
  const VEC direction = gradient + step->weight_decay * weight;
  const VEC velocity = step->momentum * LOAD(step->velocity + at) + direction;
  STORE(step->velocity + at, velocity);
  STORE(step->weights + at, weight - (step->velocity_rate * velocity +
                                      step->direction_rate * direction));
}

static inline double NAME(sum)(VEC v) {
  REAL values[LANES], total = 0;
  memcpy(values, &v, sizeof values);
  for (int lane = 0; lane < LANES; lane++) total += values[lane];
  return (double)total;
}

#ifndef CYMLP_SQRT
#define CYMLP_SQRT NAME(cymlp_sqrt)
static inline float cymlp_sqrt_f32(float x) { return sqrtf(x); }
static inline double cymlp_sqrt_f64(double x) { return sqrt(x); }
#endif

static inline void NAME(adam_step)(const cymlp_adam *adam, void *weights,
                                   void *averages, void *squares,
                                   const void *gradient, ptrdiff_t count) {
  const REAL beta_1 = (REAL)adam->beta_1, rest_1 = (REAL)adam->rest_1;
  const REAL beta_2 = (REAL)adam->beta_2, rest_2 = (REAL)adam->rest_2;
  const REAL weight_decay = (REAL)adam->weight_decay;
  const REAL step_size = (REAL)adam->step_size;
  const REAL root_factor = (REAL)adam->root_factor;
  const REAL epsilon = (REAL)adam->epsilon;
  REAL *restrict w = weights, *restrict m = averages, *restrict v = squares;
  const REAL *restrict g = gradient;
  for (ptrdiff_t i = 0; i < count; i++) {
    const REAL d = g[i] + weight_decay * w[i];
    m[i] = beta_1 * m[i] + rest_1 * d;
    v[i] = beta_2 * v[i] + rest_2 * (d * d);
    w[i] -= step_size * m[i] / (root_factor * CYMLP_SQRT(v[i]) + epsilon);
  }
}
