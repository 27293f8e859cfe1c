#include "datagen/recipe.h"

#include "base/hash.h"
#include "datagen/step.h"

#include <inttypes.h>
#include <string.h>

typedef struct Head {
    const char *recipe, *about;
    const Json *steps;
} Head;

static const ConfigField head_fields[] = {
    {"recipe", CONFIG_TEXT, offsetof(Head, recipe), NULL, 0, 0, NULL, NULL, "Its name."},
    {"about", CONFIG_TEXT, offsetof(Head, about), NULL, 0, 0, NULL, NULL,
     "One sentence: what it makes, and after whom."},
    {"steps", CONFIG_JSON, offsetof(Head, steps), NULL, 0, 0, NULL, NULL,
     "The steps, in order; the first one draws."},
    {0}};

const StepKind *const step_kinds[] = {&step_draw, &step_demonstrate, &step_generate, &step_parse,
                                      &step_map,  &step_filter,      &step_score,    &step_verify,
                                      &step_when, &step_choose,      &step_keep,     &step_select,
                                      &step_mark, &step_commit,      &step_emit};
const int             step_kinds_count = (int)(sizeof step_kinds / sizeof step_kinds[0]);

static Err find_kind(const Json *json, const StepKind **out)
{
    const Json *name = json_member(json, "do");
    const char *names[sizeof step_kinds / sizeof step_kinds[0]], *near;

    if (name == NULL || name->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: a step needs \"do\": the name of its kind", STEP_WHERE(json));
    for (int i = 0; i < step_kinds_count; i++) {
        names[i] = step_kinds[i]->name;
        *out = step_kinds[i];
        if (strcmp(names[i], name->text) == 0)
            return OK;
    }
    near = text_nearest(name->text, names, step_kinds_count);
    FAIL(ERR_CONFIG, "%s: there is no kind of step \"%.60s\"%s%s%s; see: tandem steps",
         STEP_WHERE(name), name->text, near == NULL ? "" : "; did you mean \"",
         near == NULL ? "" : near, near == NULL ? "" : "\"?");
}

static int is_setting(const StepKind *kind, const Json *member)
{
    if (strcmp(member->key, "do") == 0)
        return 0;
    for (const ConfigField *f = kind->fields; f->key != NULL; f++)
        if (strcmp(f->key, member->key) == 0)
            return 1;
    return !kind->takes_verdicts || (member->kind != JSON_TRUE && member->kind != JSON_FALSE);
}

// The step without "do" and without conditions: what the table of its kind has to know.
static const Json *settings_of(Arena *arena, const Json *json, const StepKind *kind)
{
    Json  *object = arena_new(arena, Json, 1);
    Json **end = &object->child;

    *object = *json;
    object->length = 0;
    for (const Json *m = json->child; m != NULL; m = m->next) {
        if (!is_setting(kind, m))
            continue;
        *end = arena_new(arena, Json, 1);
        **end = *m;
        end = &(*end)->next;
        object->length++;
    }
    *end = NULL;
    return object;
}

static Err read_step(StepReader *reader, const Json *json)
{
    Recipe         *r = reader->recipe;
    const StepKind *kind = NULL;
    Op             *op;

    if (json->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: a step is an object, found %s", STEP_WHERE(json),
             json_kind_name(json->kind));
    TRY(find_kind(json, &kind));
    if (r->ops == 0 && kind != &step_draw)
        FAIL(ERR_CONFIG, "%s: the first step has to be draw, found %s", STEP_WHERE(json),
             kind->name);
    if (r->ops == OPS_MAX)
        FAIL(ERR_CONFIG, "%s: more than %d steps", STEP_WHERE(json), OPS_MAX);
    op = &r->op[r->ops++];
    *op = (Op){.kind = kind,
               .settings = arena_push(reader->arena, 1, kind->bytes),
               .samples = 1,
               .stride = 1};
    TRY(config_read(reader->arena, settings_of(reader->arena, json, kind), kind->fields,
                    op->settings));
    TRY(kind->read(reader, json, op));
    op->jump = r->ops;
    return OK;
}

Err step_read_list(StepReader *reader, const Json *list)
{
    if (list->kind != JSON_ARRAY || list->length == 0)
        FAIL(ERR_CONFIG, "%s: a list of one or more steps is expected, found %s", STEP_WHERE(list),
             list->kind == JSON_ARRAY ? "an empty one" : json_kind_name(list->kind));
    for (const Json *m = list->child; m != NULL; m = m->next)
        TRY(read_step(reader, m));
    return OK;
}

static const char *text_of(StepReader *reader, const Json *json)
{
    Text t = text_make(reader->arena);

    text_puts(&t, "{\"recipe\": ");
    json_write(&t, json);
    text_printf(&t, ", \"prompts\": {%s}}", reader->prompts.data);
    return t.data;
}

static const char *format_of(StepReader *reader)
{
    Text t = text_make(reader->arena);

    for (int i = 0; i < reader->recipe->emitted; i++) {
        text_puts(&t, i == 0 ? "[" : ", ");
        json_write(&t, reader->recipe->emit[i]);
    }
    text_puts(&t, reader->recipe->emitted > 0 ? "]" : "");
    return t.data;
}

