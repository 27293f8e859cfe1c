// when: steps for some of the records.
#include "datagen/step.h"

typedef struct When {
    const Json    *steps;
    StepConditions conditions;
} When;

static const ConfigField fields[] = {
    {"steps", CONFIG_JSON, offsetof(When, steps), NULL, 0, 0, NULL, NULL,
     "Steps for the records that meet the conditions; the others go on behind them."},
    {0}};

// What the nested steps fill is not there for the records that went past them.
static Err read_when(StepReader *reader, const Json *json, Op *op)
{
    When    *w = op->settings;
    NameList fields_before = reader->fields, verdicts_before = reader->verdicts;

    TRY(step_conditions(reader, json, &step_when, &w->conditions));
    if (reader->depth == DEPTH_MAX)
        FAIL(ERR_CONFIG, "%s: steps are nested more than %d deep", STEP_WHERE(json), DEPTH_MAX);
    reader->depth++;
    TRY(step_read_list(reader, w->steps));
    reader->depth--;
    reader->fields = fields_before;
    reader->verdicts = verdicts_before;
    return OK;
}

static StepAnswer run_when(const StepRun *run, const void *settings, Record *r)
{
    const When *w = settings;

    (void)run;
    return step_unmet(&w->conditions, r) < 0 ? STEP_NEXT : STEP_JUMP;
}

const StepKind step_when = {.name = "when",
                            .about =
                                "Steps for the records with these verdicts, as \"right\": false.",
                            .fields = fields,
                            .bytes = sizeof(When),
                            .takes_verdicts = 1,
                            .read = read_when,
                            .run = run_when};
