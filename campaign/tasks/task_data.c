// Records of a task, and templates over them.
#include "campaign/tasks/task.h"
#include "campaign/tasks/task_private.h"

#include "io/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30 };

// A text without its byte order mark, which has to be UTF-8.
static Err read_whole(Arena *run, const char *path, const char **text, int64_t *bytes)
{
    char   *data;
    int64_t bad;

    TRY(file_read(run, path, FILE_BYTES_MAX, &data, bytes));
    if (*bytes >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        *bytes -= 3;
    }
    bad = text_utf8_bad(data, *bytes);
    if (bad >= 0 || memchr(data, 0, (size_t)*bytes) != NULL)
        FAIL(ERR_DATA, "%s: a text in UTF-8 is expected; byte %" PRId64 " is none", path,
             bad >= 0 ? bad + 1 : (int64_t)strlen(data) + 1);
    *text = data;
    return OK;
}

// Every file is one record with the field `text`.
static Err read_files(Arena *run, const Json *files, const char *folder, TaskData *out)
{
    static const char *const field[] = {"text"};
    char                     path[FILE_PATH_MAX];

    *out = (TaskData){.field = field, .fields = 1};
    out->text = arena_new(run, const char *, files->length);
    out->bytes = arena_new(run, int64_t, files->length);
    for (const Json *m = files->child; m != NULL; m = m->next, out->count++) {
        if (m->kind != JSON_TEXT || m->length == 0)
            FAIL(ERR_CONFIG, "%s: the name of a file is expected", TASK_WHERE(m));
        TRY(file_join(path, m->text[0] == '/' ? "" : folder, m->text));
        TRY(read_whole(run, path, &out->text[out->count], &out->bytes[out->count]));
    }
    return OK;
}

// A member before those of `object`; it takes the place of one of the same name.
static const Json *with_member(Arena *run, const Json *object, Json member)
{
    Json *whole = arena_new(run, Json, 1), *first = arena_new(run, Json, 1), **last = &first->next;

    *whole = *object;
    *first = member;
    first->parent = whole;
    whole->child = first;
    whole->length = 1;
    for (const Json *m = object->child; m != NULL; m = m->next) {
        if (strcmp(m->key, member.key) == 0)
            continue;
        *last = arena_new(run, Json, 1);
        **last = *m;
        (*last)->next = NULL;
        last = &(*last)->next;
        whole->length++;
    }
    return whole;
}

static Err read_records(Arena *run, const Json *data, const char *folder, TaskData *out)
{
    const Json *kind = json_member(data, "kind");
    Source     *source;
    Json        records = {.kind = JSON_TEXT, .key = "kind", .text = "records", .length = 7};

    if (kind != NULL && (kind->kind != JSON_TEXT || strcmp(kind->text, "records") != 0))
        FAIL(ERR_CONFIG, "%s: the data of a task are records from files (\"kind\": \"records\")",
             TASK_WHERE(kind));
    records.file = data->file;
    TRY(source_make(run, with_member(run, data, records), folder, 0, &source));
    *out =
        (TaskData){.source = source,
                   .split = json_member(data, "held_out") != NULL ? SPLIT_HELD_OUT : SPLIT_SEEDS};
    out->count = source_count(source, out->split);
    out->field = source_fields(source, &out->fields);
    return OK;
}

Err task_data_open(Arena *run, const Json *data, const Json *files, const char *folder,
                   int is_whole, TaskData *out)
{
    static const char *const known[] = {"kind", "files"};

    if (data == NULL || data->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: data is an object such as {\"files\": [\"test.jsonl\"]}",
             data != NULL ? TASK_WHERE(data) : "the task");
    if (files != NULL) {
        Json member = *files;

        member.key = "files";
        member.next = NULL;
        data = with_member(run, data, member);
    }
    if (!is_whole)
        return read_records(run, data, folder, out);
    TRY(json_only(data, known, 2));
    TRY(json_want_array(data, "files", &files));
    return read_files(run, files, folder, out);
}

void task_draw(const TaskData *d, int64_t k, Record *r)
{
    if (d->source == NULL)
        record_set(r, "text", d->text[k], d->bytes[k]);
    else
        source_draw(d->source, d->split, 0, k, r);
}

int task_has_field(const TaskData *d, const char *name)
{
    for (int i = 0; i < d->fields; i++)
        if (strcmp(d->field[i], name) == 0)
            return 1;
    return 0;
}

Err task_want_field(const TaskData *d, const Json *node, const char *name)
{
    const char *near;

    if (task_has_field(d, name))
        return OK;
    near = text_nearest(name, d->field, d->fields);
    FAIL(ERR_CONFIG, "%s: the records have no field %s%s%s%s", TASK_WHERE(node), name,
         near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

Err task_template(Arena *run, const TaskData *d, const Json *node, const char *text, Template *out)
{
    TRY(template_parse(run, arena_text(run, TASK_WHERE(node)), text, (int64_t)strlen(text), out));
    for (int i = 0; i < out->pieces; i++) {
        if (out->piece[i].kind == TEMPLATE_SPECIAL)
            FAIL(ERR_CONFIG,
                 "%s: {%s} has no place in a task: what begins a text is put in front of it by the "
                 "tokenizer",
                 TASK_WHERE(node), out->piece[i].text);
        if (out->piece[i].kind == TEMPLATE_SLOT)
            TRY(task_want_field(d, node, out->piece[i].text));
    }
    return OK;
}

const char *task_expand(const Template *t, const Record *r, int64_t *length)
{
    Text all = text_make(r->arena);

    for (int i = 0; i < t->pieces; i++) {
        const TemplatePiece *p = &t->piece[i];
        const RecordField   *f = p->kind == TEMPLATE_SLOT ? record_field(r, p->text) : NULL;

        if (f != NULL)
            text_add(&all, f->text, f->length);
        else if (p->kind == TEMPLATE_LITERAL)
            text_add(&all, p->text, p->length);
    }
    *length = all.length;
    return all.data;
}
