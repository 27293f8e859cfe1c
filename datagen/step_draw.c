// draw: where requests come from.
#include "datagen/step.h"

#include <inttypes.h>

typedef struct Draw {
    int     from;
    int64_t count;
} Draw;

enum { FROM_PROBLEMS, FROM_SEEDS, FROM_HELD_OUT, FROM_NOTHING };

static const ConfigField fields[] = {
    {"from", CONFIG_ENUM, offsetof(Draw, from), NULL, 0, 0, "problems|seeds|held-out|nothing", NULL,
     "Fresh problems, never held-out ones; the worked examples; the test; or no problem at all."},
    {"count", CONFIG_INT, offsetof(Draw, count), "0", 0, 0x1p39, NULL, NULL,
     "Requests per iteration, for problems and nothing; of the others all there are."},
    {0}};

static SourceSplit split_of(const Draw *d)
{
    return d->from == FROM_SEEDS      ? SPLIT_SEEDS
           : d->from == FROM_HELD_OUT ? SPLIT_HELD_OUT
                                      : SPLIT_TRAIN;
}

static Err read_draw(StepReader *reader, const Json *json, Op *op)
{
    const Draw        *d = op->settings;
    Recipe            *r = reader->recipe;
    int                is_all = d->from == FROM_SEEDS || d->from == FROM_HELD_OUT, count;
    const char *const *names = source_fields(reader->source, &count);

    if (op != &r->op[0])
        FAIL(ERR_CONFIG, "%s: only the first step may draw", STEP_WHERE(json));
    if (is_all && d->count != 0)
        FAIL(ERR_CONFIG, "%s: no \"count\" here: of these problems all are drawn",
             STEP_WHERE(json));
    if (!is_all && d->count == 0)
        FAIL(ERR_CONFIG, "%s: \"count\" has to say how many requests, 1 or more", STEP_WHERE(json));
    r->requests = is_all ? source_count(reader->source, split_of(d)) : d->count;
    if (r->requests == 0)
        FAIL(ERR_CONFIG, "%s: the source has no such problems", STEP_WHERE(json));
    if (d->from == FROM_NOTHING)
        return OK;
    for (int i = 0; i < count; i++)
        TRY(step_gives_field(reader, json, names[i]));
    names = source_verdicts(reader->source, &count);
    for (int i = 0; i < count; i++)
        TRY(step_gives_verdict(reader, json, names[i]));
    return OK;
}

static StepAnswer run_draw(const StepRun *run, const void *settings, Record *r)
{
    const Draw *d = settings;

    if (d->from != FROM_NOTHING)
        source_draw(run->source, split_of(d), run->iteration, (int64_t)r->request, r);
    return STEP_NEXT;
}

const StepKind step_draw = {.name = "draw",
                            .about = "Fills records with problems of the source; the first step.",
                            .fields = fields,
                            .bytes = sizeof(Draw),
                            .read = read_draw,
                            .run = run_draw};
