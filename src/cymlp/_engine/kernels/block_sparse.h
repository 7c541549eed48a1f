/* Products with samples that are stored without the commonest values of their
 * columns. A template, to come after dense.h.
 *
 * What the functions do is said in kernels.h. A batch is sorted by the places
 * of its blocks, so that the weights of a place, or their gradient, stay in
 * registers for all samples that need them. */
#ifndef REAL /* as when this file is checked by itself */
#include "dense.h"
#endif

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

/* A block of a batch: where the sums of its sample begin, and its numbers in S,
 * or where there is a table their codes. */
#define ENTRY NAME(entry)
typedef struct {
  uint32_t row;
  REAL values[4];
} ENTRY;
#define CODED_ENTRY NAME(coded_entry)
typedef struct {
  uint32_t row;
  uint8_t codes[4];
} CODED_ENTRY;

/* How many vectors of a row's last numbers the next tile takes. */
static inline ptrdiff_t NAME(tile_width)(ptrdiff_t numbers) {
  const ptrdiff_t width = numbers / LANES;
  return width > CYMLP_TILE_VECTORS ? CYMLP_TILE_VECTORS : width;
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
                                 void *entries, uint32_t *counts) {
  const ptrdiff_t size = NAME(block_size)(coded);
  const char *block = rows->blocks + size * rows->row_starts[row];
  const char *end = rows->blocks + size * rows->row_starts[row + 1];
  for (; block < end; block += size) {
    uint16_t place;
    memcpy(&place, block, sizeof place);
    const ptrdiff_t at = place * n + counts[place]++;
    if (coded) {
      CODED_ENTRY *entry = (CODED_ENTRY *)entries + at;
      entry->row = sums;
      memcpy(entry->codes, block + sizeof place, sizeof entry->codes);
    } else {
      ENTRY *entry = (ENTRY *)entries + at;
      entry->row = sums;
      memcpy(entry->values, block + sizeof place, sizeof entry->values);
    }
  }
}

