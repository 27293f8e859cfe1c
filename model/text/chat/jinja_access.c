// jinja_access.c -- what values hold and how they compare: as in Python.
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- equality and order

static int compare_numbers(const JinjaValue *a, const JinjaValue *b)
{
    if (a->kind != JINJA_FLOAT && b->kind != JINJA_FLOAT)
        return (a->number > b->number) - (a->number < b->number);
    return (jinja_real(a) > jinja_real(b)) - (jinja_real(a) < jinja_real(b));
}

static Err equal_lists(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *yes)
{
    *yes = 0;
    if (a->sub != b->sub || (a->sub != LIST_LIST && a->sub != LIST_TUPLE && a->sub != LIST_RANGE)) {
        *yes = a->list == b->list;
        return OK;
    }
    if (a->list->count != b->list->count)
        return OK;
    for (int64_t i = 0; i < a->list->count; i++) {
        TRY(jinja_equal(r, &a->list->item[i], &b->list->item[i], yes));
        if (!*yes)
            return OK;
    }
    *yes = 1;
    return OK;
}

static Err equal_dicts(JinjaRun *r, const JinjaDict *a, const JinjaDict *b, int *yes)
{
    *yes = 0;
    if (a->count != b->count)
        return OK;
    for (int64_t i = 0; i < a->count; i++) {
        JinjaPair *other;

        TRY(jinja_dict_find(r, b, &a->pair[i].key, &other));
        if (other == NULL)
            return OK;
        TRY(jinja_equal(r, &a->pair[i].value, &other->value, yes));
        if (!*yes)
            return OK;
    }
    *yes = 1;
    return OK;
}

Err jinja_equal(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *yes)
{
    Err e = OK;

    TRY(jinja_charge(r, 1));
    *yes = 0;
    if (jinja_is_number(a) && jinja_is_number(b)) {
        *yes = a->kind == JINJA_FLOAT || b->kind == JINJA_FLOAT ? jinja_real(a) == jinja_real(b)
                                                                : a->number == b->number;
        return OK;
    }
    if (a->kind != b->kind)
        return OK;
    switch (a->kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: *yes = 1; return OK;
    case JINJA_STRING:
        *yes = jinja_is_bytes(a->text, a->length, b->text, b->length);
        return a->length == b->length ? jinja_charge_bytes(r, a->length) : OK;
    case JINJA_FUNCTION: *yes = a->number == b->number; return OK;
    case JINJA_LIST:
    case JINJA_DICT:
        TRY(jinja_enter(r));
        e = a->kind == JINJA_LIST ? equal_lists(r, a, b, yes)
                                  : equal_dicts(r, a->dict, b->dict, yes);
        r->depth--;
        return e;
    default: *yes = a->thing == b->thing; return OK;
    }
}

static int order_bytes(const JinjaValue *a, const JinjaValue *b)
{
    int64_t n = a->length < b->length ? a->length : b->length;
    int     order = n > 0 ? memcmp(a->text, b->text, (size_t)n) : 0;

    if (order == 0)
        return (a->length > b->length) - (a->length < b->length);
    return order > 0 ? 1 : -1;
}

static Err order_lists(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *order)
{
    for (int64_t i = 0; i < a->list->count && i < b->list->count; i++) {
        int is_same;

        TRY(jinja_equal(r, &a->list->item[i], &b->list->item[i], &is_same));
        if (!is_same)
            return jinja_order(r, &a->list->item[i], &b->list->item[i], order);
    }
    *order = (a->list->count > b->list->count) - (a->list->count < b->list->count);
    return OK;
}

Err jinja_order(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *order)
{
    Err e;

    TRY(jinja_charge(r, 1));
    if (jinja_is_number(a) && jinja_is_number(b)) {
        *order = compare_numbers(a, b);
        return OK;
    }
    if (a->kind == JINJA_STRING && b->kind == JINJA_STRING) {
        *order = order_bytes(a, b); // of UTF-8 is that of the characters
        return jinja_charge_bytes(r, a->length < b->length ? a->length : b->length);
    }
    if (a->kind == JINJA_LIST && b->kind == JINJA_LIST && a->sub == b->sub &&
        (a->sub == LIST_LIST || a->sub == LIST_TUPLE)) {
        TRY(jinja_enter(r));
        e = order_lists(r, a, b, order);
        r->depth--;
        return e;
    }
    if (a->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, a);
    if (b->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, b);
    return jinja_fail(r, "%s and %s have no order", jinja_kind_name(a), jinja_kind_name(b));
}

