// jinja_filters_list.c -- filters of lists and dicts.
#include "model/text/chat/jinja_private.h"

#include <string.h>

static int flag(const JinjaValue *v)
{
    return v != NULL && jinja_truth(v);
}

static int is_given(const JinjaValue *v)
{
    return v != NULL && v->kind != JINJA_NONE;
}

// ---- attributes by name: "a.b.0", or an index

static Err part_of(JinjaRun *r, const JinjaValue *v, const char *name, int64_t length,
                   JinjaValue *out)
{
    JinjaValue key = jinja_string_n(name, length);
    int        is_index = length > 0 && length < 10;

    for (int64_t i = 0; i < length; i++)
        is_index &= '0' <= name[i] && name[i] <= '9';
    if (is_index) {
        key = jinja_int(0);
        for (int64_t i = 0; i < length; i++)
            key.number = key.number * 10 + (name[i] - '0');
    }
    return jinja_item(r, v, &key, out);
}

// Where a part is undefined, `standard` (NULL: none) stands for it.
static Err attribute_or(JinjaRun *r, const JinjaValue *v, const JinjaValue *name,
                        const JinjaValue *standard, JinjaValue *out)
{
    int64_t begin = 0;

    *out = *v;
    if (name->kind != JINJA_STRING && name->kind != JINJA_INT)
        return jinja_fail(r, "the name of an attribute must be a text, found a %s",
                          jinja_kind_name(name));
    if (name->kind == JINJA_INT)
        TRY(jinja_item(r, v, name, out));
    for (int64_t end = 0; name->kind == JINJA_STRING && end <= name->length; end++)
        if (end == name->length || name->text[end] == '.') {
            JinjaValue whole = *out;

            TRY(part_of(r, &whole, name->text + begin, end - begin, out));
            begin = end + 1;
            if (out->kind == JINJA_UNDEFINED && standard != NULL)
                *out = *standard;
        }
    if (out->kind == JINJA_UNDEFINED && standard != NULL)
        *out = *standard;
    return OK;
}

static Err attribute(JinjaRun *r, const JinjaValue *v, const JinjaValue *name, JinjaValue *out)
{
    return attribute_or(r, v, name, NULL, out);
}

// What counts in comparisons: the attribute, texts in lower case.
static Err sort_key(JinjaRun *r, const JinjaValue *v, const JinjaValue *name, int is_cased,
                    JinjaValue *out)
{
    JinjaValue text;

    *out = *v;
    if (is_given(name))
        TRY(attribute(r, v, name, out));
    if (is_cased || out->kind != JINJA_STRING)
        return OK;
    text = *out;
    return jinja_case(r, &text, CASE_LOWER, out);
}

// ---- sorting

typedef struct Keyed {
    JinjaValue key, value;
} Keyed;

static int both_undefined(const JinjaValue *a, const JinjaValue *b)
{
    return a->kind == JINJA_UNDEFINED && b->kind == JINJA_UNDEFINED;
}

static Err merge(JinjaRun *r, Keyed *a, int64_t middle, int64_t count, Keyed *spare, int sign)
{
    int64_t i = 0, j = middle;

    for (int64_t k = 0; k < count; k++) {
        int order = 0;

        if (i < middle && j < count && !both_undefined(&a[i].key, &a[j].key))
            TRY(jinja_order(r, &a[j].key, &a[i].key, &order));
        spare[k] = i == middle || (j < count && order * sign < 0) ? a[j++] : a[i++];
    }
    memcpy(a, spare, (size_t)count * sizeof *a);
    return OK;
}

static Err merge_sort(JinjaRun *r, Keyed *a, int64_t count, Keyed *spare, int sign)
{
    if (count < 2)
        return OK;
    TRY(merge_sort(r, a, count / 2, spare, sign));
    TRY(merge_sort(r, a + count / 2, count - count / 2, spare, sign));
    return merge(r, a, count / 2, count, spare, sign);
}

