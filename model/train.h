// train.h -- one optimizer step over M micro-batches, data-parallel, with the bits of one rank.
//
// The examples of a step are dealt to M micro-batches by a rule that knows nothing of ranks; a rank
// computes an aligned run of them, its threads one each at a time; gradients go through the fixed
// tree of mpi/reduce.h; each rank updates its slice; weights are gathered and packed again.
#ifndef TD_MODEL_TRAIN_H
#define TD_MODEL_TRAIN_H

#include "base/arena.h"
#include "io/config.h"
#include "model/net.h"
#include "model/optim.h"
#include "mpi/comm.h"
#include "mpi/reduce.h"

#include <stdint.h>

typedef struct TrainExample { // one document with its weights
    const int32_t *token;     // [length]
    const float   *weight;    // [length]
    int64_t        length;
} TrainExample;

typedef struct TrainShape {
    int     micro_batches; // M, a power of two
    int64_t micro_tokens;  // room of one micro-batch
    int64_t longest;       // tokens of the longest example
    int     reduce;        // ReduceKind
    int     threads;       // of this rank
} TrainShape;

typedef struct TrainStep { // what a step did, the same on every rank
    double  loss;          // sum weight * -log p / sum weight
    double  weight_sum;
    double  grad_norm;   // before clipping
    int64_t tokens;      // in the batch
    int64_t loss_tokens; // with weight > 0
    int     skipped;     // not finite, or a rank failed: nothing was changed
} TrainStep;

typedef struct Trainer Trainer;

// Bytes of the rank that needs most, net included.
int64_t  trainer_need(const Dims *d, const TrainShape *s, int ranks);
Trainer *trainer_make(Arena *run, const Comm *c, Net *net, const TrainShape *s,
                      const OptimConfig *o);
Optim   *trainer_optim(Trainer *t);
// Addresses the random numbers of dropout in the next step; without it, nothing is left out.
void trainer_drop(Trainer *t, uint64_t seed, int64_t iteration, int64_t step);

// Deals examples to micro-batches: longest first to the one with the fewest tokens (ties: lowest
// number; equal lengths in the order given).  which[e] = micro-batch.  ERR_DATA if one overflows.
Err train_deal(Arena *scratch, const TrainExample *e, int count, const TrainShape *s, int *which);

// One step.  All ranks give the same examples.  `failed`, `stop`: this rank's lanes; the outcome
// (any rank) comes back in them.  ERR_DATA for an overfull or weightless batch.  Collective.
Err trainer_step_all(Trainer *t, Arena *scratch, const TrainExample *e, int count, double lr,
                     int *failed, int *stop, TrainStep *out);

// Moments of the whole vector of what is tuned on rank 0, for checkpoints: gathers `which` (1
// first, 2 second moments) into full [padded] on rank 0 (others may pass NULL).  Collective.
void trainer_moments_all(Trainer *t, int which, float *full);
// The inverse: every rank holds the full vector and keeps its slice.  Local.
void trainer_set_moments(Trainer *t, int which, const float *full);

#endif
