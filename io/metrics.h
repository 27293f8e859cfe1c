// metrics.h -- metrics.jsonl: one line per step, round and evaluation, for machines.
//
// One write() per line on a file opened with O_APPEND, so lines of two processes do not mix.  Each
// line is a JSON object that begins with "kind".
#ifndef TD_IO_METRICS_H
#define TD_IO_METRICS_H

#include "base/text.h"
#include "io/json.h"

// Appends `line` (a JSON object without newline) to dir/metrics.jsonl.  ERR_IO.
Err metrics_add(const char *dir, const char *line);
// The same into another file of the run directory.
Err metrics_add_to(const char *dir, const char *name, const char *line);

// Every whole line so far, parsed, as a linked list through Json.next; a torn last line is left
// out.
Err metrics_read(Arena *arena, const char *dir, const Json **first);

#endif
