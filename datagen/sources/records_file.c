// Files of records by their shape: JSON lines, a list of JSON, one JSON object, lines and
// paragraphs of text, example sets.
#include "datagen/sources/records_private.h"
#include "io/file.h"
#include "io/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_BYTES_MAX = 1 << 30 };

typedef enum Shape {
    SHAPE_UNKNOWN,
    SHAPE_LINES,
    SHAPE_LIST,
    SHAPE_ANY_JSON, // lines, a list or one object: by what stands there
    SHAPE_TEXT_LINES,
    SHAPE_PARAGRAPHS,
    SHAPE_WHOLE_TEXT,
    SHAPE_COT,
    SHAPE_SET
} Shape;

typedef struct Bytes {
    char   *data;
    int64_t length;
} Bytes;

// ---- which shape

static int has_end(const char *path, const char *end)
{
    size_t length = strlen(path), n = strlen(end);

    return length > n && strcmp(path + length - n, end) == 0;
}

static Shape shape_by_name(const char *path)
{
    return has_end(path, ".jsonl") || has_end(path, ".ndjson") ? SHAPE_LINES
           : has_end(path, ".json")                            ? SHAPE_ANY_JSON
           : has_end(path, ".txt")                             ? SHAPE_TEXT_LINES
           : has_end(path, ".tsv")                             ? SHAPE_COT
           : has_end(path, ".h5")                              ? SHAPE_SET
                                                               : SHAPE_UNKNOWN;
}

static Shape shape_of(const RecordsSpec *s, const char *path)
{
    Shape by_name = shape_by_name(path);

    switch (s->format) {
    case RECORDS_AUTO: return s->paths != NULL && by_name == SHAPE_ANY_JSON ? SHAPE_LIST : by_name;
    case RECORDS_JSONL: return SHAPE_LINES;
    case RECORDS_JSON: return SHAPE_LIST;
    case RECORDS_TEXT: return SHAPE_TEXT_LINES;
    case RECORDS_SET: return SHAPE_SET;
    case RECORDS_COT: return SHAPE_COT;
    case RECORDS_PARAGRAPHS: return SHAPE_PARAGRAPHS;
    case RECORDS_DOCUMENTS:
        return by_name == SHAPE_LINES || by_name == SHAPE_ANY_JSON ? by_name : SHAPE_WHOLE_TEXT;
    default: return by_name == SHAPE_LINES ? by_name : SHAPE_ANY_JSON;
    }
}

int records_is_known(const RecordsSpec *s, const char *path)
{
    if (s->format == RECORDS_AUTO || s->format >= RECORDS_ALPACA)
        return shape_by_name(path) != SHAPE_UNKNOWN;
    return shape_of(s, path) != SHAPE_UNKNOWN;
}

static Err unknown_name(const char *path)
{
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", ".zip", ".tar"};
    static const char *const tables[] = {".parquet", ".arrow", ".csv", ".xlsx"};

    for (int i = 0; i < (int)(sizeof packed / sizeof packed[0]); i++)
        if (has_end(path, packed[i]))
            FAIL(ERR_CONFIG, "%s: the file is packed: unpack it first", path);
    for (int i = 0; i < (int)(sizeof tables / sizeof tables[0]); i++)
        if (has_end(path, tables[i]))
            FAIL(ERR_CONFIG,
                 "%s: %s files are not read: write it as JSON lines first, an object per line, "
                 "named .jsonl",
                 path, tables[i]);
    FAIL(ERR_CONFIG,
         "%s: its name does not say what it is; expected .jsonl, .json, .tsv, .txt or .h5, or "
         "\"format\"",
         path);
}

// ---- lines

typedef Err (*TakeLine)(Reader *r, const char *where, char *line, int64_t bytes);

static Err take_json_line(Reader *r, const char *where, char *line, int64_t bytes)
{
    const Json *record;

    TRY(json_parse(&r->scratch, where, line, bytes, JSON_NO_COMMENTS, &record));
    return reader_take(r, record);
}

static Err take_text_line(Reader *r, const char *where, char *line, int64_t bytes)
{
    return reader_take_text(r, where, line, bytes);
}

static Err take_cot_line(Reader *r, const char *where, char *line, int64_t bytes)
{
    return reader_take_cot(r, where, line, bytes);
}

// Empty lines are passed over; in texts, lines of blanks are not.
static Err read_lines(Reader *r, Bytes b, TakeLine take)
{
    int64_t number = 1;

    for (char *line = b.data; line < b.data + b.length && !r->is_done; number++) {
        char     *end = memchr(line, '\n', (size_t)(b.data + b.length - line));
        ArenaMark mark = arena_mark(&r->scratch);
        int64_t   bytes;

        if (end == NULL)
            end = b.data + b.length;
        bytes = end - line;
        bytes -= bytes > 0 && line[bytes - 1] == '\r';
        if (bytes > (take == take_text_line ? 0 : (int64_t)strspn(line, " \t")))
            TRY(take(r, arena_format(&r->scratch, "%s, line %" PRId64, r->path, number), line,
                     bytes));
        arena_back(&r->scratch, mark);
        line = end + 1;
    }
    return OK;
}

