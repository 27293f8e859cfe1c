// Results for people and for programs.
#include "campaign/tasks/task_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"-", "Wilson", "normal"};

static int widest(const TaskResult *results, int count)
{
    size_t most = 4;

    for (int i = 0; i < count; i++)
        for (int g = 0; g < results[i].groups; g++) {
            size_t n =
                g == 0 ? strlen(results[i].task->keys.task) : strlen(results[i].group[g].name) + 2;

            most = n > most ? n : most;
        }
    return most < 40 ? (int)most : 40;
}

// Four decimals; perplexities of texts that are quite foreign to a model in powers of ten.
static const char *number(char room[32], double x)
{
    snprintf(room, 32, x < 1e7 ? "%.4f" : "%.3e", x);
    return room;
}

static void write_row(Text *t, int width, const TaskResult *r, int g, int m)
{
    const Interval *x = &r->group[g].score[m];
    char            name[64], interval[72], low[32], high[32];

    if (m > 0)
        *name = 0;
    else if (g == 0)
        snprintf(name, sizeof name, "%.40s", r->task->keys.task);
    else
        snprintf(name, sizeof name, "  %.38s", r->group[g].name);
    if (x->kind == INTERVAL_NONE)
        snprintf(interval, sizeof interval, "-");
    else
        snprintf(interval, sizeof interval, "%s .. %s", number(low, x->low), number(high, x->high));
    text_printf(t, "%-*s  %-16s %10s  %-22s %-7s %8" PRId64 "\n", width, name,
                r->task->metric[m].name, number(low, x->value), interval, kinds[x->kind],
                r->group[g].examples);
}

// What a reader has to know beside the numbers.
static void write_notes(Text *t, const TaskResult *r)
{
    const char *name = r->task->keys.task;

    for (int i = 1; i < LEFT_COUNT; i++)
        if (r->left[i] > 0)
            text_printf(t, "%s: %" PRId64 " of %" PRId64 " examples left out: %s\n", name,
                        r->left[i], r->examples, task_left_names[i]);
    if (r->cut > 0)
        text_printf(t, "%s: %" PRId64 " of %" PRId64 " examples lost their beginning\n", name,
                    r->cut, r->examples);
    if (r->unanswered > 0)
        text_printf(t, "%s: no answer was found in %" PRId64 " of %" PRId64 " samples\n", name,
                    r->unanswered, r->samples);
    if (r->unfinished > 0)
        text_printf(t, "%s: %" PRId64 " of %" PRId64 " samples were ended by their length\n", name,
                    r->unfinished, r->samples);
    text_printf(t, "%s: %" PRId64 " examples, %" PRId64 " tokens%s in %.2f s\n", name, r->scored,
                r->tokens,
                r->task->kind == TASK_GENERATE ? " written"
                : r->task->kind == TASK_CHOICE ? " read"
                                               : " foreseen",
                r->seconds);
}

void task_table_write(Text *t, const TaskResult *results, int count)
{
    int width = widest(results, count);

    text_printf(t, "%-*s  %-16s %10s  %-22s %-7s %8s\n", width, "task", "metric", "value",
                "95 % interval", "kind", "examples");
    for (int i = 0; i < count; i++)
        for (int g = 0; g < results[i].groups; g++)
            for (int m = 0; m < results[i].task->metrics; m++)
                write_row(t, width, &results[i], g, m);
    for (int i = 0; i < count; i++)
        write_notes(t, &results[i]);
}

// ---- JSON

static void put_text(Text *t, const char *key, const char *text)
{
    text_printf(t, "\"%s\": ", key);
    text_json(t, text, (int64_t)strlen(text));
}

static void put_number(Text *t, double x)
{
    if (isfinite(x))
        json_write_number(t, x);
    else
        text_puts(t, "null");
}

static void put_scores(Text *t, const TaskResult *r, const TaskGroup *g)
{
    static const char *const names[] = {"none", "wilson", "normal"};

    text_puts(t, "{");
    for (int m = 0; m < r->task->metrics; m++) {
        const Interval *x = &g->score[m];

        text_puts(t, m > 0 ? ", " : "");
        text_json(t, r->task->metric[m].name, (int64_t)strlen(r->task->metric[m].name));
        text_puts(t, ": {\"value\": ");
        put_number(t, x->value);
        text_puts(t, ", \"low\": ");
        put_number(t, x->low);
        text_puts(t, ", \"high\": ");
        put_number(t, x->high);
        text_printf(t, ", \"interval\": \"%s\"}", names[x->kind]);
    }
    text_puts(t, "}");
}

static void put_counts(Text *t, const TaskResult *r)
{
    int commas = 0;

    text_printf(t, "\"examples\": %" PRId64 ", \"scored\": %" PRId64 ", \"left_out\": {",
                r->examples, r->scored);
    for (int i = 1; i < LEFT_COUNT; i++)
        if (r->left[i] > 0)
            text_printf(t, "%s\"%s\": %" PRId64, commas++ > 0 ? ", " : "", task_left_names[i],
                        r->left[i]);
    text_printf(t, "}, \"beginning_cut\": %" PRId64 ", \"tokens\": %" PRId64, r->cut, r->tokens);
    if (r->task->kind == TASK_GENERATE)
        text_printf(t,
                    ", \"samples\": %" PRId64 ", \"without_answer\": %" PRId64
                    ", \"ended_by_length\": %" PRId64,
                    r->samples, r->unanswered, r->unfinished);
}

static void put_result(Text *t, const TaskResult *r)
{
    text_puts(t, "\n    {");
    put_text(t, "task", r->task->keys.task);
    text_puts(t, ",\n     ");
    put_counts(t, r);
    text_puts(t, ",\n     \"metrics\": ");
    put_scores(t, r, &r->group[0]);
    if (r->groups > 1)
        text_puts(t, ",\n     \"groups\": [");
    for (int g = 1; g < r->groups; g++) {
        text_puts(t, g > 1 ? ",\n      {" : "\n      {");
        put_text(t, "group", r->group[g].name);
        text_printf(t, ", \"scored\": %" PRId64 ", \"metrics\": ", r->group[g].examples);
        put_scores(t, r, &r->group[g]);
        text_puts(t, "}");
    }
    if (r->groups > 1)
        text_puts(t, "]");
    text_puts(t, ",\n     \"keys\": ");
    task_write(t, r->task);
    if (r->details != NULL)
        text_printf(t, ",\n     \"details\": [%s]", r->details);
    text_puts(t, "}");
}

void task_json_write(Text *t, const TaskModel *model, const TaskResult *results, int count)
{
    text_puts(t, "{\"format\": \"tandem evaluation\", \"version\": 1, \"creator\": \"tandem 0.1.0 "
                 "(" TD_COMMIT ")\",\n  ");
    put_text(t, "model", model->name);
    text_puts(t, ", ");
    put_text(t, "weights", model->chosen);
    text_puts(t, ", ");
    put_text(t, "products", gemm_describe());
    text_puts(t, ",\n  \"tasks\": [");
    for (int i = 0; i < count; i++) {
        text_puts(t, i > 0 ? "," : "");
        put_result(t, &results[i]);
    }
    text_puts(t, "]}\n");
}
