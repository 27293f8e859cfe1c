// Hangs on purpose on the last rank: the watchdog must end the job and say where.
#include "base/clock.h"
#include "mpi/comm.h"
#include "mpi/watchdog.h"

int main(int argc, char **argv)
{
    Comm c;

    comm_start(&c, &argc, &argv);
    watchdog_start(0.01); // of 60 s
    if (c.rank == c.size - 1) {
        watchdog_begin("waiting for nobody", 60);
        for (;;)
            clock_sleep(0.05);
    }
    MPI_Barrier(c.mpi);
    return comm_finish(&c, OK);
}
