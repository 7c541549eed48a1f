/* The interface of the kernels: a table of functions for float and one for
 * double.
 *
 * The kernels are compiled once for each instruction set; the best set that the
 * processor supports is chosen on import. Void pointers refer to values of the
 * table's precision, unless stated otherwise.
 *
 * Padded matrices have rows of `stride` values, a multiple of `lanes`, with
 * zeros beyond their width. */
#ifndef CYMLP_KERNELS_H
#define CYMLP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The update of a padded matrix of weights w with its gradient g:
 * v <- momentum v + d with d = g + weight_decay w, then
 * w <- w - velocity_rate v - direction_rate d. If velocity is NULL, g is added
 * to `gradient` instead. */
typedef struct {
  void *weights, *velocity, *gradient;
  double momentum, weight_decay, velocity_rate, direction_rate;
} cymlp_step;

/* The step of Adam with the gradient g: m <- beta_1 m + rest_1 d and
 * v <- beta_2 v + rest_2 d^2 with d = g + weight_decay w, then
 * w <- w - step_size m / (root_factor sqrt(v) + epsilon). */
typedef struct {
  double beta_1, rest_1, beta_2, rest_2;
  double weight_decay, step_size, root_factor, epsilon;
} cymlp_adam;

/* The element types of X: NumPy's name, the type in C, and the macro that
 * converts a value. A new type needs only a line here. */
#define CYMLP_ELEMENT_TYPES(LINE)          \
  LINE(bool, uint8_t, CYMLP_AS_IT_IS)      \
  LINE(uint8, uint8_t, CYMLP_AS_IT_IS)     \
  LINE(int8, int8_t, CYMLP_AS_IT_IS)       \
  LINE(uint16, uint16_t, CYMLP_AS_IT_IS)   \
  LINE(int16, int16_t, CYMLP_AS_IT_IS)     \
  LINE(float16, uint16_t, CYMLP_FROM_HALF) \
  LINE(float32, float, CYMLP_AS_IT_IS)     \
  LINE(float64, double, CYMLP_AS_IT_IS)

#define CYMLP_ENUMERATOR(name, type, convert) CYMLP_##name,
enum { CYMLP_ELEMENT_TYPES(CYMLP_ENUMERATOR) CYMLP_N_ELEMENT_TYPES };
#undef CYMLP_ENUMERATOR

/* X as the user passes it: rows of n_features values x of an element type,
 * which stand for (x - shift) / divisor. Before, values outside their bounds
 * are set to the nearer bound, unless they are infinite. */
typedef struct {
  const void *values;
  int type; /* index in CYMLP_ELEMENT_TYPES */
  size_t itemsize;
  ptrdiff_t n_features;
  const double *shift, *divisor; /* (n_features), or NULL: x is not scaled */
  const double *lower, *upper;   /* (n_features), or NULL: x has no bounds */
} cymlp_inputs;

/* X in block sparse form: X = S + 1 fill_values^T. A row is divided into
 * blocks of 4 neighbouring values, and only blocks of S that are not all zero
 * are stored. A stored block is its index within the row, 2 bytes, followed by
 * its 4 values or, with a codebook, by a code of one byte for each:
 * S = (codebook[code] - codebook_offsets) scales. */
typedef struct {
  const ptrdiff_t *indptr; /* (n_samples + 1), begins of rows in `blocks` */
  const char *blocks;
  const void *codebook;         /* (256), or NULL */
  const void *fill_values;      /* (4 blocks_per_row) */
  const void *codebook_offsets; /* (4 blocks_per_row), with a codebook */
  const void *scales;           /* (4 blocks_per_row), or NULL: all are 1 */
  ptrdiff_t blocks_per_row;
} cymlp_block_sparse;

/* A codebook under construction, with a hash table: the bits of a value are
 * multiplied, and the upper bits of the product are its slot, which holds its
 * code. The multiplier is chosen so that no two values share a slot. Finding a
 * code then needs neither a loop nor a branch. */
#define CYMLP_SLOT_BITS 13
#define CYMLP_MAX_CODES 256
typedef struct {
  void *codebook; /* (256) */
  int count;      /* of values in it */
  uint64_t multiplier;
  uint8_t slots[1 << CYMLP_SLOT_BITS];
} cymlp_codes;

