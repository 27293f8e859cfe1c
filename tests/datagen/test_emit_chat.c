// Conversations as examples: segments, reasons, token ids and their weights.
#include "chat_words.h"
#include "datagen/step.h"
#include "table.h"

#include "base/text.h"

static Arena arena;

static const char *const names[] = {"messages", "tools", NULL};

#define EMIT_ALL        "{\"do\": \"emit\", \"conversation\": \"messages\", \"tools\": \"tools\"}"
#define EMIT_LAST       "{\"do\": \"emit\", \"conversation\": \"messages\", \"learn\": \"last\"}"
#define SAY(role, text) "{\"role\": \"" role "\", \"content\": \"" text "\"}"
#define TWO_TURNS                                                                           \
    "[" SAY("user", "hello") ", " SAY("assistant", "hell") ", " SAY("user", " o") ", " SAY( \
        "assistant", "ll") "]"

static const Json *json(const char *text)
{
    const Json *root = NULL;

    EXPECT_OK(json_parse(&arena, "test", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return root;
}

// A table of conversations under a template; `config`: of the vocabulary.
static Table *table(const char *config, const char *template, TableRow *rows, int64_t count)
{
    Vocab    *v = NULL;
    ChatForm *f = NULL;
    Table    *t;

    arena_free(&arena);
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 34));
    EXPECT_OK(vocab_make(&arena, json(config), &v));
    EXPECT_OK(chatform_make(&arena, "chat", template, v, &f));
    t = table_make(&arena, names, rows, count);
    t->vocab = v;
    t->chat = f;
    return t;
}

// What a row of the table becomes, each segment as "role:weight:text|".
static const char *segments(const SetRows *rows, int64_t i)
{
    static const char *const roles[] = {"system",  "user",  "assistant",
                                        "special", "other", "markup"};
    Text                     t = text_make(&arena);

    for (int64_t s = rows->segment_begin[i]; s < rows->segment_begin[i + 1]; s++) {
        int64_t begin = rows->segment_text.begin[s], end = rows->segment_text.begin[s + 1];

        text_printf(&t, "%s:%g:%.*s|", roles[rows->segment_role[s]],
                    (double)rows->segment_weight[s], (int)(end - begin),
                    rows->segment_text.bytes + begin);
    }
    return t.length > 0 ? t.data : "";
}

// Its training document: ids, those that are learned in brackets.
static const char *document(const Vocab *v, const SetRows *rows, int64_t i)
{
    int32_t ids[256];
    float   weight[256];
    int64_t length = 0;
    Text    t = text_make(&arena);

    EXPECT_OK(produce_tokens(v, &arena, rows, i, ids, weight, 256, &length));
    for (int64_t k = 0; k < length; k++)
        text_printf(&t, weight[k] > 0 ? "[%d]" : " %d ", ids[k]);
    return t.length > 0 ? t.data : "";
}

static void contents_are_segments_of_their_roles(const Comm *c)
{
    TableRow rows[] = {{{TWO_TURNS, ""}, NULL, 0}};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 1);
    SetRows  got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);

    (void)c;
    EXPECT_TEXT(table_reason(&got, 0), "");
    EXPECT_TEXT(segments(&got, 0),
                "markup:0:<s>l|user:0:hello|markup:0:<e><s>o|assistant:1:hell|markup:1:<e>|"
                "markup:0:<s>l|user:0: o|markup:0:<e><s>o|assistant:1:ll|markup:1:<e>|");
    EXPECT_TEXT(document(t->vocab, &got, 0),
                " 13  2  8  12  13  3 [7][12] 13  2  9  12  13  3 [6][12]");
}

static void only_the_last_turn_is_learned_where_asked(const Comm *c)
{
    TableRow rows[] = {{{TWO_TURNS, ""}, NULL, 0}};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 1);
    SetRows  got = table_rows(t, table_recipe(t, EMIT_LAST), 0, 1);

    (void)c;
    EXPECT_TEXT(document(t->vocab, &got, 0),
                " 13  2  8  12  13  3  7  12  13  2  9  12  13  3 [6][12]");
}

