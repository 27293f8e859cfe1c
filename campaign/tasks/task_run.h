// task_run.h -- a model's results in a task: the examples shared by the ranks, the numbers with
// their intervals, the table and the file.
//
// Example k is rank k mod P's.  What an example gives depends on the example, the model and the
// task alone, and sums go over the examples in their order: results have the same bits on any
// number of ranks.
#ifndef TD_CAMPAIGN_TASKS_TASK_RUN_H
#define TD_CAMPAIGN_TASKS_TASK_RUN_H

#include "campaign/tasks/task.h"
#include "campaign/tasks/task_metrics.h"
#include "datagen/chatform.h"
#include "model/net.h"
#include "mpi/comm.h"

// All of it is borrowed.
typedef struct TaskModel {
    const char     *name;   // as it was given, and
    const char     *chosen; // the file or folder that it came to
    const Net      *net;
    const Vocab    *vocab; // never NULL
    const ChatForm *chat;
    int             slots;   // sequences in flight
    int             threads; // for decoding
} TaskModel;

enum { TASK_VALUES_MAX = TASK_METRICS_MAX };

// What comes of one example.
typedef struct TaskRow {
    int32_t left;                   // why it was left out (TaskLeft), 0: it was not
    int32_t unfinished;             // answers that the length ended
    int32_t unanswered;             // answers in which nothing was found
    int32_t is_cut;                 // its beginning was cut off
    int64_t details;                // bytes of its details
    double  value[TASK_VALUES_MAX]; // generate, choice: per metric, 0 to 1
    double  nll;                    // perplexity: nats, and
    double  tokens, words, bytes;   // what they are of
} TaskRow;

typedef struct TaskGroup {
    const char *name;     // NULL: all examples
    int64_t     examples; // that were scored
    Interval    score[TASK_METRICS_MAX];
} TaskGroup;

typedef struct TaskResult {
    const Task *task;
    int64_t     examples, scored, left[8], cut; // left: by TaskLeft
    int64_t     unfinished, unanswered, samples, tokens;
    int         groups;
    TaskGroup  *group; // [groups]: all, then those of the task in the order of their first example
    const char *details; // members of a JSON list; NULL: not wanted, and on ranks other than 0
    double      seconds;
} TaskResult;

typedef struct TaskWish {
    int64_t limit; // examples at most; 0: all
    int     wants_details;
} TaskWish;

// Measures.  The result lies in `run`, complete on rank 0.  ERR_DATA: every example was left out,
// a target without an answer, an answer that is none of the choices; ERR_CONFIG: a chat without a
// template.  Collective.
Err task_measure_all(const Comm *c, Arena *run, const TaskModel *model, const Task *task,
                     const TaskWish *wish, TaskResult *out);

// The table for people: `results` of several tasks.
void task_table_write(Text *t, const TaskResult *results, int count);
// Everything, as JSON; does not depend on the number of ranks.
void task_json_write(Text *t, const TaskModel *model, const TaskResult *results, int count);

#endif