// ---- texts

static Err take_paragraph(Reader *r, int64_t line, const char *text, const char *end)
{
    ArenaMark mark = arena_mark(&r->scratch);

    while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    if (end > text)
        TRY(reader_take_text(
            r, arena_format(&r->scratch, "%s, paragraph at line %" PRId64, r->path, line), text,
            end - text));
    arena_back(&r->scratch, mark);
    return OK;
}

// What stands between lines that are empty or blank.
static Err read_paragraphs(Reader *r, Bytes b)
{
    const char *begin = b.data, *end = b.data + b.length;
    int64_t     number = 1, first = 1;

    for (const char *line = b.data; line < end && !r->is_done; number++) {
        const char *next = memchr(line, '\n', (size_t)(end - line));

        next = next == NULL ? end : next + 1;
        if (strspn(line, " \t\r\n") >= (size_t)(next - line)) {
            TRY(take_paragraph(r, first, begin, line));
            begin = next;
            first = number + 1;
        }
        line = next;
    }
    return r->is_done ? OK : take_paragraph(r, first, begin, end);
}

static Err read_whole_text(Reader *r, Bytes b)
{
    if (strspn(b.data, " \t\r\n") >= (size_t)b.length)
        return OK;
    return reader_take_text(r, r->path, b.data, b.length);
}

// ---- a list of JSON, record after record

typedef struct Cursor {
    const char *at, *end;
    int64_t     line, column; // of at, from 1
} Cursor;

static void move(Cursor *c, const char *to)
{
    for (; c->at < to; c->at++) {
        if (*c->at == '\n') {
            c->line++;
            c->column = 1;
        } else {
            c->column += ((unsigned char)*c->at & 0xC0) != 0x80 && *c->at != '\r';
        }
    }
}

