#include "base/rng.h"
#include "campaign/mixture.h"
#include "tests/check.h"

#include <string.h>

enum { DRAWS = 4000 };

typedef struct Room {
    Arena         arena;
    MixtureData   data;
    const Source *source;
} Room;

static const Source one_class = {.groups = 5};

// Groups 0..3 are of class 0, 4..7 of class 1 and the others of class 2.
static int class_of(const Source *s, int64_t group)
{
    (void)s;
    return group < 4 ? 0 : group < 8 ? 1 : 2;
}

static const double WEIGHTS[] = {3, 1, 2};
static const Source three_classes = {
    .groups = 12, .classes = 3, .class_of = class_of, .class_weight = WEIGHTS};

static void add_document(Room *r, int64_t iteration, int64_t group, int32_t first_token)
{
    int32_t         *token = arena_new(&r->arena, int32_t, 3);
    float           *weight = arena_new(&r->arena, float, 3);
    MixtureDocument *d = &r->data.document[r->data.count++];

    token[0] = first_token;
    weight[2] = 1;
    *d = (MixtureDocument){.example = {token, weight, 3},
                           .iteration = iteration,
                           .group = group,
                           .class_number = source_class_of(r->source, group),
                           .source = "generated",
                           .content = (uint64_t)first_token};
}

// 10 seeds of group 0; in iteration 1, 30 documents of group 0 and 10 of group 3, and in iteration
// 2 five documents of which two stand in iteration 1 already.
static void fill(Room *r)
{
    EXPECT_OK(arena_make(&r->arena, "test", 1 << 20));
    r->source = &one_class;
    r->data = mixture_make(&r->arena);
    for (int i = 0; i < 10; i++)
        add_document(r, 0, 0, i);
    for (int i = 0; i < 40; i++)
        add_document(r, 1, i < 30 ? 0 : 3, 100 + i);
    for (int i = 0; i < 5; i++)
        add_document(r, 2, 0, i < 2 ? 100 + i : 200 + i);
}

static Mixture star_mixture(int balance, SetsKind sets, int distinct)
{
    Mixture m = {.parts = 2};

    m.part[0] = (MixturePart){.from_seeds = 1, .share = 0.1, .distinct = 1, .source = ""};
    m.part[1] = (MixturePart){
        .share = 0.9, .balance = balance, .sets = (int)sets, .distinct = distinct, .source = ""};
    return m;
}

static void count_draws(MixturePools *p, int64_t *seeds, int64_t *group3, int64_t *last)
{
    TrainExample e[64];

    *seeds = *group3 = *last = 0;
    for (int step = 0; step < DRAWS / 64; step++) {
        mixture_draw(p, 7, 2, step, e, 64);
        for (int i = 0; i < 64; i++) {
            int32_t first = e[i].token[0];
            *seeds += first < 100;
            *group3 += first >= 130 && first < 140;
            *last += first >= 200;
        }
    }
}

static void mixture_draws_by_share_and_balances_groups(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_ALL, 1);
    int64_t       seeds, group3, last;
    double        n = DRAWS / 64 * 64;

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    EXPECT_INT(mixture_size(p), 43);
    count_draws(p, &seeds, &group3, &last);
    EXPECT_NEAR((double)seeds / n, 0.1, 0.02);
    EXPECT_NEAR((double)group3 / n, 0.45, 0.03);
    arena_free(&r.arena);
}

static void mixture_without_balance_draws_documents_alike(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(0, SETS_ALL, 0);
    int64_t       seeds, group3, last;
    double        n = DRAWS / 64 * 64;

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    EXPECT_INT(mixture_size(p), 45);
    count_draws(p, &seeds, &group3, &last);
    EXPECT_NEAR((double)group3 / n, 0.9 * 10 / 45, 0.03);
    arena_free(&r.arena);
}

static void mixture_of_the_last_set_leaves_older_ones_out(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_LAST, 1);
    int64_t       seeds, group3, last;

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    EXPECT_INT(mixture_size(p), 5);
    count_draws(p, &seeds, &group3, &last);
    EXPECT_INT(group3, 0);
    EXPECT(last > 0);
    arena_free(&r.arena);
}

