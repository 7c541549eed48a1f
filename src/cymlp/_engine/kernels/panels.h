/* Products with a matrix in panels, for the layers above the first. A template,
 * to be included after dense.h.
 *
 * A panel is two vectors of columns, one row after the other, so that a tile
 * reads it from begin to end. A matrix of n rows is its panels, one after the
 * other; beyond its last column they hold zeros.
 *
 * Each value is summed in the order of the inner dimension, from 0, whichever
 * tile it is in: results of a row do not depend on the other rows. */
#ifndef REAL /* when this file is compiled by itself */
#include "dense.h"
#endif

#define PANEL (2 * LANES)

/* Read or write the vector of a row from column v LANES on. */
CYMLP_INLINE VEC NAME(load_part)(const REAL *row, int v, ptrdiff_t columns) {
  VEC result;
  if ((v + 1) * LANES <= columns) return LOAD(row + v * LANES);
  memset(&result, 0, sizeof result);
  memcpy(&result, row + v * LANES, (size_t)(columns - v * LANES) * sizeof *row);
  return result;
}

CYMLP_INLINE void NAME(store_part)(REAL *row, int v, ptrdiff_t columns,
                                   VEC values) {
  if ((v + 1) * LANES <= columns)
    STORE(row + v * LANES, values);
  else
    memcpy(row + v * LANES, &values,
           (size_t)(columns - v * LANES) * sizeof *row);
}

CYMLP_INLINE ptrdiff_t NAME(columns_of)(ptrdiff_t column, ptrdiff_t width) {
  return width - column < PANEL ? width - column : PANEL;
}

/* Rows first..end - 1 of panels (n, width) <- B (n, width). */
static inline void NAME(pack_panels)(const void *matrix, ptrdiff_t n,
                                     ptrdiff_t width, ptrdiff_t first,
                                     ptrdiff_t end, void *panels) {
  const REAL *B = matrix;
  for (ptrdiff_t column = 0; column < width; column += PANEL) {
    REAL *to = (REAL *)panels + column * n;
    const size_t size = (size_t)NAME(columns_of)(column, width) * sizeof(REAL);
    for (ptrdiff_t i = first; i < end; i++)
      memcpy(to + i * PANEL, B + i * width + column, size);
  }
}

/* Columns first..end - 1 of panels (width, n) <- B^T, B (n, width). */
static inline void NAME(pack_transposed)(const void *matrix, ptrdiff_t width,
                                         ptrdiff_t first, ptrdiff_t end,
                                         void *panels) {
  for (ptrdiff_t i = first, count; i < end; i += count) {
    const ptrdiff_t column = i % PANEL;
    const REAL *B = (const REAL *)matrix + i * width;
    REAL *to = (REAL *)panels + (i - column) * width + column;
    count = end - i < PANEL - column ? end - i : PANEL - column;
    for (ptrdiff_t j = 0; j < width; j++, to += PANEL)
      for (ptrdiff_t c = 0; c < count; c++) to[c] = B[c * width + j];
  }
}

/* C += A B for `height` rows and `width` vectors of columns, the first of
 * k terms if C is to be set, the last if there is a bias. */
CYMLP_INLINE void NAME(panel_tile)(int height, int width, const REAL *A,
                                   ptrdiff_t stride, ptrdiff_t k, const REAL *B,
                                   int is_first, const REAL *bias, REAL *C,
                                   ptrdiff_t C_stride, ptrdiff_t columns) {
  VEC sums[CYMLP_TILE_ROWS][2];
  if (is_first)
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width) sums[i][v] = (VEC){0};
  else
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width)
        sums[i][v] = NAME(load_part)(C + i * C_stride, v, columns);
  for (ptrdiff_t q = 0; q < k; q++) {
    VEC b[2];
    CYMLP_EACH (v, width) b[v] = LOAD(B + q * PANEL + v * LANES);
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width) sums[i][v] += A[i * stride + q] * b[v];
  }
  if (bias)
    CYMLP_EACH (v, width) {
      const VEC b = NAME(load_part)(bias, v, columns);
      CYMLP_EACH (i, height) sums[i][v] += b;
    }
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width)
      NAME(store_part)(C + i * C_stride, v, columns, sums[i][v]);
}

/* A block of a panel stays in the first-level cache for all rows of A. */
enum { NAME(panel_block) = 16384 / (PANEL * (int)sizeof(REAL)) };

static inline void NAME(panel_product)(const void *left, ptrdiff_t n,
                                       ptrdiff_t k, const void *panels,
                                       ptrdiff_t width, const void *bias,
                                       void *result) {
  const REAL *A = left;
  REAL *C = result;
  for (ptrdiff_t q = 0, depth; q < k; q += depth) {
    depth = k - q < NAME(panel_block) ? k - q : NAME(panel_block);
    const REAL *b = q + depth == k ? bias : NULL;
    for (ptrdiff_t column = 0; column < width; column += PANEL) {
      const REAL *B = (const REAL *)panels + column * k + q * PANEL;
      const ptrdiff_t columns = NAME(columns_of)(column, width);
      for (ptrdiff_t i = 0, height; i < n; i += height) {
        height = cymlp_tile_height(n - i);
#define TILE(rows, vectors)                                              \
  NAME(panel_tile)(rows, vectors, A + i * k + q, k, depth, B, q == 0,    \
                   b ? b + column : NULL, C + i * width + column, width, \
                   columns)
        WITH_HEIGHT_AND_WIDTH(height, columns > LANES ? 2 : 1, TILE)
#undef TILE
      }
    }
  }
}

/* `height` rows of G <- A^T D, for two vectors of columns of D. */
CYMLP_INLINE void NAME(panel_gradient_tile)(int height, int width,
                                            const REAL *A, ptrdiff_t stride,
                                            ptrdiff_t n, const REAL *D, REAL *G,
                                            ptrdiff_t G_stride,
                                            ptrdiff_t columns) {
  VEC sums[CYMLP_TILE_ROWS][2];
  CYMLP_EACH (r, height)
    CYMLP_EACH (v, width) sums[r][v] = (VEC){0};
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL *a = A + i * stride;
    VEC d[2];
    CYMLP_EACH (v, width) d[v] = LOAD(D + i * PANEL + v * LANES);
    CYMLP_EACH (r, height)
      CYMLP_EACH (v, width) sums[r][v] += a[r] * d[v];
  }
  CYMLP_EACH (r, height)
    CYMLP_EACH (v, width)
      NAME(store_part)(G + r * G_stride, v, columns, sums[r][v]);
}

static inline void NAME(panel_gradient)(const void *left, ptrdiff_t n,
                                        ptrdiff_t n_in, ptrdiff_t first,
                                        ptrdiff_t end, const void *panels,
                                        ptrdiff_t width, void *gradient) {
  const REAL *A = left;
  REAL *G = gradient;
  for (ptrdiff_t k = first, height; k < end; k += height) {
    height = cymlp_tile_height(end - k);
    for (ptrdiff_t column = 0; column < width; column += PANEL) {
      const REAL *D = (const REAL *)panels + column * n;
      const ptrdiff_t columns = NAME(columns_of)(column, width);
#define TILE(rows, vectors)                                   \
  NAME(panel_gradient_tile)(rows, vectors, A + k, n_in, n, D, \
                            G + k * width + column, width, columns)
      WITH_HEIGHT_AND_WIDTH(height, columns > LANES ? 2 : 1, TILE)
#undef TILE
    }
  }
}
