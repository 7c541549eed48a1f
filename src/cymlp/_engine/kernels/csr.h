/* The kernels of a layer that reads sparse samples.
 *
 * A template, to come after step.h. What the functions do is said in
 * kernels.h. Every weight that a batch has to do with comes from memory once on
 * the way forward and once on the way back, and the rows that follow are asked
 * for while one is worked on.
 *
 * Rows of weights are not padded. Where their width is no multiple of a vector,
 * the last vector of a row overlaps the one before it, and both hold the same
 * numbers there. */
#ifndef REAL /* as when this file is checked by itself */
#include "step.h"
#endif

/* Vectors of a row that are held in registers at a time, and the same for a
 * number of them that the compiler knows. */
#define MOST_VECTORS 8
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

#define ELEMENT NAME(element)
typedef struct {
  REAL value;
  uint32_t sample;
} ELEMENT;

/* How many rows ahead the weights are asked for. */
enum { NAME(rows_ahead) = 12 };

CYMLP_INLINE void NAME(fetch)(const REAL *row, ptrdiff_t count) {
  const char *bytes = (const char *)row;
  for (ptrdiff_t at = 0; at < count * (ptrdiff_t)sizeof(REAL); at += 64)
    CYMLP_PREFETCH(bytes + at);
}

CYMLP_INLINE ptrdiff_t NAME(vectors_in)(ptrdiff_t width) {
  return (width + LANES - 1) / LANES;
}

/* Where a vector of a row begins. */
CYMLP_INLINE ptrdiff_t NAME(begin_of)(ptrdiff_t vector, ptrdiff_t width) {
  return (vector + 1) * LANES <= width ? vector * LANES : width - LANES;
}

/* Vectors to hold at a time, of those that are left. The last two of a row stay
 * together: what they share is then read for both before it is written. */
CYMLP_INLINE ptrdiff_t NAME(tile_of)(ptrdiff_t left) {
  if (left <= MOST_VECTORS) return left;
  return left == MOST_VECTORS + 1 ? MOST_VECTORS - 1 : MOST_VECTORS;
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
                                     ptrdiff_t width, VEC numbers) {
  if (width >= LANES)
    STORE(row + NAME(begin_of)(vector, width), numbers);
  else
    memcpy(row, &numbers, (size_t)width * sizeof(REAL));
}

/* Entries of the group-th column. */
CYMLP_INLINE const ELEMENT *NAME(group_begin)(const cymlp_groups *groups,
                                              ptrdiff_t group) {
  const ELEMENT *elements = groups->elements;
  return elements + (group == 0 ? 0 : groups->ends[group - 1]);
}

CYMLP_INLINE const ELEMENT *NAME(group_end)(const cymlp_groups *groups,
                                            ptrdiff_t group) {
  return (const ELEMENT *)groups->elements + groups->ends[group];
}

static inline void NAME(sparse_group)(const ptrdiff_t *row_starts,
                                      const int *columns, const void *values,
                                      const ptrdiff_t *rows, ptrdiff_t n,
                                      ptrdiff_t n_ahead, cymlp_groups *groups) {
  const REAL *X = values;
  ELEMENT *elements = groups->elements;
  uint32_t count = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (i + 1 < n + n_ahead) {
      const ptrdiff_t next = row_starts[rows[i + 1]];
      const ptrdiff_t length = row_starts[rows[i + 1] + 1] - next;
      for (ptrdiff_t k = 0; k < length; k += 64 / (ptrdiff_t)sizeof *columns)
        CYMLP_PREFETCH(columns + next + k);
      NAME(fetch)(X + next, length);
    }
    for (ptrdiff_t k = row_starts[rows[i]]; k < row_starts[rows[i] + 1]; k++) {
      /* A place is believed only if its column agrees, so that nothing has to
       * be cleared before the next batch. */
      uint32_t place = groups->places[columns[k]];
      if (place >= count || groups->columns[place] != columns[k]) {
        place = count++;
        groups->places[columns[k]] = place;
        groups->columns[place] = columns[k];
        groups->ends[place] = 0;
      }
      groups->ends[place]++;
    }
  }
  uint32_t total = 0;
  for (uint32_t place = 0; place < count; place++) {
    const uint32_t length = groups->ends[place];
    groups->ends[place] = total;
    total += length;
  }
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t k = row_starts[rows[i]]; k < row_starts[rows[i] + 1]; k++)
      elements[groups->ends[groups->places[columns[k]]]++] =
          (ELEMENT){X[k], (uint32_t)i};
  groups->count = count;
}

