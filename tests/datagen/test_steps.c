// Single steps, run on records by hand.
#include "datagen/step.h"
#include "setting.h"

static Arena   run;
static Source *source;

static void start(void)
{
    if (run.base == NULL)
        EXPECT_OK(arena_make(&run, "run", 1 << 28));
    arena_back(&run, 0);
    source = setting_source(&run, 5);
}

#define DRAW "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 10},"
#define WORK                                                                                    \
    "{\"do\": \"generate\", \"text\": \"{bos}{question}=\", \"into\": \"work\", \"max_tokens\"" \
    ": 20},"

// The op behind draw and generate.
static const Op *third(const char *step)
{
    Recipe *r = NULL;

    EXPECT_OK(setting_steps(&run, source, arena_format(&run, DRAW WORK "%s", step), &r));
    return r == NULL ? NULL : &r->op[2];
}

static Record record_of(const char *question, const char *work, int has_ended)
{
    Record r = {.arena = &run, .reason = "", .source = "generated"};

    EXPECT(source_parse(source, question, &r));
    record_set(&r, "work", work, (int64_t)strlen(work));
    record_judge(&r, "work.ended", has_ended);
    return r;
}

static void expect_verdict(const Op *op, const char *question, const char *work, const char *why)
{
    Record  r = record_of(question, work, 1);
    StepRun with = {.source = source};

    op->kind->run(&with, op->settings, &r);
    EXPECT_INT(record_verdict(&r, "right"), *why == 0);
    EXPECT_TEXT(r.verdict_why[r.verdicts - 1], why);
    EXPECT_INT(r.status, SET_KEPT);
}

static void verify_reads_the_answer_behind_the_last_sign(const Comm *c)
{
    (void)c;
    start();
    const Op *op = third("{\"do\": \"verify\", \"by\": \"answer\", \"in\": \"work\", \"after\": "
                         "\";\", \"gold\": \"answer\"}");

    expect_verdict(op, "624+259", "49013,25108,62008;883", "");
    expect_verdict(op, "624+259", ";883", "");
    expect_verdict(op, "624+259", "1;2;883", "");
    expect_verdict(op, "624+259", "883", "wrong");
    expect_verdict(op, "624+259", "883;", "wrong");
    expect_verdict(op, "624+259", ";0883", "wrong");
    expect_verdict(op, "624+259", ";8833", "wrong");
    expect_verdict(op, "624+259", ";88", "wrong");
    expect_verdict(op, "624+259", "", "wrong");
    op = third("{\"do\": \"verify\", \"by\": \"answer\", \"in\": \"work\", \"gold\": "
               "\"={answer}.\"}");
    expect_verdict(op, "1+2", "=3.", "");
    expect_verdict(op, "1+2", "=3", "wrong");
    op = third("{\"do\": \"verify\", \"by\": \"equal\", \"in\": \"work\", \"gold\": \"worked\"}");
    expect_verdict(op, "624+259", "49013,25108,62008;883", "");
    expect_verdict(op, "624+259", ";883", "wrong");
}

static void verify_checks_every_step(const Comm *c)
{
    static const char *const wrong[] = {"",
                                        ";883",
                                        "49013,25108,62008",
                                        "49013;25108,62008;883",
                                        "49013,",
                                        ";;;;;;;;;",
                                        "49012,25108,62008;883",
                                        "49013,25008,62008;883",
                                        "\xff\xfe;",
                                        "49013,25108,62008,00000;883",
                                        "94013,25108,62008;883"};
    static const char *const sums[] = {"49013,25108,62008;884", "49013,25108,62008;0883",
                                       "49013,25108,62008;83", "49013,25108,62008;883;883"};

    (void)c;
    start();
    const Op *op = third("{\"do\": \"verify\", \"by\": \"steps\", \"in\": \"work\"}");

    expect_verdict(op, "624+259", "49013,25108,62008;883", "");
    expect_verdict(op, "0+0", "00000;0", "");
    expect_verdict(op, "99+99", "99018,99119;198", "");
    expect_verdict(op, "99+99", "99018,99119;298", "wrong");
    expect_verdict(op, "99+99", "99018,99119;98", "wrong");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_verdict(op, "624+259", wrong[i], "wrong step");
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        expect_verdict(op, "624+259", sums[i], "wrong");
}

static void verify_and_parse_know_a_text_that_was_cut(const Comm *c)
{
    (void)c;
    start();
    const Op *verify = third("{\"do\": \"verify\", \"by\": \"equal\", \"in\": \"work\", \"gold\": "
                             "\"worked\"}");
    const Op *parse = third("{\"do\": \"parse\", \"by\": \"problem\", \"in\": \"work\"}");
    StepRun   with = {.source = source};
    Record    r = record_of("1+2", "12003;3", 0);

    verify->kind->run(&with, verify->settings, &r);
    EXPECT_INT(record_verdict(&r, "right"), 0);
    EXPECT_TEXT(r.verdict_why[r.verdicts - 1], "unfinished");
    r = record_of("1+2", "3+4", 0);
    parse->kind->run(&with, parse->settings, &r);
    EXPECT_TEXT(r.reason, "unfinished");
}

static void expect_parse(const Op *op, const char *work, const char *reason)
{
    StepRun with = {.source = source};
    Record  r = record_of("1+2", work, 1);

    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, reason);
    EXPECT_INT(r.status, *reason ? SET_REJECTED : SET_KEPT);
    if (*reason == 0)
        EXPECT_TEXT(setting_field(&r, "question"), work);
}

