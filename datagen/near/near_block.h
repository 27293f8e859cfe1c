// near_block.h -- up to NEAR_LANES_MOST texts of similar length, turned around: by token, which
// texts have it and where.  A candidate's LCS with all of them is one pass over its tokens, each of
// which touches only the texts that have it.  For near*.c.
//
// Texts stand in lanes, in order of their length.  A token that many texts have is a row with the
// mask of every lane; one that few have is a list of lanes and masks.
#ifndef TD_DATAGEN_NEAR_BLOCK_H
#define TD_DATAGEN_NEAR_BLOCK_H

#include "datagen/near/near_lanes.h"
#include "datagen/near/near_lcs.h"

#include <stdint.h>

typedef struct NearItem { // a text
    const uint32_t *token;
    int64_t         count;
    int64_t         index;
} NearItem;

typedef struct NearRun { // lanes of one length
    int64_t length;
    int64_t first, texts, end; // lanes [first, first + texts) hold texts, those up to `end` none
} NearRun;

typedef struct NearEntry {
    void    *row;   // [lanes], or NULL
    int64_t  first; // of the lists
    int32_t  count; // texts in the list
    uint32_t token;
} NearEntry;

typedef struct NearBlock {
    const NearLanes *kernel;
    int64_t          lanes, texts;
    int64_t         *index; // [lanes] of texts
    NearRun         *run;   // [runs], lengths rising
    int              runs;
    NearEntry       *entry; // [entries], one per token
    int64_t          entries;
    uint32_t        *slot; // [slots] entry + 1; a power of two
    int64_t          slots;
    uint16_t        *lane; // the lists, one behind the other
    void            *mask;
} NearBlock;

// Width of the lanes for a text, from 0; NEAR_WIDTHS if it is too long.
int near_block_width(int64_t tokens);

// A block in `arena` (`scratch` may be the same) of 1 to NEAR_LANES_MOST texts of this width, none
// without tokens.
NearBlock *near_block_make(Arena *arena, Arena *scratch, const NearItem *item, int64_t count,
                           int width);

// The sweeps of a text's tokens over a block; returns how many.  sweep [count].
int64_t near_block_sweeps(const NearBlock *b, const uint32_t *token, int64_t count,
                          NearSweep *sweep);

enum { NEAR_LANES_BYTES = (NEAR_LANES_MOST + 128 * NEAR_LANES_STEP) * 16 }; // room for lanes

#endif
