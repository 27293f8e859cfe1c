// jinja_format.c -- texts put together: "%s" % x, "{}".format(x), strftime.
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WIDTH_MAX = 400, FIELD_BYTES = 1200 }; // 309 digits, a point, and WIDTH_MAX digits

typedef struct Percent {
    JinjaRun         *r;
    const JinjaValue *args;
    int64_t           next; // of a tuple's members
    const char       *at, *end;
    char              flags[8];
    int               width, precision; // -1: none
} Percent;

// ---- "..." % values

static Err next_value(Percent *p, const JinjaValue **out)
{
    int     is_tuple = p->args->kind == JINJA_LIST && p->args->sub == LIST_TUPLE;
    int64_t count = is_tuple ? p->args->list->count : 1;

    if (p->next >= count)
        return jinja_fail(p->r, "the text has more places than there are values for it");
    *out = is_tuple ? &p->args->list->item[p->next] : p->args;
    p->next++;
    return OK;
}

// %(name)s
static Err value_by_name(Percent *p, const JinjaValue **out)
{
    const char *begin = ++p->at;

    while (p->at < p->end && *p->at != ')')
        p->at++;
    if (p->at == p->end)
        return jinja_fail(p->r, "expected ')' after a name in a format");
    if (p->args->kind != JINJA_DICT)
        return jinja_fail(p->r, "a format with names needs a dict");
    *out = jinja_dict_get(p->args->dict, begin, p->at - begin);
    if (*out == NULL)
        return jinja_fail(p->r, "the format names \"%.*s\", which the dict has not",
                          (int)(p->at - begin > 60 ? 60 : p->at - begin), begin);
    p->at++;
    return OK;
}

static Err read_number(Percent *p, int *out)
{
    const JinjaValue *v = NULL;

    if (p->at < p->end && *p->at == '*') {
        p->at++;
        TRY(next_value(p, &v));
        if (v->kind != JINJA_INT || v->number < 0 || v->number > WIDTH_MAX)
            return jinja_fail(p->r, "a width must be an integer from 0 to %d", WIDTH_MAX);
        *out = (int)v->number;
        return OK;
    }
    for (*out = 0; p->at < p->end && '0' <= *p->at && *p->at <= '9'; p->at++) {
        *out = *out * 10 + (*p->at - '0');
        if (*out > WIDTH_MAX)
            return jinja_fail(p->r, "a width of more than %d", WIDTH_MAX);
    }
    return OK;
}

static Err read_place(Percent *p)
{
    int n = 0;

    while (p->at < p->end && *p->at != 0 && strchr("#0- +", *p->at) != NULL) {
        if (n < (int)sizeof p->flags - 1 && strchr(p->flags, *p->at) == NULL) {
            p->flags[n++] = *p->at;
            p->flags[n] = 0;
        }
        p->at++;
    }
    TRY(read_number(p, &p->width));
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        TRY(read_number(p, &p->precision));
    }
    while (p->at < p->end && (*p->at == 'l' || *p->at == 'h' || *p->at == 'L'))
        p->at++;
    if (p->at == p->end)
        return jinja_fail(p->r, "the format ends after %%");
    return OK;
}

static Err put_padded(Percent *p, JinjaBuffer *b, JinjaValue text)
{
    int64_t missing;

    if (p->precision >= 0)
        text.length = jinja_point_at(text.text, text.length, p->precision);
    missing = p->width - jinja_points(text.text, text.length);
    if (strchr(p->flags, '-') != NULL)
        TRY(jinja_add_text(p->r, b, text.text, text.length));
    for (; missing > 0; missing--)
        TRY(jinja_add_words(p->r, b, " "));
    if (strchr(p->flags, '-') == NULL)
        TRY(jinja_add_text(p->r, b, text.text, text.length));
    return OK;
}

static Err put_words(Percent *p, JinjaBuffer *b, const JinjaValue *v, char kind)
{
    JinjaBuffer quoted = {0};
    JinjaValue  text;

    if (kind == 's') {
        TRY(jinja_text_of(p->r, v, &text));
        return put_padded(p, b, text);
    }
    TRY(jinja_repr(p->r, &quoted, v));
    return put_padded(p, b, jinja_buffer_value(&quoted));
}

