#include "campaign/tasks/task.h"
#include "campaign/tasks/task_private.h"

#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field)  offsetof(TaskKeys, field)
#define GEN(field) offsetof(TaskSampling, field)

static const ConfigField sampling_table[] = {
    {"temperature", CONFIG_FLOAT, GEN(temperature), "0", 0, 100, NULL, NULL,
     "0: the likeliest token every time."},
    {"top_k", CONFIG_INT, GEN(top_k), "0", 0, 1 << 24, NULL, NULL, "0: off."},
    {"top_p", CONFIG_FLOAT, GEN(top_p), "1", 0, 1, NULL, NULL, "1: off."},
    {"min_p", CONFIG_FLOAT, GEN(min_p), "0", 0, 1, NULL, NULL, "0: off."},
    {"repetition_penalty", CONFIG_FLOAT, GEN(repetition_penalty), "1", 0.01, 100, NULL, NULL,
     "1: off."},
    {"max_tokens", CONFIG_INT, GEN(max_tokens), "256", 1, 1 << 20, NULL, NULL,
     "Tokens of an answer at most."},
    {"stop", CONFIG_JSON, GEN(stop), "", 0, 0, NULL, NULL,
     "Texts that end an answer, a list; they are no part of it."},
    {"samples", CONFIG_INT, GEN(samples), "1", 1, 1024, NULL, NULL,
     "Answers per example; more than one need a temperature above 0."},
    {"seed", CONFIG_INT, GEN(seed), "1", 0, 1LL << 53, NULL, NULL, "Of the random numbers."},
    {0}};

