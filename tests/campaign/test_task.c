// What tasks are judged by: metrics, intervals, and the answers that are found in texts.  Numbers
// are those of tests/oracle/tasks.py, or small enough to be done by hand.
#include "campaign/tasks/task_extract.h"
#include "campaign/tasks/task_metrics.h"
#include "tests/check.h"

#include <math.h>
#include <string.h>

static Arena arena;

static void arena_begin(void)
{
    EXPECT_OK(arena_make(&arena, "test", 1 << 28));
}

// ---- pass@k

static double choose(int64_t n, int64_t k)
{
    double x = 1;

    for (int64_t i = 1; i <= k; i++)
        x = x * (double)(n - k + i) / (double)i;
    return k > n ? 0 : x;
}

static void pass_is_what_combinations_say(const Comm *c)
{
    int64_t compared = 0;

    (void)c;
    for (int64_t n = 1; n <= 16; n++)
        for (int64_t right = 0; right <= n; right++)
            for (int64_t k = 1; k <= n; k++, compared++)
                EXPECT_NEAR(metric_pass(n, right, k), 1 - choose(n - right, k) / choose(n, k),
                            1e-14);
    EXPECT_NEAR(metric_pass(200, 1, 100), 0.5, 1e-12);
    EXPECT_NEAR(metric_pass(5, 2, 1), 0.4, 1e-15);
    EXPECT_NEAR(metric_pass(5, 2, 2), 0.7, 1e-15);
    EXPECT_NEAR(metric_pass(5, 2, 4), 1, 0);
    check_compared(compared + 4);
}

// ---- majority

static const struct {
    const char *answers; // one letter per sample; '-': none was found
    double      logp[6];
    int64_t     want;
} votes[] = {
    {"a", {-1}, 0},
    {"-", {-1}, -1},
    {"--", {-1, -2}, -1},
    {"abb", {-1, -2, -3}, 1},
    {"ab", {-2, -1}, 1},                 // a tie: the likelier
    {"ab", {-1, -1}, 0},                 // likewise equal: the first
    {"abba", {-1, -2, -2, -4}, 1},       // means -2.5 and -2
    {"abba", {-1, -2, -2, -2.9}, 0},     // means -1.95 and -2
    {"---a", {-1, -1, -1, -9}, 3},       // what is none does not vote
    {"cababb", {-1, -1, -1, -1, -1}, 2}, // b: three
};

static void majority_counts_votes(const Comm *c)
{
    int count = (int)(sizeof votes / sizeof votes[0]);

    (void)c;
    for (int i = 0; i < count; i++) {
        Span    answer[6];
        int64_t n = (int64_t)strlen(votes[i].answers);

        for (int64_t k = 0; k < n; k++)
            answer[k] = votes[i].answers[k] == '-' ? (Span){0} : (Span){votes[i].answers + k, 1};
        EXPECT_INT(metric_majority(answer, votes[i].logp, n), votes[i].want);
    }
    check_compared(count);
}

// ---- intervals

static void wilson_is_as_published(const Comm *c)
{
    Interval x;

    (void)c;
    x = interval_wilson(8, 10); // the usual example
    EXPECT_NEAR(x.value, 0.8, 1e-15);
    EXPECT_NEAR(x.low, 0.4901624715, 1e-9);
    EXPECT_NEAR(x.high, 0.9433178485, 1e-9);
    x = interval_wilson(0, 10);
    EXPECT_NEAR(x.low, 0, 0);
    EXPECT_NEAR(x.high, 0.2775327998, 1e-9);
    x = interval_wilson(10, 10);
    EXPECT_NEAR(x.low, 1 - 0.2775327998, 1e-9);
    EXPECT_NEAR(x.high, 1, 0);
    x = interval_wilson(1, 1);
    EXPECT_NEAR(x.low, 0.2065493143, 1e-9);
    check_compared(8);
}

static void means_choose_their_interval(const Comm *c)
{
    static const double yes[] = {0, 1, 1, 0}, parts[] = {0.5, 0.25, 0.75, 1}, edge[] = {0.9, 1, 1};
    Interval            x = interval_mean(yes, 4), y = interval_wilson(2, 4);

    (void)c;
    EXPECT_INT(x.kind, INTERVAL_WILSON);
    EXPECT_NEAR(x.value, y.value, 0);
    EXPECT_NEAR(x.low, y.low, 0);
    EXPECT_NEAR(x.high, y.high, 0);
    x = interval_mean(parts, 4);
    EXPECT_INT(x.kind, INTERVAL_NORMAL);
    EXPECT_NEAR(x.value, 0.625, 1e-15);
    // squares 0.3125, so s^2 = 0.3125 / 3 and the standard error sqrt(0.3125 / 12)
    EXPECT_NEAR(x.high - x.value, 1.959963984540054 * sqrt(0.3125 / 12), 1e-15);
    EXPECT_NEAR(x.value - x.low, x.high - x.value, 1e-15);
    EXPECT_NEAR(interval_mean(edge, 3).high, 1, 0);
    EXPECT_INT(interval_mean(parts, 1).kind, INTERVAL_NONE);
    check_compared(8);
}

static void ratios_weigh_by_size(const Comm *c)
{
    static const double nll[] = {2, 9}, tokens[] = {1, 3};
    Interval            x = interval_ratio(nll, tokens, 2);

    (void)c;
    EXPECT_NEAR(x.value, 2.75, 1e-15);
    // residuals -0.75 and 0.75: sqrt(2 * 1.125) / 4
    EXPECT_NEAR(x.high - x.value, 1.959963984540054 * 1.5 / 4, 1e-15);
    EXPECT_INT(interval_ratio(nll, tokens, 1).kind, INTERVAL_NONE);
    check_compared(3);
}

