/* Rows of samples, stored in whatever type, as numbers of what is computed in.
 *
 * A template. Where samples are scaled, this is done in double precision and
 * rounded once, so that numbers far from 0 lose no digits to the subtraction.
 */
#include "template.h"

#ifndef CYMLP_INPUTS_H
#define CYMLP_INPUTS_H

/* A number in half precision. Its bits, moved, are those of a float that is too
 * small by a power of 2, subnormal numbers included; but what would become 2^16
 * or more is infinite or NaN. */
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

#define CYMLP_AS_IT_IS(x) (x)

#endif

/* A function that reads a row of numbers of one type. */
#define READ_ROW(name, type, value)                                          \
  static inline void NAME(name)(const void *row, const cymlp_inputs *inputs, \
                                REAL *to) {                                  \
    const type *from = row;                                                  \
    const double *shift = inputs->shift;                                     \
    const double *divisor = inputs->divisor;                                 \
    const ptrdiff_t n_in = inputs->n_in;                                     \
    if (shift == NULL)                                                       \
      for (ptrdiff_t k = 0; k < n_in; k++) to[k] = (REAL)value(from[k]);     \
    else                                                                     \
      for (ptrdiff_t k = 0; k < n_in; k++)                                   \
        to[k] = (REAL)(((double)value(from[k]) - shift[k]) / divisor[k]);    \
  }

READ_ROW(read_uint8, uint8_t, CYMLP_AS_IT_IS)
READ_ROW(read_int8, int8_t, CYMLP_AS_IT_IS)
READ_ROW(read_uint16, uint16_t, CYMLP_AS_IT_IS)
READ_ROW(read_int16, int16_t, CYMLP_AS_IT_IS)
READ_ROW(read_float16, uint16_t, cymlp_from_half)
READ_ROW(read_float32, float, CYMLP_AS_IT_IS)
READ_ROW(read_float64, double, CYMLP_AS_IT_IS)

static inline void NAME(read_row)(const void *row, const cymlp_inputs *inputs,
                                  REAL *to) {
  switch (inputs->type) {
    case CYMLP_UINT8:
      NAME(read_uint8)(row, inputs, to);
      break;
    case CYMLP_INT8:
      NAME(read_int8)(row, inputs, to);
      break;
    case CYMLP_UINT16:
      NAME(read_uint16)(row, inputs, to);
      break;
    case CYMLP_INT16:
      NAME(read_int16)(row, inputs, to);
      break;
    case CYMLP_FLOAT16:
      NAME(read_float16)(row, inputs, to);
      break;
    case CYMLP_FLOAT32:
      NAME(read_float32)(row, inputs, to);
      break;
    case CYMLP_FLOAT64:
      NAME(read_float64)(row, inputs, to);
      break;
  }
}

static inline void NAME(read_rows)(const cymlp_inputs *inputs,
                                   const ptrdiff_t *order, ptrdiff_t n,
                                   ptrdiff_t n_ahead, void *rows) {
  const size_t size = (size_t)inputs->n_in * inputs->number_size;
  const char *numbers = inputs->numbers;
  REAL *to = rows;
  for (ptrdiff_t i = 0; i < n; i++, to += inputs->n_in) {
    /* See rows.h. */
    if (i + 1 < n + n_ahead) {
      const char *next = numbers + (size_t)order[i + 1] * size;
      for (size_t byte = 0; byte < size; byte += 64)
        CYMLP_PREFETCH(next + byte);
    }
    NAME(read_row)(numbers + (size_t)order[i] * size, inputs, to);
  }
}
