/* Products with X in block sparse form; see cymlp_block_sparse in kernels.h. A
 * template, to be included after dense.h.
 *
 * A batch is transposed, that is sorted by block index. The weights of a block
 * index, or their gradient, stay in registers for all samples that have it. */
#ifndef REAL /* when this file is compiled by itself */
#include "dense.h"
#endif

/* Call a tile function with a width known at compile time. */
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

/* A block in a transposed batch: the position of its sample's row of sums, and
 * its values in S or, with a codebook, their codes. */
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

/* Width in vectors of the next tile, with `left` columns to go. */
static inline ptrdiff_t NAME(tile_width)(ptrdiff_t left) {
  const ptrdiff_t width = left / LANES;
  return width > CYMLP_TILE_VECTORS ? CYMLP_TILE_VECTORS : width;
}

/* Bytes of a block: its index, and its codes or values. */
CYMLP_INLINE ptrdiff_t NAME(block_size)(int coded) {
  return (ptrdiff_t)(sizeof(uint16_t) + 4 * (coded ? 1 : sizeof(REAL)));
}

/* Prefetch the blocks of a row. */
CYMLP_INLINE void NAME(prefetch_row)(int coded, const cymlp_block_sparse *X,
                                     ptrdiff_t row) {
  const ptrdiff_t size = NAME(block_size)(coded);
  const char *block = X->blocks + size * X->indptr[row];
  const char *end = X->blocks + size * X->indptr[row + 1];
  block -= (uintptr_t)block % CYMLP_CACHE_LINE;
  cymlp_prefetch(block, end - block);
}

CYMLP_INLINE void NAME(transpose_row)(int coded, const cymlp_block_sparse *X,
                                      ptrdiff_t row, uint32_t sums, ptrdiff_t n,
                                      void *entries, uint32_t *counts) {
  const ptrdiff_t size = NAME(block_size)(coded);
  const char *block = X->blocks + size * X->indptr[row];
  const char *end = X->blocks + size * X->indptr[row + 1];
  for (; block < end; block += size) {
    uint16_t block_index;
    memcpy(&block_index, block, sizeof block_index);
    const ptrdiff_t at = block_index * n + counts[block_index]++;
    if (coded) {
      CODED_ENTRY *entry = (CODED_ENTRY *)entries + at;
      entry->row = sums;
      memcpy(entry->codes, block + sizeof block_index, sizeof entry->codes);
    } else {
      ENTRY *entry = (ENTRY *)entries + at;
      entry->row = sums;
      memcpy(entry->values, block + sizeof block_index, sizeof entry->values);
    }
  }
}

CYMLP_INLINE void NAME(transpose_rows)(int coded, const cymlp_block_sparse *X,
                                       const ptrdiff_t *indices,
                                       ptrdiff_t n_ahead, ptrdiff_t stride,
                                       const cymlp_transposed_slice *slice) {
  enum { AHEAD = 4 };
  const ptrdiff_t n = slice->n;
  for (ptrdiff_t i = 0; i < n; i++) {
    /* Prefetching the blocks of a row needs its address, so this comes first.
     */
    if (i + 2 * AHEAD < n + n_ahead)
      CYMLP_PREFETCH(&X->indptr[indices[i + 2 * AHEAD]]);
    if (i + AHEAD < n + n_ahead)
      NAME(prefetch_row)(coded, X, indices[i + AHEAD]);
    NAME(transpose_row)(coded, X, indices[i],
                        (uint32_t)((slice->first + i) * stride), n,
                        slice->entries, slice->counts);
  }
}

static inline void NAME(block_sparse_transpose)(
    const cymlp_block_sparse *X, const ptrdiff_t *indices, ptrdiff_t n_ahead,
    ptrdiff_t stride, const cymlp_transposed_slice *slice) {
  memset(slice->counts, 0, (size_t)X->blocks_per_row * sizeof *slice->counts);
  if (X->codebook)
    NAME(transpose_rows)(1, X, indices, n_ahead, stride, slice);
  else
    NAME(transpose_rows)(0, X, indices, n_ahead, stride, slice);
}

/* The entries of one block index, and the arrays that decode them. */
#define SEGMENT NAME(segment)
typedef struct {
  const void *entries;
  ptrdiff_t count;
  const REAL *codebook, *fill_values, *codebook_offsets, *scales;
} SEGMENT;

