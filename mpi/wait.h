// wait.h -- waiting for something outside the job without burning a core.
//
// MPI waits by spinning.  A role that waits for the other's file may wait for minutes, on cores
// that the other role needs; here ranks sleep between looks.
#ifndef TD_MPI_WAIT_H
#define TD_MPI_WAIT_H

#include "mpi/comm.h"

// Rank 0 of `c` calls look(self) until it answers something else than 0; every rank returns that
// answer.  Between looks ranks sleep, from 0.5 to 20 milliseconds.  Collective.
int wait_all(const Comm *c, int (*look)(void *self), void *self);

// A barrier in which ranks sleep: for the end of a job, where one side may wait long for the other.
// alive() is called between looks (NULL: nothing).  Collective.
void wait_meet_all(const Comm *c, void (*alive)(void));

#endif
