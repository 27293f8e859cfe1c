#include "mpi/coll.h"

#include <string.h>

// The most that one call moves, in elements: Open MPI's own int arithmetic has failed above.
enum { PIECE = 1 << 28, TAG_DIRECT = 1, TAG_RING = 2 };

static int piece_of(int64_t left)
{
    return (int)(left < PIECE ? left : PIECE);
}

void coll_barrier_all(const Comm *c)
{
    comm_meet(c, __func__, 0);
    MPI_Barrier(c->mpi);
}

void coll_bcast_all(const Comm *c, void *data, int64_t bytes, int root)
{
    comm_meet(c, __func__, (uint64_t)bytes ^ (uint64_t)root << 56);
    CHECK(bytes >= 0 && 0 <= root && root < c->size, "%lld bytes from rank %d of %d",
          (long long)bytes, root, c->size);
    for (int64_t at = 0; at < bytes; at += PIECE)
        MPI_Bcast((char *)data + at, piece_of(bytes - at), MPI_BYTE, root, c->mpi);
}

static void sum(const Comm *c, void *x, int64_t count, MPI_Datatype type, int size)
{
    CHECK(count >= 0, "count %lld", (long long)count);
    for (int64_t at = 0; at < count; at += PIECE)
        MPI_Allreduce(MPI_IN_PLACE, (char *)x + at * size, piece_of(count - at), type, MPI_SUM,
                      c->mpi);
}

void coll_sum_f32_all(const Comm *c, float *x, int64_t count)
{
    comm_meet(c, __func__, (uint64_t)count);
    sum(c, x, count, MPI_FLOAT, (int)sizeof *x);
}

void coll_sum_f64_all(const Comm *c, double *x, int64_t count)
{
    comm_meet(c, __func__, (uint64_t)count);
    sum(c, x, count, MPI_DOUBLE, (int)sizeof *x);
}

void coll_sum_i64_all(const Comm *c, int64_t *x, int64_t count)
{
    comm_meet(c, __func__, (uint64_t)count);
    sum(c, x, count, MPI_INT64_T, (int)sizeof *x);
}

int64_t coll_max_i64_all(const Comm *c, int64_t x)
{
    comm_meet(c, __func__, 0);
    MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_INT64_T, MPI_MAX, c->mpi);
    return x;
}

int64_t coll_min_i64_all(const Comm *c, int64_t x)
{
    comm_meet(c, __func__, 0);
    MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_INT64_T, MPI_MIN, c->mpi);
    return x;
}

double coll_max_f64_all(const Comm *c, double x)
{
    comm_meet(c, __func__, 0);
    MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_MAX, c->mpi);
    return x;
}

double coll_min_f64_all(const Comm *c, double x)
{
    comm_meet(c, __func__, 0);
    MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_MIN, c->mpi);
    return x;
}

// Sends to one neighbour while receiving from the other; either may have nothing more to do.
static void pass_on(const Comm *c, const char *out, int64_t out_bytes, char *in, int64_t in_bytes)
{
    int64_t most = out_bytes > in_bytes ? out_bytes : in_bytes;
    int     right = (c->rank + 1) % c->size, left = (c->rank + c->size - 1) % c->size;

    for (int64_t at = 0; at < most; at += PIECE) {
        int64_t o = out_bytes > at ? out_bytes - at : 0, i = in_bytes > at ? in_bytes - at : 0;

        MPI_Sendrecv(o > 0 ? out + at : out, piece_of(o), MPI_BYTE, o > 0 ? right : MPI_PROC_NULL,
                     TAG_RING, i > 0 ? in + at : in, piece_of(i), MPI_BYTE,
                     i > 0 ? left : MPI_PROC_NULL, TAG_RING, c->mpi, MPI_STATUS_IGNORE);
    }
}

// Every piece goes once around.  Needs no table of int displacements, so `all` may be of any size.
static void gather_around(const Comm *c, char *all, const int64_t *offsets)
{
    for (int step = 0; step < c->size - 1; step++) {
        int out = (c->rank + c->size - step) % c->size, in = (out + c->size - 1) % c->size;

        pass_on(c, all + offsets[out], offsets[out + 1] - offsets[out], all + offsets[in],
                offsets[in + 1] - offsets[in]);
    }
}

void coll_allgather_all(const Comm *c, const void *mine, void *all, const int64_t *offsets)
{
    comm_meet(c, __func__, (uint64_t)offsets[c->size]);
    for (int p = 0; p < c->size; p++)
        CHECK(offsets[p] <= offsets[p + 1], "offsets of rank %d", p);
    if (offsets[c->rank + 1] > offsets[c->rank])
        memmove((char *)all + offsets[c->rank], mine,
                (size_t)(offsets[c->rank + 1] - offsets[c->rank]));
    gather_around(c, all, offsets);
}

void coll_counts_all(const Comm *c, int64_t mine, int64_t *counts)
{
    comm_meet(c, __func__, 0);
    MPI_Allgather(&mine, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, c->mpi);
}

void coll_send(const Comm *c, const void *data, int64_t bytes, int to)
{
    for (int64_t at = 0; at < bytes; at += PIECE)
        MPI_Send((const char *)data + at, piece_of(bytes - at), MPI_BYTE, to, TAG_DIRECT, c->mpi);
}

void coll_receive(const Comm *c, void *data, int64_t bytes, int from)
{
    MPI_Status status;
    int        got;

    for (int64_t at = 0; at < bytes; at += PIECE) {
        MPI_Recv((char *)data + at, piece_of(bytes - at), MPI_BYTE, from, TAG_DIRECT, c->mpi,
                 &status);
        MPI_Get_count(&status, MPI_BYTE, &got);
        CHECK(got == piece_of(bytes - at), "rank %d sent %d bytes, %d were expected", from, got,
              piece_of(bytes - at));
    }
}
