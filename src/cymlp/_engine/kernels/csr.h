/* The first layer for X in CSR form; see cymlp_transposed_batch in kernels.h. A
 * template, to be included after step.h.
 *
 * The weights that a batch uses are read from memory once in the forward pass
 * and once in the backward pass, and prefetched.
 *
 * Rows of weights are not padded. If their width is not a multiple of a vector,
 * the last vector of a row overlaps the one before it, and both have the same
 * values there. */
#ifndef REAL /* when this file is compiled by itself */
#include "step.h"
#endif

/* Maximum number of vectors of a row in registers; and a call of a tile
 * function with a count known at compile time. */
#define MAX_VECTORS 8
#define WITH_COUNT(width, call) \
  switch (width) {              \
    case 1:                     \
      call(1);                  \
      break;                    \
    case 2:                     \
      call(2);                  \
      break;                    \
    case 3:                     \
      call(3);                  \
      break;                    \
    case 4:                     \
      call(4);                  \
      break;                    \
    case 5:                     \
      call(5);                  \
      break;                    \
    case 6:                     \
      call(6);                  \
      break;                    \
    case 7:                     \
      call(7);                  \
      break;                    \
    default:                    \
      call(8);                  \
  }

#define CSR_ENTRY NAME(csr_entry)
typedef struct {
  REAL value;
  uint32_t sample;
} CSR_ENTRY;

/* Weights are prefetched this many segments ahead. */
enum { NAME(segments_ahead) = 12 };

CYMLP_INLINE void NAME(prefetch)(const REAL *row, ptrdiff_t count) {
  cymlp_prefetch(row, count * (ptrdiff_t)sizeof *row);
}

CYMLP_INLINE ptrdiff_t NAME(vectors_in)(ptrdiff_t width) {
  return (width + LANES - 1) / LANES;
}

/* The position of a vector in a row. */
CYMLP_INLINE ptrdiff_t NAME(begin_of)(ptrdiff_t vector, ptrdiff_t width) {
  return (vector + 1) * LANES <= width ? vector * LANES : width - LANES;
}

/* Number of vectors in the next tile, with `left` to go. The last two of a row
 * share a tile: the values in both are read for both before they are written.
 */
CYMLP_INLINE ptrdiff_t NAME(tile_of)(ptrdiff_t left) {
  if (left <= MAX_VECTORS) return left;
  return left == MAX_VECTORS + 1 ? MAX_VECTORS - 1 : MAX_VECTORS;
}

CYMLP_INLINE VEC NAME(load_vector)(const REAL *row, ptrdiff_t vector,
                                   ptrdiff_t width) {
  VEC result;
  if (width >= LANES) return LOAD(row + NAME(begin_of)(vector, width));
  memset(&result, 0, sizeof result);
  memcpy(&result, row, (size_t)width * sizeof(REAL));
  return result;
}

CYMLP_INLINE void NAME(store_vector)(REAL *row, ptrdiff_t vector,
                                     ptrdiff_t width, VEC values) {
  if (width >= LANES)
    STORE(row + NAME(begin_of)(vector, width), values);
  else
    memcpy(row, &values, (size_t)width * sizeof(REAL));
}

/* The entries of a segment. */
CYMLP_INLINE const CSR_ENTRY *NAME(segment_begin)(
    const cymlp_transposed_batch *batch, ptrdiff_t segment) {
  const CSR_ENTRY *entries = batch->entries;
  return entries + (segment == 0 ? 0 : batch->segment_ends[segment - 1]);
}

CYMLP_INLINE const CSR_ENTRY *NAME(segment_end)(
    const cymlp_transposed_batch *batch, ptrdiff_t segment) {
  return (const CSR_ENTRY *)batch->entries + batch->segment_ends[segment];
}

