#include "io/formats/gguf.h"

#include "io/formats/gguf_private.h"
#include "io/formats/magic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- the next bytes

Err gguf_take(GgufCursor *c, int64_t bytes, const unsigned char **out)
{
    if (bytes < 0 || bytes > c->map.bytes - c->at)
        FAIL(ERR_DATA, "%s: the file ends within a value at byte %" PRId64 ": it was cut", c->path,
             c->at);
    *out = c->map.data + c->at;
    c->at += bytes;
    return OK;
}

static Err take_u32(GgufCursor *c, uint32_t *out)
{
    const unsigned char *b;

    TRY(gguf_take(c, 4, &b));
    memcpy(out, b, sizeof *out);
    return OK;
}

Err gguf_take_u64(GgufCursor *c, uint64_t *out)
{
    const unsigned char *b;

    TRY(gguf_take(c, 8, &b));
    memcpy(out, b, sizeof *out);
    return OK;
}

Err gguf_take_text(GgufCursor *c, GgufText *out)
{
    uint64_t             length;
    const unsigned char *b;

    TRY(gguf_take_u64(c, &length));
    if (length > (uint64_t)(c->map.bytes - c->at))
        FAIL(ERR_DATA,
             "%s: a text at byte %" PRId64 " says it has %" PRIu64 " bytes, %" PRId64 " are left",
             c->path, c->at - 8, length, c->map.bytes - c->at);
    TRY(gguf_take(c, (int64_t)length, &b));
    *out = (GgufText){(const char *)b, (int64_t)length};
    return OK;
}

static Err room(const Arena *arena, const char *path, int64_t bytes)
{
    if (bytes > arena->capacity - arena->used - 4 * ARENA_ALIGN)
        FAIL(ERR_DATA,
             "%s: its tables need %" PRId64 " bytes of memory, %" PRId64
             " are left in the %s arena",
             path, bytes, arena->capacity - arena->used, arena->name);
    return OK;
}

// A name: UTF-8 without zero bytes, of 1 to max bytes; a copy in `arena`.
static Err take_name(Arena *arena, GgufCursor *c, int64_t max, const char **out)
{
    int64_t  at = c->at;
    GgufText t;

    TRY(gguf_take_text(c, &t));
    if (t.length < 1 || t.length > max || text_utf8_bad(t.data, t.length) >= 0 ||
        memchr(t.data, 0, (size_t)t.length) != NULL)
        FAIL(ERR_DATA,
             "%s: expected a name in UTF-8 of 1 to %" PRId64 " bytes at byte %" PRId64
             ", found one of %" PRId64 " bytes",
             c->path, max, at, t.length);
    TRY(room(arena, c->path, t.length + 1));
    *out = arena_text_n(arena, t.data, t.length);
    return OK;
}

// ---- metadata

static Err take_kind(GgufCursor *c, const char *key, GgufKind *out)
{
    uint32_t kind;

    TRY(take_u32(c, &kind));
    if (kind >= GGUF_KINDS)
        FAIL(ERR_DATA, "%s: key %s: expected a kind of value below %d, found %" PRIu32, c->path,
             key, GGUF_KINDS, kind);
    *out = (GgufKind)kind;
    return OK;
}

static Err skip_array(GgufCursor *c, GgufPair *p, int depth);

static Err skip_members(GgufCursor *c, const GgufPair *array, int depth)
{
    GgufPair             inner = {.key = array->key};
    GgufText             text;
    const unsigned char *b;
    int64_t              bytes, each = gguf_kind_bytes(array->of);

    if (each > 0) {
        if (__builtin_mul_overflow(array->count, each, &bytes))
            FAIL(ERR_DATA, "%s: key %s: an array of %" PRId64 " members", c->path, array->key,
                 array->count);
        return gguf_take(c, bytes, &b);
    }
    for (int64_t i = 0; i < array->count; i++) // each takes bytes, so the file bounds them
        TRY(array->of == GGUF_TEXT ? gguf_take_text(c, &text) : skip_array(c, &inner, depth + 1));
    return OK;
}

static Err skip_array(GgufCursor *c, GgufPair *p, int depth)
{
    uint64_t count;

    if (depth > GGUF_DEPTH_MAX)
        FAIL(ERR_DATA, "%s: key %s: arrays within arrays deeper than %d", c->path, p->key,
             GGUF_DEPTH_MAX);
    TRY(take_kind(c, p->key, &p->of));
    TRY(gguf_take_u64(c, &count));
    if (count > (uint64_t)c->map.bytes)
        FAIL(ERR_DATA, "%s: key %s: an array of %" PRIu64 " members is longer than the file",
             c->path, p->key, count);
    p->count = (int64_t)count;
    p->data = c->map.data + c->at;
    return skip_members(c, p, depth);
}

