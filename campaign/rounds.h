// rounds.h -- the loop of a campaign: generate, train, evaluate, again.
#ifndef TD_CAMPAIGN_ROUNDS_H
#define TD_CAMPAIGN_ROUNDS_H

#include "campaign/job.h"

typedef struct RoundsOptions {
    RunSide side;       // both roles in this job, or one of them beside another job
    int     follows;    // trainer side: wait for sets of another job
    double  max_time_s; // 0: no limit
} RoundsOptions;

// Runs, or goes on with, the campaign of a config file.  The same command again continues from what
// is published.  ERR_STOPPED when asked to stop.  Collective over the world.
Err rounds_run_all(const Comm *world, const char *config, const char *const *overrides, int count,
                   const RoundsOptions *options);

#endif