static void mixture_gives_the_share_of_an_empty_part_to_the_others(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_LAST, 1);
    int64_t       seeds, group3, last;

    (void)c;
    fill(&r);
    EXPECT_OK(
        mixture_pools(&r.arena, &r.data, r.source, &m, 9, &p)); // nothing was kept in iteration 9
    count_draws(p, &seeds, &group3, &last);
    EXPECT_INT(seeds, DRAWS / 64 * 64);
    arena_free(&r.arena);
}

static void mixture_of_nothing_says_so(const Comm *c)
{
    Arena         arena;
    MixtureData   data;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_ALL, 1);

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    data = mixture_make(&arena);
    EXPECT_ERR(mixture_pools(&arena, &data, &one_class, &m, 1, &p), ERR_DATA,
               "nothing to train on");
    arena_free(&arena);
}

static void mixture_draws_are_a_function_of_seed_iteration_and_step(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_ALL, 1);
    TrainExample  a[64], b[64], other[64];

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    mixture_draw(p, 7, 2, 5, a, 64);
    mixture_draw(p, 7, 2, 6, other, 64);
    mixture_draw(p, 7, 2, 5, b, 64);
    EXPECT(memcmp(a, b, sizeof a) == 0);
    EXPECT(memcmp(a, other, sizeof a) != 0);
    arena_free(&r.arena);
}

// Class 0: groups 0 (20 documents) and 3 (1), class 2: group 9 (5 documents); class 1 is empty.
static void fill_classes(Room *r)
{
    EXPECT_OK(arena_make(&r->arena, "test", 1 << 20));
    r->source = &three_classes;
    r->data = mixture_make(&r->arena);
    for (int i = 0; i < 5; i++)
        add_document(r, 1, 9, 900 + i);
    for (int i = 0; i < 20; i++)
        add_document(r, 1, 0, i);
    add_document(r, 1, 3, 300);
}

static void count_groups(MixturePools *p, int64_t of_group[12])
{
    TrainExample e[64];

    memset(of_group, 0, 12 * sizeof *of_group);
    for (int step = 0; step < DRAWS / 64; step++) {
        mixture_draw(p, 7, 1, step, e, 64);
        for (int i = 0; i < 64; i++)
            of_group[e[i].token[0] / 100]++;
    }
}

static Mixture one_part(int balance, const char *source)
{
    return (Mixture){
        .parts = 1,
        .part = {
            {.share = 1, .balance = balance, .sets = SETS_ALL, .distinct = 1, .source = source}}};
}

static void mixture_balances_classes_by_weight_then_groups(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = one_part(1, ""), plain = one_part(0, "");
    int64_t       of_group[12];
    double        n = DRAWS / 64 * 64;

    (void)c;
    fill_classes(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 1, &p));
    EXPECT_INT(mixture_size(p), 26);
    count_groups(p, of_group);
    EXPECT_NEAR((double)of_group[0] / n, 0.6 / 2, 0.03); // weights 3 and 2, renormalised
    EXPECT_NEAR((double)of_group[3] / n, 0.6 / 2, 0.03);
    EXPECT_NEAR((double)of_group[9] / n, 0.4, 0.03);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &plain, 1, &p));
    count_groups(p, of_group);
    EXPECT_NEAR((double)of_group[0] / n, 20. / 26, 0.03);
    EXPECT_NEAR((double)of_group[9] / n, 5. / 26, 0.03);
    arena_free(&r.arena);
}

