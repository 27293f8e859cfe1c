#include "base/hash.h"

#include "base/err.h"

#include <string.h>
#include <xxhash.h>

uint64_t hash_bytes(uint64_t seed, const void *data, int64_t bytes)
{
    return XXH3_64bits_withSeed(data, (size_t)bytes, seed);
}

uint64_t hash_u64(uint64_t seed, uint64_t value)
{
    return hash_bytes(seed, &value, (int64_t)sizeof value);
}

uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash_bytes(seed, text, (int64_t)strlen(text) + 1);
}

// HashStream is XXH3's own state under our name, so that <xxhash.h> stays in this file.
HashStream *hash_stream_open(void)
{
    XXH3_state_t *state = XXH3_createState();

    CHECK(state != NULL, "no memory for a hash state");
    XXH3_64bits_reset(state);
    return (HashStream *)state;
}

void hash_stream_add(HashStream *h, const void *data, int64_t bytes)
{
    XXH3_64bits_update((XXH3_state_t *)h, data, (size_t)bytes);
}

uint64_t hash_stream_close(HashStream *h)
{
    uint64_t sum = XXH3_64bits_digest((XXH3_state_t *)h);

    XXH3_freeState((XXH3_state_t *)h);
    return sum;
}
