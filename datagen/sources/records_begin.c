// What the first record of a file says about the file: its format, the fields; and the line about
// it.
#include "datagen/sources/records_private.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_TAKEN = 20 }; // of a record that has a format, at most

#define WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

int reader_is_plain(const Json *node)
{
    return node->kind == JSON_TEXT || node->kind == JSON_NUMBER || node->kind == JSON_TRUE ||
           node->kind == JSON_FALSE;
}

// ---- the format of a file

static RecordsFamily family_of(const Reader *r, const Format *format)
{
    if (format != NULL)
        return format->is_document ? FAMILY_DOCUMENT : FAMILY_TALK;
    return r->shape != NULL ? FAMILY_DOCUMENT : FAMILY_OWN; // a shape is that of plain texts
}

static const char *family_words(RecordsFamily f)
{
    return f == FAMILY_TALK ? "conversations" : f == FAMILY_DOCUMENT ? "texts" : "other records";
}

static int find_field(const RecordsSpec *s, const char *name)
{
    for (int f = 0; f < s->fields; f++)
        if (strcmp(s->field[f], name) == 0)
            return f;
    return -1;
}

static void add_field(Reader *r, const char *name, const char *path)
{
    RecordsSpec *s = r->only_fields;

    if (find_field(s, name) >= 0 || s->fields == RECORD_FIELDS_MAX)
        return;
    s->field[s->fields] = arena_text(r->run, name);
    s->may_lack[s->fields] = 0;
    s->path[s->fields++] = path == NULL ? NULL : arena_text(r->run, path);
}

static Err look_at_family(Reader *r, RecordsFamily mine)
{
    RecordsSpec *s = r->only_fields;

    if (s->family != FAMILY_UNKNOWN && s->family != mine)
        FAIL(ERR_DATA,
             "%s holds %s, %s holds %s: files of one source have to be alike; give them to runs of "
             "their own, or say \"format\" or \"fields\"",
             s->family_path, family_words(s->family), r->path, family_words(mine));
    s->family = mine;
    s->family_path = r->path;
    return OK;
}

static Err first_fields(Reader *r, const Json *record)
{
    const RecordsSpec *s = r->only_fields;

    if (s->fields > 0) // those of the file before
        return OK;
    for (const Json *m = record->child; m != NULL; m = m->next)
        if (reader_is_plain(m) && record_name_is_good(m->key))
            add_field(r, m->key, m->key);
    if (s->fields == 0)
        FAIL(ERR_DATA, "%s: the record has no member that is a text or a number", WHERE(record));
    return OK;
}

// What the format gives, and what else the first record says in plain members.
static void format_fields(Reader *r, const Json *record)
{
    const Format *f = r->format;

    for (int k = 0; k < FORMAT_FIELDS_MAX && f->field[k] != NULL; k++)
        add_field(r, f->field[k], NULL);
    for (const Json *m = record == NULL || f->is_whole ? NULL : record->child; m != NULL;
         m = m->next)
        if (reader_is_plain(m) && record_name_is_good(m->key) &&
            r->only_fields->fields < FIELDS_TAKEN)
            add_field(r, m->key, m->key);
}

static Err look_at_fields(Reader *r, const Json *record)
{
    r->is_done = 1;
    TRY(look_at_family(r, family_of(r, r->format)));
    if (r->format != NULL)
        format_fields(r, record);
    else if (record == NULL)
        add_field(r, "text", NULL);
    else
        return first_fields(r, record);
    return OK;
}

// "turns, choices": what nobody will see of records that have no format.
static const char *not_taken(Reader *r, const Json *record)
{
    Text t = text_make(r->run);

    for (const Json *m = record->child; m != NULL && t.length < 120; m = m->next)
        if (m->kind != JSON_NULL && (!reader_is_plain(m) || find_field(r->spec, m->key) < 0))
            text_printf(&t, "%s%.40s", t.length > 0 ? ", " : "", m->key);
    return t.data;
}

static const char *forced_name(RecordsFormat format)
{
    static const char *const names[] = {
        [RECORDS_ALPACA] = "alpaca",
        [RECORDS_SHAREGPT] = "sharegpt",
        [RECORDS_MESSAGES] = "messages",
        [RECORDS_PROMPT] = "prompt-completion",
        [RECORDS_PREFERENCE] = "preference",
        [RECORDS_KTO] = "kto",
        [RECORDS_SELF_INSTRUCT] = "self-instruct",
        [RECORDS_NATURAL] = "natural-instructions",
        [RECORDS_COT] = "cot",
        [RECORDS_DOCUMENTS] = "documents",
        [RECORDS_PARAGRAPHS] = "documents",
    };

    return names[format];
}

// With the first record of a file it is known what the file is.
Err reader_begin(Reader *r, const Json *record, const Format *format)
{
    const RecordsSpec *s = r->spec;
    int                detects = s->paths == NULL && s->format == RECORDS_AUTO && r->shape == NULL;

    r->has_begun = 1;
    r->not_taken = "";
    r->format = format;
    if (format == NULL && record != NULL && (detects && !r->is_set))
        r->format = format_of_record(record);
    if (format == NULL && record != NULL && s->format >= RECORDS_ALPACA)
        r->format = format_named(forced_name(s->format));
    if (r->only_fields != NULL)
        return look_at_fields(r, record);
    if (detects && r->format == NULL && record != NULL)
        r->not_taken = not_taken(r, record);
    if (s->paths == NULL && s->family != family_of(r, r->format))
        FAIL(ERR_DATA, "%s holds %s, %s holds %s: files of one source have to be alike",
             s->family_path, family_words(s->family), r->path,
             family_words(family_of(r, r->format)));
    for (int f = 0; f < s->fields; f++) {
        r->from[f] = -1;
        for (int k = 0; r->format != NULL && k < FORMAT_FIELDS_MAX; k++)
            if (r->format->field[k] != NULL && strcmp(r->format->field[k], s->field[f]) == 0)
                r->from[f] = k;
    }
    return OK;
}

// ---- what a file was, in a line

void reader_tell(Reader *r)
{
    const RecordsSpec *s = r->spec;
    Text              *t = s->report;

    if (t == NULL)
        return;
    text_printf(t, "%s%s: ", t->length > 0 ? "\n" : "", r->path);
    if (!r->has_begun)
        text_puts(t, "no record");
    else if (r->format != NULL)
        text_puts(t, r->format->name);
    else if (r->shape != NULL)
        text_printf(t, "text, %s", r->shape);
    else
        text_puts(t, "records with fields of their own");
    if (r->has_begun)
        text_printf(t, ", %" PRId64 " record%s", r->taken, r->taken == 1 ? "" : "s");
    for (int k = 0; k < r->reasons; k++)
        text_printf(t, "%s%" PRId64 " %s", k == 0 ? ", left out: " : ", ", r->reason_count[k],
                    r->reason[k]);
    if (*r->not_taken != 0)
        text_printf(t, " (no field holds: %s)", r->not_taken);
    text_puts(t, s->report_end);
}