static Err take_pair(Arena *arena, GgufCursor *c, GgufPair *p)
{
    GgufText text;

    TRY(take_name(arena, c, GGUF_KEY_MAX, &p->key));
    TRY(take_kind(c, p->key, &p->kind));
    p->count = 1;
    p->data = c->map.data + c->at;
    if (p->kind == GGUF_ARRAY)
        return skip_array(c, p, 1);
    if (p->kind == GGUF_TEXT)
        return gguf_take_text(c, &text);
    return gguf_take(c, gguf_kind_bytes(p->kind), &p->data);
}

// ---- the table of tensors

static Err take_shape(GgufCursor *c, GgufTensor *t)
{
    uint32_t rank;
    uint64_t size;

    TRY(take_u32(c, &rank));
    if (rank < 1 || rank > GGUF_RANK_MAX)
        FAIL(ERR_DATA, "%s: tensor %s: expected 1 to %d axes, found %" PRIu32, c->path, t->name,
             GGUF_RANK_MAX, rank);
    t->rank = (int)rank;
    t->elements = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        TRY(gguf_take_u64(c, &size));
        if (size < 1 || size > INT64_MAX ||
            __builtin_mul_overflow(t->elements, (int64_t)size, &t->elements))
            FAIL(ERR_DATA, "%s: tensor %s: an axis of %" PRIu64 " makes it too large to count",
                 c->path, t->name, size);
        t->shape[i] = (int64_t)size;
    }
    return OK;
}

// Its bytes behind the start of the data; the start is not known yet.
static Err take_tensor(Arena *arena, GgufCursor *c, GgufTensor *t, int64_t *offset)
{
    uint32_t type;
    uint64_t from;
    int64_t  block, bytes;

    TRY(take_name(arena, c, GGUF_NAME_MAX, &t->name));
    TRY(take_shape(c, t));
    TRY(take_u32(c, &type));
    TRY(gguf_take_u64(c, &from));
    t->type = type <= INT16_MAX ? (int)type : INT16_MAX;
    block = gguf_block(t->type, &bytes);
    if (from > (uint64_t)c->map.bytes)
        FAIL(ERR_DATA, "%s: tensor %s: begins at byte %" PRIu64 " of the data, behind the file",
             c->path, t->name, from);
    *offset = (int64_t)from;
    if (block == 0)
        return OK;
    if (t->shape[t->rank - 1] % block != 0)
        FAIL(ERR_DATA,
             "%s: tensor %s: rows of %" PRId64 " elements are no multiple of the %" PRId64
             " of a block of %s",
             c->path, t->name, t->shape[t->rank - 1], block, gguf_type_name(t->type));
    if (__builtin_mul_overflow(t->elements / block, bytes, &t->bytes))
        FAIL(ERR_DATA, "%s: tensor %s: %" PRId64 " elements", c->path, t->name, t->elements);
    return OK;
}

static int by_place(const void *a, const void *b)
{
    const GgufTensor *x = a, *y = b;

    return (x->data > y->data) - (x->data < y->data);
}

static Err check_places(const Gguf *g)
{
    qsort(g->tensor, (size_t)g->tensors, sizeof *g->tensor, by_place);
    for (int64_t i = 1; i < g->tensors; i++) {
        const GgufTensor *a = &g->tensor[i - 1], *b = &g->tensor[i];

        if (a->data != NULL && b->data - a->data < a->bytes)
            FAIL(ERR_DATA, "%s: tensors %s and %s overlap", g->path, a->name, b->name);
    }
    return OK;
}

static Err place_tensors(Gguf *g, const int64_t *offset, int64_t start, int64_t align)
{
    for (int64_t i = 0; i < g->tensors; i++) {
        GgufTensor *t = &g->tensor[i];

        if (offset[i] % align != 0)
            FAIL(ERR_DATA,
                 "%s: tensor %s: begins at byte %" PRId64 " of the data, no multiple of %" PRId64,
                 g->path, t->name, offset[i], align);
        if (t->bytes > g->map.bytes - start - offset[i])
            FAIL(ERR_DATA,
                 "%s: tensor %s: needs %" PRId64 " bytes from byte %" PRId64
                 " of the data, of which there are %" PRId64 ": the file was cut",
                 g->path, t->name, t->bytes, offset[i], g->map.bytes - start);
        if (t->bytes > 0)
            t->data = g->map.data + start + offset[i];
    }
    return check_places(g);
}

// ---- all of it

static int by_key(const void *a, const void *b)
{
    return strcmp(((const GgufPair *)a)->key, ((const GgufPair *)b)->key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const GgufTensor *)a)->name, ((const GgufTensor *)b)->name);
}

