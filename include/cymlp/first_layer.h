/* The kernels of the layer that reads the samples.
 *
 * A template for one precision: REAL is float or double, SUFFIX is f32 or f64.
 * What the functions do is said in kernels.h. Sums stay in registers over a
 * tile of the result, with all loops over a tile unrolled, and the step of
 * gradient descent is done on a gradient before it leaves the registers. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cymlp/kernels.h"
#include "cymlp/simd.h"

#ifndef REAL /* as when this file is checked by itself */
#define REAL float
#define SUFFIX f32
#endif

#define PASTE(a, b) a##_##b
#define PASTED(a, b) PASTE(a, b)
#define NAME(name) PASTED(name, SUFFIX)

#define VEC NAME(vec)
#define LANES CYMLP_LANES(REAL)
#define LOAD(p) (*(const VEC *)(p))
#define STORE(p, v) (*(VEC *)(p) = (v))
typedef CYMLP_VECTOR_OF(REAL) VEC;

/* Calls a tile function with numbers of rows and vectors that the compiler
 * knows. */
#define WITH_WIDTH(width, call) \
  switch (width) {              \
    case 1:                     \
      call(1);                  \
      break;                    \
    case 2:                     \
      call(2);                  \
      break;                    \
      WITH_WIDTH_3_AND_4(call)  \
  }
#if CYMLP_TILE_VECTORS == 4
#define WITH_WIDTH_3_AND_4(call) \
  case 3:                        \
    call(3);                     \
    break;                       \
  case 4:                        \
    call(4);                     \
    break;
#else
#define WITH_WIDTH_3_AND_4(call)
#endif

#define ENTRY NAME(entry)
typedef struct {
  uint32_t row; /* where the sums of the sample begin */
  REAL values[4];
} ENTRY;

#define STEP NAME(step)
typedef struct {
  REAL *weights, *velocity, *gradient;
  REAL momentum, weight_decay, velocity_rate, direction_rate;
} STEP;

static inline STEP NAME(step_of)(const cymlp_step *step) {
  return (STEP){step->weights,
                step->velocity,
                step->gradient,
                (REAL)step->momentum,
                (REAL)step->weight_decay,
                (REAL)step->velocity_rate,
                (REAL)step->direction_rate};
}

/* Do with the gradient of a vector of weights what is to be done. */
CYMLP_INLINE void NAME(take)(const STEP *step, VEC gradient, ptrdiff_t at,
                             VEC *squares) {
  *squares += gradient * gradient;
  if (step->velocity == NULL) {
    STORE(step->gradient + at, LOAD(step->gradient + at) + gradient);
    return;
  }
  const VEC weight = LOAD(step->weights + at);
  const VEC direction = gradient + step->weight_decay * weight;
  const VEC velocity = step->momentum * LOAD(step->velocity + at) + direction;
  STORE(step->velocity + at, velocity);
  STORE(step->weights + at, weight - (step->velocity_rate * velocity +
                                      step->direction_rate * direction));
}

static inline double NAME(sum)(VEC v) {
  REAL numbers[LANES], total = 0;
  memcpy(numbers, &v, sizeof numbers);
  for (int lane = 0; lane < LANES; lane++) total += numbers[lane];
  return (double)total;
}

/* Set every row of U to `base`. */
static inline void NAME(begin)(REAL *U, const REAL *base, ptrdiff_t n,
                               ptrdiff_t stride) {
  for (ptrdiff_t i = 0; i < n; i++)
    memcpy(U + i * stride, base, (size_t)stride * sizeof(REAL));
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
    if (next != NULL && k % (64 / (int)sizeof(REAL)) == 0)
      for (int i = 0; i < height; i++) CYMLP_PREFETCH(next[i] + k);
    CYMLP_EACH (i, height)
      CYMLP_EACH (v, width) sums[i][v] += A[i][k] * w[v];
  }
  CYMLP_EACH (i, height)
    CYMLP_EACH (v, width) STORE(U + i * stride + v * LANES, sums[i][v]);
}

static inline void NAME(dense_forward)(const void *const *inputs, ptrdiff_t n,
                                       ptrdiff_t n_ahead, ptrdiff_t n_in,
                                       const void *weights, const void *base,
                                       void *sums, ptrdiff_t stride) {
  const REAL *const *A = (const REAL *const *)inputs;
  const REAL *W = weights;
  REAL *U = sums;
  NAME(begin)(U, base, n, stride);
  for (ptrdiff_t i = 0, height; i < n; i += height) {
    height = cymlp_tile_height(n - i);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const REAL *w = W + column;
      REAL *u = U + i * stride + column;
      /* The rows of the next tile come from memory while this one is computed.
       */
      const int fetch = column == 0 && i + 2 * height <= n + n_ahead;
      const REAL *const *next = fetch ? A + i + height : NULL;
#define TILE(rows, vectors) \
  NAME(dense_forward_tile)(rows, vectors, A + i, next, n_in, w, u, stride)
      if (height == 1)
        width == 2 ? TILE(1, 2) : TILE(1, 1);
      else if (height == CYMLP_TILE_ROWS)
        width == 2 ? TILE(CYMLP_TILE_ROWS, 2) : TILE(CYMLP_TILE_ROWS, 1);
      else
        width == 2 ? TILE(CYMLP_LOW_TILE, 2) : TILE(CYMLP_LOW_TILE, 1);
#undef TILE
    }
  }
}

