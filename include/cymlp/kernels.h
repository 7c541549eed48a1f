/* What a processor can do fast: a table of functions, for float and for double.
 *
 * The tables are compiled once for every instruction set that the compiler
 * knows and this kind of processor may have; which is used, is chosen when the
 * program starts. Who calls through a table cannot tell which it is. Numbers
 * behind a void pointer are of the table's precision.
 *
 * Some matrices are padded: their rows have `stride` numbers, a multiple of
 * `lanes`, with zeros beyond their width. */
#ifndef CYMLP_KERNELS_H
#define CYMLP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* What becomes of a gradient g of weights w, both padded: a step of gradient
 * descent with momentum, v <- momentum v + d with d = g + weight_decay w, then
 * w <- w - velocity_rate v - direction_rate d. Where velocity is NULL there is
 * no step, and g is added to what is in `gradient`. */
typedef struct {
  void *weights, *velocity, *gradient;
  double momentum, weight_decay, velocity_rate, direction_rate;
} cymlp_step;

/* Samples of mostly one value per column: X = S + 1 offsets^T. Of a row of S
 * those blocks of 4 neighbouring numbers are stored that are not all 0, each as
 * its place in the row, 2 bytes, and its 4 numbers; or where there is a table,
 * as its place and for each of its numbers one byte, its code, such that
 * S = (table[code] - taken) scales, with the columns' own taken and scales. */
typedef struct {
  const ptrdiff_t *row_starts; /* where each row begins among the blocks */
  const char *blocks;
  const void *table;   /* (256), or NULL */
  const void *offsets; /* (4 n_places) */
  const void *taken;   /* (4 n_places), if there is a table */
  const void *scales;  /* (4 n_places), or NULL where all are 1 */
  ptrdiff_t n_places;  /* of blocks in a whole row */
} cymlp_compact;

/* How numbers get codes: the bits of a number are multiplied, and the upper
 * ones of the product are its slot, which has its code. The multiplier is such
 * that no two numbers have the same slot, so that a number is found without a
 * loop or a branch. */
#define CYMLP_SLOT_BITS 13
typedef struct {
  void *table; /* (256), those with a code */
  int count;
  uint64_t multiplier;
  uint8_t slots[1 << CYMLP_SLOT_BITS];
} cymlp_codes;

/* What samples are stored compactly with. */
typedef struct {
  const void *offsets; /* (4 n_places) */
  ptrdiff_t n_places;
  cymlp_codes *codes; /* NULL for numbers as they are in S */
  void *
      largest_other; /* (4 n_places), largest magnitudes of what is no offset */
  void *row;         /* (4 n_places), for one of X, zeros to begin with */
  uint16_t *places;  /* [n_places], of its blocks */
} cymlp_storing;

/* Samples as a user stores them: rows of n_in numbers x, each of which stands
 * for (x - shift) / divisor with the shift and divisor of its column. */
typedef enum {
  CYMLP_UINT8,
  CYMLP_INT8,
  CYMLP_UINT16,
  CYMLP_INT16,
  CYMLP_FLOAT16,
  CYMLP_FLOAT32,
  CYMLP_FLOAT64
} cymlp_type;

typedef struct {
  const void *numbers;
  cymlp_type type;
  size_t number_size; /* bytes */
  ptrdiff_t n_in;
  const double *shift, *divisor; /* (n_in), or NULL for x as it is */
} cymlp_inputs;

/* The entries of a batch of sparse samples, grouped by their columns, in the
 * order in which these are met. */
typedef struct {
  ptrdiff_t count;  /* of columns that have entries */
  int *columns;     /* [count], different ones */
  uint32_t *ends;   /* [count], where the elements of each end */
  void *elements;   /* values, each with its sample's number in the batch */
  uint32_t *places; /* [all columns], where each is in `columns`, if it is */
} cymlp_groups;

/* Rows of weights and their velocity, not padded, and for some of the rows the
 * 2 x 2 matrix that takes (v, w) to where they are now: four numbers, the last
 * less 1, so that it keeps its digits where next to nothing changes. */
typedef struct {
  void *weights, *velocity;
  const void *powers;
  ptrdiff_t width;
} cymlp_rows;

