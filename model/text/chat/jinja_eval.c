// jinja_eval.c -- what an expression is worth.
#include "model/text/chat/jinja_private.h"

#include <string.h>

Err jinja_enter(JinjaRun *r)
{
    if (r->depth >= JINJA_DEPTH_MAX)
        return jinja_fail(r,
                          "expressions, blocks, macros or values stand more than %d levels deep "
                          "inside of each other",
                          JINJA_DEPTH_MAX);
    r->depth++;
    return OK;
}

// ---- arguments

static Err add_name(JinjaRun *r, JinjaValue *names, JinjaValue name, JinjaValue value)
{
    if (name.kind != JINJA_STRING)
        return jinja_fail(r, "the name of an argument must be a text");
    if (jinja_dict_get(names->dict, name.text, name.length) != NULL)
        return jinja_fail(r, "the argument %.*s is given twice",
                          (int)(name.length > 60 ? 60 : name.length), name.text);
    return jinja_dict_put(r, names, name, value);
}

static Err spread(JinjaRun *r, const JinjaNode *n, JinjaValue *plain, JinjaValue *names)
{
    const JinjaValue *item;
    JinjaValue        v;
    int64_t           count;

    TRY(jinja_eval(r, n->a, &v));
    r->at = n;
    if (n->sign == '*') {
        TRY(jinja_walk(r, &v, &item, &count));
        for (int64_t i = 0; i < count; i++)
            TRY(jinja_list_add(r, plain, item[i]));
        return OK;
    }
    if (v.kind != JINJA_DICT)
        return jinja_fail(r, "** takes a dict, not a %s", jinja_kind_name(&v));
    for (int64_t i = 0; i < v.dict->count; i++)
        TRY(add_name(r, names, v.dict->pair[i].key, v.dict->pair[i].value));
    return OK;
}

static Err split_names(JinjaRun *r, const JinjaDict *d, JinjaCall *c)
{
    void *p;

    c->names = d->count;
    if (d->count == 0)
        return OK;
    TRY(jinja_take(r, d->count * (int64_t)sizeof *c->named, &p));
    c->named = p;
    TRY(jinja_take(r, d->count * (int64_t)sizeof *c->name, &p));
    c->name = p;
    TRY(jinja_take(r, d->count * (int64_t)sizeof *c->name_length, &p));
    c->name_length = p;
    for (int64_t i = 0; i < d->count; i++) {
        c->named[i] = d->pair[i].value;
        c->name[i] = d->pair[i].key.text;
        c->name_length[i] = d->pair[i].key.length;
    }
    return OK;
}

static Err eval_arguments(JinjaRun *r, const JinjaNode *first, JinjaCall *c)
{
    JinjaValue plain, names, v;

    *c = (JinjaCall){0};
    if (first == NULL)
        return OK;
    TRY(jinja_list_make(r, LIST_LIST, 0, &plain));
    TRY(jinja_dict_make(r, &names));
    for (const JinjaNode *n = first; n != NULL; n = n->next) {
        if (n->kind == NODE_SPREAD) {
            TRY(spread(r, n, &plain, &names));
            continue;
        }
        TRY(jinja_eval(r, n->kind == NODE_NAMED ? n->a : n, &v));
        r->at = n;
        if (n->kind == NODE_NAMED)
            TRY(add_name(r, &names, jinja_string_n(n->text, n->length), v));
        else
            TRY(jinja_list_add(r, &plain, v));
    }
    c->arg = plain.list->item;
    c->count = plain.list->count;
    return split_names(r, names.dict, c);
}

// ---- members of a list or dict

static Err eval_list(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue member;

    TRY(jinja_list_make(r, n->kind == NODE_TUPLE ? LIST_TUPLE : LIST_LIST, 0, out));
    for (const JinjaNode *m = n->a; m != NULL; m = m->next) {
        TRY(jinja_eval(r, m, &member));
        TRY(jinja_list_add(r, out, member));
    }
    return OK;
}

static Err eval_dict(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue key, value;

    TRY(jinja_dict_make(r, out));
    for (const JinjaNode *m = n->a; m != NULL; m = m->next) {
        TRY(jinja_eval(r, m->a, &key));
        TRY(jinja_eval(r, m->b, &value));
        TRY(jinja_dict_put(r, out, key, value));
    }
    return OK;
}

static Err eval_slice(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    const JinjaNode *node[3] = {n->b, n->c, n->body};
    JinjaValue       whole, bound[3];

    TRY(jinja_eval(r, n->a, &whole));
    for (int i = 0; i < 3; i++) {
        bound[i] = jinja_none();
        if (node[i] != NULL)
            TRY(jinja_eval(r, node[i], &bound[i]));
    }
    r->at = n;
    return jinja_slice(r, &whole, bound, out);
}

// ---- operators

static Err compare(JinjaRun *r, int sign, const JinjaValue *a, const JinjaValue *b, int *yes)
{
    int order = 0;

    switch (sign) {
    case SIGN_EQUAL: return jinja_equal(r, a, b, yes);
    case SIGN_UNEQUAL:
        TRY(jinja_equal(r, a, b, yes));
        *yes = !*yes;
        return OK;
    case SIGN_IN: return jinja_contains(r, b, a, yes);
    case SIGN_NOT_IN:
        TRY(jinja_contains(r, b, a, yes));
        *yes = !*yes;
        return OK;
    default: TRY(jinja_order(r, a, b, &order));
    }
    *yes = sign == '<'             ? order < 0
           : sign == '>'           ? order > 0
           : sign == SIGN_AT_LEAST ? order >= 0
                                   : order <= 0;
    if (jinja_is_number(a) && jinja_is_number(b) &&
        (jinja_real(a) != jinja_real(a) || jinja_real(b) != jinja_real(b)))
        *yes = 0; // what is no number has no order
    return OK;
}

