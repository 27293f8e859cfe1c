// jinja_filters.c -- filters of single values; those of lists are in jinja_filters_list.c.
#include "model/text/chat/jinja_private.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILTERS_MAX = 64, NUMBER_BYTES = 512 };

static const JinjaValue *or_null(const JinjaValue *v)
{
    return v != NULL && v->kind != JINJA_NONE ? v : NULL;
}

static int flag(const JinjaValue *v)
{
    return v != NULL && jinja_truth(v);
}

// ---- text

static Err filter_string(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return jinja_text_of(r, v, out);
}

static Err filter_trim(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue text;

    TRY(jinja_text_of(r, v, &text));
    return jinja_strip_set(r, &text, or_null(a->slot[0]), STRIP_BEGIN | STRIP_END, out);
}

static Err cased(JinjaRun *r, const JinjaValue *v, JinjaCase how, JinjaValue *out)
{
    JinjaValue text;

    TRY(jinja_text_of(r, v, &text));
    return jinja_case(r, &text, how, out);
}

static Err filter_upper(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return cased(r, v, CASE_UPPER, out);
}

static Err filter_lower(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return cased(r, v, CASE_LOWER, out);
}

static Err filter_title(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return cased(r, v, CASE_WORDS, out);
}

static Err filter_capitalize(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return cased(r, v, CASE_CAPITAL, out);
}

static Err filter_replace(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaRow *method = jinja_find_row(JINJA_TEXT_METHODS, "replace", 7);
    JinjaArgs       texts = *a;
    JinjaValue      text, old, fresh;

    TRY(jinja_text_of(r, v, &text));
    TRY(jinja_text_of(r, a->slot[0], &old));
    TRY(jinja_text_of(r, a->slot[1], &fresh));
    texts.slot[0] = &old;
    texts.slot[1] = &fresh;
    texts.slot[2] = or_null(a->slot[2]);
    return method->run(r, &text, &texts, out);
}

static Err filter_escape(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    static const char        signs[] = "&<>'\"";
    static const char *const words[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    JinjaBuffer              b = {0};
    JinjaValue               text;

    (void)a;
    TRY(jinja_text_of(r, v, &text));
    for (int64_t at = 0; at < text.length; at++) {
        const char *sign = text.text[at] == 0 ? NULL : strchr(signs, text.text[at]);

        if (sign != NULL)
            TRY(jinja_add_words(r, &b, words[sign - signs]));
        else
            TRY(jinja_add_text(r, &b, text.text + at, 1));
    }
    *out = jinja_buffer_value(&b);
    return jinja_charge_bytes(r, text.length * 8);
}

// width, first, blank
static Err filter_indent(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    static const JinjaArgs none = {{NULL}, NULL};
    const JinjaRow        *lines = jinja_find_row(JINJA_SPLIT_METHODS, "splitlines", 10);
    JinjaValue             text, list, four = jinja_int(4), blank = jinja_string_n(" ", 1), indent;
    JinjaBuffer            b = {0};

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind != JINJA_STRING)
        return jinja_fail(r, "indent takes a text, not a %s", jinja_kind_name(v));
    TRY(jinja_add_text(r, &b, v->text, v->length));
    TRY(jinja_add_words(r, &b, "\n")); // so that an empty last line is a line
    text = jinja_buffer_value(&b);
    TRY(lines->run(r, &text, &none, &list));
    if (a->slot[0] != NULL && a->slot[0]->kind == JINJA_STRING)
        indent = *a->slot[0];
    else
        TRY(jinja_binary(r, '*', &blank, a->slot[0] != NULL ? a->slot[0] : &four, &indent));
    b = (JinjaBuffer){0};
    for (int64_t i = 0; i < list.list->count; i++) {
        const JinjaValue *line = &list.list->item[i];
        int is_indented = i == 0 ? flag(a->slot[1]) : line->length > 0 || flag(a->slot[2]);

        TRY(i > 0 ? jinja_add_words(r, &b, "\n") : OK);
        if (is_indented)
            TRY(jinja_add_text(r, &b, indent.text, indent.length));
        TRY(jinja_add_text(r, &b, line->text, line->length));
    }
    *out = jinja_buffer_value(&b);
    return OK;
}

