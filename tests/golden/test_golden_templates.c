// Chat templates: texts, spans of the assistant, and what is refused, against the goldens.
#include "tests/check.h"

#include "model/text/chat/chat_template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static Arena       arena, texts, scratch;
static const Json *goldens;

static int open_goldens(void)
{
    const char *path = check_golden("chat_templates.json");

    if (path == NULL)
        return 0;
    if (goldens != NULL)
        return 1;
    EXPECT_OK(arena_make(&arena, "golden", (int64_t)1 << 32));
    EXPECT_OK(arena_make(&texts, "texts", (int64_t)1 << 32));
    EXPECT_OK(arena_make(&scratch, "scratch", (int64_t)1 << 32));
    EXPECT_OK(json_read(&arena, path, JSON_NO_COMMENTS, &goldens));
    return goldens != NULL;
}

static const char *text_of(const Json *object, const char *key)
{
    const Json *m = json_member(object, key);

    return m == NULL || m->kind != JSON_TEXT ? NULL : m->text;
}

// The template of a golden: in it, or named by it as a key of a file among the assets.  NULL: the
// assets are absent.
static const Json *template_text(const Json *golden)
{
    char        path[1024];
    const char *file = text_of(golden, "template_file"), *assets;
    const Json *config = NULL;

    if (json_member(golden, "template") != NULL)
        return json_member(golden, "template");
    assets = check_assets();
    if (assets == NULL || file == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s%s", assets, strchr(file, '/'));
    EXPECT_OK(json_read(&arena, path, JSON_NO_COMMENTS, &config));
    return config == NULL ? NULL : json_member(config, text_of(golden, "template_key"));
}

static ChatRequest request(const Json *one)
{
    const Json *prompt = json_member(one, "add_generation_prompt");

    return (ChatRequest){.messages = json_member(one, "messages"),
                         .tools = json_member(one, "tools"),
                         .add_generation_prompt = prompt != NULL && prompt->kind == JSON_TRUE};
}

static void expect_bytes(const ChatText *c, const Json *text, const char *name)
{
    EXPECT_INT(c->length, text->length);
    EXPECT(c->length == text->length && memcmp(c->text, text->text, (size_t)c->length) == 0);
    if (c->length != text->length || memcmp(c->text, text->text, (size_t)c->length) != 0)
        fprintf(stderr, "# %s: \"%s\"\n#     not \"%s\"\n", name, c->text, text->text);
}

// One list of [begin, end) of a case.
static int64_t expect_spans(const ChatText *c, const Json *one, const char *key, int is_turn,
                            int in_bytes)
{
    const Json *want = json_member(one, key);
    int64_t     i = 0;

    EXPECT(want != NULL);
    if (want == NULL)
        return 0;
    EXPECT_INT(c->spans, want->length);
    for (const Json *m = want->child; m != NULL && i < c->spans; m = m->next, i++) {
        JinjaSpan s = is_turn ? c->span[i].turn : c->span[i].content;

        EXPECT_INT(in_bytes ? s.begin : chat_text_points(c, s.begin), (int64_t)m->child->number);
        EXPECT_INT(in_bytes ? s.end : chat_text_points(c, s.end), (int64_t)m->child->next->number);
    }
    return i;
}

static int64_t expect_case(const ChatTemplate *t, const Json *one)
{
    const Json *text = json_member(one, "text"),
               *index = json_member(one, "assistant_message_index");
    ChatRequest q = request(one);
    ChatText    c = {0};
    int64_t     i = 0;

    if (text == NULL) {
        EXPECT_ERR(chat_template_render(t, &texts, &scratch, &q, &c), ERR_DATA,
                   text_of(one, "error"));
        return 1;
    }
    EXPECT_OK(chat_template_spans(t, &texts, &scratch, &q, &c));
    if (c.text == NULL)
        return 0;
    expect_bytes(&c, text, t->name);
    for (const Json *m = index->child; m != NULL && i < c.spans; m = m->next)
        EXPECT_INT(c.span[i++].message, (int64_t)m->number);
    return 2 + expect_spans(&c, one, "assistant_spans", 0, 0) +
           expect_spans(&c, one, "assistant_spans_with_end", 1, 0) +
           expect_spans(&c, one, "assistant_spans_bytes", 0, 1) +
           expect_spans(&c, one, "assistant_spans_with_end_bytes", 1, 1);
}

static void goldens_are_met_byte_for_byte_with_every_span(const Comm *c)
{
    int64_t compared = 0;

    (void)c;
    if (!open_goldens())
        return;
    for (const Json *g = goldens->child; g != NULL; g = g->next) {
        const Json  *text = template_text(g);
        ChatTemplate t;

        if (text == NULL)
            continue;
        EXPECT_OK(chat_template_make(&arena, g->key, text->text, text->length,
                                     text_of(g, "bos_token"), text_of(g, "eos_token"), &t));
        for (const Json *one = json_member(g, "cases")->child; one != NULL; one = one->next) {
            ArenaMark mark = arena_mark(&texts);

            compared += expect_case(&t, one);
            arena_back(&texts, mark);
        }
    }
    EXPECT(compared > 0);
    check_compared(compared);
}

static void checks_of_the_templates_say_what_is_known_of_them(const Comm *c)
{
    int64_t compared = 0;

    (void)c;
    if (!open_goldens())
        return;
    for (const Json *g = goldens->child; g != NULL; g = g->next) {
        const Json  *text = template_text(g);
        int          refuses = 0;
        ChatTemplate t;
        Text         report;

        if (text == NULL)
            continue;
        EXPECT_OK(chat_template_make(&arena, g->key, text->text, text->length,
                                     text_of(g, "bos_token"), text_of(g, "eos_token"), &t));
        report = text_make(&texts);
        EXPECT_OK(chat_template_check(&t, &scratch, &report));
        for (const Json *one = json_member(g, "cases")->child; one != NULL; one = one->next) {
            const char *error = text_of(one, "error");

            refuses |= error != NULL && strstr(error, "alternate") != NULL;
        }
        EXPECT_INT(strstr(report.data, "in a row are refused") != NULL, refuses);
        compared++;
    }
    EXPECT(compared > 0);
    check_compared(compared);
}

static void templates_of_the_tokenizers_are_read(const Comm *c)
{
    static const char *const folders[] = {"gpt2", "llama2", "llama3", "qwen2"};
    const char              *assets = check_assets();
    int64_t                  compared = 0;

    (void)c;
    if (assets == NULL)
        return;
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "golden", (int64_t)1 << 32));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char         path[1024];
        ChatTemplate t = {0};
        Err          e;

        snprintf(path, sizeof path, "%s/tokenizers/%s", assets, folders[i]);
        e = chat_template_open(&arena, path, &t);
        if (e == OK)
            EXPECT(t.plain != NULL && t.eos != NULL);
        else // two hold no template, one no file about one: both are said
            EXPECT(strstr(err_record()->text, "chat_template") != NULL);
        err_forget();
        compared += e == OK;
    }
    EXPECT(compared > 0);
    check_compared(compared);
}

TEST_MAIN(CASE(goldens_are_met_byte_for_byte_with_every_span),
          CASE(checks_of_the_templates_say_what_is_known_of_them),
          CASE(templates_of_the_tokenizers_are_read))
