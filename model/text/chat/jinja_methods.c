// jinja_methods.c -- methods of texts; those of other values are in jinja_methods_other.c.
#include "model/text/chat/jinja_private.h"

#include <string.h>

static const JinjaValue *or_null(const JinjaValue *v)
{
    return v != NULL && v->kind != JINJA_NONE ? v : NULL;
}

Err jinja_want_text(JinjaRun *r, const JinjaValue *v, const char *what)
{
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind != JINJA_STRING)
        return jinja_fail(r, "%s must be a text, found a %s", what, jinja_kind_name(v));
    return OK;
}

Err jinja_want_int(JinjaRun *r, const JinjaValue *v, const char *what, int64_t standard,
                   int64_t *out)
{
    *out = standard;
    if (v == NULL)
        return OK;
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v->kind != JINJA_INT && v->kind != JINJA_BOOL)
        return jinja_fail(r, "%s must be an integer, found a %s", what, jinja_kind_name(v));
    *out = v->number;
    return OK;
}

static JinjaValue piece(const JinjaValue *v, int64_t begin, int64_t end)
{
    return jinja_string_n(v->text + begin, end - begin);
}

// ---- case and ends

#define CASE_METHOD(name, how)                                                     \
    static Err method_##name(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, \
                             JinjaValue *out)                                      \
    {                                                                              \
        (void)a;                                                                   \
        return jinja_case(r, v, (how), out);                                       \
    }

CASE_METHOD(upper, CASE_UPPER)
CASE_METHOD(lower, CASE_LOWER)
CASE_METHOD(title, CASE_TITLE)
CASE_METHOD(capitalize, CASE_CAPITAL)

static Err strip(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int ends, JinjaValue *out)
{
    return jinja_strip_set(r, v, or_null(a->slot[0]), ends, out);
}

static Err method_strip(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return strip(r, v, a, STRIP_BEGIN | STRIP_END, out);
}

static Err method_lstrip(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return strip(r, v, a, STRIP_BEGIN, out);
}

static Err method_rstrip(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return strip(r, v, a, STRIP_END, out);
}

static int ends_with(const JinjaValue *v, const JinjaValue *what, int at_end)
{
    return what->length <= v->length &&
           jinja_is_bytes(v->text + (at_end ? v->length - what->length : 0), what->length,
                          what->text, what->length);
}

static Err is_at(JinjaRun *r, const JinjaValue *v, const JinjaValue *what, int at_end,
                 JinjaValue *out)
{
    const JinjaValue *item = what;
    int64_t           count = 1;

    *out = jinja_bool(0);
    if (what->kind == JINJA_LIST && what->sub == LIST_TUPLE) {
        item = what->list->item;
        count = what->list->count;
    }
    for (int64_t i = 0; i < count && !out->number; i++) {
        TRY(jinja_want_text(r, &item[i], "what a text begins or ends with"));
        TRY(jinja_charge_bytes(r, item[i].length + 8));
        *out = jinja_bool(ends_with(v, &item[i], at_end));
    }
    return OK;
}

static Err method_startswith(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return is_at(r, v, a->slot[0], 0, out);
}

static Err method_endswith(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return is_at(r, v, a->slot[0], 1, out);
}

static Err method_removeprefix(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a,
                               JinjaValue *out)
{
    TRY(jinja_want_text(r, a->slot[0], "a prefix"));
    TRY(jinja_charge_bytes(r, a->slot[0]->length));
    *out = ends_with(v, a->slot[0], 0) ? piece(v, a->slot[0]->length, v->length) : *v;
    return OK;
}

static Err method_removesuffix(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a,
                               JinjaValue *out)
{
    TRY(jinja_want_text(r, a->slot[0], "a suffix"));
    TRY(jinja_charge_bytes(r, a->slot[0]->length));
    *out = ends_with(v, a->slot[0], 1) ? piece(v, 0, v->length - a->slot[0]->length) : *v;
    return OK;
}

// ---- finding and changing

// The part [start, end) that a search is about, in bytes; 0: start lies behind the text.
static Err bounds(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int64_t *from, int64_t *to)
{
    int64_t count = jinja_points(v->text, v->length), start, end;

    TRY(jinja_charge_bytes(r, 2 * v->length));
    TRY(jinja_want_text(r, a->slot[0], "what is looked for"));
    TRY(jinja_want_int(r, or_null(a->slot[1]), "the start", 0, &start));
    TRY(jinja_want_int(r, or_null(a->slot[2]), "the end", count, &end));
    start = start < -count ? 0 : start < 0 ? start + count : start;
    end = end < -count ? 0 : end < 0 ? end + count : end > count ? count : end;
    *from = start > count ? -1 : jinja_point_at(v->text, v->length, start);
    *to = jinja_point_at(v->text, v->length, end);
    return OK;
}

