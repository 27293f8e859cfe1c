// rng.h -- random numbers by address: the same key always gives the same numbers.
//
// Philox4x32-10 (Salmon et al. 2011, from Random123).  A generator is named by a seed, a 64-bit
// stream and a 32-bit index; nothing is carried from one use to the next, so results depend on
// what is asked, never on who asks or in which order.
#ifndef TD_BASE_RNG_H
#define TD_BASE_RNG_H

#include <stdint.h>

typedef struct Rng {
    uint64_t seed;
    uint64_t stream;
    uint32_t index;
    uint32_t block;     // the next block of four numbers
    uint32_t buffer[4]; // the last block
    int      left;      // numbers of it that were not handed out yet
} Rng;

// What a stream is for; its name is part of the key, so that purposes never share numbers.
// a, b, c: whatever tells one use from another (iteration, request, sample, ...).
uint64_t rng_stream(const char *purpose, uint64_t a, uint64_t b, uint64_t c);

Rng rng_make(uint64_t seed, uint64_t stream, uint32_t index);

uint32_t rng_u32(Rng *r);
void     rng_fill(Rng *r, uint32_t *out, int64_t count); // with what rng_u32 would give
uint64_t rng_u64(Rng *r);
uint64_t rng_below(Rng *r, uint64_t n); // 0 .. n-1, without bias; n > 0
double   rng_unit(Rng *r);              // 0 <= u < 1, 53 bits
double   rng_normal(Rng *r);            // mean 0, variance 1 (Box-Muller, one of the pair)

#endif
