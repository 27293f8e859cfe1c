#include "base/rng.h"
#include "model/train.h"
#include "tests/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { M = 8, STEPS = 50, FEW = 12, COUNT = 20, LONGEST = 30, ARENA_BYTES = 256 << 20 };

static const Dims TINY = {.family = FAMILY_LLAMA,
                          .V = 19,
                          .D = 32,
                          .F = 48,
                          .T = LONGEST,
                          .L = 2,
                          .H = 4,
                          .G = 2,
                          .K = 8,
                          .norm = NORM_RMS,
                          .norm_eps = 1e-5F,
                          .position = POSITION_ROTARY,
                          .rope.theta = 10000,
                          .mlp = MLP_SWIGLU,
                          .init_std = 0.1};

static const OptimConfig ADAM = {
    .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .decay = 0.01, .clip = 1, .decays_all = 1};

static const TrainShape SHAPE = {.micro_batches = M,
                                 .micro_tokens = 4 * LONGEST,
                                 .longest = LONGEST,
                                 .reduce = REDUCE_TREE,
                                 .threads = 1};

typedef struct World { // one training run, over whatever ranks
    Arena    arena;
    Net      net;
    Trainer *trainer;
    double   loss[STEPS];
    int64_t  used; // bytes of net and trainer
} World;

static Comm alone(void)
{
    return (Comm){.mpi = MPI_COMM_SELF, .rank = 0, .size = 1};
}

static void world_make(World *w, const Comm *c, const TrainShape *s)
{
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&w->arena, "test", ARENA_BYTES));
    w->net = net_make(&w->arena, &TINY, NET_TRAIN);
    params_init(&w->net.params, 11, w->net.flat);
    net_pack(&w->net);
    w->trainer = trainer_make(&w->arena, c, &w->net, s, &ADAM);
    w->used = w->arena.used;
}

// The examples of step `i`: uneven lengths, weights that are partly zero; learnable, since a token
// is mostly the sum of the two before it.
static TrainExample *examples(Arena *a, int i)
{
    TrainExample *e = arena_new(a, TrainExample, COUNT);
    Rng           r = rng_make(4, rng_stream("examples", (uint64_t)i, 0, 0), 0);

    for (int n = 0; n < COUNT; n++) {
        int64_t  length = 2 + (int64_t)rng_below(&r, LONGEST - 1);
        int32_t *token = arena_new(a, int32_t, length);
        float   *weight = arena_new(a, float, length);

        for (int64_t t = 0; t < length; t++) {
            token[t] = t < 2 || rng_below(&r, 8) == 0 ? (int32_t)rng_below(&r, 18)
                                                      : (token[t - 1] + token[t - 2]) % 18;
            weight[t] = t < 2 ? 0 : 1 - 0.25F * (float)rng_below(&r, 3);
        }
        e[n] = (TrainExample){token, weight, length};
    }
    return e;
}

static Err one_step(World *w, int i, TrainStep *out)
{
    ArenaMark mark = arena_mark(&w->arena);
    int       failed = 0, stop = 0;
    Err e = trainer_step_all(w->trainer, &w->arena, examples(&w->arena, i), COUNT, 3e-3, &failed,
                             &stop, out);

    arena_back(&w->arena, mark);
    EXPECT_INT(failed + stop, 0);
    return e;
}

static void train(World *w, int from, int to)
{
    for (int i = from; i < to; i++) {
        TrainStep out;

        EXPECT_OK(one_step(w, i, &out));
        EXPECT_INT(out.skipped, 0);
        w->loss[i] = out.loss;
    }
}

static int same_weights(const World *a, const World *b)
{
    return memcmp(a->net.flat, b->net.flat, (size_t)a->net.params.padded * sizeof(float)) == 0;
}

static double worst_difference(const World *a, const World *b, int steps)
{
    double worst = 0;

    for (int i = 0; i < steps; i++)
        worst = fmax(worst, fabs(a->loss[i] - b->loss[i]) / fabs(b->loss[i]));
    return worst;
}

// The same run over the ranks and alone.
static void train_two(const Comm *c, const TrainShape *s, int steps, World *many, World *one)
{
    Comm self = alone();

    world_make(one, &self, s);
    world_make(many, c, s);
    train(one, 0, steps);
    train(many, 0, steps);
}

static void free_two(World *a, World *b)
{
    arena_free(&a->arena);
    arena_free(&b->arena);
}

