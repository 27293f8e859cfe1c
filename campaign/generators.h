// generators.h -- the generator side of a campaign: the examples of an iteration.
#ifndef TD_CAMPAIGN_GENERATORS_H
#define TD_CAMPAIGN_GENERATORS_H

#include "campaign/job.h"
#include "datagen/produce.h"
#include "model/decode.h"
#include "model/net.h"

typedef struct Generators {
    const Job   *job;
    Arena       *run;  // lives as long as the job
    Arena       *step; // taken back after each iteration
    Net          net;
    int          has_base; // below an adapter
    ImportOrigin origin;   // of it
    Decoder     *decoder;
    Teacher     *local;   // over the decoder
    Teacher     *teacher; // who answers the prompts of the loop's recipe
    int64_t      pieces;  // of work so far: each has a counter on the board
    int64_t      policy;  // version of the weights in net; -1: none yet
} Generators;

// Bytes that generators_make pushes into `run`.
int64_t generators_need(const Settings *s, int threads);
// ERR_CONFIG: the teacher's part of the config.
Err generators_make(Arena *run, Arena *step, const Job *job, Generators *out);

void generators_close(Generators *g); // the teacher's connections and files

// Weights of a version into the network, if they are not there.  Collective over the generators.
Err generators_load_all(Generators *g, int64_t version);

// Publishes the examples of iteration i (0: the seeds), or does nothing if they are there.
// Collective over the generators.
Err generators_iterate_all(Generators *g, int64_t iteration);

// One piece of work that all generators share, block by block.
typedef struct Production {
    Generators *g;
    int64_t     iteration; // for messages and file names
    int64_t     counter;   // number of the work counter on the board, its own for each piece
    int         publishes; // blocks that are published already need not be made
    void       *self;      // the `done` callback's
    // set by generators_produce_all
    int64_t first, blocks, done;
    double  began;
} Production;

// A job over all requests of the first stage, with the teacher of the loop; all but its callbacks.
ProduceJob generators_job(Generators *g, const Recipe *recipe, int64_t iteration);

// The same for the examples of an iteration: with the teacher of the loop, none for iteration 0.
ProduceJob generators_loop_job(Generators *g, const Recipe *recipe, int64_t iteration);

// Carries it out; job->done is called with the Production.  `span` names it in the table of times.
// Collective over the generators.
Err generators_produce_all(Generators *g, ProduceJob *job, Production *p, const char *span);

#endif