static const ConfigField task_table[] = {
    {"task", CONFIG_TEXT, AT(task), NULL, 0, 0, NULL, NULL,
     "The name that the results stand under."},
    {"about", CONFIG_TEXT, AT(about), "", 0, 0, NULL, NULL, "What it measures, for people."},
    {"kind", CONFIG_ENUM, AT(kind), NULL, 0, 0, "perplexity|multiple_choice|generate", NULL,
     "How well texts are foreseen; which of several continuations is the likeliest; or what the "
     "model writes."},
    {"data", CONFIG_JSON, AT(data), NULL, 0, 0, NULL, NULL,
     "{\"files\": [...], \"format\", \"fields\", ...} as the source \"records\" takes it, relative "
     "to the task file.  With \"held_out\": what that holds out."},
    {"whole_files", CONFIG_YESNO, AT(whole_files), "false", 0, 0, NULL, NULL,
     "Every file is one record, its field `text` all that it holds."},
    {"text", CONFIG_TEXT, AT(text), "", 0, 0, NULL, NULL,
     "perplexity: the text to be foreseen, a template over fields; without it, and without "
     "`conversation`: {text}."},
    {"conversation", CONFIG_TEXT, AT(conversation), "", 0, 0, NULL, NULL,
     "perplexity: the field that holds a conversation (`messages`); what the assistant says is to "
     "be foreseen, in the form of the model's chat template."},
    {"tools", CONFIG_TEXT, AT(tools), "", 0, 0, NULL, NULL,
     "perplexity: the field with the tools of the conversation, if there is one."},
    {"prompt", CONFIG_TEXT, AT(prompt), "", 0, 0, NULL, NULL,
     "multiple_choice, generate: what the model is given, a template over fields."},
    {"chat", CONFIG_YESNO, AT(chat), "false", 0, 0, NULL, NULL,
     "The prompt is a user's message in the chat form of the model, each shot a message and its "
     "answer."},
    {"system", CONFIG_TEXT, AT(system), "", 0, 0, NULL, NULL, "The system message of a chat."},
    {"choices", CONFIG_JSON, AT(choices), "", 0, 0, NULL, NULL,
     "multiple_choice: a list of templates; one that comes out empty is no choice."},
    {"choices_field", CONFIG_TEXT, AT(choices_field), "", 0, 0, NULL, NULL,
     "multiple_choice, instead: a field that holds a JSON list of texts, or of objects with a "
     "`text`."},
    {"answer", CONFIG_TEXT, AT(answer), "", 0, 0, NULL, NULL,
     "multiple_choice: which one is right, a template over fields."},
    {"answer_is", CONFIG_ENUM, AT(answer_is), "text", 0, 0, "text|letter|index|number", NULL,
     "The right choice itself, its letter (A is the first), its number from 0, or from 1."},
    {"target", CONFIG_JSON, AT(target), "", 0, 0, NULL, NULL,
     "generate: the right answer, a template or a list of several that are right; one that comes "
     "out empty is none.  Shots show the first."},
    {"delimiter", CONFIG_TEXT, AT(delimiter), " ", 0, 0, NULL, NULL,
     "Between prompt and choice, and prompt and answer in shots; not in chats."},
    {"shots", CONFIG_INT, AT(shots), "0", 0, 64, NULL, NULL,
     "Solved examples in front of every prompt: the first of shots_from."},
    {"shots_from", CONFIG_JSON, AT(shots_from), "", 0, 0, NULL, NULL,
     "Files of these, a list, with the format and the fields of data."},
    {"shots_separator", CONFIG_TEXT, AT(shots_separator), "\n\n", 0, 0, NULL, NULL,
     "Behind every shot; not in chats."},
    {"generate", CONFIG_TABLE, AT(generate), NULL, 0, 0, NULL, sampling_table,
     "How answers are written."},
    {"extract", CONFIG_TABLE, AT(extract), NULL, 0, 0, NULL, extract_table,
     "Where the answer is in what was written, and when two are the same."},
    {"target_extract", CONFIG_JSON, AT(target_extract), "", 0, 0, NULL, NULL,
     "The same for targets; without it: as extract."},
    {"metrics", CONFIG_JSON, AT(metrics), "", 0, 0, NULL, NULL,
     "A list.  perplexity: loss, perplexity, word_perplexity, byte_perplexity, bits_per_byte (all "
     "of them).  multiple_choice: acc, acc_norm (per character), acc_bytes (acc, acc_norm).  "
     "generate: exact_match, rouge_l, pass@K, majority (exact_match)."},
    {"group", CONFIG_TEXT, AT(group), "", 0, 0, NULL, NULL,
     "A field: results are also given for each of its values."},
    {"context", CONFIG_INT, AT(context), "0", 0, 1 << 24, NULL, NULL,
     "Tokens that the model sees at once; 0: as many as it has positions."},
    {"stride", CONFIG_INT, AT(stride), "0", 0, 1 << 24, NULL, NULL,
     "perplexity: by how many tokens the window moves in texts that are longer than the context; "
     "0: half of it."},
    {"truncate", CONFIG_ENUM, AT(truncate), "no", 0, 0, "no|left", NULL,
     "What is longer than the context is left out and counted (no), or loses its beginning "
     "(left)."},
    {0}};

// ---- metrics

static const struct {
    const char    *name; // of pass: up to the number
    TaskKind       of;
    TaskMetricKind kind;
    int            is_standard;
} metric_names[] = {{"loss", TASK_PERPLEXITY, TASK_LOSS, 1},
                    {"perplexity", TASK_PERPLEXITY, TASK_PER_TOKEN, 1},
                    {"word_perplexity", TASK_PERPLEXITY, TASK_PER_WORD, 1},
                    {"byte_perplexity", TASK_PERPLEXITY, TASK_PER_BYTE, 1},
                    {"bits_per_byte", TASK_PERPLEXITY, TASK_BITS_PER_BYTE, 1},
                    {"acc", TASK_CHOICE, TASK_ACC, 1},
                    {"acc_norm", TASK_CHOICE, TASK_ACC_NORM, 1},
                    {"acc_bytes", TASK_CHOICE, TASK_ACC_BYTES, 0},
                    {"exact_match", TASK_GENERATE, TASK_EXACT_MATCH, 1},
                    {"rouge_l", TASK_GENERATE, TASK_ROUGE_L, 0},
                    {"pass@", TASK_GENERATE, TASK_PASS, 0},
                    {"majority", TASK_GENERATE, TASK_MAJORITY, 0}};
enum { METRIC_NAMES = sizeof metric_names / sizeof metric_names[0] };

