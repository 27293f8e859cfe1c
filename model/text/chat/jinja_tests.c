// jinja_tests.c -- the tests of "x is ...".
#include "model/text/chat/jinja_private.h"

#include "base/text.h"

#include <string.h>

static Err answer(JinjaValue *out, int yes)
{
    *out = jinja_bool(yes);
    return OK;
}

// Tests that ask for the kind alone.
#define KIND_TEST(name, condition)                                                              \
    static Err is_##name(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out) \
    {                                                                                           \
        (void)r;                                                                                \
        (void)v;                                                                                \
        (void)a;                                                                                \
        return answer(out, (condition));                                                        \
    }

KIND_TEST(defined, v->kind != JINJA_UNDEFINED)
KIND_TEST(undefined, v->kind == JINJA_UNDEFINED)
KIND_TEST(none, v->kind == JINJA_NONE)
KIND_TEST(boolean, v->kind == JINJA_BOOL)
KIND_TEST(true, v->kind == JINJA_BOOL && v->number)
KIND_TEST(false, v->kind == JINJA_BOOL && !v->number)
KIND_TEST(integer, v->kind == JINJA_INT)
KIND_TEST(float, v->kind == JINJA_FLOAT)
KIND_TEST(number, jinja_is_number(v))
KIND_TEST(string, v->kind == JINJA_STRING)
KIND_TEST(mapping, v->kind == JINJA_DICT)
KIND_TEST(escaped, 0)
KIND_TEST(sequence, v->kind == JINJA_UNDEFINED || v->kind == JINJA_STRING ||
                        v->kind == JINJA_DICT || (v->kind == JINJA_LIST && v->sub <= LIST_RANGE))
KIND_TEST(iterable, v->kind == JINJA_UNDEFINED || v->kind == JINJA_STRING ||
                        v->kind == JINJA_DICT || v->kind == JINJA_LIST || v->kind == JINJA_LOOP)
KIND_TEST(callable, v->kind == JINJA_MACRO || v->kind == JINJA_FUNCTION ||
                        v->kind == JINJA_METHOD || v->kind == JINJA_TIME ||
                        v->kind == JINJA_UNDEFINED)

// ---- case

static Err has_case(JinjaRun *r, const JinjaValue *v, int is_upper, JinjaValue *out)
{
    JinjaValue text;
    int        n, seen = 0, other = 0;

    TRY(jinja_text_of(r, v, &text));
    for (int64_t at = 0; at < text.length && !other; at += n) {
        int32_t c = jinja_point(text.text + at, text.length - at, &n);

        other = is_upper ? unitext_is_lower(c) : unitext_is_upper(c);
        seen |= is_upper ? unitext_is_upper(c) : unitext_is_lower(c);
    }
    *out = jinja_bool(seen && !other);
    return jinja_charge_bytes(r, text.length * 16);
}

static Err is_upper(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return has_case(r, v, 1, out);
}

static Err is_lower(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)a;
    return has_case(r, v, 0, out);
}

// ---- numbers

static Err rest_is(JinjaRun *r, const JinjaValue *v, const JinjaValue *by, int64_t rest,
                   JinjaValue *out)
{
    JinjaValue got, want = jinja_int(rest);
    int        yes;

    TRY(jinja_binary(r, '%', v, by, &got));
    TRY(jinja_equal(r, &got, &want, &yes));
    return answer(out, yes);
}

static Err is_odd(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue two = jinja_int(2);

    (void)a;
    return rest_is(r, v, &two, 1, out);
}

static Err is_even(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    JinjaValue two = jinja_int(2);

    (void)a;
    return rest_is(r, v, &two, 0, out);
}

static Err is_divisible(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return rest_is(r, v, a->slot[0], 0, out);
}

// ---- other values

static Err is_equal(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int yes;

    TRY(jinja_equal(r, v, a->slot[0], &yes));
    return answer(out, yes);
}

static Err is_unequal(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    TRY(is_equal(r, v, a, out));
    return answer(out, !out->number);
}

