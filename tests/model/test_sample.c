#include "model/kernels/ops.h"
#include "model/sample.h"
#include "tests/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { V = 1000 };

// A sequence that is all prompt, as those penalties see it that do not look at prompts.
#define SEEN(ids, length) ((SampleSeen){(ids), (length), (length)})

static const SampleSpec PLAIN = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};
static const SampleSeen NOTHING = {NULL, 0, 0};

typedef struct Room {
    float   logits[V];
    double  p[V], work[V], spare[2 * V];
    int32_t order[V];
} Room;

static Room room; // too large for the stack

static void fill_logits(uint64_t seed, double spread)
{
    Rng r = rng_make(seed, 7, 0);

    for (int i = 0; i < V; i++)
        room.logits[i] = (float)(spread * rng_normal(&r));
}

static void distribution(const SampleSpec *s)
{
    sample_distribution(s, room.logits, V, &NOTHING, room.p, room.spare);
}

static double sum_of(const double *p)
{
    double sum = 0;

    for (int i = 0; i < V; i++)
        sum += p[i];
    return sum;
}

static int count_kept(void)
{
    int kept = 0;

    for (int i = 0; i < V; i++)
        kept += room.p[i] > 0;
    return kept;
}

static int by_logit(const void *a, const void *b)
{
    int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;

    if (room.logits[i] != room.logits[j])
        return room.logits[i] > room.logits[j] ? -1 : 1;
    return i - j;
}

static void sort_ids(void)
{
    for (int i = 0; i < V; i++)
        room.order[i] = i;
    qsort(room.order, V, sizeof room.order[0], by_logit);
}

static void temperature_one_is_the_softmax(const Comm *c)
{
    double total = 0;

    (void)c;
    fill_logits(1, 3);
    distribution(&PLAIN);
    for (int i = 0; i < V; i++)
        total += exp((double)room.logits[i]);
    for (int i = 0; i < V; i++)
        EXPECT(fabs(room.p[i] - exp((double)room.logits[i]) / total) <= 1e-14 * room.p[i] + 1e-300);
    EXPECT_NEAR(sum_of(room.p), 1, 1e-12);
}

static void greedy_takes_the_lowest_of_equal_logits(const Comm *c)
{
    SampleSpec greedy = PLAIN;
    Rng        r = rng_make(1, 1, 0);
    float      logp;

    (void)c;
    greedy.temperature = 0;
    fill_logits(2, 1);
    room.logits[300] = room.logits[700] = 50;
    EXPECT_INT(sample_token(&greedy, room.logits, V, &NOTHING, &r, &logp, room.work, room.spare),
               300);
    EXPECT(logp == room.logits[300] - op_logsumexp(room.logits, V));
    EXPECT_INT(r.block, 0); // no number was drawn
    distribution(&greedy);
    EXPECT(room.p[300] == 1);
    EXPECT_INT(count_kept(), 1);
}

static void greedy_sees_the_penalty_but_the_logp_does_not(const Comm *c)
{
    SampleSpec greedy = PLAIN;
    int32_t    seen[3] = {300, 300, 5};
    Rng        r = rng_make(1, 1, 0);
    float      logp;

    (void)c;
    greedy.temperature = 0;
    greedy.repetition_penalty = 2;
    fill_logits(3, 1);
    room.logits[300] = 50;
    room.logits[700] = 26;
    EXPECT_INT(
        sample_token(&greedy, room.logits, V, &SEEN(seen, 3), &r, &logp, room.work, room.spare),
        700);
    EXPECT(logp == room.logits[700] - op_logsumexp(room.logits, V));
    room.logits[700] = 24; // more than 50 / 4: an id that stands there twice is penalised once
    EXPECT_INT(
        sample_token(&greedy, room.logits, V, &SEEN(seen, 3), &r, &logp, room.work, room.spare),
        300);
}

