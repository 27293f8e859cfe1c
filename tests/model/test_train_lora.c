#include "base/rng.h"
#include "model/adapters/adapter.h"
#include "model/train.h"
#include "tests/check.h"

#include <string.h>

enum { M = 4, STEPS = 8, COUNT = 12, LONGEST = 20, ARENA_BYTES = 128 << 20 };

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

static const OptimConfig ADAM = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .decay = 0.01};

static const TrainShape SHAPE = {.micro_batches = M,
                                 .micro_tokens = 5 * LONGEST,
                                 .longest = LONGEST,
                                 .reduce = REDUCE_TREE,
                                 .threads = 1};

typedef struct World {
    Arena    arena;
    Net      net;
    Trainer *trainer;
    int64_t  used;
    double   loss;
} World;

static Dims adapted(Arena *a)
{
    Dims        d = TINY;
    const Json *targets, *beside;

    d.adapters = 1;
    d.adapter[0] = (AdapterPlan){.rank = 4, .alpha = 8, .dropout = 0.2};
    adapter_all_layers(&d, &d.adapter[0]);
    EXPECT_OK(json_parse(a, "t", "\"all-linear\"", 12, JSON_NO_COMMENTS, &targets));
    EXPECT_OK(json_parse(a, "t", "[\"norms\"]", 9, JSON_NO_COMMENTS, &beside));
    EXPECT_OK(adapter_targets(targets, &d, &d.adapter[0]));
    EXPECT_OK(adapter_beside(beside, &d, &d.adapter[0]));
    return d;
}

static void world_make(World *w, const Comm *c, int threads)
{
    TrainShape s = SHAPE;
    Dims       d;
    int64_t    before;

    s.threads = threads;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&w->arena, "test", ARENA_BYTES));
    d = adapted(&w->arena);
    before = w->arena.used;
    w->net = net_make(&w->arena, &d, NET_TRAIN);
    params_init(&w->net.params, 11, w->net.flat);
    net_init_adapter(&w->net, 0, 5);
    net_pack(&w->net);
    w->trainer = trainer_make(&w->arena, c, &w->net, &s, &ADAM);
    w->used = w->arena.used - before;
}

static TrainExample *examples(Arena *a, int i)
{
    TrainExample *e = arena_new(a, TrainExample, COUNT);
    Rng           r = rng_make(4, rng_stream("examples", (uint64_t)i, 0, 0), 0);

    for (int n = 0; n < COUNT; n++) {
        int64_t  length = 2 + (int64_t)rng_below(&r, LONGEST - 1);
        int32_t *token = arena_new(a, int32_t, length);
        float   *weight = arena_new(a, float, length);

        for (int64_t t = 0; t < length; t++) {
            token[t] = t < 2 ? (int32_t)rng_below(&r, 18) : (token[t - 1] + token[t - 2]) % 18;
            weight[t] = t < 2 ? 0 : 1;
        }
        e[n] = (TrainExample){token, weight, length};
    }
    return e;
}

static void train(World *w)
{
    for (int i = 0; i < STEPS; i++) {
        ArenaMark mark = arena_mark(&w->arena);
        TrainStep out;
        int       failed = 0, stop = 0;

        trainer_drop(w->trainer, 3, 1, i);
        EXPECT_OK(trainer_step_all(w->trainer, &w->arena, examples(&w->arena, i), COUNT, 1e-2,
                                   &failed, &stop, &out));
        EXPECT_INT(out.skipped, 0);
        w->loss = out.loss;
        arena_back(&w->arena, mark);
    }
}

static int same(const Net *a, const Net *b)
{
    size_t bytes = (size_t)net_tuned(a).params->padded * sizeof(float);

    return memcmp(net_tuned(a).flat, net_tuned(b).flat, bytes) == 0 &&
           memcmp(a->flat, b->flat, (size_t)a->params.padded * sizeof(float)) == 0;
}

static void an_adapter_has_the_bits_of_one_rank_and_one_thread(const Comm *c)
{
    Comm         self = {.mpi = MPI_COMM_SELF, .rank = 0, .size = 1};
    static World many, one;
    float       *before;
    int64_t      at;

    world_make(&one, &self, 1);
    world_make(&many, c, 2);
    before = arena_new(&one.arena, float, one.net.params.padded);
    memcpy(before, one.net.flat, (size_t)one.net.params.padded * sizeof *before);
    train(&one);
    train(&many);
    EXPECT(one.loss == many.loss || M % c->size != 0);
    EXPECT(same(&one.net, &many.net) || M % c->size != 0);
    EXPECT_NEAR(many.loss, one.loss, 1e-5);
    // The base stays, but for the norms that are trained beside.
    at = params_at(&one.net.params, PARAM_NORM1, 1);
    EXPECT(memcmp(before + at, one.net.flat + at, (size_t)TINY.D * sizeof(float)) != 0);
    at = params_at(&one.net.params, PARAM_QKV, 1);
    EXPECT(memcmp(before + at, one.net.flat + at, (size_t)(TINY.D * TINY.D) * sizeof(float)) == 0);
    at = params_at(&one.net.params, PARAM_EMBED, -1);
    EXPECT(memcmp(before + at, one.net.flat + at, (size_t)(19 * TINY.D) * sizeof(float)) == 0);
    arena_free(&many.arena);
    arena_free(&one.arena);
}

static void the_need_is_that_of_the_largest_rank(const Comm *c)
{
    static World w;
    TrainShape   s = SHAPE;
    int64_t      most;
    Dims         d;

    world_make(&w, c, 1);
    d = w.net.params.dims;
    MPI_Allreduce(&w.used, &most, 1, MPI_INT64_T, MPI_MAX, c->mpi);
    EXPECT_INT(most, trainer_need(&d, &s, c->size));
    arena_free(&w.arena);
}

TEST_MAIN(CASE(an_adapter_has_the_bits_of_one_rank_and_one_thread),
          CASE(the_need_is_that_of_the_largest_rank))
