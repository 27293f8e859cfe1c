#include "datagen/sources/records_read.h"

#include "base/hash.h"
#include "io/file.h"
#include "io/set.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_BYTES_MAX = 1 << 30 };
static const int64_t JSON_EXACT_MAX = (int64_t)1 << 53; // numbers of JSON are doubles here

typedef struct Reader {
    Arena             *run;
    Arena              scratch; // trees of one line, bytes of one file
    const RecordsSpec *spec;
    RecordsTable      *out;
    int64_t            ids, ids_room;
    struct Name       *name;        // of the records so far
    RecordsSpec       *only_fields; // wanted are the fields of the first record, nothing else
    int                is_done;
} Reader;

typedef struct Name {
    uint64_t    sum;
    const char *text, *where;
} Name;

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

static int is_plain(const Json *node)
{
    return node->kind == JSON_TEXT || node->kind == JSON_NUMBER || node->kind == JSON_TRUE ||
           node->kind == JSON_FALSE;
}

static Err as_text(Reader *r, const Json *node, const char *path, RecordsText *out)
{
    Text t;

    if (node->kind == JSON_TEXT) {
        *out = (RecordsText){arena_text_n(r->run, node->text, node->length), node->length};
        return OK;
    }
    if (!is_plain(node))
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
    const Name *x = a, *y = b;

    return x->sum != y->sum ? (x->sum < y->sum ? -1 : 1) : strcmp(x->text, y->text);
}