// What was written and how often, against the same done to the logits; the prompt does not count.
static void presence_and_frequency_count_what_was_written(const Comm *c)
{
    static const int32_t ids[] = {300, 5, 5, 5, 300, 7, 9, 300, 300};
    static double        want[V];
    SampleSeen           seen = {ids, 9, 4};
    SampleSpec           s = PLAIN;
    Rng                  r = rng_make(1, 1, 0);
    float                logp;

    (void)c;
    fill_logits(4, 1);
    room.logits[300] = 20;
    room.logits[5] = 19;
    for (int which = 1; which < 4; which++) {
        float before[V];

        memcpy(before, room.logits, sizeof before);
        s.presence_penalty = which & 1 ? 0.75 : 0; // such that the sums are exact
        s.frequency_penalty = which & 2 ? 0.5 : 0;
        room.logits[300] -= (float)(s.presence_penalty + 3 * s.frequency_penalty);
        room.logits[7] = (float)((double)room.logits[7] - s.presence_penalty - s.frequency_penalty);
        room.logits[9] = (float)((double)room.logits[9] - s.presence_penalty - s.frequency_penalty);
        distribution(&PLAIN);
        memcpy(want, room.p, sizeof want);
        memcpy(room.logits, before, sizeof before);
        sample_distribution(&s, room.logits, V, &seen, room.p, room.spare);
        for (int i = 0; i < V; i++)
            EXPECT_NEAR(room.p[i], want[i], 1e-6 * want[i]);
    }
    s.temperature = 0; // 20 - 0.75 - 3 / 2 is below 19
    EXPECT_INT(sample_token(&s, room.logits, V, &seen, &r, &logp, room.work, room.spare), 5);
    EXPECT(logp == room.logits[5] - op_logsumexp(room.logits, V));
    seen.prompt = 9;
    EXPECT_INT(sample_token(&s, room.logits, V, &seen, &r, &logp, room.work, room.spare), 300);
    s.presence_penalty = -30; // rewards are allowed
    seen.prompt = 5;
    s.frequency_penalty = 0;
    EXPECT_INT(sample_token(&s, room.logits, V, &seen, &r, &logp, room.work, room.spare), 300);
    seen.count = 7;
    room.logits[9] = room.logits[7] + 1;
    EXPECT_INT(sample_token(&s, room.logits, V, &seen, &r, &logp, room.work, room.spare), 9);
}

// The repetition penalty comes first and looks at the prompt too.
static void penalties_add_up_in_their_order(const Comm *c)
{
    static const int32_t ids[] = {0, 1, 1};
    SampleSeen           seen = {ids, 3, 1};
    SampleSpec           s = {.temperature = 2,
                              .top_p = 1,
                              .repetition_penalty = 2,
                              .presence_penalty = 0.25,
                              .frequency_penalty = 0.5};
    double               z[3] = {4.0 / 2, -1.0 * 2 - 0.25 - 2 * 0.5, 1.0}, total = 0;

    (void)c;
    room.logits[0] = 4;
    room.logits[1] = -1;
    room.logits[2] = 1;
    sample_distribution(&s, room.logits, 3, &seen, room.p, room.spare);
    for (int i = 0; i < 3; i++)
        total += exp(z[i] / 2);
    for (int i = 0; i < 3; i++)
        EXPECT_NEAR(room.p[i], exp(z[i] / 2) / total, 1e-14);
}

static void penalties_of_zero_change_no_bit(const Comm *c)
{
    static double        want[V];
    static const int32_t ids[] = {3, 4, 4};
    SampleSeen           seen = {ids, 3, 0};
    SampleSpec           s = {.temperature = 0.7, .top_p = 0.9, .repetition_penalty = 1.3};

    (void)c;
    fill_logits(5, 2);
    sample_distribution(&s, room.logits, V, &SEEN(ids, 3), want, room.spare);
    sample_distribution(&s, room.logits, V, &seen, room.p, room.spare);
    EXPECT(memcmp(room.p, want, sizeof want) == 0);
}

