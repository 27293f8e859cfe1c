// Dies on purpose: numbers of a stream must never repeat.
#include "base/rng.h"
#include "mpi/comm.h"

int main(int argc, char **argv)
{
    Comm c;
    Rng  r = rng_make(1, 2, 3);

    comm_start(&c, &argc, &argv);
    r.block = UINT32_MAX;
    rng_u32(&r);
    return comm_finish(&c, OK);
}