static Err take_id(Reader *r, const Json *record)
{
    const Json *id;
    RecordsText text;
    Name       *name;

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

static Err first_fields(Reader *r, const Json *record)
{
    RecordsSpec *s = r->only_fields;

    for (const Json *m = record->child; m != NULL && s->fields < RECORD_FIELDS_MAX; m = m->next) {
        if (!is_plain(m) || !record_name_is_good(m->key))
            continue;
        s->field[s->fields] = arena_text(r->run, m->key);
        s->path[s->fields++] = arena_text(r->run, m->key);
    }
    if (s->fields == 0)
        FAIL(ERR_DATA, "%s: the record has no member that is a text or a number", WHERE(record));
    r->is_done = 1;
    return OK;
}

static Err take_record(Reader *r, const Json *record)
{
    const RecordsSpec *s = r->spec;
    RecordsText       *text;

    if (record->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: a record is an object, found %s", WHERE(record),
             json_kind_name(record->kind));
    if (r->only_fields != NULL)
        return first_fields(r, record);
    TRY(take_id(r, record));
    text = next_record(r);
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

// ---- files

static Err read_lines(Reader *r, const char *path, char *data, int64_t length, int is_json)
{
    int64_t number = 1;

    for (char *line = data; line < data + length && !r->is_done; number++) {
        char       *end = memchr(line, '\n', (size_t)(data + length - line));
        ArenaMark   mark = arena_mark(&r->scratch);
        const Json *record;
        int64_t     bytes;

        if (end == NULL)
            end = data + length;
        bytes = end - line;
        bytes -= bytes > 0 && line[bytes - 1] == '\r';
        if (is_json && strspn(line, " \t") < (size_t)bytes) {
            TRY(json_parse(&r->scratch,
                           arena_format(&r->scratch, "%s, line %" PRId64, path, number), line,
                           bytes, JSON_NO_COMMENTS, &record));
            TRY(take_record(r, record));
        } else if (!is_json && bytes > 0) {
            RecordsText *text = next_record(r);

            if (text_utf8_bad(line, bytes) >= 0)
                FAIL(ERR_DATA, "%s, line %" PRId64 ": not UTF-8", path, number);
            if (memchr(line, 0, (size_t)bytes) != NULL)
                FAIL(ERR_DATA, "%s, line %" PRId64 ": a byte 0, which no text holds", path, number);
            text[0] = (RecordsText){arena_text_n(r->run, line, bytes), bytes};
        }
        arena_back(&r->scratch, mark);
        line = end + 1;
    }
    return OK;
}

static Err read_list(Reader *r, const char *path, const char *data, int64_t length)
{
    const Json *root;

    TRY(json_parse(&r->scratch, path, data, length, JSON_NO_COMMENTS, &root));
    if (root->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: a list of records is expected, found %s; one record per line is .jsonl",
             path, json_kind_name(root->kind));
    for (const Json *m = root->child; m != NULL && !r->is_done; m = m->next)
        TRY(take_record(r, m));
    return OK;
}

// A set as an object per kept row.
static Err read_set(Reader *r, const char *path)
{
    char        dir[FILE_PATH_MAX];
    const char *file = strrchr(path, '/');
    char       *up;
    Run         run;
    SetRows     rows;

    snprintf(dir, sizeof dir, "%.*s", file == NULL ? 0 : (int)(file - path), path);
    up = strrchr(dir, '/');
    if (file == NULL || file[1] != 'i' || up == NULL || strcmp(up, "/examples") != 0)
        FAIL(ERR_DATA, "%s: a set is named RUN/examples/iNNNN.h5", path);
    *up = 0;
    TRY(run_look(dir, &run));
    TRY(set_read(&run, &r->scratch, strtoll(file + 2, NULL, 10), &rows));
    for (int64_t row = 0; row < rows.R && !r->is_done; row++) {
        Json *record = arena_new(&r->scratch, Json, 1), *member;

        if (rows.status[row] != SET_KEPT)
            continue;
        *record = (Json){.kind = JSON_OBJECT, .file = arena_text(&r->scratch, path)};
        for (int k = rows.fields - 1; k >= 0; k--) {
            const SetHeap *heap = &rows.field[k];
            int64_t        bytes = heap->begin[row + 1] - heap->begin[row];

            member = arena_new(&r->scratch, Json, 1);
            *member =
                (Json){.kind = JSON_TEXT,
                       .key = rows.field_name[k],
                       .text = arena_text_n(&r->scratch, heap->bytes + heap->begin[row], bytes),
                       .length = bytes,
                       .next = record->child,
                       .file = record->file};
            record->child = member;
            record->length++;
        }
        TRY(take_record(r, record));
    }
    return OK;
}

static RecordsFormat format_of(const RecordsSpec *s, const char *path)
{
    static const char *const ends[] = {"", ".jsonl", ".json", ".txt", ".h5"};
    size_t                   length = strlen(path);

    if (s->format != RECORDS_AUTO)
        return s->format;
    for (int f = RECORDS_JSONL; f <= RECORDS_SET; f++)
        if (length > strlen(ends[f]) && strcmp(path + length - strlen(ends[f]), ends[f]) == 0)
            return (RecordsFormat)f;
    return RECORDS_AUTO;
}

// Some programs of Windows put these three bytes in front of a text.
static void skip_mark(char **data, int64_t *length)
{
    if (*length >= 3 && memcmp(*data, "\xef\xbb\xbf", 3) == 0) {
        *data += 3;
        *length -= 3;
    }
}

static Err read_bytes(Reader *r, const char *path, RecordsFormat format)
{
    char   *data;
    int64_t length;

    TRY(file_read(&r->scratch, path, RECORDS_BYTES_MAX, &data, &length));
    skip_mark(&data, &length);
    if (format == RECORDS_JSON)
        return read_list(r, path, data, length);
    return read_lines(r, path, data, length, format == RECORDS_JSONL);
}

static Err read_file(Reader *r, const char *path)
{
    RecordsFormat format = format_of(r->spec, path);
    ArenaMark     mark = arena_mark(&r->scratch);

    if (format == RECORDS_AUTO)
        FAIL(ERR_CONFIG,
             "%s: its name does not say what it is; expected .jsonl, .json, .txt or .h5, or "
             "\"format\"",
             path);
    if (format == RECORDS_TEXT && r->only_fields != NULL) {
        r->only_fields->field[0] = r->only_fields->path[0] = "text";
        r->only_fields->fields = 1;
        r->is_done = 1;
    } else if (format == RECORDS_TEXT && r->spec->fields != 1) {
        FAIL(ERR_CONFIG, "%s: a text file has one field, the line, but \"fields\" names %d", path,
             r->spec->fields);
    } else {
        TRY(format == RECORDS_SET ? read_set(r, path) : read_bytes(r, path, format));
    }
    arena_back(&r->scratch, mark);
    return OK;
}

// A folder stands for the files in it that have a known end, sorted by name.
static Err read_path(Reader *r, const char *path)
{
    char **names;
    int    count, known = 0;

    if (!file_exists(path))
        FAIL(ERR_DATA,
             "%s: there is no such file or folder; names in \"files\" are relative to the config",
             path);
    if (!file_is_folder(path))
        return read_file(r, path);
    TRY(file_list(r->run, path, &names, &count));
    for (int i = 0; i < count && !r->is_done; i++) {
        char file[FILE_PATH_MAX];

        if (format_of(r->spec, names[i]) == RECORDS_AUTO)
            continue;
        TRY(file_join(file, path, names[i]));
        known += !file_is_folder(file);
        if (!file_is_folder(file))
            TRY(read_file(r, arena_text(r->run, file)));
    }
    if (known == 0)
        FAIL(ERR_DATA, "%s: the folder holds no file named .jsonl, .json, .txt or .h5", path);
    return OK;
}

static Err read_all(Reader *r)
{
    const Json *files = r->spec->files;

    if (files->kind != JSON_ARRAY || files->length == 0)
        FAIL(ERR_CONFIG, "%s: files has to be a list of one or more names", WHERE(files));
    for (const Json *m = files->child; m != NULL && !r->is_done; m = m->next) {
        char path[FILE_PATH_MAX];

        if (m->kind != JSON_TEXT || m->length == 0)
            FAIL(ERR_CONFIG, "%s: the name of a file is expected", WHERE(m));
        TRY(file_join(path, m->text[0] == '/' ? "" : r->spec->folder, m->text));
        TRY(read_path(r, arena_text(r->run, path)));
    }
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