static void top_tokens_are_those_of_a_sort(const Comm *c)
{
    SampleTop top[SAMPLE_TOP_MAX];

    (void)c;
    for (int count = 1; count <= SAMPLE_TOP_MAX; count++) {
        fill_logits((uint64_t)(100 + count), 2);
        if (count % 2) // many equals
            for (int i = 0; i < V; i++)
                room.logits[i] = roundf(room.logits[i]);
        sort_ids();
        sample_top(room.logits, V, count, top);
        for (int k = 0; k < count; k++) {
            EXPECT_INT(top[k].id, room.order[k]);
            EXPECT(top[k].logp == room.logits[top[k].id] - op_logsumexp(room.logits, V));
        }
    }
    sample_top(room.logits, 3, 5, top);
    EXPECT(top[2].id >= 0 && top[2].id < 3);
    EXPECT_INT(top[3].id, -1);
    EXPECT_INT(top[4].id, -1);
}

static void top_k_keeps_what_a_sort_would_and_ties(const Comm *c)
{
    (void)c;
    for (int64_t k = 1; k <= V; k += k < 10 ? 1 : 89) {
        SampleSpec s = PLAIN;
        int        want = 0;

        s.top_k = k;
        fill_logits((uint64_t)k, 2);
        for (int i = 0; i < V; i++) // many equals
            room.logits[i] = roundf(room.logits[i] * 8) / 8;
        sort_ids();
        distribution(&s);
        for (int i = 0; i < V; i++)
            want += room.logits[i] >= room.logits[room.order[k - 1]];
        EXPECT_INT(count_kept(), want);
        for (int i = 0; i < want; i++)
            EXPECT(room.p[room.order[i]] > 0);
    }
}

static void top_p_keeps_the_fewest_that_reach_it(const Comm *c)
{
    static const double tops[] = {0, 1e-9, 0.1, 0.5, 0.9, 0.99, 0.999999};

    (void)c;
    for (int i = 0; i < 7; i++) {
        SampleSpec s = PLAIN;
        double     above = 0;
        int        kept;

        fill_logits(40, 2);
        sort_ids();
        s.top_p = tops[i];
        distribution(&s);
        kept = count_kept();
        distribution(&PLAIN);
        EXPECT(kept >= 1);
        for (int j = 0; j < kept - 1; j++)
            above += room.p[room.order[j]];
        EXPECT(above < tops[i] + 1e-12 || kept == 1); // one fewer would not reach it
        EXPECT(above + room.p[room.order[kept - 1]] >= tops[i] - 1e-12);
        distribution(&s);
        EXPECT(room.p[room.order[0]] > 0);
        EXPECT_NEAR(sum_of(room.p), 1, 1e-12);
    }
}

static void equal_probabilities_leave_the_lowest_ids(const Comm *c)
{
    SampleSpec s = PLAIN;

    (void)c;
    memset(room.logits, 0, sizeof room.logits);
    s.top_p = 0.0995;
    distribution(&s);
    EXPECT_INT(count_kept(), 100);
    EXPECT(room.p[99] > 0);
}

static void min_p_is_relative_to_the_largest(const Comm *c)
{
    SampleSpec s = PLAIN;

    (void)c;
    fill_logits(50, 2);
    sort_ids();
    s.min_p = 0.1;
    distribution(&s);
    for (int i = 0; i < V; i++)
        EXPECT_INT(room.p[i] > 0,
                   exp((double)room.logits[i] - (double)room.logits[room.order[0]]) >= 0.1);
}

