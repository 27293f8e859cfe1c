// demonstrate: examples for a prompt, drawn from pools and seeds.
#include "datagen/step.h"

#include "base/rng.h"
#include "base/unitext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTS_MAX = 4, SHOWN_MAX = 64, VIEW_SEEDS = -1, CLEAN_MAX = 8 };

typedef struct Part {
    const char *view;
    int64_t     count;
    int         fills; // as many as are missing to the whole count
    int         pool;  // index, VIEW_SEEDS for the seeds
} Part;

typedef struct Demonstrate {
    const char *into, *text;
    const Json *of, *clean, *empty;
    int64_t     first;
    int         shuffle;

    int  parts;
    Part part[PARTS_MAX];
    Template template;
    int         cleans, empties;
    const char *clean_name[CLEAN_MAX];
    const char *empty_name[CLEAN_MAX], *empty_text[CLEAN_MAX];
    int64_t     shown; // at most
} Demonstrate;

static const ConfigField fields[] = {
    {"into", CONFIG_TEXT, offsetof(Demonstrate, into), NULL, 0, 0, NULL, NULL,
     "Field for the examples, one after the other."},
    {"of", CONFIG_JSON, offsetof(Demonstrate, of), NULL, 0, 0, NULL, NULL,
     "A list of {\"view\": \"seeds\" or a pool, \"count\": how many, \"fills\": true if they make "
     "up "
     "for what the parts before lacked}, drawn without replacement."},
    {"text", CONFIG_TEXT, offsetof(Demonstrate, text), NULL, 0, 0, NULL, NULL,
     "Template of one example, with the fields of what was drawn and {number}."},
    {"first", CONFIG_INT, offsetof(Demonstrate, first), "1", 0, 1 << 20, NULL, NULL,
     "Number of the first example."},
    {"shuffle", CONFIG_YESNO, offsetof(Demonstrate, shuffle), "true", 0, 0, NULL, NULL,
     "In random order, else in the order of the parts."},
    {"clean", CONFIG_JSON, offsetof(Demonstrate, clean), "", 0, 0, NULL, NULL,
     "Fields that are shown on one line: runs of white space become one blank, a colon at the end "
     "goes."},
    {"empty", CONFIG_JSON, offsetof(Demonstrate, empty), "", 0, 0, NULL, NULL,
     "What stands for an empty field, {\"input\": \"<noinput>\"}."},
    {0}};

static const ConfigField part_fields[] = {
    {"view", CONFIG_TEXT, offsetof(Part, view), NULL, 0, 0, NULL, NULL, "seeds, or a pool."},
    {"count", CONFIG_INT, offsetof(Part, count), NULL, 1, SHOWN_MAX, NULL, NULL, "How many."},
    {"fills", CONFIG_YESNO, offsetof(Part, fills), "false", 0, 0, NULL, NULL,
     "Makes up for what the parts before lacked."},
    {0}};

static Err read_parts(StepReader *reader, Demonstrate *d)
{
    if (d->of->kind != JSON_ARRAY || d->of->length < 1 || d->of->length > PARTS_MAX)
        FAIL(ERR_CONFIG, "%s: \"of\" has to be a list of 1 to %d parts", STEP_WHERE(d->of),
             PARTS_MAX);
    for (const Json *m = d->of->child; m != NULL; m = m->next) {
        Part *p = &d->part[d->parts++];

        if (m->kind != JSON_OBJECT)
            FAIL(ERR_CONFIG, "%s: a part is an object with \"view\" and \"count\", found %s",
                 STEP_WHERE(m), json_kind_name(m->kind));
        TRY(config_read(reader->arena, m, part_fields, p));
        p->pool = VIEW_SEEDS;
        if (strcmp(p->view, "seeds") != 0) {
            if (reader->recipe->stages > 0)
                FAIL(ERR_CONFIG, "%s: pools can only be drawn from before the first commit",
                     STEP_WHERE(m));
            p->pool = 0;
            TRY(step_wants_pool(reader, json_member(m, "view"), p->view));
        }
        d->shown += p->count;
    }
    return OK;
}