CYMLP_INLINE SEGMENT NAME(segment_of)(int coded, const cymlp_block_sparse *X,
                                      const cymlp_transposed_slice *slice,
                                      ptrdiff_t block_index) {
  const size_t size = coded ? sizeof(CODED_ENTRY) : sizeof(ENTRY);
  SEGMENT segment;
  segment.entries =
      (const char *)slice->entries + (size_t)(block_index * slice->n) * size;
  segment.count = slice->counts[block_index];
  segment.codebook = X->codebook;
  segment.fill_values = (const REAL *)X->fill_values + 4 * block_index;
  segment.codebook_offsets =
      (const REAL *)X->codebook_offsets + 4 * block_index;
  segment.scales = X->scales ? (const REAL *)X->scales + 4 * block_index : NULL;
  return segment;
}

/* Read the values of an entry, those in S or, with a codebook, those in it;
 * return the position of its sample's sums. */
CYMLP_INLINE uint32_t NAME(read_entry)(int coded, const SEGMENT *segment,
                                       ptrdiff_t i, REAL *x) {
  if (!coded) {
    const ENTRY *entry = (const ENTRY *)segment->entries + i;
    memcpy(x, entry->values, sizeof entry->values);
    return entry->row;
  }
  const CODED_ENTRY *entry = (const CODED_ENTRY *)segment->entries + i;
  CYMLP_EACH (c, 4) x[c] = segment->codebook[entry->codes[c]];
  return entry->row;
}

CYMLP_INLINE VEC NAME(sum_of_4)(const REAL *x, VEC w0, VEC w1, VEC w2, VEC w3) {
  return (x[0] * w0 + x[1] * w1) + (x[2] * w2 + x[3] * w3);
}

/* U += S W for the entries of one block index and `width` vectors of columns;
 * fill_product += fill_values W, which is the same for all samples. */
CYMLP_INLINE void NAME(block_sparse_forward_tile)(int coded, int width,
                                                  const SEGMENT *segment,
                                                  const REAL *W, REAL *U,
                                                  ptrdiff_t stride,
                                                  VEC *fill_product) {
  VEC w[4][CYMLP_TILE_VECTORS], offset_product[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    CYMLP_EACH (c, 4) w[c][v] = LOAD(W + c * stride + v * LANES);
    offset_product[v] = NAME(sum_of_4)(segment->fill_values, w[0][v], w[1][v],
                                       w[2][v], w[3][v]);
    fill_product[v] += offset_product[v];
    if (segment->scales) {
      CYMLP_EACH (c, 4) w[c][v] *= segment->scales[c];
      offset_product[v] = NAME(sum_of_4)(segment->codebook_offsets, w[0][v],
                                         w[1][v], w[2][v], w[3][v]);
    }
  }
  for (ptrdiff_t i = 0; i < segment->count; i++) {
    REAL x[4];
    REAL *u = U + NAME(read_entry)(coded, segment, i, x);
    CYMLP_EACH (v, width) {
      VEC sum = LOAD(u + v * LANES);
      /* Subtracted once from the sum, not from each value. */
      if (coded) sum -= offset_product[v];
      /* Two sums that the processor computes in parallel. */
      STORE(u + v * LANES, (sum + x[0] * w[0][v] + x[1] * w[1][v]) +
                               (x[2] * w[2][v] + x[3] * w[3][v]));
    }
  }
}

CYMLP_INLINE void NAME(block_sparse_forward_columns)(
    int coded, const cymlp_block_sparse *X, const cymlp_transposed_slice *slice,
    const REAL *W, REAL *U, ptrdiff_t stride, int width) {
  VEC fill_product[CYMLP_TILE_VECTORS];
  memset(fill_product, 0, sizeof fill_product);
  for (ptrdiff_t block_index = 0; block_index < X->blocks_per_row;
       block_index++) {
    const SEGMENT segment = NAME(segment_of)(coded, X, slice, block_index);
    const REAL *w = W + 4 * block_index * stride;
#define TILE(vectors)                                                     \
  NAME(block_sparse_forward_tile)(coded, vectors, &segment, w, U, stride, \
                                  fill_product)
    WITH_WIDTH(width, TILE)
#undef TILE
  }
  for (ptrdiff_t i = slice->first; i < slice->first + slice->n; i++)
    for (int v = 0; v < width; v++)
      STORE(U + i * stride + v * LANES,
            LOAD(U + i * stride + v * LANES) + fill_product[v]);
}

