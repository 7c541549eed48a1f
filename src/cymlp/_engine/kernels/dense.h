/* Products with few columns, for the first layer. A template, to be included
 * after step.h.
 *
 * The sums of a tile stay in registers, its loops are unrolled, and weights are
 * updated while their gradient is in registers. */
#ifndef REAL /* when this file is compiled by itself */
#include "step.h"
#endif

/* Call a tile function with a height and a width known at compile time. */
#define WITH_HEIGHT_AND_WIDTH(height, width, call)                      \
  if ((height) == 1)                                                    \
    (width) == 2 ? call(1, 2) : call(1, 1);                             \
  else if ((height) == CYMLP_TILE_ROWS)                                 \
    (width) == 2 ? call(CYMLP_TILE_ROWS, 2) : call(CYMLP_TILE_ROWS, 1); \
  else                                                                  \
    (width) == 2 ? call(CYMLP_LOW_TILE, 2) : call(CYMLP_LOW_TILE, 1);

/* Set every row of U to `bias`. */
static inline void NAME(set_rows)(REAL *U, const REAL *bias, ptrdiff_t n,
                                  ptrdiff_t stride) {
  for (ptrdiff_t i = 0; i < n; i++)
    memcpy(U + i * stride, bias, (size_t)stride * sizeof(REAL));
}

/* U[i] += A[i] W for `height` samples and `width` vectors of columns. */
CYMLP_INLINE void NAME(dense_forward_tile)(int height, int width,
                                           const REAL *const *A,
                                           const REAL *const *next,
                                           ptrdiff_t n_in, const REAL *W,
                                           REAL *U, ptrdiff_t stride) {
  VEC sums[CYMLP_TILE_ROWS][2];
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width) sums[i][v] = LOAD(U + i * stride + v * LANES);
  for (ptrdiff_t k = 0; k < n_in; k++) {
    VEC w[2];
    CYMLP_EACH (v, width) w[v] = LOAD(W + k * stride + v * LANES);
    if (next != NULL && k % (CYMLP_CACHE_LINE / (int)sizeof(REAL)) == 0)
      for (int i = 0; i < height; i++) CYMLP_PREFETCH(next[i] + k);
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width) sums[i][v] += A[i][k] * w[v];
  }
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width) STORE(U + i * stride + v * LANES, sums[i][v]);
}

static inline void NAME(dense_forward)(const void *const *inputs, ptrdiff_t n,
                                       ptrdiff_t n_ahead, ptrdiff_t n_in,
                                       const void *weights, const void *bias,
                                       void *sums, ptrdiff_t stride) {
  const REAL *const *A = (const REAL *const *)inputs;
  const REAL *W = weights;
  REAL *U = sums;
  NAME(set_rows)(U, bias, n, stride);
  for (ptrdiff_t i = 0, height; i < n; i += height) {
    height = cymlp_tile_height(n - i);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const REAL *w = W + column;
      REAL *u = U + i * stride + column;
      /* The rows of the next tile are prefetched. */
      const int fetch = column == 0 && i + 2 * height <= n + n_ahead;
      const REAL *const *next = fetch ? A + i + height : NULL;
#define TILE(rows, vectors) \
  NAME(dense_forward_tile)(rows, vectors, A + i, next, n_in, w, u, stride)
      WITH_HEIGHT_AND_WIDTH(height, width, TILE)
#undef TILE
    }
  }
}

/* Update weights with `height` rows of A^T D from row k, `width` vectors wide.
 */
CYMLP_INLINE void NAME(dense_backward_tile)(int height, int width,
                                            const REAL *const *A, ptrdiff_t n,
                                            ptrdiff_t k, const REAL *D,
                                            ptrdiff_t stride, const STEP *step,
                                            ptrdiff_t at, VEC *squares) {
  VEC sums[CYMLP_TILE_ROWS][2];
  memset(sums, 0, sizeof sums);
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL *a = A[i] + k;
    VEC d[2];
    CYMLP_EACH (v, width) d[v] = LOAD(D + i * stride + v * LANES);
    CYMLP_EACH (r, height)
      CYMLP_EACH (v, width) sums[r][v] += a[r] * d[v];
  }
  CYMLP_EACH (r, height)
    CYMLP_EACH (v, width)
      NAME(update)(step, sums[r][v], at + r * stride + v * LANES, squares);
}

static inline double NAME(dense_backward)(const void *const *inputs,
                                          ptrdiff_t n, ptrdiff_t first,
                                          ptrdiff_t end, const void *gradient,
                                          ptrdiff_t stride,
                                          const cymlp_step *settings) {
  const REAL *const *A = (const REAL *const *)inputs;
  const REAL *D = gradient;
  const STEP step = NAME(step_of)(settings);
  VEC squares = (VEC){0};
  for (ptrdiff_t k = first, height; k < end; k += height) {
    height = cymlp_tile_height(end - k);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const ptrdiff_t at = k * stride + column;
#define TILE(rows, vectors)                                                    \
  NAME(dense_backward_tile)(rows, vectors, A, n, k, D + column, stride, &step, \
                            at, &squares)
      WITH_HEIGHT_AND_WIDTH(height, width, TILE)
#undef TILE
    }
  }
  return NAME(sum)(squares);
}
