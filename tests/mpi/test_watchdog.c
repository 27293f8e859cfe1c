#include "base/clock.h"
#include "mpi/watchdog.h"
#include "tests/check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void watchdog_leaves_progress_alone(const Comm *c)
{
    watchdog_start(1);
    watchdog_begin("slow but alive", 0.5);
    for (int i = 0; i < 10; i++) {
        clock_sleep(0.1);
        watchdog_alive();
    }
    watchdog_begin("inside", 30);
    clock_sleep(0.7); // the inner time-out counts
    watchdog_end();
    watchdog_end();
    clock_sleep(0.3); // outside of sections nothing counts
    (void)c;
}

static void usr2_prints_where_the_rank_is_and_goes_on(const Comm *c)
{
    raise(SIGUSR2);
    (void)c;
}

TEST_MAIN(CASE(watchdog_leaves_progress_alone), CASE(usr2_prints_where_the_rank_is_and_goes_on))
