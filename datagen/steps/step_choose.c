// choose: one of several ways for a record, or all of them.
#include "datagen/step.h"

#include "base/rng.h"

#include <inttypes.h>

enum { OPTIONS_MAX = 32, WEIGHT_MAX = 1000000 };

enum { CHOOSE_RANDOM, CHOOSE_EACH };

typedef struct Choose {
    int         by;
    const Json *options;
    const char *into;

    int         count;
    int         begin[OPTIONS_MAX]; // place of the first step
    int64_t     weight[OPTIONS_MAX], total;
    const char *name[OPTIONS_MAX];
} Choose;

typedef struct Option {
    const char *name;
    int64_t     weight;
    const Json *steps;
} Option;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Choose, by), "random", 0, 0, "random|each", NULL,
     "random: one option, by the record's own random key; each: the record becomes one per "
     "option."},
    {"options", CONFIG_JSON, offsetof(Choose, options), NULL, 0, 0, NULL, NULL,
     "A list of {\"name\": text, \"weight\": whole number, 1 if absent, \"steps\": [...]}."},
    {"into", CONFIG_TEXT, offsetof(Choose, into), "", 0, 0, NULL, NULL,
     "Field for the name of the option; empty: none."},
    {0}};

static const ConfigField option_fields[] = {
    {"name", CONFIG_TEXT, offsetof(Option, name), "", 0, 0, NULL, NULL, "Its name."},
    {"weight", CONFIG_INT, offsetof(Option, weight), "1", 1, WEIGHT_MAX, NULL, NULL,
     "How often it is chosen, against the others."},
    {"steps", CONFIG_JSON, offsetof(Option, steps), NULL, 0, 0, NULL, NULL, "What it does."},
    {0}};

static const ConfigField no_fields[] = {{0}};

static StepAnswer leave(const StepRun *run, const void *settings, Record *r)
{
    (void)run, (void)settings, (void)r;
    return STEP_JUMP;
}

// Behind the steps of an option: on to what stands behind all of them.
static const StepKind step_leave = {
    .name = "(end of an option)", .about = "", .fields = no_fields, .run = leave};

static Err add_leave(StepReader *reader, const Json *json)
{
    Recipe *r = reader->recipe;

    if (r->ops == OPS_MAX)
        FAIL(ERR_CONFIG, "%s: more than %d steps", STEP_WHERE(json), OPS_MAX);
    r->op[r->ops++] = (Op){.kind = &step_leave, .samples = 1, .stride = 1};
    return OK;
}

typedef struct Known { // what records have
    NameList fields, verdicts, scores;
} Known;

static Known known(const StepReader *reader)
{
    return (Known){reader->fields, reader->verdicts, reader->scores};
}

static void set_known(StepReader *reader, const Known *k)
{
    reader->fields = k->fields;
    reader->verdicts = k->verdicts;
    reader->scores = k->scores;
}

static Err read_option(StepReader *reader, const Json *json, Choose *c, Known *after)
{
    Option option = {0};
    Known  before = known(reader), mine;
    int    n = c->count++;

    if (json->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: an option is an object with \"steps\", found %s", STEP_WHERE(json),
             json_kind_name(json->kind));
    TRY(config_read(reader->arena, json, option_fields, &option));
    c->begin[n] = reader->recipe->ops;
    c->weight[n] = option.weight;
    c->total += option.weight;
    c->name[n] = option.name;
    if (*c->into != 0 && *option.name == 0)
        FAIL(ERR_CONFIG, "%s: every option needs a \"name\" where \"into\" keeps it",
             STEP_WHERE(json));
    TRY(step_read_list(reader, option.steps));
    TRY(add_leave(reader, json));
    mine = known(reader);
    if (n == 0) {
        *after = mine;
    } else {
        step_names_both(&after->fields, &mine.fields);
        step_names_both(&after->verdicts, &mine.verdicts);
        step_names_both(&after->scores, &mine.scores);
    }
    set_known(reader, &before);
    return OK;
}

static Err read_choose(StepReader *reader, const Json *json, Op *op)
{
    Choose *c = op->settings;
    Recipe *r = reader->recipe;
    Known   after;

    if (c->options->kind != JSON_ARRAY || c->options->length < 1 ||
        c->options->length > OPTIONS_MAX)
        FAIL(ERR_CONFIG, "%s: options has to be a list of 1 to %d", STEP_WHERE(c->options),
             OPTIONS_MAX);
    if (reader->depth == DEPTH_MAX)
        FAIL(ERR_CONFIG, "%s: steps are nested more than %d deep", STEP_WHERE(json), DEPTH_MAX);
    if (c->by == CHOOSE_EACH)
        TRY(step_splits(reader, json, op, c->options->length));
    if (*c->into != 0)
        TRY(step_gives_field(reader, json_member(json, "into"), c->into));
    reader->depth++;
    for (const Json *m = c->options->child; m != NULL; m = m->next)
        TRY(read_option(reader, m, c, &after));
    reader->depth--;
    set_known(reader, &after);
    for (int i = 0; i < c->count; i++) // the steps that leave stand before the next option
        r->op[(i + 1 < c->count ? c->begin[i + 1] : r->ops) - 1].jump = r->ops;
    return OK;
}

static StepAnswer go(const Choose *c, Record *r, int64_t option)
{
    if (*c->into != 0)
        record_set(r, c->into, c->name[option], (int64_t)__builtin_strlen(c->name[option]));
    r->go_to = c->begin[option];
    return STEP_GOTO;
}

static StepAnswer run_choose(const StepRun *run, const void *settings, Record *r)
{
    const Choose *c = settings;
    uint64_t      stream;
    Rng           rng;
    int64_t       at, option = 0;

    if (c->by == CHOOSE_EACH) {
        r->item_count = c->count;
        return STEP_SPLIT;
    }
    stream = rng_stream("choose", (uint64_t)run->iteration << 40 | r->request, r->sample,
                        (uint64_t)run->number);
    rng = rng_make(run->seed, stream, 0);
    at = (int64_t)rng_below(&rng, (uint64_t)c->total);
    while (at >= c->weight[option])
        at -= c->weight[option++];
    return go(c, r, option);
}

static StepAnswer item_choose(const StepRun *run, const void *settings, Record *r, int64_t item)
{
    (void)run;
    return go(settings, r, item);
}

const StepKind step_choose = {.name = "choose",
                              .about = "One of several lists of steps, drawn by weight, or each.",
                              .fields = fields,
                              .bytes = sizeof(Choose),
                              .read = read_choose,
                              .run = run_choose,
                              .item = item_choose};
