// jinja_parse_block.c -- statements, and what stands between them, as trees; jinja_compile.
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TREE_MEMORY_MAX = 512 << 20 }; // more than any template of the largest size needs

// The words at which a body ends; the statement stays to be read.  All NULL: the template's end.
typedef struct Ends {
    const char *first, *second, *third;
} Ends;

static Err parse_body(JinjaParser *p, Ends ends, JinjaNode **out);
static Err parse_target(JinjaParser *p, JinjaNode **out);

static Err want_block_end(JinjaParser *p, const char *what)
{
    char words[96];

    if (p->at->kind == TOKEN_BLOCK_END) {
        p->at++;
        return OK;
    }
    snprintf(words, sizeof words, "%%} at the end of {%% %s", what);
    return jinja_expected(p, words);
}

// Reads "{% word %}", at which a body has ended.
static Err pass_end(JinjaParser *p, const char *word)
{
    p->at += 2;
    return want_block_end(p, word);
}

static int body_ended_at(const JinjaParser *p, const char *word)
{
    return jinja_is_name(p->at + 1, word);
}

// ---- targets of set and for

static int is_reserved(const JinjaToken *t)
{
    static const char *const names[] = {"true", "True", "false", "False", "none", "None"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (jinja_is_name(t, names[i]))
            return 1;
    return 0;
}

static Err parse_target_name(JinjaParser *p, JinjaNode **out)
{
    const JinjaToken *name = NULL;

    if (jinja_skip_sign(p, '(')) {
        TRY(jinja_deeper(p));
        TRY(parse_target(p, out));
        p->depth--;
        return jinja_want_sign(p, ')', "after names");
    }
    if (is_reserved(p->at))
        return jinja_expected(p, "a name that can be set");
    TRY(jinja_want_name(p, "a name to set", &name));
    TRY(jinja_node(p, NODE_NAME, name, out));
    if (jinja_skip_sign(p, '.')) {
        JinjaNode *space = *out;

        TRY(jinja_want_name(p, "a name after '.'", &name));
        TRY(jinja_node(p, NODE_ATTR, name, out));
        (*out)->a = space;
    }
    return OK;
}

static Err parse_target(JinjaParser *p, JinjaNode **out)
{
    const JinjaToken *at = p->at;
    JinjaNode        *first, **link;

    TRY(parse_target_name(p, &first));
    *out = first;
    if (!jinja_is_sign(p->at, ','))
        return OK;
    TRY(jinja_node(p, NODE_TUPLE, at, out));
    (*out)->a = first;
    link = &first->next;
    while (jinja_skip_sign(p, ',') && (p->at->kind == TOKEN_NAME || jinja_is_sign(p->at, '(')) &&
           !jinja_is_name(p->at, "in")) {
        TRY(parse_target_name(p, link));
        link = &(*link)->next;
    }
    return OK;
}

// ---- statements; p->at is behind their word

static Err parse_if(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"elif", "else", "endif"}, last = {"endif", NULL, NULL};
    JinjaNode       **link;

    TRY(jinja_node(p, NODE_IF, at, out));
    link = &(*out)->a;
    for (;;) {
        TRY(jinja_node(p, NODE_BRANCH, p->at, link));
        TRY(jinja_parse_tuple(p, TUPLE_PLAIN, &(*link)->a));
        TRY(want_block_end(p, "if"));
        TRY(parse_body(p, ends, &(*link)->body));
        link = &(*link)->next;
        if (!body_ended_at(p, "elif"))
            break;
        p->at += 2;
    }
    if (body_ended_at(p, "else")) {
        TRY(jinja_node(p, NODE_BRANCH, p->at + 1, link));
        TRY(pass_end(p, "else"));
        TRY(parse_body(p, last, &(*link)->body));
    }
    return pass_end(p, "endif");
}

static Err parse_for(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"else", "endfor", NULL}, last = {"endfor", NULL, NULL};
    JinjaNode        *n;

    TRY(jinja_node(p, NODE_FOR, at, out));
    n = *out;
    TRY(parse_target(p, &n->a));
    if (!jinja_skip_name(p, "in"))
        return jinja_expected(p, "\"in\" after the names of {% for");
    TRY(jinja_parse_tuple(p, TUPLE_PLAIN, &n->b));
    if (jinja_skip_name(p, "if"))
        TRY(jinja_parse_expression(p, &n->c));
    if (jinja_is_name(p->at, "recursive"))
        return jinja_wrong(p, p->at, "recursive loops are not supported");
    TRY(want_block_end(p, "for"));
    p->loops++;
    TRY(parse_body(p, ends, &n->body));
    p->loops--;
    if (body_ended_at(p, "else")) {
        TRY(pass_end(p, "else"));
        TRY(parse_body(p, last, &n->other));
    }
    return pass_end(p, "endfor");
}

