#include "io/json.h"

#include "io/file.h"
#include "io/json_scan.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- the tree

typedef struct Build {
    Json       *nodes; // [count], in the order of the text
    int64_t     count, next;
    char       *heap; // room for all keys and texts
    const char *file;
} Build;

static const char *keep_text(Build *b, const char *text, int64_t *length)
{
    char *kept = b->heap;

    *length = (int64_t)strlen(text);
    memcpy(kept, text, (size_t)*length + 1);
    b->heap += *length + 1;
    return kept;
}

static JsonKind kind_of(const cJSON *from)
{
    switch (from->type & 0xFF) {
    case cJSON_False: return JSON_FALSE;
    case cJSON_True: return JSON_TRUE;
    case cJSON_Number: return JSON_NUMBER;
    case cJSON_String: return JSON_TEXT;
    case cJSON_Array: return JSON_ARRAY;
    case cJSON_Object: return JSON_OBJECT;
    default: return JSON_NULL;
    }
}

static Err convert(Build *b, const cJSON *from, const Json *parent, Json **out)
{
    Json *node = &b->nodes[b->next], **link = &node->child;
    char  where[JSON_WORDS];

    CHECK(b->next < b->count, "more values than the scan saw");
    b->next++;
    node->kind = kind_of(from);
    node->parent = parent;
    node->file = b->file;
    if (from->string != NULL) {
        int64_t ignored;
        node->key = keep_text(b, from->string, &ignored);
    }
    if (node->kind == JSON_TEXT)
        node->text = keep_text(b, from->valuestring, &node->length);
    if (node->kind == JSON_NUMBER)
        node->number = from->valuedouble;
    if (!isfinite(node->number))
        FAIL(ERR_DATA, "%s: expected a finite number, found one beyond 1.8e308",
             json_where(node, where, sizeof where));
    for (const cJSON *member = from->child; member != NULL; member = member->next) {
        TRY(convert(b, member, node, link));
        link = &(*link)->next;
        node->length++;
    }
    *out = node;
    return OK;
}

static Err build(Build *b, const char *text, int64_t length)
{
    Json  *root;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, (size_t)length, NULL, 0);
    Err    e;

    if (tree == NULL)
        FAIL(ERR_DATA, "%s: no memory for a JSON text of %" PRId64 " bytes", b->file, length);
    e = convert(b, tree, NULL, &root);
    cJSON_Delete(tree);
    return e;
}

// ---- duplicate keys

static int by_key(const void *a, const void *b)
{
    const Json *const *x = a, *const *y = b;
    int                order = strcmp((*x)->key, (*y)->key);

    return order != 0 ? order : (*x > *y) - (*x < *y); // nodes lie in the order of the text
}

static Err duplicate(const Json *first, const Json *again)
{
    char path[JSON_WORDS];

    FAIL(ERR_DATA,
         "%s:%d:%d: expected every key once, found \"%s\" again (first at line %d, column %d)",
         again->file, again->key_line, again->key_column, json_path(again, path, sizeof path),
         first->key_line, first->key_column);
}

// Sorts large objects, so that a hostile text cannot keep us busy.
static Err check_keys(const Json *object, const Json **sorted)
{
    int64_t n = 0;

    for (const Json *m = object->child; m != NULL; m = m->next)
        sorted[n++] = m;
    qsort(sorted, (size_t)n, sizeof *sorted, by_key);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            return duplicate(sorted[i - 1], sorted[i]);
    return OK;
}

static Err check_all_keys(Arena *arena, const Json *nodes, int64_t count)
{
    ArenaMark    mark = arena_mark(arena);
    const Json **sorted = arena_new(arena, const Json *, count);
    Err          e = OK;

    for (int64_t i = 0; i < count && e == OK; i++)
        if (nodes[i].kind == JSON_OBJECT && nodes[i].length > 1)
            e = check_keys(&nodes[i], sorted);
    arena_back(arena, mark);
    return e;
}

// ---- reading

// Asks before an arena is overfull: the text may be a stranger's.
static Err check_room(const Arena *arena, const char *file, int64_t bytes)
{
    if (bytes > arena->capacity - arena->used)
        FAIL(ERR_DATA,
             "%s: this JSON text needs %.1f MiB of memory as a tree, %.1f MiB are left in the %s "
             "arena; split it into smaller files",
             file, (double)bytes / 0x1p20, (double)(arena->capacity - arena->used) / 0x1p20,
             arena->name);
    return OK;
}

static Err make_tree(Arena *arena, const char *file, const char *text, int64_t length,
                     const Json **root)
{
    JsonCount count;
    Build     b;

    TRY(json_scan(file, text, length, NULL, &count));
    TRY(check_room(arena, file,
                   arena_need(count.nodes, (int64_t)sizeof(Json)) +
                       arena_need(count.text_bytes + 1, 1) + arena_need((int64_t)strlen(file), 1) +
                       arena_need(count.nodes, (int64_t)sizeof(Json *)) + ARENA_ALIGN));
    b = (Build){.nodes = arena_new(arena, Json, count.nodes),
                .count = count.nodes,
                .heap = arena_new(arena, char, count.text_bytes + 1),
                .file = arena_text(arena, file)};
    TRY(json_scan(file, text, length, b.nodes, &count));
    TRY(build(&b, text, length));
    TRY(check_all_keys(arena, b.nodes, count.nodes));
    *root = b.nodes;
    return OK;
}

static Err parse(Arena *arena, const char *file, const char *text, int64_t length,
                 JsonComments comments, const Json **root)
{
    if (length > JSON_BYTES_MAX)
        FAIL(ERR_DATA, "%s: expected at most %d bytes of JSON, found %" PRId64, file,
             JSON_BYTES_MAX, length);
    TRY(json_check_utf8(file, text, length));
    if (comments == JSON_COMMENTS) {
        char *copy;

        TRY(check_room(arena, file, length + 2 * ARENA_ALIGN));
        copy = arena_text_n(arena, text, length);
        TRY(json_blank_comments(file, copy, length));
        text = copy;
    }
    return make_tree(arena, file, text, length, root);
}

Err json_parse(Arena *arena, const char *file, const char *text, int64_t length,
               JsonComments comments, const Json **root)
{
    ArenaMark mark = arena_mark(arena);
    Err       e = parse(arena, file, text, length, comments, root);

    if (e != OK)
        arena_back(arena, mark);
    return e;
}

Err json_read(Arena *arena, const char *path, JsonComments comments, const Json **root)
{
    int64_t left = arena->capacity - arena->used - 2 * ARENA_ALIGN, bytes;
    char   *text;

    TRY(check_room(arena, path, 4 * ARENA_ALIGN));
    TRY(file_read(arena, path, left < JSON_BYTES_MAX ? left : JSON_BYTES_MAX, &text, &bytes));
    return json_parse(arena, path, text, bytes, comments, root);
}
