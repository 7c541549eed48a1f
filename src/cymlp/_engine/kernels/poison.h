/* Marks memory that nobody may access, in builds with AddressSanitizer. */

#ifndef CYMLP_POISON_H
#define CYMLP_POISON_H

#include <stddef.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CYMLP_HAS_ASAN
#endif
#elif defined __SANITIZE_ADDRESS__
#define CYMLP_HAS_ASAN
#endif

#ifdef CYMLP_HAS_ASAN
#include <sanitizer/asan_interface.h>

static inline void poison(const void *address, size_t size) {
  __asan_poison_memory_region(address, size);
}

static inline void unpoison(const void *address, size_t size) {
  __asan_unpoison_memory_region(address, size);
}
#else
static inline void poison(const void *address, size_t size) {
  (void)address;
  (void)size;
}

static inline void unpoison(const void *address, size_t size) {
  (void)address;
  (void)size;
}
#endif

#endif
