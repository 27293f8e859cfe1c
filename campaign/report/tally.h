// tally.h -- the table at the end of a run: where the time went, on all ranks.
#ifndef TD_CAMPAIGN_REPORT_TALLY_H
#define TD_CAMPAIGN_REPORT_TALLY_H

#include "campaign/generators.h"
#include "campaign/trainers.h"

// Prints time per section (min, mean, max over the ranks that had it; imbalance), tokens per second
// and GFLOP/s, and adds the same as lines of kind "time" to metrics.jsonl.  Collective.
void tally_print_all(const Comm *world, const Job *job, double wall_s, const Generators *g,
                     const Trainers *t);

#endif
