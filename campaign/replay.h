// replay.h -- makes examples again from their provenance, and compares every byte.
#ifndef TD_CAMPAIGN_REPLAY_H
#define TD_CAMPAIGN_REPLAY_H

#include "mpi/comm.h"

#include <stdint.h>

typedef struct ReplayId {
    int64_t iteration, request, sample; // sample -1: all of the request
} ReplayId;

// "iteration/request" or "iteration/request/sample".  ERR_USAGE.
Err replay_parse(const char *text, ReplayId *out);

// Replays the given examples of a run, or `random` ones drawn with `seed` where count is 0.  Prints
// one line each to stdout; ERR_DATA if any differs, naming the first.  Ranks share the work.
// Collective.
Err replay_run_all(const Comm *world, const char *dir, const ReplayId *ids, int count,
                   int64_t random, uint64_t seed);

#endif
