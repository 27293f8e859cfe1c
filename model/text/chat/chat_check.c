// chat_check.c -- what a template does that surprises, told in words.
#include "model/text/chat/chat_private.h"

#include "model/text/chat/jinja_private.h"

#include <stdio.h>
#include <string.h>

static const char WORD[] = "QzProbeZq"; // nothing that a template would write itself

typedef struct Check {
    const ChatTemplate *t;
    Arena              *scratch;
    Text               *report;
} Check;

// Conversations are written as roles and contents, one after the other, ended by NULL.
static ChatValues conversation(Arena *arena, const char *const *words)
{
    ChatValues v = {.messages = jinja_list(arena),
                    .tools = jinja_none(),
                    .documents = jinja_none(),
                    .more = jinja_none(),
                    .has_time = 1};

    for (; *words != NULL; words += 2) {
        JinjaValue m = jinja_dict(arena);

        jinja_put(arena, &m, "role", jinja_string(words[0]));
        jinja_put(arena, &m, "content", jinja_string(words[1]));
        jinja_add(arena, &v.messages, m);
    }
    return v;
}

static int has(const JinjaOutput *o, const char *what)
{
    return jinja_find(o->text, o->length, what, (int64_t)strlen(what)) >= 0;
}

// Renders; a refusal is told as "WHAT: the template's words", and 0 comes back.
static int probe(Check *c, const char *const *words, int with_prompt, const char *what,
                 JinjaOutput *o)
{
    ChatValues v = conversation(c->scratch, words);

    if (chat_render(c->t, c->scratch, &v, v.messages.list->count, with_prompt, o) == OK)
        return 1;
    text_printf(c->report, "%s: %s\n", what, err_record()->text);
    err_forget();
    return 0;
}

static void check_system(Check *c)
{
    const char *const words[] = {"system", WORD, "user", "Hi", NULL};
    JinjaOutput       o;

    if (probe(c, words, CHAT_NO_PROMPT, "a system message is refused", &o) && !has(&o, WORD))
        text_puts(c->report, "a system message is dropped without a word\n");
}

static void check_roles(Check *c)
{
    const char *const twice[] = {"user", "Hi", "user", "Hello?", NULL};
    const char *const first[] = {"assistant", "Hi", "user", "Hello", NULL};
    const char *const tool[] = {"user", "Hi", "assistant", "Hm", "tool", WORD, NULL};
    JinjaOutput       o;

    probe(c, twice, CHAT_NO_PROMPT, "two messages of the user in a row are refused", &o);
    probe(c, first, CHAT_NO_PROMPT, "a conversation that the assistant begins is refused", &o);
    if (probe(c, tool, CHAT_NO_PROMPT, "the answer of a tool is refused", &o) && !has(&o, WORD))
        text_puts(c->report, "the answer of a tool is dropped without a word\n");
}

static void check_prompt(Check *c)
{
    const char *const words[] = {"user", "Hi", NULL};
    JinjaOutput       with, without;

    if (!probe(c, words, CHAT_PROMPT, "a conversation with a prompt for the answer is refused",
               &with) ||
        !probe(c, words, CHAT_NO_PROMPT, "a single message of the user is refused", &without))
        return;
    if (jinja_is_bytes(with.text, with.length, without.text, without.length))
        text_puts(c->report, "add_generation_prompt changes nothing: the model is not told that it "
                             "is its turn\n");
}

static void check_bos(Check *c)
{
    const char *const words[] = {"user", "Hi", NULL};
    const char       *bos = c->t->bos;
    int64_t           n = bos == NULL ? 0 : (int64_t)strlen(bos);
    JinjaOutput       o;

    if (n == 0 || !probe(c, words, CHAT_NO_PROMPT, "a single message of the user is refused", &o) ||
        o.length < n || memcmp(o.text, bos, (size_t)n) != 0)
        return;
    if (o.length >= 2 * n && memcmp(o.text + n, bos, (size_t)n) == 0)
        text_printf(c->report, "the text begins with %s twice\n", bos);
    if (c->t->adds_bos)
        text_printf(c->report,
                    "the text begins with %s, and the tokenizer puts it in front by itself as "
                    "well: encode the text without that, or it stands there twice\n",
                    bos);
}

static void check_end(Check *c)
{
    const char *const words[] = {"user", "Hi", "assistant", WORD, NULL};
    JinjaOutput       o;
    JinjaValue        end;
    int64_t           at;

    if (!probe(c, words, CHAT_NO_PROMPT, "a question with its answer is refused", &o))
        return;
    at = jinja_find(o.text, o.length, WORD, sizeof WORD - 1);
    if (at < 0) {
        text_puts(c->report, "what the assistant says is not in the text\n");
        return;
    }
    at += (int64_t)sizeof WORD - 1;
    end = jinja_string_n(o.text + at, o.length - at);
    end = jinja_strip(&end, NULL, STRIP_BEGIN | STRIP_END);
    if (end.length == 0)
        text_puts(c->report, "nothing ends the assistant's turn: a model trained on this text does "
                             "not learn to stop\n");
    else if (c->t->eos != NULL &&
             jinja_find(end.text, end.length, c->t->eos, (int64_t)strlen(c->t->eos)) < 0)
        text_printf(c->report,
                    "the assistant's turn ends in \"%.*s\", not in the token %s: sampling must "
                    "stop there too\n",
                    (int)(end.length > 60 ? 60 : end.length), end.text, c->t->eos);
}

