#include "datagen/sources/formats_private.h"

#include <string.h>

// The narrower ones first: a record of preferences may also have what the later ones want.
static const Format *const formats[] = {&FORMAT_NATURAL,  &FORMAT_PREFERENCE, &FORMAT_KTO,
                                        &FORMAT_SHAREGPT, &FORMAT_MESSAGES,   &FORMAT_SELF_INSTRUCT,
                                        &FORMAT_ALPACA,   &FORMAT_PROMPT,     &FORMAT_DOCUMENTS};
enum { FORMATS = sizeof formats / sizeof formats[0] };

const Format *format_of_record(const Json *record)
{
    for (int i = 0; record->kind == JSON_OBJECT && i < FORMATS; i++)
        if (formats[i]->fits(record))
            return formats[i];
    return NULL;
}

const Format *format_named(const char *name)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return strcmp(name, FORMAT_COT.name) == 0 ? &FORMAT_COT : NULL;
}

// "a, b, c": the members that a record has.
static const char *members_of(Arena *scratch, const Json *record)
{
    Text t = text_make(scratch);

    for (const Json *m = record->child; m != NULL && t.length < 200; m = m->next)
        text_printf(&t, "%s%.40s", m == record->child ? "" : ", ", m->key);
    return t.length == 0 ? "nothing" : t.data;
}

Err format_take(FormatTake *t, const Json *record)
{
    const Format *found;

    if (record->kind != JSON_OBJECT)
        FAIL(ERR_DATA,
             "%s: a record is an object, found %s; a list of records belongs into a .json file, "
             "a .jsonl file has an object per line",
             FORMAT_WHERE(record), json_kind_name(record->kind));
    if (!t->format->fits(record)) {
        found = format_of_record(record);
        FAIL(ERR_DATA,
             "%s: this record is no %s, as the file begins or \"format\" says: expected %s, found "
             "%s%s%s; all records of a file have one format",
             FORMAT_WHERE(record), t->format->name, t->format->wants,
             members_of(t->scratch, record), found == NULL ? "" : ", which is ",
             found == NULL ? "" : found->name);
    }
    memset(t->value, 0, sizeof t->value);
    return t->format->take(t, record);
}

// ---- what several forms need

const Json *format_any(const Json *record, const char *const *names)
{
    for (; *names != NULL; names++) {
        const Json *m = json_member(record, *names);

        if (m != NULL && m->kind != JSON_NULL)
            return m;
    }
    return NULL;
}

int format_is_text(const Json *record, const char *key)
{
    const Json *m = json_member(record, key);

    return m != NULL && m->kind == JSON_TEXT;
}

Err format_text(const Json *record, const char *key, const Json **out)
{
    *out = json_member(record, key);
    if (*out != NULL && (*out)->kind == JSON_NULL)
        *out = NULL;
    if (*out != NULL && (*out)->kind != JSON_TEXT)
        FAIL(ERR_DATA, "%s: \"%s\" is expected to be a text, found %s", FORMAT_WHERE(*out), key,
             json_kind_name((*out)->kind));
    return OK;
}

static Err say_history(Talk *t, const Json *history)
{
    if (history->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: history is a list of pairs, found %s", FORMAT_WHERE(history),
             json_kind_name(history->kind));
    for (const Json *pair = history->child; pair != NULL; pair = pair->next) {
        if (pair->kind != JSON_ARRAY || pair->length != 2 || pair->child->kind != JSON_TEXT ||
            pair->child->next->kind != JSON_TEXT)
            FAIL(ERR_DATA, "%s: a turn of the history is [question, answer], two texts",
                 FORMAT_WHERE(pair));
        talk_say_node(t, TALK_USER, pair->child);
        talk_say_node(t, TALK_ASSISTANT, pair->child->next);
    }
    return OK;
}

Err format_before(Talk *t, const Json *record)
{
    static const char *const names[] = {"system", "system_prompt", NULL};
    const Json              *system = format_any(record, names);
    const Json              *history = json_member(record, "history");

    if (system != NULL) {
        TRY(format_text(record, system->key, &system));
        talk_say_node(t, TALK_SYSTEM, system);
    }
    if (history != NULL && history->kind != JSON_NULL)
        TRY(say_history(t, history));
    return OK;
}

Err format_end(FormatTake *t, Talk *talk, const Json *record)
{
    const char *why = talk_why(talk);

    if (why != NULL) {
        t->leave(t->self, why);
        return OK;
    }
    t->value[0] = talk_end(talk);
    t->value[1] = (FormatText){"", 0};
    if (record != NULL)
        TRY(format_tools(t->scratch, record, &t->value[1]));
    return t->give(t->self, t->value, record);
}
