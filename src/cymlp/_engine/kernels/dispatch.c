/* The choice of kernels for the processor at hand. */
#include <string.h>

#include "cymlp/kernels.h"

extern const cymlp_kernel_set cymlp_kernels_plain;
#ifdef CYMLP_X86
extern const cymlp_kernel_set cymlp_kernels_avx2, cymlp_kernels_avx512;

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

const cymlp_kernel_set *cymlp_find_kernels(const char *isa) {
#ifdef CYMLP_X86
  __builtin_cpu_init();
  if (has_avx512() && (isa == NULL || strcmp(isa, "avx512") == 0))
    return &cymlp_kernels_avx512;
  if (has_avx2() && (isa == NULL || strcmp(isa, "avx2") == 0))
    return &cymlp_kernels_avx2;
#endif
  if (isa == NULL || strcmp(isa, "plain") == 0) return &cymlp_kernels_plain;
  return NULL;
}
