#include "cli/talk.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static Arena *room(void)
{
    static Arena a;

    if (a.base == NULL)
        EXPECT_OK(arena_make(&a, "test", 1 << 24));
    return &a;
}

// What is shown after every byte is whole characters, and in the end everything.
static void half_a_character_is_never_shown(const Comm *c)
{
    static const char *const texts[] = {"grüß €😀!", "日本語", "a", "\xF0\x9F\x98\x80"};
    DecodeRequest            r = {0};
    int                      held = 0;

    (void)c;
    for (int i = 0; i < 4; i++) {
        const char *t = texts[i];

        for (int64_t n = 1; n <= (int64_t)strlen(t); n++) {
            int64_t unsure = talk_unsure(&r, t, n);

            EXPECT(unsure >= 0 && unsure <= 3 && unsure <= n);
            EXPECT_INT(text_utf8_bad(t, n - unsure), -1);
            EXPECT(unsure == 0 || text_utf8_bad(t, n) >= 0); // nothing is held without need
            held += unsure > 0;
        }
        EXPECT_INT(talk_unsure(&r, t, (int64_t)strlen(t)), 0);
    }
    EXPECT_INT(held, 1 + 1 + 2 + 3 + 3 * 2 + 3);
    EXPECT_INT(talk_unsure(&r, "a\x80\x80\x80\x80", 5), 0); // no character begins here
}

static void the_beginning_of_a_stop_text_is_held_back(const Comm *c)
{
    DecodeRequest r = {.stops = 2, .stop = {"\nuser:", "<end>"}};

    (void)c;
    EXPECT_INT(talk_unsure(&r, "hello", 5), 0);
    EXPECT_INT(talk_unsure(&r, "hello\n", 6), 1);
    EXPECT_INT(talk_unsure(&r, "hello\nuse", 9), 4);
    EXPECT_INT(talk_unsure(&r, "hello\nusual", 11), 0);
    EXPECT_INT(talk_unsure(&r, "<en", 3), 3);
    EXPECT_INT(talk_unsure(&r, "<e", 2), 2);
    EXPECT_INT(talk_unsure(&r, "", 0), 0);
}

static void text_for_people_is_clean(const Comm *c)
{
    Text t = text_make(room());

    (void)c;
    talk_clean(&t, "a\n\tü", 5);
    EXPECT_TEXT(t.data, "a\n\tü");
    t.length = 0;
    talk_clean(&t, "\x1B[31m\xFF\x7F\0z", 9);
    EXPECT_TEXT(t.data, "\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

static SampleSpec sampling(const char *config, int *said)
{
    SampleSpec  s = {.temperature = 0.7, .top_p = 1, .repetition_penalty = 1};
    const Json *json;
    char        text[512];

    snprintf(text, sizeof text, "{\"beside\": {\"generation_config\": %s}}", config);
    EXPECT_OK(json_parse(room(), "test", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &json));
    *said = talk_sampling(json, &s);
    return s;
}

static void models_say_how_they_are_sampled(const Comm *c)
{
    int        said;
    SampleSpec s;

    (void)c;
    s = sampling("{\"do_sample\": true, \"temperature\": 0.6, \"top_p\": 0.9, \"top_k\": 20,"
                 "\"repetition_penalty\": 1.1}",
                 &said);
    EXPECT_INT(said, 1);
    EXPECT_NEAR(s.temperature, 0.6, 0);
    EXPECT_NEAR(s.top_p, 0.9, 0);
    EXPECT_INT(s.top_k, 20);
    EXPECT_NEAR(s.repetition_penalty, 1.1, 0);
    s = sampling("{\"eos_token_id\": 2}", &said);
    EXPECT_INT(said, 0);
    EXPECT_NEAR(s.temperature, 0.7, 0);
    s = sampling("{\"do_sample\": false, \"temperature\": 0.6}", &said);
    EXPECT_INT(said, 1);
    EXPECT_NEAR(s.temperature, 0, 0);
    s = sampling("{\"temperature\": -1, \"top_p\": \"x\", \"top_k\": null}", &said);
    EXPECT_INT(said, 0);
    EXPECT_NEAR(s.temperature, 0.7, 0);
    EXPECT_INT(talk_sampling(NULL, &s), 0);
}

TEST_MAIN(CASE(half_a_character_is_never_shown), CASE(the_beginning_of_a_stop_text_is_held_back),
          CASE(text_for_people_is_clean), CASE(models_say_how_they_are_sampled))
