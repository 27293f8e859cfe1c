// What the kinds of steps share: names, templates and conditions while a recipe is read, token ids
// while it runs.
#include "datagen/step.h"

#include "io/file.h"

#include <stdio.h>
#include <string.h>

enum { PROMPT_BYTES_MAX = 1 << 20, RECORDS_MAX = 1 << 16 };

static int has(const NameList *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return 1;
    return 0;
}

// Adds a name that is not there yet.
static Err add(NameList *list, int max, const Json *json, const char *what, const char *name)
{
    if (has(list, name))
        return OK;
    if (list->count == max)
        FAIL(ERR_CONFIG, "%s: %s %s is one too many: a recipe may have %d", STEP_WHERE(json), what,
             name, max);
    list->name[list->count++] = record_name(name);
    return OK;
}

static Err good_name(const Json *json, const char *what, const char *name)
{
    if (!record_name_is_good(name) || strcmp(name, "bos") == 0 || strcmp(name, "eos") == 0)
        FAIL(
            ERR_CONFIG,
            "%s: \"%.60s\" cannot be the name of a %s: letters, digits and _, at most %d; not bos, "
            "not eos",
            STEP_WHERE(json), name, what, RECORD_NAME_MAX);
    return OK;
}

Err step_gives_field(StepReader *reader, const Json *json, const char *name)
{
    TRY(good_name(json, "field", name));
    TRY(add(&reader->fields, RECORD_FIELDS_MAX, json, "field", name));
    TRY(add(&reader->recipe->fields, RECORD_FIELDS_MAX, json, "field", name));
    return OK;
}

Err step_gives_verdict(StepReader *reader, const Json *json, const char *name)
{
    if (strchr(name, '.') == NULL) // "work.ended" is made of a good name
        TRY(good_name(json, "verdict", name));
    TRY(add(&reader->verdicts, RECORD_VERDICTS_MAX, json, "verdict", name));
    TRY(add(&reader->recipe->verdicts, RECORD_VERDICTS_MAX, json, "verdict", name));
    return OK;
}

Err step_gives_score(StepReader *reader, const Json *json, const char *name)
{
    TRY(good_name(json, "score", name));
    TRY(add(&reader->scores, RECORD_SCORES_MAX, json, "score", name));
    TRY(add(&reader->recipe->scores, RECORD_SCORES_MAX, json, "score", name));
    return OK;
}

Err step_gives_source(StepReader *reader, const Json *json, const char *name)
{
    TRY(good_name(json, "source", name));
    return add(&reader->recipe->sources, NAMES_MAX, json, "source", name);
}

Err step_gives_reason(StepReader *reader, const Json *json, const char *reason)
{
    return add(&reader->recipe->reasons, NAMES_MAX, json, "reason", reason);
}

static Err wants(const NameList *list, const Json *json, const char *what, const char *name)
{
    const char *near;

    if (has(list, name))
        return OK;
    near = text_nearest(name, list->name, list->count);
    FAIL(ERR_CONFIG, "%s: no earlier step %s \"%.60s\"%s%s%s", STEP_WHERE(json), what, name,
         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
         near == NULL ? "" : "\"?");
}

// Recipes of conversations are mostly used as they are: what is wrong then is the data.
static Err no_conversations(const NameList *list, const Json *json)
{
    char fields[160] = "";
    int  length = 0;

    for (int i = 0; i < list->count && length < 120; i++)
        length += snprintf(fields + length, sizeof fields - (size_t)length, "%s%.30s",
                           i > 0 ? ", " : "", list->name[i]);
    FAIL(ERR_CONFIG,
         "%s: no earlier step fills the field \"messages\"; there is %s.  Records of data files "
         "have "
         "it if they are conversations in one of the formats of docs/formats.md; for texts take "
         "base.recipe=recipes/documents.json",
         STEP_WHERE(json), list->count == 0 ? "no field" : fields);
}

Err step_wants_field(StepReader *reader, const Json *json, const char *name)
{
    if (strcmp(name, "messages") == 0 && !has(&reader->fields, name))
        return no_conversations(&reader->fields, json);
    return wants(&reader->fields, json, "fills the field", name);
}

Err step_wants_verdict(StepReader *reader, const Json *json, const char *name)
{
    return wants(&reader->verdicts, json, "judges the verdict", name);
}

