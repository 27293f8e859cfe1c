// plan.h -- what a campaign will need, before it starts.
#ifndef TD_CAMPAIGN_PLAN_H
#define TD_CAMPAIGN_PLAN_H

#include "base/text.h"
#include "campaign/job.h"

// Addresses reserved for things whose number is known late; pages count only when touched.
#define PLAN_STEP_ADDRESSES ((int64_t)1 << 36)

// Bytes that the run arena of a rank with these roles takes.
int64_t plan_run_bytes(const Settings *s, int threads, const Roles *roles);

// FLOP of the matrix products of one token, forward.
double plan_forward_flop(const Dims *d);

// ERR_CONFIG, with needed and available bytes, if this node cannot hold what its `ranks` will need,
// each as much as this one.
Err plan_check_machine(const Settings *s, const Job *job, int ranks);

// The plan in words: ranks, memory per rank and role, tokens, time, and what was assumed.  `size`:
// ranks of the planned job.  Fails as a run would where the campaign cannot fit.
Err plan_write(Text *t, const Settings *s, int size, int threads);

#endif