static Err take_head(GgufCursor *c, Gguf *g)
{
    uint32_t             version;
    uint64_t             tensors, pairs;
    const unsigned char *magic;

    if (c->map.bytes < 4 || memcmp(c->map.data, "GGUF", 4) != 0) {
        TRY(magic_refuse(c->path, c->map.data, c->map.bytes, "a GGUF file"));
        FAIL(ERR_DATA, "%s: is no GGUF file: it does not begin with GGUF", c->path);
    }
    TRY(gguf_take(c, 4, &magic));
    TRY(take_u32(c, &version));
    if (version == 2u << 24 || version == 3u << 24)
        FAIL(ERR_DATA, "%s: is a GGUF file of the other byte order; convert it to little-endian",
             c->path);
    if (version != 2 && version != 3)
        FAIL(ERR_DATA, "%s: expected GGUF version 2 or 3, found %" PRIu32 "%s", c->path, version,
             version == 1 ? "; convert the model again with a newer llama.cpp" : "");
    TRY(gguf_take_u64(c, &tensors));
    TRY(gguf_take_u64(c, &pairs));
    if (tensors > GGUF_TENSORS_MAX || pairs > GGUF_PAIRS_MAX)
        FAIL(ERR_DATA,
             "%s: expected at most %d tensors and %d keys, found %" PRIu64 " and %" PRIu64, c->path,
             GGUF_TENSORS_MAX, GGUF_PAIRS_MAX, tensors, pairs);
    g->version = (int)version;
    g->tensors = (int64_t)tensors;
    g->pairs = (int64_t)pairs;
    return OK;
}

static Err take_pairs(Arena *arena, GgufCursor *c, Gguf *g)
{
    TRY(room(arena, c->path, arena_need(g->pairs + 1, (int64_t)sizeof *g->pair)));
    g->pair = arena_new(arena, GgufPair, g->pairs + 1);
    for (int64_t i = 0; i < g->pairs; i++)
        TRY(take_pair(arena, c, &g->pair[i]));
    qsort(g->pair, (size_t)g->pairs, sizeof *g->pair, by_key);
    for (int64_t i = 1; i < g->pairs; i++)
        if (strcmp(g->pair[i - 1].key, g->pair[i].key) == 0)
            FAIL(ERR_DATA, "%s: key %s is there twice", c->path, g->pair[i].key);
    return OK;
}

static Err take_tensors(Arena *arena, GgufCursor *c, Gguf *g)
{
    int64_t *offset, start, align;

    TRY(room(arena, c->path,
             arena_need(g->tensors + 1, (int64_t)(sizeof *g->tensor + sizeof *offset)) +
                 ARENA_ALIGN));
    g->tensor = arena_new(arena, GgufTensor, g->tensors + 1);
    offset = arena_new(arena, int64_t, g->tensors + 1);
    for (int64_t i = 0; i < g->tensors; i++)
        TRY(take_tensor(arena, c, &g->tensor[i], &offset[i]));
    TRY(gguf_get_i64(g, "general.alignment", 1, GGUF_ALIGN_MAX, GGUF_ALIGN, &align));
    if ((align & (align - 1)) != 0)
        FAIL(ERR_DATA, "%s: general.alignment is %" PRId64 "; expected a power of two", c->path,
             align);
    start = (c->at + align - 1) / align * align;
    if (g->tensors > 0 && start > c->map.bytes)
        FAIL(ERR_DATA, "%s: the file ends before its tensors: it was cut", c->path);
    TRY(place_tensors(g, offset, start, align));
    qsort(g->tensor, (size_t)g->tensors, sizeof *g->tensor, by_name);
    for (int64_t i = 1; i < g->tensors; i++)
        if (strcmp(g->tensor[i - 1].name, g->tensor[i].name) == 0)
            FAIL(ERR_DATA, "%s: tensor %s is there twice", c->path, g->tensor[i].name);
    return OK;
}

Err gguf_open(Arena *arena, const char *path, Gguf *out)
{
    GgufCursor c = {.path = path};

    *out = (Gguf){0};
    TRY(map_open(path, &out->map));
    c.map = out->map;
    TRY(room(arena, path, (int64_t)strlen(path) + 1));
    out->path = arena_text(arena, path);
    TRY(take_head(&c, out));
    TRY(take_pairs(arena, &c, out));
    return take_tensors(arena, &c, out);
}

void gguf_close(Gguf *g)
{
    map_close(&g->map);
}

const GgufTensor *gguf_tensor(const Gguf *g, const char *name)
{
    GgufTensor wanted = {.name = name};

    return g->tensors == 0
               ? NULL
               : bsearch(&wanted, g->tensor, (size_t)g->tensors, sizeof wanted, by_name);
}

Err gguf_read(const Gguf *g, const GgufTensor *t, float *out)
{
    if (t->data == NULL)
        FAIL(ERR_DATA,
             "%s: tensor %s is of the type %s (%d), which is not read; expected F32, F16, BF16, "
             "Q8_0, Q4_0, Q4_K or Q6_K: requantize the model as one of these",
             g->path, t->name, gguf_type_name(t->type), t->type);
    gguf_widen(t->type, t->data, t->elements, out);
    return OK;
}