static Err find(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int is_back, JinjaValue *out)
{
    int64_t from, to, at;

    TRY(bounds(r, v, a, &from, &to));
    *out = jinja_int(-1);
    if (from < 0 || from > to)
        return OK;
    JinjaValue part = piece(v, from, to);

    at = jinja_find(part.text, part.length, a->slot[0]->text, a->slot[0]->length);
    if (is_back && a->slot[0]->length == 0)
        at = part.length;
    else if (is_back)
        TRY(jinja_find_last(r, &part, part.length, a->slot[0], &at));
    if (at >= 0)
        *out = jinja_int(jinja_points(v->text, from + at));
    return OK;
}

static Err method_find(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return find(r, v, a, 0, out);
}

static Err method_rfind(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return find(r, v, a, 1, out);
}

static Err method_index(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    TRY(find(r, v, a, 0, out));
    if (out->number < 0)
        return jinja_fail(r, "index: the text is not found");
    return OK;
}

static Err method_count(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int64_t from, to, count = 0;

    TRY(bounds(r, v, a, &from, &to));
    if (from >= 0 && from <= to && a->slot[0]->length == 0)
        count = jinja_points(v->text + from, to - from) + 1;
    for (int64_t at = 0; from >= 0 && from <= to && a->slot[0]->length > 0; count++) {
        at = jinja_find(v->text + from, to - from, a->slot[0]->text, a->slot[0]->length);
        if (at < 0)
            break;
        from += at + a->slot[0]->length;
    }
    *out = jinja_int(count);
    return jinja_charge(r, count / 2);
}

static Err replace_between(JinjaRun *r, const JinjaValue *v, const JinjaValue *fresh, int64_t most,
                           JinjaBuffer *b)
{
    int64_t done = 0;
    int     n;

    for (int64_t at = 0; at < v->length; at += n, done++) {
        n = jinja_point_bytes(v->text + at, v->length - at);
        if (most < 0 || done < most)
            TRY(jinja_add_text(r, b, fresh->text, fresh->length));
        TRY(jinja_add_text(r, b, v->text + at, n));
    }
    return most < 0 || done < most ? jinja_add_text(r, b, fresh->text, fresh->length) : OK;
}

static Err method_replace(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *old = a->slot[0], *fresh = a->slot[1];
    JinjaBuffer       b = {0};
    int64_t           most, begin = 0;

    TRY(jinja_want_text(r, old, "what is replaced"));
    TRY(jinja_want_text(r, fresh, "what replaces it"));
    TRY(jinja_want_int(r, a->slot[2], "the count", -1, &most));
    TRY(jinja_charge_bytes(r, v->length));
    if (old->length == 0)
        TRY(replace_between(r, v, fresh, most, &b));
    for (int64_t n = 0; old->length > 0; n++) {
        int64_t at =
            n == most ? -1 : jinja_find(v->text + begin, v->length - begin, old->text, old->length);

        if (at < 0) {
            TRY(jinja_add_text(r, &b, v->text + begin, v->length - begin));
            break;
        }
        TRY(jinja_charge(r, 1));
        TRY(jinja_add_text(r, &b, v->text + begin, at));
        TRY(jinja_add_text(r, &b, fresh->text, fresh->length));
        begin += at + old->length;
    }
    *out = jinja_buffer_value(&b);
    return OK;
}

static Err method_join(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *item;
    JinjaBuffer       b = {0};
    int64_t           count;

    if (a->slot[0]->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, a->slot[0]);
    TRY(jinja_walk(r, a->slot[0], &item, &count));
    for (int64_t i = 0; i < count; i++) {
        TRY(jinja_want_text(r, &item[i], "a member of what is joined"));
        if (i > 0)
            TRY(jinja_add_text(r, &b, v->text, v->length));
        TRY(jinja_add_text(r, &b, item[i].text, item[i].length));
    }
    *out = jinja_buffer_value(&b);
    return jinja_charge(r, count / 4);
}

static Err method_format(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return jinja_braces(r, v, a->call, out);
}

// ---- filling up

enum { FILL_LEFT, FILL_RIGHT, FILL_BOTH };

