/* Samples stored without the commonest values of their columns. A template, to
 * come after inputs.h, whose rows it reads. What is stored, is said in
 * kernels.h. */
#include <float.h>
#include <math.h>

#ifndef REAL /* as when this file is checked by itself */
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

/* Write the codes of 4 numbers; return whether all have one. */
static inline int NAME(encode)(cymlp_codes *codes, const REAL *x,
                               uint8_t *block) {
  const REAL *table = codes->table;
  uint64_t differences = 0;
  for (int j = 0; j < 4; j++) {
    block[j] = *NAME(slot_of)(codes, x[j]);
    differences |= NAME(bits_of)(x[j]) ^ NAME(bits_of)(table[block[j]]);
  }
  return differences == 0;
}

/* Find a multiplier that gives each number a slot of its own. */
static inline int NAME(find_slots)(cymlp_codes *codes) {
  enum { MOST_TRIES = 10000 };
  const REAL *table = codes->table;
  for (int attempt = 0; attempt < MOST_TRIES; attempt++) {
    int i = 0;
    for (; i < codes->count; i++) *NAME(slot_of)(codes, table[i]) = (uint8_t)i;
    while (i > 0 && *NAME(slot_of)(codes, table[i - 1]) == i - 1) i--;
    if (i == 0) return 1;
    codes->multiplier = codes->multiplier * 6364136223846793005u + 2;
  }
  return 0;
}

/* Give codes to those of 4 numbers that have none; 0 if there are too many. */
static inline int NAME(learn)(cymlp_codes *codes, const REAL *x) {
  REAL *table = codes->table;
  for (int j = 0; j < 4; j++) {
    const REAL found = table[*NAME(slot_of)(codes, x[j])];
    if (NAME(bits_of)(found) == NAME(bits_of)(x[j])) continue;
    if (codes->count == 256) return 0;
    table[codes->count++] = x[j];
    if (!NAME(find_slots)(codes)) return 0;
  }
  return 1;
}

/* Write the places of the blocks that are not all offset; return how many. */
static inline ptrdiff_t NAME(find_blocks)(const REAL *x, const REAL *offsets,
                                          ptrdiff_t n_places,
                                          uint16_t *places) {
  enum { WORDS = 4 * sizeof(REAL) / sizeof(uint64_t) };
  ptrdiff_t count = 0;
  for (ptrdiff_t place = 0; place < n_places; place++) {
    uint64_t numbers[WORDS], others[WORDS], differences = 0;
    memcpy(numbers, x + 4 * place, sizeof numbers);
    memcpy(others, offsets + 4 * place, sizeof others);
    for (int k = 0; k < WORDS; k++) differences |= numbers[k] ^ others[k];
    /* No branch: whether they differ cannot be guessed. */
    places[count] = (uint16_t)place;
    count += differences != 0;
  }
  return count;
}

/* Note the largest magnitude in each column of numbers that are not the offset:
 * infinity for NaN, and never 0, which says that there are none. */
static inline void NAME(note_largest)(const REAL *restrict x,
                                      const REAL *restrict offsets,
                                      REAL *restrict largest, ptrdiff_t n) {
  const REAL least = sizeof(REAL) == 4 ? (REAL)FLT_MIN : (REAL)DBL_MIN;
  for (ptrdiff_t k = 0; k < n; k++) {
    const REAL magnitude = x[k] < 0 ? -x[k] : x[k];
    const REAL finite = x[k] - x[k] == 0 ? magnitude : (REAL)HUGE_VAL;
    const REAL other = finite > least ? finite : least;
    const REAL noted = x[k] == offsets[k] ? 0 : other;
    largest[k] = noted > largest[k] ? noted : largest[k];
  }
}

/* Write some blocks of a row; return where they end, NULL if there are too
 * many codes. */
static inline uint8_t *NAME(write_blocks)(const REAL *x, const REAL *offsets,
                                          const uint16_t *places, ptrdiff_t n,
                                          cymlp_codes *codes, uint8_t *block) {
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t column = 4 * (ptrdiff_t)places[i];
    memcpy(block, &places[i], sizeof *places);
    block += sizeof *places;
    if (codes != NULL) {
      if (!NAME(encode)(codes, x + column, block) &&
          !(NAME(learn)(codes, x + column) &&
            NAME(encode)(codes, x + column, block)))
        return NULL;
      block += 4;
    } else {
      REAL differences[4];
      for (int j = 0; j < 4; j++)
        differences[j] = x[column + j] - offsets[column + j];
      memcpy(block, differences, sizeof differences);
      block += sizeof differences;
    }
  }
  return block;
}

static inline int NAME(compact_store)(const cymlp_inputs *inputs,
                                      ptrdiff_t first, ptrdiff_t n,
                                      const cymlp_storing *how,
                                      ptrdiff_t *counts, void *blocks) {
  enum { AHEAD = 2 };
  const size_t row_size = (size_t)inputs->n_in * inputs->number_size;
  const char *numbers =
      (const char *)inputs->numbers + (size_t)first * row_size;
  const REAL *offsets = how->offsets;
  REAL *x = how->row;
  uint8_t *block = blocks;
  for (ptrdiff_t i = 0; i < n; i++) {
    const char *row = numbers + (size_t)i * row_size;
    for (size_t byte = 0; byte < row_size && i + AHEAD < n; byte += 64)
      CYMLP_PREFETCH(row + AHEAD * row_size + byte);
    NAME(read_row)(row, inputs, x);
    counts[i] = NAME(find_blocks)(x, offsets, how->n_places, how->places);
    NAME(note_largest)(x, offsets, how->largest_other, inputs->n_in);
    block = NAME(write_blocks)(x, offsets, how->places, counts[i], how->codes,
                               block);
    if (block == NULL) return 0;
  }
  return 1;
}
