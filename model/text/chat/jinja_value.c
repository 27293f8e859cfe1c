// jinja_value.c -- values: making them, memory for them, lists and dicts.
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { POOL_BLOCK = 64 << 10 };

// ---- memory

// A new block for `bytes`; what is left of the old one is lost.
static int new_block(JinjaPool *p, int64_t bytes)
{
    int64_t size = bytes > POOL_BLOCK ? bytes : POOL_BLOCK;

    if (size > p->max - p->used)
        size = bytes;
    if (size > p->max - p->used || arena_need(size, 1) > p->arena->capacity - p->arena->used)
        return 0;
    p->at = arena_push(p->arena, size, 1);
    p->end = p->at + size;
    p->used += size;
    return 1;
}

void *jinja_push(JinjaPool *p, int64_t bytes)
{
    int64_t pad = -(int64_t)((uintptr_t)p->at % 8) & 7;
    char   *out;

    if (bytes < 0 || bytes > p->max)
        return NULL;
    if (p->end - p->at < pad + bytes) {
        if (!new_block(p, bytes))
            return NULL;
        pad = 0;
    }
    out = p->at + pad;
    p->at = out + bytes;
    memset(out, 0, (size_t)bytes); // a text may have grown here and given its room back
    return out;
}

Err jinja_take(JinjaRun *r, int64_t bytes, void **out)
{
    *out = jinja_push(&r->pool, bytes);
    if (*out == NULL)
        return jinja_fail(r,
                          "the template needs more than %d MiB of memory, or than is left in "
                          "the %s arena",
                          JINJA_MEMORY_MAX >> 20, r->pool.arena->name);
    return jinja_charge_bytes(r, bytes);
}

// ---- failures and limits

