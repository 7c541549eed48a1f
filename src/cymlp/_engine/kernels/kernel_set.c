/* The kernels for the instruction set that the compiler's options select. */
#include "cymlp/kernels.h"
#include "simd.h"
#include "vecmath.h"

/* In the order of their dependencies. */
/* clang-format off */
#define REAL float
#define SUFFIX f32
#include "inputs.h"
#include "step.h"
#include "panels.h"
#include "dense.h"
#include "block_sparse.h"
#include "block_sparse_encode.h"
#include "csr.h"
#undef REAL
#undef SUFFIX

#define REAL double
#define SUFFIX f64
#include "inputs.h"
#include "step.h"
#include "panels.h"
#include "dense.h"
#include "block_sparse.h"
#include "block_sparse_encode.h"
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
OVER_ARRAY(erfc_f32)
OVER_ARRAY(erfc_f64)

#define TABLE(real, suffix)                                      \
  {                                                              \
      .lanes = CYMLP_LANES(real),                                \
      .entry_size = sizeof(entry_##suffix),                      \
      .csr_entry_size = sizeof(csr_entry_##suffix),              \
      .read_rows = read_rows_##suffix,                           \
      .dense_forward = dense_forward_##suffix,                   \
      .dense_backward = dense_backward_##suffix,                 \
      .wide = wide_##suffix,                                     \
      .max_rows = CYMLP_MAX_COPIED_ROWS,                         \
      .wide_backward = wide_backward_##suffix,                   \
      .panel = 2 * CYMLP_LANES(real),                            \
      .pack_panels = pack_panels_##suffix,                       \
      .pack_transposed = pack_transposed_##suffix,               \
      .panel_product = panel_product_##suffix,                   \
      .panel_gradient = panel_gradient_##suffix,                 \
      .column_sums = column_sums_##suffix,                       \
      .block_sparse_encode = block_sparse_encode_##suffix,       \
      .block_sparse_transpose = block_sparse_transpose_##suffix, \
      .block_sparse_forward = block_sparse_forward_##suffix,     \
      .block_sparse_backward = block_sparse_backward_##suffix,   \
      .csr_transpose = csr_transpose_##suffix,                   \
      .csr_pack = csr_pack_##suffix,                             \
      .csr_unpack = csr_unpack_##suffix,                         \
      .csr_forward = csr_forward_##suffix,                       \
      .csr_gradient = csr_gradient_##suffix,                     \
      .csr_backward = csr_backward_##suffix,                     \
      .csr_advance = csr_advance_##suffix,                       \
      .adam_step = adam_step_##suffix,                           \
      .exp = exp_##suffix,                                       \
      .expm1 = expm1_##suffix,                                   \
      .log = log_##suffix,                                       \
      .log1p = log1p_##suffix,                                   \
      .tanh = tanh_##suffix,                                     \
      .erfc = erfc_##suffix,                                     \
  }

#define STRING(name) #name
#define NAME_OF(isa) STRING(isa)
#define SET(isa) cymlp_kernels_##isa
#define SET_OF(isa) SET(isa)

const cymlp_kernel_set SET_OF(CYMLP_ISA) = {.isa = NAME_OF(CYMLP_ISA),
                                            .f32 = TABLE(float, f32),
                                            .f64 = TABLE(double, f64)};