static Err check_supply(StepReader *reader, const Json *json, const Demonstrate *d)
{
    int64_t most = 0, seeds = source_count(reader->source, SPLIT_SEEDS);

    for (int i = 0; i < d->parts; i++)
        if (d->part[i].pool == VIEW_SEEDS) {
            for (int k = 0; k < i && d->part[i].fills; k++)
                most += d->part[k].count;
            most += d->part[i].count;
        }
    if (most > seeds)
        FAIL(ERR_CONFIG,
             "%s: up to %" PRId64 " different seeds are asked for, but the source has %" PRId64
             ": ask for fewer or give more seeds",
             STEP_WHERE(json), most, seeds);
    return OK;
}

static Err read_names(const Json *list, const char **names, int *count)
{
    if (list == NULL)
        return OK;
    if (list->kind != JSON_ARRAY || list->length > CLEAN_MAX)
        FAIL(ERR_CONFIG, "%s: a list of at most %d fields is expected", STEP_WHERE(list),
             CLEAN_MAX);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: the name of a field is expected, found %s", STEP_WHERE(m),
                 json_kind_name(m->kind));
        names[(*count)++] = m->text;
    }
    return OK;
}

static Err read_empty(const Json *object, Demonstrate *d)
{
    if (object == NULL)
        return OK;
    if (object->kind != JSON_OBJECT || object->length > CLEAN_MAX)
        FAIL(ERR_CONFIG, "%s: an object of at most %d fields is expected", STEP_WHERE(object),
             CLEAN_MAX);
    for (const Json *m = object->child; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: a text is expected, found %s", STEP_WHERE(m),
                 json_kind_name(m->kind));
        d->empty_name[d->empties] = m->key;
        d->empty_text[d->empties++] = m->text;
    }
    return OK;
}

// The slots are fields of the source (pools hold at least those, or leave them empty) and {number}.
static Err read_template(StepReader *reader, const Json *json, Demonstrate *d)
{
    StepReader         inner = *reader;
    int                count;
    const char *const *names = source_fields(reader->source, &count);

    inner.fields.count = 0;
    for (int i = 0; i < count; i++)
        inner.fields.name[inner.fields.count++] = names[i];
    inner.fields.name[inner.fields.count++] = "number";
    return step_template(&inner, json_member(json, "text"), "text", d->text, &d->template);
}

static Err read_demonstrate(StepReader *reader, const Json *json, Op *op)
{
    Demonstrate *d = op->settings;

    TRY(read_parts(reader, d));
    TRY(check_supply(reader, json, d));
    TRY(read_names(d->clean, d->clean_name, &d->cleans));
    TRY(read_empty(d->empty, d));
    TRY(read_template(reader, json, d));
    TRY(step_gives_reason(reader, json, "pool ran dry"));
    return step_gives_field(reader, json_member(json, "into"), d->into);
}

// ---- the draw

typedef struct Shown {
    const PoolRecord *pool; // or a seed
    int64_t           seed;
} Shown;

// k of n without replacement: the first k of a shuffle that stops there.
static void draw(Rng *rng, Arena *arena, int64_t n, int64_t k, int64_t *out)
{
    int64_t *all = arena_new(arena, int64_t, n);

    for (int64_t i = 0; i < n; i++)
        all[i] = i;
    for (int64_t i = 0; i < k; i++) {
        int64_t j = i + (int64_t)rng_below(rng, (uint64_t)(n - i)), x = all[j];

        all[j] = all[i];
        all[i] = out[i] = x;
    }
}

static const PoolView *view_of(const StepRun *run, const Part *p)
{
    static const PoolView nothing;

    for (int i = 0; run->views != NULL && i < run->views->pools; i++)
        if (strcmp(run->views->name[i], p->view) == 0)
            return &run->views->view[i];
    return &nothing;
}

