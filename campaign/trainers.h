// trainers.h -- the trainer side of a campaign: weights of an iteration from the sets so far.
#ifndef TD_CAMPAIGN_TRAINERS_H
#define TD_CAMPAIGN_TRAINERS_H

#include "campaign/job.h"
#include "campaign/mixture.h"
#include "model/net.h"
#include "model/train.h"

typedef struct Trainers {
    const Job   *job;
    Arena       *run;  // lives as long as the job
    Arena       *step; // taken back after each iteration
    Arena       *data; // documents of all sets so far
    Net          net;
    NetPart      tuned;    // of it: the whole, or its last adapter
    int          has_base; // below an adapter
    ImportOrigin origin;   // of it
    Trainer     *trainer;
    float       *moments;      // rank 0: room for a whole vector, for checkpoints
    int64_t      policy;       // version whose weights are in net; -1: none
    int64_t      steps_before; // optimizer steps of earlier iterations: numbers the checkpoints
    int64_t      read;         // sets read so far: 0 .. read-1
    MixtureData  mixture;
    int64_t      tokens; // trained on by all ranks since the job began
} Trainers;

// Bytes that trainers_make pushes into `run`.
int64_t trainers_need(const Settings *s, int threads, int ranks);
void    trainers_make(Arena *run, Arena *step, Arena *data, const Job *job, Trainers *out);

// Trains iteration i (0: the base) and publishes weights version i, or does nothing if they are
// there.  The examples of iteration i must be committed.  Goes on from the newest training state of
// this iteration.  ERR_STOPPED after writing one.  Collective over the trainers.
Err trainers_iterate_all(Trainers *t, int64_t iteration);

#endif
