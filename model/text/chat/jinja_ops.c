// jinja_ops.c -- arithmetic as Python does it, in 64 bits.
#include "model/text/chat/jinja_private.h"

#include <math.h>
#include <string.h>

static Err not_for(JinjaRun *r, const char *sign, const JinjaValue *a, const JinjaValue *b)
{
    if (a->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, a);
    if (b->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, b);
    return jinja_fail(r, "%s %s %s cannot be computed%s", jinja_kind_name(a), sign,
                      jinja_kind_name(b),
                      strcmp(sign, "+") == 0 && (a->kind == JINJA_STRING || b->kind == JINJA_STRING)
                          ? "; ~ joins texts with other values"
                          : "");
}

static Err too_large(JinjaRun *r)
{
    return jinja_fail(r, "a number leaves the 64 bits of an integer");
}

static int both_whole(const JinjaValue *a, const JinjaValue *b)
{
    return a->kind != JINJA_FLOAT && b->kind != JINJA_FLOAT;
}

static Err add_lists(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    const JinjaList *x = a->list, *y = b->list;

    TRY(jinja_list_make(r, (JinjaListKind)a->sub, x->count + y->count, out));
    for (int64_t i = 0; i < x->count; i++)
        TRY(jinja_list_add(r, out, x->item[i]));
    for (int64_t i = 0; i < y->count; i++)
        TRY(jinja_list_add(r, out, y->item[i]));
    return OK;
}

static int is_plain_list(const JinjaValue *v)
{
    return v->kind == JINJA_LIST && (v->sub == LIST_LIST || v->sub == LIST_TUPLE);
}

static Err add(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    if (a->kind == JINJA_STRING && b->kind == JINJA_STRING)
        return jinja_concat(r, a, b, out);
    if (is_plain_list(a) && is_plain_list(b) && a->sub == b->sub)
        return add_lists(r, a, b, out);
    if (!jinja_is_number(a) || !jinja_is_number(b))
        return not_for(r, "+", a, b);
    *out = jinja_float(jinja_real(a) + jinja_real(b));
    if (both_whole(a, b)) {
        *out = jinja_int(0);
        if (__builtin_add_overflow(a->number, b->number, &out->number))
            return too_large(r);
    }
    return OK;
}

static Err subtract(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    if (!jinja_is_number(a) || !jinja_is_number(b))
        return not_for(r, "-", a, b);
    *out = jinja_float(jinja_real(a) - jinja_real(b));
    if (both_whole(a, b)) {
        *out = jinja_int(0);
        if (__builtin_sub_overflow(a->number, b->number, &out->number))
            return too_large(r);
    }
    return OK;
}

// What is there already is put behind itself until it is enough: texts may be short and times many.
static Err repeat_text(JinjaRun *r, const JinjaValue *v, int64_t times, JinjaValue *out)
{
    JinjaBuffer b = {0};
    int64_t     whole = times > 0 ? v->length : 0;

    if (__builtin_mul_overflow(whole, times, &whole) || whole > JINJA_OUTPUT_BYTES_MAX)
        return jinja_fail(r, "a text of more than %d MiB", JINJA_OUTPUT_BYTES_MAX >> 20);
    if (whole > 0)
        TRY(jinja_add_text(r, &b, v->text, v->length));
    while (b.length < whole)
        TRY(jinja_add_text(r, &b, b.data,
                           b.length < whole - b.length ? b.length : whole - b.length));
    *out = jinja_buffer_value(&b);
    return OK;
}

static Err repeat(JinjaRun *r, const JinjaValue *v, int64_t times, JinjaValue *out)
{
    if (v->kind == JINJA_STRING)
        return repeat_text(r, v, times, out);
    TRY(jinja_list_make(r, (JinjaListKind)v->sub, 0, out));
    for (int64_t i = 0; i < times && v->list->count > 0; i++)
        for (int64_t k = 0; k < v->list->count; k++)
            TRY(jinja_list_add(r, out, v->list->item[k]));
    return OK;
}

static int is_whole(const JinjaValue *v)
{
    return v->kind == JINJA_INT || v->kind == JINJA_BOOL;
}

static Err multiply(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    if ((a->kind == JINJA_STRING || is_plain_list(a)) && is_whole(b))
        return repeat(r, a, b->number, out);
    if ((b->kind == JINJA_STRING || is_plain_list(b)) && is_whole(a))
        return repeat(r, b, a->number, out);
    if (!jinja_is_number(a) || !jinja_is_number(b))
        return not_for(r, "*", a, b);
    *out = jinja_float(jinja_real(a) * jinja_real(b));
    if (both_whole(a, b)) {
        *out = jinja_int(0);
        if (__builtin_mul_overflow(a->number, b->number, &out->number))
            return too_large(r);
    }
    return OK;
}

// Quotient towards minus infinity, and the rest with the sign of the divisor.
static Err divide_whole(JinjaRun *r, int64_t a, int64_t b, int64_t *quotient, int64_t *rest)
{
    if (a == INT64_MIN && b == -1)
        return too_large(r);
    *quotient = a / b;
    *rest = a % b;
    if (*rest != 0 && (*rest < 0) != (b < 0)) {
        *rest += b;
        --*quotient;
    }
    return OK;
}

static Err divide(JinjaRun *r, int sign, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    double  x = jinja_real(a), y = jinja_real(b), rest;
    int64_t q = 0, m = 0;

    if (!jinja_is_number(a) || !jinja_is_number(b))
        return not_for(r, sign == '/' ? "/" : sign == '%' ? "%" : "//", a, b);
    if (y == 0)
        return jinja_fail(r, "division by zero");
    if (sign == '/') {
        *out = jinja_float(x / y);
        return OK;
    }
    if (both_whole(a, b)) {
        TRY(divide_whole(r, a->number, b->number, &q, &m));
        *out = jinja_int(sign == '%' ? m : q);
        return OK;
    }
    rest = fmod(x, y);
    if (rest != 0 && (rest < 0) != (y < 0))
        rest += y;
    *out = jinja_float(sign == '%' ? rest : floor(x / y));
    return OK;
}

static Err power(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    int64_t base = a->number, result = 1;

    if (!jinja_is_number(a) || !jinja_is_number(b))
        return not_for(r, "**", a, b);
    if (!both_whole(a, b) || b->number < 0) {
        double value = pow(jinja_real(a), jinja_real(b));

        if (!isfinite(value) && isfinite(jinja_real(a)))
            return jinja_fail(r, "a power that is no number");
        *out = jinja_float(value);
        return OK;
    }
    for (int64_t n = b->number; n > 0; n >>= 1) {
        if ((n & 1) && __builtin_mul_overflow(result, base, &result))
            return too_large(r);
        if (n > 1 && __builtin_mul_overflow(base, base, &base))
            return too_large(r);
    }
    *out = jinja_int(result);
    return OK;
}

Err jinja_binary(JinjaRun *r, int sign, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    switch (sign) {
    case '+': return add(r, a, b, out);
    case '-': return subtract(r, a, b, out);
    case '*': return multiply(r, a, b, out);
    case SIGN_POWER: return power(r, a, b, out);
    case '%':
        if (a->kind == JINJA_STRING)
            return jinja_percent(r, a, b, out);
        return divide(r, sign, a, b, out);
    default: return divide(r, sign, a, b, out);
    }
}