CYMLP_INLINE void NAME(sort_rows)(int coded, const cymlp_compact *rows,
                                  const ptrdiff_t *order, ptrdiff_t n,
                                  ptrdiff_t n_ahead, ptrdiff_t stride,
                                  void *entries, uint32_t *counts) {
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

/* What a batch has of one place; see cymlp_compact. */
#define BUCKET NAME(bucket)
typedef struct {
  const void *entries;
  ptrdiff_t count;
  const REAL *table;
  const REAL *offsets, *taken, *scales;
} BUCKET;

CYMLP_INLINE BUCKET NAME(bucket_of)(int coded, const cymlp_compact *rows,
                                    const void *entries, const uint32_t *counts,
                                    ptrdiff_t n, ptrdiff_t place) {
  const size_t size = coded ? sizeof(CODED_ENTRY) : sizeof(ENTRY);
  BUCKET bucket;
  bucket.entries = (const char *)entries + (size_t)(place * n) * size;
  bucket.count = counts[place];
  bucket.table = rows->table;
  bucket.offsets = (const REAL *)rows->offsets + 4 * place;
  bucket.taken = (const REAL *)rows->taken + 4 * place;
  bucket.scales = rows->scales ? (const REAL *)rows->scales + 4 * place : NULL;
  return bucket;
}

/* Find the numbers of an entry, in S or, where it has codes, in the table;
 * return where the sums of its sample begin. */
CYMLP_INLINE uint32_t NAME(read_entry)(int coded, const BUCKET *bucket,
                                       ptrdiff_t i, REAL *x) {
  if (!coded) {
    const ENTRY *entry = (const ENTRY *)bucket->entries + i;
    memcpy(x, entry->values, sizeof entry->values);
    return entry->row;
  }
  const CODED_ENTRY *entry = (const CODED_ENTRY *)bucket->entries + i;
  CYMLP_EACH (c, 4) x[c] = bucket->table[entry->codes[c]];
  return entry->row;
}

CYMLP_INLINE VEC NAME(sum_of_4)(const REAL *x, VEC w0, VEC w1, VEC w2, VEC w3) {
  return (x[0] * w0 + x[1] * w1) + (x[2] * w2 + x[3] * w3);
}

/* For the entries of one place and `width` vectors of columns U += S W, and for
 * all samples alike common += offsets W. */
CYMLP_INLINE void NAME(compact_forward_tile)(int coded, int width,
                                             const BUCKET *bucket,
                                             const REAL *W, REAL *U,
                                             ptrdiff_t stride, VEC *common) {
  VEC w[4][CYMLP_TILE_VECTORS], too_much[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    CYMLP_EACH (c, 4) w[c][v] = LOAD(W + c * stride + v * LANES);
    too_much[v] =
        NAME(sum_of_4)(bucket->offsets, w[0][v], w[1][v], w[2][v], w[3][v]);
    common[v] += too_much[v];
    if (bucket->scales) {
      CYMLP_EACH (c, 4) w[c][v] *= bucket->scales[c];
      too_much[v] =
          NAME(sum_of_4)(bucket->taken, w[0][v], w[1][v], w[2][v], w[3][v]);
    }
  }
  for (ptrdiff_t i = 0; i < bucket->count; i++) {
    REAL x[4];
    REAL *u = U + NAME(read_entry)(coded, bucket, i, x);
    CYMLP_EACH (v, width) {
      VEC sum = LOAD(u + v * LANES);
      /* There is no time to take it from each number. */
      if (coded) sum -= too_much[v];
      /* Two sums: the next does not have to wait for the last. */
      STORE(u + v * LANES, (sum + x[0] * w[0][v] + x[1] * w[1][v]) +
                               (x[2] * w[2][v] + x[3] * w[3][v]));
    }
  }
}

CYMLP_INLINE void NAME(compact_forward_columns)(
    int coded, const cymlp_compact *rows, const void *entries,
    const uint32_t *counts, ptrdiff_t n, const REAL *W, REAL *U,
    ptrdiff_t stride, int width) {
  VEC common[CYMLP_TILE_VECTORS];
  memset(common, 0, sizeof common);
  for (ptrdiff_t place = 0; place < rows->n_places; place++) {
    const BUCKET bucket =
        NAME(bucket_of)(coded, rows, entries, counts, n, place);
    const REAL *w = W + 4 * place * stride;
#define TILE(vectors) \
  NAME(compact_forward_tile)(coded, vectors, &bucket, w, U, stride, common)
    WITH_WIDTH(width, TILE)
#undef TILE
  }
  for (ptrdiff_t i = 0; i < n; i++)
    for (int v = 0; v < width; v++)
      STORE(U + i * stride + v * LANES,
            LOAD(U + i * stride + v * LANES) + common[v]);
}

static inline void NAME(compact_forward)(const cymlp_compact *rows,
                                         const void *entries,
                                         const uint32_t *counts, ptrdiff_t n,
                                         const void *weights, const void *base,
                                         void *sums, ptrdiff_t stride) {
  NAME(begin)(sums, base, n, stride);
  for (ptrdiff_t column = 0, width; column < stride; column += width * LANES) {
    const REAL *W = (const REAL *)weights + column;
    REAL *U = (REAL *)sums + column;
    width = NAME(tile_width)(stride - column);
    if (rows->table)
      NAME(compact_forward_columns)(1, rows, entries, counts, n, W, U, stride,
                                    (int)width);
    else
      NAME(compact_forward_columns)(0, rows, entries, counts, n, W, U, stride,
                                    (int)width);
  }
}

/* A step with S^T D + offsets db^T for one place and `width` vectors of
 * columns. */
CYMLP_INLINE void NAME(compact_backward_tile)(
    int coded, int width, const BUCKET *bucket, const REAL *D, const REAL *db,
    ptrdiff_t stride, const STEP *step, ptrdiff_t at, VEC *squares) {
  VEC sums[4][CYMLP_TILE_VECTORS], total[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    CYMLP_EACH (c, 4) sums[c][v] = (VEC){0};
    total[v] = (VEC){0};
  }
  for (ptrdiff_t i = 0; i < bucket->count; i++) {
    REAL x[4];
    const REAL *d = D + NAME(read_entry)(coded, bucket, i, x);
    CYMLP_EACH (v, width) {
      const VEC gradient = LOAD(d + v * LANES);
      if (coded) total[v] += gradient;
      CYMLP_EACH (c, 4) sums[c][v] += x[c] * gradient;
    }
  }
  VEC others[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    others[v] = LOAD(db + v * LANES);
    if (bucket->scales)
      CYMLP_EACH (c, 4)
        sums[c][v] =
            (sums[c][v] - bucket->taken[c] * total[v]) * bucket->scales[c];
    else if (coded)
      others[v] -= total[v];
  }
  CYMLP_EACH (c, 4)
    CYMLP_EACH (v, width)
      NAME(take)(step, sums[c][v] + bucket->offsets[c] * others[v],
                 at + c * stride + v * LANES, squares);
}

CYMLP_INLINE double NAME(compact_backward_of)(
    int coded, const cymlp_compact *rows, const void *entries,
    const uint32_t *counts, ptrdiff_t n, const REAL *D, const REAL *db,
    ptrdiff_t stride, const STEP *step) {
  VEC squares = (VEC){0};
  for (ptrdiff_t place = 0; place < rows->n_places; place++) {
    const BUCKET bucket =
        NAME(bucket_of)(coded, rows, entries, counts, n, place);
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      const ptrdiff_t at = 4 * place * stride + column;
      width = NAME(tile_width)(stride - column);
#define TILE(vectors)                                              \
  NAME(compact_backward_tile)(coded, vectors, &bucket, D + column, \
                              db + column, stride, step, at, &squares)
      WITH_WIDTH(width, TILE)
#undef TILE
    }
  }
  return NAME(sum)(squares);
}

static inline double NAME(compact_backward)(const cymlp_compact *rows,
                                            const void *entries,
                                            const uint32_t *counts, ptrdiff_t n,
                                            const void *D, const void *db,
                                            ptrdiff_t stride,
                                            const cymlp_step *general) {
  const STEP step = NAME(step_of)(general);
  if (rows->table)
    return NAME(compact_backward_of)(1, rows, entries, counts, n, D, db, stride,
                                     &step);
  return NAME(compact_backward_of)(0, rows, entries, counts, n, D, db, stride,
                                   &step);
}
