// coll.h -- typed collectives, cut into pieces that fit MPI's int counts.
//
// All are collective over `c` and cannot fail: an MPI error ends the job (comm.h).
#ifndef TD_MPI_COLL_H
#define TD_MPI_COLL_H

#include "mpi/comm.h"

#include <stdint.h>

void coll_barrier_all(const Comm *c);
void coll_bcast_all(const Comm *c, void *data, int64_t bytes, int root);

// In place, element by element.
void    coll_sum_f32_all(const Comm *c, float *x, int64_t count); // plain MPI_Allreduce
void    coll_sum_f64_all(const Comm *c, double *x, int64_t count);
void    coll_sum_i64_all(const Comm *c, int64_t *x, int64_t count);
int64_t coll_max_i64_all(const Comm *c, int64_t x);
int64_t coll_min_i64_all(const Comm *c, int64_t x);
double  coll_max_f64_all(const Comm *c, double x);
double  coll_min_f64_all(const Comm *c, double x);

// Rank p's `mine_bytes` bytes end up at all[offsets[p] .. offsets[p+1]) on every rank.  `offsets`
// [size+1] must hold the places beforehand, the same on every rank; `mine` may lie in `all`.
void coll_allgather_all(const Comm *c, const void *mine, void *all, const int64_t *offsets);

// Every rank learns what each rank brings: counts[p].
void coll_counts_all(const Comm *c, int64_t mine, int64_t *counts);

// Point to point, between two ranks that both call.
void coll_send(const Comm *c, const void *data, int64_t bytes, int to);
void coll_receive(const Comm *c, void *data, int64_t bytes, int from);

#endif