// ---- ROUGE-L

static void rouge_is_the_longest_common_subsequence(const Comm *c)
{
    static const struct {
        const char *a, *b;
        double      want;
    } pairs[] = {{"the cat sat", "the cat sat", 1},
                 {"The CAT, sat!", "the cat sat", 1},
                 {"police killed the gunman", "police kill the gunman", 0.75},
                 {"a b c d", "a c", 2.0 / 3},
                 {"", "a", 0},
                 {"...", "!!", 0}};

    (void)c;
    arena_begin();
    for (int i = 0; i < 6; i++)
        EXPECT_NEAR(metric_rouge_l(&arena, span_of(pairs[i].a), span_of(pairs[i].b)), pairs[i].want,
                    1e-15);
    check_compared(6);
    arena_free(&arena);
}

// ---- answers in texts

static const struct {
    const char *rule, *text, *want; // NULL: none
} answers[] = {
    {"{}", "  Yes. \n", "Yes."},
    {"{\"normalize\": []}", " Yes.", " Yes."},
    {"{\"by\": \"after\", \"after\": \"####\"}", "so 3+4=7\n#### 7\n#### 8", "7"},
    {"{\"by\": \"after\", \"after\": \"####\", \"which\": \"last\"}", "#### 7\n#### 8", "8"},
    {"{\"by\": \"after\", \"after\": \"####\"}", "so 7", NULL},
    {"{\"by\": \"after\", \"after\": \"#\"}", "#", ""},
    {"{\"by\": \"last_number\"}", "It is 3, then 1,234.50.", "1,234.50"},
    {"{\"by\": \"last_number\"}", "costs $-5 today", "-5"},
    {"{\"by\": \"last_number\"}", "5-3", "3"},
    {"{\"by\": \"last_number\"}", "in 1999, 2000", "2000"},
    {"{\"by\": \"last_number\"}", "version 1.2.3", "2.3"},
    {"{\"by\": \"last_number\"}", "-7", "-7"},
    {"{\"by\": \"last_number\"}", "none", NULL},
    {"{\"by\": \"pattern\", \"pattern\": \"answer is (\\\\w+)\"}", "The answer is B. answer is C",
     "B"},
    {"{\"by\": \"pattern\", \"pattern\": \"answer is (\\\\w+)\", \"which\": \"last\"}",
     "The answer is B. answer is C", "C"},
    {"{\"by\": \"pattern\", \"pattern\": \"[A-E]\"}", "(D)", "D"},
    {"{\"by\": \"pattern\", \"pattern\": \"(x)?y\"}", "y", "y"},
    {"{\"by\": \"pattern\", \"pattern\": \"x*\", \"which\": \"last\"}", "\xc3\xa4xx\xc3\xa4", ""},
    {"{\"by\": \"pattern\", \"pattern\": \"z\"}", "y", NULL},
    {"{\"normalize\": [\"lower\", \"punctuation\", \"articles\", \"space\"]}",
     "The  Eiffel-Tower, a THEater!", "eiffeltower theater"},
    {"{\"normalize\": [\"articles\"]}", "an ant and a bee; the \xc3\xa4",
     " ant and  bee;  \xc3\xa4"},
    {"{\"normalize\": [\"lower\"]}", "\xc3\x84rger", "\xc3\xa4rger"},
    {"{\"normalize\": [\"number\"]}", " $1,234.50 ", "1234.5"},
    {"{\"normalize\": [\"number\"]}", "18.00", "18"},
    {"{\"normalize\": [\"number\"]}", "-0.0", "0"},
    {"{\"normalize\": [\"number\"]}", "-.50", "-0.5"},
    {"{\"normalize\": [\"number\"]}", "007", "7"},
    {"{\"normalize\": [\"number\"]}", "0", "0"},
    {"{\"normalize\": [\"number\"]}", "75%", "75"},
    {"{\"normalize\": [\"number\"]}", "18.", "18"},
    {"{\"normalize\": [\"number\"]}", "12 apples", "12 apples"},
    {"{\"normalize\": [\"number\"]}", "1.2.3", "1.2.3"},
    {"{\"normalize\": [\"number\"]}", "-", "-"},
    {"{\"normalize\": [\"number\"]}", "", ""},
};

static void answers_are_found_and_normalized(const Comm *c)
{
    int count = (int)(sizeof answers / sizeof answers[0]);

    (void)c;
    arena_begin();
    for (int i = 0; i < count; i++) {
        const Json *rule;
        ExtractKeys keys = {0};
        Extract     e;
        Span        found;
        Text        t = text_make(&arena);

        EXPECT_OK(json_parse(&arena, "rule", answers[i].rule, (int64_t)strlen(answers[i].rule),
                             JSON_NO_COMMENTS, &rule));
        EXPECT_OK(config_read(&arena, rule, extract_table, &keys));
        EXPECT_OK(extract_make(&arena, rule, &keys, &e));
        if (!extract_find(&e, &arena, span_of(answers[i].text), &found)) {
            EXPECT(answers[i].want == NULL);
            continue;
        }
        extract_normalize(&e, &arena, found, &t);
        EXPECT_TEXT(t.data, answers[i].want != NULL ? answers[i].want : "(none)");
    }
    check_compared(count);
    arena_free(&arena);
}

TEST_MAIN(CASE(pass_is_what_combinations_say), CASE(majority_counts_votes),
          CASE(wilson_is_as_published), CASE(means_choose_their_interval),
          CASE(ratios_weigh_by_size), CASE(rouge_is_the_longest_common_subsequence),
          CASE(answers_are_found_and_normalized))
