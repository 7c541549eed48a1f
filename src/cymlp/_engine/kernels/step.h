/* The update of weights by a gradient that is in registers; see cymlp_step in
 * kernels.h. A template. */
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
