#include "mpi/stop.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STOP_PATH_MAX = 4096 };

// A signal arrives at a process, not at a caller: hence state of the process.
static volatile sig_atomic_t signal_seen; // its number, 0 while there was none
static double                limit_s;     // 0: none
static double                ends_at;
static const char           *asked; // a literal
static int                   watches;
static double                looks_again_at;
static char                  stop_path[STOP_PATH_MAX];
static char                  words[STOP_PATH_MAX + 32];

static void take_note(int number)
{
    if (signal_seen != 0)
        _exit(128 + number);
    signal_seen = number;
}

static void listen_to(int number)
{
    struct sigaction action = {.sa_handler = take_note, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0, "signal %d", number);
}

void stop_start(double max_time_s, const char *stop_file, int watch_file)
{
    signal_seen = 0;
    asked = NULL;
    limit_s = max_time_s > 0 ? max_time_s : 0;
    ends_at = clock_now() + limit_s;
    watches = watch_file && stop_file != NULL;
    looks_again_at = 0;
    if (watches) {
        CHECK(strlen(stop_file) < sizeof stop_path, "%.60s...", stop_file);
        snprintf(stop_path, sizeof stop_path, "%s", stop_file);
    }
    listen_to(SIGUSR1);
    listen_to(SIGTERM);
    listen_to(SIGINT);
}

static const char *name_of(int number)
{
    switch (number) {
    case SIGUSR1: return "SIGUSR1";
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    default: return "a signal";
    }
}

static int file_is_there(void)
{
    double now = clock_now();

    if (!watches || now < looks_again_at)
        return 0;
    looks_again_at = now + 1;
    return access(stop_path, F_OK) == 0;
}

const char *stop_wanted(void)
{
    if (asked == NULL && signal_seen != 0)
        asked = name_of(signal_seen);
    if (asked == NULL && limit_s > 0 && clock_now() >= ends_at) {
        snprintf(words, sizeof words, "--max-time %g s", limit_s);
        asked = words;
    }
    if (asked == NULL && file_is_there()) {
        snprintf(words, sizeof words, "the file %s", stop_path);
        asked = words;
    }
    return asked;
}

void stop_ask(const char *why)
{
    if (asked == NULL)
        asked = why;
}
