// pools.h -- the pools of a recipe in one run: what was committed, and what is near to it.
//
// Every generator rank holds the same pools: they are made of published shards and sets alone, so
// an attempt that goes on after a kill finds them as they were.
#ifndef TD_CAMPAIGN_POOLS_H
#define TD_CAMPAIGN_POOLS_H

#include "campaign/job.h"
#include "datagen/commit.h"
#include "datagen/near/near.h"
#include "datagen/pool.h"
#include "datagen/segments.h"

typedef struct Pool {
    const Commit      *commit;
    int                place; // of the commit step in the recipe
    int64_t            count, room;
    const PoolRecord **record;
    Arena              near_arena;
    Near              *near; // NULL: nothing is compared
} Pool;

typedef struct Pools {
    const Settings *settings;
    const Recipe   *recipe;
    Arena           arena; // of the records
    int             pools;
    Pool            pool[POOLS_MAX];
    int64_t         before[POOLS_MAX]; // records that earlier iterations committed
    int64_t         seeds;             // for latest
    // what the iteration itself has made so far
    int64_t   segments, segments_room;
    Segment  *segment;
    int64_t   late, late_room;
    uint64_t *late_id;     // [late][2]
    uint16_t *late_reason; // [late]: 1 + index of the pool
} Pools;

// Empty pools for the commits of a recipe, filled with what the sets of iterations 1 .. before
// committed.  Local.
Err  pools_open(const Job *job, const Recipe *recipe, Arena *step, int64_t iterations, Pools *out);
void pools_close(Pools *p);

// What steps see at the beginning of a segment.  Memory of the pools; valid until they close.
PoolViews *pools_views(Pools *p, const Segment *s);

// The records of a segment whose blocks are all published are judged in the order of their ids;
// those that are new go into the pool.  *accepted: how many.  Collective over c.
typedef struct PoolsRound {
    int64_t candidates, accepted;
} PoolsRound;
Err pools_commit_all(Pools *p, const Comm *c, const Job *job, Arena *step, int64_t iteration,
                     const Segment *s, PoolsRound *out);

// Late rejections and segments of the iteration, for set_commit.
SetLate pools_late(Pools *p, Arena *arena);

// The pools as they were at the beginning of a segment of a set that is published: for replay.
Err pools_rewind(const Job *job, const Recipe *recipe, Arena *step, int64_t iteration,
                 const SetRows *rows, const Segment *segments, int64_t count, const Segment *at,
                 Pools *out);

// Puts the similarity that a row of a later stage holds into the record that it was made from.
void pools_replace(Pools *p, int pool, const PoolRecord *own, const SetRows *rows, int64_t row);

#endif
