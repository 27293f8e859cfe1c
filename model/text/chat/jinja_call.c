// jinja_call.c -- calls: arguments by parameter, macros, methods, and the functions there are.
#include "model/text/chat/jinja_private.h"

#include <string.h>

// ---- filters, tests and methods

static Err fill_named(JinjaRun *r, const char *what, const JinjaRow *row, const JinjaCall *c,
                      JinjaArgs *a)
{
    for (int64_t i = 0; i < c->names; i++) {
        int k = 0;

        while (k < JINJA_SLOTS && row->parameter[k] != NULL &&
               !jinja_is_bytes(c->name[i], c->name_length[i], row->parameter[k],
                               (int64_t)strlen(row->parameter[k])))
            k++;
        if (k == JINJA_SLOTS || row->parameter[k] == NULL)
            return jinja_fail(r, "%s %s has no parameter %.*s", what, row->name,
                              (int)c->name_length[i], c->name[i]);
        if (a->slot[k] != NULL)
            return jinja_fail(r, "%s %s is given %s twice", what, row->name, row->parameter[k]);
        a->slot[k] = &c->named[i];
    }
    return OK;
}

static Err fill(JinjaRun *r, const char *what, const JinjaRow *row, const JinjaCall *c,
                JinjaArgs *a)
{
    for (int64_t i = 0; i < c->count; i++) {
        if (i == JINJA_SLOTS || row->parameter[i] == NULL)
            return jinja_fail(r, "%s %s takes %d arguments at most", what, row->name, (int)i);
        a->slot[i] = &c->arg[i];
    }
    TRY(fill_named(r, what, row, c, a));
    for (int i = 0; i < row->needed; i++)
        if (a->slot[i] == NULL)
            return jinja_fail(r, "%s %s needs an argument %s", what, row->name, row->parameter[i]);
    return OK;
}

Err jinja_apply(JinjaRun *r, const char *what, const JinjaRow *row, const JinjaValue *in,
                const JinjaCall *call, JinjaValue *out)
{
    JinjaArgs a = {.call = call};

    if (row->parameter[0] == NULL || row->parameter[0][0] != '*')
        TRY(fill(r, what, row, call, &a));
    else if (call->count < row->needed)
        return jinja_fail(r, "%s %s needs %d arguments", what, row->name, row->needed);
    return row->run(r, in, &a, out);
}

const JinjaRow *jinja_find_row(const JinjaRow *rows, const char *name, int64_t length)
{
    for (; rows->name != NULL; rows++)
        if (jinja_is_bytes(name, length, rows->name, (int64_t)strlen(rows->name)))
            return rows;
    return NULL;
}

// ---- macros

static const JinjaValue *given(const JinjaCall *c, int64_t position, const JinjaNode *parameter)
{
    if (position < c->count)
        return &c->arg[position];
    for (int64_t i = 0; i < c->names; i++)
        if (jinja_is_bytes(c->name[i], c->name_length[i], parameter->text, parameter->length))
            return &c->named[i];
    return NULL;
}

static Err bind_macro(JinjaRun *r, const JinjaNode *n, const JinjaCall *c)
{
    int64_t position = 0, used = c->count;

    for (const JinjaNode *m = n->a; m != NULL; m = m->next, position++) {
        const JinjaValue *v = given(c, position, m);
        JinjaValue        standard = jinja_undefined(UNDEFINED_NAME, m->text, m->length);

        used += v != NULL && position >= c->count;
        TRY(jinja_charge(r, 1 + c->names / 16));
        if (v == NULL && m->a != NULL)
            TRY(jinja_eval(r, m->a, &standard));
        TRY(jinja_set_var(r, m->text, m->length, v != NULL ? *v : standard));
    }
    if (c->count > position)
        return jinja_fail(r, "the macro %.*s takes %d arguments at most", (int)n->length, n->text,
                          (int)position);
    if (used < c->count + c->names)
        return jinja_fail(r, "the macro %.*s is given an argument that it has not, or one twice",
                          (int)n->length, n->text);
    return OK;
}

static Err run_macro(JinjaRun *r, const JinjaMacro *m, const JinjaCall *c, JinjaBuffer *text)
{
    JinjaBuffer *out = r->out;
    JinjaScope  *scope = r->scope;
    Err          e;

    r->scope = m->scope;
    TRY(jinja_push_scope(r));
    TRY(bind_macro(r, m->node, c));
    r->out = text;
    e = jinja_run_body(r, m->node->body);
    r->out = out;
    r->scope = scope;
    return e;
}

static Err call_macro(JinjaRun *r, const JinjaMacro *m, const JinjaCall *c, JinjaValue *out)
{
    JinjaBuffer text = {0};
    Err         e;

    TRY(jinja_enter(r));
    e = run_macro(r, m, c, &text);
    r->depth--;
    *out = jinja_buffer_value(&text);
    return e;
}

// ---- functions

static Err fill_dict(JinjaRun *r, const JinjaCall *c, JinjaValue *out)
{
    TRY(jinja_dict_make(r, out));
    if (c->count > 1 || (c->count == 1 && c->arg[0].kind != JINJA_DICT))
        return jinja_fail(r, "expected names with values, or one dict");
    for (int64_t i = 0; c->count == 1 && i < c->arg[0].dict->count; i++)
        TRY(jinja_dict_put(r, out, c->arg[0].dict->pair[i].key, c->arg[0].dict->pair[i].value));
    for (int64_t i = 0; i < c->names; i++)
        TRY(jinja_dict_put(r, out, jinja_string_n(c->name[i], c->name_length[i]), c->named[i]));
    return OK;
}

static Err function_namespace(JinjaRun *r, const JinjaCall *c, JinjaValue *out)
{
    TRY(fill_dict(r, c, out));
    out->kind = JINJA_NAMESPACE;
    return OK;
}

