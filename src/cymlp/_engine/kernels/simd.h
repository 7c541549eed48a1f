/* Vectors of the width of the instruction set that is compiled for.
 *
 * GCC and clang support arithmetic on vectors. With other compilers a vector
 * has one lane. */
#ifndef CYMLP_SIMD_H
#define CYMLP_SIMD_H

#include <stddef.h>

#if defined(__AVX512F__)
#define CYMLP_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define CYMLP_VECTOR_BYTES 32
#else
#define CYMLP_VECTOR_BYTES 16
#endif

/* Sums that fit in the registers: rows of two vectors in a dense tile, and
 * vectors per row in a block sparse tile of four rows. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define CYMLP_TILE_ROWS 12
#define CYMLP_TILE_VECTORS 4
#else
#define CYMLP_TILE_ROWS 6
#define CYMLP_TILE_VECTORS 2
#endif

/* Height of the tiles for the remaining rows. */
#define CYMLP_LOW_TILE (CYMLP_TILE_ROWS / 3)

#if defined(__GNUC__)
#define CYMLP_LANES(real) (CYMLP_VECTOR_BYTES / (int)sizeof(real))
#define CYMLP_VECTOR_OF(real)                                            \
  __attribute__((vector_size(CYMLP_VECTOR_BYTES), aligned(sizeof(real)), \
                 may_alias)) real
#define CYMLP_INLINE static inline __attribute__((always_inline))
#define CYMLP_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#if defined(__clang__)
#define CYMLP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CYMLP_UNROLL _Pragma("GCC unroll 16")
#endif
#else
#define CYMLP_LANES(real) 1
#define CYMLP_VECTOR_OF(real) real
#define CYMLP_INLINE static inline
#define CYMLP_PREFETCH(address) ((void)(address))
#define CYMLP_UNROLL
#endif

/* Height of the next tile if n rows remain. */
static inline int cymlp_tile_height(ptrdiff_t n) {
  return n >= CYMLP_TILE_ROWS  ? CYMLP_TILE_ROWS
         : n >= CYMLP_LOW_TILE ? CYMLP_LOW_TILE
                               : 1;
}

#define CYMLP_CACHE_LINE 64
#define CYMLP_PAGE 4096

CYMLP_INLINE void cymlp_prefetch(const void *address, ptrdiff_t size) {
  for (ptrdiff_t byte = 0; byte < size; byte += CYMLP_CACHE_LINE)
    CYMLP_PREFETCH((const char *)address + byte);
}

/* An unrolled loop. */
#define CYMLP_EACH(i, count) CYMLP_UNROLL for (int i = 0; i < (count); i++)

#endif