static inline void NAME(csr_transpose)(const ptrdiff_t *indptr,
                                       const int *features, const void *values,
                                       const ptrdiff_t *indices, ptrdiff_t n,
                                       ptrdiff_t n_ahead,
                                       cymlp_transposed_batch *batch) {
  const REAL *X = values;
  CSR_ENTRY *entries = batch->entries;
  uint32_t count = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (i + 1 < n + n_ahead) {
      const ptrdiff_t next = indptr[indices[i + 1]];
      const ptrdiff_t length = indptr[indices[i + 1] + 1] - next;
      cymlp_prefetch(features + next, length * (ptrdiff_t)sizeof *features);
      NAME(prefetch)(X + next, length);
    }
    for (ptrdiff_t k = indptr[indices[i]]; k < indptr[indices[i] + 1]; k++) {
      /* A segment is valid only if its feature agrees, so that nothing has to
       * be cleared before the next batch. */
      uint32_t segment = batch->segment_of[features[k]];
      if (segment >= count || batch->features[segment] != features[k]) {
        segment = count++;
        batch->segment_of[features[k]] = segment;
        batch->features[segment] = features[k];
        batch->segment_ends[segment] = 0;
      }
      batch->segment_ends[segment]++;
    }
  }
  uint32_t total = 0;
  for (uint32_t segment = 0; segment < count; segment++) {
    const uint32_t length = batch->segment_ends[segment];
    batch->segment_ends[segment] = total;
    total += length;
  }
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t k = indptr[indices[i]]; k < indptr[indices[i] + 1]; k++)
      entries[batch->segment_ends[batch->segment_of[features[k]]]++] =
          (CSR_ENTRY){X[k], (uint32_t)i};
  batch->n_segments = count;
}

static inline void NAME(csr_pack)(const void *rows, ptrdiff_t n,
                                  ptrdiff_t width, void *packed) {
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  const REAL *row = rows;
  REAL *to = packed;
  for (ptrdiff_t i = 0; i < n; i++, row += width)
    for (ptrdiff_t v = 0; v < vectors; v++, to += LANES)
      STORE(to, NAME(load_vector)(row, v, width));
}

static inline void NAME(csr_unpack)(const void *packed, ptrdiff_t n,
                                    ptrdiff_t width, void *rows) {
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  const REAL *from = packed;
  REAL *row = rows;
  for (ptrdiff_t i = 0; i < n; i++, row += width)
    for (ptrdiff_t v = 0; v < vectors; v++, from += LANES)
      NAME(store_vector)(row, v, width, LOAD(from));
}

/* Whether a power is not the identity: steps are missing. */
CYMLP_INLINE int NAME(is_behind)(const REAL *power) {
  return power[2] != 0 || power[3] != 0;
}

/* U += x w for the entries of one feature and `count` vectors from `first`. */
CYMLP_INLINE void NAME(csr_forward_tile)(
    int count, ptrdiff_t first, const CSR_ENTRY *entry, const CSR_ENTRY *end,
    const REAL *weights, const REAL *velocity, const REAL *power,
    ptrdiff_t width, REAL *U, ptrdiff_t stride) {
  VEC w[MAX_VECTORS];
  CYMLP_EACH (v, count) w[v] = NAME(load_vector)(weights, first + v, width);
  if (power != NULL && NAME(is_behind)(power))
    CYMLP_EACH (v, count)
      w[v] += power[2] * NAME(load_vector)(velocity, first + v, width) +
              power[3] * w[v];
  for (; entry < end; entry++) {
    REAL *u = U + (ptrdiff_t)entry->sample * stride + first * LANES;
    CYMLP_EACH (v, count)
      STORE(u + v * LANES, LOAD(u + v * LANES) + entry->value * w[v]);
  }
}