static void training_has_the_bits_of_one_rank(const Comm *c)
{
    static World many, one;
    double       worst;

    train_two(c, &SHAPE, STEPS, &many, &one);
    worst = worst_difference(&many, &one, STEPS);
    EXPECT(one.loss[STEPS - 1] < 0.9 * one.loss[0]); // it learns
    EXPECT(worst <= 1e-5);
    if (M % c->size == 0) {
        EXPECT(same_weights(&many, &one));
        EXPECT(memcmp(many.loss, one.loss, sizeof one.loss) == 0);
    } else if (c->rank == 0) {
        printf("# %d ranks: losses differ by %.1e of themselves at most\n", c->size, worst);
    }
    free_two(&many, &one);
}

// Also where the leaves of a rank do not divide by the threads.
static void training_does_not_depend_on_threads(const Comm *c)
{
    static World many, one;
    TrainShape   s = SHAPE;

    world_make(&one, c, &SHAPE);
    train(&one, 0, FEW);
    for (s.threads = 2; s.threads <= 3; s.threads++) {
        world_make(&many, c, &s);
        train(&many, 0, FEW);
        EXPECT(same_weights(&many, &one));
        EXPECT(memcmp(many.loss, one.loss, FEW * sizeof one.loss[0]) == 0);
        arena_free(&many.arena);
    }
    arena_free(&one.arena);
}

static void plain_allreduce_is_close(const Comm *c)
{
    static World many, one;
    TrainShape   s = SHAPE;

    s.reduce = REDUCE_ALLREDUCE;
    train_two(c, &s, FEW, &many, &one);
    EXPECT(worst_difference(&many, &one, FEW) <= 1e-5);
    free_two(&many, &one);
}

static void more_ranks_than_micro_batches_take_part(const Comm *c)
{
    static World many, one;
    TrainShape   s = SHAPE;

    s.micro_batches = 1;
    s.micro_tokens = COUNT * LONGEST;
    train_two(c, &s, FEW, &many, &one);
    EXPECT(worst_difference(&many, &one, FEW) <= 1e-5);
    free_two(&many, &one);
}

static void all_ranks_hold_the_same_weights(const Comm *c)
{
    static World w;
    static float sum[2];

    world_make(&w, c, &SHAPE);
    train(&w, 0, 5);
    for (int64_t i = 0; i < w.net.params.padded; i++) {
        sum[0] = sum[1] = w.net.flat[i];
        if (i % 97 == 0) {
            MPI_Allreduce(MPI_IN_PLACE, &sum[0], 1, MPI_FLOAT, MPI_MAX, c->mpi);
            MPI_Allreduce(MPI_IN_PLACE, &sum[1], 1, MPI_FLOAT, MPI_MIN, c->mpi);
            EXPECT(sum[0] == sum[1]);
        }
    }
    arena_free(&w.arena);
}

static void a_step_reports_what_it_did(const Comm *c)
{
    static World        w;
    TrainStep           out;
    const TrainExample *e;
    double              weights = 0;
    int64_t             tokens = 0, counted = 0;

    world_make(&w, c, &SHAPE);
    e = examples(&w.arena, 0);
    for (int n = 0; n < COUNT; n++) {
        tokens += e[n].length;
        for (int64_t t = 1; t < e[n].length; t++) {
            weights += (double)e[n].weight[t];
            counted += e[n].weight[t] > 0;
        }
    }
    EXPECT_OK(one_step(&w, 0, &out));
    EXPECT_INT(out.tokens, tokens);
    EXPECT_INT(out.loss_tokens, counted);
    EXPECT_NEAR(out.weight_sum, weights, 0);
    EXPECT_NEAR(out.loss, log(19), 0.2); // nothing learned yet
    EXPECT(out.grad_norm > 0);
    EXPECT_INT(trainer_optim(w.trainer)->step, 1);
    arena_free(&w.arena);
}

