// stop.h -- being asked to stop: SIGUSR1, SIGTERM, SIGINT, --max-time, or a file named STOP.
//
// A handler only sets a flag (Open MPI is not async-signal-safe).  A second signal ends the process
// at once with 128 + its number.  Whoever loops asks stop_wanted; the answer joins collectives that
// are made anyway.
#ifndef TD_MPI_STOP_H
#define TD_MPI_STOP_H

#include "base/err.h"

// Installs the handlers.  max_time_s <= 0: no limit.  stop_file NULL: none; only the rank with
// watch_file looks for it, at most once a second.
void stop_start(double max_time_s, const char *stop_file, int watch_file);

// Why, in words ("SIGUSR1", "--max-time 60 s", "the file runs/x/STOP"), or NULL.  Local, cheap.
const char *stop_wanted(void);

// Asks from within, e.g. because another rank was asked.  `why` is a literal.
void stop_ask(const char *why);

#endif
