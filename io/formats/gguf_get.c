// The metadata of a GGUF file, key by key.
#include "io/formats/gguf_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int         bytes;
} KINDS[GGUF_KINDS] = {
    [GGUF_U8] = {"u8", 1},       [GGUF_I8] = {"i8", 1},     [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2},     [GGUF_U32] = {"u32", 4},   [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4},     [GGUF_FLAG] = {"flag", 1}, [GGUF_TEXT] = {"text", 0},
    [GGUF_ARRAY] = {"array", 0}, [GGUF_U64] = {"u64", 8},   [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8}};

const char *gguf_kind_name(GgufKind kind)
{
    return kind < GGUF_KINDS ? KINDS[kind].name : "unknown";
}

int gguf_kind_bytes(GgufKind kind)
{
    return KINDS[kind].bytes;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const GgufPair *)a)->key, ((const GgufPair *)b)->key);
}

const GgufPair *gguf_find(const Gguf *g, const char *key)
{
    GgufPair wanted = {.key = key};

    return g->pairs == 0 ? NULL
                         : bsearch(&wanted, g->pair, (size_t)g->pairs, sizeof wanted, by_key);
}

static Err wrong_kind(const Gguf *g, const GgufPair *p, const char *expected)
{
    FAIL(ERR_DATA, "%s: key %s: expected %s, found %s%s%s", g->path, p->key, expected,
         gguf_kind_name(p->kind), p->kind == GGUF_ARRAY ? " of " : "",
         p->kind == GGUF_ARRAY ? gguf_kind_name(p->of) : "");
}

// ---- single numbers

// 0 if the kind is no whole number or it does not fit.
static int whole_of(GgufKind kind, const unsigned char *data, int64_t *out)
{
    uint64_t bits = 0;
    int      bytes = gguf_kind_bytes(kind);

    if (bytes == 0 || kind == GGUF_F32 || kind == GGUF_F64 || kind == GGUF_FLAG)
        return 0;
    memcpy(&bits, data, (size_t)bytes);
    if ((kind == GGUF_I8 || kind == GGUF_I16 || kind == GGUF_I32) && bits >> (8 * bytes - 1))
        bits |= ~(uint64_t)0 << 8 * bytes;
    memcpy(out, &bits, sizeof *out);
    return kind != GGUF_U64 || bits <= INT64_MAX;
}

static int real_of(GgufKind kind, const unsigned char *data, double *out)
{
    float   f;
    int64_t whole;

    if (kind == GGUF_F32) {
        memcpy(&f, data, sizeof f);
        *out = (double)f;
        return 1;
    }
    if (kind == GGUF_F64) {
        memcpy(out, data, sizeof *out);
        return 1;
    }
    if (!whole_of(kind, data, &whole))
        return 0;
    *out = (double)whole;
    return 1;
}

Err gguf_get_i64(const Gguf *g, const char *key, int64_t min, int64_t max, int64_t standard,
                 int64_t *out)
{
    const GgufPair *p = gguf_find(g, key);

    *out = standard;
    if (p == NULL)
        return OK;
    if (!whole_of(p->kind, p->data, out))
        return wrong_kind(g, p, "a whole number");
    if (*out < min || *out > max)
        FAIL(ERR_DATA, "%s: key %s: expected %" PRId64 " to %" PRId64 ", found %" PRId64, g->path,
             key, min, max, *out);
    return OK;
}

Err gguf_get_f64(const Gguf *g, const char *key, double standard, double *out)
{
    const GgufPair *p = gguf_find(g, key);

    *out = standard;
    if (p == NULL)
        return OK;
    if (!real_of(p->kind, p->data, out))
        return wrong_kind(g, p, "a number");
    if (!isfinite(*out))
        FAIL(ERR_DATA, "%s: key %s: expected a finite number, found %g", g->path, key, *out);
    return OK;
}