static Err parse_captured(JinjaParser *p, Ends ends, JinjaNode **body)
{
    int loops = p->loops;

    p->loops = 0; // break does not leave a macro
    p->captures++;
    TRY(parse_body(p, ends, body));
    p->captures--;
    p->loops = loops;
    return OK;
}

static Err parse_set(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"endset", NULL, NULL};
    JinjaNode        *n, *captured;

    TRY(jinja_node(p, NODE_SET, at, out));
    n = *out;
    TRY(parse_target(p, &n->a));
    if (jinja_skip_sign(p, '=')) {
        TRY(jinja_parse_tuple(p, TUPLE_WHOLE, &n->b));
        return want_block_end(p, "set");
    }
    n->kind = NODE_SET_BLOCK;
    TRY(jinja_node(p, NODE_CAPTURED, p->at, &captured));
    TRY(jinja_parse_filters(p, captured, &n->b));
    if (p->at->kind != TOKEN_BLOCK_END)
        return jinja_expected(p, "'=', a filter or %} after the name of {% set");
    p->at++;
    TRY(parse_captured(p, ends, &n->body));
    return pass_end(p, "endset");
}

static Err parse_parameters(JinjaParser *p, JinjaNode **link)
{
    const JinjaToken *name = NULL;
    int               with_default = 0;

    TRY(jinja_want_sign(p, '(', "after the name of a macro"));
    while (!jinja_is_sign(p->at, ')')) {
        TRY(jinja_want_name(p, "the name of a parameter or ')'", &name));
        TRY(jinja_node(p, NODE_PARAMETER, name, link));
        if (jinja_skip_sign(p, '=')) {
            TRY(jinja_parse_expression(p, &(*link)->a));
            with_default = 1;
        } else if (with_default) {
            return jinja_wrong(p, name, "expected a default after a parameter with a default");
        }
        link = &(*link)->next;
        if (!jinja_is_sign(p->at, ')'))
            TRY(jinja_want_sign(p, ',', "or ')' after a parameter"));
    }
    p->at++;
    return OK;
}

static Err parse_macro(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"endmacro", NULL, NULL};
    const JinjaToken *name = NULL;

    (void)at;
    TRY(jinja_want_name(p, "the name of a macro", &name));
    TRY(jinja_node(p, NODE_MACRO, name, out));
    TRY(parse_parameters(p, &(*out)->a));
    TRY(want_block_end(p, "macro"));
    TRY(parse_captured(p, ends, &(*out)->body));
    p->at += 2;
    p->at += p->at->kind == TOKEN_NAME; // the name may stand again
    return want_block_end(p, "endmacro");
}

static Err parse_with(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"endwith", NULL, NULL};
    JinjaNode       **link;

    TRY(jinja_node(p, NODE_WITH, at, out));
    link = &(*out)->a;
    while (p->at->kind != TOKEN_BLOCK_END) {
        if (link != &(*out)->a)
            TRY(jinja_want_sign(p, ',', "or %} in {% with"));
        TRY(jinja_node(p, NODE_SET, p->at, link));
        TRY(parse_target_name(p, &(*link)->a));
        TRY(jinja_want_sign(p, '=', "after a name of {% with"));
        TRY(jinja_parse_expression(p, &(*link)->b));
        link = &(*link)->next;
    }
    p->at++;
    TRY(parse_body(p, ends, &(*out)->body));
    return pass_end(p, "endwith");
}

static Err parse_generation(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    static const Ends ends = {"endgeneration", NULL, NULL};

    if (p->captures > 0)
        return jinja_wrong(p, at,
                           "{%% generation %%} stands in a macro or a block set, where its place "
                           "in the text is not known");
    TRY(jinja_node(p, NODE_GENERATION, at, out));
    TRY(want_block_end(p, "generation"));
    TRY(parse_body(p, ends, &(*out)->body));
    p->generation = 1;
    return pass_end(p, "endgeneration");
}

static Err parse_jump(JinjaParser *p, const JinjaToken *at, JinjaNode **out)
{
    int is_break = jinja_is_name(at, "break");

    if (p->loops == 0)
        return jinja_wrong(p, at, "{%% %s %%} stands outside of a loop",
                           is_break ? "break" : "continue");
    TRY(jinja_node(p, is_break ? NODE_BREAK : NODE_CONTINUE, at, out));
    return want_block_end(p, is_break ? "break" : "continue");
}

typedef struct Statement {
    const char *name;
    Err (*parse)(JinjaParser *p, const JinjaToken *at, JinjaNode **out); // NULL: refused
} Statement;

static const Statement STATEMENTS[] = {{"if", parse_if},      {"for", parse_for},
                                       {"set", parse_set},    {"macro", parse_macro},
                                       {"with", parse_with},  {"generation", parse_generation},
                                       {"break", parse_jump}, {"continue", parse_jump},
                                       {"include", NULL},     {"extends", NULL},
                                       {"import", NULL},      {"from", NULL},
                                       {"block", NULL},       {"call", NULL},
                                       {"filter", NULL},      {"autoescape", NULL},
                                       {"do", NULL},          {"print", NULL},
                                       {"trans", NULL}};

