/* Products with a matrix in panels. A template, to be included after step.h.
 *
 * A panel is two vectors of columns, one row after the other, so that a tile
 * reads it from begin to end. A matrix of n rows is its panels, one after the
 * other; beyond its last column they hold zeros.
 *
 * Each value is summed in the order of the inner dimension, from 0, whichever
 * tile it is in: results of a row do not depend on the other rows. */
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

#define PANEL (2 * LANES)

/* The tile's columns of a matrix whose rows are in as many pages are copied, if
 * it has so few rows that the copy stays in the caches. */
#define CYMLP_MAX_COPIED_ROWS 512

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

/* A tile's part of A stays in the first-level cache for all panels. */
enum { NAME(panel_block) = 16384 / (PANEL * (int)sizeof(REAL)) };

/* Whether values at this distance, in a column, share a set of the first-level
 * cache: a tile has more rows than a set has lines. */
static inline int NAME(shares_set)(ptrdiff_t stride) {
  return stride * (ptrdiff_t)sizeof(REAL) % CYMLP_PAGE == 0;
}

static inline void NAME(panel_product)(const void *left, ptrdiff_t n,
                                       ptrdiff_t k, const void *panels,
                                       ptrdiff_t width, const void *bias,
                                       void *result) {
  const REAL *A = left;
  REAL *C = result;
  REAL copy[CYMLP_TILE_ROWS * NAME(panel_block)];
  const int copies = NAME(shares_set)(k);
  for (ptrdiff_t q = 0, depth; q < k; q += depth) {
    depth = k - q < NAME(panel_block) ? k - q : NAME(panel_block);
    const REAL *b = q + depth == k ? bias : NULL;
    for (ptrdiff_t i = 0, height; i < n; i += height) {
      height = cymlp_tile_height(n - i);
      const REAL *a = copies ? copy : A + i * k + q;
      const ptrdiff_t stride = copies ? depth : k;
      for (ptrdiff_t row = 0; copies && row < height; row++)
        memcpy(copy + row * depth, A + (i + row) * k + q,
               (size_t)depth * sizeof(REAL));
      for (ptrdiff_t column = 0; column < width; column += PANEL) {
        const REAL *B = (const REAL *)panels + column * k + q * PANEL;
        const ptrdiff_t columns = NAME(columns_of)(column, width);
#define TILE(rows, vectors)                                              \
  NAME(panel_tile)(rows, vectors, a, stride, depth, B, q == 0,           \
                   b ? b + column : NULL, C + i * width + column, width, \
                   columns)
        WITH_HEIGHT_AND_WIDTH(height, columns > LANES ? 2 : 1, TILE)
#undef TILE
      }
    }
  }
}

/* The sums of `height` rows of A^T D, for two vectors of columns of D. */
CYMLP_INLINE void NAME(gradient_sums)(int height, int width, const REAL *A,
                                      ptrdiff_t stride, ptrdiff_t n,
                                      const REAL *D, VEC sums[][2]) {
  CYMLP_EACH (r, height)
    CYMLP_EACH (v, width) sums[r][v] = (VEC){0};
  for (ptrdiff_t i = 0; i < n; i++) {
    const REAL *a = A + i * stride;
    VEC d[2];
    CYMLP_EACH (v, width) d[v] = LOAD(D + i * PANEL + v * LANES);
    CYMLP_EACH (r, height)
      CYMLP_EACH (v, width) sums[r][v] += a[r] * d[v];
  }
}

/* `height` rows of G <- A^T D, for two vectors of columns of D. */
CYMLP_INLINE void NAME(panel_gradient_tile)(int height, int width,
                                            const REAL *A, ptrdiff_t stride,
                                            ptrdiff_t n, const REAL *D, REAL *G,
                                            ptrdiff_t G_stride,
                                            ptrdiff_t columns) {
  VEC sums[CYMLP_TILE_ROWS][2];
  NAME(gradient_sums)(height, width, A, stride, n, D, sums);
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
  REAL copy[CYMLP_TILE_ROWS * CYMLP_MAX_COPIED_ROWS];
  const int copies = n_in * (ptrdiff_t)sizeof(REAL) >= CYMLP_PAGE &&
                     n <= CYMLP_MAX_COPIED_ROWS;
  for (ptrdiff_t k = first, height; k < end; k += height) {
    height = cymlp_tile_height(end - k);
    const REAL *a = copies ? copy : A + k;
    const ptrdiff_t stride = copies ? height : n_in;
    for (ptrdiff_t i = 0; copies && i < n; i++)
      memcpy(copy + i * height, A + i * n_in + k,
             (size_t)height * sizeof(REAL));
    for (ptrdiff_t column = 0; column < width; column += PANEL) {
      const REAL *D = (const REAL *)panels + column * n;
      const ptrdiff_t columns = NAME(columns_of)(column, width);
#define TILE(rows, vectors)                                 \
  NAME(panel_gradient_tile)(rows, vectors, a, stride, n, D, \
                            G + k * width + column, width, columns)
      WITH_HEIGHT_AND_WIDTH(height, columns > LANES ? 2 : 1, TILE)
#undef TILE
    }
  }
}

/* The sums of a vector of columns. */
CYMLP_INLINE VEC NAME(vector_sums)(const REAL *D, ptrdiff_t n,
                                   ptrdiff_t width) {
  VEC total = (VEC){0};
  for (ptrdiff_t i = 0; i < n; i++) total += LOAD(D + i * width);
  return total;
}

static inline void NAME(column_sums)(const void *matrix, ptrdiff_t n,
                                     ptrdiff_t width, ptrdiff_t first,
                                     ptrdiff_t end, void *result) {
  const REAL *D = matrix;
  REAL *sums = result;
  if (end - first < LANES) {
    memset(sums + first, 0, (size_t)(end - first) * sizeof(REAL));
    for (ptrdiff_t i = 0; i < n; i++)
      for (ptrdiff_t j = first; j < end; j++) sums[j] += D[i * width + j];
    return;
  }
  /* The last vector may overlap the one before it. */
  for (ptrdiff_t j = first; j < end; j += LANES) {
    const ptrdiff_t column = j <= end - LANES ? j : end - LANES;
    STORE(sums + column, NAME(vector_sums)(D + column, n, width));
  }
}