static Err unknown_metric(const Json *node, TaskKind of)
{
    const char *names[METRIC_NAMES], *near;
    int         count = 0;

    for (int i = 0; i < METRIC_NAMES; i++)
        if (metric_names[i].of == of)
            names[count++] = metric_names[i].kind == TASK_PASS ? "pass@1" : metric_names[i].name;
    near = node->kind == JSON_TEXT ? text_nearest(node->text, names, count) : NULL;
    FAIL(ERR_CONFIG, "%s: this kind of task has no metric \"%.40s\"%s%s%s", TASK_WHERE(node),
         node->kind == JSON_TEXT ? node->text : json_kind_name(node->kind),
         near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
         near != NULL ? "\"?" : "");
}

static Err read_pass(const Json *node, const Task *t, TaskMetric *out)
{
    char *end;

    out->k = strtoll(node->text + 5, &end, 10);
    if (node->text[5] < '0' || node->text[5] > '9' || *end != 0 || out->k < 1)
        FAIL(ERR_CONFIG, "%s: pass@K with a number K is expected, found %s", TASK_WHERE(node),
             json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    if (out->k > t->keys.generate.samples)
        FAIL(ERR_CONFIG, "%s: %s needs as many samples; generate.samples is %" PRId64,
             TASK_WHERE(node), node->text, t->keys.generate.samples);
    return OK;
}

static Err read_metric(const Json *node, Task *t)
{
    TaskMetric *m = &t->metric[t->metrics];

    for (int i = 0; i < METRIC_NAMES && node->kind == JSON_TEXT; i++) {
        int is_pass = metric_names[i].kind == TASK_PASS;

        if (metric_names[i].of != t->kind ||
            (is_pass ? strncmp(node->text, "pass@", 5) : strcmp(node->text, metric_names[i].name)))
            continue;
        *m = (TaskMetric){.name = node->text, .kind = metric_names[i].kind};
        if (is_pass)
            TRY(read_pass(node, t, m));
        for (int k = 0; k < t->metrics; k++)
            if (strcmp(t->metric[k].name, m->name) == 0)
                FAIL(ERR_CONFIG, "%s: %s stands here twice", TASK_WHERE(node), m->name);
        t->metrics++;
        return OK;
    }
    return unknown_metric(node, t->kind);
}

static Err read_metrics(Task *t)
{
    const Json *list = t->keys.metrics;

    if (list != NULL &&
        (list->kind != JSON_ARRAY || list->length == 0 || list->length > TASK_METRICS_MAX))
        FAIL(ERR_CONFIG, "%s: metrics is a list of one to %d names", TASK_WHERE(list),
             TASK_METRICS_MAX);
    for (const Json *m = list != NULL ? list->child : NULL; m != NULL; m = m->next)
        TRY(read_metric(m, t));
    for (int i = 0; i < METRIC_NAMES && list == NULL; i++)
        if (metric_names[i].of == t->kind && metric_names[i].is_standard)
            t->metric[t->metrics++] =
                (TaskMetric){.name = metric_names[i].name, .kind = metric_names[i].kind};
    return OK;
}

// ---- which keys go with which kind

static const struct {
    const char *key;
    int         kinds; // bits
} key_kinds[] = {{"text", 1},
                 {"conversation", 1},
                 {"tools", 1},
                 {"stride", 1},
                 {"prompt", 2 | 4},
                 {"system", 2 | 4},
                 {"delimiter", 2 | 4},
                 {"chat", 2 | 4},
                 {"shots", 2 | 4},
                 {"shots_from", 2 | 4},
                 {"shots_separator", 2 | 4},
                 {"choices", 2},
                 {"choices_field", 2},
                 {"answer", 2},
                 {"answer_is", 2},
                 {"target", 4},
                 {"generate", 4},
                 {"extract", 4},
                 {"target_extract", 4}};

// A key that this kind would pass over in silence is a mistake.
static Err check_kinds(const Json *root, const Task *t)
{
    static const char *const names[] = {"perplexity", "multiple_choice", "generate"};

    for (int i = 0; i < (int)(sizeof key_kinds / sizeof key_kinds[0]); i++) {
        const Json *m = json_member(root, key_kinds[i].key);

        if (m != NULL && (key_kinds[i].kinds & 1 << t->kind) == 0)
            FAIL(ERR_CONFIG, "%s: \"%s\" has no meaning in a task of the kind %s", TASK_WHERE(m),
                 key_kinds[i].key, names[t->kind]);
    }
    return OK;
}

static Err check_wanted(const Json *root, const char *key)
{
    if (json_member(root, key) == NULL)
        FAIL(ERR_CONFIG, "%s: this kind of task needs \"%s\"", TASK_WHERE(root), key);
    return OK;
}

// ---- texts

static Err read_templates(Arena *run, const Task *t, const Json *node, TaskTexts *out)
{
    const Json *m = node->kind == JSON_ARRAY ? node->child : node;

    if (node->kind == JSON_ARRAY && (node->length == 0 || node->length > TASK_TEMPLATES_MAX))
        FAIL(ERR_CONFIG, "%s: a list of one to %d texts is expected", TASK_WHERE(node),
             TASK_TEMPLATES_MAX);
    for (; m != NULL; m = node->kind == JSON_ARRAY ? m->next : NULL) {
        if (m->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: a text with {fields} is expected, found %s", TASK_WHERE(m),
                 json_kind_name(m->kind));
        TRY(task_template(run, &t->data, m, m->text, &out->template[out->count++]));
    }
    return OK;
}

static Err read_perplexity(Arena *run, const Json *root, Task *t)
{
    const TaskKeys *k = &t->keys;

    if (*k->text != 0 && *k->conversation != 0)
        FAIL(ERR_CONFIG, "%s: \"text\" and \"conversation\" exclude each other",
             TASK_WHERE(json_member(root, "text")));
    if (*k->tools != 0 && *k->conversation == 0)
        FAIL(ERR_CONFIG, "%s: \"tools\" goes with \"conversation\"",
             TASK_WHERE(json_member(root, "tools")));
    if (*k->tools != 0)
        TRY(task_want_field(&t->data, json_member(root, "tools"), k->tools));
    if (*k->conversation != 0)
        return task_want_field(&t->data, json_member(root, "conversation"), k->conversation);
    return task_template(run, &t->data, *k->text != 0 ? json_member(root, "text") : root,
                         *k->text != 0 ? k->text : "{text}", &t->text);
}

static Err read_choice(Arena *run, const Json *root, Task *t)
{
    const TaskKeys *k = &t->keys;

    TRY(check_wanted(root, "answer"));
    TRY(task_template(run, &t->data, json_member(root, "answer"), k->answer, &t->answer));
    if ((k->choices != NULL) == (*k->choices_field != 0))
        FAIL(ERR_CONFIG, "%s: a task of this kind needs either \"choices\" or \"choices_field\"",
             TASK_WHERE(root));
    if (k->choices == NULL)
        return task_want_field(&t->data, json_member(root, "choices_field"), k->choices_field);
    if (k->choices->kind != JSON_ARRAY || k->choices->length < 2)
        FAIL(ERR_CONFIG, "%s: choices is a list of two or more texts", TASK_WHERE(k->choices));
    return read_templates(run, t, k->choices, &t->choices);
}

// Texts that a chat template ends a turn with come on top.
static Err read_stops(Task *t)
{
    const Json *list = t->keys.generate.stop;
    int         most = DECODE_STOPS_MAX - (t->keys.chat ? CHATFORM_ENDS_MAX : 0);

    if (list != NULL && (list->kind != JSON_ARRAY || list->length > most))
        FAIL(ERR_CONFIG, "%s: stop is a list of at most %d texts%s", TASK_WHERE(list), most,
             t->keys.chat ? " in a chat" : "");
    for (const Json *m = list != NULL ? list->child : NULL; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT || m->length == 0)
            FAIL(ERR_CONFIG, "%s: a text that ends an answer is expected", TASK_WHERE(m));
        t->stop[t->stops++] = m->text;
    }
    return OK;
}