static Err filter_wordcount(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue text;
    int64_t    count = 0;
    int        n, inside = 0;

    (void)a;
    TRY(jinja_text_of(r, v, &text));
    for (int64_t at = 0; at < text.length; at += n) {
        int32_t c = jinja_point(text.text + at, text.length - at, &n);
        int     is_word = unitext_is_letter(c) || unitext_is_digit(c) || c == '_';

        count += is_word && !inside;
        inside = is_word;
    }
    *out = jinja_int(count);
    return jinja_charge_bytes(r, text.length * 4);
}

static Err filter_format(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue text, args;

    TRY(jinja_text_of(r, v, &text));
    if (a->call->count > 0 && a->call->names > 0)
        return jinja_fail(r, "format takes arguments either by position or by name");
    if (a->call->names > 0) {
        TRY(jinja_dict_make(r, &args));
        for (int64_t i = 0; i < a->call->names; i++)
            TRY(jinja_dict_put(r, &args, jinja_string_n(a->call->name[i], a->call->name_length[i]),
                               a->call->named[i]));
        return jinja_percent(r, &text, &args, out);
    }
    TRY(jinja_list_make(r, LIST_TUPLE, 0, &args));
    for (int64_t i = 0; i < a->call->count; i++)
        TRY(jinja_list_add(r, &args, a->call->arg[i]));
    return jinja_percent(r, &text, &args, out);
}

// ---- numbers

// A number written in a text, without blanks around it and signs between digits.
static int number_words(const JinjaValue *v, char out[NUMBER_BYTES])
{
    JinjaValue text = jinja_strip(v, NULL, STRIP_BEGIN | STRIP_END);
    int        n = 0;

    for (int64_t i = 0; i < text.length && n < NUMBER_BYTES - 1; i++)
        if (text.text[i] != '_' || i == 0 || i + 1 == text.length || text.text[i - 1] == '_')
            out[n++] = text.text[i];
    out[n] = 0;
    return n > 0 && text.length < NUMBER_BYTES;
}

static int read_float(const JinjaValue *v, double *out)
{
    char words[NUMBER_BYTES], *rest;

    if (jinja_is_number(v)) {
        *out = jinja_real(v);
        return 1;
    }
    if (v->kind != JINJA_STRING || !number_words(v, words) || strpbrk(words, "xX(") != NULL)
        return 0;
    *out = strtod(words, &rest);
    return *rest == 0;
}

// 1: read; 0: no integer; -1: beyond 64 bits
static int read_int(const JinjaValue *v, int64_t base, int64_t *out)
{
    char words[NUMBER_BYTES], *rest;
    int  sign;

    if (v->kind != JINJA_STRING || !number_words(v, words) || base < 0 || base == 1 || base > 36)
        return 0;
    sign = words[0] == '-' || words[0] == '+';
    if (words[sign] == '-' || words[sign] == '+' || words[sign] == ' ')
        return 0;
    if (words[sign] == '0' && (words[sign + 1] | 0x20) == (base == 2 ? 'b' : base == 8 ? 'o' : 1)) {
        memmove(words + sign, words + sign + 2, strlen(words + sign + 2) + 1);
    } else if (base != 16 && strpbrk(words, "xX") != NULL && base < 34) {
        return 0;
    }
    *out = strtoll(words, &rest, (int)base);
    if (*rest != 0)
        return 0;
    return *out == INT64_MAX || *out == INT64_MIN ? -1 : 1;
}

static Err filter_int(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int64_t number, base;
    int     got;
    double  real;

    TRY(jinja_want_int(r, a->slot[1], "the base of int", 10, &base));
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    got = read_int(v, base, &number);
    if (v->kind == JINJA_INT || v->kind == JINJA_BOOL) {
        got = 1;
        number = v->number;
    }
    if (got == 0 && read_float(v, &real) && isfinite(real)) {
        got = fabs(real) < 0x1p63 ? 1 : -1;
        number = got == 1 ? (int64_t)real : 0;
    }
    if (got < 0)
        return jinja_fail(r, "a number leaves the 64 bits of an integer");
    *out = got == 1 ? jinja_int(number) : a->slot[0] != NULL ? *a->slot[0] : jinja_int(0);
    return OK;
}

static Err filter_float(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    double real;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (read_float(v, &real))
        *out = jinja_float(real);
    else
        *out = a->slot[0] != NULL ? *a->slot[0] : jinja_float(0);
    return OK;
}

static Err filter_abs(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue zero = jinja_int(0);

    (void)a;
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (!jinja_is_number(v))
        return jinja_fail(r, "abs takes a number, not a %s", jinja_kind_name(v));
    if (v->kind == JINJA_FLOAT) {
        *out = jinja_float(fabs(v->real));
        return OK;
    }
    return jinja_binary(r, v->number < 0 ? '-' : '+', &zero, v, out);
}

