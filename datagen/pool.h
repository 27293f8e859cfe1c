// pool.h -- append-only collections of committed records, seen through immutable views.
#ifndef TD_DATAGEN_POOL_H
#define TD_DATAGEN_POOL_H

#include "base/arena.h"
#include "datagen/record.h"
#include "io/set.h"

#include <stdint.h>

enum { POOLS_MAX = 4 };

typedef struct PoolRecord {
    uint64_t     id[2];
    uint64_t     problem;
    int64_t      group;
    int64_t      policy;
    const char  *source;
    int          fields, scores;
    RecordField *field;      // those that are not empty
    const char **score_name; // verdicts are scores of 0 and 1, as in a set
    double      *score;
} PoolRecord;

typedef struct PoolView { // a snapshot: never changes, though the pool grows
    int64_t                  count;
    const PoolRecord *const *record; // in the order in which they were committed
} PoolView;

// What a step may see of pools while it works: the state at the beginning of the round.
typedef struct PoolViews {
    int         pools;
    const char *name[POOLS_MAX];
    PoolView    view[POOLS_MAX];
    // For draw from "latest": per seed of the source, the youngest record of the first pool with
    // its problem number; NULL where there is none.
    const PoolRecord *const *latest;
    // For stages behind a commit: the records that it accepted, one per request; else empty.
    PoolView input;
    int64_t  first_request; // of this segment: request q works on input.record[q - first_request]
} PoolViews;

// A row of a set as a record of a pool; texts are copied.  reason and status are not looked at.
PoolRecord        *pool_record(Arena *arena, const SetRows *rows, int64_t row);
const RecordField *pool_field(const PoolRecord *p, const char *name); // NULL: empty or unknown
double             pool_score(const PoolRecord *p, const char *name); // NaN: there is none

#endif