// 0 if a part cannot give what it has to.
static int64_t draw_parts(const StepRun *run, const Demonstrate *d, Record *r, Rng *rng,
                          Shown *shown)
{
    int64_t count = 0, wanted = 0;

    for (int i = 0; i < d->parts; i++) {
        const Part *p = &d->part[i];
        int64_t     place[SHOWN_MAX * PARTS_MAX], k = p->count, n;

        wanted += p->count;
        if (p->fills)
            k = wanted - count;
        if (p->pool == VIEW_SEEDS) {
            n = source_count(run->source, SPLIT_SEEDS);
            if (n < k)
                return 0;
        } else {
            n = view_of(run, p)->count;
            k = n < k ? n : k;
        }
        draw(rng, r->arena, n, k, place);
        for (int64_t j = 0; j < k; j++)
            shown[count++] = p->pool == VIEW_SEEDS ? (Shown){NULL, place[j]}
                                                   : (Shown){view_of(run, p)->record[place[j]], -1};
    }
    return count;
}

static void shuffle(Rng *rng, Shown *shown, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)rng_below(rng, (uint64_t)(i + 1));
        Shown   x = shown[i];

        shown[i] = shown[j];
        shown[j] = x;
    }
}

// ---- the text

static void clean(Record *r, const char *name)
{
    const RecordField *f = record_field(r, name);
    Text               t;
    Span               s;

    if (f == NULL)
        return;
    t = text_make(r->arena);
    unitext_collapse(&t, (Span){f->text, f->length});
    s = unitext_strip((Span){t.data, t.length});
    while (s.length > 0 && s.text[s.length - 1] == ':')
        s.length--;
    record_set(r, name, s.text, s.length);
}

// The fields of what was drawn, in a record of its own.
static void load(const StepRun *run, const Demonstrate *d, const Shown *shown, int64_t number,
                 Record *r)
{
    char text[24];
    int  length = snprintf(text, sizeof text, "%" PRId64, number);

    for (int i = 0; i < d->template.pieces; i++)
        if (d->template.piece[i].kind == TEMPLATE_SLOT)
            record_set(r, d->template.piece[i].text, "", 0);
    if (shown->pool == NULL)
        source_draw(run->source, SPLIT_SEEDS, run->iteration, shown->seed, r);
    for (int i = 0; shown->pool != NULL && i < shown->pool->fields; i++)
        if (record_field(r, shown->pool->field[i].name) != NULL)
            record_set(r, shown->pool->field[i].name, shown->pool->field[i].text,
                       shown->pool->field[i].length);
    for (int i = 0; i < d->cleans; i++)
        clean(r, d->clean_name[i]);
    for (int i = 0; i < d->empties; i++)
        if (record_field(r, d->empty_name[i]) != NULL &&
            record_field(r, d->empty_name[i])->length == 0)
            record_set(r, d->empty_name[i], d->empty_text[i], (int64_t)strlen(d->empty_text[i]));
    record_set(r, "number", text, length);
}

static StepAnswer run_demonstrate(const StepRun *run, const void *settings, Record *r)
{
    const Demonstrate *d = settings;
    Rng                rng = rng_make(run->seed,
                                      rng_stream("demonstrate", (uint64_t)run->iteration << 40 | r->request,
                                                 r->sample, (uint64_t)run->number),
                                      0);
    Shown              shown[SHOWN_MAX * PARTS_MAX];
    Text               t = text_make(r->arena);
    int64_t            count = draw_parts(run, d, r, &rng, shown);

    if (count == 0) {
        record_reject(r, "pool ran dry");
        return STEP_NEXT;
    }
    if (d->shuffle)
        shuffle(&rng, shown, count);
    for (int64_t i = 0; i < count; i++) {
        Record        one = {.arena = r->arena, .reason = ""};
        TemplateSpan *spans;

        load(run, d, &shown[i], d->first + i, &one);
        spans = step_expand(&d->template, &one);
        for (int k = 0; k < d->template.pieces; k++)
            text_add(&t, spans[k].text, spans[k].length);
    }
    record_set(r, d->into, t.data, t.length);
    return STEP_NEXT;
}

const StepKind step_demonstrate = {.name = "demonstrate",
                                   .about = "Shows examples: draws records from seeds and pools "
                                            "and writes them by a template.",
                                   .fields = fields,
                                   .bytes = sizeof(Demonstrate),
                                   .read = read_demonstrate,
                                   .run = run_demonstrate};
