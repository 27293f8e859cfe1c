// Its last rank is asked to stop: every rank leaves with 85, and rank 0 says so calmly.
#include "mpi/comm.h"
#include "mpi/stop.h"

#include <signal.h>

static Err work(void)
{
    if (stop_wanted() != NULL)
        FAIL(ERR_STOPPED, "%s", stop_wanted());
    return OK;
}

static Err work_all(const Comm *c)
{
    TRY_ALL(c, work());
    return OK;
}

int main(int argc, char **argv)
{
    Comm c;

    comm_start(&c, &argc, &argv);
    stop_start(0, NULL, 0);
    if (c.rank == c.size - 1)
        raise(SIGUSR1);
    return comm_finish(&c, work_all(&c));
}
