/* exp, expm1 and tanh over arrays.
 *
 * In float32 these are branch-free loops that every compiler turns into vector
 * instructions, within 3 units in the last place of the true value
 * (tests/test_vecmath.py); in float64 they are the C library's functions. NaN
 * stays NaN and nothing overflows that need not. An output may be its input.
 */
#ifndef CYMLP_VECMATH_H
#define CYMLP_VECMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 2**n for n in -126..127. */
static inline float cymlp_pow2f(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* x = n ln 2 + r with n whole and |r| <= ln(2)/2. ln 2 is subtracted in two
 * parts, the first with so few bits that its product with n is exact. */
static inline float cymlp_reducef(float x, int32_t *n) {
  const float to_integer = 12582912.0f; /* 1.5 * 2**23: adding it rounds */
  const float shifted = x * 1.44269504f + to_integer;
  const float whole = shifted - to_integer;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  *n = bits - 0x4b400000;
  return (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
}

/* exp(r) - 1 for |r| <= ln(2)/2, by its Taylor series. */
static inline float cymlp_expm1_seriesf(float r) {
  float sum = 1.0f / 5040.0f;
  sum = sum * r + 1.0f / 720.0f;
  sum = sum * r + 1.0f / 120.0f;
  sum = sum * r + 1.0f / 24.0f;
  sum = sum * r + 1.0f / 6.0f;
  sum = sum * r + 1.0f / 2.0f;
  return sum * r * r + r;
}

static inline float cymlp_expf(float x) {
  /* Beyond these bounds the result is 0 or infinity all the same. */
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  int32_t n;
  const float r = cymlp_reducef(x, &n);
  /* In two steps, because 2**n alone may be subnormal or infinite. */
  const int32_t half = n >> 1;
  return (cymlp_expm1_seriesf(r) + 1.0f) * cymlp_pow2f(half) *
         cymlp_pow2f(n - half);
}

/* exp(x) - 1 for x <= 0: the half that SELU, tanh and log-probabilities use. */
static inline float cymlp_expm1_negativef(float x) {
  x = x < -30.0f ? -30.0f : x; /* already -1 to the last bit */
  int32_t n;
  const float r = cymlp_reducef(x, &n);
  const float scale = cymlp_pow2f(n);
  return cymlp_expm1_seriesf(r) * scale + (scale - 1.0f);
}

static inline float cymlp_tanhf(float x) {
  const float e = cymlp_expm1_negativef(-2.0f * fabsf(x));
  return copysignf(-e / (e + 2.0f), x);
}

#define CYMLP_OVER_ARRAY(name, real, function)                       \
  static inline void name(const real *x, real *y, ptrdiff_t count) { \
    for (ptrdiff_t i = 0; i < count; i++) y[i] = function(x[i]);     \
  }

CYMLP_OVER_ARRAY(cymlp_exp_f32, float, cymlp_expf)
CYMLP_OVER_ARRAY(cymlp_exp_f64, double, exp)
CYMLP_OVER_ARRAY(cymlp_expm1_negative_f32, float, cymlp_expm1_negativef)
CYMLP_OVER_ARRAY(cymlp_expm1_negative_f64, double, expm1)
CYMLP_OVER_ARRAY(cymlp_tanh_f32, float, cymlp_tanhf)
CYMLP_OVER_ARRAY(cymlp_tanh_f64, double, tanh)

#undef CYMLP_OVER_ARRAY

#endif
