// Fails on purpose on its last rank: every rank leaves with the same code, and rank 0 tells once.
#include "mpi/comm.h"

static Err load(int rank, int bad_rank)
{
    if (rank == bad_rank)
        FAIL(ERR_IO, "shard %03d.h5 is missing", rank);
    return OK;
}

static Err load_all(const Comm *c)
{
    TRY_ALL(c, load(c->rank, c->size - 1));
    return OK;
}

int main(int argc, char **argv)
{
    Comm c;

    comm_start(&c, &argc, &argv);
    return comm_finish(&c, load_all(&c));
}