// The step against all examples as one batch, and a norm that is formed element by element.
static void loss_and_norm_are_those_of_one_large_batch(const Comm *c)
{
    static World        w;
    TrainStep           out;
    const TrainExample *e;
    Acts               *acts;
    Batch               b;
    float              *grad;
    double              loss, weights = 0, squares = 0;

    world_make(&w, c, &SHAPE);
    e = examples(&w.arena, 0);
    acts = acts_make(&w.arena, &w.net, COUNT * LONGEST, LONGEST, NET_TRAIN);
    b = batch_make(&w.arena, COUNT * LONGEST, COUNT);
    grad = arena_new(&w.arena, float, w.net.params.padded);
    for (int n = 0; n < COUNT; n++)
        for (int64_t t = 1; t < e[n].length; t++)
            weights += (double)e[n].weight[t];
    for (int n = 0; n < COUNT; n++)
        batch_add(&b, e[n].token, e[n].weight, e[n].length, (float)(1 / weights));
    loss = net_grad(&w.net, acts, &b, grad, arena_new(&w.arena, float, COUNT *LONGEST));
    for (int64_t i = 0; i < w.net.params.padded; i++)
        squares += (double)grad[i] * (double)grad[i];
    EXPECT_OK(one_step(&w, 0, &out));
    EXPECT_NEAR(out.loss, loss, 1e-6);
    EXPECT(fabs(out.grad_norm - sqrt(squares)) <= 1e-5 * sqrt(squares));
    arena_free(&w.arena);
}

// One token of one example has an embedding that is not a number: one leaf of one rank sees it.
static void a_gradient_that_is_not_finite_changes_nothing(const Comm *c)
{
    static World  w;
    TrainStep     out;
    TrainExample *e;
    float        *before;
    int32_t       bad[3] = {3, 18, 4};
    int           failed = 0, stop = 0;

    world_make(&w, c, &SHAPE);
    train(&w, 0, 2);
    w.net.flat[params_at(&w.net.params, PARAM_EMBED, -1) + 18 * TINY.D] = NAN;
    e = examples(&w.arena, 2);
    e[5] = (TrainExample){bad, e[5].weight, 3};
    before = arena_new(&w.arena, float, w.net.params.padded);
    memcpy(before, w.net.flat, (size_t)w.net.params.padded * sizeof *before);
    EXPECT_OK(trainer_step_all(w.trainer, &w.arena, e, COUNT, 3e-3, &failed, &stop, &out));
    EXPECT_INT(out.skipped, 1);
    EXPECT_INT(failed + stop, 0);
    EXPECT_INT(trainer_optim(w.trainer)->step, 2);
    EXPECT(memcmp(before, w.net.flat, (size_t)w.net.params.padded * sizeof *before) == 0);
    arena_free(&w.arena);
}

static void one_rank_that_stops_or_fails_is_heard_by_all(const Comm *c)
{
    static World w;
    TrainStep    out;
    int          failed = 0, stop = c->rank == c->size - 1;

    world_make(&w, c, &SHAPE);
    EXPECT_OK(trainer_step_all(w.trainer, &w.arena, examples(&w.arena, 0), COUNT, 3e-3, &failed,
                               &stop, &out));
    EXPECT_INT(stop, 1);
    EXPECT_INT(failed, 0);
    EXPECT_INT(out.skipped, 0);
    stop = 0;
    failed = c->rank == 0;
    EXPECT_OK(trainer_step_all(w.trainer, &w.arena, examples(&w.arena, 1), COUNT, 3e-3, &failed,
                               &stop, &out));
    EXPECT_INT(stop, 0);
    EXPECT_INT(failed, 1);
    EXPECT_INT(out.skipped, 1); // nothing was changed
    EXPECT_INT(trainer_optim(w.trainer)->step, 1);
    arena_free(&w.arena);
}

static void moments_make_a_run_go_on_with_the_same_bits(const Comm *c)
{
    static World whole, first, second;
    Comm         self = alone();
    float       *m, *v;
    int64_t      padded, bytes;

    world_make(&whole, c, &SHAPE);
    world_make(&first, c, &SHAPE);
    world_make(&second, c, &SHAPE);
    train(&whole, 0, FEW);
    train(&first, 0, 5);
    padded = first.net.params.padded;
    bytes = padded * (int64_t)sizeof(float);
    m = arena_new(&first.arena, float, padded);
    v = arena_new(&first.arena, float, padded);
    trainer_moments_all(first.trainer, 1, c->rank == 0 ? m : NULL);
    trainer_moments_all(first.trainer, 2, c->rank == 0 ? v : NULL);
    MPI_Bcast(m, (int)padded, MPI_FLOAT, 0, c->mpi);
    MPI_Bcast(v, (int)padded, MPI_FLOAT, 0, c->mpi);
    trainer_set_moments(second.trainer, 1, m);
    trainer_set_moments(second.trainer, 2, v);
    trainer_optim(second.trainer)->step = 5;
    memcpy(second.net.flat, first.net.flat, (size_t)bytes);
    net_pack(&second.net);
    train(&second, 5, FEW);
    EXPECT(same_weights(&second, &whole));
    free_two(&first, &second);
    if (M % c->size == 0) { // on another number of ranks
        world_make(&second, &self, &SHAPE);
        train(&second, 0, FEW);
        EXPECT(same_weights(&second, &whole));
        arena_free(&second.arena);
    }
    arena_free(&whole.arena);
}