typedef struct {
  ptrdiff_t lanes;     /* numbers in a vector */
  size_t entry_size;   /* bytes of an entry, see compact_sort */
  size_t element_size; /* bytes of an element, see cymlp_groups */

  /* rows (n, n_in) <- those of `order`, which goes on with n_ahead rows that
   * will be needed next. */
  void (*read_rows)(const cymlp_inputs *inputs, const ptrdiff_t *order,
                    ptrdiff_t n, ptrdiff_t n_ahead, void *rows);

  /* U (n, stride) <- base + A W, where A[i] is the row of a sample and W
   * (n_in, stride). A goes on with n_ahead rows that will be needed next. */
  void (*dense_forward)(const void *const *A, ptrdiff_t n, ptrdiff_t n_ahead,
                        ptrdiff_t n_in, const void *W, const void *base,
                        void *U, ptrdiff_t stride);
  /* A step with A^T D, where D (n, stride); returns the sum of its squares. */
  double (*dense_backward)(const void *const *A, ptrdiff_t n, ptrdiff_t n_in,
                           const void *D, ptrdiff_t stride,
                           const cymlp_step *step);

  /* Write the blocks of n samples one after the other, and how many each has;
   * false if there are more than 256 different numbers to give codes. */
  int (*compact_store)(const cymlp_inputs *inputs, ptrdiff_t first, ptrdiff_t n,
                       const cymlp_storing *how, ptrdiff_t *counts,
                       void *blocks);
  /* Sort the blocks of n samples by place, as entries with the sample's number
   * in the batch: those of place b are entries[b n], ..., counts[b] of them.
   * `order` goes on as A above. */
  void (*compact_sort)(const cymlp_compact *rows, const ptrdiff_t *order,
                       ptrdiff_t n, ptrdiff_t n_ahead, ptrdiff_t stride,
                       void *entries, uint32_t *counts);
  /* U (n, stride) <- base + X W with S in the entries and W (4 n_places,
   * stride)
   */
  void (*compact_forward)(const cymlp_compact *rows, const void *entries,
                          const uint32_t *counts, ptrdiff_t n, const void *W,
                          const void *base, void *U, ptrdiff_t stride);
  /* A step with S^T D + offsets db^T; returns the sum of its squares. */
  double (*compact_backward)(const cymlp_compact *rows, const void *entries,
                             const uint32_t *counts, ptrdiff_t n, const void *D,
                             const void *db, ptrdiff_t stride,
                             const cymlp_step *step);

  /* Groups the entries of n samples. `rows` goes on as above. */
  void (*sparse_group)(const ptrdiff_t *row_starts, const int *columns,
                       const void *values, const ptrdiff_t *rows, ptrdiff_t n,
                       ptrdiff_t n_ahead, cymlp_groups *groups);
  /* Between rows (n, width) and whole vectors, of which the last overlaps the
   * one before it if need be: the form of U and D below. */
  void (*sparse_pack)(const void *rows, ptrdiff_t n, ptrdiff_t width,
                      void *packed);
  void (*sparse_unpack)(const void *packed, ptrdiff_t n, ptrdiff_t width,
                        void *rows);
  /* U (n samples) <- base + S W, with S in the groups and W where powers[g]
   * takes the row of the g-th column, or as it is if there are none. */
  void (*sparse_forward)(const cymlp_groups *groups, const cymlp_rows *W,
                         const void *base, void *U, ptrdiff_t n);
  /* G (width) <- the row of S^T D for the g-th column. */
  void (*sparse_gradient)(const cymlp_groups *groups, ptrdiff_t g,
                          const void *D, ptrdiff_t width, void *G);
  /* (v, w) <- powers[g] (v, w) + (G, -rate G) for the row of every column in
   * the groups, with G as above; returns the sum of the squares of all G. */
  double (*sparse_backward)(const cymlp_groups *groups, const void *D,
                            double rate, const cymlp_rows *W);
  /* (v, w) <- powers[i] (v, w) for rows 0..n-1. */
  void (*sparse_move)(const cymlp_rows *W, ptrdiff_t n);

  /* y[i] <- f(x[i]), where y may be x. */
  void (*exp)(const void *x, void *y, ptrdiff_t count);
  void (*expm1)(const void *x, void *y, ptrdiff_t count);
  void (*log)(const void *x, void *y, ptrdiff_t count);
  void (*log1p)(const void *x, void *y, ptrdiff_t count);
  void (*tanh)(const void *x, void *y, ptrdiff_t count);
} cymlp_kernels;

typedef struct {
  const char *isa;
  cymlp_kernels f32, f64;
} cymlp_kernel_set;

/* The kernels for an instruction set: "avx512", "avx2" or "plain"; the best
 * that this processor has for NULL. NULL where there are none, or the processor
 * has not this instruction set. */
const cymlp_kernel_set *cymlp_find_kernels(const char *isa);

#endif
