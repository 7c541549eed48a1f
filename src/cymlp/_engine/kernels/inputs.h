/* Reads rows of X of any element type in the precision of the computation. A
 * template.
 *
 * Scaling is done in double precision and rounded once, so that values far from
 * 0 lose no digits to the subtraction. */
#include "template.h"

#ifndef CYMLP_INPUTS_H
#define CYMLP_INPUTS_H

/* Convert from half precision. The shifted bits are those of a float that is
 * too small by a factor of 2^112, subnormal values included. Products of 2^16
 * or more stand for infinity or NaN. */
static inline float cymlp_from_half(uint16_t half) {
  const uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
  const uint32_t special = bits | 0x7f800000;
  float x, infinite;
  memcpy(&x, &bits, sizeof x);
  memcpy(&infinite, &special, sizeof infinite);
  x *= 0x1p112f;
  x = x < 0x1p16f ? x : infinite;
  return half & 0x8000 ? -x : x;
}

/* Infinity and NaN stay as they are, so that they are found and refused. */
static inline double cymlp_clip(double x, double lower, double upper) {
  const double clipped = x < lower ? lower : x > upper ? upper : x;
  return x - x == 0 ? clipped : x;
}

#define CYMLP_AS_IT_IS(x) (x)
#define CYMLP_FROM_HALF(x) cymlp_from_half(x)

#endif

/* A function that reads a row of one element type. */
#define READ_ROW(name, type, convert)                                          \
  static inline void NAME(read_##name)(const void *row,                        \
                                       const cymlp_inputs *inputs, REAL *to) { \
    const type *from = row;                                                    \
    const double *shift = inputs->shift;                                       \
    const double *divisor = inputs->divisor;                                   \
    const double *lower = inputs->lower;                                       \
    const double *upper = inputs->upper;                                       \
    const ptrdiff_t n = inputs->n_features;                                    \
    if (shift == NULL)                                                         \
      for (ptrdiff_t k = 0; k < n; k++) to[k] = (REAL)convert(from[k]);        \
    else if (lower == NULL)                                                    \
      for (ptrdiff_t k = 0; k < n; k++)                                        \
        to[k] = (REAL)(((double)convert(from[k]) - shift[k]) / divisor[k]);    \
    else                                                                       \
      for (ptrdiff_t k = 0; k < n; k++) {                                      \
        const double x =                                                       \
            cymlp_clip((double)convert(from[k]), lower[k], upper[k]);          \
        to[k] = (REAL)((x - shift[k]) / divisor[k]);                           \
      }                                                                        \
  }
CYMLP_ELEMENT_TYPES(READ_ROW)
#undef READ_ROW

static inline void NAME(read_row)(const void *row, const cymlp_inputs *inputs,
                                  REAL *to) {
#define CASE(name, type, convert)       \
  case CYMLP_##name:                    \
    NAME(read_##name)(row, inputs, to); \
    break;
  switch (inputs->type) { CYMLP_ELEMENT_TYPES(CASE) }
#undef CASE
}

/* With rows in random order, the processor's own prefetching starts anew in
 * each row. Prefetching the next row halves the time (20 -> 10 ms for 60000
 * rows of 784 floats); into the first level of cache rather than the second it
 * gains nothing more. */
static inline void NAME(read_rows)(const cymlp_inputs *inputs,
                                   const ptrdiff_t *indices, ptrdiff_t n,
                                   ptrdiff_t n_ahead, void *rows) {
  const size_t size = (size_t)inputs->n_features * inputs->itemsize;
  const char *values = inputs->values;
  REAL *to = rows;
  for (ptrdiff_t i = 0; i < n; i++, to += inputs->n_features) {
    if (i + 1 < n + n_ahead)
      cymlp_prefetch(values + (size_t)indices[i + 1] * size, (ptrdiff_t)size);
    NAME(read_row)(values + (size_t)indices[i] * size, inputs, to);
  }
}