static void a_message_may_say_its_weight(const Comm *c)
{
    static const char light[] = "[" SAY(
        "user", "hello") ", {\"role\": \"assistant\", \"content\": \"hell\", \"weight\": "
                         "0}, " SAY("user", "o") ", {\"role\": \"assistant\", \"content\": "
                                                 "\"ll\", \"weight\": 0.5}, " SAY(
                                                     "user", "o") ", " SAY("assistant", "ll") "]";
    static const char none[] = "[" SAY(
        "user", "hello") ", {\"role\": \"assistant\", \"content\": \"hell\", \"weight\": 0}]";
    static const char much[] = "[" SAY(
        "user", "hello") ", {\"role\": \"assistant\", \"content\": \"hell\", \"weight\": 1e300}]";
    static const char yes[] = "[" SAY(
        "user", "hello") ", {\"role\": \"assistant\", \"content\": \"hell\", \"weight\": true}]";
    TableRow rows[] = {
        {{light, ""}, NULL, 0}, {{none, ""}, NULL, 0}, {{much, ""}, NULL, 0}, {{yes, ""}, NULL, 0}};
    Table  *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 4);
    Recipe *r = table_recipe(t, EMIT_ALL);
    SetRows got = table_rows(t, r, 0, 1), nothing = table_rows(t, r, 1, 1),
            bad[] = {table_rows(t, r, 2, 1), table_rows(t, r, 3, 1)};
    int32_t ids[64];
    float   weight[64];
    int64_t length = 0;

    (void)c;
    EXPECT_OK(produce_tokens(t->vocab, &arena, &got, 0, ids, weight, 64, &length));
    EXPECT_INT(length, 24);
    for (int64_t i = 0; i < length; i++)
        EXPECT_NEAR(weight[i], i == 14 || i == 15 ? 0.5 : i >= 22 ? 1 : 0, 0);
    EXPECT_TEXT(table_reason(&nothing, 0), "nothing to learn");
    EXPECT_TEXT(table_reason(&bad[0], 0), "malformed");
    EXPECT_TEXT(table_reason(&bad[1], 0), "malformed");
}

// A prompt of the same conversation is the beginning of what was learned, token by token.
static void prompts_are_the_beginning_of_what_is_learned(const Comm *c)
{
    TableRow   rows[] = {{{TWO_TURNS, ""}, NULL, 0}};
    Table     *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 1);
    SetRows    got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);
    Arena      work;
    ChatPrompt p = {0};
    int32_t    ids[64];
    float      weight[64];
    int64_t    length = 0;

    (void)c;
    EXPECT_OK(arena_make(&work, "work", JINJA_ARENA_BYTES + (1 << 20)));
    EXPECT_OK(
        chatform_prompt(t->chat, &arena, &work, json("[" SAY("user", "hello") "]"), NULL, &p));
    EXPECT_OK(produce_tokens(t->vocab, &arena, &got, 0, ids, weight, 64, &length));
    EXPECT_INT(p.length, 6);
    for (int64_t i = 0; i < p.length; i++)
        EXPECT_INT(p.id[i], ids[i]);
    EXPECT(!(weight[p.length - 1] > 0) && weight[p.length] > 0);
    arena_free(&work);
}

