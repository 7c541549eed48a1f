/* Encodes X in block sparse form; see cymlp_block_sparse in kernels.h. A
 * template, to be included after inputs.h, which reads the rows. */
#include <float.h>
#include <math.h>

#ifndef REAL /* when this file is compiled by itself */
#include "inputs.h"
#endif

static inline uint64_t NAME(bits_of)(REAL x) {
  uint32_t bits;
  uint64_t long_bits;
  if (sizeof x == sizeof long_bits) {
    memcpy(&long_bits, &x, sizeof x);
    return long_bits;
  }
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline uint8_t *NAME(slot_of)(cymlp_codes *codes, REAL x) {
  return &codes->slots[NAME(bits_of)(x) * codes->multiplier >>
                       (64 - CYMLP_SLOT_BITS)];
}

/* Write the codes of 4 values; return 0 if one is not in the codebook. */
static inline int NAME(encode)(cymlp_codes *codes, const REAL *x,
                               uint8_t *block) {
  const REAL *codebook = codes->codebook;
  uint64_t differences = 0;
  for (int j = 0; j < 4; j++) {
    block[j] = *NAME(slot_of)(codes, x[j]);
    differences |= NAME(bits_of)(x[j]) ^ NAME(bits_of)(codebook[block[j]]);
  }
  return differences == 0;
}

/* Find a multiplier that gives each value a slot of its own. */
static inline int NAME(find_slots)(cymlp_codes *codes) {
  enum { MAX_ATTEMPTS = 10000 };
  const REAL *codebook = codes->codebook;
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    int i = 0;
    for (; i < codes->count; i++)
      *NAME(slot_of)(codes, codebook[i]) = (uint8_t)i;
    while (i > 0 && *NAME(slot_of)(codes, codebook[i - 1]) == i - 1) i--;
    if (i == 0) return 1;
    codes->multiplier = codes->multiplier * 6364136223846793005u + 2;
  }
  return 0;
}

/* Add 4 values to the codebook; return 0 if it is full. */
static inline int NAME(learn)(cymlp_codes *codes, const REAL *x) {
  REAL *codebook = codes->codebook;
  for (int j = 0; j < 4; j++) {
    const REAL found = codebook[*NAME(slot_of)(codes, x[j])];
    if (NAME(bits_of)(found) == NAME(bits_of)(x[j])) continue;
    if (codes->count == CYMLP_MAX_CODES) return 0;
    codebook[codes->count++] = x[j];
    if (!NAME(find_slots)(codes)) return 0;
  }
  return 1;
}

/* Write the indices of the blocks that differ from the fill values; return
 * their number. */
static inline ptrdiff_t NAME(find_blocks)(const REAL *x,
                                          const REAL *fill_values,
                                          ptrdiff_t blocks_per_row,
                                          uint16_t *block_indices) {
  enum { WORDS = 4 * sizeof(REAL) / sizeof(uint64_t) };
  ptrdiff_t count = 0;
  for (ptrdiff_t block_index = 0; block_index < blocks_per_row; block_index++) {
    uint64_t values[WORDS], fill[WORDS], differences = 0;
    memcpy(values, x + 4 * block_index, sizeof values);
    memcpy(fill, fill_values + 4 * block_index, sizeof fill);
    for (int k = 0; k < WORDS; k++) differences |= values[k] ^ fill[k];
    /* No branch, because it could not be predicted. */
    block_indices[count] = (uint16_t)block_index;
    count += differences != 0;
  }
  return count;
}

/* Update the largest magnitude of each feature's values other than the fill
 * value. NaN counts as infinity, and 0 as the smallest normal value, because a
 * result of 0 means that there are no other values. */
static inline void NAME(update_max_magnitudes)(const REAL *restrict x,
                                               const REAL *restrict fill_values,
                                               REAL *restrict max_magnitudes,
                                               ptrdiff_t n) {
  const REAL smallest = sizeof(REAL) == 4 ? (REAL)FLT_MIN : (REAL)DBL_MIN;
  for (ptrdiff_t k = 0; k < n; k++) {
    const REAL magnitude = x[k] < 0 ? -x[k] : x[k];
    const REAL ordered = x[k] - x[k] == 0 ? magnitude : (REAL)HUGE_VAL;
    const REAL positive = ordered > smallest ? ordered : smallest;
    const REAL result = x[k] == fill_values[k] ? 0 : positive;
    max_magnitudes[k] = result > max_magnitudes[k] ? result : max_magnitudes[k];
  }
}

/* Write the blocks of a row; return their end, or NULL if the codebook is full.
 */
static inline uint8_t *NAME(write_blocks)(const REAL *x,
                                          const REAL *fill_values,
                                          const uint16_t *block_indices,
                                          ptrdiff_t n, cymlp_codes *codes,
                                          uint8_t *block) {
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t column = 4 * (ptrdiff_t)block_indices[i];
    memcpy(block, &block_indices[i], sizeof *block_indices);
    block += sizeof *block_indices;
    if (codes != NULL) {
      if (!NAME(encode)(codes, x + column, block) &&
          !(NAME(learn)(codes, x + column) &&
            NAME(encode)(codes, x + column, block)))
        return NULL;
      block += 4;
    } else {
      REAL differences[4];
      for (int j = 0; j < 4; j++)
        differences[j] = x[column + j] - fill_values[column + j];
      memcpy(block, differences, sizeof differences);
      block += sizeof differences;
    }
  }
  return block;
}

static inline int NAME(block_sparse_encode)(const cymlp_inputs *inputs,
                                            ptrdiff_t first, ptrdiff_t n,
                                            const cymlp_encoder *encoder,
                                            ptrdiff_t *counts, void *blocks) {
  enum { AHEAD = 2 };
  const size_t row_size = (size_t)inputs->n_features * inputs->itemsize;
  const char *values = (const char *)inputs->values + (size_t)first * row_size;
  const REAL *fill_values = encoder->fill_values;
  REAL *x = encoder->row;
  uint8_t *block = blocks;
  for (ptrdiff_t i = 0; i < n; i++) {
    const char *row = values + (size_t)i * row_size;
    if (i + AHEAD < n)
      cymlp_prefetch(row + AHEAD * row_size, (ptrdiff_t)row_size);
    NAME(read_row)(row, inputs, x);
    counts[i] = NAME(find_blocks)(x, fill_values, encoder->blocks_per_row,
                                  encoder->block_indices);
    NAME(update_max_magnitudes)(x, fill_values, encoder->max_magnitudes,
                                inputs->n_features);
    block = NAME(write_blocks)(x, fill_values, encoder->block_indices,
                               counts[i], encoder->codes, block);
    if (block == NULL) return 0;
  }
  return 1;
}
