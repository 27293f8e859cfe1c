#include "datagen/sources/records_read.h"

#include "base/hash.h"
#include "datagen/sources/records_private.h"
#include "io/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t JSON_EXACT_MAX = (int64_t)1 << 53; // numbers of JSON are doubles here

#define WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

RecordsTable records_table(Arena *run, int64_t room, int fields)
{
    return (RecordsTable){.room = room, .text = arena_new(run, RecordsText, room * fields)};
}

static RecordsText *next_record(Reader *r)
{
    RecordsTable *t = r->out;
    int           fields = r->spec->fields;
    int64_t       size = fields * (int64_t)sizeof *t->text;

    if (t->count == t->room) {
        int64_t room = t->room == 0 ? 256 : 2 * t->room;

        t->text = arena_grow(r->run, t->text, t->room * size, room * size);
        t->room = room;
    }
    return &t->text[t->count++ * fields];
}

// ---- members by path

// The element of a list with the number that `part` is, NULL if it is none.
static const Json *element(const Json *list, const char *part)
{
    const Json *node = list->child;
    char       *end;
    int64_t     k = strtoll(part, &end, 10);

    if (*part < '0' || *part > '9' || *end != 0)
        return NULL;
    for (; node != NULL && k > 0; k--)
        node = node->next;
    return node;
}

// "instances.0.input": members by name, elements by number.
static const Json *at_path(const Json *node, const char *path)
{
    char part[RECORD_NAME_MAX * 4];

    while (node != NULL && *path != 0) {
        size_t length = strcspn(path, ".");

        if (length >= sizeof part)
            return NULL;
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        path += length + (path[length] == '.');
        if (node->kind == JSON_ARRAY)
            node = element(node, part);
        else
            node = node->kind == JSON_OBJECT ? json_member(node, part) : NULL;
    }
    return node;
}

static Err as_text(Reader *r, const Json *node, const char *path, RecordsText *out)
{
    Text t;

    if (node->kind == JSON_TEXT) {
        *out = (RecordsText){arena_text_n(r->run, node->text, node->length), node->length};
        return OK;
    }
    if (!reader_is_plain(node))
        FAIL(ERR_DATA,
             "%s: \"%s\" is %s; a field is a text, a number, true or false (a path leads "
             "further inside, as in \"%s.0\")",
             WHERE(node), path, json_kind_name(node->kind), path);
    if (node->kind == JSON_NUMBER && fabs(node->number) >= (double)JSON_EXACT_MAX)
        FAIL(ERR_DATA, "%s: \"%s\" has more digits than a number keeps; write it as a text",
             WHERE(node), path);
    t = text_make(r->run);
    json_write(&t, node);
    *out = (RecordsText){t.data, t.length};
    return OK;
}

static int by_sum(const void *a, const void *b)
{
    const RecordsName *x = a, *y = b;

    return x->sum != y->sum ? (x->sum < y->sum ? -1 : 1) : strcmp(x->text, y->text);
}

static Err take_id(Reader *r, const Json *record)
{
    const Json  *id;
    RecordsText  text;
    RecordsName *name;

    if (*r->spec->id == 0)
        return OK;
    id = at_path(record, r->spec->id);
    if (id == NULL || id->kind == JSON_NULL)
        FAIL(ERR_DATA, "%s: this record has no \"%s\", which is to name it", WHERE(record),
             r->spec->id);
    TRY(as_text(r, id, r->spec->id, &text));
    if (r->ids == r->ids_room) {
        int64_t room = r->ids_room == 0 ? 256 : 2 * r->ids_room;

        r->name = arena_grow(r->run, r->name, r->ids_room * (int64_t)sizeof *r->name,
                             room * (int64_t)sizeof *r->name);
        r->ids_room = room;
    }
    name = &r->name[r->ids++];
    name->text = text.text;
    name->sum = hash_text(0, name->text);
    name->where = arena_text(r->run, WHERE(id));
    return OK;
}

static Err check_ids(Reader *r)
{
    if (r->ids > 0)
        qsort(r->name, (size_t)r->ids, sizeof *r->name, by_sum);
    for (int64_t i = 1; i < r->ids; i++)
        if (strcmp(r->name[i].text, r->name[i - 1].text) == 0)
            FAIL(ERR_DATA,
                 "two records are called \"%.80s\": %s and %s; give each a name of its own",
                 r->name[i].text, r->name[i - 1].where, r->name[i].where);
    return OK;
}

// ---- one record

static RecordsText copy_text(Reader *r, const char *text, int64_t length)
{
    if (length == 0)
        return (RecordsText){"", 0};
    return (RecordsText){arena_text_n(r->run, text, length), length};
}

