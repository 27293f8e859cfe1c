// jinja_run.c -- statements, and jinja_render.
#include "model/text/chat/jinja_private.h"

#include <string.h>

// ---- setting names

static Err assign(JinjaRun *r, const JinjaNode *target, const JinjaValue *v);

static Err assign_each(JinjaRun *r, const JinjaNode *target, const JinjaValue *v)
{
    const JinjaValue *item;
    int64_t           count, names = 0;

    for (const JinjaNode *m = target->a; m != NULL; m = m->next)
        names++;
    if (v->kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, v);
    TRY(jinja_walk(r, v, &item, &count));
    if (count != names)
        return jinja_fail(r, "%d names for %d values", (int)names, (int)count);
    for (const JinjaNode *m = target->a; m != NULL; m = m->next)
        TRY(assign(r, m, item++));
    return OK;
}

static Err assign_member(JinjaRun *r, const JinjaNode *target, const JinjaValue *v)
{
    JinjaValue space;

    TRY(jinja_eval(r, target->a, &space));
    r->at = target;
    if (space.kind == JINJA_UNDEFINED)
        return jinja_fail_undefined(r, &space);
    if (space.kind != JINJA_NAMESPACE)
        return jinja_fail(r, "only members of a namespace can be set, not those of a %s",
                          jinja_kind_name(&space));
    return jinja_dict_put(r, &space, jinja_string_n(target->text, target->length), *v);
}

static Err assign(JinjaRun *r, const JinjaNode *target, const JinjaValue *v)
{
    r->at = target;
    if (target->kind == NODE_TUPLE)
        return assign_each(r, target, v);
    if (target->kind == NODE_ATTR)
        return assign_member(r, target, v);
    return jinja_set_var(r, target->text, target->length, *v);
}

// ---- statements

static Err run_print(JinjaRun *r, const JinjaNode *n)
{
    JinjaValue v;

    TRY(jinja_eval(r, n->a, &v));
    r->at = n->a;
    return jinja_print(r, r->out, &v);
}

static Err holds(JinjaRun *r, const JinjaNode *condition, int *yes)
{
    JinjaValue v;

    TRY(jinja_eval(r, condition, &v));
    if (v.kind == JINJA_UNDEFINED && v.sub == UNDEFINED_UNSAFE)
        return jinja_fail_undefined(r, &v);
    *yes = jinja_truth(&v);
    return OK;
}

static Err run_if(JinjaRun *r, const JinjaNode *n)
{
    for (const JinjaNode *b = n->a; b != NULL; b = b->next) {
        int yes = 1;

        if (b->a != NULL)
            TRY(holds(r, b->a, &yes));
        if (yes)
            return jinja_run_body(r, b->body);
    }
    return OK;
}

static Err run_in_scope(JinjaRun *r, const JinjaNode *body)
{
    JinjaScope *outer = r->scope;
    Err         e;

    TRY(jinja_push_scope(r));
    e = jinja_run_body(r, body);
    r->scope = outer;
    return e;
}

// Members for which the condition of a loop holds.
static Err choose_items(JinjaRun *r, const JinjaNode *n, const JinjaValue **item, int64_t *count)
{
    JinjaScope *outer = r->scope;
    JinjaValue  kept;

    TRY(jinja_list_make(r, LIST_LIST, 0, &kept));
    for (int64_t i = 0; i < *count; i++) {
        int yes = 0;

        r->scope = outer;
        TRY(jinja_push_scope(r));
        TRY(assign(r, n->a, &(*item)[i]));
        TRY(holds(r, n->c, &yes));
        if (yes)
            TRY(jinja_list_add(r, &kept, (*item)[i]));
    }
    r->scope = outer;
    *item = kept.list->item;
    *count = kept.list->count;
    return OK;
}

// Every round has names of its own: what it sets is gone in the next.
static Err run_round(JinjaRun *r, const JinjaNode *n, const JinjaValue *loop)
{
    const JinjaLoop *l = loop->thing;

    TRY(jinja_push_scope(r));
    TRY(jinja_set_var(r, "loop", 4, *loop));
    TRY(assign(r, n->a, &l->item[l->index]));
    return jinja_run_body(r, n->body);
}

static Err run_rounds(JinjaRun *r, const JinjaNode *n, JinjaLoop *l)
{
    JinjaScope *outer = r->scope;
    JinjaValue  loop = {.kind = JINJA_LOOP, .thing = l};

    for (l->index = 0; l->index < l->count; l->index++) {
        JinjaSignal signal;

        TRY(jinja_charge(r, 1));
        TRY(run_round(r, n, &loop));
        r->scope = outer;
        signal = r->signal;
        r->signal = SIGNAL_NONE;
        if (signal == SIGNAL_BREAK)
            return OK;
    }
    return OK;
}

