// hash.h -- 64-bit sums of bytes (XXH3, xxHash 0.8), for finding damage and naming content.
#ifndef TD_BASE_HASH_H
#define TD_BASE_HASH_H

#include <stdint.h>

// Sum of `bytes` bytes, continuing from `seed`: chain calls to sum several pieces.  The same on
// every machine.  Not for secrets.
uint64_t hash_bytes(uint64_t seed, const void *data, int64_t bytes);

// Sum of a number or of a text with its final zero, so that neighbours cannot merge.
uint64_t hash_u64(uint64_t seed, uint64_t value);
uint64_t hash_text(uint64_t seed, const char *text);

// The sum of a long stream of bytes, piece by piece; equal to hash_bytes(0, all of it).
typedef struct HashStream HashStream;
HashStream               *hash_stream_open(void);
void                      hash_stream_add(HashStream *h, const void *data, int64_t bytes);
uint64_t                  hash_stream_close(HashStream *h); // frees it

#endif