static Err fill(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int where, JinjaValue *out)
{
    JinjaValue  blank = a->slot[1] != NULL ? *a->slot[1] : jinja_string(" ");
    int64_t     width, missing, left;
    JinjaBuffer b = {0};

    TRY(jinja_want_int(r, a->slot[0], "the width", 0, &width));
    TRY(jinja_want_text(r, &blank, "what fills up"));
    if (jinja_points(blank.text, blank.length) != 1)
        return jinja_fail(r, "what fills up must be one character");
    missing = width - jinja_points(v->text, v->length);
    missing = missing > 0 ? missing : 0;
    left = where == FILL_LEFT    ? missing
           : where == FILL_RIGHT ? 0
                                 : missing / 2 + (missing & width & 1);
    for (int64_t i = 0; i < left; i++)
        TRY(jinja_add_text(r, &b, blank.text, blank.length));
    TRY(jinja_add_text(r, &b, v->text, v->length));
    for (int64_t i = left; i < missing; i++)
        TRY(jinja_add_text(r, &b, blank.text, blank.length));
    *out = jinja_buffer_value(&b);
    return jinja_charge(r, missing / 8);
}

static Err method_ljust(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return fill(r, v, a, FILL_RIGHT, out);
}

static Err method_rjust(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return fill(r, v, a, FILL_LEFT, out);
}

static Err method_center(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return fill(r, v, a, FILL_BOTH, out);
}

// ---- kinds of characters

static Err all_are(JinjaRun *r, const JinjaValue *v, int (*is)(int32_t c), JinjaValue *out)
{
    int n;

    *out = jinja_bool(v->length > 0);
    for (int64_t at = 0; at < v->length && out->number; at += n)
        *out = jinja_bool(is(jinja_point(v->text + at, v->length - at, &n)));
    return jinja_charge_bytes(r, v->length * 16);
}

static int is_letter_or_digit(int32_t c)
{
    return unitext_is_letter(c) || unitext_is_digit(c);
}

#define KIND_METHOD(name, is)                                                      \
    static Err method_##name(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, \
                             JinjaValue *out)                                      \
    {                                                                              \
        (void)a;                                                                   \
        return all_are(r, v, (is), out);                                           \
    }

KIND_METHOD(isdigit, unitext_is_digit)
KIND_METHOD(isalpha, unitext_is_letter)
KIND_METHOD(isalnum, is_letter_or_digit)
KIND_METHOD(isspace, unitext_is_space)

static Err method_isupper(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return jinja_find_row(JINJA_TESTS, "upper", 5)->run(r, v, a, out);
}

static Err method_islower(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return jinja_find_row(JINJA_TESTS, "lower", 5)->run(r, v, a, out);
}

const JinjaRow JINJA_TEXT_METHODS[] = {{"strip", method_strip, 0, {"chars"}},
                                       {"lstrip", method_lstrip, 0, {"chars"}},
                                       {"rstrip", method_rstrip, 0, {"chars"}},
                                       {"startswith", method_startswith, 1, {"prefix"}},
                                       {"endswith", method_endswith, 1, {"suffix"}},
                                       {"removeprefix", method_removeprefix, 1, {"prefix"}},
                                       {"removesuffix", method_removesuffix, 1, {"suffix"}},
                                       {"upper", method_upper, 0, {NULL}},
                                       {"lower", method_lower, 0, {NULL}},
                                       {"title", method_title, 0, {NULL}},
                                       {"capitalize", method_capitalize, 0, {NULL}},
                                       {"replace", method_replace, 2, {"old", "new", "count"}},
                                       {"find", method_find, 1, {"sub", "start", "end"}},
                                       {"rfind", method_rfind, 1, {"sub", "start", "end"}},
                                       {"index", method_index, 1, {"sub", "start", "end"}},
                                       {"count", method_count, 1, {"sub", "start", "end"}},
                                       {"join", method_join, 1, {"iterable"}},
                                       {"format", method_format, 0, {"*"}},
                                       {"ljust", method_ljust, 1, {"width", "fillchar"}},
                                       {"rjust", method_rjust, 1, {"width", "fillchar"}},
                                       {"center", method_center, 1, {"width", "fillchar"}},
                                       {"isdigit", method_isdigit, 0, {NULL}},
                                       {"isalpha", method_isalpha, 0, {NULL}},
                                       {"isalnum", method_isalnum, 0, {NULL}},
                                       {"isspace", method_isspace, 0, {NULL}},
                                       {"isupper", method_isupper, 0, {NULL}},
                                       {"islower", method_islower, 0, {NULL}},
                                       {NULL, NULL, 0, {NULL}}};
