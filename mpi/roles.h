// roles.h -- who generates and who trains.
#ifndef TD_MPI_ROLES_H
#define TD_MPI_ROLES_H

#include "mpi/comm.h"

typedef enum RolesMode {
    ROLES_AUTO,     // alternate on 1 rank, else split in halves
    ROLES_SPLIT,    // some ranks generate while others train
    ROLES_ALTERNATE // every rank does both in turn
} RolesMode;

typedef struct Roles {
    RolesMode mode;       // SPLIT or ALTERNATE, resolved
    int       generates;  // this rank takes part in generation
    int       trains;     // this rank takes part in training
    Comm      generators; // size 0 on ranks that do not generate
    Comm      trainers;   // size 0 on ranks that do not train
} Roles;

// `generators`, `trainers`: wanted numbers of ranks; 0 means "not said" (halves; one given fixes
// the other).  With SPLIT the first ranks generate.  ERR_CONFIG, naming both numbers and the size
// of the job, if they do not add up.  Collective.
Err  roles_make_all(const Comm *world, RolesMode mode, int generators, int trainers, Roles *out);
void roles_free(Roles *r);

#endif
