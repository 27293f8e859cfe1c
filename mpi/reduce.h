// reduce.h -- sums whose bits do not depend on the number of ranks.
//
// Floating-point sums depend on their order.  Here the order is a fixed binary tree over the M
// micro-batches of a step: leaves 2k and 2k+1 first, then pairs of pairs.  A rank that owns an
// aligned run of leaves sums them with reduce_tree_*; reduce_scatter_all goes on with the same
// tree across ranks (recursive halving, neighbours first; Thakur et al. 2005, section 4.2, with the
// distances in growing order).  For P a power of two that divides M the bits are those of P = 1.
// For other P the result is right to rounding, not to the bit.  If M = 2^a * odd, "leaf" above
// means a run of `odd` leaves, summed in a like tree of its own.
#ifndef TD_MPI_REDUCE_H
#define TD_MPI_REDUCE_H

#include "base/arena.h"
#include "mpi/comm.h"

#include <stdint.h>

typedef enum ReduceKind {
    REDUCE_TREE,     // as above
    REDUCE_ALLREDUCE // plain MPI_Allreduce: for comparison, no promise about bits
} ReduceKind;

enum { REDUCE_BLOCK = 1024 }; // floats; every slice begins at a multiple of it

// Which micro-batches rank p of P owns: first <= m < last.  Even shares, longer ones first.
void reduce_leaves(int M, int P, int p, int *first, int *last);

// The slice of `count` floats (a multiple of REDUCE_BLOCK) that rank p of P owns after
// reduce_scatter_all.  Slices of all ranks cover everything; some may be empty.
void reduce_slice(int64_t count, int P, int p, int64_t *begin, int64_t *end);

// Sums leaves inside a process: binary counter of partial sums.  buffers[level] [count]; leaf
// number `leaf` (0-based within this rank, in order) must have been written to buffers[0 .. ] as
// returned by reduce_tree_next.  Make it for M/P leaves, or M: both have the same odd part.
typedef struct ReduceTree {
    int64_t count;     // floats
    int     levels;    // buffers
    float **buffer;    // [levels][count]
    int     odd;       // leaves that form a run: the odd part of those it was made for
    int     used;      // buffers that hold partial sums
    int    *leaves_in; // [levels] leaves that each partial sum holds
} ReduceTree;

int64_t    reduce_tree_need(int64_t count, int leaves);             // bytes
ReduceTree reduce_tree_make(Arena *run, int64_t count, int leaves); // for up to `leaves` leaves
void       reduce_tree_clear(ReduceTree *t);
float     *reduce_tree_next(ReduceTree *t);  // zeroed buffer for the next leaf; then call _push
void       reduce_tree_push(ReduceTree *t);  // the leaf is complete: merge equals, left + right
float     *reduce_tree_total(ReduceTree *t); // folds what is left (right to left); NULL if no leaf

// y[i] = left[i] + right[i] into left.
void reduce_add(float *left, const float *right, int64_t count);

// x [count] on every rank -> on rank p, x[begin..end) of its slice holds the sum over ranks in
// tree order; the rest of x is undefined.  `spare` [count] is scratch.  Collective.
void reduce_scatter_all(const Comm *c, ReduceKind kind, float *x, float *spare, int64_t count);

// The inverse: each rank's slice of x to all ranks.  Collective.
void reduce_gather_all(const Comm *c, float *x, int64_t count);

#endif
