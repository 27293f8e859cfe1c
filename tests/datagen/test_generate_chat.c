// Prompts as user messages: what the own model is asked, what ends its answer, what others see.
#include "chat_words.h"
#include "stand_in.h"
#include "table.h"

static Arena         arena;
static Decoder      *decoder;
static DecodeRequest asked; // the last one
static int32_t       ids[256];

static const char *const names[] = {"question", "about", NULL};

#define ASK(text, more)                                                                     \
    "{\"do\": \"generate\", \"as\": \"chat\", \"text\": \"" text "\", \"into\": \"answer\"" \
    ", \"max_tokens\": 8" more "}"

static StandInAnswer script(const char *prompt, uint64_t chance, int64_t max_tokens)
{
    (void)prompt, (void)chance, (void)max_tokens;
    for (int i = 0; i < decoder->slots; i++)
        if (decoder->slot[i].is_busy)
            asked = decoder->slot[i].request;
    memcpy(ids, asked.prompt, (size_t)asked.prompt_length * sizeof *ids);
    return (StandInAnswer){"hell", 4, DECODE_EOS};
}

static Table *table(const char *config, const char *template, TableRow *rows)
{
    const Json *json = NULL;
    Vocab      *v = NULL;
    ChatForm   *f = NULL;
    Table      *t;

    arena_free(&arena);
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 34));
    EXPECT_OK(json_parse(&arena, "v", config, (int64_t)strlen(config), JSON_NO_COMMENTS, &json));
    EXPECT_OK(vocab_make(&arena, json, &v));
    EXPECT_OK(chatform_make(&arena, "chat", template, v, &f));
    t = table_make(&arena, names, rows, 1);
    t->vocab = v;
    t->chat = f;
    asked = (DecodeRequest){0};
    return t;
}

// What the own model makes of the only row.
static SetRows ask(Table *t, const char *steps)
{
    Recipe    *r = table_recipe(t, steps);
    SetRows    rows = {0};
    ProduceJob job = {.recipe = r,
                      .source = &t->source,
                      .vocab = t->vocab,
                      .chat = t->chat,
                      .seed = 1,
                      .block_size = 1,
                      .segment = {.requests = 1, .blocks = 1}};

    decoder = stand_in_make(&arena, t->vocab, script, 2, 1);
    decoder->context = 100;
    job.teacher = teacher_local(&arena, decoder, t->vocab, t->chat);
    EXPECT_OK(produce_request(&job, &arena, 0, &rows));
    return rows;
}

static const char *prompt(void)
{
    Text t = text_make(&arena);

    for (int64_t i = 0; i < asked.prompt_length; i++)
        text_printf(&t, "%s%d", i > 0 ? " " : "", ids[i]);
    return t.length > 0 ? t.data : "";
}

static void a_prompt_becomes_a_message_of_the_user(const Comm *c)
{
    TableRow row = {{"hell", "h"}, NULL, 0};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, &row);
    SetRows  got = ask(t, ASK("{question}o", ""));

    (void)c;
    EXPECT_TEXT(table_reason(&got, 0), "");
    EXPECT_TEXT(prompt(), "13 2 8 12 13 3");
    EXPECT_INT(asked.ends, 1);
    EXPECT_INT(asked.end[0], 12);
    EXPECT_INT(asked.stops, 0);
    EXPECT_TEXT(table_field(t, &got, 0, "answer"), "hell");
    EXPECT_NEAR(got.score[0][0], 1, 0);
    EXPECT_TEXT(got.score_name[0], "answer.ended");
}

static void a_system_message_stands_before(const Comm *c)
{
    TableRow row = {{"hello", "h"}, NULL, 0};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, &row);

    (void)c;
    ask(t, ASK("{question}", ", \"system\": \"{about}e\", \"stop\": [\"l\"]"));
    EXPECT_TEXT(prompt(), "13 1 5 12 13 2 8 12 13 3");
    EXPECT_INT(asked.stops, 1);
}