Err jinja_contains(JinjaRun *r, const JinjaValue *whole, const JinjaValue *part, int *yes)
{
    const JinjaValue *item;
    int64_t           count;
    JinjaPair        *pair;

    *yes = 0;
    if (whole->kind == JINJA_STRING) {
        if (part->kind == JINJA_UNDEFINED)
            return jinja_fail_undefined(r, part);
        if (part->kind != JINJA_STRING)
            return jinja_fail(r, "a text can only hold a text, not a %s", jinja_kind_name(part));
        TRY(jinja_charge_bytes(r, whole->length));
        *yes = jinja_find(whole->text, whole->length, part->text, part->length) >= 0;
        return OK;
    }
    if (whole->kind == JINJA_DICT) {
        TRY(jinja_dict_find(r, whole->dict, part, &pair));
        *yes = pair != NULL;
        return OK;
    }
    TRY(jinja_walk(r, whole, &item, &count));
    for (int64_t i = 0; i < count && !*yes; i++)
        TRY(jinja_equal(r, &item[i], part, yes));
    return OK;
}

// ---- walking

static Err walk_text(JinjaRun *r, const JinjaValue *v, JinjaValue *list)
{
    TRY(jinja_list_make(r, LIST_LIST, jinja_points(v->text, v->length), list));
    for (int64_t at = 0; at < v->length;) {
        int n = jinja_point_bytes(v->text + at, v->length - at);

        TRY(jinja_list_add(r, list, jinja_string_n(v->text + at, n)));
        at += n;
    }
    return OK;
}

static Err walk_keys(JinjaRun *r, const JinjaDict *d, JinjaValue *list)
{
    TRY(jinja_list_make(r, LIST_LIST, d->count, list));
    for (int64_t i = 0; i < d->count; i++)
        TRY(jinja_list_add(r, list, d->pair[i].key));
    return OK;
}

Err jinja_walk(JinjaRun *r, const JinjaValue *v, const JinjaValue **item, int64_t *count)
{
    JinjaValue list = *v;

    *item = NULL;
    *count = 0;
    if (v->kind == JINJA_UNDEFINED)
        return v->sub == UNDEFINED_UNSAFE ? jinja_fail_undefined(r, v) : OK;
    if (v->kind == JINJA_STRING)
        TRY(walk_text(r, v, &list));
    else if (v->kind == JINJA_DICT)
        TRY(walk_keys(r, v->dict, &list));
    else if (v->kind != JINJA_LIST)
        return jinja_fail(r, "a %s cannot be walked through", jinja_kind_name(v));
    *item = list.list->item;
    *count = list.list->count;
    if (v->kind == JINJA_LIST && v->sub == LIST_ONCE)
        v->list->count = v->list->capacity = 0;
    return jinja_charge(r, 1 + *count / 16);
}

Err jinja_length(JinjaRun *r, const JinjaValue *v, int64_t *out)
{
    *out = 0;
    if (v->kind == JINJA_UNDEFINED)
        return v->sub == UNDEFINED_UNSAFE ? jinja_fail_undefined(r, v) : OK;
    if (v->kind == JINJA_STRING) {
        *out = jinja_points(v->text, v->length);
        return jinja_charge_bytes(r, v->length);
    }
    if (v->kind == JINJA_DICT)
        *out = v->dict->count;
    else if (v->kind == JINJA_LIST && v->sub != LIST_ONCE)
        *out = v->list->count;
    else
        return jinja_fail(r, "a %s has no length%s", jinja_kind_name(v),
                          v->kind == JINJA_LIST ? "; the filter list gives it one" : "");
    return OK;
}

// ---- attributes and items

static Err loop_attr(JinjaRun *r, const JinjaValue *v, const char *name, int64_t length,
                     JinjaValue *out)
{
    const JinjaLoop *l = v->thing;
    JinjaValue       word = jinja_string_n(name, length);
    int64_t          i = l->index;

    (void)r;
    if (jinja_is(&word, "index"))
        *out = jinja_int(i + 1);
    else if (jinja_is(&word, "index0"))
        *out = jinja_int(i);
    else if (jinja_is(&word, "revindex"))
        *out = jinja_int(l->count - i);
    else if (jinja_is(&word, "revindex0"))
        *out = jinja_int(l->count - i - 1);
    else if (jinja_is(&word, "first"))
        *out = jinja_bool(i == 0);
    else if (jinja_is(&word, "last"))
        *out = jinja_bool(i == l->count - 1);
    else if (jinja_is(&word, "length"))
        *out = jinja_int(l->count);
    else if (jinja_is(&word, "depth"))
        *out = jinja_int(1); // loops in loops count from 1 again: only recursion is deeper
    else if (jinja_is(&word, "depth0"))
        *out = jinja_int(0);
    else if (jinja_is(&word, "previtem") && i > 0)
        *out = l->item[i - 1];
    else if (jinja_is(&word, "nextitem") && i + 1 < l->count)
        *out = l->item[i + 1];
    else if (jinja_is(&word, "previtem"))
        *out = jinja_undefined(UNDEFINED_MISSING, "there is no previous item", 25);
    else if (jinja_is(&word, "nextitem"))
        *out = jinja_undefined(UNDEFINED_MISSING, "there is no next item", 21);
    else
        *out = jinja_undefined(UNDEFINED_ATTR + JINJA_LOOP, name, length);
    return OK;
}