static Err unknown_statement(const JinjaParser *p)
{
    char words[256];

    if (p->at->kind != TOKEN_NAME)
        return jinja_expected(p, "the name of a statement after {%");
    jinja_show_token(p->at, words, sizeof words);
    if (p->at->length > 3 && memcmp(p->at->text, "end", 3) == 0)
        return jinja_wrong(p, p->at, "%s ends nothing that stands open here", words);
    return jinja_wrong(p, p->at,
                       "there is no statement %s (known: if, for, set, macro, with, generation, "
                       "break, continue, raw)",
                       words);
}

static Err parse_statement(JinjaParser *p, JinjaNode **out)
{
    const JinjaToken *at;

    p->at++; // {%
    at = p->at;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        if (!jinja_is_name(at, STATEMENTS[i].name))
            continue;
        if (STATEMENTS[i].parse == NULL)
            return jinja_wrong(p, at, "the statement {%% %s %%} is not supported in chat templates",
                               STATEMENTS[i].name);
        p->at++;
        return STATEMENTS[i].parse(p, at, out);
    }
    return unknown_statement(p);
}

static Err parse_print(JinjaParser *p, JinjaNode **out)
{
    TRY(jinja_node(p, NODE_PRINT, p->at++, out));
    TRY(jinja_parse_tuple(p, TUPLE_WHOLE, &(*out)->a));
    if (p->at->kind != TOKEN_VARIABLE_END)
        return jinja_expected(p, "}} or an operator after an expression");
    p->at++;
    return OK;
}

static int is_end(const JinjaParser *p, Ends ends)
{
    const char *words[] = {ends.first, ends.second, ends.third};

    for (int i = 0; i < 3; i++)
        if (p->at->kind == TOKEN_BLOCK_BEGIN && words[i] != NULL &&
            jinja_is_name(p->at + 1, words[i]))
            return 1;
    return 0;
}

// What is missing at the end of the template; the body begins behind the statement it belongs to.
static Err open_body(const JinjaParser *p, Ends ends, const JinjaToken *begin)
{
    const char *end = ends.third != NULL    ? ends.third
                      : ends.second != NULL ? ends.second
                                            : ends.first;

    do
        begin--;
    while (begin->kind != TOKEN_BLOCK_BEGIN);
    return jinja_wrong(p, p->at,
                       "expected {%% %s %%} for the block that begins at line %d, column %d, found "
                       "the end of the template",
                       end, begin->line, begin->column);
}

static Err parse_body(JinjaParser *p, Ends ends, JinjaNode **out)
{
    const JinjaToken *begin = p->at;

    TRY(jinja_deeper(p));
    for (; !is_end(p, ends); out = &(*out)->next) {
        if (p->at->kind == TOKEN_END && ends.first == NULL)
            break;
        if (p->at->kind == TOKEN_END)
            return open_body(p, ends, begin);
        if (p->at->kind == TOKEN_DATA)
            TRY(jinja_node(p, NODE_DATA, p->at++, out));
        else if (p->at->kind == TOKEN_VARIABLE_BEGIN)
            TRY(parse_print(p, out));
        else
            TRY(parse_statement(p, out));
    }
    p->depth--;
    return OK;
}

Err jinja_parse_tree(JinjaParser *p, JinjaNode **out)
{
    *out = NULL;
    return parse_body(p, (Ends){NULL, NULL, NULL}, out);
}

// ---- compiling

Err jinja_compile(Arena *run, const char *name, const char *text, int64_t length, Jinja **out)
{
    JinjaPool   pool = {.arena = run, .max = TREE_MEMORY_MAX};
    JinjaParser p = {.pool = &pool};
    int64_t     name_length = (int64_t)strlen(name);
    char       *kept = jinja_push(&pool, name_length + 1);
    Jinja      *t = jinja_push(&pool, (int64_t)sizeof *t);
    JinjaTokens tokens;

    if (length > JINJA_TEMPLATE_BYTES_MAX)
        FAIL(ERR_DATA, "%s: expected a template of at most %d bytes, found %" PRId64, name,
             JINJA_TEMPLATE_BYTES_MAX, length);
    if (kept == NULL || t == NULL)
        FAIL(ERR_DATA, "%s: no room for a template in the %s arena", name, run->name);
    p.name = t->name = memcpy(kept, name, (size_t)name_length);
    TRY(jinja_lex(&pool, p.name, text, length, &tokens));
    p.at = tokens.token;
    TRY(jinja_parse_tree(&p, &t->body));
    t->has_generation = p.generation;
    *out = t;
    return OK;
}

int jinja_has_generation(const Jinja *t)
{
    return t->has_generation;
}