#define ORDER_TEST(name, condition)                                                             \
    static Err is_##name(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out) \
    {                                                                                           \
        int order;                                                                              \
                                                                                                \
        TRY(jinja_order(r, v, a->slot[0], &order));                                             \
        return answer(out, (condition));                                                        \
    }

ORDER_TEST(less, order < 0)
ORDER_TEST(greater, order > 0)
ORDER_TEST(at_most, order <= 0)
ORDER_TEST(at_least, order >= 0)

static Err is_in(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int yes;

    TRY(jinja_contains(r, a->slot[0], v, &yes));
    return answer(out, yes);
}

// Whether two names mean one value: none, booleans, and one and the same list or dict.
static Err is_same(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    const JinjaValue *other = a->slot[0];

    if (v->kind != other->kind)
        return answer(out, 0);
    if (v->kind == JINJA_LIST || v->kind == JINJA_DICT || v->kind == JINJA_NAMESPACE)
        return answer(out, v->thing == other->thing);
    return is_equal(r, v, a, out);
}

static Err is_filter(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)r;
    (void)a;
    return answer(out, v->kind == JINJA_STRING && jinja_find_filter(v->text, v->length) != NULL);
}

static Err is_test(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    (void)r;
    (void)a;
    return answer(out, v->kind == JINJA_STRING && jinja_find_test(v->text, v->length) != NULL);
}

#define OTHER   \
    1,          \
    {           \
        "other" \
    }

const JinjaRow JINJA_TESTS[] = {{"defined", is_defined, 0, {NULL}},
                                {"undefined", is_undefined, 0, {NULL}},
                                {"none", is_none, 0, {NULL}},
                                {"boolean", is_boolean, 0, {NULL}},
                                {"true", is_true, 0, {NULL}},
                                {"false", is_false, 0, {NULL}},
                                {"integer", is_integer, 0, {NULL}},
                                {"float", is_float, 0, {NULL}},
                                {"number", is_number, 0, {NULL}},
                                {"string", is_string, 0, {NULL}},
                                {"mapping", is_mapping, 0, {NULL}},
                                {"sequence", is_sequence, 0, {NULL}},
                                {"iterable", is_iterable, 0, {NULL}},
                                {"callable", is_callable, 0, {NULL}},
                                {"escaped", is_escaped, 0, {NULL}},
                                {"upper", is_upper, 0, {NULL}},
                                {"lower", is_lower, 0, {NULL}},
                                {"odd", is_odd, 0, {NULL}},
                                {"even", is_even, 0, {NULL}},
                                {"divisibleby", is_divisible, 1, {"num"}},
                                {"equalto", is_equal, OTHER},
                                {"eq", is_equal, OTHER},
                                {"==", is_equal, OTHER},
                                {"ne", is_unequal, OTHER},
                                {"!=", is_unequal, OTHER},
                                {"lt", is_less, OTHER},
                                {"<", is_less, OTHER},
                                {"lessthan", is_less, OTHER},
                                {"gt", is_greater, OTHER},
                                {">", is_greater, OTHER},
                                {"greaterthan", is_greater, OTHER},
                                {"le", is_at_most, OTHER},
                                {"<=", is_at_most, OTHER},
                                {"ge", is_at_least, OTHER},
                                {">=", is_at_least, OTHER},
                                {"in", is_in, 1, {"seq"}},
                                {"sameas", is_same, OTHER},
                                {"filter", is_filter, 0, {NULL}},
                                {"test", is_test, 0, {NULL}},
                                {NULL, NULL, 0, {NULL}}};

const JinjaRow *jinja_find_test(const char *name, int64_t length)
{
    return jinja_find_row(JINJA_TESTS, name, length);
}

const char *jinja_near_test(const char *name)
{
    const char *names[sizeof JINJA_TESTS / sizeof JINJA_TESTS[0]];
    int         count = 0;

    for (const JinjaRow *row = JINJA_TESTS; row->name != NULL; row++)
        names[count++] = row->name;
    return text_nearest(name, names, count);
}