static int is_changing(const JinjaValue *v, const char *name, int64_t length)
{
    static const char *const lists[] = {"append", "clear",  "extend",  "insert",
                                        "pop",    "remove", "reverse", "sort"};
    static const char *const dicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
    const char *const       *names = v->kind == JINJA_DICT ? dicts : lists;
    int                      count = v->kind == JINJA_DICT ? 5 : 8;

    if (v->kind != JINJA_DICT && !(v->kind == JINJA_LIST && v->sub == LIST_LIST))
        return 0;
    for (int i = 0; i < count; i++)
        if (jinja_is_bytes(name, length, names[i], (int64_t)strlen(names[i])))
            return 1;
    return 0;
}

static Err method_of(JinjaRun *r, const JinjaValue *v, const char *name, int64_t length,
                     JinjaValue *out)
{
    const JinjaRow *row = jinja_find_method(v, name, length);
    void           *method;

    if (row == NULL) {
        *out = is_changing(v, name, length)
                   ? jinja_undefined(UNDEFINED_UNSAFE, name, length)
                   : jinja_undefined(UNDEFINED_ATTR + (int)v->kind, name, length);
        return OK;
    }
    TRY(jinja_take(r, (int64_t)sizeof(JinjaMethod), &method));
    *(JinjaMethod *)method = (JinjaMethod){*v, row};
    *out = (JinjaValue){.kind = JINJA_METHOD, .thing = method};
    return OK;
}

// Methods come first, then keys: {"items": 1}.items is the method.
Err jinja_attr(JinjaRun *r, const JinjaValue *v, const char *name, int64_t length, JinjaValue *out)
{
    const JinjaValue *found = NULL;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind == JINJA_LOOP && !jinja_find_method(v, name, length))
        return loop_attr(r, v, name, length, out);
    if (v->kind == JINJA_NAMESPACE) {
        found = jinja_dict_get(v->dict, name, length);
        *out = found != NULL ? *found
                             : jinja_undefined(UNDEFINED_ATTR + JINJA_NAMESPACE, name, length);
        return OK;
    }
    TRY(method_of(r, v, name, length, out));
    if (v->kind == JINJA_DICT && out->kind == JINJA_UNDEFINED && out->sub != UNDEFINED_UNSAFE) {
        TRY(jinja_charge(r, 1 + v->dict->count / 8));
        found = jinja_dict_get(v->dict, name, length);
    }
    if (found != NULL)
        *out = *found;
    return OK;
}

static Err missing_item(JinjaRun *r, int64_t index, JinjaValue *out)
{
    void *words;

    TRY(jinja_take(r, 24, &words));
    snprintf(words, 24, "%" PRId64, index);
    *out = jinja_undefined(UNDEFINED_ITEM, words, (int64_t)strlen(words));
    return OK;
}

static Err item_at(JinjaRun *r, const JinjaValue *v, int64_t index, JinjaValue *out)
{
    int64_t count, at = index;

    TRY(jinja_length(r, v, &count));
    if (at < 0)
        at += count;
    if (at < 0 || at >= count)
        return missing_item(r, index, out);
    if (v->kind == JINJA_LIST) {
        *out = v->list->item[at];
        return OK;
    }
    at = jinja_point_at(v->text, v->length, at);
    *out = jinja_string_n(v->text + at, jinja_point_bytes(v->text + at, v->length - at));
    return jinja_charge_bytes(r, 4 * at);
}

static int has_index(const JinjaValue *v)
{
    return v->kind == JINJA_STRING ||
           (v->kind == JINJA_LIST &&
            (v->sub == LIST_LIST || v->sub == LIST_TUPLE || v->sub == LIST_RANGE));
}