Err gguf_get_flag(const Gguf *g, const char *key, int standard, int *out)
{
    const GgufPair *p = gguf_find(g, key);

    *out = standard;
    if (p == NULL)
        return OK;
    if (p->kind != GGUF_FLAG)
        return wrong_kind(g, p, "a flag");
    *out = *p->data != 0;
    return OK;
}

// ---- texts and arrays

static Err room(const Gguf *g, const Arena *arena, const char *key, int64_t count, int64_t size)
{
    if (arena_need(count, size) > arena->capacity - arena->used)
        FAIL(ERR_DATA, "%s: key %s: there is no room for its %" PRId64 " members in the %s arena",
             g->path, key, count, arena->name);
    return OK;
}

// The map from a value on; its bounds were checked when the file was opened.
static GgufCursor cursor(const Gguf *g, const GgufPair *p)
{
    return (GgufCursor){.path = g->path, .map = g->map, .at = p->data - g->map.data};
}

Err gguf_get_text(Arena *arena, const Gguf *g, const char *key, const char **out)
{
    const GgufPair *p = gguf_find(g, key);
    GgufCursor      c;
    GgufText        t;

    *out = NULL;
    if (p == NULL)
        return OK;
    if (p->kind != GGUF_TEXT)
        return wrong_kind(g, p, "a text");
    c = cursor(g, p);
    TRY(gguf_take_text(&c, &t));
    if (text_utf8_bad(t.data, t.length) >= 0 ||
        (t.length > 0 && memchr(t.data, 0, (size_t)t.length) != NULL))
        FAIL(ERR_DATA, "%s: key %s: expected a text in UTF-8", g->path, key);
    TRY(room(g, arena, key, t.length + 1, 1));
    *out = arena_text_n(arena, t.data, t.length);
    return OK;
}

Err gguf_get_texts(Arena *arena, const Gguf *g, const char *key, GgufText **out, int64_t *count)
{
    const GgufPair *p = gguf_find(g, key);
    GgufCursor      c;

    *count = 0;
    *out = NULL;
    if (p == NULL)
        return OK;
    if (p->kind != GGUF_ARRAY || p->of != GGUF_TEXT)
        return wrong_kind(g, p, "an array of texts");
    TRY(room(g, arena, key, p->count + 1, (int64_t)sizeof **out));
    *out = arena_new(arena, GgufText, p->count + 1);
    c = cursor(g, p);
    for (; *count < p->count; ++*count)
        TRY(gguf_take_text(&c, &(*out)[*count]));
    return OK;
}

Err gguf_get_floats(Arena *arena, const Gguf *g, const char *key, float **out, int64_t *count)
{
    const GgufPair *p = gguf_find(g, key);

    *count = 0;
    *out = NULL;
    if (p == NULL)
        return OK;
    if (p->kind != GGUF_ARRAY || p->of != GGUF_F32)
        return wrong_kind(g, p, "an array of f32");
    TRY(room(g, arena, key, p->count + 1, (int64_t)sizeof **out));
    *out = arena_new(arena, float, p->count + 1);
    *count = p->count;
    if (p->count > 0)
        memcpy(*out, p->data, (size_t)p->count * sizeof **out);
    return OK;
}

Err gguf_get_ints(Arena *arena, const Gguf *g, const char *key, int64_t **out, int64_t *count)
{
    const GgufPair *p = gguf_find(g, key);

    *count = 0;
    *out = NULL;
    if (p == NULL)
        return OK;
    if (p->kind != GGUF_ARRAY)
        return wrong_kind(g, p, "an array of whole numbers");
    TRY(room(g, arena, key, p->count + 1, (int64_t)sizeof **out));
    *out = arena_new(arena, int64_t, p->count + 1);
    for (; *count < p->count; ++*count)
        if (!whole_of(p->of, p->data + *count * gguf_kind_bytes(p->of), &(*out)[*count]))
            return wrong_kind(g, p, "an array of whole numbers");
    return OK;
}