static inline void NAME(csr_forward)(const cymlp_transposed_batch *batch,
                                     const cymlp_weight_rows *weights,
                                     const void *bias, void *sums, ptrdiff_t n,
                                     ptrdiff_t begin, ptrdiff_t end) {
  const ptrdiff_t width = weights->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const REAL *W = weights->weights, *V = weights->velocity;
  const REAL *powers = weights->powers;
  const ptrdiff_t columns =
      (end * LANES < width ? end * LANES : width) - begin * LANES;
  REAL *U = sums;
  for (ptrdiff_t v = begin; v < end; v++) {
    const VEC b = NAME(load_vector)(bias, v, width);
    for (ptrdiff_t i = 0; i < n; i++) STORE(U + i * stride + v * LANES, b);
  }
  for (ptrdiff_t segment = 0; segment < batch->n_segments; segment++) {
    if (segment + NAME(segments_ahead) < batch->n_segments) {
      const ptrdiff_t ahead = segment + NAME(segments_ahead);
      const ptrdiff_t next = batch->features[ahead] * width + begin * LANES;
      NAME(prefetch)(W + next, columns);
      if (powers != NULL && NAME(is_behind)(powers + 4 * ahead))
        NAME(prefetch)(V + next, columns);
    }
    const CSR_ENTRY *entry = NAME(segment_begin)(batch, segment);
    const CSR_ENTRY *last = NAME(segment_end)(batch, segment);
    const ptrdiff_t at = batch->features[segment] * width;
    const REAL *power = powers == NULL ? NULL : powers + 4 * segment;
    const REAL *v = powers == NULL ? NULL : V + at;
    for (ptrdiff_t first = begin, count; first < end; first += count) {
      count = NAME(tile_of)(end - first);
#define TILE(constant)                                                   \
  NAME(csr_forward_tile)(constant, first, entry, last, W + at, v, power, \
                         width, U, stride)
      WITH_COUNT(count, TILE)
#undef TILE
    }
  }
}

/* Compute the gradient of `count` vectors of one feature's weights. */
CYMLP_INLINE void NAME(csr_gradient_tile)(int count, ptrdiff_t first,
                                          const CSR_ENTRY *entry,
                                          const CSR_ENTRY *end, const REAL *D,
                                          ptrdiff_t stride, VEC *gradient) {
  CYMLP_EACH (v, count) memset(&gradient[v], 0, sizeof gradient[v]);
  for (; entry < end; entry++) {
    const REAL *d = D + (ptrdiff_t)entry->sample * stride + first * LANES;
    CYMLP_EACH (v, count) gradient[v] += entry->value * LOAD(d + v * LANES);
  }
}

static inline void NAME(csr_gradient)(const cymlp_transposed_batch *batch,
                                      ptrdiff_t segment, const void *D,
                                      ptrdiff_t width, void *gradient) {
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const CSR_ENTRY *begin = NAME(segment_begin)(batch, segment);
  const CSR_ENTRY *end = NAME(segment_end)(batch, segment);
  for (ptrdiff_t first = 0, count; first < vectors; first += count) {
    VEC sums[MAX_VECTORS];
    count = NAME(tile_of)(vectors - first);
#define TILE(constant)                                                   \
  NAME(csr_gradient_tile)(constant, first, begin, end, D, stride, sums); \
  CYMLP_EACH (v, constant)                                               \
  NAME(store_vector)(gradient, first + v, width, sums[v])
    WITH_COUNT(count, TILE)
#undef TILE
  }
}

/* (v, w) <- power (v, w) + (g, -rate g) for `count` vectors of a row. */
CYMLP_INLINE void NAME(csr_advance_tile)(int count, ptrdiff_t first,
                                         const VEC *gradient, REAL rate,
                                         const REAL *power, REAL *weights,
                                         REAL *velocity, ptrdiff_t width) {
  VEC w[MAX_VECTORS], velocities[MAX_VECTORS];
  CYMLP_EACH (v, count) {
    w[v] = NAME(load_vector)(weights, first + v, width);
    velocities[v] = NAME(load_vector)(velocity, first + v, width);
  }
  CYMLP_EACH (v, count) {
    const VEC g = gradient[v];
    NAME(store_vector)(
        weights, first + v, width,
        w[v] + (power[2] * velocities[v] + power[3] * w[v] - rate * g));
    NAME(store_vector)(velocity, first + v, width,
                       power[0] * velocities[v] + (power[1] * w[v] + g));
  }
}

