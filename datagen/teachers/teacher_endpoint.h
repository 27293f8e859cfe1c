// teacher_endpoint.h -- any server that speaks the OpenAI protocol as teacher.
//
// Many requests in flight from this rank.  What goes wrong on the way is counted by kind and tried
// again; what was answered is kept in files of the run (RUN/cache), so that a restart never pays
// twice and a rerun gives the same records.  Every request is written down before it is sent:
// budgets hold over all ranks and restarts.  All functions are local.
#ifndef TD_DATAGEN_TEACHER_ENDPOINT_H
#define TD_DATAGEN_TEACHER_ENDPOINT_H

#include "base/arena.h"
#include "base/text.h"
#include "datagen/teachers/teacher.h"
#include "io/json.h"
#include "mpi/board.h"

// Who asks, and where answers are kept.
typedef struct EndpointPlace {
    const char *run_dir; // NULL: nothing is kept
    const char *folder;  // of the config: key_file is relative to it; NULL: the working directory
    int         rank;    // of the generators, for the name of the file
    int         attempt; // of the run, from 1; 0: a look at a run, which asks the cache alone
    Board      *board;   // where all ranks count what they spend; NULL: this rank is alone
} EndpointPlace;

// Checks the object "endpoint" of a config (may be NULL) without looking for the key or the server.
// ERR_CONFIG.
Err teacher_endpoint_check(Arena *run, const Json *config);

// ERR_CONFIG: the object, the key; ERR_IO, ERR_DATA: files of the cache.  The server is asked with
// the first request only.  step fails with ERR_CONFIG if it refuses the key, the address or the
// model, with ERR_IO if it cannot be reached, with ERR_STOPPED when a budget is spent.
Err  teacher_endpoint(Arena *run, const Json *config, const EndpointPlace *place, Teacher **out);
void teacher_endpoint_close(Teacher *t); // before `run` goes back

// All counts and the cost as a JSON object, for metrics and the report; of any kind of teacher.
void teacher_usage_write(Text *t, const TeacherStats *s);

#endif