Err step_wants_pool(StepReader *reader, const Json *json, const char *name)
{
    Recipe *r = reader->recipe;

    if (r->pool_draws == POOLS_MAX)
        FAIL(ERR_CONFIG, "%s: \"%.60s\" is drawn from, one pool too many: at most %d",
             STEP_WHERE(json), name, POOLS_MAX);
    r->pool_draw[r->pool_draws++] = json;
    return OK;
}

void step_names_both(NameList *list, const NameList *other)
{
    int kept = 0;

    for (int i = 0; i < list->count; i++)
        if (has(other, list->name[i]))
            list->name[kept++] = list->name[i];
    list->count = kept;
}

Err step_splits(StepReader *reader, const Json *json, Op *op, int64_t most)
{
    Recipe *r = reader->recipe;

    if (r->samples * most > RECORDS_MAX)
        FAIL(ERR_CONFIG, "%s: a request would become more than %d records", STEP_WHERE(json),
             RECORDS_MAX);
    op->samples = most;
    op->stride = r->samples;
    r->samples *= most;
    return OK;
}

const char *step_ended(const StepReader *reader, const char *field)
{
    char name[RECORD_NAME_MAX + 8];

    snprintf(name, sizeof name, "%s.ended", field);
    return has(&reader->verdicts, name) ? record_name(name) : NULL;
}

static Err add_template(StepReader *reader, const Json *json, const char *name, const char *text,
                        int64_t length, Template *out)
{
    Recipe *r = reader->recipe;

    TRY(template_parse(reader->arena, name, text, length, out));
    if (out->pieces == 0)
        FAIL(ERR_CONFIG, "%s: the text is empty", name);
    TRY(template_check(out, reader->fields.name, reader->fields.count));
    for (int i = 1; i < out->pieces; i++)
        if (out->piece[i].kind == TEMPLATE_SPECIAL && strcmp(out->piece[i].text, "bos") == 0)
            FAIL(ERR_CONFIG, "%s: {bos} can only be the first thing of a text", name);
    if (r->templates == TEMPLATES_MAX)
        FAIL(ERR_CONFIG, "%s: more than %d texts in a recipe", STEP_WHERE(json), TEMPLATES_MAX);
    r->template_list[r->templates++] = out;
    for (int i = 0; i < out->pieces; i++) {
        r->template_slots += out->piece[i].kind == TEMPLATE_SLOT;
        r->template_bytes += out->piece[i].length;
    }
    return OK;
}

Err step_template(StepReader *reader, const Json *json, const char *key, const char *text,
                  Template *out)
{
    const char *name = arena_format(reader->arena, "%s: %s", STEP_WHERE(json), key);

    return add_template(reader, json, name, text, (int64_t)strlen(text), out);
}

// Prompts are part of what a recipe is: they are remembered for its text.
static void remember(StepReader *reader, const char *file, const char *text, int64_t length)
{
    Text key = text_make(reader->arena);

    text_json(&key, file, (int64_t)strlen(file));
    text_puts(&key, ":");
    if (strstr(reader->prompts.data, key.data) != NULL)
        return;
    text_puts(&reader->prompts, reader->prompts.length > 0 ? "," : "");
    text_add(&reader->prompts, key.data, key.length);
    text_json(&reader->prompts, text, length);
}

Err step_template_file(StepReader *reader, const Json *json, const char *file, Template *out)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t length;

    if (file[0] == '/')
        TRY(file_join(path, "", file));
    else
        TRY(file_join(path, reader->folder, file));
    if (!file_exists(path))
        FAIL(ERR_CONFIG, "%s: there is no prompt file %s; name it relative to the recipe's folder",
             STEP_WHERE(json), path);
    TRY(file_read(reader->arena, path, PROMPT_BYTES_MAX, &text, &length));
    if (length > 0 && text[length - 1] == '\n') // editors end files so
        text[--length] = 0;
    remember(reader, file, text, length);
    return add_template(reader, json, arena_text(reader->arena, path), text, length, out);
}

static int is_parameter(const StepKind *kind, const char *key)
{
    if (strcmp(key, "do") == 0)
        return 1;
    for (const ConfigField *f = kind->fields; f->key != NULL; f++)
        if (strcmp(f->key, key) == 0)
            return 1;
    return 0;
}

