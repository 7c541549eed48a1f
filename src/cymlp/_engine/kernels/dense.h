/* The products of the first layer. A template, to be included after panels.h.
 *
 * The sums of a tile stay in registers, its loops are unrolled, and weights are
 * updated while their gradient is in registers. */
#ifndef REAL /* when this file is compiled by itself */
#include "panels.h"
#endif

/* The stride from which a layer is wide: the rows of its weights are so far
 * apart that a tile meets a new page in every second row. */
enum { NAME(wide) = CYMLP_PAGE / 2 / (int)sizeof(REAL) };

/* Set every row of U to `bias`. */
static inline void NAME(set_rows)(REAL *U, const REAL *bias, ptrdiff_t n,
                                  ptrdiff_t stride) {
  for (ptrdiff_t i = 0; i < n; i++)
    memcpy(U + i * stride, bias, (size_t)stride * sizeof(REAL));
}

/* U[i] += A[i] W for `height` samples and `width` vectors of columns, over
 * n_in values of A from `first` on. */
CYMLP_INLINE void NAME(dense_forward_tile)(int height, int width,
                                           const REAL *const *A,
                                           const REAL *const *next,
                                           ptrdiff_t first, ptrdiff_t n_in,
                                           const REAL *W, ptrdiff_t W_stride,
                                           REAL *U, ptrdiff_t stride) {
  VEC sums[CYMLP_TILE_ROWS][2];
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width) sums[i][v] = LOAD(U + i * stride + v * LANES);
  for (ptrdiff_t k = 0; k < n_in; k++) {
    VEC w[2];
    CYMLP_EACH (v, width) w[v] = LOAD(W + k * W_stride + v * LANES);
    if (next != NULL && k % (CYMLP_CACHE_LINE / (int)sizeof(REAL)) == 0)
      for (int i = 0; i < height; i++) CYMLP_PREFETCH(next[i] + first + k);
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width) sums[i][v] += A[i][first + k] * w[v];
  }
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width) STORE(U + i * stride + v * LANES, sums[i][v]);
}

/* The rows of the next tile, to be prefetched, or NULL. */
static inline const REAL *const *NAME(next_rows)(const REAL *const *rows,
                                                 ptrdiff_t height,
                                                 ptrdiff_t n_rows,
                                                 ptrdiff_t column) {
  return column == 0 && 2 * height <= n_rows ? rows + height : NULL;
}

/* dense_forward for wide layers: the weights of a tile are copied to a panel,
 * which stays in the first-level cache for all samples. */
static inline void NAME(wide_forward)(const REAL *const *A, ptrdiff_t n,
                                      ptrdiff_t n_ahead, ptrdiff_t n_in,
                                      const REAL *W, REAL *U,
                                      ptrdiff_t stride) {
  REAL panel[NAME(panel_block) * PANEL];
  for (ptrdiff_t first = 0, depth; first < n_in; first += depth) {
    depth = n_in - first < NAME(panel_block) ? n_in - first : NAME(panel_block);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      for (ptrdiff_t k = 0; k < depth; k++)
        memcpy(panel + k * PANEL, W + (first + k) * stride + column,
               (size_t)(width * LANES) * sizeof(REAL));
      for (ptrdiff_t i = 0, height; i < n; i += height) {
        height = cymlp_tile_height(n - i);
        const REAL *const *next =
            NAME(next_rows)(A + i, height, n + n_ahead - i, column);
#define TILE(rows, vectors)                                                 \
  NAME(dense_forward_tile)(rows, vectors, A + i, next, first, depth, panel, \
                           PANEL, U + i * stride + column, stride)
        WITH_HEIGHT_AND_WIDTH(height, width, TILE)
#undef TILE
      }
    }
  }
}

static inline void NAME(dense_forward)(const void *const *inputs, ptrdiff_t n,
                                       ptrdiff_t n_ahead, ptrdiff_t n_in,
                                       const void *weights, const void *bias,
                                       void *sums, ptrdiff_t stride) {
  const REAL *const *A = (const REAL *const *)inputs;
  const REAL *W = weights;
  REAL *U = sums;
  NAME(set_rows)(U, bias, n, stride);
  if (stride >= NAME(wide)) {
    NAME(wide_forward)(A, n, n_ahead, n_in, W, U, stride);
    return;
  }
  for (ptrdiff_t i = 0, height; i < n; i += height) {
    height = cymlp_tile_height(n - i);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const REAL *w = W + column;
      REAL *u = U + i * stride + column;
      const REAL *const *next =
          NAME(next_rows)(A + i, height, n + n_ahead - i, column);
#define TILE(rows, vectors)                                                   \
  NAME(dense_forward_tile)(rows, vectors, A + i, next, 0, n_in, w, stride, u, \
                           stride)
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

/* The same with D in panels, and a copy of the tile's columns of A. */
CYMLP_INLINE void NAME(wide_backward_tile)(int height, int width, const REAL *A,
                                           ptrdiff_t n, const REAL *D,
                                           ptrdiff_t stride, const STEP *step,
                                           ptrdiff_t at, VEC *squares) {
  VEC sums[CYMLP_TILE_ROWS][2];
  NAME(gradient_sums)(height, width, A, height, n, D, sums);
  CYMLP_EACH (r, height)
    CYMLP_EACH (v, width)
      NAME(update)(step, sums[r][v], at + r * stride + v * LANES, squares);
}

static inline double NAME(wide_backward)(const void *const *inputs, ptrdiff_t n,
                                         ptrdiff_t first, ptrdiff_t end,
                                         const void *panels, ptrdiff_t stride,
                                         const cymlp_step *settings) {
  const REAL *const *A = (const REAL *const *)inputs;
  const STEP step = NAME(step_of)(settings);
  REAL copy[CYMLP_TILE_ROWS * CYMLP_MAX_COPIED_ROWS];
  VEC squares = (VEC){0};
  for (ptrdiff_t k = first, height; k < end; k += height) {
    height = cymlp_tile_height(end - k);
    for (ptrdiff_t i = 0; i < n; i++)
      memcpy(copy + i * height, A[i] + k, (size_t)height * sizeof(REAL));
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const REAL *D = (const REAL *)panels + column * n;
      const ptrdiff_t at = k * stride + column;
#define TILE(rows, vectors)                                              \
  NAME(wide_backward_tile)(rows, vectors, copy, n, D, stride, &step, at, \
                           &squares)
      WITH_HEIGHT_AND_WIDTH(height, width, TILE)
#undef TILE
    }
  }
  return NAME(sum)(squares);
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
