#include "base/clock.h"

#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static ClockSpan spans[CLOCK_SPANS_MAX];
static int       span_count;
static pthread_t owner;
static int       has_owner;

double clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void clock_sleep(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};

    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL); // a signal may end it early: callers poll
}

static int measures(void)
{
    if (!has_owner) {
        owner = pthread_self();
        has_owner = 1;
    }
    return pthread_equal(owner, pthread_self());
}

static ClockSpan *span_of(const char *name)
{
    for (int i = 0; i < span_count; i++)
        if (spans[i].name == name || strcmp(spans[i].name, name) == 0)
            return &spans[i];
    CHECK(span_count < CLOCK_SPANS_MAX, "no room for the span %s", name);
    spans[span_count].name = name;
    return &spans[span_count++];
}

void clock_begin(const char *name)
{
    if (!measures())
        return;
    ClockSpan *s = span_of(name);
    if (s->depth++ == 0)
        s->began = clock_now();
}

void clock_end(const char *name)
{
    if (!measures())
        return;
    ClockSpan *s = span_of(name);
    CHECK(s->depth > 0, "the span %s ends without a beginning", name);
    if (--s->depth == 0) {
        s->total += clock_now() - s->began;
        s->count++;
    }
}

const ClockSpan *clock_spans(int *count)
{
    *count = span_count;
    return spans;
}

double clock_total(const char *name)
{
    for (int i = 0; i < span_count; i++)
        if (strcmp(spans[i].name, name) == 0)
            return spans[i].total;
    return 0;
}