/* Settings, results and working memory of the block sparse encoder. */
typedef struct {
  const void *fill_values; /* (4 blocks_per_row) */
  ptrdiff_t blocks_per_row;
  cymlp_codes *codes;      /* NULL: values of S are stored, not codes */
  void *max_magnitudes;    /* (4 blocks_per_row), of values other than the fill
                              value: 0 if none, infinity if one is not finite */
  void *row;               /* (4 blocks_per_row), zeros at first */
  uint16_t *block_indices; /* [blocks_per_row] */
} cymlp_encoder;

/* Samples first..first + n - 1 of a batch in block sparse form, sorted by block
 * index. Block index b has counts[b] entries from entries[b n] on, each with
 * the position of its sample's sums in those of the batch. */
typedef struct {
  ptrdiff_t first, n;
  void *entries;    /* n blocks_per_row of entry_size bytes */
  uint32_t *counts; /* [blocks_per_row] */
} cymlp_transposed_slice;

/* A batch of CSR rows, transposed: one segment of entries for each feature
 * that occurs, in the order of first occurrence. */
typedef struct {
  ptrdiff_t n_segments;
  int *features;          /* [n_segments] */
  uint32_t *segment_ends; /* [n_segments], ends in `entries` */
  void *entries;        /* values, each with the sample's index in the batch */
  uint32_t *segment_of; /* [n_features], arbitrary if the feature is absent */
} cymlp_transposed_batch;

/* Rows of weights and velocities, not padded, and powers: 2 x 2 matrices that
 * advance (v, w), each four values, the last minus 1, so that it keeps its
 * digits if it is close to 1. */
typedef struct {
  void *weights, *velocity;
  const void *powers;
  ptrdiff_t width;
} cymlp_weight_rows;

/* In all functions, `indices` are the n samples of a batch, followed by the
 * n_ahead samples that are read next, which are prefetched. */
