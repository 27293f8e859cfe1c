// draw: where requests come from.
#include "datagen/step.h"

#include <inttypes.h>
#include <string.h>

typedef struct Draw {
    int         from, order;
    const Json *count_json;
    int64_t     count; // 0: all
} Draw;

static const int64_t COUNT_MAX = (int64_t)1 << 39;
enum { ORDER_SHUFFLED, ORDER_FILE };
enum { FROM_PROBLEMS, FROM_SEEDS, FROM_HELD_OUT, FROM_NOTHING, FROM_LATEST };

static const ConfigField fields[] = {
    {"from", CONFIG_ENUM, offsetof(Draw, from), NULL, 0, 0,
     "problems|seeds|held-out|nothing|latest", NULL,
     "Fresh problems, never held-out ones; the worked examples; the test; no problem at all; or, "
     "for "
     "each seed, the youngest record of the first pool that descends from it, else the seed."},
    {"count", CONFIG_JSON, offsetof(Draw, count_json), "", 0, 0, NULL, NULL,
     "Requests per round, for problems and nothing; \"all\" or 0: each record of the files once. "
     "Of "
     "the others all there are."},
    {"order", CONFIG_ENUM, offsetof(Draw, order), "shuffled", 0, 0, "shuffled|file", NULL,
     "Of problems that are records of files: in a new order in every pass and iteration, or as "
     "they "
     "stand."},
    {0}};

static SourceSplit split_of(const Draw *d)
{
    return d->from == FROM_SEEDS || d->from == FROM_LATEST ? SPLIT_SEEDS
           : d->from == FROM_HELD_OUT                      ? SPLIT_HELD_OUT
                                                           : SPLIT_TRAIN;
}

// Absent is no way to say "all": it would be too easy to forget.
static Err read_count(const StepReader *reader, const Json *json, Draw *d)
{
    const Json *count = d->count_json;

    if (count == NULL)
        FAIL(ERR_CONFIG, "%s: \"count\" has to say how many requests, 1 or more, or \"all\"",
             STEP_WHERE(json));
    if (count->kind == JSON_TEXT && strcmp(count->text, "all") != 0)
        FAIL(ERR_CONFIG, "%s: \"count\" is a number or \"all\", found %s", STEP_WHERE(count),
             json_show(count, (char[JSON_WORDS]){0}, JSON_WORDS));
    if (count->kind != JSON_TEXT) {
        Err e = json_i64(count, 0, COUNT_MAX, &d->count);

        if (e != OK)
            err_record()->code = ERR_CONFIG;
        TRY(e == OK ? OK : ERR_CONFIG);
    }
    if (d->count == 0 && (d->from != FROM_PROBLEMS || source_total(reader->source) == 0))
        FAIL(ERR_CONFIG,
             "%s: \"count\" has to say how many requests, 1 or more: there is no \"all\" of %s",
             STEP_WHERE(count), d->from == FROM_PROBLEMS ? "problems without an end" : "nothing");
    return OK;
}

static Err read_draw(StepReader *reader, const Json *json, Op *op)
{
    Draw              *d = op->settings;
    Recipe            *r = reader->recipe;
    int                is_all = d->from != FROM_PROBLEMS && d->from != FROM_NOTHING, count;
    const char *const *names = source_fields(reader->source, &count);

    if (op != &r->op[0])
        FAIL(ERR_CONFIG, "%s: only the first step may draw", STEP_WHERE(json));
    if (is_all && d->count_json != NULL)
        FAIL(ERR_CONFIG, "%s: no \"count\" here: of these problems all are drawn",
             STEP_WHERE(json));
    if (!is_all)
        TRY(read_count(reader, json, d));
    if (d->order == ORDER_FILE && (d->from != FROM_PROBLEMS || source_total(reader->source) == 0))
        FAIL(ERR_CONFIG, "%s: \"order\" is for problems that are records of files",
             STEP_WHERE(json));
    r->counts = !is_all;
    r->requests = is_all          ? source_count(reader->source, split_of(d))
                  : d->count == 0 ? source_total(reader->source)
                                  : d->count;
    if (r->requests == 0)
        FAIL(ERR_CONFIG, "%s: the source has no such problems%s", STEP_WHERE(json),
             d->from == FROM_HELD_OUT ? ": it holds nothing out (problems.held_out)" : "");
    if (d->from == FROM_NOTHING)
        return OK;
    r->draws_latest = d->from == FROM_LATEST;
    for (int i = 0; i < count; i++)
        TRY(step_gives_field(reader, json, names[i]));
    names = source_verdicts(reader->source, &count);
    for (int i = 0; i < count; i++)
        TRY(step_gives_verdict(reader, json, names[i]));
    return OK;
}

// The fields of the source, as they stand in its youngest descendant.
static void draw_latest(const StepRun *run, int64_t k, Record *r)
{
    const PoolRecord  *p = run->views == NULL ? NULL : run->views->latest[k];
    int                count;
    const char *const *names = source_fields(run->source, &count);

    source_draw(run->source, SPLIT_SEEDS, run->iteration, k, r);
    r->problem = (uint64_t)k; // by which descendants are found
    if (p == NULL)
        return;
    for (int i = 0; i < count; i++) {
        const RecordField *f = pool_field(p, names[i]);

        record_set(r, names[i], f == NULL ? "" : f->text, f == NULL ? 0 : f->length);
    }
    memcpy(r->parent, p->id, sizeof r->parent);
}

// Problems are numbered on from round to round, the others begin again in each.
static StepAnswer run_draw(const StepRun *run, const void *settings, Record *r)
{
    const Draw *d = settings;
    int64_t     k = (int64_t)r->request;

    if (d->from == FROM_SEEDS || d->from == FROM_HELD_OUT || d->from == FROM_LATEST)
        k %= source_count(run->source, split_of(d));
    if (d->order == ORDER_FILE) // the seeds of files are their records, as they stand
        source_draw(run->source, SPLIT_SEEDS, run->iteration, k % source_total(run->source), r);
    else if (d->from == FROM_LATEST)
        draw_latest(run, k, r);
    else if (d->from != FROM_NOTHING)
        source_draw(run->source, split_of(d), run->iteration, k, r);
    return STEP_NEXT;
}

const StepKind step_draw = {.name = "draw",
                            .about = "Fills records with problems of the source; the first step.",
                            .fields = fields,
                            .bytes = sizeof(Draw),
                            .read = read_draw,
                            .run = run_draw};