// To the nearest, halves to the even one, of what the digits say.
static double round_common(double x, int64_t precision)
{
    char   words[NUMBER_BYTES];
    double scale;

    if (!isfinite(x) || precision > 22)
        return x;
    if (precision >= 0) {
        snprintf(words, sizeof words, "%.*f", (int)precision, x);
        return strtod(words, NULL);
    }
    if (precision < -308)
        return 0;
    scale = pow(10, (double)-precision);
    return nearbyint(x / scale) * scale;
}

static Err filter_round(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue method = a->slot[1] != NULL ? *a->slot[1] : jinja_string("common");
    int64_t    precision;
    double     scale;

    TRY(jinja_want_int(r, a->slot[0], "the precision of round", 0, &precision));
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (!jinja_is_number(v))
        return jinja_fail(r, "round takes a number, not a %s", jinja_kind_name(v));
    if (jinja_is(&method, "common")) {
        *out = v->kind == JINJA_FLOAT || precision < 0
                   ? jinja_float(round_common(jinja_real(v), precision))
                   : jinja_int(v->number);
        if (v->kind != JINJA_FLOAT && precision < 0)
            *out = jinja_int((int64_t)out->real);
        return OK;
    }
    if (!jinja_is(&method, "ceil") && !jinja_is(&method, "floor"))
        return jinja_fail(r, "round knows the methods common, ceil and floor");
    scale = pow(10, (double)precision);
    *out = jinja_float(
        (jinja_is(&method, "ceil") ? ceil(jinja_real(v) * scale) : floor(jinja_real(v) * scale)) /
        scale);
    return OK;
}

// ---- any value

static Err filter_default(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)r;
    *out = *v;
    if (v->kind == JINJA_UNDEFINED || (flag(a->slot[1]) && !jinja_truth(v)))
        *out = a->slot[0] != NULL ? *a->slot[0] : jinja_string("");
    return OK;
}

static Err filter_length(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int64_t length;

    (void)a;
    TRY(jinja_length(r, v, &length));
    *out = jinja_int(length);
    return OK;
}

const JinjaRow JINJA_FILTERS[] = {
    {"tojson", jinja_to_json, 0, {"ensure_ascii", "indent", "separators", "sort_keys"}},
    {"length", filter_length, 0, {NULL}},
    {"count", filter_length, 0, {NULL}},
    {"trim", filter_trim, 0, {"chars"}},
    {"string", filter_string, 0, {NULL}},
    {"safe", filter_string, 0, {NULL}},
    {"default", filter_default, 0, {"default_value", "boolean"}},
    {"d", filter_default, 0, {"default_value", "boolean"}},
    {"upper", filter_upper, 0, {NULL}},
    {"lower", filter_lower, 0, {NULL}},
    {"title", filter_title, 0, {NULL}},
    {"capitalize", filter_capitalize, 0, {NULL}},
    {"replace", filter_replace, 2, {"old", "new", "count"}},
    {"escape", filter_escape, 0, {NULL}},
    {"e", filter_escape, 0, {NULL}},
    {"indent", filter_indent, 0, {"width", "first", "blank"}},
    {"wordcount", filter_wordcount, 0, {NULL}},
    {"format", filter_format, 0, {"*"}},
    {"int", filter_int, 0, {"default", "base"}},
    {"float", filter_float, 0, {"default"}},
    {"abs", filter_abs, 0, {NULL}},
    {"round", filter_round, 0, {"precision", "method"}},
    {NULL, NULL, 0, {NULL}}};

const JinjaRow *jinja_find_filter(const char *name, int64_t length)
{
    const JinjaRow *row = jinja_find_row(JINJA_FILTERS, name, length);

    return row != NULL ? row : jinja_find_row(JINJA_LIST_FILTERS, name, length);
}

const char *jinja_near_filter(const char *name)
{
    const char *names[FILTERS_MAX];
    int         count = 0;

    for (const JinjaRow *row = JINJA_FILTERS; row->name != NULL && count < FILTERS_MAX; row++)
        names[count++] = row->name;
    for (const JinjaRow *row = JINJA_LIST_FILTERS; row->name != NULL && count < FILTERS_MAX; row++)
        names[count++] = row->name;
    return text_nearest(name, names, count);
}
