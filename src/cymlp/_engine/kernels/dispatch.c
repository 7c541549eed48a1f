/* The instruction sets that this processor supports. */
#include "cymlp/kernels.h"

/* CMake writes a line for each instruction set, the best first. */
#define SUPPORTS(feature) __builtin_cpu_supports(feature)
#define SET(name, condition)                          \
  extern const cymlp_kernel_set cymlp_kernels_##name; \
  static int has_##name(void) { return condition; }
#include "instruction_sets.h"
#undef SET

#define SET(name, condition) {&cymlp_kernels_##name, has_##name},
static const struct {
  const cymlp_kernel_set *kernels;
  int (*is_supported)(void);
} sets[] = {
#include "instruction_sets.h"
};

const cymlp_kernel_set *cymlp_supported_kernels(int index) {
#ifdef __x86_64__
  __builtin_cpu_init();
#endif
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    if (sets[i].is_supported() && index-- == 0) return sets[i].kernels;
  return NULL;
}

#define NAME_OF_TYPE(name, type, convert) #name,
static const char *const element_types[] = {CYMLP_ELEMENT_TYPES(NAME_OF_TYPE)};

const char *cymlp_element_type(int type) { return element_types[type]; }
