#include "mpi/watchdog.h"

#include "base/clock.h"
#include "base/err.h"

#include <execinfo.h>
#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECTIONS_MAX = 16, FRAMES_MAX = 64 };

static const double POLL_S = 0.1; // how often the thread looks
static const double STEP_S = 0.5; // the most that one look counts: a process that was stopped
                                  // (SIGSTOP, a sleeping laptop) has not been hanging meanwhile
static const double REPORT_S = 2; // for the main thread to say where it is

typedef struct Section {
    const char *name; // a literal
    double      timeout_s;
} Section;

// One thread watches one other, so this is state of the process.  `lock` guards sections and depth.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Section         sections[SECTIONS_MAX];
static int             depth;
static atomic_long     progress;
static atomic_int      reported; // the main thread has printed its backtrace
static pthread_t       watched;
static double          scale; // 0: off
static int             my_rank;

static void put(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));

    (void)written;
}

static void print_backtrace(int number)
{
    void *frames[FRAMES_MAX];
    int   count = backtrace(frames, FRAMES_MAX);

    (void)number;
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    atomic_store(&reported, 1);
}

static _Noreturn void end_process(Section s, double waited)
{
    char   text[512];
    double until = clock_now() + REPORT_S;

    snprintf(text, sizeof text,
             "[rank %d] watchdog: no progress in \"%s\" for %.1f s, %.1f s are allowed: process %d "
             "ends with %d. It hung here (addr2line -e PROGRAM ADDRESS gives the line):\n",
             my_rank, s.name, waited, s.timeout_s, (int)getpid(), ERR_EXIT_DIED);
    put(text);
    pthread_kill(watched, SIGUSR2);
    while (!atomic_load(&reported) && clock_now() < until)
        clock_sleep(0.01);
    _exit(ERR_EXIT_DIED);
}

static Section current_section(void)
{
    Section s = {0};

    pthread_mutex_lock(&lock);
    if (depth > 0)
        s = sections[depth - 1];
    pthread_mutex_unlock(&lock);
    s.timeout_s *= scale;
    return s;
}

static void *watch(void *unused)
{
    long   seen = atomic_load(&progress);
    double waited = 0, before = clock_now();

    (void)unused;
    for (;;) {
        clock_sleep(POLL_S);
        double  now = clock_now(), step = now - before;
        long    count = atomic_load(&progress);
        Section s = current_section();

        before = now;
        waited = count == seen ? waited + (step < STEP_S ? step : STEP_S) : 0;
        seen = count;
        if (s.name != NULL && waited > s.timeout_s)
            end_process(s, waited);
    }
    return NULL;
}

static void prepare_backtrace(void)
{
    struct sigaction action = {.sa_handler = print_backtrace, .sa_flags = SA_RESTART};
    void            *frame;

    backtrace(&frame, 1); // the first call loads a library, which a handler must not
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0, "SIGUSR2");
}

void watchdog_start(double factor)
{
    pthread_t thread;
    sigset_t  all, old;
    int       started = 0, outcome;

    CHECK(scale == 0, "the watchdog runs already");
    if (factor <= 0)
        return;
    MPI_Initialized(&started);
    if (started)
        MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
    scale = factor;
    watched = pthread_self();
    prepare_backtrace();
    sigfillset(&all); // signals are for the main thread
    pthread_sigmask(SIG_BLOCK, &all, &old);
    outcome = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    CHECK(outcome == 0, "no thread for the watchdog: %s", strerror(outcome));
    pthread_detach(thread);
}

void watchdog_begin(const char *section, double timeout_s)
{
    pthread_mutex_lock(&lock);
    CHECK(depth < SECTIONS_MAX, "no room for the section %s", section);
    sections[depth++] = (Section){section, timeout_s};
    pthread_mutex_unlock(&lock);
    watchdog_alive();
}

void watchdog_alive(void)
{
    atomic_fetch_add(&progress, 1);
}

void watchdog_end(void)
{
    pthread_mutex_lock(&lock);
    CHECK(depth > 0, "a section ends without a beginning");
    depth--;
    pthread_mutex_unlock(&lock);
    watchdog_alive();
}
