#include "setting.h"

#include <stdlib.h>

static Arena arena;

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 1 << 28));
    arena_back(&arena, 0);
}

static Record draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k)
{
    Record r = {.arena = &arena};

    source_draw(s, split, iteration, k, &r);
    return r;
}

static void expect_problem(const Source *s, const char *question, const char *worked,
                           const char *hint, int64_t max_tokens)
{
    Record r = {.arena = &arena};

    EXPECT_INT(source_parse(s, question, &r), 1);
    EXPECT_TEXT(setting_field(&r, "question"), question);
    EXPECT_TEXT(setting_field(&r, "worked"), worked);
    EXPECT_TEXT(setting_field(&r, "hint"), hint);
    EXPECT_INT(atoll(setting_field(&r, "max_tokens")), max_tokens);
}

static void source_writes_problems_in_the_form_of_the_reference(const Comm *c)
{
    (void)c;
    start();
    Source *s = setting_source(&arena, 1);

    expect_problem(s, "7+5", "75012;12", "12", 13);
    expect_problem(s, "0+0", "00000;0", "00", 13);
    expect_problem(s, "624+259", "49013,25108,62008;883", "0883", 27);
    expect_problem(s, "12345+67891", "51006,49013,38112,27110,16108;80236", "080236", 41);
    expect_problem(s, "99999+99999", "99018,99119,99119,99119,99119;199998", "199998", 41);
}

static void source_seeds_are_plain_and_hinted_and_not_in_the_test(const Comm *c)
{
    (void)c;
    start();
    Source  *s = setting_source(&arena, 7), *other = setting_source(&arena, 8);
    uint64_t before = 0;
    int      same = 0;

    EXPECT_INT(source_count(s, SPLIT_SEEDS), 400);
    for (int64_t k = 0; k < 400; k++) {
        Record r = draw(s, SPLIT_SEEDS, 0, k), o = draw(other, SPLIT_SEEDS, 0, k);

        EXPECT_INT(r.group, k / 80);
        EXPECT_INT(record_verdict(&r, "hinted"), k % 2);
        EXPECT_INT(source_is_held_out(s, &r), 0);
        EXPECT(k == 0 || (k % 2 ? r.problem == before : r.problem > before));
        before = r.problem;
        same += r.problem == o.problem;
    }
    EXPECT(same < 100);
}

static void source_test_is_fixed_for_every_seed(const Comm *c)
{
    (void)c;
    start();
    Source  *s = setting_source(&arena, 7), *other = setting_source(&arena, 8);
    uint64_t before = 0;

    EXPECT_INT(source_count(s, SPLIT_HELD_OUT), 900);
    for (int64_t k = 0; k < 900; k++) {
        Record r = draw(s, SPLIT_HELD_OUT, 3, k), o = draw(other, SPLIT_HELD_OUT, 4, k);

        EXPECT_INT(r.group, k < 100 ? 0 : (k - 100) / 200 + 1);
        EXPECT(k == 0 || r.problem > before);
        EXPECT_INT((int64_t)r.problem, (int64_t)o.problem);
        EXPECT_INT(source_is_held_out(s, &r), k >= 100);
        before = r.problem;
    }
}

static void source_draws_training_problems_by_the_mix(const Comm *c)
{
    static const int groups[] = {0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4};

    (void)c;
    start();
    Source *s = setting_source(&arena, 7);
    int     again = 0;

    EXPECT_INT(source_count(s, SPLIT_TRAIN), -1);
    for (int64_t k = 0; k < 20000; k++) {
        ArenaMark mark = arena_mark(&arena);
        Record    r = draw(s, SPLIT_TRAIN, 2, k), same = draw(s, SPLIT_TRAIN, 2, k),
               next = draw(s, SPLIT_TRAIN, 3, k);

        EXPECT_INT(r.group, groups[k % 18]);
        EXPECT_INT((int64_t)strlen(setting_field(&r, "a")), r.group + 1);
        EXPECT_INT((int64_t)strlen(setting_field(&r, "b")), r.group + 1);
        EXPECT_INT(source_is_held_out(s, &r), 0);
        EXPECT_INT((int64_t)r.problem, (int64_t)same.problem);
        again += k % 18 > 3 && r.problem == next.problem;
        arena_back(&arena, mark);
    }
    EXPECT(again < 50);
}