/* A step with `height` rows of A^T D from row k on, over `width` vectors. */
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
      NAME(take)(step, sums[r][v], at + r * stride + v * LANES, squares);
}

static inline double NAME(dense_backward)(const void *const *inputs,
                                          ptrdiff_t n, ptrdiff_t n_in,
                                          const void *gradient,
                                          ptrdiff_t stride,
                                          const cymlp_step *general) {
  const REAL *const *A = (const REAL *const *)inputs;
  const REAL *D = gradient;
  const STEP step = NAME(step_of)(general);
  VEC squares;
  memset(&squares, 0, sizeof squares);
  for (ptrdiff_t k = 0, height; k < n_in; k += height) {
    height = cymlp_tile_height(n_in - k);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = stride - column >= 2 * LANES ? 2 : 1;
      const ptrdiff_t at = k * stride + column;
#define TILE(rows, vectors)                                                    \
  NAME(dense_backward_tile)(rows, vectors, A, n, k, D + column, stride, &step, \
                            at, &squares)
      if (height == 1)
        width == 2 ? TILE(1, 2) : TILE(1, 1);
      else if (height == CYMLP_TILE_ROWS)
        width == 2 ? TILE(CYMLP_TILE_ROWS, 2) : TILE(CYMLP_TILE_ROWS, 1);
      else
        width == 2 ? TILE(CYMLP_LOW_TILE, 2) : TILE(CYMLP_LOW_TILE, 1);
#undef TILE
    }
  }
  return NAME(sum)(squares);
}

/* Bytes of a block: its place, and its codes or values. */
CYMLP_INLINE ptrdiff_t NAME(block_size)(int coded) {
  return (ptrdiff_t)(sizeof(uint16_t) + 4 * (coded ? 1 : sizeof(REAL)));
}

/* Ask for the blocks of a row to be brought into the cache. */
CYMLP_INLINE void NAME(fetch_row)(int coded, const cymlp_compact *rows,
                                  ptrdiff_t row) {
  enum { LINE = 64 };
  const ptrdiff_t size = NAME(block_size)(coded);
  const char *block = rows->blocks + size * rows->row_starts[row];
  const char *end = rows->blocks + size * rows->row_starts[row + 1];
  for (block -= (uintptr_t)block % LINE; block < end; block += LINE)
    CYMLP_PREFETCH(block);
}

CYMLP_INLINE void NAME(sort_row)(int coded, const cymlp_compact *rows,
                                 ptrdiff_t row, uint32_t sums, ptrdiff_t n,
                                 ENTRY *entries, uint32_t *counts) {
  const REAL *table = rows->table;
  const REAL *offsets = rows->offsets;
  const ptrdiff_t size = NAME(block_size)(coded);
  const char *block = rows->blocks + size * rows->row_starts[row];
  const char *end = rows->blocks + size * rows->row_starts[row + 1];
  for (; block < end; block += size) {
    uint16_t place;
    memcpy(&place, block, sizeof place);
    ENTRY *entry = &entries[place * n + counts[place]++];
    entry->row = sums;
    if (coded) {
      const uint8_t *codes = (const uint8_t *)block + sizeof place;
      REAL x[4];
      CYMLP_EACH (c, 4) x[c] = table[codes[c]] - offsets[4 * place + c];
      memcpy(entry->values, x, sizeof x);
    } else {
      memcpy(entry->values, block + sizeof place, sizeof entry->values);
    }
  }
}

CYMLP_INLINE void NAME(sort_rows)(int coded, const cymlp_compact *rows,
                                  const ptrdiff_t *order, ptrdiff_t n,
                                  ptrdiff_t n_ahead, ptrdiff_t stride,
                                  ENTRY *entries, uint32_t *counts) {
  enum { AHEAD = 4 };
  for (ptrdiff_t i = 0; i < n; i++) {
    /* Where a row begins has to be there before its blocks can be asked for. */
    if (i + 2 * AHEAD < n + n_ahead)
      CYMLP_PREFETCH(&rows->row_starts[order[i + 2 * AHEAD]]);
    if (i + AHEAD < n + n_ahead) NAME(fetch_row)(coded, rows, order[i + AHEAD]);
    NAME(sort_row)(coded, rows, order[i], (uint32_t)(i * stride), n, entries,
                   counts);
  }
}

static inline void NAME(compact_sort)(const cymlp_compact *rows,
                                      const ptrdiff_t *order, ptrdiff_t n,
                                      ptrdiff_t n_ahead, ptrdiff_t stride,
                                      void *entries, uint32_t *counts) {
  memset(counts, 0, (size_t)rows->n_places * sizeof *counts);
  if (rows->table)
    NAME(sort_rows)(1, rows, order, n, n_ahead, stride, entries, counts);
  else
    NAME(sort_rows)(0, rows, order, n, n_ahead, stride, entries, counts);
}