static void what_cannot_be_learned_has_its_reason(const Comm *c)
{
    static const struct {
        const char *messages, *tools, *reason;
    } bad[] = {
        {"", "", "malformed"},
        {"hello", "", "malformed"},
        {"{}", "", "malformed"},
        {"[]", "", "malformed"},
        {"[{\"content\": \"h\"}]", "", "malformed"},
        {"[{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]", "", "malformed"},
        {TWO_TURNS, "o", "malformed"},
        {TWO_TURNS, "{}", "malformed"},
        {"[" SAY("tool", "h") "]", "", "template"},
        {"[" SAY("user", "h") "]", "", "nothing to learn"},
        {"[" SAY("user", "<e>") ", " SAY("assistant", "h") "]", "", "special token in text"},
        {"[" SAY("user", "h") ", " SAY("assistant", "h<s>") "]", "", "special token in text"},
        {TWO_TURNS, "[{\"name\": \"<s>\"}]", "special token in text"},
        {"[" SAY("user", "x") ", " SAY("assistant", "h") "]", "", "no token"}};
    enum { BAD = sizeof bad / sizeof bad[0] };
    TableRow rows[BAD];
    Table   *t;
    Recipe  *r;

    (void)c;
    for (int i = 0; i < BAD; i++)
        rows[i] = (TableRow){{bad[i].messages, bad[i].tools}, NULL, 0};
    t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, BAD);
    r = table_recipe(t, EMIT_ALL);
    for (int i = 0; i < BAD; i++) {
        SetRows got = table_rows(t, r, i, 1);

        EXPECT_TEXT(table_reason(&got, 0), bad[i].reason);
        EXPECT_INT(got.S, 0);
    }
}

// A template that takes back what it wrote: nobody can say where the first answer stands.
static void a_template_that_rewrites_is_counted(const Comm *c)
{
    static const char rewrites[] =
        "{% for m in messages %}<s>{% if loop.last or m.role == 'user' %}{{ m.content }}{% endif "
        "%}<e>{% endfor %}";
    TableRow rows[] = {{{TWO_TURNS, ""}, NULL, 0}};
    Table   *t = table(CHAT_WORDS, rewrites, rows, 1);
    SetRows  got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);

    (void)c;
    EXPECT_TEXT(table_reason(&got, 0), "template");
}

// What the template changes stays markup, what it marks itself is learned as it says.
static void generation_blocks_say_what_is_learned(const Comm *c)
{
    static const char blocks[] =
        "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<e>{% "
        "endgeneration %}{% else %}<s>{{ m.content | upper | lower | trim }}{% endif %}{% endfor "
        "%}";
    static const char say[] = "[" SAY("user", " hello") ", " SAY("assistant", "hell") "]";
    TableRow          rows[] = {{{say, ""}, NULL, 0}};
    Table            *t = table(CHAT_WORDS, blocks, rows, 1);
    SetRows           got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);

    (void)c;
    EXPECT_TEXT(segments(&got, 0), "markup:0:<s>hello|assistant:1:hell<e>|");
    EXPECT_TEXT(document(t->vocab, &got, 0), " 13  8 [7][12]");
}

// Bytes know no names: markers are learned as the bytes that they are.
static void a_vocabulary_of_bytes_learns_the_markers(const Comm *c)
{
    static const char say[] = "[" SAY("user", "h") ", " SAY("assistant", "l") "]";
    TableRow          rows[] = {{{say, ""}, NULL, 0}};
    Table            *t = table("{\"kind\": \"byte\"}", CHAT_TEMPLATE, rows, 1);
    SetRows           got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);

    (void)c;
    EXPECT_TEXT(document(t->vocab, &got, 0),
                " 60  115  62  108  104  60  101  62  60  115  62  111 [108][60][101][62]");
}

