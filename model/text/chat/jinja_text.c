// jinja_text.c -- texts that grow, and values as Python writes them.
#define _GNU_SOURCE // memmem
#include "model/text/chat/jinja_private.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- characters

int32_t jinja_point(const char *text, int64_t length, int *bytes)
{
    const unsigned char *b = (const unsigned char *)text;
    int                  n = text_utf8_length(text, length);

    *bytes = n > 0 ? n : 1;
    if (n <= 1)
        return n == 1 ? b[0] : -1;
    if (n == 2)
        return (b[0] & 0x1F) << 6 | (b[1] & 0x3F);
    if (n == 3)
        return (b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F);
    return (b[0] & 0x07) << 18 | (b[1] & 0x3F) << 12 | (b[2] & 0x3F) << 6 | (b[3] & 0x3F);
}

int jinja_point_bytes(const char *text, int64_t length)
{
    int n = text_utf8_length(text, length);

    return n > 0 ? n : 1;
}

static int begins_point(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

int64_t jinja_points(const char *text, int64_t length)
{
    int64_t count = 0;

    for (int64_t at = 0; at < length; at++)
        count += begins_point(text[at]);
    return count;
}

int64_t jinja_point_at(const char *text, int64_t length, int64_t index)
{
    int64_t at = 0;

    for (; at < length; at++) {
        index -= begins_point(text[at]);
        if (index < 0)
            break;
    }
    return at;
}

int64_t jinja_find(const char *text, int64_t length, const char *what, int64_t what_length)
{
    const char *found;

    if (what_length == 0)
        return 0;
    if (what_length > length)
        return -1;
    found = memmem(text, (size_t)length, what, (size_t)what_length);
    return found == NULL ? -1 : found - text;
}

static int is_in_set(const JinjaValue *set, const char *at, int bytes, int32_t c)
{
    return set == NULL ? unitext_is_space(c) : jinja_find(set->text, set->length, at, bytes) >= 0;
}

JinjaValue jinja_strip(const JinjaValue *v, const JinjaValue *set, int ends)
{
    const char *text = v->text;
    int64_t     begin = 0, end = v->length, back;
    int         n = 0;

    while ((ends & STRIP_BEGIN) && begin < end &&
           is_in_set(set, text + begin, jinja_point_bytes(text + begin, end - begin),
                     jinja_point(text + begin, end - begin, &n)))
        begin += n;
    while ((ends & STRIP_END) && end > begin) {
        int32_t c;

        for (back = end - 1;
             back > begin && end - back < 4 && ((unsigned char)text[back] & 0xC0) == 0x80;)
            back--;
        c = jinja_point(text + back, end - back, &n);
        if (back + n != end || !is_in_set(set, text + back, n, c))
            break;
        end = back;
    }
    return jinja_string_n(text + begin, end - begin);
}

Err jinja_strip_set(JinjaRun *r, const JinjaValue *v, const JinjaValue *set, int ends,
                    JinjaValue *out)
{
    enum { SET_MAX = 1024 };

    if (set != NULL && set->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, set);
    if (set != NULL && (set->kind != JINJA_STRING || set->length > SET_MAX))
        return jinja_fail(r, "what is stripped must be a text of at most %d bytes", SET_MAX);
    *out = jinja_strip(v, set, ends);
    return jinja_charge_bytes(r,
                              (v->length - out->length) * (16 + (set != NULL ? set->length : 0)));
}

// ---- growing

// Room for `bytes` more, in place where the buffer lies at the end of the pool.
static Err reserve(JinjaRun *r, JinjaBuffer *b, int64_t bytes)
{
    JinjaPool *p = &r->pool;
    int64_t    want = b->capacity > 0 ? 2 * b->capacity : 64;
    void      *more;

    if (b->length + bytes > JINJA_OUTPUT_BYTES_MAX)
        return jinja_fail(r, "a text of more than %d MiB", JINJA_OUTPUT_BYTES_MAX >> 20);
    if (b->length + bytes <= b->capacity)
        return OK;
    while (want < b->length + bytes)
        want *= 2;
    if (b->data != NULL && b->data + b->capacity == p->at && want - b->capacity <= p->end - p->at) {
        p->at += want - b->capacity;
        b->capacity = want;
        return OK;
    }
    TRY(jinja_take(r, want, &more));
    if (b->length > 0)
        memcpy(more, b->data, (size_t)b->length);
    b->data = more;
    b->capacity = want;
    return OK;
}

Err jinja_add_text(JinjaRun *r, JinjaBuffer *b, const char *text, int64_t length)
{
    TRY(reserve(r, b, length));
    if (length > 0)
        memcpy(b->data + b->length, text, (size_t)length);
    b->length += length;
    return jinja_charge_bytes(r, length);
}

Err jinja_add_words(JinjaRun *r, JinjaBuffer *b, const char *text)
{
    return jinja_add_text(r, b, text, (int64_t)strlen(text));
}

JinjaValue jinja_buffer_value(const JinjaBuffer *b)
{
    return jinja_string_n(b->length > 0 ? b->data : "", b->length);
}

// A text that ends where the pool does is made longer in place: building one piece by piece costs
// what it is long.
static int extend(JinjaRun *r, const JinjaValue *a, const JinjaValue *b)
{
    JinjaPool *p = &r->pool;

    if (a->length == 0 || a->text + a->length != p->at || b->length > p->end - p->at)
        return 0;
    memmove(p->at, b->text, (size_t)b->length);
    p->at += b->length;
    return 1;
}

static Err concat_texts(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    void *both;

    if (a->length == 0 || b->length == 0) {
        *out = a->length == 0 ? *b : *a;
        return OK;
    }
    if (a->length + b->length > JINJA_OUTPUT_BYTES_MAX)
        return jinja_fail(r, "a text of more than %d MiB", JINJA_OUTPUT_BYTES_MAX >> 20);
    *out = jinja_string_n(a->text, a->length + b->length);
    if (extend(r, a, b))
        return jinja_charge_bytes(r, b->length);
    TRY(jinja_take(r, a->length + b->length, &both));
    memcpy(both, a->text, (size_t)a->length);
    memcpy((char *)both + a->length, b->text, (size_t)b->length);
    out->text = both;
    return OK;
}

Err jinja_concat(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out)
{
    JinjaValue left, right;

    TRY(jinja_text_of(r, a, &left));
    TRY(jinja_text_of(r, b, &right));
    return concat_texts(r, &left, &right, out);
}

// ---- numbers

// The fewest digits that read back as the same number.
void jinja_show_float(double x, char out[JINJA_FLOAT_BYTES])
{
    char digits[JINJA_FLOAT_BYTES];
    int  n = 0, exponent;

    if (isnan(x) || isinf(x)) {
        snprintf(out, JINJA_FLOAT_BYTES, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    do {
        snprintf(digits, sizeof digits, "%.*e", n, x);
    } while (strtod(digits, NULL) != x && ++n < 17);
    exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        int mantissa = (int)(strchr(digits, 'e') - digits);

        snprintf(out, JINJA_FLOAT_BYTES, "%.*se%c%02d", mantissa, digits, exponent < 0 ? '-' : '+',
                 abs(exponent));
    } else {
        snprintf(out, JINJA_FLOAT_BYTES, "%.*f", n - exponent > 1 ? n - exponent : 1, x);
    }
}

// ---- values

// As str.isprintable: what repr shows as it is.
static int is_printable(int32_t c)
{
    switch (unitext_kind(c)) {
    case UNITEXT_CC:
    case UNITEXT_CF:
    case UNITEXT_CS:
    case UNITEXT_CO:
    case UNITEXT_CN:
    case UNITEXT_ZL:
    case UNITEXT_ZP: return 0;
    case UNITEXT_ZS: return c == ' ';
    default: return 1;
    }
}

static Err repr_text(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v)
{
    int  has_single = memchr(v->text, '\'', (size_t)v->length) != NULL;
    int  has_double = memchr(v->text, '"', (size_t)v->length) != NULL, n;
    char quote = has_single && !has_double ? '"' : '\'', words[16];

    TRY(jinja_add_text(r, b, &quote, 1));
    for (int64_t at = 0; at < v->length; at += n) {
        int32_t c = jinja_point(v->text + at, v->length - at, &n);

        words[0] = 0;
        if (c == quote || c == '\\')
            snprintf(words, sizeof words, "\\%c", (char)c);
        else if (c == '\n' || c == '\r' || c == '\t')
            snprintf(words, sizeof words, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (!is_printable(c))
            snprintf(words, sizeof words,
                     c < 0x100     ? "\\x%02x"
                     : c < 0x10000 ? "\\u%04x"
                                   : "\\U%08x",
                     (unsigned)c & 0x1FFFFF);
        TRY(jinja_charge(r, words[0] != 0)); // they double each time: a loop makes many
        if (words[0] != 0)
            TRY(jinja_add_words(r, b, words));
        else
            TRY(jinja_add_text(r, b, v->text + at, n));
    }
    return jinja_add_text(r, b, &quote, 1);
}

static Err repr_range(JinjaRun *r, JinjaBuffer *b, const JinjaList *l)
{
    char words[96];

    if (l->step == 1)
        snprintf(words, sizeof words, "range(%" PRId64 ", %" PRId64 ")", l->start, l->stop);
    else
        snprintf(words, sizeof words, "range(%" PRId64 ", %" PRId64 ", %" PRId64 ")", l->start,
                 l->stop, l->step);
    return jinja_add_words(r, b, words);
}

static Err repr_list(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v)
{
    static const char *const open[] = {"[",           "(", "", "dict_keys([", "dict_values([",
                                       "dict_items(["};
    static const char *const close[] = {"]", ")", "", "])", "])", "])"};
    const JinjaList         *l = v->list;

    if (v->sub == LIST_ONCE)
        return jinja_fail(r, "what a filter gives lazily cannot be printed; the filter list makes "
                             "it a list");
    if (v->sub == LIST_RANGE)
        return repr_range(r, b, l);
    TRY(jinja_add_words(r, b, open[v->sub]));
    for (int64_t i = 0; i < l->count; i++) {
        TRY(i > 0 ? jinja_add_words(r, b, ", ") : OK);
        TRY(jinja_repr(r, b, &l->item[i]));
    }
    if (v->sub == LIST_TUPLE && l->count == 1)
        TRY(jinja_add_words(r, b, ","));
    return jinja_add_words(r, b, close[v->sub]);
}

static Err repr_dict(JinjaRun *r, JinjaBuffer *b, const JinjaDict *d)
{
    TRY(jinja_add_words(r, b, "{"));
    for (int64_t i = 0; i < d->count; i++) {
        TRY(i > 0 ? jinja_add_words(r, b, ", ") : OK);
        TRY(jinja_repr(r, b, &d->pair[i].key));
        TRY(jinja_add_words(r, b, ": "));
        TRY(jinja_repr(r, b, &d->pair[i].value));
    }
    return jinja_add_words(r, b, "}");
}

static Err repr_nested(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v)
{
    if (v->kind == JINJA_LIST)
        return repr_list(r, b, v);
    if (v->kind == JINJA_DICT)
        return repr_dict(r, b, v->dict);
    TRY(jinja_add_words(r, b, "<Namespace "));
    TRY(repr_dict(r, b, v->dict));
    return jinja_add_words(r, b, ">");
}

Err jinja_repr(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v)
{
    char words[JINJA_FLOAT_BYTES];
    Err  e;

    TRY(jinja_charge(r, 1));
    switch (v->kind) {
    case JINJA_UNDEFINED: return jinja_add_words(r, b, "Undefined");
    case JINJA_NONE: return jinja_add_words(r, b, "None");
    case JINJA_BOOL: return jinja_add_words(r, b, v->number ? "True" : "False");
    case JINJA_STRING: return repr_text(r, b, v);
    case JINJA_INT:
        snprintf(words, sizeof words, "%" PRId64, v->number);
        return jinja_add_words(r, b, words);
    case JINJA_FLOAT: jinja_show_float(v->real, words); return jinja_add_words(r, b, words);
    case JINJA_LIST:
    case JINJA_DICT:
    case JINJA_NAMESPACE:
        TRY(jinja_enter(r));
        e = repr_nested(r, b, v);
        r->depth--;
        return e;
    default: return jinja_fail(r, "a %s cannot be printed", jinja_kind_name(v));
    }
}

Err jinja_print(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v)
{
    if (v->kind == JINJA_STRING)
        return jinja_add_text(r, b, v->text, v->length);
    if (v->kind == JINJA_UNDEFINED)
        return v->sub == UNDEFINED_UNSAFE ? jinja_fail_undefined(r, v) : OK;
    return jinja_repr(r, b, v);
}

Err jinja_text_of(JinjaRun *r, const JinjaValue *v, JinjaValue *out)
{
    JinjaBuffer b = {0};

    if (v->kind == JINJA_STRING) {
        *out = *v;
        return OK;
    }
    TRY(jinja_print(r, &b, v));
    *out = jinja_buffer_value(&b);
    return OK;
}