static Err read_generate(Arena *run, const Json *root, Task *t)
{
    const TaskKeys *k = &t->keys;
    ExtractKeys     target = {0};

    TRY(check_wanted(root, "target"));
    TRY(read_templates(run, t, k->target, &t->targets));
    TRY(read_stops(t));
    if (k->generate.samples > 1 && k->generate.temperature == 0)
        FAIL(ERR_CONFIG,
             "%s: %" PRId64 " samples at temperature 0 would all be the same; set "
             "generate.temperature",
             TASK_WHERE(json_member(root, "generate")), k->generate.samples);
    TRY(extract_make(run, json_member(root, "extract"), &k->extract, &t->extract));
    t->target_extract = t->extract;
    if (k->target_extract == NULL)
        return OK;
    TRY(config_read(run, k->target_extract, extract_table, &target));
    return extract_make(run, k->target_extract, &target, &t->target_extract);
}

static Err read_prompt(Arena *run, const Json *root, const char *folder, Task *t)
{
    const TaskKeys *k = &t->keys;

    TRY(check_wanted(root, "prompt"));
    TRY(task_template(run, &t->data, json_member(root, "prompt"), k->prompt, &t->prompt));
    if (*k->system != 0 && !k->chat)
        FAIL(ERR_CONFIG, "%s: \"system\" goes with \"chat\": true",
             TASK_WHERE(json_member(root, "system")));
    if ((k->shots > 0) != (k->shots_from != NULL))
        FAIL(ERR_CONFIG,
             "%s: \"shots\" and \"shots_from\" go together: examples of the data itself would give "
             "answers away",
             TASK_WHERE(root));
    if (k->shots == 0)
        return OK;
    TRY(task_data_open(run, k->data, k->shots_from, folder, k->whole_files, &t->shots));
    if (t->shots.count < k->shots)
        FAIL(ERR_DATA, "%s: there are %" PRId64 " records for %" PRId64 " shots",
             TASK_WHERE(k->shots_from), t->shots.count, k->shots);
    for (int i = 0; i < t->data.fields; i++)
        TRY(task_want_field(&t->shots, k->shots_from, t->data.field[i]));
    return OK;
}

