// task.h -- task files: what to ask of a model, and how its answers are judged.
//
// A task is data (as the source "records" takes it), templates over the fields of a record, and
// metrics.  Three kinds: perplexity of whole texts or of what the assistant says in conversations;
// multiple choice by log-likelihood; answers that the model writes.  docs/formats.md, "Task files".
#ifndef TD_CAMPAIGN_TASKS_TASK_H
#define TD_CAMPAIGN_TASKS_TASK_H

#include "campaign/tasks/task_extract.h"
#include "datagen/sources/source.h"
#include "datagen/template.h"
#include "model/decode.h"

typedef enum TaskKind { TASK_PERPLEXITY, TASK_CHOICE, TASK_GENERATE } TaskKind;

typedef enum TaskMetricKind {
    TASK_LOSS, // nats per token, and three forms of it; bits per byte
    TASK_PER_TOKEN,
    TASK_PER_WORD,
    TASK_PER_BYTE,
    TASK_BITS_PER_BYTE,
    TASK_ACC,
    TASK_ACC_NORM,
    TASK_ACC_BYTES,
    TASK_EXACT_MATCH,
    TASK_ROUGE_L,
    TASK_PASS, // at k
    TASK_MAJORITY
} TaskMetricKind;

typedef struct TaskMetric {
    const char    *name;
    TaskMetricKind kind;
    int64_t        k; // of pass@k
} TaskMetric;

enum { TASK_METRICS_MAX = 12, TASK_TEMPLATES_MAX = 64 };

typedef struct TaskTexts { // templates
    int count;
    Template template[TASK_TEMPLATES_MAX];
} TaskTexts;

typedef struct TaskSampling {
    double      temperature, top_p, min_p, repetition_penalty;
    int64_t     top_k, max_tokens, samples, seed;
    const Json *stop;
} TaskSampling;

typedef enum TaskAnswerIs { ANSWER_TEXT, ANSWER_LETTER, ANSWER_INDEX, ANSWER_NUMBER } TaskAnswerIs;
typedef enum TaskTruncate { TRUNCATE_NOTHING, TRUNCATE_LEFT } TaskTruncate;

// The keys of the file as they were read.
typedef struct TaskKeys {
    const char  *task, *about, *text, *conversation, *tools, *prompt, *system, *delimiter;
    const char  *shots_separator, *choices_field, *answer, *group;
    int          kind, whole_files, chat, answer_is, truncate;
    const Json  *data, *shots_from, *choices, *target, *metrics, *target_extract;
    int64_t      shots, context, stride;
    TaskSampling generate;
    ExtractKeys  extract;
} TaskKeys;

// Records in order, from the source "records" or one per file.
typedef struct TaskData {
    const Source      *source; // NULL: whole files
    SourceSplit        split;
    int64_t            count;
    const char       **text; // [count], of whole files
    int64_t           *bytes;
    const char *const *field;
    int                fields;
} TaskData;

typedef struct Task {
    TaskKeys    keys;
    TaskKind    kind;
    TaskData    data, shots; // shots: what the examples that are shown come from
    Template    text, prompt, answer;
    TaskTexts   choices, targets;
    Extract     extract, target_extract;
    int         metrics;
    TaskMetric  metric[TASK_METRICS_MAX];
    int         stops;
    const char *stop[DECODE_STOPS_MAX];
} Task;

// What the command line says besides.
typedef struct TaskOverride {
    const Json *files; // a list of names instead of data.files; NULL: none
} TaskOverride;

// The task of a file, with its data.  Names in it are relative to its folder.  ERR_CONFIG and
// ERR_DATA with file and line; ERR_IO.  Local.
Err task_read(Arena *run, const char *path, const TaskOverride *override, Task *out);
// The same from a tree that stands in no file: `folder` is what names are relative to.
Err task_make(Arena *run, const Json *root, const char *folder, const TaskOverride *override,
              Task *out);
// The loss of a data file in any format that the source "records" knows ("" or NULL: by its name):
// of its conversations if it has such, else of its texts; a .txt file is one text.  ERR_CONFIG if
// its records have neither.
Err task_of_file(Arena *run, const char *path, const char *format, Task *out);

// The reference of the keys, and the file's keys with every default, as JSON.
void task_help(Text *t);
void task_write(Text *t, const Task *task);

void task_draw(const TaskData *d, int64_t k, Record *r);
// The expansion of a template, in the record's arena.
const char *task_expand(const Template *t, const Record *r, int64_t *length);

#endif