static Err sort_list(JinjaRun *r, Keyed *keyed, int64_t count, int is_reverse, JinjaValue *out)
{
    void *spare;

    TRY(jinja_take(r, (count + 1) * (int64_t)sizeof(Keyed), &spare));
    TRY(merge_sort(r, keyed, count, spare, is_reverse ? -1 : 1));
    TRY(jinja_list_make(r, LIST_LIST, count, out));
    for (int64_t i = 0; i < count; i++)
        TRY(jinja_list_add(r, out, keyed[i].value));
    return OK;
}

// reverse, case_sensitive, attribute
static Err filter_sort(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    int64_t           count;
    void             *keyed;

    TRY(jinja_walk(r, v, &item, &count));
    TRY(jinja_take(r, (count + 1) * (int64_t)sizeof(Keyed), &keyed));
    for (int64_t i = 0; i < count; i++) {
        Keyed *k = (Keyed *)keyed + i;

        k->value = item[i];
        TRY(sort_key(r, &item[i], a->slot[2], flag(a->slot[1]), &k->key));
    }
    return sort_list(r, keyed, count, flag(a->slot[0]), out);
}

static Err pair_of(JinjaRun *r, const JinjaPair *pair, JinjaValue *out)
{
    TRY(jinja_list_make(r, LIST_TUPLE, 2, out));
    TRY(jinja_list_add(r, out, pair->key));
    return jinja_list_add(r, out, pair->value);
}

// case_sensitive, by, reverse
static Err filter_dictsort(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue by = a->slot[1] != NULL ? *a->slot[1] : jinja_string("key");
    void      *keyed;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind != JINJA_DICT)
        return jinja_fail(r, "dictsort takes a dict, not a %s", jinja_kind_name(v));
    if (!jinja_is(&by, "key") && !jinja_is(&by, "value"))
        return jinja_fail(r, "dictsort sorts by \"key\" or \"value\"");
    TRY(jinja_take(r, (v->dict->count + 1) * (int64_t)sizeof(Keyed), &keyed));
    for (int64_t i = 0; i < v->dict->count; i++) {
        const JinjaPair *pair = &v->dict->pair[i];
        Keyed           *k = (Keyed *)keyed + i;

        TRY(pair_of(r, pair, &k->value));
        TRY(sort_key(r, jinja_is(&by, "key") ? &pair->key : &pair->value, NULL, flag(a->slot[0]),
                     &k->key));
    }
    return sort_list(r, keyed, v->dict->count, flag(a->slot[2]), out);
}

static Err extreme(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int sign, JinjaValue *out)
{
    static const char words[] = "the list is empty";
    const JinjaValue *item;
    JinjaValue        best_key, key;
    int64_t           count;

    TRY(jinja_walk(r, v, &item, &count));
    *out = jinja_undefined(UNDEFINED_MISSING, words, sizeof words - 1);
    for (int64_t i = 0; i < count; i++) {
        int order = 0;

        TRY(sort_key(r, &item[i], a->slot[1], flag(a->slot[0]), &key));
        if (i > 0)
            TRY(jinja_order(r, &key, &best_key, &order));
        if (i > 0 && order * sign >= 0)
            continue;
        best_key = key;
        *out = item[i];
    }
    return OK;
}

static Err filter_min(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return extreme(r, v, a, 1, out);
}

static Err filter_max(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return extreme(r, v, a, -1, out);
}

// case_sensitive, attribute
static Err filter_unique(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    JinjaValue        keys, key;
    int64_t           count;

    TRY(jinja_walk(r, v, &item, &count));
    TRY(jinja_list_make(r, LIST_LIST, 0, &keys));
    TRY(jinja_list_make(r, LIST_ONCE, 0, out));
    for (int64_t i = 0; i < count; i++) {
        int is_known;

        TRY(sort_key(r, &item[i], a->slot[1], flag(a->slot[0]), &key));
        TRY(jinja_contains(r, &keys, &key, &is_known));
        if (is_known)
            continue;
        TRY(jinja_list_add(r, &keys, key));
        TRY(jinja_list_add(r, out, item[i]));
    }
    return OK;
}

// ---- walks

