// near_lcs.h -- one text as the pattern of bit-parallel LCS (Hyyro 2004), 64 tokens per word, of
// any length.  For near*.c and their tests.
//
// A vector of ones stands for the pattern; each token of the other text turns
// v = (v + (v & m)) | (v & ~m), where m marks its places in the pattern.  Zeros in v count the LCS.
#ifndef TD_DATAGEN_NEAR_LCS_H
#define TD_DATAGEN_NEAR_LCS_H

#include "datagen/near/near.h"

#include <stdint.h>

typedef struct NearPattern {
    const uint32_t *token;
    int64_t         count;
    int64_t         words;  // of 64 places
    int32_t        *row_of; // by token, below `limit`: row + 1, 0 where the pattern has not got it
    int64_t         limit;
    uint64_t       *row; // [rows][words], one row per token: its places
    uint64_t       *v;   // [words]
} NearPattern;

// `row_of` [limit] is the caller's, all zero; tokens from `limit` on match nothing.
NearPattern near_pattern(Arena *scratch, const uint32_t *token, int64_t count, int32_t *row_of,
                         int64_t limit);
void        near_pattern_done(const NearPattern *p); // row_of is all zero again

// Rows of the tokens that the pattern has, in order; returns how many.  rows [count + 1].
int64_t near_pattern_rows(const NearPattern *p, const uint32_t *token, int64_t count,
                          int32_t *rows);
int64_t near_pattern_lcs(const NearPattern *p, const int32_t *rows, int64_t count);

#endif