/* For the entries of one place and `width` vectors of columns U += S W, and for
 * all samples alike common += offsets W. */
CYMLP_INLINE void NAME(compact_forward_tile)(int width, const ENTRY *entry,
                                             const ENTRY *end, const REAL *W,
                                             const REAL *offsets, REAL *U,
                                             ptrdiff_t stride, VEC *common) {
  VEC w[4][CYMLP_TILE_VECTORS];
  CYMLP_EACH (c, 4)
    CYMLP_EACH (v, width) {
      w[c][v] = LOAD(W + c * stride + v * LANES);
      common[v] += offsets[c] * w[c][v];
    }
  for (; entry < end; entry++) {
    const REAL *x = entry->values;
    REAL *u = U + entry->row;
    /* Two sums: the next does not have to wait for the last. */
    CYMLP_EACH (v, width)
      STORE(u + v * LANES,
            (LOAD(u + v * LANES) + x[0] * w[0][v] + x[1] * w[1][v]) +
                (x[2] * w[2][v] + x[3] * w[3][v]));
  }
}

static inline void NAME(compact_forward)(const cymlp_compact *rows,
                                         const void *sorted,
                                         const uint32_t *counts, ptrdiff_t n,
                                         const void *weights, const void *base,
                                         void *sums, ptrdiff_t stride) {
  const ENTRY *entries = sorted;
  const REAL *offsets = rows->offsets;
  const REAL *W = weights;
  NAME(begin)(sums, base, n, stride);
  for (ptrdiff_t column = 0, width; column < stride; column += width * LANES) {
    VEC common[CYMLP_TILE_VECTORS];
    REAL *U = (REAL *)sums + column;
    memset(common, 0, sizeof common);
    width = (stride - column) / LANES;
    if (width > CYMLP_TILE_VECTORS) width = CYMLP_TILE_VECTORS;
    for (ptrdiff_t place = 0; place < rows->n_places; place++) {
      const ENTRY *entry = entries + place * n;
      const ENTRY *end = entry + counts[place];
      const REAL *w = W + 4 * place * stride + column;
#define TILE(vectors)                                                        \
  NAME(compact_forward_tile)(vectors, entry, end, w, offsets + 4 * place, U, \
                             stride, common)
      WITH_WIDTH(width, TILE)
#undef TILE
    }
    for (ptrdiff_t i = 0; i < n; i++)
      for (int v = 0; v < width; v++)
        STORE(U + i * stride + v * LANES,
              LOAD(U + i * stride + v * LANES) + common[v]);
  }
}

/* A step with S^T D + offsets db^T for one place and `width` vectors of
 * columns. */
CYMLP_INLINE void NAME(compact_backward_tile)(
    int width, const ENTRY *entry, const ENTRY *end, const REAL *D,
    const REAL *db, const REAL *offsets, ptrdiff_t stride, const STEP *step,
    ptrdiff_t at, VEC *squares) {
  VEC sums[4][CYMLP_TILE_VECTORS];
  CYMLP_EACH (c, 4)
    CYMLP_EACH (v, width) sums[c][v] = offsets[c] * LOAD(db + v * LANES);
  for (; entry < end; entry++) {
    const REAL *x = entry->values;
    const REAL *d = D + entry->row;
    CYMLP_EACH (v, width) {
      const VEC gradient = LOAD(d + v * LANES);
      CYMLP_EACH (c, 4) sums[c][v] += x[c] * gradient;
    }
  }
  CYMLP_EACH (c, 4)
    CYMLP_EACH (v, width)
      NAME(take)(step, sums[c][v], at + c * stride + v * LANES, squares);
}

static inline double NAME(compact_backward)(
    const cymlp_compact *rows, const void *sorted, const uint32_t *counts,
    ptrdiff_t n, const void *gradient, const void *bias_gradient,
    ptrdiff_t stride, const cymlp_step *general) {
  const ENTRY *entries = sorted;
  const REAL *D = gradient;
  const REAL *db = bias_gradient;
  const REAL *offsets = rows->offsets;
  const STEP step = NAME(step_of)(general);
  VEC squares;
  memset(&squares, 0, sizeof squares);
  for (ptrdiff_t place = 0; place < rows->n_places; place++) {
    const ENTRY *entry = entries + place * n;
    const ENTRY *end = entry + counts[place];
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      width = (stride - column) / LANES;
      if (width > CYMLP_TILE_VECTORS) width = CYMLP_TILE_VECTORS;
      const ptrdiff_t at = 4 * place * stride + column;
#define TILE(vectors)                                                       \
  NAME(compact_backward_tile)(vectors, entry, end, D + column, db + column, \
                              offsets + 4 * place, stride, &step, at,       \
                              &squares)
      WITH_WIDTH(width, TILE)
#undef TILE
    }
  }
  return NAME(sum)(squares);
}

#undef PASTE
#undef PASTED
#undef NAME
#undef VEC
#undef LANES
#undef LOAD
#undef STORE
#undef WITH_WIDTH
#undef WITH_WIDTH_3_AND_4
#undef ENTRY
#undef STEP
#undef REAL
#undef SUFFIX
