#include "base/clock.h"
#include "mpi/stop.h"
#include "tests/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void nobody_wants_to_stop_at_first(const Comm *c)
{
    stop_start(0, NULL, 1);
    EXPECT(stop_wanted() == NULL);
    (void)c;
}

static void signals_are_named(const Comm *c)
{
    static const struct {
        int         number;
        const char *name;
    } signals[] = {{SIGUSR1, "SIGUSR1"}, {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}};

    for (int i = 0; i < 3; i++) {
        stop_start(0, NULL, 0);
        raise(signals[i].number);
        EXPECT_TEXT(stop_wanted(), signals[i].name);
        EXPECT_TEXT(stop_wanted(), signals[i].name);
    }
    (void)c;
}

static void time_limit_is_named(const Comm *c)
{
    stop_start(0.2, NULL, 0);
    EXPECT(stop_wanted() == NULL);
    clock_sleep(0.25);
    EXPECT_TEXT(stop_wanted(), "--max-time 0.2 s");
    (void)c;
}

static void only_the_watcher_sees_the_file(const Comm *c)
{
    const char *folder = check_folder(c, "stop");
    char        path[300], want[400];

    snprintf(path, sizeof path, "%s/STOP", folder);
    snprintf(want, sizeof want, "the file %s", path);
    stop_start(0, path, c->rank == 0);
    if (c->rank == 0) {
        EXPECT(stop_wanted() == NULL);
        fclose(fopen(path, "w"));
        clock_sleep(1.1); // it looks once a second
        EXPECT_TEXT(stop_wanted(), want);
    } else {
        EXPECT(stop_wanted() == NULL);
    }
}

static void first_reason_stays(const Comm *c)
{
    stop_start(0, NULL, 0);
    stop_ask("another rank");
    stop_ask("somebody else");
    raise(SIGUSR1);
    EXPECT_TEXT(stop_wanted(), "another rank");
    (void)c;
}

// In a child, because it ends; the child calls nothing of MPI.
static void second_signal_ends_the_process_at_once(const Comm *c)
{
    int   status = 0;
    pid_t child;

    if (c->rank > 0)
        return;
    child = fork();
    if (child == 0) {
        stop_start(0, NULL, 0);
        raise(SIGUSR1);
        raise(SIGTERM);
        _exit(0);
    }
    EXPECT_INT(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), 128 + SIGTERM);
}

TEST_MAIN(CASE(nobody_wants_to_stop_at_first), CASE(signals_are_named), CASE(time_limit_is_named),
          CASE(only_the_watcher_sees_the_file), CASE(first_reason_stays),
          CASE(second_signal_ends_the_process_at_once))
