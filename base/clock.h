// clock.h -- time, and where it went.
//
// A span is a named stretch of work ("generate", "forward", ...).  Spans of one name add up; they
// may be nested, each counting its own whole time.  Only the thread that called clock_begin first
// (the rank's main thread) measures; the calls do nothing on others.
#ifndef TD_BASE_CLOCK_H
#define TD_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_SPANS_MAX = 48 };

typedef struct ClockSpan {
    const char *name;  // a literal
    double      total; // seconds
    int64_t     count; // times it was entered
    double      began; // seconds, while open
    int         depth; // times it is open now
} ClockSpan;

double clock_now(void); // seconds since some fixed moment, monotonic
void   clock_sleep(double seconds);

void clock_begin(const char *name); // `name` a literal; the table holds CLOCK_SPANS_MAX names
void clock_end(const char *name);

const ClockSpan *clock_spans(int *count); // in the order of first use
double           clock_total(const char *name);

#endif
