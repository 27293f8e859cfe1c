// jinja_parse.c -- expressions as trees.  From the weakest binding to the strongest: if-else, or,
// and, not, comparisons, + -, ~, * / // %, **, signs; then calls, items, filters and tests.
#include "model/text/jinja_private.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- words

Err jinja_wrong(const JinjaParser *p, const JinjaToken *at, const char *fmt, ...)
{
    char    words[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    FAIL(ERR_DATA, "%s:%d:%d: %s", p->name, at->line, at->column, words);
}

Err jinja_expected(const JinjaParser *p, const char *what)
{
    char found[256];

    jinja_show_token(p->at, found, sizeof found);
    return jinja_wrong(p, p->at, "expected %s, found %s", what, found);
}

int jinja_is_bytes(const char *a, int64_t a_length, const char *b, int64_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, (size_t)a_length) == 0);
}

int jinja_is_name(const JinjaToken *t, const char *name)
{
    return t->kind == TOKEN_NAME && jinja_is_bytes(t->text, t->length, name, (int64_t)strlen(name));
}

int jinja_is_sign(const JinjaToken *t, int sign)
{
    return t->kind == TOKEN_SIGN && t->sign == sign;
}

int jinja_skip_sign(JinjaParser *p, int sign)
{
    int found = jinja_is_sign(p->at, sign);

    p->at += found;
    return found;
}

int jinja_skip_name(JinjaParser *p, const char *name)
{
    int found = jinja_is_name(p->at, name);

    p->at += found;
    return found;
}

Err jinja_want_sign(JinjaParser *p, int sign, const char *where)
{
    char what[128];

    if (jinja_skip_sign(p, sign))
        return OK;
    snprintf(what, sizeof what, "'%c' %s", sign, where);
    return jinja_expected(p, what);
}

Err jinja_want_name(JinjaParser *p, const char *what, const JinjaToken **out)
{
    if (p->at->kind != TOKEN_NAME)
        return jinja_expected(p, what);
    *out = p->at++;
    return OK;
}

Err jinja_node(JinjaParser *p, JinjaNodeKind kind, const JinjaToken *at, JinjaNode **out)
{
    JinjaNode *n = jinja_push(p->pool, (int64_t)sizeof *n);

    if (n == NULL)
        return jinja_wrong(p, at, "the template is too large");
    n->kind = kind;
    n->line = at->line;
    n->column = at->column;
    if (at->kind == TOKEN_NAME || at->kind == TOKEN_DATA) {
        n->text = at->text;
        n->length = at->length;
    }
    *out = n;
    return OK;
}

Err jinja_deeper(JinjaParser *p)
{
    if (++p->depth > JINJA_NEST_MAX)
        return jinja_wrong(p, p->at,
                           "expected at most %d levels of brackets and blocks, found more",
                           JINJA_NEST_MAX);
    return OK;
}

// ---- primaries

static Err parse_conditional(JinjaParser *p, JinjaNode **out);
static Err parse_or(JinjaParser *p, JinjaNode **out);
static Err parse_unary(JinjaParser *p, int with_filters, JinjaNode **out);

static Err constant(JinjaParser *p, JinjaValue value, JinjaNode **out)
{
    TRY(jinja_node(p, NODE_CONST, p->at, out));
    (*out)->value = value;
    p->at++;
    return OK;
}