static Err run_for(JinjaRun *r, const JinjaNode *n)
{
    JinjaValue v;
    JinjaLoop *l;
    void      *p;

    TRY(jinja_eval(r, n->b, &v));
    TRY(jinja_take(r, (int64_t)sizeof *l, &p));
    l = p;
    r->at = n->b;
    TRY(jinja_walk(r, &v, &l->item, &l->count));
    if (n->c != NULL)
        TRY(choose_items(r, n, &l->item, &l->count));
    if (l->count > 0)
        return run_rounds(r, n, l);
    return n->other == NULL ? OK : run_in_scope(r, n->other);
}

static Err run_set(JinjaRun *r, const JinjaNode *n)
{
    JinjaValue v;

    TRY(jinja_eval(r, n->b, &v));
    return assign(r, n->a, &v);
}

static Err run_set_block(JinjaRun *r, const JinjaNode *n)
{
    JinjaBuffer *out = r->out, text = {0};
    JinjaValue   v;

    r->out = &text;
    TRY(run_in_scope(r, n->body)); // after a failure nothing is written any more
    r->out = out;
    r->captured = jinja_buffer_value(&text);
    TRY(jinja_eval(r, n->b, &v));
    return assign(r, n->a, &v);
}

static Err run_with(JinjaRun *r, const JinjaNode *n)
{
    JinjaScope *outer = r->scope, *inner;
    JinjaValue  v;
    Err         e;

    TRY(jinja_push_scope(r));
    inner = r->scope;
    for (const JinjaNode *m = n->a; m != NULL; m = m->next) {
        r->scope = outer; // values do not see the names beside them
        TRY(jinja_eval(r, m->b, &v));
        r->scope = inner;
        TRY(assign(r, m->a, &v));
    }
    e = jinja_run_body(r, n->body);
    r->scope = outer;
    return e;
}

static Err run_macro_definition(JinjaRun *r, const JinjaNode *n)
{
    void *m;

    TRY(jinja_take(r, (int64_t)sizeof(JinjaMacro), &m));
    *(JinjaMacro *)m = (JinjaMacro){n, r->scope};
    return jinja_set_var(r, n->text, n->length, (JinjaValue){.kind = JINJA_MACRO, .thing = m});
}

static Err run_generation(JinjaRun *r, const JinjaNode *n)
{
    JinjaSpan span = {r->out->length, 0};

    if (r->inside_generation)
        return jinja_fail(r, "{%% generation %%} stands inside of another one");
    r->inside_generation = 1;
    TRY(run_in_scope(r, n->body));
    r->inside_generation = 0;
    span.end = r->out->length;
    return jinja_add_text(r, &r->spans, (const char *)&span, (int64_t)sizeof span);
}

static Err run(JinjaRun *r, const JinjaNode *n)
{
    switch (n->kind) {
    case NODE_DATA: return jinja_add_text(r, r->out, n->text, n->length);
    case NODE_PRINT: return run_print(r, n);
    case NODE_IF: return run_if(r, n);
    case NODE_FOR: return run_for(r, n);
    case NODE_SET: return run_set(r, n);
    case NODE_SET_BLOCK: return run_set_block(r, n);
    case NODE_MACRO: return run_macro_definition(r, n);
    case NODE_WITH: return run_with(r, n);
    case NODE_GENERATION: return run_generation(r, n);
    case NODE_BREAK: r->signal = SIGNAL_BREAK; return OK;
    case NODE_CONTINUE: r->signal = SIGNAL_CONTINUE; return OK;
    default: CHECK(0, "node %d is no statement", (int)n->kind);
    }
    return OK;
}

Err jinja_run_body(JinjaRun *r, const JinjaNode *first)
{
    for (const JinjaNode *n = first; n != NULL && r->signal == SIGNAL_NONE; n = n->next) {
        r->at = n;
        TRY(jinja_enter(r));
        TRY(jinja_charge(r, 1));
        TRY(run(r, n));
        r->depth--;
    }
    return OK;
}

Err jinja_render(const Jinja *t, Arena *arena, const JinjaValue *variables, JinjaOutput *out)
{
    JinjaRun r = {.t = t,
                  .pool = {.arena = arena, .max = JINJA_MEMORY_MAX},
                  .steps = JINJA_STEPS_MAX,
                  .variables = variables};

    CHECK(variables->kind == JINJA_DICT, "variables are a dict");
    r.out = &r.main;
    TRY(jinja_push_scope(&r));
    TRY(jinja_run_body(&r, t->body));
    TRY(jinja_add_text(&r, &r.main, "", 1)); // the zero byte
    out->text = r.main.data;
    out->length = r.main.length - 1;
    out->span = (JinjaSpan *)(void *)r.spans.data;
    out->spans = r.spans.length / (int64_t)sizeof(JinjaSpan);
    return OK;
}
