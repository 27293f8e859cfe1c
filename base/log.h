// log.h -- what the program says while it works.
//
// For people, on stderr, and (once log_file is called) also into this rank's file.  A line is one
// write, so that lines of several ranks do not mix.  Machines read metrics.jsonl instead.
#ifndef TD_BASE_LOG_H
#define TD_BASE_LOG_H

#include "base/err.h"

typedef enum LogLevel { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG } LogLevel;

// How much is shown on stderr.  Files get everything up to LOG_DEBUG.
void log_show(LogLevel level);

// Who speaks: the rank, and what it is doing (a literal, such as "generate").
void log_rank(int rank);
void log_place(const char *place);

// Also appends to this file from now on.  ERR_IO.
Err log_file(const char *path);

// Once for all: only rank 0 speaks.
void log_once(LogLevel level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// From this rank, whichever it is, with its number, time and place in front.
void log_here(LogLevel level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// One line of progress: on a terminal it rewrites itself, elsewhere one line per 10 seconds.
// Only rank `speaker` of the job calls it with effect.  log_progress_end closes the line.
void log_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_progress_end(void);

#endif