static void skip_blanks(Cursor *c)
{
    const char *at = c->at;

    while (at < c->end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    move(c, at);
}

// One past the value at the cursor: the comma or bracket behind it, or the end of the text.
static const char *value_end(const Cursor *c)
{
    int depth = 0, in_text = 0;

    for (const char *at = c->at; at < c->end; at++) {
        if (in_text) {
            in_text = *at != '"';
            at += *at == '\\'; // and what it escapes
        } else if (*at == '"') {
            in_text = 1;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0)
                return at;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return c->end;
}

// Places of a tree that was read from its own bytes become those in the file.
static void shift(Json *node, int line, int column)
{
    node->column += node->line == 1 ? column - 1 : 0;
    node->key_column += node->key_line == 1 ? column - 1 : 0;
    node->line += line - 1;
    node->key_line += node->key_line > 0 ? line - 1 : 0;
    for (Json *m = node->child; m != NULL; m = m->next)
        shift(m, line, column);
}

// Says what is wrong with a value, with its place in the file: blanks stand for what is before it.
static Err say_fault(Reader *r, const Cursor *c, int64_t length)
{
    int64_t     before = c->line - 1 + c->column - 1;
    char       *text;
    const Json *ignored;

    if (before + length > JSON_BYTES_MAX)
        FAIL(ERR_DATA, "%s: the record that begins in line %" PRId64 " is no JSON", r->path,
             c->line);
    text = arena_new(&r->scratch, char, before + length + 1);
    memset(text, '\n', (size_t)(c->line - 1));
    memset(text + c->line - 1, ' ', (size_t)(c->column - 1));
    memcpy(text + before, c->at, (size_t)length);
    TRY(json_parse(&r->scratch, r->path, text, before + length, JSON_NO_COMMENTS, &ignored));
    CHECK(0, "%s: a fault that is none", r->path);
    return OK;
}

static Err read_value(Reader *r, Cursor *c)
{
    const char *end = value_end(c);
    ArenaMark   mark = arena_mark(&r->scratch);
    const Json *record;

    if (json_parse(&r->scratch, r->path, c->at, end - c->at, JSON_NO_COMMENTS, &record) != OK) {
        err_forget();
        return say_fault(r, c, end - c->at);
    }
    shift((Json *)record, (int)c->line, (int)c->column);
    TRY(reader_take(r, record));
    arena_back(&r->scratch, mark);
    move(c, end);
    return OK;
}

static Err wrong_char(const Reader *r, const Cursor *c, const char *expected)
{
    if (c->at == c->end)
        FAIL(ERR_DATA, "%s:%" PRId64 ":%" PRId64 ": expected %s, found the end of the text",
             r->path, c->line, c->column, expected);
    FAIL(ERR_DATA, "%s:%" PRId64 ":%" PRId64 ": expected %s, found '%c'", r->path, c->line,
         c->column, expected, *c->at >= ' ' && *c->at < 0x7F ? *c->at : '?');
}

static Err read_list(Reader *r, Bytes b)
{
    Cursor c = {b.data, b.data + b.length, 1, 1};

    skip_blanks(&c);
    if (c.at == c.end || *c.at != '[') {
        const Json *root; // says what is wrong with it, if something is

        TRY(json_parse(&r->scratch, r->path, b.data, b.length, JSON_NO_COMMENTS, &root));
        FAIL(ERR_DATA, "%s: a list of records is expected, found %s; one record per line is .jsonl",
             r->path, json_kind_name(root->kind));
    }
    move(&c, c.at + 1);
    skip_blanks(&c);
    while (!r->is_done && !(c.at < c.end && *c.at == ']')) {
        TRY(read_value(r, &c));
        if (c.at == c.end || (*c.at != ',' && *c.at != ']'))
            return wrong_char(r, &c, "',' or ']' after a record");
        if (*c.at == ']')
            break;
        move(&c, c.at + 1);
        skip_blanks(&c);
        if (c.at < c.end && *c.at == ']')
            return wrong_char(r, &c, "a record behind the ','");
    }
    if (r->is_done)
        return OK;
    move(&c, c.at + 1);
    skip_blanks(&c);
    return c.at < c.end ? wrong_char(r, &c, "the end of the text") : OK;
}

// ---- JSON, whatever its shape

// Whether the first line is a record of its own, with others behind it.
static int is_lines(Reader *r, Bytes b)
{
    const char *begin = b.data + strspn(b.data, " \t\r\n");
    const char *end = memchr(begin, '\n', (size_t)(b.data + b.length - begin));
    const Json *ignored;
    ArenaMark   mark = arena_mark(&r->scratch);
    int         yes;

    if (end == NULL || strspn(end, " \t\r\n") >= (size_t)(b.data + b.length - end))
        return 0;
    yes = json_parse(&r->scratch, r->path, begin, end - begin, JSON_NO_COMMENTS, &ignored) == OK;
    if (!yes)
        err_forget();
    arena_back(&r->scratch, mark);
    return yes;
}

static Err read_json(Reader *r, Bytes b)
{
    const Json *root;

    if (b.data[strspn(b.data, " \t\r\n")] != '{')
        return read_list(r, b);
    if (is_lines(r, b))
        return read_lines(r, b, take_json_line);
    TRY(json_parse(&r->scratch, r->path, b.data, b.length, JSON_NO_COMMENTS, &root));
    if (r->spec->format != RECORDS_NATURAL &&
        (format_of_record(root) == NULL || !format_of_record(root)->is_whole))
        return read_list(r, b); // says what is expected
    return reader_take(r, root);
}

// ---- sets

// A set as an object per kept row.
static Err read_set(Reader *r)
{
    char        dir[FILE_PATH_MAX];
    const char *file = strrchr(r->path, '/');
    char       *up;
    Run         run;
    SetRows     rows;

    r->is_set = 1;
    snprintf(dir, sizeof dir, "%.*s", file == NULL ? 0 : (int)(file - r->path), r->path);
    up = strrchr(dir, '/');
    if (file == NULL || file[1] != 'i' || up == NULL || strcmp(up, "/examples") != 0)
        FAIL(ERR_DATA, "%s: a set is named RUN/examples/iNNNN.h5", r->path);
    *up = 0;
    TRY(run_look(dir, &run));
    TRY(set_read(&run, &r->scratch, strtoll(file + 2, NULL, 10), &rows));
    for (int64_t row = 0; row < rows.R && !r->is_done; row++) {
        ArenaMark mark = arena_mark(&r->scratch);
        Json     *record = arena_new(&r->scratch, Json, 1), *member;

        if (rows.status[row] != SET_KEPT)
            continue;
        *record = (Json){.kind = JSON_OBJECT, .file = r->path};
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
        TRY(reader_take(r, record));
        arena_back(&r->scratch, mark);
    }
    return OK;
}

// ---- a file

// Some programs of Windows put these three bytes in front of a text.
static void skip_mark(Bytes *b)
{
    if (b->length >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0) {
        b->data += 3;
        b->length -= 3;
    }
}

static Err read_bytes(Reader *r, Shape shape)
{
    Bytes b;

    TRY(file_read(&r->scratch, r->path, RECORDS_BYTES_MAX, &b.data, &b.length));
    skip_mark(&b);
    switch (shape) {
    case SHAPE_LINES: return read_lines(r, b, take_json_line);
    case SHAPE_LIST: return read_list(r, b);
    case SHAPE_ANY_JSON: return read_json(r, b);
    case SHAPE_COT: return read_lines(r, b, take_cot_line);
    case SHAPE_TEXT_LINES: r->shape = "a record per line"; return read_lines(r, b, take_text_line);
    case SHAPE_PARAGRAPHS: r->shape = "a record per paragraph"; return read_paragraphs(r, b);
    default: r->shape = "a record per file"; return read_whole_text(r, b);
    }
}

Err records_file(Reader *r)
{
    Shape shape = shape_of(r->spec, r->path);

    if (shape == SHAPE_UNKNOWN)
        return unknown_name(r->path);
    if (r->spec->paths != NULL && shape >= SHAPE_TEXT_LINES && shape <= SHAPE_WHOLE_TEXT &&
        r->spec->fields != 1)
        FAIL(ERR_CONFIG, "%s: a text file has one field, the line, but \"fields\" names %d",
             r->path, r->spec->fields);
    return shape == SHAPE_SET ? read_set(r) : read_bytes(r, shape);
}
