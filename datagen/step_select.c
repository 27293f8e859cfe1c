// select: which of the records of a request, or of the iteration, stay.
#include "datagen/step.h"

#include <string.h>

enum { SCOPE_REQUEST, SCOPE_ITERATION };

typedef struct Select {
    const char *distinct;
    int64_t     cap;
    int         scope;
} Select;

static const ConfigField fields[] = {
    {"distinct", CONFIG_TEXT, offsetof(Select, distinct), "", 0, 0, NULL, NULL,
     "Of records with the same text in this field only the first stays."},
    {"cap", CONFIG_INT, offsetof(Select, cap), "0", 0, 1 << 20, NULL, NULL,
     "At most this many stay, those with the lowest sample numbers; 0: all."},
    {"scope", CONFIG_ENUM, offsetof(Select, scope), "request", 0, 0, "request|iteration", NULL,
     "Among the samples of one request, or among all that was kept in this iteration and earlier "
     "ones, in the order of their ids: then it is done when the iteration is committed"},
    {0}};

static Err read_select(StepReader *reader, const Json *json, Op *op)
{
    const Select *s = op->settings;
    Recipe       *r = reader->recipe;

    if (*s->distinct == 0 && s->cap == 0)
        FAIL(ERR_CONFIG, "%s: select needs \"distinct\" or \"cap\"", STEP_WHERE(json));
    if (*s->distinct != 0)
        TRY(step_wants_field(reader, json_member(json, "distinct"), s->distinct));
    if (s->scope == SCOPE_REQUEST) {
        TRY(step_gives_reason(reader, json, "duplicate"));
        return step_gives_reason(reader, json, "over the cap");
    }
    if (s->cap != 0)
        FAIL(ERR_CONFIG, "%s: \"cap\" is for the scope \"request\"", STEP_WHERE(json));
    if (reader->depth > 0 || r->commit_key != NULL)
        FAIL(ERR_CONFIG, "%s: over the iteration a recipe can select once, outside of when",
             STEP_WHERE(json));
    r->commit_key = record_name(s->distinct);
    return step_gives_reason(reader, json, "duplicate");
}

static StepAnswer run_select(const StepRun *run, const void *settings, Record *r)
{
    (void)run, (void)r;
    return ((const Select *)settings)->scope == SCOPE_REQUEST ? STEP_GATHER : STEP_NEXT;
}

static int is_same(const Record *a, const Record *b, const char *field)
{
    const RecordField *x = record_field(a, field), *y = record_field(b, field);

    return x->length == y->length && memcmp(x->text, y->text, (size_t)x->length) == 0;
}

static void gather_select(const void *settings, Record **records, int64_t count)
{
    const Select *s = settings;
    int64_t       kept = 0;

    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < i && *s->distinct != 0; k++)
            if (is_same(records[i], records[k], s->distinct)) {
                record_reject(records[i], "duplicate");
                break;
            }
        if (records[i]->status == SET_KEPT && s->cap > 0 && kept == s->cap)
            record_reject(records[i], "over the cap");
        kept += records[i]->status == SET_KEPT;
    }
}

const StepKind step_select = {.name = "select",
                              .about =
                                  "Chooses among the records of a request, or drops duplicates "
                                  "of the iteration.",
                              .fields = fields,
                              .bytes = sizeof(Select),
                              .read = read_select,
                              .run = run_select,
                              .gather = gather_select};