static inline void NAME(block_sparse_forward)(
    const cymlp_block_sparse *X, const cymlp_transposed_slice *slice,
    const void *weights, const void *bias, void *sums, ptrdiff_t stride) {
  NAME(set_rows)((REAL *)sums + slice->first * stride, bias, slice->n, stride);
  for (ptrdiff_t column = 0, width; column < stride; column += width * LANES) {
    const REAL *W = (const REAL *)weights + column;
    REAL *U = (REAL *)sums + column;
    width = NAME(tile_width)(stride - column);
    if (X->codebook)
      NAME(block_sparse_forward_columns)(1, X, slice, W, U, stride, (int)width);
    else
      NAME(block_sparse_forward_columns)(0, X, slice, W, U, stride, (int)width);
  }
}

/* Update weights with S^T D + fill_values db^T for one block index and `width`
 * vectors of columns. */
CYMLP_INLINE void NAME(block_sparse_backward_tile)(
    int coded, int width, const cymlp_block_sparse *X,
    const cymlp_transposed_slice *slices, ptrdiff_t n_slices,
    ptrdiff_t block_index, const REAL *D, const REAL *db, ptrdiff_t stride,
    const STEP *step, ptrdiff_t at, VEC *squares) {
  SEGMENT segment;
  VEC sums[4][CYMLP_TILE_VECTORS], total[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    CYMLP_EACH (c, 4) sums[c][v] = (VEC){0};
    total[v] = (VEC){0};
  }
  for (ptrdiff_t s = 0; s < n_slices; s++) {
    segment = NAME(segment_of)(coded, X, &slices[s], block_index);
    for (ptrdiff_t i = 0; i < segment.count; i++) {
      REAL x[4];
      const REAL *d = D + NAME(read_entry)(coded, &segment, i, x);
      CYMLP_EACH (v, width) {
        const VEC gradient = LOAD(d + v * LANES);
        if (coded) total[v] += gradient;
        CYMLP_EACH (c, 4) sums[c][v] += x[c] * gradient;
      }
    }
  }
  VEC fill_gradient[CYMLP_TILE_VECTORS];
  CYMLP_EACH (v, width) {
    fill_gradient[v] = LOAD(db + v * LANES);
    if (segment.scales)
      CYMLP_EACH (c, 4)
        sums[c][v] = (sums[c][v] - segment.codebook_offsets[c] * total[v]) *
                     segment.scales[c];
    else if (coded)
      fill_gradient[v] -= total[v];
  }
  CYMLP_EACH (c, 4)
    CYMLP_EACH (v, width)
      NAME(update)(step, sums[c][v] + segment.fill_values[c] * fill_gradient[v],
                   at + c * stride + v * LANES, squares);
}

CYMLP_INLINE double NAME(block_sparse_backward_blocks)(
    int coded, const cymlp_block_sparse *X,
    const cymlp_transposed_slice *slices, ptrdiff_t n_slices, ptrdiff_t first,
    ptrdiff_t end, const REAL *D, const REAL *db, ptrdiff_t stride,
    const STEP *step) {
  VEC squares = (VEC){0};
  for (ptrdiff_t block_index = first; block_index < end; block_index++)
    for (ptrdiff_t column = 0, width; column < stride;
         column += width * LANES) {
      const ptrdiff_t at = 4 * block_index * stride + column;
      width = NAME(tile_width)(stride - column);
#define TILE(vectors)                                                    \
  NAME(block_sparse_backward_tile)(coded, vectors, X, slices, n_slices,  \
                                   block_index, D + column, db + column, \
                                   stride, step, at, &squares)
      WITH_WIDTH(width, TILE)
#undef TILE
    }
  return NAME(sum)(squares);
}

static inline double NAME(block_sparse_backward)(
    const cymlp_block_sparse *X, const cymlp_transposed_slice *slices,
    ptrdiff_t n_slices, ptrdiff_t first, ptrdiff_t end, const void *D,
    const void *db, ptrdiff_t stride, const cymlp_step *settings) {
  const STEP step = NAME(step_of)(settings);
  if (X->codebook)
    return NAME(block_sparse_backward_blocks)(1, X, slices, n_slices, first,
                                              end, D, db, stride, &step);
  return NAME(block_sparse_backward_blocks)(0, X, slices, n_slices, first, end,
                                            D, db, stride, &step);
}
