/* The functions of vecmath.h in float64, by the same methods. Integers stay
 * unsigned or are shifted as such, because AVX2 lacks the signed shifts, and
 * become floating-point numbers by an addition. */
#ifndef CYMLP_VECMATH_F64_H
#define CYMLP_VECMATH_F64_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts. The first has so few bits that its product with any
 * exponent is exact. */
#define CYMLP_LN2_HIGH_F64 6.93147180369123816490e-01
#define CYMLP_LN2_LOW_F64 1.90821492927058770002e-10

/* 1.5 * 2**52, to which an integer is added in the lowest bits. */
#define CYMLP_SHIFTER_F64 6755399441055744.0
#define CYMLP_SHIFTER_BITS_F64 0x4338000000000000

static inline double cymlp_from_bits(uint64_t bits) {
  double result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

static inline uint64_t cymlp_to_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* 2**n for n in -1022..1023. */
static inline double cymlp_pow2(int64_t n) {
  return cymlp_from_bits((uint64_t)(n + 1023) << 52);
}

/* n / 2, rounded down, for n in -2048..2047. */
static inline int64_t cymlp_half(int64_t n) {
  return (int64_t)((uint64_t)(n + 2048) >> 1) - 1024;
}

/* x = n ln 2 + r with an integer n and |r| <= ln(2)/2. */
static inline double cymlp_reduce(double x, int64_t *n) {
  const double shifted = x * 1.44269504088896340736 + CYMLP_SHIFTER_F64;
  const double whole = shifted - CYMLP_SHIFTER_F64;
  *n = (int64_t)(cymlp_to_bits(shifted) - CYMLP_SHIFTER_BITS_F64);
  return (x - whole * CYMLP_LN2_HIGH_F64) - whole * CYMLP_LN2_LOW_F64;
}

/* exp(r) - 1 for |r| <= ln(2)/2, by its Taylor series. */
static inline double cymlp_expm1_series(double r) {
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 1.0 / 2.0;
  return sum * r * r + r;
}

static inline double cymlp_exp(double x) {
  /* Beyond these bounds, the result is 0 or infinity anyway. */
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  int64_t n;
  const double r = cymlp_reduce(x, &n);
  /* In two steps, because 2**n alone may be subnormal or infinite. */
  const int64_t half = cymlp_half(n);
  /* Unsigned, because n is an arbitrary integer if x is NaN. */
  const int64_t rest = (int64_t)((uint64_t)n - (uint64_t)half);
  return (cymlp_expm1_series(r) + 1.0) * cymlp_pow2(half) * cymlp_pow2(rest);
}

/* exp(x) - 1 for x = n ln 2 + r, where n is in -1022..1023. */
static inline double cymlp_expm1_reduced(double r, int64_t n) {
  const double scale = cymlp_pow2(n);
  return cymlp_expm1_series(r) * scale + (scale - 1.0);
}

static inline double cymlp_expm1(double x) {
  const double sign = x;
  x = x < -60.0 ? -60.0 : x; /* already -1 to the last bit */
  x = x > 710.0 ? 710.0 : x; /* infinite */
  int64_t n;
  const double r = cymlp_reduce(x, &n);
  /* 2**1024 is infinite, the result may be finite: the last doubling comes
   * last. */
  const int64_t capped = n < 1023 ? n : 1023;
  return copysign(cymlp_expm1_reduced(r, capped) * cymlp_pow2(n - capped),
                  sign);
}

static inline double cymlp_tanh(double x) {
  double minus_2x = -2.0 * fabs(x);
  minus_2x = minus_2x < -60.0 ? -60.0 : minus_2x;
  int64_t n;
  const double r = cymlp_reduce(minus_2x, &n);
  const double e = cymlp_expm1_reduced(r, n);
  return copysign(-e / (e + 2.0), x);
}

/* x = 2**n m with m between sqrt(1/2) and sqrt(2), for normal x > 0; n as a
 * floating-point number, too. */
static inline double cymlp_split(double x, int64_t *n, double *whole) {
  const uint64_t sqrt_half = 0x3fe6a09e667f3bcd; /* the bits of its value */
  const uint64_t bits = cymlp_to_bits(x) - sqrt_half + 0x3ff0000000000000;
  *n = (int64_t)(bits >> 52) - 1023;
  *whole = cymlp_from_bits((uint64_t)*n + CYMLP_SHIFTER_BITS_F64) -
           CYMLP_SHIFTER_F64;
  return cymlp_from_bits((bits & 0x000fffffffffffff) + sqrt_half);
}

/* n ln 2 + ln(1 + f) for 1 + f between sqrt(1/2) and sqrt(2), by the series of
 * ln(1 + f) = 2 artanh(s) = 2 (s + s**3 / 3 + s**5 / 5 + ...), s = f / (2 + f).
 * As 2 s = f - s f, it can be written with f, which is exact, as first term. */
static inline double cymlp_log_series(double f, double whole) {
  const double s = f / (f + 2.0);
  const double s2 = s * s;
  double sum = 2.0 / 21.0;
  sum = sum * s2 + 2.0 / 19.0;
  sum = sum * s2 + 2.0 / 17.0;
  sum = sum * s2 + 2.0 / 15.0;
  sum = sum * s2 + 2.0 / 13.0;
  sum = sum * s2 + 2.0 / 11.0;
  sum = sum * s2 + 2.0 / 9.0;
  sum = sum * s2 + 2.0 / 7.0;
  sum = sum * s2 + 2.0 / 5.0;
  sum = sum * s2 + 2.0 / 3.0;
  const double rest = whole * CYMLP_LN2_LOW_F64 - s * (f - sum * s2);
  return whole * CYMLP_LN2_HIGH_F64 + (f + rest);
}

static inline double cymlp_log(double x) {
  /* Subnormal values are scaled to normal ones. */
  const int tiny = x < 2.2250738585072014e-308;
  int64_t n;
  double whole;
  const double m = cymlp_split(tiny ? x * 18014398509481984.0 : x, &n, &whole);
  double result = cymlp_log_series(m - 1.0, tiny ? whole - 54.0 : whole);
  result = x < INFINITY ? result : x; /* infinity and NaN stay */
  result = x == 0.0 ? -INFINITY : result;
  return x < 0.0 ? NAN : result;
}

static inline double cymlp_log1p(double x) {
  const double u = x + 1.0;
  const double lost = x - (u - 1.0); /* the rounding error of u */
  int64_t n;
  double whole;
  const double m = cymlp_split(u, &n, &whole);
  /* For large x the error has no effect, and the exponent is only clipped. */
  const double f = (m - 1.0) + lost * cymlp_pow2(n < 1022 ? -n : -1022);
  double result = cymlp_log_series(f, whole);
  result = x < INFINITY ? result : x;
  result = x == -1.0 ? -INFINITY : result;
  return x < -1.0 ? NAN : copysign(result, x);
}

#endif