static inline void NAME(sparse_pack)(const void *rows, ptrdiff_t n,
                                     ptrdiff_t width, void *packed) {
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  const REAL *row = rows;
  REAL *to = packed;
  for (ptrdiff_t i = 0; i < n; i++, row += width)
    for (ptrdiff_t v = 0; v < vectors; v++, to += LANES)
      STORE(to, NAME(load_vector)(row, v, width));
}

static inline void NAME(sparse_unpack)(const void *packed, ptrdiff_t n,
                                       ptrdiff_t width, void *rows) {
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  const REAL *from = packed;
  REAL *row = rows;
  for (ptrdiff_t i = 0; i < n; i++, row += width)
    for (ptrdiff_t v = 0; v < vectors; v++, from += LANES)
      NAME(store_vector)(row, v, width, LOAD(from));
}

/* Whether it makes weights others: not where no step is missing. */
CYMLP_INLINE int NAME(moves)(const REAL *power) {
  return power[2] != 0 || power[3] != 0;
}

/* U += x w for the entries of one column and `count` vectors from `first` on.
 */
CYMLP_INLINE void NAME(sparse_forward_tile)(
    int count, ptrdiff_t first, const ELEMENT *element, const ELEMENT *end,
    const REAL *weights, const REAL *velocity, const REAL *power,
    ptrdiff_t width, REAL *U, ptrdiff_t stride) {
  VEC w[MOST_VECTORS];
  CYMLP_EACH (v, count) w[v] = NAME(load_vector)(weights, first + v, width);
  if (power != NULL && NAME(moves)(power))
    CYMLP_EACH (v, count)
      w[v] += power[2] * NAME(load_vector)(velocity, first + v, width) +
              power[3] * w[v];
  for (; element < end; element++) {
    REAL *u = U + (ptrdiff_t)element->sample * stride + first * LANES;
    CYMLP_EACH (v, count)
      STORE(u + v * LANES, LOAD(u + v * LANES) + element->value * w[v]);
  }
}

static inline void NAME(sparse_forward)(const cymlp_groups *groups,
                                        const cymlp_rows *weights,
                                        const void *base, void *sums,
                                        ptrdiff_t n) {
  const ptrdiff_t width = weights->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const REAL *W = weights->weights, *V = weights->velocity;
  const REAL *powers = weights->powers;
  REAL *U = sums;
  for (ptrdiff_t i = 0; i < n; i++)
    NAME(sparse_pack)(base, 1, width, U + i * stride);
  for (ptrdiff_t group = 0; group < groups->count; group++) {
    if (group + NAME(rows_ahead) < groups->count) {
      const ptrdiff_t ahead = group + NAME(rows_ahead);
      const ptrdiff_t next = groups->columns[ahead] * width;
      NAME(fetch)(W + next, width);
      if (powers != NULL && NAME(moves)(powers + 4 * ahead))
        NAME(fetch)(V + next, width);
    }
    const ELEMENT *begin = NAME(group_begin)(groups, group);
    const ELEMENT *end = NAME(group_end)(groups, group);
    const ptrdiff_t at = groups->columns[group] * width;
    const REAL *power = powers == NULL ? NULL : powers + 4 * group;
    const REAL *v = powers == NULL ? NULL : V + at;
    for (ptrdiff_t first = 0, count; first < vectors; first += count) {
      count = NAME(tile_of)(vectors - first);
#define TILE(number)                                                     \
  NAME(sparse_forward_tile)(number, first, begin, end, W + at, v, power, \
                            width, U, stride)
      WITH_COUNT(count, TILE)
#undef TILE
    }
  }
}

/* The gradient in `count` vectors of one column's weights. */
CYMLP_INLINE void NAME(sparse_gradient_tile)(int count, ptrdiff_t first,
                                             const ELEMENT *element,
                                             const ELEMENT *end, const REAL *D,
                                             ptrdiff_t stride, VEC *gradient) {
  CYMLP_EACH (v, count) memset(&gradient[v], 0, sizeof gradient[v]);
  for (; element < end; element++) {
    const REAL *d = D + (ptrdiff_t)element->sample * stride + first * LANES;
    CYMLP_EACH (v, count) gradient[v] += element->value * LOAD(d + v * LANES);
  }
}

static inline void NAME(sparse_gradient)(const cymlp_groups *groups,
                                         ptrdiff_t group, const void *D,
                                         ptrdiff_t width, void *gradient) {
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const ELEMENT *begin = NAME(group_begin)(groups, group);
  const ELEMENT *end = NAME(group_end)(groups, group);
  for (ptrdiff_t first = 0, count; first < vectors; first += count) {
    VEC sums[MOST_VECTORS];
    count = NAME(tile_of)(vectors - first);
#define TILE(number)                                                      \
  NAME(sparse_gradient_tile)(number, first, begin, end, D, stride, sums); \
  CYMLP_EACH (v, number) NAME(store_vector)(gradient, first + v, width, sums[v])
    WITH_COUNT(count, TILE)
#undef TILE
  }
}