static void check_blanks(Check *c)
{
    const char *const words[] = {"user", "Hi", "assistant", "  QzProbeZq  ", NULL};
    JinjaOutput       o;

    if (probe(c, words, CHAT_NO_PROMPT, "a question with its answer is refused", &o) &&
        has(&o, WORD) && !has(&o, words[3]))
        text_puts(c->report, "white space around contents is taken away\n");
}

static void check_tools(Check *c)
{
    const char *const words[] = {"user", "Hi", NULL};
    ChatValues        v = conversation(c->scratch, words);
    JinjaValue        tool = jinja_dict(c->scratch), function = jinja_dict(c->scratch);
    JinjaOutput       o;

    jinja_put(c->scratch, &function, "name", jinja_string(WORD));
    jinja_put(c->scratch, &function, "description", jinja_string("tells the time"));
    jinja_put(c->scratch, &function, "parameters", jinja_dict(c->scratch));
    jinja_put(c->scratch, &tool, "type", jinja_string("function"));
    jinja_put(c->scratch, &tool, "function", function);
    v.tools = jinja_list(c->scratch);
    jinja_add(c->scratch, &v.tools, tool);
    if (chat_render(c->t, c->scratch, &v, 1, CHAT_PROMPT, &o) != OK) {
        text_printf(c->report, "tools: %s\n", err_record()->text);
        err_forget();
    } else if (!has(&o, WORD)) {
        text_puts(c->report, "tools are dropped without a word\n");
    }
}

static void check_spans(Check *c)
{
    const char *const words[] = {"user", "Hi",        "assistant", "Hello", "user",
                                 "Well", "assistant", "Bye",       NULL};
    ChatValues        v = conversation(c->scratch, words);
    ChatText          text = {.span = arena_new(c->scratch, ChatSpan, 2)};
    JinjaOutput       o;

    if (jinja_has_generation(c->t->plain) ||
        chat_render(c->t, c->scratch, &v, v.messages.list->count, CHAT_NO_PROMPT, &o) != OK) {
        err_forget(); // told by the other checks
        return;
    }
    text.text = o.text;
    text.length = o.length;
    if (chat_find_spans(c->t, c->scratch, &v, &text) == OK)
        return;
    text_printf(c->report, "%s\n", err_record()->text);
    err_forget();
}

// What refuses the simplest conversation refuses all: once is enough.
static int check_any(Check *c)
{
    const char *const words[] = {"user", "Hi", NULL};
    ArenaMark         mark = arena_mark(c->scratch);
    JinjaOutput       o;
    int is_any = probe(c, words, CHAT_NO_PROMPT, "a single message of the user is refused", &o);

    arena_back(c->scratch, mark);
    return is_any;
}

Err chat_template_check(const ChatTemplate *t, Arena *scratch, Text *report)
{
    static void (*const checks[])(Check * c) = {check_system, check_roles, check_prompt,
                                                check_bos,    check_end,   check_blanks,
                                                check_tools,  check_spans};
    Check c = {t, scratch, report};

    CHECK(report->arena != scratch, "the report outlives the probes");
    if (!check_any(&c))
        return OK;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        ArenaMark mark = arena_mark(scratch);

        checks[i](&c);
        arena_back(scratch, mark);
    }
    return OK;
}

// ---- a conversation of its own

static int tells(const Json *message)
{
    const Json *role = json_member(message, "role");

    return role != NULL && role->kind == JSON_TEXT &&
           (strcmp(role->text, "system") == 0 || strcmp(role->text, "developer") == 0);
}

static int is_in(const ChatText *c, const Json *words)
{
    JinjaValue text = jinja_string_n(words->text, words->length);

    text = jinja_strip(&text, NULL, STRIP_BEGIN | STRIP_END);
    return jinja_find(c->text, c->length, text.text, text.length) >= 0;
}

// A content is a text, or a list of parts, some of which have a text.
static int is_lost(const ChatText *c, const Json *content)
{
    if (content == NULL)
        return 0;
    if (content->kind == JSON_TEXT)
        return !is_in(c, content);
    for (const Json *m = content->kind == JSON_ARRAY ? content->child : NULL; m != NULL;
         m = m->next) {
        const Json *text = m->kind == JSON_OBJECT ? json_member(m, "text") : NULL;

        if (text != NULL && text->kind == JSON_TEXT && !is_in(c, text))
            return 1;
    }
    return 0;
}

Err chat_template_complete(const ChatTemplate *t, const Json *messages, const ChatText *c)
{
    int64_t number = 0;

    for (const Json *m = messages->child; m != NULL; m = m->next, number++)
        if (m->kind == JSON_OBJECT && tells(m) && is_lost(c, json_member(m, "content")))
            FAIL(ERR_DATA,
                 "%s: the template drops message %lld, of the system, without a word: take the "
                 "message out, say it in the first message of the user, or take a template that "
                 "writes it",
                 t->name, (long long)number);
    return OK;
}
