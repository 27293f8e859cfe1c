// jinja_parse.c -- expressions as trees.  From the weakest binding to the strongest: if-else, or,
// and, not, comparisons, + -, ~, * / // %, **, signs; then calls, items, filters and tests.
#include "model/text/chat/jinja_private.h"

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

static Err parse_unary(JinjaParser *p, int with_filters, JinjaNode **out);
static Err parse_conditional(JinjaParser *p, JinjaNode **out);

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
    TRY(jinja_parse_postfix(p, inner, out));
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
