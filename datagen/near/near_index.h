// near_index.h -- accepted texts in blocks, and how similar a text is to all of them.  For near*.c.
//
// Similarity is kept as a number that orders pairs without rounding: 2 LCS / (a + b) in one
// division, or the published formula in double (NearCompare).  Sums for the mean are whole numbers
// of 2^-61, so that their order does not matter.
#ifndef TD_DATAGEN_NEAR_INDEX_H
#define TD_DATAGEN_NEAR_INDEX_H

#include "datagen/near/near_block.h"

#include <stdint.h>

enum { NEAR_INVERSES = 1024 };

typedef struct NearList { // numbers that become more
    int64_t *at;
    int64_t  count, capacity;
} NearList;

typedef struct NearShelf { // texts ready to be compared with
    NearBlock     **block;
    int64_t         blocks;
    const NearItem *tall; // too long for lanes
    int64_t         talls;
} NearShelf;

typedef struct NearIndex {
    Arena      *arena; // borrowed; all of it grows there
    NearSpec    spec;
    NearItem   *item; // [count]
    int64_t     count, capacity;
    uint32_t   *room; // for tokens
    int64_t     room_left;
    NearBlock **block; // [blocks], full ones
    int64_t     blocks, block_capacity;
    NearList    open[NEAR_WIDTHS + 1];  // texts that are in no block, by width; the last are tall
    uint64_t    inverse[NEAR_INVERSES]; // 2^62 / n
} NearIndex;

typedef struct NearBest {
    double  key;
    int64_t index, lcs, count; // of the accepted text
} NearBest;

typedef struct NearScore {
    uint64_t sum_low, sum_high; // of F over texts, in 2^-61
    int64_t  bests;
    NearBest best[NEAR_TOP]; // falling; the lower index first among equals; none with LCS 0
} NearScore;

NearIndex *near_index_make(Arena *arena, const NearSpec *spec);
// Copies the tokens.
void near_index_add(NearIndex *n, const uint32_t *token, int64_t count);

// Full blocks of what was added; then a shelf in `scratch` of what is in no block.
void      near_index_seal(NearIndex *n, Arena *scratch);
NearShelf near_index_open(const NearIndex *n, Arena *scratch);
// A shelf in `scratch` of any texts; those without tokens are on none.
NearShelf near_shelf_make(Arena *scratch, const NearItem *item, int64_t count);

// Compares candidates with all texts of the index, its open shelf included.
void near_index_score(const NearIndex *n, const NearShelf *open, Arena *scratch,
                      const NearItem *candidate, int64_t count, NearScore *score);
// LCS of candidate i with the texts of a shelf: lcs[i * stride + index of the text]; where they
// share nothing it may stay as it was.
void near_shelf_lcs(const NearShelf *s, Arena *scratch, const NearItem *candidate, int64_t count,
                    int32_t *lcs, int64_t stride);

// Adds one pair to a score.
void   near_score_add(const NearIndex *n, NearScore *s, int64_t candidate_count, int64_t index,
                      int64_t count, int64_t lcs);
double near_score_mean(const NearScore *s, int64_t texts);

#endif
