#include "mpi/wait.h"

#include "base/clock.h"

static double next_pause(double pause)
{
    return pause < 0.020 ? pause * 1.25 : pause;
}

static void sleep_until_done(MPI_Request *request, double pause, void (*alive)(void))
{
    int done = 0;

    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    while (!done) {
        clock_sleep(pause);
        pause = next_pause(pause);
        if (alive != NULL)
            alive();
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
    }
}

void wait_meet_all(const Comm *c, void (*alive)(void))
{
    MPI_Request request;

    MPI_Ibarrier(c->mpi, &request);
    sleep_until_done(&request, 0.0005, alive);
}

int wait_all(const Comm *c, int (*look)(void *self), void *self)
{
    MPI_Request request;
    double      pause = 0.0005;
    int         answer = 0;

    if (c->rank == 0)
        while ((answer = look(self)) == 0) {
            clock_sleep(pause);
            pause = next_pause(pause);
        }
    MPI_Ibcast(&answer, 1, MPI_INT, 0, c->mpi, &request);
    sleep_until_done(&request, pause, NULL);
    return answer;
}