// a < b < c is a < b and b < c.
static Err eval_compare(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue left, right;
    int        yes = 1;

    TRY(jinja_eval(r, n->a, &left));
    for (const JinjaNode *step = n->b; step != NULL && yes; step = step->next) {
        TRY(jinja_eval(r, step->a, &right));
        r->at = step;
        TRY(compare(r, step->sign, &left, &right, &yes));
        left = right;
    }
    *out = jinja_bool(yes);
    return OK;
}

static Err truth(JinjaRun *r, const JinjaValue *v, int *yes)
{
    if (v->kind == JINJA_UNDEFINED && v->sub == UNDEFINED_UNSAFE)
        return jinja_fail_undefined(r, v);
    *yes = jinja_truth(v);
    return OK;
}

static Err eval_logic(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    int yes = 0;

    TRY(jinja_eval(r, n->a, out));
    TRY(truth(r, out, &yes));
    if (n->kind == NODE_NOT)
        *out = jinja_bool(!yes);
    else if (yes == (n->kind == NODE_AND))
        return jinja_eval(r, n->b, out);
    return OK;
}

static Err eval_choice(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    static const char words[] = "the condition is false, and there is no else";
    int               yes = 0;

    TRY(jinja_eval(r, n->b, out));
    TRY(truth(r, out, &yes));
    if (yes)
        return jinja_eval(r, n->a, out);
    if (n->c != NULL)
        return jinja_eval(r, n->c, out);
    *out = jinja_undefined(UNDEFINED_MISSING, words, sizeof words - 1);
    return OK;
}

static Err eval_two(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue a, b;

    TRY(jinja_eval(r, n->a, &a));
    TRY(jinja_eval(r, n->b, &b));
    r->at = n;
    if (n->kind == NODE_JOIN)
        return jinja_concat(r, &a, &b, out);
    if (n->kind == NODE_ITEM)
        return jinja_item(r, &a, &b, out);
    return jinja_binary(r, n->sign, &a, &b, out);
}

static Err eval_signed(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue zero = jinja_int(0), v;

    TRY(jinja_eval(r, n->a, &v));
    r->at = n;
    if (v.kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, &v);
    if (!jinja_is_number(&v))
        return jinja_fail(r, "a %s has no sign", jinja_kind_name(&v));
    if (v.kind == JINJA_FLOAT) {
        *out = jinja_float(n->kind == NODE_MINUS ? -v.real : v.real);
        return OK;
    }
    return jinja_binary(r, n->kind == NODE_MINUS ? '-' : '+', &zero, &v, out);
}

// ---- calls

static Err eval_call(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue f;
    JinjaCall  call;

    TRY(jinja_eval(r, n->a, &f));
    TRY(eval_arguments(r, n->b, &call));
    r->at = n->a->kind == NODE_ATTR || n->a->kind == NODE_NAME ? n->a : n;
    return jinja_call(r, &f, &call, out);
}

static Err eval_filter(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue in;
    JinjaCall  call;

    TRY(jinja_eval(r, n->a, &in));
    TRY(eval_arguments(r, n->b, &call));
    r->at = n;
    return jinja_apply(r, n->kind == NODE_FILTER ? "the filter" : "the test", n->row, &in, &call,
                       out);
}

static Err eval_attr(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    JinjaValue v;

    TRY(jinja_eval(r, n->a, &v));
    r->at = n;
    return jinja_attr(r, &v, n->text, n->length, out);
}

static Err eval(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    switch (n->kind) {
    case NODE_CONST: *out = n->value; return OK;
    case NODE_NAME: return jinja_get_var(r, n->text, n->length, out);
    case NODE_CAPTURED: *out = r->captured; return OK;
    case NODE_TUPLE:
    case NODE_LIST: return eval_list(r, n, out);
    case NODE_DICT: return eval_dict(r, n, out);
    case NODE_ATTR: return eval_attr(r, n, out);
    case NODE_SLICE: return eval_slice(r, n, out);
    case NODE_CALL: return eval_call(r, n, out);
    case NODE_FILTER:
    case NODE_TEST: return eval_filter(r, n, out);
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT: return eval_logic(r, n, out);
    case NODE_MINUS:
    case NODE_PLUS: return eval_signed(r, n, out);
    case NODE_ITEM:
    case NODE_BINARY:
    case NODE_JOIN: return eval_two(r, n, out);
    case NODE_COMPARE: return eval_compare(r, n, out);
    case NODE_CHOICE: return eval_choice(r, n, out);
    default: CHECK(0, "node %d is no expression", (int)n->kind);
    }
    return OK;
}

Err jinja_eval(JinjaRun *r, const JinjaNode *n, JinjaValue *out)
{
    Err e;

    r->at = n;
    TRY(jinja_enter(r));
    TRY(jinja_charge(r, 1));
    e = eval(r, n, out);
    r->depth--;
    return e;
}