static Err function_raise(JinjaRun *r, const JinjaCall *c, JinjaValue *out)
{
    JinjaValue words;

    if (c->count != 1 || c->names > 0)
        return jinja_fail(r, "raise_exception takes one argument");
    TRY(jinja_text_of(r, &c->arg[0], &words));
    *out = jinja_none();
    return jinja_fail(r, "the template refuses: %.*s",
                      (int)(words.length > 1500 ? 1500 : words.length), words.text);
}

static Err function_range(JinjaRun *r, const JinjaCall *c, JinjaValue *out)
{
    int64_t n[3] = {0, 0, 1}, span, count;

    if (c->count < 1 || c->count > 3 || c->names > 0)
        return jinja_fail(r, "range takes one to three integers");
    for (int64_t i = 0; i < c->count; i++) {
        if (c->arg[i].kind == JINJA_UNDEFINED)
            return jinja_fail_undefined(r, &c->arg[i]);
        if (c->arg[i].kind != JINJA_INT && c->arg[i].kind != JINJA_BOOL)
            return jinja_fail(r, "range takes integers, not a %s", jinja_kind_name(&c->arg[i]));
        n[c->count == 1 ? 1 : i] = c->arg[i].number;
    }
    if (n[2] == 0)
        return jinja_fail(r, "the step of range is 0");
    if (__builtin_sub_overflow(n[1], n[0], &span) || n[2] == INT64_MIN)
        return jinja_fail(r, "range has more than %d members", JINJA_RANGE_MAX);
    count = (span > 0) != (n[2] > 0) || span == 0 ? 0 : (span - (span > 0 ? 1 : -1)) / n[2] + 1;
    if (count > JINJA_RANGE_MAX)
        return jinja_fail(r, "range has more than %d members", JINJA_RANGE_MAX);
    TRY(jinja_list_make(r, LIST_RANGE, count, out));
    for (int64_t i = 0; i < count; i++)
        TRY(jinja_list_add(r, out, jinja_int(n[0] + i * n[2])));
    out->list->start = n[0];
    out->list->stop = n[1];
    out->list->step = n[2];
    return jinja_charge(r, count / 16);
}

typedef struct Function {
    const char *name;
    Err (*run)(JinjaRun *r, const JinjaCall *c, JinjaValue *out);
} Function;

static const Function FUNCTIONS[] = {{"namespace", function_namespace},
                                     {"raise_exception", function_raise},
                                     {"range", function_range},
                                     {"dict", fill_dict}};

enum { FUNCTION_COUNT = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

// ---- names

Err jinja_push_scope(JinjaRun *r)
{
    void *p;

    TRY(jinja_take(r, (int64_t)sizeof(JinjaScope), &p));
    *(JinjaScope *)p = (JinjaScope){.parent = r->scope};
    r->scope = p;
    return OK;
}

Err jinja_set_var(JinjaRun *r, const char *name, int64_t length, JinjaValue value)
{
    int64_t looked = 0;
    void   *p;

    for (JinjaVar *v = r->scope->first; v != NULL; v = v->next, looked++)
        if (jinja_is_bytes(v->name, v->length, name, length)) {
            v->value = value;
            return jinja_charge(r, looked / 16);
        }
    TRY(jinja_charge(r, looked / 16));
    TRY(jinja_take(r, (int64_t)sizeof(JinjaVar), &p));
    *(JinjaVar *)p = (JinjaVar){name, length, value, r->scope->first};
    r->scope->first = p;
    return OK;
}

Err jinja_get_var(JinjaRun *r, const char *name, int64_t length, JinjaValue *out)
{
    const JinjaValue *given_value;
    int64_t           looked = 0;

    for (const JinjaScope *s = r->scope; s != NULL; s = s->parent)
        for (const JinjaVar *v = s->first; v != NULL; v = v->next, looked++)
            if (jinja_is_bytes(v->name, v->length, name, length)) {
                *out = v->value;
                return jinja_charge(r, looked / 16);
            }
    given_value = jinja_dict_get(r->variables->dict, name, length);
    if (given_value != NULL) {
        *out = *given_value;
        return jinja_charge(r, looked / 16);
    }
    *out = jinja_undefined(UNDEFINED_NAME, name, length);
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (jinja_is_bytes(name, length, FUNCTIONS[i].name, (int64_t)strlen(FUNCTIONS[i].name)))
            *out = (JinjaValue){.kind = JINJA_FUNCTION, .number = i};
    return jinja_charge(r, looked / 16);
}

Err jinja_call(JinjaRun *r, const JinjaValue *f, const JinjaCall *c, JinjaValue *out)
{
    const JinjaMethod *m = f->thing;

    switch (f->kind) {
    case JINJA_MACRO: return call_macro(r, f->thing, c, out);
    case JINJA_METHOD: return jinja_apply(r, "the method", m->row, &m->self, c, out);
    case JINJA_FUNCTION: return FUNCTIONS[f->number].run(r, c, out);
    case JINJA_UNDEFINED:
        if (f->sub == UNDEFINED_NAME && jinja_is_bytes(f->text, f->length, "strftime_now", 12))
            return jinja_fail(r, "'strftime_now' is undefined: the template asks for the time, "
                                 "which was not given");
        return jinja_fail_undefined(r, f);
    case JINJA_TIME:
        if (c->count != 1 || c->names > 0 || c->arg[0].kind != JINJA_STRING)
            return jinja_fail(r, "strftime_now takes one text");
        return jinja_strftime(r, f->number, &c->arg[0], out);
    default: return jinja_fail(r, "a %s cannot be called", jinja_kind_name(f));
    }
}
