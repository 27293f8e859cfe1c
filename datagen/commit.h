// commit.h -- what a commit step asks for; carried out between rounds (campaign/generators.c).
#ifndef TD_DATAGEN_COMMIT_H
#define TD_DATAGEN_COMMIT_H

#include "datagen/near/near.h"

typedef struct Commit {
    const char *to;  // name of the pool
    const char *key; // field that is compared; NULL: nothing is compared
    NearSpec    near;
    int         against_seeds; // the seeds of the source count as accepted before everything
    int64_t     until;         // records in the pool that end the rounds; 0: no such end
    int64_t     rounds;        // at most
    double      min_yield;     // a round in which a smaller share is accepted ends them
    const char *reason;        // "similar", "duplicate"
    const char *max, *mean, *most_similar; // names of scores and of a field; NULL unless wants_mean
} Commit;

#endif
