// keep: rejects the records whose verdicts are others than asked.
#include "datagen/step.h"

typedef struct Keep {
    StepConditions conditions;
    const char    *reason[RECORD_VERDICTS_MAX]; // of those who meet it not, unless the verdict says
} Keep;

static const ConfigField fields[] = {{0}};

static Err read_keep(StepReader *reader, const Json *json, Op *op)
{
    Keep *k = op->settings;

    TRY(step_conditions(reader, json, &step_keep, &k->conditions));
    for (int i = 0; i < k->conditions.count; i++) {
        k->reason[i] = arena_format(reader->arena, "%s%s", k->conditions.wanted[i] ? "not " : "",
                                    k->conditions.verdict[i]);
        TRY(step_gives_reason(reader, json, k->reason[i]));
    }
    return OK;
}

// What spoke against the record says more than that it is not right.
static const char *reason_of(const Keep *k, int unmet, const Record *r)
{
    for (int i = 0; i < r->verdicts; i++)
        if (r->verdict_name[i] == k->conditions.verdict[unmet] && r->verdict_why[i][0] != 0)
            return r->verdict_why[i];
    return k->reason[unmet];
}

static StepAnswer run_keep(const StepRun *run, const void *settings, Record *r)
{
    const Keep *k = settings;
    int         unmet = step_unmet(&k->conditions, r);

    (void)run;
    if (unmet >= 0)
        record_reject(r, reason_of(k, unmet, r));
    return STEP_NEXT;
}

const StepKind step_keep = {.name = "keep",
                            .about = "Keeps the records with these verdicts, as \"right\": true; "
                                     "rejects the others.",
                            .fields = fields,
                            .bytes = sizeof(Keep),
                            .takes_verdicts = 1,
                            .read = read_keep,
                            .run = run_keep};