static void hundreds_of_messages_fit(const Comm *c)
{
    enum { TURNS = 150 };
    TableRow rows[] = {{{NULL, ""}, NULL, 0}};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 1);
    Text     say = text_make(&arena);
    int32_t  ids[4096];
    float    weight[4096];
    int64_t  length = 0, learned = 0;
    SetRows  got;

    (void)c;
    for (int i = 0; i < TURNS; i++)
        text_printf(&say, "%s" SAY("user", "hello") ", " SAY("assistant", "hell o"),
                    i > 0 ? ", " : "[");
    text_puts(&say, "]");
    rows[0].text[0] = say.data;
    got = table_rows(t, table_recipe(t, EMIT_ALL), 0, 1);
    EXPECT_TEXT(table_reason(&got, 0), "");
    EXPECT_INT(got.S, 5 * TURNS);
    EXPECT_OK(produce_tokens(t->vocab, &arena, &got, 0, ids, weight, 4096, &length));
    for (int64_t i = 0; i < length; i++)
        learned += weight[i] > 0;
    EXPECT_INT(length, 9 * TURNS);
    EXPECT_INT(learned, 3 * TURNS);
}

// Messages of a recipe as a conversation: the same row as from a field with that conversation.
static void messages_can_be_a_conversation(const Comm *c)
{
    static const char chat[] =
        "{\"do\": \"emit\", \"as\": \"chat\", \"messages\": [{\"role\": \"user\", \"text\": "
        "\"he{tools}\", \"weight\": 0}, {\"role\": \"assistant\", \"text\": \"{messages}\", "
        "\"weight\": 1}, {\"role\": \"user\", \"text\": \"o\", \"weight\": 0}, {\"role\": "
        "\"assistant\", \"text\": \"h\", \"weight\": 0}]}";
    TableRow rows[] = {{{"hell", "llo"}, NULL, 0}, {{"\xff", "llo"}, NULL, 0}};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 2);
    Recipe  *r = table_recipe(t, chat);
    SetRows  got = table_rows(t, r, 0, 1), bad = table_rows(t, r, 1, 1);

    (void)c;
    EXPECT_TEXT(document(t->vocab, &got, 0),
                " 13  2  8  12  13  3 [7][12] 13  2  3  12  13  3  0  12 ");
    EXPECT_TEXT(table_reason(&bad, 0), "not UTF-8");
    EXPECT_TEXT(recipe_format(r), "");
    EXPECT_INT(recipe_emits_conversations(r), 1);
}

// ---- messages of a recipe: prompts and documents are cut into tokens at the same places

static void texts_of_equal_weight_are_one_text(const Comm *c)
{
    static const char emit[] =
        "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": \"he\", \"weight\": 0}, "
        "{\"role\": \"user\", \"text\": \"s\", \"weight\": 0, \"visible\": \"gen\"}, {\"role\": "
        "\"user\", \"text\": \"{tools}\", \"weight\": 0}, {\"role\": \"assistant\", \"text\": "
        "\"o{messages}\", \"weight\": 1}]}";
    TableRow       rows[] = {{{" o", "ll"}, NULL, 0}};
    Table         *t = table(CHAT_WORDS, CHAT_TEMPLATE, rows, 1);
    SetRows        got = table_rows(t, table_recipe(t, emit), 0, 1);
    TemplateSpan   spans[] = {{TEMPLATE_LITERAL, 0, "he", 2}, {TEMPLATE_SLOT, 1, "ll", 2}};
    const char    *why;
    int64_t        length;
    const int32_t *prompt = step_encode(t->vocab, &arena, spans, 2, &length, &why);

    (void)c;
    EXPECT_TEXT(document(t->vocab, &got, 0), " 7 [3][9]");
    EXPECT_INT(length, 1);
    EXPECT_INT(prompt[0], 7);
}

TEST_MAIN(CASE(contents_are_segments_of_their_roles),
          CASE(only_the_last_turn_is_learned_where_asked), CASE(a_message_may_say_its_weight),
          CASE(prompts_are_the_beginning_of_what_is_learned),
          CASE(what_cannot_be_learned_has_its_reason), CASE(a_template_that_rewrites_is_counted),
          CASE(generation_blocks_say_what_is_learned),
          CASE(a_vocabulary_of_bytes_learns_the_markers), CASE(messages_can_be_a_conversation),
          CASE(hundreds_of_messages_fit), CASE(texts_of_equal_weight_are_one_text))
