// jinja_methods_other.c -- methods of dicts, lists and loops.
#include "model/text/chat/jinja_private.h"

#include <string.h>

static Err method_get(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaPair *pair;

    TRY(jinja_dict_find(r, v->dict, a->slot[0], &pair));
    *out = pair != NULL ? pair->value : a->slot[1] != NULL ? *a->slot[1] : jinja_none();
    return OK;
}

static Err method_items(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue pair;

    (void)a;
    TRY(jinja_list_make(r, LIST_ITEMS, v->dict->count, out));
    for (int64_t i = 0; i < v->dict->count; i++) {
        TRY(jinja_list_make(r, LIST_TUPLE, 2, &pair));
        TRY(jinja_list_add(r, &pair, v->dict->pair[i].key));
        TRY(jinja_list_add(r, &pair, v->dict->pair[i].value));
        TRY(jinja_list_add(r, out, pair));
    }
    return OK;
}

static Err method_keys(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    TRY(jinja_list_make(r, LIST_KEYS, v->dict->count, out));
    for (int64_t i = 0; i < v->dict->count; i++)
        TRY(jinja_list_add(r, out, v->dict->pair[i].key));
    return OK;
}

static Err method_values(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    TRY(jinja_list_make(r, LIST_VALUES, v->dict->count, out));
    for (int64_t i = 0; i < v->dict->count; i++)
        TRY(jinja_list_add(r, out, v->dict->pair[i].value));
    return OK;
}

// What cannot change need not be copied.
static Err method_copy(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)r;
    (void)a;
    *out = *v;
    return OK;
}

static Err method_index(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    for (int64_t i = 0; i < v->list->count; i++) {
        int yes;

        TRY(jinja_equal(r, &v->list->item[i], a->slot[0], &yes));
        *out = jinja_int(i);
        if (yes)
            return OK;
    }
    return jinja_fail(r, "index: the value is not in the list");
}

static Err method_count(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    *out = jinja_int(0);
    for (int64_t i = 0; i < v->list->count; i++) {
        int yes;

        TRY(jinja_equal(r, &v->list->item[i], a->slot[0], &yes));
        out->number += yes;
    }
    return OK;
}

static Err method_cycle(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaLoop *l = v->thing;

    if (a->call->count == 0)
        return jinja_fail(r, "loop.cycle needs values");
    *out = a->call->arg[l->index % a->call->count];
    return OK;
}

static Err method_changed(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaLoop *l = (JinjaLoop *)(uintptr_t)v->thing; // the one thing that remembers
    JinjaValue now;
    int        yes = 0;

    TRY(jinja_list_make(r, LIST_LIST, a->call->count, &now));
    for (int64_t i = 0; i < a->call->count; i++)
        TRY(jinja_list_add(r, &now, a->call->arg[i]));
    TRY(jinja_equal(r, &now, &l->changed, &yes));
    l->changed = now;
    *out = jinja_bool(!yes);
    return OK;
}

const JinjaRow JINJA_DICT_METHODS[] = {
    {"get", method_get, 1, {"key", "default"}}, {"items", method_items, 0, {NULL}},
    {"keys", method_keys, 0, {NULL}},           {"values", method_values, 0, {NULL}},
    {"copy", method_copy, 0, {NULL}},           {NULL, NULL, 0, {NULL}}};

const JinjaRow JINJA_LIST_METHODS[] = {{"index", method_index, 1, {"value"}},
                                       {"count", method_count, 1, {"value"}},
                                       {"copy", method_copy, 0, {NULL}},
                                       {NULL, NULL, 0, {NULL}}};

static const JinjaRow LOOP_METHODS[] = {{"cycle", method_cycle, 0, {"*"}},
                                        {"changed", method_changed, 0, {"*"}},
                                        {NULL, NULL, 0, {NULL}}};

const JinjaRow *jinja_find_method(const JinjaValue *self, const char *name, int64_t length)
{
    const JinjaRow *row;

    switch (self->kind) {
    case JINJA_STRING:
        row = jinja_find_row(JINJA_TEXT_METHODS, name, length);
        return row != NULL ? row : jinja_find_row(JINJA_SPLIT_METHODS, name, length);
    case JINJA_DICT: return jinja_find_row(JINJA_DICT_METHODS, name, length);
    case JINJA_LOOP: return jinja_find_row(LOOP_METHODS, name, length);
    case JINJA_LIST:
        return self->sub <= LIST_RANGE ? jinja_find_row(JINJA_LIST_METHODS, name, length) : NULL;
    default: return NULL;
    }
}