static Err filter_list(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    int64_t           count;

    (void)a;
    TRY(jinja_walk(r, v, &item, &count));
    TRY(jinja_list_make(r, LIST_LIST, count, out));
    for (int64_t i = 0; i < count; i++)
        TRY(jinja_list_add(r, out, item[i]));
    return OK;
}

static Err filter_items(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue pair;

    (void)a;
    TRY(jinja_list_make(r, LIST_ONCE, 0, out));
    if (v->kind == JINJA_UNDEFINED)
        return OK;
    if (v->kind != JINJA_DICT)
        return jinja_fail(r, "items takes a dict, not a %s", jinja_kind_name(v));
    for (int64_t i = 0; i < v->dict->count; i++) {
        TRY(pair_of(r, &v->dict->pair[i], &pair));
        TRY(jinja_list_add(r, out, pair));
    }
    return OK;
}

static Err end_of(JinjaRun *r, const JinjaValue *v, int is_last, JinjaValue *out)
{
    static const char words[] = "the list is empty";
    const JinjaValue *item;
    int64_t           count;

    TRY(jinja_walk(r, v, &item, &count));
    *out = count == 0 ? jinja_undefined(UNDEFINED_MISSING, words, sizeof words - 1)
                      : item[is_last ? count - 1 : 0];
    return OK;
}

static Err filter_first(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return end_of(r, v, 0, out);
}

static Err filter_last(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return end_of(r, v, 1, out);
}

static Err filter_reverse(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue  back[3] = {jinja_none(), jinja_none(), jinja_int(-1)};
    const JinjaValue *item;
    int64_t           count;

    (void)a;
    if (v->kind == JINJA_STRING)
        return jinja_slice(r, v, back, out);
    TRY(jinja_walk(r, v, &item, &count));
    TRY(jinja_list_make(r, LIST_ONCE, count, out));
    while (count-- > 0)
        TRY(jinja_list_add(r, out, item[count]));
    return OK;
}

// d, attribute
static Err filter_join(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    JinjaValue        between = jinja_string(""), member;
    JinjaBuffer       b = {0};
    int64_t           count;

    if (a->slot[0] != NULL)
        TRY(jinja_text_of(r, a->slot[0], &between));
    TRY(jinja_walk(r, v, &item, &count));
    for (int64_t i = 0; i < count; i++) {
        member = item[i];
        if (is_given(a->slot[1]))
            TRY(attribute(r, &item[i], a->slot[1], &member));
        if (i > 0)
            TRY(jinja_add_text(r, &b, between.text, between.length));
        TRY(jinja_print(r, &b, &member));
    }
    *out = jinja_buffer_value(&b);
    return jinja_charge(r, count / 4);
}

// attribute, start
static Err filter_sum(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    JinjaValue        member, sum = a->slot[1] != NULL ? *a->slot[1] : jinja_int(0);
    int64_t           count;

    TRY(jinja_walk(r, v, &item, &count));
    for (int64_t i = 0; i < count; i++) {
        member = item[i];
        if (is_given(a->slot[0]))
            TRY(attribute(r, &item[i], a->slot[0], &member));
        TRY(jinja_binary(r, '+', &sum, &member, out));
        sum = *out;
    }
    *out = sum;
    return OK;
}

// ---- map, select, reject

// These give nothing for what is false, none included.
static Err walk_if_true(JinjaRun *r, const JinjaValue *v, const JinjaValue **item, int64_t *count)
{
    *item = NULL;
    *count = 0;
    return jinja_truth(v) ? jinja_walk(r, v, item, count) : OK;
}

static const JinjaValue *named(const JinjaCall *c, const char *name)
{
    for (int64_t i = 0; i < c->names; i++)
        if (jinja_is_bytes(c->name[i], c->name_length[i], name, (int64_t)strlen(name)))
            return &c->named[i];
    return NULL;
}

// The arguments behind the first `skip`.
static JinjaCall behind(const JinjaCall *c, int64_t skip)
{
    JinjaCall rest = *c;

    if (skip > 0)
        rest.arg += skip;
    rest.count -= skip;
    return rest;
}

