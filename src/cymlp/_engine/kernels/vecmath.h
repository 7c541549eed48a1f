/* exp, expm1, log, log1p, tanh and erfc over arrays.
 *
 * These are branch-free loops, which compilers turn into vector instructions,
 * with errors of at most 3 units in the last place, erfc 4
 * (tests/unit/test_vecmath.py). Only erfc in float64 is the C library's.
 * NaN stays NaN, and intermediate values overflow only if the result does. The
 * output may be the input. */
#ifndef CYMLP_VECMATH_H
#define CYMLP_VECMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vecmath_f64.h"

/* ln 2 in two parts. The first has so few bits that its product with any
 * exponent is exact. */
#define CYMLP_LN2_HIGH 0.693359375f
#define CYMLP_LN2_LOW -2.12194440e-4f

/* 2**n for n in -126..127. */
static inline float cymlp_pow2f(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* x = n ln 2 + r with an integer n and |r| <= ln(2)/2. */
static inline float cymlp_reducef(float x, int32_t *n) {
  const float to_integer = 12582912.0f; /* 1.5 * 2**23: adding it rounds */
  const float shifted = x * 1.44269504f + to_integer;
  const float whole = shifted - to_integer;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  *n = bits - 0x4b400000;
  return (x - whole * CYMLP_LN2_HIGH) - whole * CYMLP_LN2_LOW;
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
  /* Beyond these bounds, the result is 0 or infinity anyway. */
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  int32_t n;
  const float r = cymlp_reducef(x, &n);
  /* In two steps, because 2**n alone may be subnormal or infinite. */
  const int32_t half = n >> 1;
  return (cymlp_expm1_seriesf(r) + 1.0f) * cymlp_pow2f(half) *
         cymlp_pow2f(n - half);
}

/* exp(x) - 1 for x = n ln 2 + r, where n is in -126..127. */
static inline float cymlp_expm1_reducedf(float r, int32_t n) {
  const float scale = cymlp_pow2f(n);
  return cymlp_expm1_seriesf(r) * scale + (scale - 1.0f);
}

static inline float cymlp_expm1f(float x) {
  const float sign = x;
  x = x < -30.0f ? -30.0f : x; /* already -1 to the last bit */
  x = x > 89.0f ? 89.0f : x;   /* infinite */
  int32_t n;
  const float r = cymlp_reducef(x, &n);
  /* 2**128 is infinite, the result may be finite: the last doubling comes last.
   */
  const int32_t capped = n < 127 ? n : 127;
  return copysignf(cymlp_expm1_reducedf(r, capped) * cymlp_pow2f(n - capped),
                   sign);
}

static inline float cymlp_tanhf(float x) {
  float minus_2x = -2.0f * fabsf(x);
  minus_2x = minus_2x < -30.0f ? -30.0f : minus_2x;
  int32_t n;
  const float r = cymlp_reducef(minus_2x, &n);
  const float e = cymlp_expm1_reducedf(r, n);
  return copysignf(-e / (e + 2.0f), x);
}

/* x = 2**n m with m between sqrt(1/2) and sqrt(2), for normal x > 0. */
static inline float cymlp_splitf(float x, int32_t *n) {
  const uint32_t sqrt_half = 0x3f3504f3; /* the bits of its value */
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits -= sqrt_half;
  *n = (int32_t)bits >> 23;
  bits = (bits & 0x007fffff) + sqrt_half;
  float m;
  memcpy(&m, &bits, sizeof m);
  return m;
}

/* n ln 2 + ln(1 + f) for 1 + f between sqrt(1/2) and sqrt(2), by the series of
 * ln(1 + f) = 2 artanh(s) = 2 (s + s**3 / 3 + s**5 / 5 + ...), s = f / (2 + f).
 * As 2 s = f - s f, it can be written with f, which is exact, as first term. */
static inline float cymlp_log_seriesf(float f, int32_t n) {
  const float whole = (float)n;
  const float s = f / (f + 2.0f);
  const float s2 = s * s;
  float sum = 2.0f / 9.0f;
  sum = sum * s2 + 2.0f / 7.0f;
  sum = sum * s2 + 2.0f / 5.0f;
  sum = sum * s2 + 2.0f / 3.0f;
  const float rest = whole * CYMLP_LN2_LOW - s * (f - sum * s2);
  return whole * CYMLP_LN2_HIGH + (f + rest);
}

static inline float cymlp_logf(float x) {
  /* Subnormal values are scaled to normal ones. */
  const int tiny = x < 1.17549435e-38f;
  int32_t n;
  const float m = cymlp_splitf(tiny ? x * 8388608.0f : x, &n);
  float result = cymlp_log_seriesf(m - 1.0f, tiny ? n - 23 : n);
  result = x < INFINITY ? result : x; /* infinity and NaN stay */
  result = x == 0.0f ? -INFINITY : result;
  return x < 0.0f ? NAN : result;
}

static inline float cymlp_log1pf(float x) {
  const float u = x + 1.0f;
  const float lost = x - (u - 1.0f); /* the rounding error of u */
  int32_t n;
  const float m = cymlp_splitf(u, &n);
  /* For large x the error has no effect, and the exponent is only clipped. */
  const float f = (m - 1.0f) + lost * cymlp_pow2f(n < 126 ? -n : -126);
  float result = cymlp_log_seriesf(f, n);
  result = x < INFINITY ? result : x;
  result = x == -1.0f ? -INFINITY : result;
  return x < -1.0f ? NAN : copysignf(result, x);
}

/* (a + 1) exp(a**2) erfc(a), as a polynomial in w = (a - 1/2) / (a + 1) that is
 * fitted for a in 0..10.1. */
static inline float cymlp_erfc_seriesf(float w) {
  float sum = 0.00779653853f;
  sum = sum * w - 0.00801111944f;
  sum = sum * w - 0.00918088295f;
  sum = sum * w - 0.00171159115f;
  sum = sum * w - 9.39219262e-06f;
  sum = sum * w + 0.0114993276f;
  sum = sum * w + 0.0303443987f;
  sum = sum * w + 0.0333838761f;
  sum = sum * w - 0.0226673167f;
  sum = sum * w - 0.170774788f;
  sum = sum * w - 0.230014265f;
  return sum * w + 0.923535526f;
}

static inline float cymlp_erfcf(float x) {
  float a = fabsf(x);
  a = a > 10.5f ? 10.5f : a; /* the result is already 0 or 2 */
  /* a rounded to 12 bits, so that its square is exact. */
  float high;
  uint32_t bits;
  memcpy(&bits, &a, sizeof bits);
  bits = (bits + 0x800) & 0xfffff000;
  memcpy(&high, &bits, sizeof high);
  int32_t n;
  const float r = cymlp_reducef(-high * high, &n) - (a - high) * (a + high);
  const int32_t half = n >> 1;
  const float inverse = 1.0f / (a + 1.0f);
  const float y = cymlp_erfc_seriesf((a - 0.5f) * inverse) * inverse;
  const float tail = (y * cymlp_expm1_seriesf(r) + y) * cymlp_pow2f(half) *
                     cymlp_pow2f(n - half);
  return x < 0.0f ? 2.0f - tail : tail;
}

#define CYMLP_OVER_ARRAY(name, real, function)                       \
  static inline void name(const real *x, real *y, ptrdiff_t count) { \
    for (ptrdiff_t i = 0; i < count; i++) y[i] = function(x[i]);     \
  }

CYMLP_OVER_ARRAY(cymlp_exp_f32, float, cymlp_expf)
CYMLP_OVER_ARRAY(cymlp_exp_f64, double, cymlp_exp)
CYMLP_OVER_ARRAY(cymlp_expm1_f32, float, cymlp_expm1f)
CYMLP_OVER_ARRAY(cymlp_expm1_f64, double, cymlp_expm1)
CYMLP_OVER_ARRAY(cymlp_log_f32, float, cymlp_logf)
CYMLP_OVER_ARRAY(cymlp_log_f64, double, cymlp_log)
CYMLP_OVER_ARRAY(cymlp_log1p_f32, float, cymlp_log1pf)
CYMLP_OVER_ARRAY(cymlp_log1p_f64, double, cymlp_log1p)
CYMLP_OVER_ARRAY(cymlp_tanh_f32, float, cymlp_tanhf)
CYMLP_OVER_ARRAY(cymlp_tanh_f64, double, cymlp_tanh)
CYMLP_OVER_ARRAY(cymlp_erfc_f32, float, cymlp_erfcf)
CYMLP_OVER_ARRAY(cymlp_erfc_f64, double, erfc)

#undef CYMLP_OVER_ARRAY
#undef CYMLP_LN2_HIGH
#undef CYMLP_LN2_LOW

#endif