Err step_conditions(StepReader *reader, const Json *json, const StepKind *kind, StepConditions *out)
{
    for (const Json *m = json->child; m != NULL; m = m->next) {
        if (is_parameter(kind, m->key))
            continue;
        TRY(step_wants_verdict(reader, m, m->key));
        CHECK(out->count < RECORD_VERDICTS_MAX, "%d conditions", out->count);
        out->verdict[out->count] = record_name(m->key);
        out->wanted[out->count++] = m->kind == JSON_TRUE;
    }
    if (out->count == 0)
        FAIL(ERR_CONFIG, "%s: %s needs a verdict with the value it asks for, as \"right\": false",
             STEP_WHERE(json), kind->name);
    return OK;
}

int step_unmet(const StepConditions *c, const Record *r)
{
    for (int i = 0; i < c->count; i++)
        if (record_verdict(r, c->verdict[i]) != c->wanted[i])
            return i;
    return -1;
}

TemplateSpan *step_expand(const Template *t, const Record *r)
{
    TemplateSpan *spans;
    Err           e = template_expand(t, r, &spans);

    CHECK(e == OK, "%s", err_record()->text);
    return spans;
}

int step_is_special(const Vocab *v, int32_t id)
{
    return id == vocab_bos(v) || id == vocab_eos(v) || id == vocab_pad(v) ||
           vocab_is_special(v, id);
}

// Ids of one text; *why as in step_encode.
static int64_t encode(const Vocab *v, const char *text, int64_t length, int32_t *ids,
                      const char **why)
{
    int64_t count = 0;

    if (text_utf8_bad(text, length) >= 0) {
        *why = "not UTF-8";
        return 0;
    }
    if (vocab_encode(v, text, length, ids, vocab_room(v, text, length), &count) != OK) {
        err_forget();
        *why = "no token";
        return 0;
    }
    for (int64_t i = 0; i < count; i++)
        if (ids[i] == vocab_unknown(v)) {
            *why = "no token";
            return count;
        } else if (step_is_special(v, ids[i])) {
            *why = "special token in text";
        }
    return count;
}

// Pieces between special tokens become one text: tokens of a whole text are not those of its parts.
// Returns how many spans are left.
static int join(Arena *arena, const TemplateSpan *spans, int count, TemplateSpan *out)
{
    int joined = 0;

    for (int i = 0, end; i < count; i = end) {
        Text t = text_make(arena);

        end = i + 1;
        if (spans[i].kind == TEMPLATE_SPECIAL) {
            out[joined++] = spans[i];
            continue;
        }
        while (end < count && spans[end].kind != TEMPLATE_SPECIAL)
            end++;
        for (int k = i; k < end; k++)
            text_add(&t, spans[k].text, spans[k].length);
        if (t.length > 0)
            out[joined++] = (TemplateSpan){TEMPLATE_LITERAL, 0, t.data, t.length};
    }
    return joined;
}

int32_t *step_encode(const Vocab *v, Arena *arena, const TemplateSpan *spans, int count,
                     int64_t *length, const char **why)
{
    TemplateSpan *all = arena_new(arena, TemplateSpan, count);
    int           joined = join(arena, spans, count, all);
    int64_t       room = 0;
    int32_t      *ids;

    *why = NULL;
    *length = 0;
    for (int i = 0; i < joined; i++)
        room += all[i].kind == TEMPLATE_SPECIAL ? 1 : vocab_room(v, all[i].text, all[i].length);
    ids = arena_new(arena, int32_t, room);
    for (int i = 0; i < joined && *why == NULL; i++)
        if (all[i].kind == TEMPLATE_SPECIAL)
            ids[(*length)++] = strcmp(all[i].text, "bos") == 0 ? vocab_bos(v) : vocab_eos(v);
        else
            *length += encode(v, all[i].text, all[i].length, ids + *length, why);
    return *why == NULL ? ids : NULL;
}

const char *step_text_fault(const Vocab *v, Arena *scratch, const char *text, int64_t length)
{
    ArenaMark   mark = arena_mark(scratch);
    const char *why = NULL;

    encode(v, text, length, arena_new(scratch, int32_t, vocab_room(v, text, length)), &why);
    arena_back(scratch, mark);
    return why;
}
