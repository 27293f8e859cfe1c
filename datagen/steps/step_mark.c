// mark: says where a record comes from.
#include "datagen/step.h"

typedef struct Mark {
    const char *source;
} Mark;

static const ConfigField fields[] = {
    {"source", CONFIG_TEXT, offsetof(Mark, source), NULL, 0, 0, NULL, NULL,
     "Name of the source in the example set; \"generated\" where nothing is marked."},
    {0}};

static Err read_mark(StepReader *reader, const Json *json, Op *op)
{
    Mark *m = op->settings;

    TRY(step_gives_source(reader, json_member(json, "source"), m->source));
    m->source = record_name(m->source);
    return OK;
}

static StepAnswer run_mark(const StepRun *run, const void *settings, Record *r)
{
    (void)run;
    r->source = ((const Mark *)settings)->source;
    return STEP_NEXT;
}

const StepKind step_mark = {.name = "mark",
                            .about = "Names the source of a record.",
                            .fields = fields,
                            .bytes = sizeof(Mark),
                            .read = read_mark,
                            .run = run_mark};