/* 1 for the values of a row's last vector that the one before it lacks, else 0.
 */
static inline VEC NAME(own_lanes)(ptrdiff_t width) {
  const ptrdiff_t own = width - (NAME(vectors_in)(width) - 1) * LANES;
  REAL lanes[LANES];
  VEC result;
  for (ptrdiff_t lane = 0; lane < LANES; lane++)
    lanes[lane] = width < LANES || lane >= LANES - own;
  memcpy(&result, lanes, sizeof result);
  return result;
}

CYMLP_INLINE void NAME(csr_backward_tile)(
    int count, ptrdiff_t first, const CSR_ENTRY *entry, const CSR_ENTRY *end,
    const REAL *D, ptrdiff_t stride, REAL rate, const REAL *power,
    REAL *weights, REAL *velocity, ptrdiff_t width, VEC own, VEC *squares) {
  VEC g[MAX_VECTORS];
  NAME(csr_gradient_tile)(count, first, entry, end, D, stride, g);
  CYMLP_EACH (v, count - 1) *squares += g[v] * g[v];
  *squares += own * g[count - 1] * g[count - 1];
  NAME(csr_advance_tile)(count, first, g, rate, power, weights, velocity,
                         width);
}

static inline double NAME(csr_backward)(const cymlp_transposed_batch *batch,
                                        const void *gradient, double rate,
                                        const cymlp_weight_rows *weights,
                                        ptrdiff_t first_segment,
                                        ptrdiff_t end_segment) {
  enum { MAX_SQUARES = 16 }; /* per sum, so that float32 loses few digits */
  const ptrdiff_t width = weights->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const REAL *D = gradient;
  REAL *W = weights->weights, *V = weights->velocity;
  const VEC last = NAME(own_lanes)(width), all = last * 0 + 1;
  VEC squares = last * 0;
  double total = 0;
  /* From the end: the forward pass has left the last weights in the cache. */
  for (ptrdiff_t segment = end_segment - 1; segment >= first_segment;
       segment--) {
    if (segment >= NAME(segments_ahead)) {
      const ptrdiff_t next =
          batch->features[segment - NAME(segments_ahead)] * width;
      NAME(prefetch)(W + next, width);
      NAME(prefetch)(V + next, width);
    }
    const CSR_ENTRY *begin = NAME(segment_begin)(batch, segment);
    const CSR_ENTRY *end = NAME(segment_end)(batch, segment);
    const ptrdiff_t at = batch->features[segment] * width;
    const REAL *power = (const REAL *)weights->powers + 4 * segment;
    for (ptrdiff_t first = 0, count; first < vectors; first += count) {
      count = NAME(tile_of)(vectors - first);
      const VEC own = first + count == vectors ? last : all;
#define TILE(constant)                                                        \
  NAME(csr_backward_tile)(constant, first, begin, end, D, stride, (REAL)rate, \
                          power, W + at, V + at, width, own, &squares)
      WITH_COUNT(count, TILE)
#undef TILE
    }
    if ((segment - first_segment) % MAX_SQUARES == 0) {
      total += NAME(sum)(squares);
      squares = last * 0;
    }
  }
  return total;
}

static inline void NAME(csr_advance)(const cymlp_weight_rows *rows,
                                     ptrdiff_t n) {
  const ptrdiff_t width = rows->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  REAL *W = rows->weights, *V = rows->velocity;
  const REAL *power = rows->powers;
  VEC zeros[MAX_VECTORS];
  memset(zeros, 0, sizeof zeros);
  for (ptrdiff_t i = 0; i < n; i++, W += width, V += width, power += 4)
    for (ptrdiff_t first = 0, count; first < vectors; first += count) {
      count = NAME(tile_of)(vectors - first);
#define TILE(constant) \
  NAME(csr_advance_tile)(constant, first, zeros, 0, power, W, V, width)
      WITH_COUNT(count, TILE)
#undef TILE
    }
}