static void dealing_goes_from_the_longest_to_the_emptiest(const Comm *c)
{
    static const int64_t length[7] = {5, 9, 5, 2, 9, 7, 1};
    TrainShape           s = {.micro_batches = 4, .micro_tokens = 100, .longest = 10};
    TrainExample         e[7] = {{0}};
    int                  which[7];
    Arena                a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (int i = 0; i < 7; i++)
        e[i].length = length[i];
    EXPECT_OK(train_deal(&a, e, 7, &s, which));
    // 9 to 0, 9 to 1, 7 to 2, 5 to 3, 5 to 3 (5 tokens), 2 to 2 (7), 1 to 0 (9, as have 1 and 2).
    EXPECT_INT(which[1], 0);
    EXPECT_INT(which[4], 1);
    EXPECT_INT(which[5], 2);
    EXPECT_INT(which[0], 3);
    EXPECT_INT(which[2], 3);
    EXPECT_INT(which[3], 2);
    EXPECT_INT(which[6], 0);
    EXPECT_OK(train_deal(&a, e, 0, &s, which));
    s.micro_tokens = 9;
    EXPECT_ERR(train_deal(&a, e, 7, &s, which), ERR_DATA, "micro-batch 3 of 4 would get 10");
    s.longest = 8;
    EXPECT_ERR(train_deal(&a, e, 7, &s, which), ERR_DATA, "example 1 of a training step has 9");
    e[0].length = 0;
    EXPECT_ERR(train_deal(&a, e, 1, &s, which), ERR_DATA, "has 0 tokens");
    arena_free(&a);
}

static void a_batch_without_weight_is_refused(const Comm *c)
{
    static World w;
    float        none[3] = {1, 0, 0}; // the first predicts nothing
    int32_t      token[3] = {1, 2, 3};
    TrainExample e = {token, none, 3};
    TrainStep    out;
    int          failed = 0, stop = 0;

    world_make(&w, c, &SHAPE);
    EXPECT_ERR(trainer_step_all(w.trainer, &w.arena, &e, 1, 1e-3, &failed, &stop, &out), ERR_DATA,
               "expected more than 0");
    EXPECT_ERR(trainer_step_all(w.trainer, &w.arena, &e, 0, 1e-3, &failed, &stop, &out), ERR_DATA,
               "0 examples");
    arena_free(&w.arena);
}

static void one_example_is_enough(const Comm *c)
{
    static World w;
    float        weight[2] = {0, 1};
    int32_t      token[2] = {1, 2};
    TrainExample e = {token, weight, 2};
    TrainStep    out;
    int          failed = 0, stop = 0;

    world_make(&w, c, &SHAPE);
    EXPECT_OK(trainer_step_all(w.trainer, &w.arena, &e, 1, 1e-3, &failed, &stop, &out));
    EXPECT_INT(out.skipped, 0);
    EXPECT_INT(out.loss_tokens, 1);
    arena_free(&w.arena);
}

static void the_need_is_that_of_the_largest_rank(const Comm *c)
{
    static World w;
    TrainShape   s = SHAPE;

    for (s.threads = 1; s.threads <= 4; s.threads++) {
        int64_t most;

        world_make(&w, c, &s);
        MPI_Allreduce(&w.used, &most, 1, MPI_INT64_T, MPI_MAX, c->mpi);
        EXPECT_INT(most, trainer_need(&TINY, &s, c->size));
        arena_free(&w.arena);
    }
}

TEST_MAIN(CASE(training_has_the_bits_of_one_rank), CASE(training_does_not_depend_on_threads),
          CASE(plain_allreduce_is_close), CASE(more_ranks_than_micro_batches_take_part),
          CASE(all_ranks_hold_the_same_weights), CASE(a_step_reports_what_it_did),
          CASE(loss_and_norm_are_those_of_one_large_batch),
          CASE(a_gradient_that_is_not_finite_changes_nothing),
          CASE(one_rank_that_stops_or_fails_is_heard_by_all),
          CASE(moments_make_a_run_go_on_with_the_same_bits),
          CASE(dealing_goes_from_the_longest_to_the_emptiest),
          CASE(a_batch_without_weight_is_refused), CASE(one_example_is_enough),
          CASE(the_need_is_that_of_the_largest_rank))
