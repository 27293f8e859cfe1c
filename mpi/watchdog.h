// watchdog.h -- no rank waits for ever.
//
// A thread of its own looks at a monotonic clock.  When the current section has not made progress
// for its time-out, it prints the section, how long it has been there, and a backtrace, and ends
// the process with 70; mpirun then ends the others.
#ifndef TD_MPI_WATCHDOG_H
#define TD_MPI_WATCHDOG_H

// Starts the thread.  scale multiplies all time-outs (config: watchdog.scale; 0 = off).
void watchdog_start(double scale);

// Enters a section: a literal name and its time-out in seconds.  Sections nest (16 deep).
void watchdog_begin(const char *section, double timeout_s);
void watchdog_alive(void); // progress was made
void watchdog_end(void);

#endif