static void a_draw_is_named_by_seed_stream_and_number(const Comm *c)
{
    float   logp[2];
    int32_t first[64], same = 0;

    (void)c;
    fill_logits(60, 1);
    for (uint32_t n = 0; n < 64; n++) {
        Rng r = rng_make(9, 8, n);
        first[n] =
            sample_token(&PLAIN, room.logits, V, &NOTHING, &r, &logp[0], room.work, room.spare);
    }
    for (uint32_t n = 64; n-- > 0;) {
        Rng     r = rng_make(9, 8, n), other = rng_make(9, 9, n);
        int32_t t =
            sample_token(&PLAIN, room.logits, V, &NOTHING, &r, &logp[0], room.work, room.spare);

        EXPECT_INT(t, first[n]);
        same += t == sample_token(&PLAIN, room.logits, V, &NOTHING, &other, &logp[1], room.work,
                                  room.spare);
    }
    EXPECT(same < 16);
}

static void draws_follow_the_distribution(const Comm *c)
{
    enum { DRAWS = 20000, SMALL = 8 };
    SampleSpec s = {.temperature = 0.7, .top_k = 6, .top_p = 0.95, .repetition_penalty = 1.2};
    int32_t    seen[2] = {0, 3};
    int        drawn[SMALL] = {0};
    float      logp;

    (void)c;
    fill_logits(70, 1);
    sample_distribution(&s, room.logits, SMALL, &SEEN(seen, 2), room.p, room.spare);
    for (uint32_t n = 0; n < DRAWS; n++) {
        Rng r = rng_make(1, 2, n);
        drawn[sample_token(&s, room.logits, SMALL, &SEEN(seen, 2), &r, &logp, room.work,
                           room.spare)]++;
    }
    for (int i = 0; i < SMALL; i++) {
        double p = room.p[i], sigma = sqrt(p * (1 - p) / DRAWS);
        EXPECT(fabs((double)drawn[i] / DRAWS - p) <= 5 * sigma);
    }
}

static void one_token_is_drawn_with_certainty(const Comm *c)
{
    float logit = -3, logp;
    Rng   r = rng_make(1, 1, 1);

    (void)c;
    EXPECT_INT(sample_token(&PLAIN, &logit, 1, &NOTHING, &r, &logp, room.work, room.spare), 0);
    EXPECT(logp == 0);
}

static void extreme_logits_stay_within_the_vocabulary(const Comm *c)
{
    SampleSpec s = {.temperature = 1e-9, .top_k = 3, .top_p = 0.5, .repetition_penalty = 1};
    float      logp;

    (void)c;
    for (int i = 0; i < V; i++)
        room.logits[i] = i % 2 ? -INFINITY : -3e38F;
    room.logits[444] = 3e38F;
    for (uint32_t n = 0; n < 8; n++) {
        Rng r = rng_make(1, 2, n);
        EXPECT_INT(sample_token(&s, room.logits, V, &NOTHING, &r, &logp, room.work, room.spare),
                   444);
    }
    for (int i = 0; i < V; i++)
        room.logits[i] = NAN;
    for (uint32_t n = 0; n < 8; n++) {
        Rng     r = rng_make(1, 2, n);
        int32_t t = sample_token(&s, room.logits, V, &NOTHING, &r, &logp, room.work, room.spare);
        EXPECT(0 <= t && t < V);
    }
}

TEST_MAIN(CASE(temperature_one_is_the_softmax), CASE(greedy_takes_the_lowest_of_equal_logits),
          CASE(greedy_sees_the_penalty_but_the_logp_does_not),
          CASE(presence_and_frequency_count_what_was_written),
          CASE(penalties_add_up_in_their_order), CASE(penalties_of_zero_change_no_bit),
          CASE(top_tokens_are_those_of_a_sort), CASE(top_k_keeps_what_a_sort_would_and_ties),
          CASE(top_p_keeps_the_fewest_that_reach_it),
          CASE(equal_probabilities_leave_the_lowest_ids), CASE(min_p_is_relative_to_the_largest),
          CASE(a_draw_is_named_by_seed_stream_and_number), CASE(draws_follow_the_distribution),
          CASE(one_token_is_drawn_with_certainty), CASE(extreme_logits_stay_within_the_vocabulary))
