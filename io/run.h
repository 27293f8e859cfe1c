// run.h -- one run directory, and who may publish in it.
//
// Every start of a run is an attempt with a number, taken by creating attempt-NNNN with O_EXCL.  An
// attempt of a side (the generator side, the trainer side, or both) that is newer takes the
// directory over: older ones of an overlapping side can publish nothing any more and are told so.
#ifndef TD_IO_RUN_H
#define TD_IO_RUN_H

#include "base/arena.h"
#include "io/file.h"
#include "mpi/comm.h"

typedef enum RunSide { RUN_GENERATE = 1, RUN_TRAIN = 2, RUN_BOTH = 3 } RunSide;

typedef struct Run {
    char    dir[FILE_PATH_MAX];
    int     attempt; // number of this start, from 1
    RunSide side;
    int     rank;
    char    tag[64]; // attempt, rank and pid: part of every temporary name
} Run;

// Makes the directory and its folders (examples, weights, checkpoints, log), takes the next attempt
// number on rank 0, removes temporary files that older attempts of this side left, and tells all.
// ERR_IO (read-only, no space), naming the directory.  Collective.
Err run_open_all(const Comm *c, const char *dir, RunSide side, Run *out);

// A view of an existing run that will never publish.  ERR_DATA if `dir` is not a run.  Local.
Err run_look(const char *dir, Run *out);

// OK while no newer attempt of an overlapping side exists; else ERR_IO, naming both attempts. Looks
// at the directory at most once a second unless `now`.  Local.
Err run_fence(const Run *r, int now);

// Paths inside the run; iteration i, policy version v, step s.
Err run_path(const Run *r, char out[FILE_PATH_MAX], const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// Fence, then file_move: the only way anything gets a final name in a run directory.
Err run_publish(const Run *r, const char *part, const char *path);

// The temporary name for `path`: path.part-<tag>.
Err run_part(const Run *r, char out[FILE_PATH_MAX], const char *path);

#endif
