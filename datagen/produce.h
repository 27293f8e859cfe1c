// produce.h -- carries out a recipe: many records in flight, the decoder always full.
//
// Work comes in blocks of consecutive requests and leaves as one SetRows per block.  Records of
// several blocks are in flight at once, so that the decoder does not run empty at the end of each.
// The rows of a block depend on (seed, iteration, request, sample, step) and the weights alone.
// All blocks of a recipe have the same columns, names of sources and names of reasons.  Fields that
// a record does not have are empty texts, verdicts that were not judged are scores of NaN.
#ifndef TD_DATAGEN_PRODUCE_H
#define TD_DATAGEN_PRODUCE_H

#include "base/arena.h"
#include "datagen/pool.h"
#include "datagen/recipe.h"
#include "datagen/segments.h"
#include "datagen/teachers/teacher.h"
#include "io/set.h"
#include "model/vocab.h"

#include <stdint.h>

typedef struct ProduceJob {
    const Recipe   *recipe;
    const Source   *source;
    const Vocab    *vocab;
    const ChatForm *chat;    // a template, for recipes that emit conversations or ask for chat
    Teacher        *teacher; // NULL: the recipe has no generate step
    uint64_t        seed;
    int64_t         iteration;
    int64_t         policy;     // version of the weights in the decoder
    int64_t         block_size; // requests per block
    Segment         segment; // the stage, the round, its requests and blocks; block b is requests
                             // [first_request + (b - first_block) * block_size, ...)
    const PoolViews *views;  // NULL: the recipe has no commit

    // The caller's side.  take: number of the next block, -1: no more.  done: the rows of a block,
    // valid during the call; kept and rejected ones.  poll: called often; not OK ends production.
    void *self;
    int64_t (*take)(void *self);
    Err (*done)(void *self, int64_t block, const SetRows *rows);
    Err (*poll)(void *self); // may be NULL
} ProduceJob;

typedef struct ProduceStats {
    int64_t records, kept, generated_tokens, blocks;
} ProduceStats;

// Local.  `step`: memory for records in flight, given back before it returns.
Err produce_run(const ProduceJob *job, Arena *step, ProduceStats *stats);

// The same for single requests of a block, e.g. to replay one: rows of that request only.
Err produce_request(const ProduceJob *job, Arena *step, int64_t request, SetRows *rows);

// The training document of a kept row: token ids and weights from its TRAIN-visible segments.
// Segments of equal weight are one text until a special token comes.  A row with markup is one text
// from end to end, in which special tokens are spelled; a token that is partly learned is learned.
// ERR_DATA if a character has no token or there are more than `room` tokens; *length 0 if there is
// nothing to learn (counted by callers).
Err produce_tokens(const Vocab *v, Arena *scratch, const SetRows *rows, int64_t row, int32_t *ids,
                   float *weight, int64_t room, int64_t *length);

#endif