// The draws of a source with one class must not change: they are part of what runs reproduce.
static void mixture_of_one_class_draws_as_without_classes(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = star_mixture(1, SETS_ALL, 1);
    TrainExample  e[64];
    uint64_t      stream = rng_stream("batch", 2, 5, 0);

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    mixture_draw(p, 7, 2, 5, e, 64);
    for (uint32_t i = 0; i < 64; i++) {
        Rng     rng = rng_make(7, stream, i);
        int     is_seed = rng_unit(&rng) < 0.1;
        int64_t group = (int64_t)rng_below(&rng, is_seed ? 1 : 2);
        int64_t first = e[i].token[0];

        EXPECT_INT(first < 100, is_seed);
        EXPECT_INT(first >= 130 && first < 140, !is_seed && group == 1);
        if (is_seed)
            EXPECT_INT(first, (int64_t)rng_below(&rng, 10));
        else if (group == 1)
            EXPECT_INT(first, 130 + (int64_t)rng_below(&rng, 10));
    }
    check_compared(64);
    arena_free(&r.arena);
}

static void mixture_draws_from_records_with_a_source_mark(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = one_part(1, "proposal"), none = one_part(1, "gold");
    int64_t       of_group[12];

    (void)c;
    fill_classes(&r);
    for (int64_t i = 0; i < r.data.count; i++)
        r.data.document[i].source = i % 2 ? "proposal" : "answer";
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 1, &p));
    EXPECT_INT(mixture_size(p), 13);
    count_groups(p, of_group);
    EXPECT(of_group[0] > 0 && of_group[9] > 0);
    EXPECT_ERR(mixture_pools(&r.arena, &r.data, r.source, &none, 1, &p), ERR_DATA,
               "nothing to train on");
    arena_free(&r.arena);
}

// ---- passes

static Mixture passes_over(int from_seeds, SetsKind sets)
{
    return (Mixture){.parts = 1,
                     .part = {{.from_seeds = from_seeds,
                               .share = 1,
                               .sets = (int)sets,
                               .distinct = 1,
                               .draw = DRAW_PASSES,
                               .source = ""}}};
}

enum { PASSES = 7, MEMBERS = 43, PASS_BATCH = 8 };

// PASSES passes over the MEMBERS kept documents, in batches that do not divide them: first tokens.
static void draw_passes(Room *r, MixturePools **p, int32_t out[PASSES * MEMBERS])
{
    Mixture      m = passes_over(0, SETS_ALL);
    TrainExample e[PASS_BATCH];
    int64_t      steps = (PASSES * MEMBERS + PASS_BATCH - 1) / PASS_BATCH;

    EXPECT_OK(mixture_pools(&r->arena, &r->data, r->source, &m, 2, p));
    EXPECT_INT(mixture_total(*p), MEMBERS);
    for (int64_t step = 0; step < steps; step++) {
        mixture_draw(*p, 7, 2, step, e, PASS_BATCH);
        for (int64_t i = 0; i < PASS_BATCH; i++)
            if (step * PASS_BATCH + i < PASSES * MEMBERS)
                out[step * PASS_BATCH + i] = e[i].token[0];
    }
}

static void mixture_passes_have_every_document_once(const Comm *c)
{
    Room          r;
    MixturePools *p;
    int32_t       drawn[PASSES * MEMBERS];

    (void)c;
    fill(&r);
    draw_passes(&r, &p, drawn);
    for (int pass = 0; pass < PASSES; pass++) {
        int seen[300] = {0}, distinct = 0;

        for (int k = 0; k < MEMBERS; k++)
            distinct += seen[drawn[pass * MEMBERS + k]]++ == 0;
        EXPECT_INT(distinct, MEMBERS);
        for (int other = 0; other < pass; other++)
            EXPECT(memcmp(&drawn[pass * MEMBERS], &drawn[other * MEMBERS],
                          MEMBERS * sizeof *drawn) != 0);
    }
    check_compared(PASSES * MEMBERS);
    arena_free(&r.arena);
}