static Err check_pools(const Recipe *r)
{
    for (int i = 0; i < r->pool_draws; i++) {
        const char *names[POOLS_MAX], *near;
        int         count = 0, found = 0;

        for (int k = 0; k < r->stages; k++)
            if (r->stage[k].commit != NULL) {
                names[count++] = r->stage[k].commit->to;
                found |= strcmp(names[count - 1], r->pool_draw[i]->text) == 0;
            }
        near = text_nearest(r->pool_draw[i]->text, names, count);
        if (!found)
            FAIL(ERR_CONFIG, "%s: no commit fills a pool \"%.60s\"%s%s%s",
                 STEP_WHERE(r->pool_draw[i]), r->pool_draw[i]->text,
                 near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
                 near == NULL ? "" : "\"?");
    }
    if (r->draws_latest && (r->stages == 0 || r->stage[0].commit == NULL))
        FAIL(ERR_CONFIG, "the recipe draws from \"latest\", but no commit fills a pool");
    return OK;
}

// The steps behind the last commit, or all where there is none.
static void close_stages(StepReader *reader)
{
    Recipe *r = reader->recipe;
    int     begin = r->stages == 0 ? 0 : r->stage[r->stages - 1].end;

    if (begin < r->ops)
        r->stage[r->stages++] = (RecipeStage){.first = begin, .end = r->ops, .samples = r->samples};
}

Err recipe_read(Arena *run, const Json *json, const char *folder, const Source *source,
                Recipe **out)
{
    Head       head = {0};
    Recipe    *r = arena_new(run, Recipe, 1);
    StepReader reader = {
        .arena = run, .folder = folder, .source = source, .recipe = r, .prompts = text_make(run)};

    TRY(config_read(run, json, head_fields, &head));
    r->samples = 1;
    TRY(step_gives_reason(&reader, json, ""));
    TRY(step_gives_source(&reader, json, "generated"));
    TRY(step_read_list(&reader, head.steps));
    close_stages(&reader);
    TRY(check_pools(r));
    if (r->emits)
        TRY(step_gives_reason(&reader, json, "nothing emitted"));
    r->format = format_of(&reader);
    r->text = text_of(&reader, json);
    r->hash = hash_text(0, r->text);
    *out = r;
    return OK;
}

Err recipe_limit(Recipe *r, const char *name, int64_t count, int64_t until, int64_t rounds)
{
    Commit *c = r->stage[0].commit;

    if (count > 0 && !r->counts)
        FAIL(ERR_CONFIG,
             "\"count\" cannot be changed for the recipe %s: its draw takes all there are", name);
    if ((until > 0 || rounds > 0) && c == NULL)
        FAIL(
            ERR_CONFIG,
            "\"until\" and \"rounds\" cannot be changed for the recipe %s: it has no commit, so no "
            "rounds",
            name);
    if (count > 0)
        r->requests = count;
    if (until > 0)
        c->until = until;
    if (rounds > 0)
        c->rounds = rounds;
    r->hash =
        hash_u64(hash_u64(hash_u64(r->hash, (uint64_t)count), (uint64_t)until), (uint64_t)rounds);
    return OK;
}

int64_t recipe_requests(const Recipe *r)
{
    return r->requests;
}

int64_t recipe_max_tokens(const Recipe *r)
{
    return r->max_tokens;
}

const char *recipe_text(const Recipe *r)
{
    return r->text;
}

uint64_t recipe_hash(const Recipe *r)
{
    return r->hash;
}

int recipe_stages(const Recipe *r)
{
    return r->stages;
}

const Commit *recipe_commit(const Recipe *r, int stage)
{
    return r->stage[stage].commit;
}

int recipe_commit_place(const Recipe *r, int stage)
{
    return r->stage[stage].end - 1;
}

int recipe_draws_latest(const Recipe *r)
{
    return r->draws_latest;
}

int recipe_asks(const Recipe *r)
{
    for (int i = 0; i < r->ops; i++)
        if (r->op[i].kind->submit != NULL)
            return 1;
    return 0;
}

int recipe_marks(const Recipe *r, const char *source)
{
    for (int i = 0; i < r->sources.count; i++)
        if (strcmp(r->sources.name[i], source) == 0)
            return 1;
    return 0;
}

const char *recipe_format(const Recipe *r)
{
    return r->format;
}

int recipe_emits_conversations(const Recipe *r)
{
    return r->emits_conversations;
}

int recipe_asks_chat(const Recipe *r)
{
    return r->asks_chat;
}

static Err check_special(const Template *t, const TemplatePiece *p, const Vocab *v)
{
    int32_t id = strcmp(p->text, "bos") == 0 ? vocab_bos(v) : vocab_eos(v);

    if (id < 0)
        FAIL(ERR_CONFIG, "%s: {%s} is asked, but the vocabulary has no such token", t->name,
             p->text);
    return OK;
}

Err recipe_check_vocab(const Recipe *r, Arena *scratch, const Vocab *v)
{
    for (int i = 0; i < r->templates; i++) {
        const Template *t = r->template_list[i];

        for (int k = 0; k < t->pieces; k++) {
            const TemplatePiece *p = &t->piece[k];
            const char          *why;

            if (p->kind == TEMPLATE_SPECIAL)
                TRY(check_special(t, p, v));
            if (p->kind != TEMPLATE_LITERAL)
                continue;
            why = step_text_fault(v, scratch, p->text, p->length);
            if (why != NULL)
                FAIL(ERR_CONFIG,
                     "%s: the text \"%.60s\" does not fit the vocabulary: %s; special tokens are "
                     "written {bos} and {eos}",
                     t->name, p->text, why);
        }
    }
    return OK;
}