Err jinja_fail(const JinjaRun *r, const char *fmt, ...)
{
    char    words[ERR_TEXT_MAX - 256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    if (r->at == NULL)
        FAIL(ERR_DATA, "%s: %s", r->t->name, words);
    FAIL(ERR_DATA, "%s:%d:%d: %s", r->t->name, r->at->line, r->at->column, words);
}

Err jinja_charge(JinjaRun *r, int64_t units)
{
    r->steps -= units;
    if (r->steps < 0)
        return jinja_fail(r, "the template takes more than %d steps", JINJA_STEPS_MAX);
    return OK;
}

Err jinja_charge_bytes(JinjaRun *r, int64_t bytes)
{
    return jinja_charge(r, bytes / 64);
}

Err jinja_fail_undefined(const JinjaRun *r, const JinjaValue *v)
{
    int        length = v->length > 100 ? 100 : (int)v->length;
    JinjaValue owner = {.kind = (JinjaKind)(v->sub - UNDEFINED_ATTR)};

    if (v->sub == UNDEFINED_NAME)
        return jinja_fail(r, "'%.*s' is undefined", length, v->text);
    if (v->sub == UNDEFINED_MISSING)
        return jinja_fail(r, "%.*s", length, v->text);
    if (v->sub == UNDEFINED_ITEM)
        return jinja_fail(r, "there is no element %.*s in this list or text", length, v->text);
    if (v->sub == UNDEFINED_UNSAFE)
        return jinja_fail(r, "'%.*s' would change a value; templates cannot", length, v->text);
    return jinja_fail(r, "'%s object' has no attribute '%.*s'", jinja_kind_name(&owner), length,
                      v->text);
}

// ---- values

JinjaValue jinja_none(void)
{
    return (JinjaValue){.kind = JINJA_NONE};
}

JinjaValue jinja_bool(int yes)
{
    return (JinjaValue){.kind = JINJA_BOOL, .number = yes != 0};
}

JinjaValue jinja_int(int64_t number)
{
    return (JinjaValue){.kind = JINJA_INT, .number = number};
}

JinjaValue jinja_float(double real)
{
    return (JinjaValue){.kind = JINJA_FLOAT, .real = real};
}

JinjaValue jinja_time(int64_t seconds)
{
    return (JinjaValue){.kind = JINJA_TIME, .number = seconds};
}

JinjaValue jinja_string_n(const char *text, int64_t length)
{
    return (JinjaValue){.kind = JINJA_STRING, .text = text, .length = length};
}

JinjaValue jinja_string(const char *text)
{
    return jinja_string_n(text, (int64_t)strlen(text));
}

JinjaValue jinja_undefined(int sub, const char *name, int64_t length)
{
    return (JinjaValue){.kind = JINJA_UNDEFINED, .sub = sub, .text = name, .length = length};
}

const char *jinja_kind_name(const JinjaValue *v)
{
    static const char *const names[] = {"undefined", "None",   "bool", "int",       "float",
                                        "str",       "list",   "dict", "namespace", "macro",
                                        "function",  "method", "loop", "function"};
    static const char *const lists[] = {"list",        "tuple",      "range",    "dict_keys",
                                        "dict_values", "dict_items", "generator"};

    return v->kind == JINJA_LIST ? lists[v->sub] : names[v->kind];
}

int jinja_is(const JinjaValue *v, const char *text)
{
    return v->kind == JINJA_STRING &&
           jinja_is_bytes(v->text, v->length, text, (int64_t)strlen(text));
}

int jinja_is_number(const JinjaValue *v)
{
    return v->kind == JINJA_INT || v->kind == JINJA_FLOAT || v->kind == JINJA_BOOL;
}

double jinja_real(const JinjaValue *v)
{
    return v->kind == JINJA_FLOAT ? v->real : (double)v->number;
}

int jinja_truth(const JinjaValue *v)
{
    switch (v->kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return 0;
    case JINJA_BOOL:
    case JINJA_INT: return v->number != 0;
    case JINJA_FLOAT: return v->real != 0;
    case JINJA_STRING: return v->length > 0;
    case JINJA_LIST: return v->sub == LIST_ONCE || v->list->count > 0;
    case JINJA_DICT: return v->dict->count > 0;
    default: return 1;
    }
}

// ---- lists and dicts while rendering

Err jinja_list_make(JinjaRun *r, JinjaListKind kind, int64_t room, JinjaValue *out)
{
    void *list, *items = NULL;

    if (room > JINJA_LIST_MAX)
        return jinja_fail(r, "a list would have more than %d members", JINJA_LIST_MAX);
    TRY(jinja_take(r, (int64_t)sizeof(JinjaList), &list));
    if (room > 0)
        TRY(jinja_take(r, room * (int64_t)sizeof(JinjaValue), &items));
    *(JinjaList *)list = (JinjaList){.item = items, .capacity = room};
    *out = (JinjaValue){.kind = JINJA_LIST, .sub = (int)kind, .list = list};
    return OK;
}

Err jinja_list_add(JinjaRun *r, JinjaValue *v, JinjaValue item)
{
    JinjaList *l = v->list;

    if (l->count == l->capacity) {
        int64_t room = l->capacity == 0 ? 4 : 2 * l->capacity;
        void   *more;

        if (l->count >= JINJA_LIST_MAX)
            return jinja_fail(r, "a list would have more than %d members", JINJA_LIST_MAX);
        TRY(jinja_take(r, room * (int64_t)sizeof(JinjaValue), &more));
        if (l->count > 0)
            memcpy(more, l->item, (size_t)l->count * sizeof(JinjaValue));
        l->item = more;
        l->capacity = room;
    }
    l->item[l->count++] = item;
    return OK;
}

Err jinja_dict_make(JinjaRun *r, JinjaValue *out)
{
    void *d;

    TRY(jinja_take(r, (int64_t)sizeof(JinjaDict), &d));
    *out = (JinjaValue){.kind = JINJA_DICT, .dict = d};
    return OK;
}

const JinjaValue *jinja_dict_get(const JinjaDict *d, const char *key, int64_t length)
{
    for (int64_t i = 0; i < d->count; i++)
        if (d->pair[i].key.kind == JINJA_STRING &&
            jinja_is_bytes(d->pair[i].key.text, d->pair[i].key.length, key, length))
            return &d->pair[i].value;
    return NULL;
}

Err jinja_dict_find(JinjaRun *r, const JinjaDict *d, const JinjaValue *key, JinjaPair **out)
{
    *out = NULL;
    TRY(jinja_charge(r, 1 + d->count / 8));
    if (key->kind == JINJA_UNDEFINED)
        return OK;
    if (key->kind == JINJA_DICT || (key->kind == JINJA_LIST && key->sub != LIST_TUPLE))
        return jinja_fail(r, "a %s cannot be a key", jinja_kind_name(key));
    for (int64_t i = 0; i < d->count && *out == NULL; i++) {
        int is_same;

        TRY(jinja_equal(r, &d->pair[i].key, key, &is_same));
        if (is_same)
            *out = &d->pair[i];
    }
    return OK;
}

Err jinja_dict_put(JinjaRun *r, JinjaValue *v, JinjaValue key, JinjaValue value)
{
    JinjaDict *d = v->dict;
    JinjaPair *old;

    TRY(jinja_dict_find(r, d, &key, &old));
    if (old != NULL) {
        old->value = value;
        return OK;
    }
    if (d->count == d->capacity) {
        int64_t room = d->capacity == 0 ? 4 : 2 * d->capacity;
        void   *more;

        if (d->count >= JINJA_LIST_MAX)
            return jinja_fail(r, "a dict would have more than %d members", JINJA_LIST_MAX);
        TRY(jinja_take(r, room * (int64_t)sizeof(JinjaPair), &more));
        if (d->count > 0)
            memcpy(more, d->pair, (size_t)d->count * sizeof(JinjaPair));
        d->pair = more;
        d->capacity = room;
    }
    d->pair[d->count++] = (JinjaPair){key, value};
    return OK;
}

// ---- variables of the caller's

JinjaValue jinja_dict(Arena *arena)
{
    return (JinjaValue){.kind = JINJA_DICT, .dict = arena_new(arena, JinjaDict, 1)};
}

JinjaValue jinja_list(Arena *arena)
{
    return (JinjaValue){.kind = JINJA_LIST, .list = arena_new(arena, JinjaList, 1)};
}

static void put_new(Arena *arena, JinjaDict *d, JinjaValue key, JinjaValue value)
{
    if (d->count == d->capacity) {
        int64_t room = d->capacity == 0 ? 4 : 2 * d->capacity;

        d->pair = arena_grow(arena, d->pair, d->capacity * (int64_t)sizeof(JinjaPair),
                             room * (int64_t)sizeof(JinjaPair));
        d->capacity = room;
    }
    d->pair[d->count++] = (JinjaPair){key, value};
}

void jinja_put(Arena *arena, JinjaValue *dict, const char *key, JinjaValue value)
{
    for (int64_t i = 0; i < dict->dict->count; i++)
        if (jinja_is(&dict->dict->pair[i].key, key)) {
            dict->dict->pair[i].value = value;
            return;
        }
    put_new(arena, dict->dict, jinja_string(key), value);
}

void jinja_add(Arena *arena, JinjaValue *list, JinjaValue value)
{
    JinjaList *l = list->list;

    if (l->count == l->capacity) {
        int64_t room = l->capacity == 0 ? 4 : 2 * l->capacity;

        l->item = arena_grow(arena, l->item, l->capacity * (int64_t)sizeof(JinjaValue),
                             room * (int64_t)sizeof(JinjaValue));
        l->capacity = room;
    }
    l->item[l->count++] = value;
}

static Err from_number(const Json *node, JinjaValue *out)
{
    char where[JSON_WORDS];

    if (node->is_real) {
        *out = jinja_float(node->number);
        return OK;
    }
    if (node->number > 0x1p53 || node->number < -0x1p53)
        FAIL(ERR_DATA,
             "%s: expected an integer up to 2^53, found %.17g, whose last digits are lost",
             json_where(node, where, sizeof where), node->number);
    *out = jinja_int((int64_t)node->number);
    return OK;
}

Err jinja_from_json(Arena *arena, const Json *node, JinjaValue *out)
{
    JinjaValue member;

    switch (node->kind) {
    case JSON_NULL: *out = jinja_none(); return OK;
    case JSON_FALSE: *out = jinja_bool(0); return OK;
    case JSON_TRUE: *out = jinja_bool(1); return OK;
    case JSON_TEXT: *out = jinja_string_n(node->text, node->length); return OK;
    case JSON_NUMBER: return from_number(node, out);
    case JSON_ARRAY:
        *out = jinja_list(arena);
        for (const Json *m = node->child; m != NULL; m = m->next) {
            TRY(jinja_from_json(arena, m, &member));
            jinja_add(arena, out, member);
        }
        return OK;
    case JSON_OBJECT:
        *out = jinja_dict(arena);
        for (const Json *m = node->child; m != NULL; m = m->next) {
            TRY(jinja_from_json(arena, m, &member));
            put_new(arena, out->dict, jinja_string(m->key), member); // keys are unique
        }
        return OK;
    }
    return OK;
}
