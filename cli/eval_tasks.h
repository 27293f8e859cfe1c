// eval_tasks.h -- `tandem eval --tasks` and `--data`: a model and tasks in, a table and a file out.
#ifndef TD_CLI_EVAL_TASKS_H
#define TD_CLI_EVAL_TASKS_H

#include "cli/args.h"

// Collective.
Err eval_tasks_run(const Comm *world, Arena *arena, const Command *c, const Args *a);
// Prints the keys of a task file.  Local.
Err eval_tasks_keys(Arena *arena);

#endif
