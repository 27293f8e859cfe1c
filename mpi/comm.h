// comm.h -- the processes of one job: how they start, agree, and leave together.
#ifndef TD_MPI_COMM_H
#define TD_MPI_COMM_H

#include "base/err.h"

#include <mpi.h>
#include <stdint.h>

typedef struct Comm {
    MPI_Comm mpi;  // owned: a duplicate, so that our messages never meet anybody else's
    int      rank; // 0 <= rank < size
    int      size;
} Comm;

// Starts MPI (FUNNELED) and installs one error handler, so that MPI calls need no checks of their
// own.  Works without mpirun too, as a job of one.  Collective.  Dies if MPI cannot start.
void comm_start(Comm *c, int *argc, char ***argv);

// Proves that the ranks are one job and can talk: catches n singletons started by a launcher that
// is not this MPI's (each would think that it is alone) and networks where connections hang.
// ERR_CONFIG with the likely cause and the option to set.  Collective; at most 30 seconds.
Err comm_self_test_all(const Comm *c);

// Ends MPI.  Rank 0 tells of the failure, if any, once.  Returns the exit code for main, the same
// on every rank.  Collective: only for ranks that agree on the verdict.
int comm_finish(Comm *c, Err verdict);

// Name and version of the MPI library that runs, "Open MPI v4.1.4", for provenance.  Local.
void comm_library(char *words, int size);

// Ranks of `c` that share this rank's memory.  Collective.
int comm_node_ranks_all(const Comm *c);

// A communicator of the ranks that give the same colour (>= 0), in rank order.  Ranks with a
// negative colour get {.size = 0}.  Collective.
void comm_split(const Comm *c, int colour, Comm *out);
void comm_free(Comm *c); // collective over its members; nothing for size 0

// Turns outcomes that may differ from rank to rank into one outcome that all share: OK if all are
// OK, else the failure of the lowest rank that failed, whose record every rank then holds.  A real
// failure goes before ERR_STOPPED.  Collective.
Err comm_agree(const Comm *c, Err mine);

// Debug builds only: dies unless every rank stands in the same function with the same arguments.
// First line of every _all function.  Collective.
void comm_meet(const Comm *c, const char *where, uint64_t args);

// Makes a local call on every rank; all ranks go on, or all leave with the same failure.
#define TRY_ALL(comm, local_call)                                    \
    do {                                                             \
        Err try_err_ = comm_agree((comm), (local_call));             \
        if (try_err_ != OK)                                          \
            return err_pass(try_err_, __func__, __FILE__, __LINE__); \
    } while (0)

#endif
