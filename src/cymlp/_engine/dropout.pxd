"""Dropout: for each sample, a random share of a hidden layer's units is set to 0.

The other values are divided by the share that is kept, so that predictions need no
correction. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014): the i-th value of a stream is a function
of its key and i alone, so that drawing a mask needs no state.
"""

from cython cimport floating
from libc.stdint cimport uint64_t


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


cdef inline uint64_t stream(uint64_t seed, uint64_t index) noexcept nogil:
    """Return the key of the index-th stream of a seed."""
    return mix(seed + (index + 1) * <uint64_t> 0x9E3779B97F4A7C15)


cdef inline void draw_mask(
    uint64_t key, double rate,
    Py_ssize_t first,       # the position of mask[0] in the mask of the batch
    floating *mask,         # OUT (count) 0 or 1 / (1 - rate)
    Py_ssize_t count
) noexcept nogil:
    cdef uint64_t threshold = <uint64_t> (rate * 18446744073709551616.0)
    cdef floating kept = <floating> (1 / (1 - rate))
    cdef Py_ssize_t i
    for i in range(count):
        mask[i] = (
            kept if stream(key, <uint64_t> (first + i)) >= threshold else <floating> 0
        )


cdef inline void apply_mask(
    const floating *mask,    # IN  (count)
    const floating *values,  # IN  (count)
    floating *masked,        # OUT (count), may be values
    Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        masked[i] = mask[i] * values[i]
