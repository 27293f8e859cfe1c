// Dies on purpose: the ranks call the same function with different arguments.
#include "mpi/coll.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    Comm  c;
    float x[2] = {0};

    setenv("TANDEM_MEET", "1", 1); // as in an unoptimised build
    comm_start(&c, &argc, &argv);
    coll_sum_f32_all(&c, x, c.rank == c.size - 1 ? 2 : 1);
    return comm_finish(&c, OK);
}