// Besides what the format gives, plain members keep their names; others are empty.
static Err give_record(void *self, const FormatText *value, const Json *record)
{
    Reader            *r = self;
    const RecordsSpec *s = r->spec;
    RecordsText       *text = next_record(r);

    r->taken++;
    for (int f = 0; f < s->fields; f++) {
        const Json *m = r->from[f] < 0 && s->path[f] != NULL && record != NULL
                            ? json_member(record, s->field[f])
                            : NULL;

        text[f] = (RecordsText){"", 0};
        if (r->from[f] >= 0 && value[r->from[f]].text != NULL)
            text[f] = copy_text(r, value[r->from[f]].text, value[r->from[f]].length);
        else if (m != NULL && reader_is_plain(m))
            TRY(as_text(r, m, s->field[f], &text[f]));
    }
    return OK;
}

static void leave_record(void *self, const char *why)
{
    Reader *r = self;
    int     k = 0;

    while (k < r->reasons && strcmp(r->reason[k], why) != 0)
        k++;
    CHECK(k < RECORDS_REASONS_MAX, "more than %d reasons", RECORDS_REASONS_MAX);
    r->reasons += k == r->reasons;
    r->reason[k] = why;
    r->reason_count[k]++;
    r->left++;
}

// Where a document of so many bytes is best cut: behind the last empty line, else the last line
// end, else the last blank, else between characters.
static int64_t cut_at(const char *text, int64_t length, int64_t most)
{
    static const char *const ends[] = {"\n\n", "\n", " "};

    if (length <= most)
        return length;
    for (int k = 0; k < 3; k++) {
        int64_t n = (int64_t)strlen(ends[k]);

        for (int64_t at = most; at > most / 2; at--)
            if (at >= n && memcmp(text + at - n, ends[k], (size_t)n) == 0)
                return at;
    }
    for (int64_t at = most; at > 0; at--)
        if (((unsigned char)text[at] & 0xC0) != 0x80)
            return at;
    while (most < length && ((unsigned char)text[most] & 0xC0) == 0x80)
        most++; // the first character alone is longer
    return most;
}

static Err give_pieces(void *self, const FormatText *value, const Json *record)
{
    Reader     *r = self;
    const char *at = value[0].text;
    int64_t     left = value[0].length;

    if (r->spec->piece == 0)
        return give_record(self, value, record);
    while (left > 0) {
        int64_t    bytes = cut_at(at, left, r->spec->piece);
        FormatText piece = {at, bytes};

        while (piece.length > 0 && strchr(" \r\n", piece.text[piece.length - 1]) != NULL)
            piece.length--;
        if (piece.length > 0)
            TRY(give_record(self, &piece, record));
        at += bytes;
        left -= bytes;
    }
    return OK;
}

static FormatTake taker(Reader *r)
{
    return (FormatTake){.format = r->format,
                        .scratch = &r->scratch,
                        .self = r,
                        .give = r->format->is_document ? give_pieces : give_record,
                        .leave = leave_record};
}

static Err take_own(Reader *r, const Json *record)
{
    const RecordsSpec *s = r->spec;
    RecordsText       *text = next_record(r);

    r->taken++;
    for (int f = 0; f < s->fields; f++) {
        const Json *node = at_path(record, s->path[f]);

        if (node == NULL || node->kind == JSON_NULL) {
            if (!s->may_lack[f])
                FAIL(ERR_DATA,
                     "%s: this record has no \"%s\", which is to be the field %s; write \"%s?\" if "
                     "it may be absent",
                     WHERE(record), s->path[f], s->field[f], s->path[f]);
            text[f] = (RecordsText){"", 0};
        } else {
            TRY(as_text(r, node, s->path[f], &text[f]));
        }
    }
    return OK;
}

Err reader_take(Reader *r, const Json *record)
{
    FormatTake take;

    if (record->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: a record is an object, found %s", WHERE(record),
             json_kind_name(record->kind));
    if (!r->has_begun)
        TRY(reader_begin(r, record, NULL));
    if (r->only_fields != NULL)
        return OK;
    TRY(take_id(r, record));
    if (r->format == NULL)
        return take_own(r, record);
    take = taker(r);
    return format_take(&take, record);
}

Err reader_take_text(Reader *r, const char *where, const char *text, int64_t length)
{
    FormatText value = {text, length};

    if (text_utf8_bad(text, length) >= 0)
        FAIL(ERR_DATA, "%s: not UTF-8", where);
    if (memchr(text, 0, (size_t)length) != NULL)
        FAIL(ERR_DATA, "%s: a byte 0, which no text holds", where);
    if (!r->has_begun)
        TRY(reader_begin(r, NULL, NULL));
    if (r->only_fields != NULL)
        return OK;
    for (int f = 0; f < r->spec->fields; f++) // the one field that there is, whatever its name
        r->from[f] = r->spec->paths != NULL || strcmp(r->spec->field[f], "text") == 0 ? 0 : -1;
    return give_pieces(r, &value, NULL);
}