// As after a restart: nobody has drawn the steps before.
static void mixture_passes_are_a_function_of_step_and_place(const Comm *c)
{
    static const int64_t steps[] = {36, 0, 21, 5, 6, 5}; // within passes, and from one to the next
    Room                 r;
    MixturePools        *p, *fresh;
    Mixture              m = passes_over(0, SETS_ALL);
    int32_t              drawn[PASSES * MEMBERS];
    TrainExample         e[PASS_BATCH], other[PASS_BATCH];

    (void)c;
    fill(&r);
    draw_passes(&r, &p, drawn);
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &fresh));
        mixture_draw(fresh, 7, 2, steps[k], e, PASS_BATCH);
        mixture_draw(p, 7, 2, steps[k], other, PASS_BATCH);
        for (int i = 0; i < PASS_BATCH; i++) {
            EXPECT_INT(e[i].token[0], drawn[steps[k] * PASS_BATCH + i]);
            EXPECT_INT(other[i].token[0], drawn[steps[k] * PASS_BATCH + i]);
        }
        mixture_draw(fresh, 8, 2, steps[k], other, PASS_BATCH);
        EXPECT(memcmp(e, other, sizeof e) != 0);
        mixture_draw(fresh, 7, 3, steps[k], other, PASS_BATCH);
        EXPECT(memcmp(e, other, sizeof e) != 0);
    }
    arena_free(&r.arena);
}

static void mixture_passes_may_be_shorter_than_a_batch(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = passes_over(0, SETS_LAST);
    TrainExample  e[64];
    int           seen[300] = {0};

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 2, &p));
    EXPECT_INT(mixture_total(p), 5);
    mixture_draw(p, 7, 2, 0, e, 64);
    for (int i = 0; i < 60; i++)
        seen[e[i].token[0]]++;
    for (int i = 0; i < 5; i++)
        EXPECT_INT(seen[i < 2 ? 100 + i : 200 + i], 12);
    arena_free(&r.arena);
}

static void mixture_passes_have_all_orders_alike(const Comm *c)
{
    enum { ORDERS = 6000 };
    Room          r;
    MixturePools *p;
    Mixture       m = passes_over(0, SETS_ALL);
    int           times[27] = {0}, orders = 0;

    (void)c;
    EXPECT_OK(arena_make(&r.arena, "test", 1 << 20));
    r.source = &one_class;
    r.data = mixture_make(&r.arena);
    for (int i = 0; i < 3; i++)
        add_document(&r, 1, 0, i);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 1, &p));
    for (int64_t step = 0; step < ORDERS; step++) {
        TrainExample e[3];

        mixture_draw(p, 7, 1, step, e, 3);
        times[9 * e[0].token[0] + 3 * e[1].token[0] + e[2].token[0]]++;
    }
    for (int k = 0; k < 27; k++)
        if (times[k] > 0) {
            orders++;
            EXPECT_NEAR(times[k], ORDERS / 6, 120); // four standard deviations
        }
    EXPECT_INT(orders, 6);
    arena_free(&r.arena);
}

// What an iteration had is counted again when later sets are there.
static void mixture_leaves_later_sets_out(const Comm *c)
{
    Room          r;
    MixturePools *p;
    Mixture       m = passes_over(0, SETS_ALL), seeds = passes_over(1, SETS_ALL);

    (void)c;
    fill(&r);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &m, 1, &p));
    EXPECT_INT(mixture_total(p), 40);
    EXPECT_OK(mixture_pools(&r.arena, &r.data, r.source, &seeds, 1, &p));
    EXPECT_INT(mixture_total(p), 10);
    EXPECT_INT(mixture_size(p), 0);
    arena_free(&r.arena);
}

TEST_MAIN(CASE(mixture_draws_by_share_and_balances_groups),
          CASE(mixture_without_balance_draws_documents_alike),
          CASE(mixture_of_the_last_set_leaves_older_ones_out),
          CASE(mixture_gives_the_share_of_an_empty_part_to_the_others),
          CASE(mixture_of_nothing_says_so),
          CASE(mixture_draws_are_a_function_of_seed_iteration_and_step),
          CASE(mixture_balances_classes_by_weight_then_groups),
          CASE(mixture_of_one_class_draws_as_without_classes),
          CASE(mixture_draws_from_records_with_a_source_mark),
          CASE(mixture_passes_have_every_document_once),
          CASE(mixture_passes_are_a_function_of_step_and_place),
          CASE(mixture_passes_may_be_shorter_than_a_batch),
          CASE(mixture_passes_have_all_orders_alike), CASE(mixture_leaves_later_sets_out))
