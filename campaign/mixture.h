// mixture.h -- the examples that a training step draws from.
//
// All kept rows of the sets so far, as token documents, in id order.  A draw picks a part of the
// mixture by its share, then (balanced) a class by its weight, a group of it and a document, from
// Philox(seed; iteration, step, draw) alone: every trainer rank draws the same batch.  Classes are
// those of the source of problems (datagen/sources/source.h); most have one, and nothing is drawn
// for it.  A part that is drawn in passes takes every document once before any again: place k of
// pass e is known from (seed; iteration, e) alone, so nobody has to remember what came before.
#ifndef TD_CAMPAIGN_MIXTURE_H
#define TD_CAMPAIGN_MIXTURE_H

#include "campaign/settings.h"
#include "io/set.h"

typedef struct MixtureDocument {
    TrainExample example;
    int64_t      iteration; // of its set; 0: the seeds
    int64_t      group;
    int          class_number; // of the group
    const char  *source;       // the mark of its record, "gold"; interned
    uint64_t     content;      // sum of tokens and weights
} MixtureDocument;

typedef struct MixtureData {
    Arena           *arena; // borrowed; grows with every set
    int64_t          count, room;
    MixtureDocument *document;
    int64_t          empty;    // kept rows with nothing to learn, left out
    int64_t          too_long; // kept rows that do not fit the context, left out
} MixtureData;

MixtureData mixture_make(Arena *arena);
// Adds the kept rows of a set.  ERR_DATA if a text has no tokens in this vocabulary.
Err mixture_add(MixtureData *d, Arena *scratch, const Settings *s, const SetRows *rows,
                int64_t iteration);

// What can be drawn in an iteration: documents by part and group.  In `arena`, for the iteration.
typedef struct MixturePools MixturePools;
// ERR_DATA if every part is empty.  A part that is empty gives its share to the others.
// Sets of later iterations may be there; they count for nothing.
Err     mixture_pools(Arena *arena, const MixtureData *d, const Source *source, const Mixture *m,
                      int64_t iteration, MixturePools **out);
int64_t mixture_size(const MixturePools *p);  // documents that can be drawn, seeds apart
int64_t mixture_total(const MixturePools *p); // and with them

// The batch of a step: out[count], a function of (seed; iteration, step) and the place in it; with
// passes also of `count`, which has to be that of every step.  The order of the last pass that was
// asked for stays in `p`, so that it is not made again for each step.
void mixture_draw(MixturePools *p, uint64_t seed, int64_t iteration, int64_t step,
                  TrainExample *out, int count);

#endif