typedef struct {
  ptrdiff_t lanes;       /* values in a vector */
  size_t entry_size;     /* bytes of an entry of block_sparse_transpose */
  size_t csr_entry_size; /* bytes of an entry of csr_transpose */

  /* rows (n, n_features) <- X[indices]. */
  void (*read_rows)(const cymlp_inputs *inputs, const ptrdiff_t *indices,
                    ptrdiff_t n, ptrdiff_t n_ahead, void *rows);

  /* U (n, stride) <- bias + A W. A has pointers to the rows of the n samples
   * and of the n_ahead next ones; W (n_in, stride). */
  void (*dense_forward)(const void *const *A, ptrdiff_t n, ptrdiff_t n_ahead,
                        ptrdiff_t n_in, const void *W, const void *bias,
                        void *U, ptrdiff_t stride);
  /* Update rows first..end - 1 of weights with A^T D, D (n, stride); return its
   * sum of squares. */
  double (*dense_backward)(const void *const *A, ptrdiff_t n, ptrdiff_t first,
                           ptrdiff_t end, const void *D, ptrdiff_t stride,
                           const cymlp_step *step);
  /* The same with D in panels, for at most max_rows samples: faster from
   * stride `wide` on. */
  ptrdiff_t wide, max_rows;
  double (*wide_backward)(const void *const *A, ptrdiff_t n, ptrdiff_t first,
                          ptrdiff_t end, const void *D, ptrdiff_t stride,
                          const cymlp_step *step);

  /* Matrices in panels of so many columns: all rows of the first columns, then
   * all rows of the next, with zeros beyond the width. */
  ptrdiff_t panel;
  /* Write rows first..end - 1 of the panels of B (n, width); columns first..end
   * - 1 of the panels of its transpose. */
  void (*pack_panels)(const void *B, ptrdiff_t n, ptrdiff_t width,
                      ptrdiff_t first, ptrdiff_t end, void *panels);
  void (*pack_transposed)(const void *B, ptrdiff_t width, ptrdiff_t first,
                          ptrdiff_t end, void *panels);
  /* C (n, width) <- A B + bias, A (n, k), with B (k, width) in panels; a bias
   * of NULL is 0. Rows of C do not depend on other rows. */
  void (*panel_product)(const void *A, ptrdiff_t n, ptrdiff_t k, const void *B,
                        ptrdiff_t width, const void *bias, void *C);
  /* Rows first..end - 1 of G (n_in, width) <- A^T D, A (n, n_in), with
   * D (n, width) in panels. */
  void (*panel_gradient)(const void *A, ptrdiff_t n, ptrdiff_t n_in,
                         ptrdiff_t first, ptrdiff_t end, const void *D,
                         ptrdiff_t width, void *G);
  /* The sums of columns first..end - 1 of D (n, width), each over its rows. */
  void (*column_sums)(const void *D, ptrdiff_t n, ptrdiff_t width,
                      ptrdiff_t first, ptrdiff_t end, void *sums);

  /* Write the blocks of n samples from `first`, and the number of blocks of
   * each sample to `counts`. Return 0 if there are more than 256 different
   * values to code, otherwise 1. */
  int (*block_sparse_encode)(const cymlp_inputs *inputs, ptrdiff_t first,
                             ptrdiff_t n, const cymlp_encoder *encoder,
                             ptrdiff_t *counts, void *blocks);
  /* Sort the blocks of a slice; `indices` are its samples. */
  void (*block_sparse_transpose)(const cymlp_block_sparse *X,
                                 const ptrdiff_t *indices, ptrdiff_t n_ahead,
                                 ptrdiff_t stride,
                                 const cymlp_transposed_slice *slice);
  /* The rows of a slice of U (batch_size, stride) <- bias + X W,
   * W (4 blocks_per_row, stride). */
  void (*block_sparse_forward)(const cymlp_block_sparse *X,
                               const cymlp_transposed_slice *slice,
                               const void *W, const void *bias, void *U,
                               ptrdiff_t stride);
  /* Update the weights of blocks first..end - 1 with S^T D + fill_values db^T,
   * where db (stride) is the sum of D over the samples of all slices; return
   * its sum of squares. */
  double (*block_sparse_backward)(const cymlp_block_sparse *X,
                                  const cymlp_transposed_slice *slices,
                                  ptrdiff_t n_slices, ptrdiff_t first,
                                  ptrdiff_t end, const void *D, const void *db,
                                  ptrdiff_t stride, const cymlp_step *step);

  /* Transpose a batch of n CSR rows. */
  void (*csr_transpose)(const ptrdiff_t *indptr, const int *features,
                        const void *values, const ptrdiff_t *indices,
                        ptrdiff_t n, ptrdiff_t n_ahead,
                        cymlp_transposed_batch *batch);
  /* Convert rows (n, width) to whole vectors and back: the form of U and D
   * below. The last vector of a row may overlap the one before it. */
  void (*csr_pack)(const void *rows, ptrdiff_t n, ptrdiff_t width,
                   void *packed);
  void (*csr_unpack)(const void *packed, ptrdiff_t n, ptrdiff_t width,
                     void *rows);
  /* Vectors begin..end - 1 of the rows of U (n samples) <- bias + X W.
   * powers[s] first advances the weights of segment s, without storing them;
   * NULL if they are up to date. */
  void (*csr_forward)(const cymlp_transposed_batch *batch,
                      const cymlp_weight_rows *W, const void *bias, void *U,
                      ptrdiff_t n, ptrdiff_t begin, ptrdiff_t end);
  /* G (width) <- the row of X^T D for the feature of a segment. */
  void (*csr_gradient)(const cymlp_transposed_batch *batch, ptrdiff_t segment,
                       const void *D, ptrdiff_t width, void *G);
  /* (v, w) <- powers[s] (v, w) + (G, -rate G) for the weights of segments s in
   * first..end - 1, with G as above; return the sum of the squares of all G. */
  double (*csr_backward)(const cymlp_transposed_batch *batch, const void *D,
                         double rate, const cymlp_weight_rows *W,
                         ptrdiff_t first, ptrdiff_t end);
  /* (v, w) <- powers[i] (v, w) for the first n rows. */
  void (*csr_advance)(const cymlp_weight_rows *W, ptrdiff_t n);

  /* The step of Adam for the weights w (count), which change with m and v. */
  void (*adam_step)(const cymlp_adam *adam, void *w, void *m, void *v,
                    const void *g, ptrdiff_t count);

  /* y[i] <- f(x[i]); y may be x. */
  void (*exp)(const void *x, void *y, ptrdiff_t count);
  void (*expm1)(const void *x, void *y, ptrdiff_t count);
  void (*log)(const void *x, void *y, ptrdiff_t count);
  void (*log1p)(const void *x, void *y, ptrdiff_t count);
  void (*tanh)(const void *x, void *y, ptrdiff_t count);
  void (*erfc)(const void *x, void *y, ptrdiff_t count);
} cymlp_kernels;

typedef struct {
  const char *isa;
  cymlp_kernels f32, f64;
} cymlp_kernel_set;

/* The index-th instruction set that this processor supports, the best first;
 * NULL after the last, which is "plain". */
const cymlp_kernel_set *cymlp_supported_kernels(int index);

/* NumPy's name of an element type. */
const char *cymlp_element_type(int type);

#endif