Err jinja_item(JinjaRun *r, const JinjaValue *v, const JinjaValue *key, JinjaValue *out)
{
    JinjaPair *pair = NULL;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind == JINJA_DICT) {
        TRY(jinja_dict_find(r, v->dict, key, &pair));
        if (pair != NULL) {
            *out = pair->value;
            return OK;
        }
    }
    if (has_index(v) && (key->kind == JINJA_INT || key->kind == JINJA_BOOL))
        return item_at(r, v, key->number, out);
    if (key->kind == JINJA_STRING && v->kind == JINJA_DICT)
        return method_of(r, v, key->text, key->length, out);
    if (key->kind == JINJA_STRING)
        return jinja_attr(r, v, key->text, key->length, out);
    TRY(jinja_text_of(r, key, out));
    *out = jinja_undefined(UNDEFINED_ATTR + (int)v->kind, out->text, out->length);
    return OK;
}

// One bound of a slice, into 0..count (or -1..count-1 for steps back).
static Err slice_bound(JinjaRun *r, const JinjaValue *v, int64_t count, int64_t standard,
                       int is_back, int64_t *out)
{
    *out = standard;
    if (v->kind == JINJA_NONE)
        return OK;
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind != JINJA_INT && v->kind != JINJA_BOOL)
        return jinja_fail(r, "the bounds of a slice must be integers, found a %s",
                          jinja_kind_name(v));
    *out = v->number;
    if (*out < 0)
        *out = *out < -count ? (is_back ? -1 : 0) : *out + count;
    if (*out >= count)
        *out = is_back ? count - 1 : count;
    return OK;
}

static Err slice_text(JinjaRun *r, const JinjaValue *v, const int64_t s[3], JinjaValue *out)
{
    JinjaBuffer b = {0};

    if (s[2] == 1) { // a piece of the same bytes
        int64_t begin = jinja_point_at(v->text, v->length, s[0]);
        int64_t end = s[1] > s[0] ? jinja_point_at(v->text, v->length, s[1]) : begin;

        *out = jinja_string_n(v->text + begin, end - begin);
        return OK;
    }
    JinjaValue list;

    TRY(walk_text(r, v, &list));
    for (int64_t i = s[0]; s[2] > 0 ? i < s[1] : i > s[1]; i += s[2])
        TRY(jinja_add_text(r, &b, list.list->item[i].text, list.list->item[i].length));
    *out = jinja_buffer_value(&b);
    return OK;
}

// What a part of a range prints; numbers beyond 64 bits wrap, they are not among its members.
static void range_part(const JinjaList *l, const int64_t s[3], JinjaList *out)
{
    uint64_t start = (uint64_t)l->start, step = (uint64_t)l->step;

    out->start = (int64_t)(start + (uint64_t)s[0] * step);
    out->stop = (int64_t)(start + (uint64_t)s[1] * step);
    out->step = (int64_t)((uint64_t)s[2] * step);
}

Err jinja_slice(JinjaRun *r, const JinjaValue *v, const JinjaValue bound[3], JinjaValue *out)
{
    int64_t count, s[3];
    int     is_back;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (!has_index(v))
        return jinja_fail(r, "a %s cannot be sliced%s", jinja_kind_name(v),
                          v->kind == JINJA_LIST ? "; the filter list makes it a list" : "");
    TRY(jinja_length(r, v, &count));
    if (bound[2].kind == JINJA_INT && bound[2].number == 0)
        return jinja_fail(r, "the step of a slice is 0");
    is_back = bound[2].kind == JINJA_INT && bound[2].number < 0;
    s[2] = 1;
    if (bound[2].kind == JINJA_INT) // further than the end is the end
        s[2] = bound[2].number > count    ? count + 1
               : bound[2].number < -count ? -count - 1
                                          : bound[2].number;
    else if (bound[2].kind != JINJA_NONE)
        return jinja_fail(r, "the step of a slice must be an integer");
    TRY(slice_bound(r, &bound[0], count, is_back ? count - 1 : 0, is_back, &s[0]));
    TRY(slice_bound(r, &bound[1], count, is_back ? -1 : count, is_back, &s[1]));
    if (v->kind == JINJA_STRING)
        return slice_text(r, v, s, out);
    TRY(jinja_list_make(r, (JinjaListKind)v->sub, 0, out));
    range_part(v->list, s, out->list);
    for (int64_t i = s[0]; s[2] > 0 ? i < s[1] : i > s[1]; i += s[2])
        TRY(jinja_list_add(r, out, v->list->item[i]));
    return OK;
}
