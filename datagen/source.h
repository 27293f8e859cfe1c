// source.h -- where problems come from: numbered problems with named fields, in splits.
//
// A source is data (JSON) plus a generator in C.  Splits: "train" (fresh problems for every
// iteration, never one of the held-out ones), "seeds" (a few worked examples) and "held-out" (a
// fixed test, the same for every seed).  Problem k of a split depends on (seed, split, iteration,
// k) alone.
#ifndef TD_DATAGEN_SOURCE_H
#define TD_DATAGEN_SOURCE_H

#include "base/arena.h"
#include "datagen/record.h"
#include "io/json.h"

#include <stdint.h>

typedef struct Source Source;

typedef enum SourceSplit { SPLIT_TRAIN, SPLIT_SEEDS, SPLIT_HELD_OUT } SourceSplit;

// {"kind": "addition", "digits": 5, "seeds_per_digit": [40,40,40,40,40], "mix": [1,3,5,5,4],
//  "held_out_per_digit": 200, "hints": true}.  ERR_CONFIG.
Err source_make(Arena *run, const Json *config, uint64_t seed, Source **out);

// Number of problems in a split; -1: as many as asked for (SPLIT_TRAIN).
int64_t source_count(const Source *s, SourceSplit split);

// Groups that evaluation reports by (digits 1..5 -> groups 0..4), and their label ("digits").
int         source_groups(const Source *s);
const char *source_group_label(const Source *s);

// Puts the fields of problem k into the record (question, answer, hint, worked, max_tokens, ...)
// and sets its problem number and group.
void source_draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k, Record *r);

// Names of the fields that source_draw sets, and of the verdicts that it judges ("hinted"), for
// checking recipes before a run.
const char *const *source_fields(const Source *s, int *count);
const char *const *source_verdicts(const Source *s, int *count);
// The largest number in the field max_tokens.
int64_t source_max_tokens(const Source *s);

// Reads a question that a model wrote ("12+34") into the same fields.  0 if it is not a well-formed
// problem of this source; a held-out one is well-formed: ask source_is_held_out.
int source_parse(const Source *s, const char *question, Record *r);
int source_is_held_out(const Source *s, const Record *r);

#endif
