// ranks.h -- merges of a vocabulary that has only ranks, as tiktoken's.
#ifndef TD_MODEL_TEXT_RANKS_H
#define TD_MODEL_TEXT_RANKS_H

#include "model/text/tokenizer_private.h"

typedef struct RankMerges { // in the order of what they make
    int32_t *left, *right;
    int64_t  count;
    int64_t  lonely; // tokens of several characters that no two others make
} RankMerges;

// The id of a token is its rank; added tokens have none.  What tiktoken does to the bytes of a
// token if only lower ranks are there leaves two tokens: these are its merge.
RankMerges ranks_to_merges(Arena *arena, const Tokenizer *t);

#endif