static Err put_number(Percent *p, JinjaBuffer *b, const JinjaValue *v, char kind)
{
    char    format[32], words[FIELD_BYTES];
    int     is_real = strchr("eEfFgG", kind) != NULL;
    int64_t whole = v->kind == JINJA_FLOAT ? 0 : v->number;

    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(p->r, v);
    if (!jinja_is_number(v) || (v->kind == JINJA_FLOAT && strchr("xXo", kind) != NULL))
        return jinja_fail(p->r, "%%%c takes a number, not a %s", kind, jinja_kind_name(v));
    if (!is_real && v->kind == JINJA_FLOAT) {
        if (!(fabs(v->real) < 0x1p63))
            return jinja_fail(p->r, "a number leaves the 64 bits of an integer");
        whole = (int64_t)v->real;
    }
    if (whole < 0 && strchr("xXo", kind) != NULL)
        return jinja_fail(p->r, "%%%c of a number below 0", kind);
    snprintf(format, sizeof format, "%%%s*%s%s%c", p->flags, p->precision < 0 ? "" : ".*",
             is_real ? "" : "l", kind == 'i' || kind == 'u' ? 'd' : kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (is_real && p->precision < 0)
        snprintf(words, sizeof words, format, p->width, jinja_real(v));
    else if (is_real)
        snprintf(words, sizeof words, format, p->width, p->precision, jinja_real(v));
    else if (p->precision < 0)
        snprintf(words, sizeof words, format, p->width, (long)whole);
    else
        snprintf(words, sizeof words, format, p->width, p->precision, (long)whole);
#pragma GCC diagnostic pop
    return jinja_add_words(p->r, b, words);
}

static Err put_place(Percent *p, JinjaBuffer *b)
{
    const JinjaValue *v = NULL;
    char              kind;

    p->flags[0] = 0;
    p->width = 0;
    p->precision = -1;
    p->at++; // the %
    if (p->at < p->end && *p->at == '(')
        TRY(value_by_name(p, &v));
    TRY(read_place(p));
    kind = *p->at++;
    if (kind == '%')
        return jinja_add_words(p->r, b, "%");
    if (kind == 0 || strchr("sradiuxXoeEfFgG", kind) == NULL)
        return jinja_fail(p->r, "there is no %%%c in formats here", kind);
    if (v == NULL)
        TRY(next_value(p, &v));
    if (strchr("sra", kind) != NULL)
        return put_words(p, b, v, kind);
    return put_number(p, b, v, kind);
}

Err jinja_percent(JinjaRun *r, const JinjaValue *format, const JinjaValue *args, JinjaValue *out)
{
    Percent p = {.r = r, .args = args, .at = format->text, .end = format->text + format->length};
    JinjaBuffer b = {0};
    int         is_tuple = args->kind == JINJA_LIST && args->sub == LIST_TUPLE;

    while (p.at < p.end) {
        const char *sign = memchr(p.at, '%', (size_t)(p.end - p.at)), *to = sign ? sign : p.end;

        TRY(jinja_add_text(r, &b, p.at, to - p.at));
        p.at = to;
        if (sign != NULL)
            TRY(put_place(&p, &b));
        TRY(jinja_charge(r, 1));
    }
    if (p.next < (is_tuple ? args->list->count : 1) && args->kind != JINJA_DICT &&
        args->kind != JINJA_UNDEFINED && !(args->kind == JINJA_LIST && !is_tuple))
        return jinja_fail(r, "there are more values than the text has places for");
    *out = jinja_buffer_value(&b);
    return OK;
}

// ---- "{}".format(...)

static Err field_value(JinjaRun *r, const JinjaCall *c, JinjaValue name, int64_t *next,
                       const JinjaValue **out)
{
    int64_t index = 0;
    int     is_index = name.length > 0 && name.length < 10;

    for (int64_t i = 0; i < name.length; i++) {
        is_index &= '0' <= name.text[i] && name.text[i] <= '9';
        index = is_index ? index * 10 + (name.text[i] - '0') : 0;
    }
    *out = NULL;
    TRY(jinja_charge(r, 1 + c->names / 16));
    if (name.length == 0)
        index = (*next)++;
    if (name.length == 0 || is_index)
        *out = index < c->count ? &c->arg[index] : NULL;
    for (int64_t i = 0; i < c->names && *out == NULL; i++)
        if (jinja_is_bytes(c->name[i], c->name_length[i], name.text, name.length))
            *out = &c->named[i];
    if (*out == NULL)
        return jinja_fail(r,
                          "format: there is no value for {%.*s}; only {}, {0} and {name} are known",
                          (int)(name.length > 60 ? 60 : name.length), name.text);
    return OK;
}

Err jinja_braces(JinjaRun *r, const JinjaValue *format, const JinjaCall *c, JinjaValue *out)
{
    const JinjaValue *v;
    JinjaBuffer       b = {0};
    int64_t           next = 0, n = format->length;
    const char       *t = format->text;

    TRY(jinja_charge_bytes(r, 8 * n));
    for (int64_t at = 0; at < n; at++) {
        int64_t end = at;

        if ((t[at] == '{' || t[at] == '}') && at + 1 < n && t[at + 1] == t[at]) {
            TRY(jinja_add_text(r, &b, t + at++, 1));
            continue;
        }
        if (t[at] == '}')
            return jinja_fail(r, "format: '}' without '{'");
        if (t[at] != '{') {
            TRY(jinja_add_text(r, &b, t + at, 1));
            continue;
        }
        while (end < n && t[end] != '}')
            end++;
        if (end == n)
            return jinja_fail(r, "format: '{' without '}'");
        TRY(field_value(r, c, jinja_string_n(t + at + 1, end - at - 1), &next, &v));
        TRY(jinja_print(r, &b, v));
        at = end;
    }
    *out = jinja_buffer_value(&b);
    return OK;
}

// ---- time

Err jinja_strftime(JinjaRun *r, int64_t seconds, const JinjaValue *format, JinjaValue *out)
{
    char        one[4] = "%", words[256];
    struct tm   when;
    time_t      at = seconds;
    JinjaBuffer b = {0};

    if (gmtime_r(&at, &when) == NULL)
        return jinja_fail(r, "the time given is no date");
    for (int64_t i = 0; i < format->length; i++) {
        int n = 1;

        if (format->text[i] != '%' || i + 1 == format->length) {
            TRY(jinja_add_text(r, &b, format->text + i, 1));
            continue;
        }
        i++;
        if (format->text[i] == '-' && i + 1 < format->length)
            one[n++] = format->text[i++];
        if (format->text[i] == 0 ||
            strchr("aAbBcdeDFHIjklmMpPSTuUVwWxXyYZ%", format->text[i]) == NULL)
            return jinja_fail(r, "there is no %%%c for times here", format->text[i]);
        one[n++] = format->text[i];
        one[n] = 0;
        if (strcmp(one, "%Z") == 0)
            continue; // the time has no zone
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (strftime(words, sizeof words, one, &when) > 0)
            TRY(jinja_add_words(r, &b, words));
#pragma GCC diagnostic pop
    }
    *out = jinja_buffer_value(&b);
    return OK;
}
