#include "datagen/chatform.h"
#include "tests/check.h"

#include "base/text.h"
#include "chat_words.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = JINJA_ARENA_BYTES + (32 << 20) };

static Arena arena, scratch;

static void room(void)
{
    arena_free(&arena);
    arena_free(&scratch);
    EXPECT_OK(arena_make(&arena, "test", ROOM));
    EXPECT_OK(arena_make(&scratch, "scratch", ROOM));
}

static const Json *json(const char *text)
{
    const Json *root = NULL;

    EXPECT_OK(json_parse(&arena, "test", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return root;
}

static Vocab *vocab(const char *config)
{
    Vocab *v = NULL;

    EXPECT_OK(vocab_make(&arena, json(config), &v));
    return v;
}

static ChatForm *make(const char *format, const Vocab *v)
{
    ChatForm *f = NULL;

    EXPECT_OK(chatform_make(&arena, "chat", format, v, &f));
    return f;
}

static Err prompt(const ChatForm *f, const char *messages, ChatPrompt *out)
{
    return chatform_prompt(f, &arena, &scratch, json(messages), NULL, out);
}

// The prompt as text with markers, by a vocabulary of bytes, whose ids say the same.
static const char *text_of(const char *format, const char *messages)
{
    Vocab     *v = vocab("{\"kind\": \"byte\"}");
    ChatPrompt p = {0};
    Text       t = text_make(&arena);

    EXPECT_OK(prompt(make(format, v), messages, &p));
    for (int64_t i = 0; i < p.length; i++)
        if (p.id[i] == vocab_bos(v))
            text_puts(&t, "{bos}");
        else
            vocab_decode(v, p.id[i], &t);
    EXPECT_TEXT(t.data, p.text);
    EXPECT_INT(t.length, p.bytes);
    return p.text;
}

static const char *ids_of(const ChatPrompt *p)
{
    Text t = text_make(&arena);

    for (int64_t i = 0; i < p->length; i++)
        text_printf(&t, "%s%d", i > 0 ? " " : "", p->id[i]);
    return t.data;
}

#define SAY(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"

static void without_a_format_messages_are_lines(const Comm *c)
{
    (void)c;
    room();
    EXPECT_TEXT(text_of("", "[" SAY("user", "Hi {x}") "]"), "{bos}user: Hi {x}\nassistant:");
    EXPECT_TEXT(text_of(NULL, "[" SAY("system", "Be brief.") "," SAY("user", "Hi") "," SAY(
                                  "assistant", "Hm.") "," SAY("user", "And?") "]"),
                "{bos}system: Be brief.\nuser: Hi\nassistant: Hm.\nuser: And?\nassistant:");
    EXPECT_INT(chatform_kind(make(NULL, NULL)), CHATFORM_LINES);
    EXPECT(chatform_template(make(NULL, NULL)) == NULL);
    EXPECT_INT(chatform_ends(make(NULL, NULL))->tokens, 0);
}

static void parts_of_a_content_are_one_text(const Comm *c)
{
    ChatPrompt p;

    (void)c;
    room();
    EXPECT_TEXT(text_of("", "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                            "{\"type\":\"text\",\"text\":\"b\"}]}]"),
                "{bos}user: ab\nassistant:");
    EXPECT_ERR(prompt(make("", vocab("{\"kind\": \"byte\"}")),
                      "[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]", &p),
               ERR_DATA, "part of type text");
}

static void a_user_message_fills_the_instruction(const Comm *c)
{
    static const char one[] =
        "[{\"role\":\"user\",\"text\":\"{bos}Do: {instruction}\\n\",\"weight\":0},"
        "{\"role\":\"user\",\"text\":\"secret\",\"weight\":0,\"visible\":\"gen\"},"
        "{\"role\":\"assistant\",\"text\":\"Answer: {output}{eos}\",\"weight\":1}]";
    static const char only[] = "[{\"role\":\"user\",\"text\":\"{bos}{question}=\",\"weight\":0},"
                               "{\"role\":\"assistant\",\"text\":\"{work}{eos}\",\"weight\":1}]";
    static const char say[] = "[" SAY("user", "count {{to}} ten") "]";

    (void)c;
    room();
    EXPECT_TEXT(text_of(one, say), "{bos}Do: count {{to}} ten\nAnswer: ");
    EXPECT_TEXT(text_of(only, say), "{bos}count {{to}} ten=");
    EXPECT_INT(chatform_kind(make(only, NULL)), CHATFORM_FORMAT);
}

static void the_form_without_input_is_taken(const Comm *c)
{
    static const char with[] = "[{\"role\":\"user\",\"text\":\"I: {instruction} N: {input} R:\"},"
                               "{\"role\":\"assistant\",\"text\":\"{output}\"}]";
    static const char without[] = "[{\"role\":\"user\",\"text\":\"I: {instruction} R:\"},"
                                  "{\"role\":\"assistant\",\"text\":\"{output}\"}]";
    static const char go[] = "[" SAY("user", "go") "]";
    char              both[512];

    (void)c;
    room();
    EXPECT_TEXT(text_of(with, go), "I: go N:  R:");
    snprintf(both, sizeof both, "[%s,%s]", with, without);
    EXPECT_TEXT(text_of(both, go), "I: go R:");
    snprintf(both, sizeof both, "[%s]", with);
    EXPECT_TEXT(text_of(both, go), "I: go N:  R:");
}

static void a_system_message_needs_a_place(const Comm *c)
{
    static const char fixed[] = "[{\"role\":\"system\",\"text\":\"{bos}You help.\\n\"},"
                                "{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    static const char open[] = "[{\"role\":\"system\",\"text\":\"{bos}System {system}.\\n\"},"
                               "{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    static const char both[] = "[" SAY("system", "Sing") "," SAY("user", "go") "]";
    static const char go[] = "[" SAY("user", "go") "]";
    ChatPrompt        p;

    (void)c;
    room();
    EXPECT_TEXT(text_of(fixed, go), "{bos}You help.\ngo");
    EXPECT_ERR(prompt(make(fixed, vocab("{\"kind\": \"byte\"}")), both, &p), ERR_DATA,
               "no place for a system message");
    EXPECT_TEXT(text_of(open, both), "{bos}System Sing.\ngo");
    EXPECT_TEXT(text_of(open, go), "{bos}go");
}

static void what_does_not_fit_is_said(const Comm *c)
{
    static const char one[] = "[{\"role\":\"user\",\"text\":\"{instruction}\"}]";
    ChatForm         *f;
    ChatPrompt        p;

    (void)c;
    room();
    f = make(one, vocab("{\"kind\": \"byte\"}"));
    EXPECT_ERR(
        prompt(f, "[" SAY("user", "a") "," SAY("assistant", "b") "," SAY("user", "c") "]", &p),
        ERR_DATA, "found 3 messages");
    EXPECT_ERR(prompt(f, "[]", &p), ERR_DATA, "nobody");
    EXPECT_ERR(prompt(f, "[" SAY("assistant", "b") "]", &p), ERR_DATA, "assistant");
    EXPECT_ERR(prompt(f, "{}", &p), ERR_DATA, "a list of messages");
    EXPECT_ERR(prompt(f, "[7]", &p), ERR_DATA, "a message with a \"role\"");
    EXPECT_ERR(prompt(f, "[{\"role\":\"user\",\"content\":null}]", &p), ERR_DATA, "\"content\"");
    EXPECT_ERR(
        chatform_prompt(f, &arena, &scratch, json("[" SAY("user", "a") "]"), json("[{}]"), &p),
        ERR_DATA, "no place for tools");
    EXPECT_ERR(chatform_make(&arena, "chat", "[]", NULL, &f), ERR_DATA, "list of messages");
    EXPECT_ERR(chatform_make(&arena, "chat", "[1]", NULL, &f), ERR_DATA, "an object");
    EXPECT_ERR(
        chatform_make(&arena, "chat", "[{\"role\":\"user\",\"text\":\"{a} {b}\"}]", NULL, &f),
        ERR_DATA, "{a} and {b}");
    EXPECT_ERR(chatform_make(&arena, "chat", "[{\"role\":\"user\",\"text\":\"x\"}]", NULL, &f),
               ERR_DATA, "no place for a user message");
    EXPECT_ERR(chatform_make(&arena, "chat", "{{ jinja", NULL, &f), ERR_DATA, "chat");
}

// Tokens of a text join across the pieces that training encodes together, and not across others.
static void pieces_of_equal_weight_are_one_text(const Comm *c)
{
    static const char same[] = "[{\"role\":\"user\",\"text\":\"he{instruction}\",\"weight\":0},"
                               "{\"role\":\"assistant\",\"text\":\"o{output}\",\"weight\":0}]";
    static const char other[] = "[{\"role\":\"user\",\"text\":\"he{instruction}\",\"weight\":0},"
                                "{\"role\":\"assistant\",\"text\":\"o{output}\",\"weight\":1}]";
    ChatPrompt        p = {0};

    (void)c;
    room();
    EXPECT_OK(prompt(make(same, vocab(CHAT_WORDS)), "[" SAY("user", "ll") "]", &p));
    EXPECT_TEXT(ids_of(&p), "8");
    EXPECT_OK(prompt(make(other, vocab(CHAT_WORDS)), "[" SAY("user", "ll") "]", &p));
    EXPECT_TEXT(ids_of(&p), "7 3");
}

static void a_template_writes_special_tokens(const Comm *c)
{
    Vocab     *v;
    ChatForm  *f;
    ChatPrompt p = {0};

    (void)c;
    room();
    v = vocab(CHAT_WORDS);
    f = make(CHAT_TEMPLATE, v);
    EXPECT_INT(chatform_kind(f), CHATFORM_TEMPLATE);
    EXPECT(chatform_template(f) != NULL);
    EXPECT_OK(prompt(f, "[" SAY("user", "hello") "]", &p));
    EXPECT_TEXT(p.text, "<s>lhello<e><s>o");
    EXPECT_TEXT(ids_of(&p), "13 2 8 12 13 3");
    EXPECT_INT(chatform_ends(f)->texts, 0);
    EXPECT_INT(chatform_ends(f)->tokens, 1);
    EXPECT_INT(chatform_ends(f)->token[0], 12);
    EXPECT_ERR(prompt(f, "[" SAY("user", "he<e>llo") "]", &p), ERR_DATA, "spells a special token");
    EXPECT_ERR(prompt(f, "[{\"role\":\"user\",\"content\":\"h\",\"x\":{\"<s>\":1}}]", &p), ERR_DATA,
               "spells a special token");
    EXPECT_ERR(prompt(f, "[" SAY("tool", "h") "]", &p), ERR_DATA, "no tools here");
}

static void the_template_of_the_tokenizer_comes_second(const Comm *c)
{
    static const char format[] = "[{\"role\":\"user\",\"text\":\"h{instruction}\"}]";
    ChatPrompt        p = {0};
    Vocab            *v;

    (void)c;
    room();
    v = vocab(CHAT_WORDS_WITH(",\"beside\":{\"chat_template\":\"{{ messages[0].content }}h\"}"));
    EXPECT_OK(prompt(make("", v), "[" SAY("user", "o") "]", &p));
    EXPECT_TEXT(p.text, "oh");
    EXPECT_OK(prompt(make(format, v), "[" SAY("user", "o") "]", &p));
    EXPECT_TEXT(p.text, "ho");
}

// A vocabulary of bytes knows no names: what a template writes to end a turn is a text.
static void ends_without_a_token_are_texts(const Comm *c)
{
    ChatForm *f;

    (void)c;
    room();
    f = make(CHAT_TEMPLATE, vocab("{\"kind\": \"byte\"}"));
    EXPECT_INT(chatform_ends(f)->tokens, 0);
    EXPECT_INT(chatform_ends(f)->texts, 1);
    EXPECT_TEXT(chatform_ends(f)->text[0], "<e>");
    EXPECT_INT(chatform_ends(make("{{ messages[-1].content }}\n", NULL))->texts, 0);
}

// A character that becomes the unknown token is no special token that somebody spelled out.
static void unknown_characters_are_told_from_special_tokens(const Comm *c)
{
    static const char letters[] =
        "{\"kind\": \"tokenizer.json\", \"tokenizer\": "
        "{\"added_tokens\": [{\"id\": 2, \"content\": "
        "\"<u>\", \"special\": true}, {\"id\": 3, \"content\": \"<e>\", "
        "\"special\": true}], \"model\": "
        "{\"type\": \"BPE\", \"unk_token\": \"<u>\", \"vocab\": {\"a\": "
        "0, \"b\": 1, \"<u>\": 2, \"<e>\": 3, \"<\": 4, \"u\": 5, \">\": 6}, "
        "\"merges\": []}}}";
    static const struct {
        const char *messages, *reason, *at;
    } all[] = {{"[" SAY("user", "ab") "]", NULL, NULL},
               {"[" SAY("user", "a") ", " SAY("user", "a#b") "]", "no token", "[1].content"},
               {"[" SAY("user", "a<u>b") "]", "special token in text", "[0].content"},
               {"[" SAY("user", "a<e>#") "]", "special token in text", "[0].content"}};
    ChatPrompt p;
    Vocab     *v;

    (void)c;
    room();
    v = vocab(letters);
    for (int i = 0; i < 4; i++) {
        const Json *list = json(all[i].messages), *found = NULL;
        const char *why = chatform_fault(v, &scratch, list, &found);
        char        path[JSON_WORDS];

        EXPECT_TEXT(why == NULL ? "" : why, all[i].reason == NULL ? "" : all[i].reason);
        if (found != NULL)
            EXPECT_TEXT(json_path(found, path, sizeof path), all[i].at);
    }
    EXPECT_ERR(prompt(make("{{ messages[0].content }}", v), "[" SAY("a", "b#") "]", &p), ERR_DATA,
               "no token for");
}

TEST_MAIN(CASE(unknown_characters_are_told_from_special_tokens),
          CASE(without_a_format_messages_are_lines), CASE(parts_of_a_content_are_one_text),
          CASE(a_user_message_fills_the_instruction), CASE(the_form_without_input_is_taken),
          CASE(a_system_message_needs_a_place), CASE(what_does_not_fit_is_said),
          CASE(pieces_of_equal_weight_are_one_text), CASE(a_template_writes_special_tokens),
          CASE(the_template_of_the_tokenizer_comes_second), CASE(ends_without_a_token_are_texts))