Err task_make(Arena *run, const Json *root, const char *folder, const TaskOverride *override,
              Task *out)
{
    const TaskKeys *k = &out->keys;
    const Json     *files = override != NULL ? override->files : NULL;

    *out = (Task){0};
    TRY(config_read(run, root, task_table, &out->keys));
    out->kind = (TaskKind)k->kind;
    TRY(check_kinds(root, out));
    TRY(task_data_open(run, k->data, files, folder, k->whole_files, &out->data));
    if (out->data.count == 0)
        FAIL(ERR_DATA, "%s: the files of task %s hold no record", TASK_WHERE(k->data), k->task);
    if (*k->group != 0)
        TRY(task_want_field(&out->data, json_member(root, "group"), k->group));
    if (out->kind != TASK_PERPLEXITY)
        TRY(read_prompt(run, root, folder, out));
    if (out->kind == TASK_PERPLEXITY)
        TRY(read_perplexity(run, root, out));
    else
        TRY(out->kind == TASK_CHOICE ? read_choice(run, root, out) : read_generate(run, root, out));
    return read_metrics(out);
}

Err task_read(Arena *run, const char *path, const TaskOverride *override, Task *out)
{
    char        folder[FILE_PATH_MAX];
    char       *slash;
    const Json *root;

    if (file_is_folder(path))
        FAIL(ERR_CONFIG, "%s: is a folder; the name of a task file is expected", path);
    TRY(json_read(run, path, JSON_COMMENTS, &root));
    if (root->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: a task is an object, found %s", TASK_WHERE(root),
             json_kind_name(root->kind));
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        FAIL(ERR_CONFIG, "the path %.60s... is too long", path);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = 0;
    return task_make(run, root, slash != NULL ? arena_text(run, folder) : ".", override, out);
}

void task_help(Text *t)
{
    config_help(t, task_table);
}

void task_write(Text *t, const Task *task)
{
    config_write(t, task_table, &task->keys);
}