Err reader_take_cot(Reader *r, const char *where, const char *line, int64_t length)
{
    FormatTake take;

    if (!r->has_begun)
        TRY(reader_begin(r, NULL, &FORMAT_COT));
    if (r->only_fields != NULL)
        return OK;
    take = taker(r);
    return format_take_cot(&take, where, line, length);
}

// ---- files

static Err read_file(Reader *r, const char *path)
{
    ArenaMark mark = arena_mark(&r->scratch);

    r->path = path;
    r->has_begun = r->is_done = r->is_set = r->reasons = 0;
    r->taken = r->left = 0;
    r->shape = NULL;
    r->not_taken = "";
    r->format = NULL;
    TRY(records_file(r));
    arena_back(&r->scratch, mark);
    if (r->only_fields == NULL)
        reader_tell(r);
    return OK;
}

// A folder stands for the files in it that have a known end, sorted by name.
static Err read_path(Reader *r, const char *path)
{
    char **names;
    int    count, known = 0;

    if (!file_exists(path))
        FAIL(ERR_DATA,
             "%s: there is no such file or folder; names in \"files\" are relative to the config, "
             "on "
             "the command line to the working directory first",
             path);
    if (!file_is_folder(path))
        return read_file(r, path);
    TRY(file_list(r->run, path, &names, &count));
    for (int i = 0; i < count; i++) {
        char file[FILE_PATH_MAX];

        if (!records_is_known(r->spec, names[i]))
            continue;
        TRY(file_join(file, path, names[i]));
        known += !file_is_folder(file);
        if (!file_is_folder(file))
            TRY(read_file(r, arena_text(r->run, file)));
    }
    if (known == 0)
        FAIL(ERR_DATA, "%s: the folder holds no file named .jsonl, .json, .tsv, .txt or .h5", path);
    return OK;
}

static Err read_name(Reader *r, const Json *name)
{
    char path[FILE_PATH_MAX];

    if (name->kind != JSON_TEXT || name->length == 0)
        FAIL(ERR_CONFIG, "%s: the name of a file is expected", WHERE(name));
    TRY(file_join(path, name->text[0] == '/' ? "" : r->spec->folder, name->text));
    return read_path(r, arena_text(r->run, path));
}

static Err read_all(Reader *r)
{
    const Json *files = r->spec->files;

    if (files->kind == JSON_TEXT) {
        TRY(read_name(r, files));
        return check_ids(r);
    }
    if (files->kind != JSON_ARRAY || files->length == 0)
        FAIL(ERR_CONFIG,
             "%s: files has to be a name, or a list of one or more names: problems.files=data.json",
             WHERE(files));
    for (const Json *m = files->child; m != NULL; m = m->next)
        TRY(read_name(r, m));
    return check_ids(r);
}

static Err with_scratch(Reader *r)
{
    Err e;

    TRY(arena_make(&r->scratch, "records", (int64_t)1 << 36));
    e = read_all(r);
    arena_free(&r->scratch);
    return e;
}

static Err named_fields(Arena *run, RecordsSpec *s)
{
    if (s->paths->kind != JSON_OBJECT || s->paths->length > RECORD_FIELDS_MAX)
        FAIL(ERR_CONFIG, "%s: fields has to be an object of at most %d paths", WHERE(s->paths),
             RECORD_FIELDS_MAX);
    for (const Json *m = s->paths->child; m != NULL; m = m->next) {
        int64_t length = m->length;

        if (m->kind != JSON_TEXT || length == 0 || !record_name_is_good(m->key))
            FAIL(ERR_CONFIG,
                 "%s: a field (letters, digits, _) and a path are expected, as "
                 "\"input\": \"instances.0.input\"",
                 WHERE(m));
        s->may_lack[s->fields] = m->text[length - 1] == '?';
        s->field[s->fields] = m->key;
        s->path[s->fields] = arena_text_n(run, m->text, length - s->may_lack[s->fields]);
        s->fields++;
    }
    if (s->fields == 0)
        FAIL(ERR_CONFIG, "%s: no field at all", WHERE(s->paths));
    return OK;
}

Err records_fields(Arena *run, RecordsSpec *spec)
{
    Reader r = {.run = run, .spec = spec, .only_fields = spec};

    if (spec->paths != NULL)
        return named_fields(run, spec);
    TRY(with_scratch(&r));
    if (spec->fields == 0)
        FAIL(ERR_DATA, "%s: the files hold no record", WHERE(spec->files));
    return OK;
}

Err records_read(Arena *run, const RecordsSpec *spec, RecordsTable *out)
{
    Reader r = {.run = run, .spec = spec, .out = out};

    *out = (RecordsTable){0};
    return with_scratch(&r);
}
