/* Included first in every template, a header that is included once for each
 * precision: REAL is float or double and SUFFIX is f32 or f64. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cymlp/kernels.h"
#include "simd.h"

#ifndef REAL /* when a template is compiled by itself */
#define REAL float
#define SUFFIX f32
#endif

#ifndef CYMLP_TEMPLATE_H
#define CYMLP_TEMPLATE_H

#define PASTE(a, b) a##_##b
#define PASTED(a, b) PASTE(a, b)
#define NAME(name) PASTED(name, SUFFIX)

#define VEC NAME(vec)
#define LANES CYMLP_LANES(REAL)
#define LOAD(p) (*(const VEC *)(p))
#define STORE(p, v) (*(VEC *)(p) = (v))
typedef CYMLP_VECTOR_OF(float) vec_f32;
typedef CYMLP_VECTOR_OF(double) vec_f64;

#endif
