// jinja_json.c -- the filter tojson: as Python's json.dumps writes it, other characters kept.
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT_MAX = 64 };

typedef struct Dump {
    JinjaRun   *r;
    JinjaBuffer out;
    int         is_ascii, is_sorted;
    JinjaValue  indent; // a string, or none
    JinjaValue  comma, colon;
    int         level;
} Dump;

static Err dump_value(Dump *d, const JinjaValue *v);

static Err dump_char(Dump *d, const char *at, int bytes, int32_t c)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char       *known = c > 0 && c < 0x80 ? strchr(from, c) : NULL;
    char              words[16];

    if (known != NULL)
        snprintf(words, sizeof words, "\\%c", to[known - from]);
    else if (c >= 0 && (c < 0x20 || (d->is_ascii && 0x7F <= c && c < 0x10000)))
        snprintf(words, sizeof words, "\\u%04x", (unsigned)c);
    else if (d->is_ascii && c >= 0x10000)
        snprintf(words, sizeof words, "\\u%04x\\u%04x", 0xD7C0 + ((unsigned)c >> 10),
                 0xDC00 + ((unsigned)c & 0x3FF));
    else
        return jinja_add_text(d->r, &d->out, at, bytes);
    return jinja_add_words(d->r, &d->out, words);
}

static Err dump_text(Dump *d, const char *text, int64_t length)
{
    int n;

    TRY(jinja_add_words(d->r, &d->out, "\""));
    for (int64_t at = 0; at < length; at += n) {
        int64_t plain = at; // most characters stand for themselves: together

        while (plain < length && (unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
               text[plain] != '\\' && (!d->is_ascii || (unsigned char)text[plain] < 0x7F))
            plain++;
        n = (int)(plain - at);
        if (n > 0) {
            TRY(jinja_add_text(d->r, &d->out, text + at, n));
            continue;
        }
        int32_t c = jinja_point(text + at, length - at, &n);

        TRY(jinja_charge(d->r, 1)); // they double each time: a loop makes many
        TRY(dump_char(d, text + at, n, c));
    }
    return jinja_add_words(d->r, &d->out, "\"");
}

static Err dump_line(Dump *d)
{
    if (d->indent.kind != JINJA_STRING)
        return OK;
    TRY(jinja_add_words(d->r, &d->out, "\n"));
    for (int i = 0; i < d->level; i++)
        TRY(jinja_add_text(d->r, &d->out, d->indent.text, d->indent.length));
    return OK;
}

static Err dump_comma(Dump *d, int64_t i)
{
    if (i > 0)
        TRY(jinja_add_text(d->r, &d->out, d->comma.text, d->comma.length));
    return dump_line(d);
}

static Err dump_list(Dump *d, const JinjaList *l)
{
    TRY(jinja_add_words(d->r, &d->out, "["));
    d->level++;
    for (int64_t i = 0; i < l->count; i++) {
        TRY(dump_comma(d, i));
        TRY(dump_value(d, &l->item[i]));
    }
    d->level--;
    if (l->count > 0)
        TRY(dump_line(d));
    return jinja_add_words(d->r, &d->out, "]");
}

static Err dump_key(Dump *d, const JinjaValue *key)
{
    JinjaValue text;

    if (key->kind == JINJA_STRING)
        return dump_text(d, key->text, key->length);
    if (key->kind == JINJA_LIST || key->kind == JINJA_DICT)
        return jinja_fail(d->r, "a %s cannot be a key in JSON", jinja_kind_name(key));
    if (key->kind == JINJA_BOOL)
        return jinja_add_words(d->r, &d->out, key->number ? "\"true\"" : "\"false\"");
    if (key->kind == JINJA_NONE)
        return jinja_add_words(d->r, &d->out, "\"null\"");
    TRY(jinja_text_of(d->r, key, &text));
    return dump_text(d, text.text, text.length);
}

static int by_key(const void *a, const void *b)
{
    const JinjaValue *x = &((const JinjaPair *)a)->key, *y = &((const JinjaPair *)b)->key;
    int64_t           n = x->length < y->length ? x->length : y->length;
    int               order = n > 0 ? memcmp(x->text, y->text, (size_t)n) : 0;

    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static Err sorted_pairs(Dump *d, const JinjaDict *dict, const JinjaPair **out)
{
    void *copy;

    *out = dict->pair;
    if (!d->is_sorted || dict->count < 2)
        return OK;
    for (int64_t i = 0; i < dict->count; i++)
        if (dict->pair[i].key.kind != JINJA_STRING)
            return jinja_fail(d->r, "keys can be sorted where all are texts");
    TRY(jinja_take(d->r, dict->count * (int64_t)sizeof(JinjaPair), &copy));
    memcpy(copy, dict->pair, (size_t)dict->count * sizeof(JinjaPair));
    qsort(copy, (size_t)dict->count, sizeof(JinjaPair), by_key);
    *out = copy;
    return OK;
}

static Err dump_dict(Dump *d, const JinjaDict *dict)
{
    const JinjaPair *pair;

    TRY(sorted_pairs(d, dict, &pair));
    TRY(jinja_add_words(d->r, &d->out, "{"));
    d->level++;
    for (int64_t i = 0; i < dict->count; i++) {
        TRY(dump_comma(d, i));
        TRY(dump_key(d, &pair[i].key));
        TRY(jinja_add_text(d->r, &d->out, d->colon.text, d->colon.length));
        TRY(dump_value(d, &pair[i].value));
    }
    d->level--;
    if (dict->count > 0)
        TRY(dump_line(d));
    return jinja_add_words(d->r, &d->out, "}");
}

static Err dump_nested(Dump *d, const JinjaValue *v)
{
    Err e;

    TRY(jinja_enter(d->r));
    e = v->kind == JINJA_DICT ? dump_dict(d, v->dict) : dump_list(d, v->list);
    d->r->depth--;
    return e;
}

static Err dump_value(Dump *d, const JinjaValue *v)
{
    TRY(jinja_charge(d->r, 1));
    switch (v->kind) {
    case JINJA_NONE: return jinja_add_words(d->r, &d->out, "null");
    case JINJA_BOOL: return jinja_add_words(d->r, &d->out, v->number ? "true" : "false");
    case JINJA_STRING: return dump_text(d, v->text, v->length);
    case JINJA_FLOAT:
        if (isnan(v->real) || isinf(v->real))
            return jinja_add_words(d->r, &d->out,
                                   isnan(v->real) ? "NaN"
                                   : v->real > 0  ? "Infinity"
                                                  : "-Infinity");
        return jinja_repr(d->r, &d->out, v);
    case JINJA_INT: return jinja_repr(d->r, &d->out, v);
    case JINJA_DICT: return dump_nested(d, v);
    case JINJA_LIST:
        if (v->sub == LIST_LIST || v->sub == LIST_TUPLE)
            return dump_nested(d, v);
        break;
    case JINJA_UNDEFINED: return jinja_fail_undefined(d->r, v);
    default: break;
    }
    return jinja_fail(d->r, "a %s cannot be written as JSON", jinja_kind_name(v));
}

static Err read_indent(Dump *d, const JinjaValue *v)
{
    static const char blanks[INDENT_MAX + 1] =
        "                                                                ";

    if (v == NULL || v->kind == JINJA_NONE)
        return OK;
    if (v->kind == JINJA_STRING) {
        d->indent = *v;
        return OK;
    }
    if (v->kind != JINJA_INT && v->kind != JINJA_BOOL)
        return jinja_fail(d->r, "tojson: the indent must be a number or a text");
    if (v->number > INDENT_MAX)
        return jinja_fail(d->r, "tojson: expected an indent of at most %d", INDENT_MAX);
    d->indent = jinja_string_n(blanks, v->number > 0 ? v->number : 0);
    return OK;
}

static Err read_separators(Dump *d, const JinjaValue *v)
{
    d->comma = jinja_string(d->indent.kind == JINJA_STRING ? "," : ", ");
    d->colon = jinja_string(": ");
    if (v == NULL || v->kind == JINJA_NONE)
        return OK;
    if (v->kind != JINJA_LIST || v->list->count != 2 || v->list->item[0].kind != JINJA_STRING ||
        v->list->item[1].kind != JINJA_STRING)
        return jinja_fail(d->r, "tojson: the separators must be two texts");
    d->comma = v->list->item[0];
    d->colon = v->list->item[1];
    return OK;
}

// Parameters: ensure_ascii, indent, separators, sort_keys.
Err jinja_to_json(JinjaRun *r, const JinjaValue *in, const JinjaArgs *a, JinjaValue *out)
{
    Dump d = {.r = r,
              .is_ascii = a->slot[0] != NULL && jinja_truth(a->slot[0]),
              .is_sorted = a->slot[3] != NULL && jinja_truth(a->slot[3])};

    TRY(read_indent(&d, a->slot[1]));
    TRY(read_separators(&d, a->slot[2]));
    TRY(dump_value(&d, in));
    *out = jinja_buffer_value(&d.out);
    return OK;
}
