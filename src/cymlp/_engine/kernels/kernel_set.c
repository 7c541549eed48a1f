/* The kernels for one instruction set, that which the compiler is told to use.
 */
#include "cymlp/kernels.h"
#include "simd.h"
#include "vecmath.h"

/* Some of these need what others before them define. */
/* clang-format off */
#define REAL float
#define SUFFIX f32
#include "inputs.h"
#include "step.h"
#include "dense.h"
#include "block_sparse.h"
#include "block_sparse_store.h"
#include "csr.h"
#undef REAL
#undef SUFFIX

#define REAL double
#define SUFFIX f64
#include "inputs.h"
#include "step.h"
#include "dense.h"
#include "block_sparse.h"
#include "block_sparse_store.h"
#include "csr.h"
#undef REAL
#undef SUFFIX
/* clang-format on */

#define OVER_ARRAY(name)                                      \
  static void name(const void *x, void *y, ptrdiff_t count) { \
    cymlp_##name(x, y, count);                                \
  }

OVER_ARRAY(exp_f32)
OVER_ARRAY(exp_f64)
OVER_ARRAY(expm1_f32)
OVER_ARRAY(expm1_f64)
OVER_ARRAY(log_f32)
OVER_ARRAY(log_f64)
OVER_ARRAY(log1p_f32)
OVER_ARRAY(log1p_f64)
OVER_ARRAY(tanh_f32)
OVER_ARRAY(tanh_f64)

#define TABLE(real, suffix)                          \
  {                                                  \
      .lanes = CYMLP_LANES(real),                    \
      .entry_size = sizeof(entry_##suffix),          \
      .element_size = sizeof(element_##suffix),      \
      .read_rows = read_rows_##suffix,               \
      .dense_forward = dense_forward_##suffix,       \
      .dense_backward = dense_backward_##suffix,     \
      .compact_store = compact_store_##suffix,       \
      .compact_sort = compact_sort_##suffix,         \
      .compact_forward = compact_forward_##suffix,   \
      .compact_backward = compact_backward_##suffix, \
      .sparse_group = sparse_group_##suffix,         \
      .sparse_pack = sparse_pack_##suffix,           \
      .sparse_unpack = sparse_unpack_##suffix,       \
      .sparse_forward = sparse_forward_##suffix,     \
      .sparse_gradient = sparse_gradient_##suffix,   \
      .sparse_backward = sparse_backward_##suffix,   \
      .sparse_move = sparse_move_##suffix,           \
      .exp = exp_##suffix,                           \
      .expm1 = expm1_##suffix,                       \
      .log = log_##suffix,                           \
      .log1p = log1p_##suffix,                       \
      .tanh = tanh_##suffix,                         \
  }

#define STRING(name) #name
#define NAME_OF(isa) STRING(isa)
#define SET(isa) cymlp_kernels_##isa
#define SET_OF(isa) SET(isa)

const cymlp_kernel_set SET_OF(CYMLP_ISA) = {.isa = NAME_OF(CYMLP_ISA),
                                            .f32 = TABLE(float, f32),
                                            .f64 = TABLE(double, f64)};
