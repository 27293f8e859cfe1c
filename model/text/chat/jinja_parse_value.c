// jinja_parse_value.c -- values, and what follows them: attributes, items, calls, filters, tests.
#include "model/text/chat/jinja_private.h"

#include <stdio.h>
#include <string.h>

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
        TRY(jinja_parse_expression(p, link));
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
        TRY(jinja_parse_expression(p, &(*link)->a));
        TRY(jinja_want_sign(p, ':', "after a key"));
        TRY(jinja_parse_expression(p, &(*link)->b));
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
            TRY(jinja_parse_expression(p, &(*link)->a));
        } else if (p->at->kind == TOKEN_NAME && jinja_is_sign(p->at + 1, '=')) {
            TRY(jinja_node(p, NODE_NAMED, p->at, link));
            p->at += 2;
            TRY(jinja_parse_expression(p, &(*link)->a));
            named = 1;
        } else {
            if (named)
                return jinja_expected(p, "a name and '=' after an argument with a name");
            TRY(jinja_parse_expression(p, link));
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
            TRY(jinja_parse_expression(p, bound[i]));
    return OK;
}

static Err parse_item(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
{
    TRY(jinja_node(p, NODE_ITEM, p->at++, out));
    (*out)->a = inner;
    if (!jinja_is_sign(p->at, ':'))
        TRY(jinja_parse_expression(p, &(*out)->b));
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

Err jinja_parse_postfix(JinjaParser *p, JinjaNode *inner, JinjaNode **out)
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
        TRY(jinja_parse_postfix(p, argument, &test->b));
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
