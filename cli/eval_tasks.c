#include "cli/eval_tasks.h"

#include "campaign/tasks/task_run.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "io/file.h"
#include "model/files/import.h"

#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMPLATE_BYTES_MAX = 1 << 20 };

typedef struct Wanted {
    const char *model, *data, *format, *files, *out, *template;
    int64_t     limit, slots;
    int         wants_details, tasks;
    const char *task[ARGS_WORDS_MAX + 1];
} Wanted;

static Err read_options(const Command *c, const Args *a, Wanted *w)
{
    *w = (Wanted){.model = args_text(c, a, "model"),
                  .data = args_text(c, a, "data"),
                  .format = args_text(c, a, "format"),
                  .files = args_text(c, a, "files"),
                  .out = args_text(c, a, "out"),
                  .template = args_text(c, a, "template"),
                  .wants_details = args_has(c, a, "details")};
    if (w->model == NULL)
        FAIL(ERR_USAGE, "tandem eval: --model is needed with --tasks and --data; see --help");
    if (args_has(c, a, "tasks"))
        w->task[w->tasks++] = args_text(c, a, "tasks");
    for (int i = 0; i < a->words; i++)
        w->task[w->tasks++] = a->word[i];
    if (w->data != NULL && w->tasks > 0)
        FAIL(ERR_USAGE, "tandem eval: \"%s\" has no place beside --data FILE", w->task[0]);
    if (w->files != NULL && w->tasks != 1)
        FAIL(ERR_USAGE, "tandem eval: --files goes with one task file; here are %d", w->tasks);
    if (w->format != NULL && w->data == NULL)
        FAIL(ERR_USAGE, "tandem eval: --format goes with --data; a task file has \"format\" in its "
                        "\"data\"");
    if (w->wants_details && w->out == NULL)
        FAIL(ERR_USAGE, "tandem eval: --details go into the file of --out, which is missing");
    if (args_has(c, a, "limit"))
        TRY(args_i64(c, a, "limit", 1, INT64_MAX, &w->limit));
    return args_i64(c, a, "slots", 1, 4096, &w->slots);
}

// ---- the model

// The form of conversations: --template, else what the weight file carries, else the tokenizer's.
static Err open_chat(Arena *arena, const Wanted *w, const ImportModel *found, TaskModel *m)
{
    const char *where = m->chosen, *format = found->chat_format;
    char       *text;
    int64_t     bytes;
    ChatForm   *chat;

    if (w->template != NULL) {
        where = w->template;
        TRY(file_read(arena, w->template, TEMPLATE_BYTES_MAX, &text, &bytes));
        if (bytes == 0)
            FAIL(ERR_DATA, "%s: a chat template is expected; the file is empty", w->template);
        format = chat_format_of_template(arena, text);
    }
    TRY(chatform_make(arena, where, format, m->vocab, &chat));
    m->chat = chat;
    return OK;
}

static Err open_model(Arena *run, Arena *arena, const Wanted *w, TaskModel *m, Net *net)
{
    ImportModel found;
    const Json *json;
    Vocab      *vocab;

    TRY(import_find(arena, w->model, &found));
    TRY(import_vocab(arena, &found, &json, &vocab));
    if (vocab == NULL)
        FAIL(ERR_DATA,
             "%s: comes without a tokenizer that is read here, so texts cannot be put to it",
             w->model);
    *m = (TaskModel){.name = w->model,
                     .chosen = arena_text(arena, found.chosen),
                     .net = net,
                     .vocab = vocab,
                     .slots = (int)w->slots,
                     .threads = omp_get_max_threads()};
    TRY(open_chat(arena, w, &found, m));
    TRY(arena_make(run, "model", net_need(&found.dims, NET_INFER) + (1 << 20)));
    return model_files_open(run, arena, &found, net);
}

// ---- the tasks

// Names given on the command line are relative to where the user stands, not to the task file.
static Err override_files(Arena *arena, const char *names, TaskOverride *out)
{
    Text  t = text_make(arena);
    char *rest = arena_text(arena, names), *name;

    text_puts(&t, "[");
    while ((name = strsep(&rest, ",")) != NULL) {
        char path[PATH_MAX];

        if (realpath(name, path) == NULL)
            FAIL(ERR_IO, "%s: there is no such file (--files)", name);
        text_puts(&t, t.length > 1 ? ", " : "");
        text_json(&t, path, (int64_t)strlen(path));
    }
    text_puts(&t, "]");
    return json_parse(arena, "--files", t.data, t.length, JSON_NO_COMMENTS, &out->files);
}

static Err read_tasks(Arena *arena, const Wanted *w, Task **tasks, int *count)
{
    TaskOverride override = {0};

    *count = w->data != NULL ? 1 : w->tasks;
    *tasks = arena_new(arena, Task, *count);
    if (w->data != NULL)
        return task_of_file(arena, w->data, w->format, &(*tasks)[0]);
    if (w->files != NULL)
        TRY(override_files(arena, w->files, &override));
    for (int i = 0; i < *count; i++)
        TRY(task_read(arena, w->task[i], &override, &(*tasks)[i]));
    return OK;
}

static Err measure_all(const Comm *world, Arena *arena, const Wanted *w, const TaskModel *m,
                       const Task *tasks, int count, TaskResult *results)
{
    TaskWish wish = {w->limit, w->wants_details};

    for (int i = 0; i < count; i++)
        TRY(task_measure_all(world, arena, m, &tasks[i], &wish, &results[i]));
    return OK;
}

static Err tell(Arena *arena, const Wanted *w, const TaskModel *m, const TaskResult *results,
                int count)
{
    Text t = text_make(arena), json = text_make(arena);
    char tag[32];

    text_printf(&t, "%s\n", m->chosen);
    task_table_write(&t, results, count);
    if (w->out != NULL) {
        task_json_write(&json, m, results, count);
        snprintf(tag, sizeof tag, "%d", (int)getpid());
        TRY(file_publish(w->out, tag, json.data, json.length));
    }
    return commands_print(&t);
}

static Err work(const Comm *world, Arena *arena, const Wanted *w, Arena *run)
{
    TaskModel   m;
    Net         net;
    Task       *tasks;
    TaskResult *results;
    int         count;

    TRY_ALL(world, read_tasks(arena, w, &tasks, &count));
    TRY_ALL(world, open_model(run, arena, w, &m, &net));
    results = arena_new(arena, TaskResult, count);
    TRY(measure_all(world, arena, w, &m, tasks, count, results));
    return comm_agree(world, world->rank == 0 ? tell(arena, w, &m, results, count) : OK);
}

Err eval_tasks_run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    static Wanted w; // thousands of words
    Arena         run = {0};
    Err           e;

    TRY(read_options(c, a, &w));
    e = work(world, arena, &w, &run);
    arena_free(&run);
    return e;
}

Err eval_tasks_keys(Arena *arena)
{
    Text t = text_make(arena);

    task_help(&t);
    return commands_print(&t);
}
