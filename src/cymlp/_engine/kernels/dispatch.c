/* The instruction sets that this processor supports. */
#include "cymlp/kernels.h"

static int always(void) { return 1; }

#ifdef CYMLP_X86
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

/* An instruction set is a line here, with the function that detects it, and a
 * line in CMakeLists.txt, with the compiler's options. */
#define X86_SETS(LINE) LINE(avx512, has_avx512) LINE(avx2, has_avx2)
#else
#define X86_SETS(LINE)
#endif

#define DECLARE(name, is_supported) \
  extern const cymlp_kernel_set cymlp_kernels_##name;
X86_SETS(DECLARE)
DECLARE(plain, always)

/* The best first. */
#define ENTRY(name, is_supported) {&cymlp_kernels_##name, is_supported},
static const struct {
  const cymlp_kernel_set *kernels;
  int (*is_supported)(void);
} sets[] = {X86_SETS(ENTRY) ENTRY(plain, always)};

const cymlp_kernel_set *cymlp_supported_kernels(int index) {
#ifdef CYMLP_X86
  __builtin_cpu_init();
#endif
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    if (sets[i].is_supported() && index-- == 0) return sets[i].kernels;
  return NULL;
}

#define NAME_OF_TYPE(name, type, convert) #name,
static const char *const element_types[] = {CYMLP_ELEMENT_TYPES(NAME_OF_TYPE)};

const char *cymlp_element_type(int type) { return element_types[type]; }
