#include "datagen/chatform.h"
#include "tests/check.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static Arena arena;

// The prompt as text, special tokens in angle brackets.
static const char *render(const ChatForm *f, const ChatMessage *m, int count)
{
    TemplateSpan *spans;
    int           n;
    Text          t = text_make(&arena);

    if (chatform_render(f, &arena, m, count, &spans, &n) != OK)
        return NULL;
    for (int i = 0; i < n; i++)
        if (spans[i].kind == TEMPLATE_SPECIAL)
            text_printf(&t, "<%s>", spans[i].text);
        else
            text_add(&t, spans[i].text, spans[i].length);
    return t.data;
}

static ChatMessage say(const char *role, const char *text)
{
    return (ChatMessage){role, text, (int64_t)strlen(text)};
}

static ChatForm *make(const char *format)
{
    ChatForm *f = NULL;

    EXPECT_OK(chatform_make(&arena, "chat", format, &f));
    return f;
}

static void without_a_format_messages_are_lines(const Comm *c)
{
    ChatMessage m[] = {say("system", "Be brief."), say("user", "Hi {x}"), say("assistant", "Hm."),
                       say("user", "And?")};

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    EXPECT_TEXT(render(make(""), m + 1, 1), "<bos>user: Hi {x}\nassistant:");
    EXPECT_TEXT(render(make(NULL), m, 4),
                "<bos>system: Be brief.\nuser: Hi {x}\nassistant: Hm.\nuser: And?\nassistant:");
    arena_free(&arena);
}

static void a_user_message_fills_the_instruction(const Comm *c)
{
    static const char one[] =
        "[{\"role\":\"user\",\"text\":\"{bos}Do: {instruction}\\n\",\"weight\":0},"
        "{\"role\":\"user\",\"text\":\"secret\",\"weight\":0,\"visible\":\"gen\"},"
        "{\"role\":\"assistant\",\"text\":\"Answer: {output}{eos}\",\"weight\":1}]";
    static const char only[] = "[{\"role\":\"user\",\"text\":\"{bos}{question}=\",\"weight\":0},"
                               "{\"role\":\"assistant\",\"text\":\"{work}{eos}\",\"weight\":1}]";
    ChatMessage       m[] = {say("user", "count {{to}} ten")};

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    EXPECT_TEXT(render(make(one), m, 1), "<bos>Do: count {{to}} ten\nAnswer: ");
    EXPECT_TEXT(render(make(only), m, 1), "<bos>count {{to}} ten=");
    arena_free(&arena);
}

static void the_form_without_input_is_taken(const Comm *c)
{
    static const char with[] = "[{\"role\":\"user\",\"text\":\"I: {instruction} N: {input} R:\"},"
                               "{\"role\":\"assistant\",\"text\":\"{output}\"}]";
    static const char without[] = "[{\"role\":\"user\",\"text\":\"I: {instruction} R:\"},"
                                  "{\"role\":\"assistant\",\"text\":\"{output}\"}]";
    ChatMessage       m[] = {say("user", "go")};
    char              both[512];

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    EXPECT_TEXT(render(make(with), m, 1), "I: go N:  R:");
    snprintf(both, sizeof both, "[%s,%s]", with, without);
    EXPECT_TEXT(render(make(both), m, 1), "I: go R:");
    snprintf(both, sizeof both, "[%s]", with);
    EXPECT_TEXT(render(make(both), m, 1), "I: go N:  R:");
    arena_free(&arena);
}

static void a_system_message_needs_a_place(const Comm *c)
{
    static const char fixed[] = "[{\"role\":\"system\",\"text\":\"{bos}You help.\\n\"},"
                                "{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    static const char open[] = "[{\"role\":\"system\",\"text\":\"{bos}System {system}.\\n\"},"
                               "{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    ChatMessage       m[] = {say("system", "Sing"), say("user", "go")};
    TemplateSpan     *spans;
    int               n;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    EXPECT_TEXT(render(make(fixed), m + 1, 1), "<bos>You help.\ngo");
    EXPECT_ERR(chatform_render(make(fixed), &arena, m, 2, &spans, &n), ERR_DATA,
               "no place for a system message");
    EXPECT_TEXT(render(make(open), m, 2), "<bos>System Sing.\ngo");
    EXPECT_TEXT(render(make(open), m + 1, 1), "<bos>go");
    arena_free(&arena);
}

static void what_does_not_fit_is_said(const Comm *c)
{
    static const char one[] = "[{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    ChatMessage       m[] = {say("user", "a"), say("assistant", "b"), say("user", "c")};
    TemplateSpan     *spans;
    ChatForm         *f;
    int               n;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    EXPECT_ERR(chatform_render(make(one), &arena, m, 3, &spans, &n), ERR_DATA, "found 3 messages");
    EXPECT_ERR(chatform_render(make(one), &arena, m, 0, &spans, &n), ERR_DATA, "nobody");
    EXPECT_ERR(chatform_render(make(one), &arena, m + 1, 1, &spans, &n), ERR_DATA, "assistant");
    EXPECT_ERR(chatform_make(&arena, "chat", "{}", &f), ERR_DATA, "list of messages");
    EXPECT_ERR(chatform_make(&arena, "chat", "[]", &f), ERR_DATA, "list of messages");
    EXPECT_ERR(chatform_make(&arena, "chat", "[1]", &f), ERR_DATA, "an object");
    EXPECT_ERR(chatform_make(&arena, "chat", "[{\"role\":\"user\",\"text\":\"{a} {b}\"}]", &f),
               ERR_DATA, "{a} and {b}");
    EXPECT_ERR(chatform_make(&arena, "chat", "[{\"role\":\"user\",\"text\":\"x\"}]", &f), ERR_DATA,
               "no place for a user message");
    EXPECT_ERR(chatform_make(&arena, "chat", "{{ jinja }}", &f), ERR_DATA, "chat:1");
    arena_free(&arena);
}

TEST_MAIN(CASE(without_a_format_messages_are_lines), CASE(a_user_message_fills_the_instruction),
          CASE(the_form_without_input_is_taken), CASE(a_system_message_needs_a_place),
          CASE(what_does_not_fit_is_said))
