// The scripted teacher: stops, attempts, rates of faults, order, slots, time, configuration.
#include "base/clock.h"
#include "scripted.h"

static void the_first_of_several_stops_counts(const Comm *c)
{
    TeacherRequest *r;
    Teacher        *t;

    (void)c;
    start();
    t = make("", 1);
    r = request(list, 5, "\n6.");
    r->stop[r->stops++] = "\n4.";
    r->stop[r->stops++] = "";
    EXPECT_TEXT(ask(t, r).text,
                " Outline a weekly menu without any meat in the manner of old fairy tales.");
    r = request(other, 1, "Tell");
    EXPECT_TEXT(ask(t, r).text, "");
}

static void the_limit_of_tokens_cuts_nothing(const Comm *c)
{
    TeacherRequest *r;
    TeacherResult   one, many;
    Teacher        *t;

    (void)c;
    start();
    t = make("", 1);
    r = request(list, 5, NULL);
    one = ask(t, r);
    r->max_tokens = 1000;
    r->seed = 77;
    r->spec.temperature = 1;
    many = ask(t, r);
    EXPECT_TEXT(one.text, many.text);
    EXPECT_INT(one.end, TEACHER_DONE);
    EXPECT_INT(one.length, 0);
}

static void failed_attempts_are_tried_again(const Comm *c)
{
    Teacher     *t;
    TeacherStats s;
    int          answered = 0;

    (void)c;
    start();
    t = make("\"p_429\": 0.5, \"p_timeout\": 0.25, \"retries\": 4", 1);
    for (uint64_t i = 0; i < 1000; i++) {
        TeacherResult r = ask(t, request(other, i, NULL));

        answered += r.end == TEACHER_DONE;
        EXPECT(r.end != TEACHER_FAILED || r.bytes == 0);
    }
    t->kind->stats(t, &s);
    EXPECT_INT(s.requests, 1000);
    EXPECT_INT(s.failed, 1000 - answered);
    EXPECT_INT(s.retries_5xx, 0);
    // An attempt fails with 1/2 + 1/2 * 1/4 = 5/8: 847 of 1000 are answered, within 5 deviations.
    EXPECT_NEAR(answered, 847, 57);
    // Of those that fail, 4/5 are 429; 1000 * 5/8 * (1 + 5/8 + 25/64) = 1260 are tried again.
    EXPECT_NEAR((double)s.retries_429, 1008, 130);
    EXPECT_NEAR((double)s.retries_timeout, 252, 80);
    t = make("\"p_500\": 1, \"retries\": 1", 1);
    ask(t, request(other, 1, NULL));
    t->kind->stats(t, &s);
    EXPECT_INT(s.retries_5xx, 0);
    EXPECT_INT(s.failed, 1);
}

static void all_reasons_are_those_of_teachers(const Comm *c)
{
    static const char *const knobs[] = {"\"p_429\": 1", "\"p_500\": 1", "\"p_timeout\": 1"};
    int                      count, known;
    const char *const       *reason = teacher_reasons(&count);

    (void)c;
    start();
    for (int i = 0; i < 3; i++) {
        TeacherResult r = ask(make(knobs[i], 1), request(other, 1, NULL));

        known = 0;
        for (int k = 0; k < count; k++)
            known += strcmp(r.why, reason[k]) == 0;
        EXPECT_INT(known, 1);
    }
}

// Asks n requests through all slots; texts by tag, and the order in which they came.
static void ask_many(const char *knobs, int slots, int n, const char **text, int *order)
{
    Teacher      *t = make(knobs, slots);
    TeacherResult r;
    int           asked = 0, came = 0;

    while (came < n) {
        while (asked < n && t->kind->free_slots(t) > 0) {
            TeacherRequest *q = request(asked % 2 ? list : sections, (uint64_t)asked / 2, "\n20");

            q->tag = asked++;
            EXPECT(t->kind->submit(t, q) == NULL);
        }
        EXPECT(t->kind->running(t) <= slots);
        EXPECT_OK(t->kind->step(t));
        while (t->kind->take(t, &r)) {
            text[r.tag] = arena_text_n(&run, r.text, r.bytes);
            order[came++] = (int)r.tag;
        }
    }
    EXPECT_INT(t->kind->running(t), 0);
    EXPECT_INT(t->kind->free_slots(t), slots);
}