static Err find_row(JinjaRun *r, const char *what, const JinjaValue *name,
                    const JinjaRow *(*find)(const char *, int64_t), const JinjaRow **row)
{
    if (name->kind != JINJA_STRING)
        return jinja_fail(r, "expected the name of a %s, found a %s", what, jinja_kind_name(name));
    *row = find(name->text, name->length);
    if (*row == NULL)
        return jinja_fail(r, "there is no %s \"%.*s\" here", what,
                          (int)(name->length > 60 ? 60 : name->length), name->text);
    return OK;
}

static Err filter_map(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    const JinjaRow   *row = NULL;
    JinjaCall         rest = *a->call;
    JinjaValue        member;
    int64_t           count;

    if (named(a->call, "attribute") == NULL) {
        if (a->call->count == 0)
            return jinja_fail(r, "map takes the name of a filter, or attribute=...");
        TRY(find_row(r, "filter", &a->call->arg[0], jinja_find_filter, &row));
        rest = behind(a->call, 1);
    }
    TRY(walk_if_true(r, v, &item, &count));
    TRY(jinja_list_make(r, LIST_ONCE, count, out));
    for (int64_t i = 0; i < count; i++) {
        if (row == NULL)
            TRY(attribute_or(r, &item[i], named(a->call, "attribute"), named(a->call, "default"),
                             &member));
        else
            TRY(jinja_apply(r, "the filter", row, &item[i], &rest, &member));
        TRY(jinja_list_add(r, out, member));
    }
    return OK;
}

// Members of which the test (the argument `first`; none: truth) holds, or does not; of the
// attribute named before it where `first` is 1.
static Err pick(JinjaRun *r, const JinjaValue *v, const JinjaCall *c, int64_t first, int wanted,
                JinjaValue *out)
{
    const JinjaValue *item;
    const JinjaRow   *row = NULL;
    JinjaCall         rest = behind(c, c->count > first ? first + 1 : c->count);
    JinjaValue        asked, yes;
    int64_t           count;

    if (c->count > first)
        TRY(find_row(r, "test", &c->arg[first], jinja_find_test, &row));
    TRY(walk_if_true(r, v, &item, &count));
    TRY(jinja_list_make(r, LIST_ONCE, 0, out));
    for (int64_t i = 0; i < count; i++) {
        asked = item[i];
        if (first == 1)
            TRY(attribute(r, &item[i], &c->arg[0], &asked));
        yes = asked;
        if (row != NULL)
            TRY(jinja_apply(r, "the test", row, &asked, &rest, &yes));
        if (jinja_truth(&yes) == wanted)
            TRY(jinja_list_add(r, out, item[i]));
    }
    return OK;
}

static Err filter_select(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return pick(r, v, a->call, 0, 1, out);
}

static Err filter_reject(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return pick(r, v, a->call, 0, 0, out);
}

static Err filter_selectattr(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return pick(r, v, a->call, 1, 1, out);
}

static Err filter_rejectattr(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return pick(r, v, a->call, 1, 0, out);
}

const JinjaRow JINJA_LIST_FILTERS[] = {
    {"map", filter_map, 0, {"*"}},
    {"select", filter_select, 0, {"*"}},
    {"reject", filter_reject, 0, {"*"}},
    {"selectattr", filter_selectattr, 1, {"*"}},
    {"rejectattr", filter_rejectattr, 1, {"*"}},
    {"items", filter_items, 0, {NULL}},
    {"list", filter_list, 0, {NULL}},
    {"join", filter_join, 0, {"d", "attribute"}},
    {"first", filter_first, 0, {NULL}},
    {"last", filter_last, 0, {NULL}},
    {"reverse", filter_reverse, 0, {NULL}},
    {"sort", filter_sort, 0, {"reverse", "case_sensitive", "attribute"}},
    {"dictsort", filter_dictsort, 0, {"case_sensitive", "by", "reverse"}},
    {"unique", filter_unique, 0, {"case_sensitive", "attribute"}},
    {"min", filter_min, 0, {"case_sensitive", "attribute"}},
    {"max", filter_max, 0, {"case_sensitive", "attribute"}},
    {"sum", filter_sum, 0, {"attribute", "start"}},
    {NULL, NULL, 0, {NULL}}};