/* (v, w) <- power (v, w) + (g, -rate g) for `count` vectors of a row. */
CYMLP_INLINE void NAME(sparse_move_tile)(int count, ptrdiff_t first,
                                         const VEC *gradient, REAL rate,
                                         const REAL *power, REAL *weights,
                                         REAL *velocity, ptrdiff_t width) {
  VEC w[MOST_VECTORS], velocities[MOST_VECTORS];
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

/* Which numbers of a row's last vector are not in the one before it. */
static inline VEC NAME(own_lanes)(ptrdiff_t width) {
  const ptrdiff_t own = width - (NAME(vectors_in)(width) - 1) * LANES;
  REAL lanes[LANES];
  VEC result;
  for (ptrdiff_t lane = 0; lane < LANES; lane++)
    lanes[lane] = width < LANES || lane >= LANES - own;
  memcpy(&result, lanes, sizeof result);
  return result;
}

CYMLP_INLINE void NAME(sparse_backward_tile)(
    int count, ptrdiff_t first, const ELEMENT *element, const ELEMENT *end,
    const REAL *D, ptrdiff_t stride, REAL rate, const REAL *power,
    REAL *weights, REAL *velocity, ptrdiff_t width, VEC own, VEC *squares) {
  VEC g[MOST_VECTORS];
  NAME(sparse_gradient_tile)(count, first, element, end, D, stride, g);
  CYMLP_EACH (v, count - 1) *squares += g[v] * g[v];
  *squares += own * g[count - 1] * g[count - 1];
  NAME(sparse_move_tile)(count, first, g, rate, power, weights, velocity,
                         width);
}

static inline double NAME(sparse_backward)(const cymlp_groups *groups,
                                           const void *gradient, double rate,
                                           const cymlp_rows *weights) {
  enum { SQUARES_AT_A_TIME = 16 }; /* so that float32 loses few digits */
  const ptrdiff_t width = weights->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width), stride = vectors * LANES;
  const REAL *D = gradient;
  REAL *W = weights->weights, *V = weights->velocity;
  const VEC last = NAME(own_lanes)(width), all = last * 0 + 1;
  VEC squares = last * 0;
  double total = 0;
  /* From the end, where the rows are that the way forward has left in the
   * cache. */
  for (ptrdiff_t group = groups->count - 1; group >= 0; group--) {
    if (group >= NAME(rows_ahead)) {
      const ptrdiff_t next = groups->columns[group - NAME(rows_ahead)] * width;
      NAME(fetch)(W + next, width);
      NAME(fetch)(V + next, width);
    }
    const ELEMENT *begin = NAME(group_begin)(groups, group);
    const ELEMENT *end = NAME(group_end)(groups, group);
    const ptrdiff_t at = groups->columns[group] * width;
    const REAL *power = (const REAL *)weights->powers + 4 * group;
    for (ptrdiff_t first = 0, count; first < vectors; first += count) {
      count = NAME(tile_of)(vectors - first);
      const VEC own = first + count == vectors ? last : all;
#define TILE(number)                                                           \
  NAME(sparse_backward_tile)(number, first, begin, end, D, stride, (REAL)rate, \
                             power, W + at, V + at, width, own, &squares)
      WITH_COUNT(count, TILE)
#undef TILE
    }
    if (group % SQUARES_AT_A_TIME == 0) {
      total += NAME(sum)(squares);
      squares = last * 0;
    }
  }
  return total;
}

static inline void NAME(sparse_move)(const cymlp_rows *rows, ptrdiff_t n) {
  const ptrdiff_t width = rows->width;
  const ptrdiff_t vectors = NAME(vectors_in)(width);
  REAL *W = rows->weights, *V = rows->velocity;
  const REAL *power = rows->powers;
  VEC zeros[MOST_VECTORS];
  memset(zeros, 0, sizeof zeros);
  for (ptrdiff_t i = 0; i < n; i++, W += width, V += width, power += 4)
    for (ptrdiff_t first = 0, count; first < vectors; first += count) {
      count = NAME(tile_of)(vectors - first);
#define TILE(number) \
  NAME(sparse_move_tile)(number, first, zeros, 0, power, W, V, width)
      WITH_COUNT(count, TILE)
#undef TILE
    }
}