static void source_reads_only_well_formed_questions(const Comm *c)
{
    static const char *const bad[] = {
        "",          "+",
        "1+",        "+1",
        "1",         "1+2=",
        "1+2 ",      " 1+2",
        "01+12",     "12+1",
        "00+11",     "1++2",
        "-1+2",      "123456+123456",
        "1+2\n",     "99999999999999999999999+99999999999999999999999",
        "a+b",       "\xff\xfe",
        "1+\xc3\xa9"};

    (void)c;
    start();
    Source *s = setting_source(&arena, 1);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Record r = {.arena = &arena};
        EXPECT_INT(source_parse(s, bad[i], &r), 0);
        EXPECT_INT(r.fields, 0);
    }
    expect_problem(s, "10+99", "09009,19010;109", "109", 20);
}

static void source_bounds_its_texts(const Comm *c)
{
    (void)c;
    start();
    Source *s = NULL;
    Record  r = {.arena = &arena};
    int     fields, verdicts;

    EXPECT_OK(source_make(&arena,
                          setting_json(&arena, "{\"kind\": \"addition\", \"digits\": 9, "
                                               "\"held_out_per_digit\": 1}"),
                          ".", 1, &s));
    EXPECT_INT(source_parse(s, "999999999+999999999", &r), 1);
    EXPECT_TEXT(setting_field(&r, "answer"), "1999999998");
    EXPECT_INT((int64_t)r.problem, 999999999999999999);
    EXPECT_INT(source_max_tokens(s), atoll(setting_field(&r, "max_tokens")));
    EXPECT_INT((int64_t)strlen(setting_field(&r, "worked")) + 1 + 4, source_max_tokens(s));
    source_fields(s, &fields);
    source_verdicts(s, &verdicts);
    EXPECT_INT(r.fields, fields);
    EXPECT_INT(r.verdicts, verdicts);
    EXPECT_INT(source_count(s, SPLIT_HELD_OUT), 108);
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 720);
}

static Err make(const char *text)
{
    Source *s;

    return source_make(&arena, setting_json(&arena, text), ".", 1, &s);
}

static void source_refuses_what_it_cannot_make(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(make("{\"kind\": \"additon\"}"), ERR_CONFIG, "addition");
    EXPECT_ERR(make("{\"digits\": 5}"), ERR_CONFIG, "kind");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 10}"), ERR_CONFIG, "from 1 to 9");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digit\": 3}"), ERR_CONFIG, "digits");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 2, \"mix\": [1]}"), ERR_CONFIG,
               "test.json:1:");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 2, \"mix\": [0, 0]}"), ERR_CONFIG,
               "above 0");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 1, \"mix\": 3}"), ERR_CONFIG, "list");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 1, \"seeds_per_digit\": [101]}"),
               ERR_CONFIG, "from 0 to 100");
    EXPECT_ERR(make("{\"kind\": \"addition\", \"digits\": 1, \"seeds_per_digit\": [1.5]}"),
               ERR_CONFIG, "1.5");
    EXPECT_OK(make("{\"kind\": \"addition\", \"digits\": 2, \"seeds_per_digit\": [100, 4000], "
                   "\"held_out_per_digit\": 4000}"));
}

TEST_MAIN(CASE(source_writes_problems_in_the_form_of_the_reference),
          CASE(source_seeds_are_plain_and_hinted_and_not_in_the_test),
          CASE(source_test_is_fixed_for_every_seed),
          CASE(source_draws_training_problems_by_the_mix),
          CASE(source_reads_only_well_formed_questions), CASE(source_bounds_its_texts),
          CASE(source_refuses_what_it_cannot_make))