static void answers_do_not_depend_on_slots_and_order(const Comm *c)
{
    enum { N = 300 };
    static const char *const knobs[] = {"", "\"shuffle\": 1", "\"shuffle\": 2"};
    static const int         slots[] = {1, 7, 64};
    const char              *first[N], *text[N];
    int                      order[N], moved, other_order[N];

    (void)c;
    start();
    ask_many("", 1, N, first, order);
    for (int i = 0; i < N; i++)
        EXPECT_INT(order[i], i);
    for (int k = 0; k < 3; k++)
        for (int s = 0; s < 3; s++) {
            ask_many(knobs[k], slots[s], N, text, order);
            moved = 0;
            for (int i = 0; i < N; i++) {
                EXPECT_TEXT(text[i], first[i]);
                moved += order[i] != i;
            }
            EXPECT(k == 0 || s == 0 ? moved == 0 : moved > N / 2);
        }
    ask_many("\"shuffle\": 1", 64, N, text, other_order);
    EXPECT(memcmp(order, other_order, sizeof order) != 0);
    check_compared(9 * N);
}

static void untaken_answers_keep_their_slots(const Comm *c)
{
    Teacher      *t;
    TeacherResult r;

    (void)c;
    start();
    t = make("", 2);
    for (int64_t i = 0; i < 2; i++) {
        TeacherRequest *q = request(other, 1, NULL);

        q->tag = i;
        EXPECT(t->kind->submit(t, q) == NULL);
    }
    EXPECT_INT(t->kind->free_slots(t), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_OK(t->kind->step(t));
    EXPECT_INT(t->kind->free_slots(t), 0);
    EXPECT(t->kind->take(t, &r));
    EXPECT_INT(r.tag, 0);
    EXPECT_INT(t->kind->free_slots(t), 1);
    t->kind->clear(t);
    EXPECT_INT(t->kind->free_slots(t), 2);
    EXPECT(!t->kind->take(t, &r));
}

static void slow_answers_take_their_time(const Comm *c)
{
    double        began = clock_now();
    Teacher      *t;
    TeacherResult r;
    int           steps = 0;

    (void)c;
    start();
    t = make("\"slow_ms\": 120", 4);
    EXPECT(t->kind->submit(t, request(other, 1, NULL)) == NULL);
    do {
        EXPECT_OK(t->kind->step(t));
        steps++;
    } while (!t->kind->take(t, &r));
    EXPECT(clock_now() - began >= 0.12);
    EXPECT(steps >= 3); // no step waits longer than 50 ms
    EXPECT_TEXT(r.text, ask(make("", 1), request(other, 1, NULL)).text);
}

static void a_configuration_is_checked(const Comm *c)
{
    static const struct {
        const char *knobs, *says;
    } bad[] = {{"\"p_lenght\": 0.1", "p_length"},
               {"\"p_length\": 1.5", "p_length"},
               {"\"p_empty\": 0.1234567", "at most 6 decimals"},
               {"\"retries\": 0", "retries"},
               {"\"seed\": -1", "seed"},
               {"\"slow_ms\": \"a\"", "slow_ms"}};
    Teacher *t = NULL;

    (void)c;
    start();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_ERR(teacher_scripted(
                       &run, setting_json(&run, arena_format(&run, "{%s}", bad[i].knobs)), 1, &t),
                   ERR_CONFIG, bad[i].says);
    EXPECT_OK(teacher_scripted(&run, NULL, 1, &t));
    EXPECT_TEXT(ask(t, request(classification, 1, NULL)).text, " Yes");
    EXPECT_OK(teacher_scripted(&run, setting_json(&run, "{\"p_length\": 0.000001}"), 1, &t));
}

// Every probability is that of its own fault: how often it strikes among many items.
static void faults_have_their_rates(const Comm *c)
{
    static const struct {
        const char *knobs, *prompt, *sign;
    } fault[] = {{"\"p_empty\": 0.25", other, NULL},
                 {"\"p_refusal\": 0.25", other, "orry"},
                 {"\"p_odd\": 0.25", other, "It is what"},
                 {"\"p_missing_section\": 0.25", rewrite, "#Rewritten"},
                 {"\"p_missing_section\": 0.25", classification, "depends"},
                 {"\"p_equal\": 0.75", judge, "Not"}};
    enum { N = 4000 };

    (void)c;
    start();
    for (size_t i = 0; i < sizeof fault / sizeof fault[0]; i++) {
        Teacher *t = make(fault[i].knobs, 1);
        int      seen = 0;

        for (uint64_t k = 0; k < N; k++) {
            const char *text = ask(t, request(fault[i].prompt, k * k, NULL)).text;

            seen += fault[i].sign == NULL ? *text == 0 : strstr(text, fault[i].sign) != NULL;
        }
        EXPECT_NEAR(seen, N / 4, 137); // 5 deviations
    }
}

TEST_MAIN(CASE(the_first_of_several_stops_counts), CASE(the_limit_of_tokens_cuts_nothing),
          CASE(failed_attempts_are_tried_again), CASE(all_reasons_are_those_of_teachers),
          CASE(answers_do_not_depend_on_slots_and_order), CASE(untaken_answers_keep_their_slots),
          CASE(slow_answers_take_their_time), CASE(a_configuration_is_checked),
          CASE(faults_have_their_rates))
