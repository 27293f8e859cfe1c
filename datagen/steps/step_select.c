// select: which of the records of a request stay.
#include "datagen/step.h"
#include "datagen/steps/keys.h"

#include <string.h>

enum { DISTINCT_MAX = 8 };

typedef struct Conflict {
    const char *same, *differs;
} Conflict;

typedef struct Select {
    const Json *distinct_json;
    Conflict    conflict;
    int64_t     cap;

    const char **distinct;
    int          distinct_count;
} Select;

static const ConfigField conflict_fields[] = {
    {"same", CONFIG_TEXT, offsetof(Conflict, same), "", 0, 0, NULL, NULL,
     "A field that is equal and not empty, ..."},
    {"differs", CONFIG_TEXT, offsetof(Conflict, differs), "", 0, 0, NULL, NULL,
     "... while this one is not: then no record of the request can be trusted, all are rejected."},
    {0}};

static const ConfigField fields[] = {
    {"conflict", CONFIG_TABLE, offsetof(Select, conflict), NULL, 0, 0, NULL, conflict_fields,
     "Looked at first: two records that contradict each other."},
    {"distinct", CONFIG_JSON, offsetof(Select, distinct_json), "", 0, 0, NULL, NULL,
     "A field or a list of them: of records with the same texts there only the first stays."},
    {"cap", CONFIG_INT, offsetof(Select, cap), "0", 0, 1 << 20, NULL, NULL,
     "At most this many stay, those with the lowest sample numbers; 0: all."},
    {0}};

static Err read_distinct(StepReader *reader, Select *s)
{
    const Json *json = s->distinct_json;

    if (json == NULL)
        return OK;
    if (json->kind == JSON_TEXT) {
        s->distinct = arena_new(reader->arena, const char *, 1);
        s->distinct[0] = json->text;
        s->distinct_count = 1;
        return step_wants_field(reader, json, json->text);
    }
    TRY(keys_texts(reader->arena, json, DISTINCT_MAX, &s->distinct, &s->distinct_count));
    for (const Json *m = json->child; m != NULL; m = m->next)
        TRY(step_wants_field(reader, m, m->text));
    return OK;
}

static Err read_conflict(StepReader *reader, const Json *json, const Select *s)
{
    const Json *conflict = json_member(json, "conflict");

    if (conflict == NULL)
        return OK;
    if (*s->conflict.same == 0 || *s->conflict.differs == 0)
        FAIL(ERR_CONFIG, "%s: conflict needs \"same\" and \"differs\", two fields",
             STEP_WHERE(conflict));
    TRY(step_wants_field(reader, json_member(conflict, "same"), s->conflict.same));
    TRY(step_wants_field(reader, json_member(conflict, "differs"), s->conflict.differs));
    return step_gives_reason(reader, json, "conflict");
}

static Err read_select(StepReader *reader, const Json *json, Op *op)
{
    Select *s = op->settings;

    if (s->distinct_json == NULL && s->cap == 0 && json_member(json, "conflict") == NULL)
        FAIL(ERR_CONFIG, "%s: select needs \"distinct\", \"conflict\" or \"cap\"",
             STEP_WHERE(json));
    TRY(read_conflict(reader, json, s));
    TRY(read_distinct(reader, s));
    TRY(step_gives_reason(reader, json, "duplicate"));
    return step_gives_reason(reader, json, "over the cap");
}

static StepAnswer run_select(const StepRun *run, const void *settings, Record *r)
{
    (void)run, (void)settings, (void)r;
    return STEP_GATHER;
}

static int is_same(const Record *a, const Record *b, const char *field)
{
    const RecordField *x = record_field(a, field), *y = record_field(b, field);

    return x->length == y->length && memcmp(x->text, y->text, (size_t)x->length) == 0;
}

static int is_twin(const Select *s, const Record *a, const Record *b)
{
    for (int i = 0; i < s->distinct_count; i++)
        if (!is_same(a, b, s->distinct[i]))
            return 0;
    return s->distinct_count > 0;
}

static int is_conflict(const Conflict *c, const Record *a, const Record *b)
{
    return record_field(a, c->same)->length > 0 && is_same(a, b, c->same) &&
           !is_same(a, b, c->differs);
}

static int have_conflict(const Conflict *c, Record **records, int64_t count)
{
    for (int64_t i = 0; i < count && *c->same != 0; i++)
        for (int64_t k = 0; k < i; k++)
            if (is_conflict(c, records[i], records[k]))
                return 1;
    return 0;
}

static void gather_select(const void *settings, Record **records, int64_t count)
{
    const Select *s = settings;
    int64_t       kept = 0;
    int           conflict = have_conflict(&s->conflict, records, count);

    for (int64_t i = 0; i < count; i++) {
        if (conflict)
            record_reject(records[i], "conflict");
        for (int64_t k = 0; k < i && records[i]->status == SET_KEPT; k++)
            if (is_twin(s, records[i], records[k]))
                record_reject(records[i], "duplicate");
        if (records[i]->status == SET_KEPT && s->cap > 0 && kept == s->cap)
            record_reject(records[i], "over the cap");
        kept += records[i]->status == SET_KEPT;
    }
}

const StepKind step_select = {.name = "select",
                              .about = "Chooses among the records of a request.",
                              .fields = fields,
                              .bytes = sizeof(Select),
                              .read = read_select,
                              .run = run_select,
                              .gather = gather_select};