static void without_a_token_a_text_ends_the_turn(const Comm *c)
{
    TableRow row = {{"h", ""}, NULL, 0};
    Table   *t = table("{\"kind\": \"byte\"}", CHAT_TEMPLATE, &row);

    (void)c;
    ask(t, ASK("{question}", ", \"stop\": [\"l\"]"));
    EXPECT_INT(asked.ends, 0);
    EXPECT_INT(asked.stops, 2);
    if (asked.stops == 2) {
        EXPECT_TEXT(asked.stop[0], "l");
        EXPECT_TEXT(asked.stop[1], "<e>");
    }
}

static void what_cannot_be_asked_has_its_reason(const Comm *c)
{
    static const char refuses[] = "{{ raise_exception('no') }}";
    TableRow          spelled = {{"h<s>", ""}, NULL, 0}, odd = {{"x", ""}, NULL, 0};
    SetRows           got;

    (void)c;
    got = ask(table(CHAT_WORDS, CHAT_TEMPLATE, &spelled), ASK("{question}", ""));
    EXPECT_TEXT(table_reason(&got, 0), "special token in text");
    got = ask(table(CHAT_WORDS, refuses, &odd), ASK("{question}", ""));
    EXPECT_TEXT(table_reason(&got, 0), "template");
    EXPECT_INT(asked.prompt_length, 0);
}

static void other_teachers_get_the_plain_text(const Comm *c)
{
    TableRow row = {{"h", ""}, "an answer", 0};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, &row);
    SetRows  got = table_rows(t, table_recipe(t, ASK("{row}", ", \"system\": \"{about}\"")), 0, 1);

    (void)c;
    EXPECT_TEXT(table_field(t, &got, 0, "answer"), "an answer");
}

static Err read(Table *t, const char *step)
{
    const Json *json = NULL;
    Recipe     *r;
    const char *text = arena_format(&arena,
                                    "{\"recipe\": \"r\", \"about\": \"a\", \"steps\": [{\"do\": "
                                    "\"draw\", \"from\": \"problems\", \"count\": 1}, %s]}",
                                    step);

    EXPECT_OK(json_parse(&arena, "r", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &json));
    return recipe_read(&arena, json, ".", &t->source, &r);
}

static void recipes_are_checked(const Comm *c)
{
    TableRow row = {{"h", ""}, NULL, 0};
    Table   *t = table(CHAT_WORDS, CHAT_TEMPLATE, &row);

    (void)c;
    EXPECT_ERR(read(t,
                    "{\"do\": \"generate\", \"text\": \"h\", \"into\": \"a\", \"max_tokens\": 8, "
                    "\"system\": \"h\"}"),
               ERR_CONFIG, "goes with \"as\": \"chat\"");
    EXPECT_ERR(read(t, ASK("{bos}h", "")), ERR_CONFIG, "{bos} has no place in a message");
    EXPECT_ERR(read(t, ASK("h", ", \"system\": \"h{eos}\"")), ERR_CONFIG, "{eos} has no place");
    EXPECT_ERR(read(t, ASK("h", ", \"system\": \"{other}\"")), ERR_CONFIG, "other");
    EXPECT_ERR(read(t, ASK("h", ", \"stop\": [\"1\", \"2\", \"3\", \"4\", \"5\"]")), ERR_CONFIG,
               "at most 4 texts");
    EXPECT_OK(read(t, ASK("h", ", \"stop\": [\"1\", \"2\", \"3\", \"4\"]")));
}

TEST_MAIN(CASE(a_prompt_becomes_a_message_of_the_user), CASE(a_system_message_stands_before),
          CASE(without_a_token_a_text_ends_the_turn), CASE(what_cannot_be_asked_has_its_reason),
          CASE(other_teachers_get_the_plain_text), CASE(recipes_are_checked))
