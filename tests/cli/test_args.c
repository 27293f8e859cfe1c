#include "cli/args.h"
#include "tests/check.h"

#include <string.h>

static const ArgsOption OPTIONS[] = {{"count", "N", "7", "how many"},
                                     {"model", "DIR", NULL, "which"},
                                     {"max-time", "TIME", NULL, "how long"},
                                     {"quiet", NULL, NULL, "say less"},
                                     {NULL, NULL, NULL, NULL}};

static const Command COMMAND = {.name = "try",
                                .usage = "WORD",
                                .about = "a command",
                                .details = "",
                                .examples = "  tandem try x\n",
                                .words_min = 1,
                                .words_max = 2,
                                .options = OPTIONS};

static Err parse(int argc, const char *const *argv, Args *a)
{
    return args_parse(&COMMAND, argc, (char **)argv, a);
}

static void args_tells_options_from_words(const Comm *c)
{
    const char *line[] = {"one", "--count", "3", "--quiet", "--model=m", "two"};
    Args        a;
    int64_t     count;

    (void)c;
    EXPECT_OK(parse(6, line, &a));
    EXPECT_INT(a.words, 2);
    EXPECT_TEXT(a.word[1], "two");
    EXPECT_TEXT(args_text(&COMMAND, &a, "model"), "m");
    EXPECT(args_has(&COMMAND, &a, "quiet"));
    EXPECT_OK(args_i64(&COMMAND, &a, "count", 0, 10, &count));
    EXPECT_INT(count, 3);
}

static void args_gives_defaults(const Comm *c)
{
    const char *line[] = {"one"};
    Args        a;
    int64_t     count;

    (void)c;
    EXPECT_OK(parse(1, line, &a));
    EXPECT_OK(args_i64(&COMMAND, &a, "count", 0, 10, &count));
    EXPECT_INT(count, 7);
    EXPECT(!args_has(&COMMAND, &a, "quiet"));
    EXPECT(args_text(&COMMAND, &a, "model") == NULL);
}

static void args_refuses_what_it_does_not_know(const Comm *c)
{
    const char *unknown[] = {"one", "--cuont", "3"}, *missing[] = {"one", "--count"};
    const char *valued[] = {"one", "--quiet=1"}, *few[] = {"--quiet"}, *many[] = {"a", "b", "c"};
    Args        a;

    (void)c;
    EXPECT_ERR(parse(3, unknown, &a), ERR_USAGE, "did you mean --count?");
    EXPECT_ERR(parse(2, missing, &a), ERR_USAGE, "--count needs a value");
    EXPECT_ERR(parse(2, valued, &a), ERR_USAGE, "takes no value");
    EXPECT_ERR(parse(1, few, &a), ERR_USAGE, "usage: tandem try WORD");
    EXPECT_ERR(parse(3, many, &a), ERR_USAGE, "too many");
}

// Only where there are no words that could be meant.
static void args_understands_values_by_their_name(const Comm *c)
{
    static Command plain;
    const char    *line[] = {"model=a=b", "count=3"}, *unknown[] = {"modle=m"};
    const char    *valued[] = {"quiet=1"}, *word[] = {"model=m"};
    Args           a;
    int64_t        count;

    (void)c;
    plain = COMMAND;
    plain.words_min = plain.words_max = 0;
    EXPECT_OK(args_parse(&plain, 2, (char **)line, &a));
    EXPECT_TEXT(args_text(&plain, &a, "model"), "a=b");
    EXPECT_OK(args_i64(&plain, &a, "count", 0, 10, &count));
    EXPECT_INT(count, 3);
    EXPECT_INT(a.words, 0);
    EXPECT_ERR(args_parse(&plain, 1, (char **)unknown, &a), ERR_USAGE, "did you mean --model?");
    EXPECT_ERR(args_parse(&plain, 1, (char **)valued, &a), ERR_USAGE, "takes no value");
    EXPECT_OK(parse(1, word, &a));
    EXPECT_INT(a.words, 1);
    EXPECT(!args_has(&COMMAND, &a, "model"));
}

static void args_reads_times_with_units(const Comm *c)
{
    static const struct {
        const char *word;
        double      seconds;
    } cases[] = {{"--max-time=90", 90},
                 {"--max-time=90s", 90},
                 {"--max-time=5m", 300},
                 {"--max-time=1.5h", 5400}};
    const char *bad[] = {"one", "--max-time=soon"};
    Args        a;
    double      seconds;

    (void)c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *line[] = {"one", cases[i].word};

        EXPECT_OK(parse(2, line, &a));
        EXPECT_OK(args_seconds(&COMMAND, &a, "max-time", &seconds));
        EXPECT_NEAR(seconds, cases[i].seconds, 0);
    }
    EXPECT_OK(parse(2, bad, &a));
    EXPECT_ERR(args_seconds(&COMMAND, &a, "max-time", &seconds), ERR_USAGE, "90s");
}

static void args_numbers_keep_their_bounds(const Comm *c)
{
    const char *line[] = {"one", "--count=11"}, *word[] = {"one", "--count=3x"};
    Args        a;
    int64_t     count;

    (void)c;
    EXPECT_OK(parse(2, line, &a));
    EXPECT_ERR(args_i64(&COMMAND, &a, "count", 0, 10, &count), ERR_USAGE, "from 0 to 10");
    EXPECT_OK(parse(2, word, &a));
    EXPECT_ERR(args_i64(&COMMAND, &a, "count", 0, 10, &count), ERR_USAGE, "3x");
}

static void args_help_names_every_option(const Comm *c)
{
    Arena arena;
    Text  t;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    t = text_make(&arena);
    args_help(&t, &COMMAND);
    EXPECT(strstr(t.data, "--count N") != NULL);
    EXPECT(strstr(t.data, "[7]") != NULL);
    EXPECT(strstr(t.data, "tandem try x") != NULL);
    arena_free(&arena);
}

TEST_MAIN(CASE(args_tells_options_from_words), CASE(args_gives_defaults),
          CASE(args_refuses_what_it_does_not_know), CASE(args_understands_values_by_their_name),
          CASE(args_reads_times_with_units), CASE(args_numbers_keep_their_bounds),
          CASE(args_help_names_every_option))
