// job.h -- what the parts of a running campaign share.
#ifndef TD_CAMPAIGN_JOB_H
#define TD_CAMPAIGN_JOB_H

#include "campaign/settings.h"
#include "io/run.h"
#include "model/adapters/import_adapter.h"
#include "mpi/board.h"
#include "mpi/comm.h"
#include "mpi/roles.h"

typedef struct Job {
    const Comm     *world;
    const Settings *settings;
    RunSide         side; // of this job: both roles, or one of them
    Roles           roles;
    Run             run;
    Board          *board;
    int             threads;    // of this rank
    int             follows;    // waits for files that another job makes
    const char     *provenance; // JSON: versions, ranks, instruction set; in every file
} Job;

// OK, or ERR_STOPPED when this rank, another one, or the STOP file says so, or when another rank
// failed; ERR_IO when a newer attempt took the run over.  Cheap enough for every step.  Local.
Err job_poll(const Job *job);

// Waits, asleep, until `ready` says 1.  ERR_STOPPED, ERR_IO as job_poll, and ERR_IO naming `what`
// after checkpoint.wait_s.  Collective over c.
Err job_wait_all(const Job *job, const Comm *c, int (*ready)(const Job *job, int64_t number),
                 int64_t number, const char *what);

// What stays the same below an adapter that is trained: the base and frozen adapters, as they were
// given.  Nothing to do without one.  ERR_DATA, ERR_IO.  Local.
Err job_read_base(const Job *job, Arena *scratch, Net *net, ImportOrigin *origin);
// The weights of a version of the run into what is tuned of a network whose base was read. ERR_DATA
// (also where they were made on another base), ERR_IO.  Local.
Err job_read_weights(const Job *job, Arena *scratch, const Net *net, const ImportOrigin *origin,
                     int64_t version);

// Whether a file of the run holds an adapter on this base.  ERR_DATA.  Local.
Err job_check_base(Arena *scratch, const char *path, const Net *net, const ImportOrigin *origin);

int job_has_weights(const Job *job, int64_t version);
int job_has_examples(const Job *job, int64_t iteration);

// Threads that this rank should use, from the settings, OMP_NUM_THREADS and the cores it may use.
int job_threads(const Settings *s, const Roles *roles, const Comm *world);

// The JSON text for Job.provenance, in `run`.
const char *job_provenance(Arena *run, const Settings *s, const Comm *world, int threads);

#endif