static Err parse_name(JinjaParser *p, JinjaNode **out)
{
    static const struct {
        const char *name;
        JinjaValue  value;
    } names[] = {{"true", {.kind = JINJA_BOOL, .number = 1}},
                 {"True", {.kind = JINJA_BOOL, .number = 1}},
                 {"false", {.kind = JINJA_BOOL, .number = 0}},
                 {"False", {.kind = JINJA_BOOL, .number = 0}},
                 {"none", {.kind = JINJA_NONE}},
                 {"None", {.kind = JINJA_NONE}}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (jinja_is_name(p->at, names[i].name))
            return constant(p, names[i].value, out);
    TRY(jinja_node(p, NODE_NAME, p->at, out));
    p->at++;
    return OK;
}

// Texts beside each other are one text.
static Err parse_string(JinjaParser *p, JinjaNode **out)
{
    const JinjaToken *first = p->at;
    int64_t           length = 0, at = 0;
    char             *text;

    for (; p->at->kind == TOKEN_STRING; p->at++)
        length += p->at->length;
    p->at = first;
    if (first[1].kind != TOKEN_STRING)
        return constant(p, jinja_string_n(first->text, length), out);
    text = jinja_push(p->pool, length + 1);
    if (text == NULL)
        return jinja_wrong(p, p->at, "the template is too large");
    for (; p->at->kind == TOKEN_STRING; at += p->at->length, p->at++)
        memcpy(text + at, p->at->text, (size_t)p->at->length);
    p->at = first;
    TRY(constant(p, jinja_string_n(text, length), out));
    while (p->at->kind == TOKEN_STRING)
        p->at++;
    return OK;
}

static Err parse_list(JinjaParser *p, JinjaNode **out)
{
    JinjaNode **link;

    TRY(jinja_node(p, NODE_LIST, p->at++, out));
    link = &(*out)->a;
    while (!jinja_is_sign(p->at, ']')) {
        if (link != &(*out)->a)
            TRY(jinja_want_sign(p, ',', "or ']' in a list"));
        if (jinja_is_sign(p->at, ']'))
            break;
        TRY(parse_conditional(p, link));
        link = &(*link)->next;
    }
    p->at++;
    return OK;
}

static Err parse_dict(JinjaParser *p, JinjaNode **out)
{
    JinjaNode **link;

    TRY(jinja_node(p, NODE_DICT, p->at++, out));
    link = &(*out)->a;
    while (!jinja_is_sign(p->at, '}')) {
        if (link != &(*out)->a)
            TRY(jinja_want_sign(p, ',', "or '}' in a dict"));
        if (jinja_is_sign(p->at, '}'))
            break;
        TRY(jinja_node(p, NODE_PAIR, p->at, link));
        TRY(parse_conditional(p, &(*link)->a));
        TRY(jinja_want_sign(p, ':', "after a key"));
        TRY(parse_conditional(p, &(*link)->b));
        link = &(*link)->next;
    }
    p->at++;
    return OK;
}

static Err parse_brackets(JinjaParser *p, JinjaNode **out)
{
    const JinjaToken *open = p->at++;

    if (jinja_skip_sign(p, ')'))
        return jinja_node(p, NODE_TUPLE, open, out);
    TRY(jinja_parse_tuple(p, TUPLE_WHOLE, out));
    return jinja_want_sign(p, ')', "after an expression in brackets");
}

Err jinja_parse_primary(JinjaParser *p, JinjaNode **out)
{
    switch (p->at->kind) {
    case TOKEN_NAME: return parse_name(p, out);
    case TOKEN_STRING: return parse_string(p, out);
    case TOKEN_INT: return constant(p, jinja_int(p->at->number), out);
    case TOKEN_FLOAT: return constant(p, jinja_float(p->at->real), out);
    case TOKEN_SIGN:
        if (p->at->sign == '(')
            return parse_brackets(p, out);
        if (p->at->sign == '[')
            return parse_list(p, out);
        if (p->at->sign == '{')
            return parse_dict(p, out);
        break;
    default: break;
    }
    return jinja_expected(p, "a value");
}

// ---- what follows a primary

static Err parse_arguments(JinjaParser *p, JinjaNode **out)
{
    JinjaNode **link = out;
    int         named = 0;

    p->at++; // the bracket
    while (!jinja_is_sign(p->at, ')')) {
        if (link != out)
            TRY(jinja_want_sign(p, ',', "or ')' among arguments"));
        if (jinja_is_sign(p->at, ')'))
            break;
        if (jinja_is_sign(p->at, '*') || jinja_is_sign(p->at, SIGN_POWER)) {
            TRY(jinja_node(p, NODE_SPREAD, p->at, link));
            (*link)->sign = p->at++->sign;
            TRY(parse_conditional(p, &(*link)->a));
        } else if (p->at->kind == TOKEN_NAME && jinja_is_sign(p->at + 1, '=')) {
            TRY(jinja_node(p, NODE_NAMED, p->at, link));
            p->at += 2;
            TRY(parse_conditional(p, &(*link)->a));
            named = 1;
        } else {
            if (named)
                return jinja_expected(p, "a name and '=' after an argument with a name");
            TRY(parse_conditional(p, link));
        }
        link = &(*link)->next;
    }
    p->at++;
    return OK;
}

static Err parse_slice(JinjaParser *p, JinjaNode *item)
{
    JinjaNode **bound[] = {&item->c, &item->body};

    item->kind = NODE_SLICE;
    for (int i = 0; i < 2; i++)
        if (jinja_skip_sign(p, ':') && !jinja_is_sign(p->at, ']') && !jinja_is_sign(p->at, ':'))
            TRY(parse_conditional(p, bound[i]));
    return OK;
}

static Err parse_item(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    TRY(jinja_node(p, NODE_ITEM, p->at++, out));
    (*out)->a = inner;
    if (!jinja_is_sign(p->at, ':'))
        TRY(parse_conditional(p, &(*out)->b));
    if (jinja_is_sign(p->at, ':'))
        TRY(parse_slice(p, *out));
    return jinja_want_sign(p, ']', "after an index");
}

static Err parse_attribute(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    p->at++; // the point
    if (p->at->kind == TOKEN_INT) {
        TRY(jinja_node(p, NODE_ITEM, p->at, out));
        (*out)->a = inner;
        return constant(p, jinja_int(p->at->number), &(*out)->b);
    }
    if (p->at->kind != TOKEN_NAME)
        return jinja_expected(p, "a name or a number after '.'");
    TRY(jinja_node(p, NODE_ATTR, p->at++, out));
    (*out)->a = inner;
    return OK;
}

static Err parse_call(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    TRY(jinja_node(p, NODE_CALL, p->at, out));
    (*out)->a = inner;
    return parse_arguments(p, &(*out)->b);
}

static Err parse_postfix(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    for (;; inner = *out) {
        *out = inner;
        if (jinja_is_sign(p->at, '.'))
            TRY(parse_attribute(p, inner, out));
        else if (jinja_is_sign(p->at, '['))
            TRY(parse_item(p, inner, out));
        else if (jinja_is_sign(p->at, '('))
            TRY(parse_call(p, inner, out));
        else
            return OK;
    }
}

static Err unknown(const JinjaParser *p, const JinjaToken *at, const char *what, const char *near)
{
    return jinja_wrong(p, at, "there is no %s \"%.*s\" here%s%s%s", what, (int)at->length, at->text,
                       near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                       near != NULL ? "?" : "");
}

static const char *short_name(const JinjaToken *t, char *out, int64_t size)
{
    snprintf(out, (size_t)size, "%.*s", (int)t->length, t->text);
    return out;
}

static Err parse_filter(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    const JinjaToken *name = NULL;
    char              word[64];

    TRY(jinja_want_name(p, "the name of a filter", &name));
    TRY(jinja_node(p, NODE_FILTER, name, out));
    (*out)->a = inner;
    (*out)->row = jinja_find_filter(name->text, name->length);
    if ((*out)->row == NULL)
        return unknown(p, name, "filter", jinja_near_filter(short_name(name, word, sizeof word)));
    if (jinja_is_sign(p->at, '('))
        return parse_arguments(p, &(*out)->b);
    return OK;
}

// The argument of a test may stand without brackets.
static int begins_argument(const JinjaToken *t)
{
    static const char *const words[] = {"else", "or", "and", "if", "is", "in", "not"};

    if (t->kind == TOKEN_STRING || t->kind == TOKEN_INT || t->kind == TOKEN_FLOAT)
        return 1;
    if (t->kind == TOKEN_SIGN)
        return t->sign == '[' || t->sign == '{';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (jinja_is_name(t, words[i]))
            return 0;
    return t->kind == TOKEN_NAME;
}

static Err parse_test(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    const JinjaToken *is = p->at++, *name = NULL;
    int               is_negated = jinja_skip_name(p, "not");
    JinjaNode        *test = NULL;
    char              word[64];

    TRY(jinja_want_name(p, "the name of a test", &name));
    TRY(jinja_node(p, NODE_TEST, name, &test));
    test->a = inner;
    test->row = jinja_find_test(name->text, name->length);
    if (test->row == NULL)
        return unknown(p, name, "test", jinja_near_test(short_name(name, word, sizeof word)));
    if (jinja_is_sign(p->at, '(')) {
        TRY(parse_arguments(p, &test->b));
    } else if (begins_argument(p->at)) {
        JinjaNode *argument;

        TRY(jinja_parse_primary(p, &argument));
        TRY(parse_postfix(p, argument, &test->b));
    }
    *out = test;
    if (!is_negated)
        return OK;
    TRY(jinja_node(p, NODE_NOT, is, out));
    (*out)->a = test;
    return OK;
}

Err jinja_parse_filters(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    for (;; inner = *out) {
        *out = inner;
        if (jinja_skip_sign(p, '|'))
            TRY(parse_filter(p, inner, out));
        else if (jinja_is_name(p->at, "is"))
            TRY(parse_test(p, inner, out));
        else if (jinja_is_sign(p->at, '(') && inner != NULL)
            TRY(parse_call(p, inner, out));
        else
            return OK;
    }
}

// ---- operators

static Err parse_signed(JinjaParser *p, JinjaNode **out)
{
    JinjaNodeKind kind = p->at->sign == '-' ? NODE_MINUS : NODE_PLUS;

    TRY(jinja_node(p, kind, p->at++, out));
    return parse_unary(p, 0, &(*out)->a);
}

static Err parse_unary(JinjaParser *p, int with_filters, JinjaNode **out)
{
    JinjaNode *inner = NULL;

    TRY(jinja_deeper(p));
    if (jinja_is_sign(p->at, '-') || jinja_is_sign(p->at, '+'))
        TRY(parse_signed(p, &inner));
    else
        TRY(jinja_parse_primary(p, &inner));
    TRY(parse_postfix(p, inner, out));
    if (with_filters)
        TRY(jinja_parse_filters(p, *out, out));
    p->depth--;
    return OK;
}

typedef Err (*ParseLevel)(JinjaParser *p, JinjaNode **out);

static int is_any(const JinjaToken *t, const int *signs)
{
    for (; *signs != 0; signs++)
        if (jinja_is_sign(t, *signs))
            return 1;
    return 0;
}

// left sign right sign right ..., from the left.
static Err parse_chain(JinjaParser *p, ParseLevel level, const int *signs, JinjaNode **out)
{
    TRY(level(p, out));
    while (is_any(p->at, signs)) {
        JinjaNode *left = *out;

        TRY(jinja_node(p, p->at->sign == '~' ? NODE_JOIN : NODE_BINARY, p->at, out));
        (*out)->sign = p->at++->sign;
        (*out)->a = left;
        TRY(level(p, &(*out)->b));
    }
    return OK;
}

static Err parse_filtered(JinjaParser *p, JinjaNode **out)
{
    return parse_unary(p, 1, out);
}

static Err parse_power(JinjaParser *p, JinjaNode **out)
{
    static const int signs[] = {SIGN_POWER, 0};
    return parse_chain(p, parse_filtered, signs, out);
}

static Err parse_times(JinjaParser *p, JinjaNode **out)
{
    static const int signs[] = {'*', '/', SIGN_FLOOR, '%', 0};
    return parse_chain(p, parse_power, signs, out);
}

static Err parse_join(JinjaParser *p, JinjaNode **out)
{
    static const int signs[] = {'~', 0};
    return parse_chain(p, parse_times, signs, out);
}

static Err parse_sum(JinjaParser *p, JinjaNode **out)
{
    static const int signs[] = {'+', '-', 0};
    return parse_chain(p, parse_join, signs, out);
}

// The comparison at the place, 0 if there is none; passes it.
static int compare_sign(JinjaParser *p)
{
    static const int signs[] = {SIGN_EQUAL, SIGN_UNEQUAL, '<', SIGN_AT_MOST, '>', SIGN_AT_LEAST, 0};

    if (is_any(p->at, signs))
        return p->at++->sign;
    if (jinja_skip_name(p, "in"))
        return SIGN_IN;
    if (jinja_is_name(p->at, "not") && jinja_is_name(p->at + 1, "in")) {
        p->at += 2;
        return SIGN_NOT_IN;
    }
    return 0;
}

static Err parse_compare(JinjaParser *p, JinjaNode **out)
{
    JinjaNode **link = NULL;

    TRY(parse_sum(p, out));
    for (;;) {
        const JinjaToken *at = p->at;
        int               sign = compare_sign(p);

        if (sign == 0)
            return OK;
        if (link == NULL) {
            JinjaNode *first = *out;

            TRY(jinja_node(p, NODE_COMPARE, at, out));
            (*out)->a = first;
            link = &(*out)->b;
        }
        TRY(jinja_node(p, NODE_STEP, at, link));
        (*link)->sign = sign;
        TRY(parse_sum(p, &(*link)->a));
        link = &(*link)->next;
    }
}

static Err parse_not(JinjaParser *p, JinjaNode **out)
{
    if (!jinja_is_name(p->at, "not"))
        return parse_compare(p, out);
    TRY(jinja_deeper(p));
    TRY(jinja_node(p, NODE_NOT, p->at++, out));
    TRY(parse_not(p, &(*out)->a));
    p->depth--;
    return OK;
}

static Err parse_words(JinjaParser *p, ParseLevel level, const char *word, JinjaNodeKind kind,
                       JinjaNode **out)
{
    TRY(level(p, out));
    while (jinja_is_name(p->at, word)) {
        JinjaNode *left = *out;

        TRY(jinja_node(p, kind, p->at++, out));
        (*out)->a = left;
        TRY(level(p, &(*out)->b));
    }
    return OK;
}

static Err parse_and(JinjaParser *p, JinjaNode **out)
{
    return parse_words(p, parse_not, "and", NODE_AND, out);
}

static Err parse_or(JinjaParser *p, JinjaNode **out)
{
    return parse_words(p, parse_and, "or", NODE_OR, out);
}

static Err parse_conditional(JinjaParser *p, JinjaNode **out)
{
    TRY(jinja_deeper(p));
    TRY(parse_or(p, out));
    while (jinja_is_name(p->at, "if")) {
        JinjaNode *yes = *out;

        TRY(jinja_node(p, NODE_CHOICE, p->at++, out));
        (*out)->a = yes;
        TRY(parse_or(p, &(*out)->b));
        if (jinja_skip_name(p, "else"))
            TRY(parse_conditional(p, &(*out)->c));
    }
    p->depth--;
    return OK;
}

Err jinja_parse_expression(JinjaParser *p, JinjaNode **out)
{
    return parse_conditional(p, out);
}

static int ends_tuple(const JinjaToken *t)
{
    return t->kind == TOKEN_VARIABLE_END || t->kind == TOKEN_BLOCK_END || t->kind == TOKEN_END ||
           jinja_is_sign(t, ')');
}

Err jinja_parse_tuple(JinjaParser *p, JinjaTupleKind kind, JinjaNode **out)
{
    ParseLevel        level = kind == TUPLE_WHOLE ? parse_conditional : parse_or;
    const JinjaToken *at = p->at;
    JinjaNode        *first, **link;

    TRY(level(p, &first));
    *out = first;
    if (!jinja_is_sign(p->at, ','))
        return OK;
    TRY(jinja_node(p, NODE_TUPLE, at, out));
    (*out)->a = first;
    link = &first->next;
    while (jinja_skip_sign(p, ',') && !ends_tuple(p->at)) {
        TRY(level(p, link));
        link = &(*link)->next;
    }
    return OK;
}
