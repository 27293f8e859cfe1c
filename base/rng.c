#include "base/rng.h"

#include "base/err.h"
#include "base/hash.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

#include <math.h>
#include <string.h>

uint64_t rng_stream(const char *purpose, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t parts[3] = {a, b, c};
    uint64_t named = hash_bytes(0, purpose, (int64_t)strlen(purpose));

    return hash_bytes(named, parts, (int64_t)sizeof parts);
}

Rng rng_make(uint64_t seed, uint64_t stream, uint32_t index)
{
    return (Rng){.seed = seed, .stream = stream, .index = index};
}

static void next_block(Rng *r, uint32_t out[4])
{
    philox4x32_ctr_t counter = {
        {r->block, r->index, (uint32_t)r->stream, (uint32_t)(r->stream >> 32)}};
    philox4x32_key_t key = {{(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}};
    philox4x32_ctr_t numbers = philox4x32(counter, key);

    CHECK(r->block != UINT32_MAX, "a stream gave all its numbers");
    r->block++;
    for (int i = 0; i < 4; i++)
        out[i] = numbers.v[i];
}

uint32_t rng_u32(Rng *r)
{
    if (r->left == 0) {
        next_block(r, r->buffer);
        r->left = 4;
    }
    return r->buffer[4 - r->left--];
}

void rng_fill(Rng *r, uint32_t *out, int64_t count)
{
    int64_t i = 0;

    for (; i < count && r->left > 0; i++)
        out[i] = rng_u32(r);
    for (; i + 4 <= count; i += 4)
        next_block(r, out + i);
    for (; i < count; i++)
        out[i] = rng_u32(r);
}

uint64_t rng_u64(Rng *r)
{
    uint64_t low = rng_u32(r);

    return low | (uint64_t)rng_u32(r) << 32;
}

// Rejects the few numbers at the top that would favour small results.
uint64_t rng_below(Rng *r, uint64_t n)
{
    uint64_t limit, x;

    CHECK(n > 0, "below nothing");
    limit = UINT64_MAX - UINT64_MAX % n;
    do
        x = rng_u64(r);
    while (x >= limit);
    return x % n;
}

double rng_unit(Rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(Rng *r)
{
    double u = 1.0 - rng_unit(r), v = rng_unit(r);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