static void parse_reads_problems_of_the_source(const Comm *c)
{
    (void)c;
    start();
    const Op *op = third("{\"do\": \"parse\", \"by\": \"problem\", \"in\": \"work\"}");
    Record    test = {.arena = &run};

    expect_parse(op, "3+4", "");
    expect_parse(op, "12+3", "malformed");
    expect_parse(op, "", "malformed");
    source_draw(source, SPLIT_HELD_OUT, 0, 500, &test);
    expect_parse(op, setting_field(&test, "question"), "held-out");
}

static void parse_reads_groups_into_fields(const Comm *c)
{
    (void)c;
    start();
    const Op *op = third("{\"do\": \"parse\", \"by\": \"pattern\", \"in\": \"work\", \"pattern\": "
                         "\"^([0-9]+)(x)?;([0-9]*)$\", \"into\": [\"p\", \"q\", \"s\"]}");
    StepRun   with = {.source = source};
    Record    r = record_of("1+2", "123;45", 1);

    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(setting_field(&r, "p"), "123");
    EXPECT_TEXT(setting_field(&r, "q"), "");
    EXPECT_TEXT(setting_field(&r, "s"), "45");
    r = record_of("1+2", "x;45", 1);
    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, "malformed");
    r = record_of("1+2", "1;2", 1);
    record_set(&r, "work", "1;\0002", 4); // a zero byte ends no text
    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, "malformed");
}

static void keep_says_what_spoke_against_a_record(const Comm *c)
{
    (void)c;
    start();
    const Op *op = third("{\"do\": \"keep\", \"work.ended\": true, \"hinted\": false}");
    Record    r = record_of("1+2", "", 1);
    StepRun   with = {.source = source};

    op->kind->run(&with, op->settings, &r);
    EXPECT_INT(r.status, SET_KEPT);
    record_judge(&r, "hinted", 1);
    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, "hinted");
    r = record_of("1+2", "", 0);
    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, "not work.ended");
    r = record_of("1+2", "", 0);
    record_judge_why(&r, "work.ended", "too slow");
    op->kind->run(&with, op->settings, &r);
    EXPECT_TEXT(r.reason, "too slow");
}

static void select_keeps_the_first_of_equal_texts_up_to_the_cap(const Comm *c)
{
    static const char *const works[] = {"a", "b", "a", "c", "b", "d"};
    static const char *const reasons[] = {"", "", "duplicate", "", "duplicate", "over the cap"};

    (void)c;
    start();
    const Op *op = third("{\"do\": \"select\", \"distinct\": \"work\", \"cap\": 3}");
    Record    records[6], *list[6];

    for (int i = 0; i < 6; i++) {
        records[i] = record_of("1+2", works[i], 1);
        list[i] = &records[i];
    }
    op->kind->gather(op->settings, list, 6);
    for (int i = 0; i < 6; i++)
        EXPECT_TEXT(records[i].reason, reasons[i]);
}

static void select_compares_several_fields(const Comm *c)
{
    static const char *const works[][2] = {{"a", "1"}, {"a", "2"}, {"a", "1"}, {"b", "1"}};
    static const char *const reasons[] = {"", "", "duplicate", ""};

    (void)c;
    start();
    const Op *op = third("{\"do\": \"select\", \"distinct\": [\"work\", \"hint\"]}");
    Record    records[4], *list[4];

    for (int i = 0; i < 4; i++) {
        records[i] = record_of("1+2", works[i][0], 1);
        record_set(&records[i], "hint", works[i][1], 1);
        list[i] = &records[i];
    }
    op->kind->gather(op->settings, list, 4);
    for (int i = 0; i < 4; i++)
        EXPECT_TEXT(records[i].reason, reasons[i]);
}

// Works of records with these hints: whether a conflict was seen.
static int conflicts(const char *const works[3], const char *const hints[3])
{
    const Op *op = third("{\"do\": \"select\", \"conflict\": {\"same\": \"hint\", \"differs\": "
                         "\"work\"}, \"cap\": 9}");
    Record    records[3], *list[3];
    int       rejected = 0;

    for (int i = 0; i < 3; i++) {
        records[i] = record_of("1+2", works[i], 1);
        record_set(&records[i], "hint", hints[i], (int64_t)strlen(hints[i]));
        list[i] = &records[i];
    }
    op->kind->gather(op->settings, list, 3);
    for (int i = 0; i < 3; i++)
        rejected += strcmp(records[i].reason, "conflict") == 0;
    EXPECT(rejected == 0 || rejected == 3);
    return rejected > 0;
}

static void select_rejects_all_records_that_contradict_each_other(const Comm *c)
{
    (void)c;
    start();
    EXPECT(conflicts((const char *[]){"a", "b", "c"}, (const char *[]){"x", "y", "x"}));
    EXPECT(!conflicts((const char *[]){"a", "b", "a"}, (const char *[]){"x", "y", "x"}));
    EXPECT(!conflicts((const char *[]){"a", "b", "c"}, (const char *[]){"", "y", ""}));
}

TEST_MAIN(CASE(verify_reads_the_answer_behind_the_last_sign), CASE(verify_checks_every_step),
          CASE(verify_and_parse_know_a_text_that_was_cut), CASE(parse_reads_problems_of_the_source),
          CASE(parse_reads_groups_into_fields), CASE(keep_says_what_spoke_against_a_record),
          CASE(select_keeps_the_first_of_equal_texts_up_to_the_cap),
          CASE(select_compares_several_fields),
          CASE(select_rejects_all_records_that_contradict_each_other))
