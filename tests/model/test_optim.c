#include "model/optim.h"
#include "mpi/reduce.h"
#include "tests/check.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

static const OptimConfig CONFIG = {
    .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 0.5};

static const Dims TINY = {.family = FAMILY_LLAMA,
                          .V = 23,
                          .D = 16,
                          .F = 24,
                          .T = 32,
                          .L = 2,
                          .H = 2,
                          .G = 1,
                          .K = 8,
                          .norm = NORM_RMS,
                          .norm_eps = 1e-5F,
                          .position = POSITION_ROTARY,
                          .rope.theta = 10000,
                          .mlp = MLP_SWIGLU,
                          .init_std = 0.02};

enum { ARENA_BYTES = 16 << 20, STEPS = 6 };

static float *random_floats(Arena *a, int64_t count, uint32_t which)
{
    float *x = arena_new(a, float, count);
    Rng    r = rng_make(5, 5, which);

    for (int64_t i = 0; i < count; i++)
        x[i] = (float)rng_normal(&r);
    return x;
}

static double norm_of(Arena *a, const float *grad, int64_t count)
{
    double *squares = arena_new(a, double, count / REDUCE_BLOCK);

    optim_block_squares(grad, 0, count, squares);
    return optim_norm(squares, count / REDUCE_BLOCK);
}

// The formula of the goldens, in double, element by element.
static void plain_update(const OptimConfig *c, const uint8_t *decays, double *p, double *m,
                         double *v, const float *grad, int64_t count, double norm, double lr, int k)
{
    double scale = fmin(1, c->clip / (norm + 1e-6));

    for (int64_t i = 0; i < count; i++) {
        double g = (double)grad[i] * scale;
        p[i] *= decays[i] ? 1 - lr * c->decay : 1;
        m[i] = c->beta1 * m[i] + (1 - c->beta1) * g;
        v[i] = c->beta2 * v[i] + (1 - c->beta2) * g * g;
        p[i] -=
            lr * (m[i] / (1 - pow(c->beta1, k))) / (sqrt(v[i] / (1 - pow(c->beta2, k))) + c->eps);
    }
}

static void update_is_the_formula_of_the_goldens(const Comm *c)
{
    Arena   a;
    Params  params;
    Optim   o;
    float  *p;
    double *dp, *dm, *dv;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    params = params_make(&a, &TINY);
    o = optim_make(&a, &CONFIG, &params, 0, params.padded);
    p = random_floats(&a, params.padded, 0);
    dp = arena_new(&a, double, params.padded);
    dm = arena_new(&a, double, params.padded);
    dv = arena_new(&a, double, params.padded);
    for (int64_t i = 0; i < params.padded; i++)
        dp[i] = (double)p[i];
    for (int k = 1; k <= STEPS; k++) {
        float *grad = random_floats(&a, params.padded, (uint32_t)k);
        double norm = norm_of(&a, grad, params.padded);

        optim_update(&o, p, grad, norm, 0.01 * k);
        plain_update(&CONFIG, o.decays, dp, dm, dv, grad, params.padded, norm, 0.01 * k, k);
    }
    for (int64_t i = 0; i < params.padded; i++)
        EXPECT_NEAR((double)p[i], dp[i], 2e-6);
    EXPECT_INT(o.step, STEPS);
    arena_free(&a);
}

static void slices_give_the_bits_of_the_whole(const Comm *c)
{
    Arena  a;
    Params params;
    Optim  whole, part[3];
    float *p, *q;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    params = params_make(&a, &TINY);
    EXPECT(params.padded >= 4 * REDUCE_BLOCK);
    whole = optim_make(&a, &CONFIG, &params, 0, params.padded);
    part[0] = optim_make(&a, &CONFIG, &params, 0, REDUCE_BLOCK);
    part[1] = optim_make(&a, &CONFIG, &params, REDUCE_BLOCK, REDUCE_BLOCK); // empty
    part[2] = optim_make(&a, &CONFIG, &params, REDUCE_BLOCK, params.padded);
    p = random_floats(&a, params.padded, 0);
    q = random_floats(&a, params.padded, 0);
    for (int k = 1; k <= STEPS; k++) {
        float *grad = random_floats(&a, params.padded, (uint32_t)k);

        optim_update(&whole, p, grad, 2, 1e-2);
        for (int i = 0; i < 3; i++)
            optim_update(&part[i], q, grad, 2, 1e-2);
    }
    EXPECT(memcmp(p, q, (size_t)params.padded * sizeof *p) == 0);
    arena_free(&a);
}

static void decay_follows_the_table_or_covers_all(const Comm *c)
{
    Arena       a;
    Params      params;
    OptimConfig all = CONFIG;
    Optim       some, every;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    params = params_make(&a, &TINY);
    all.decays_all = 1;
    some = optim_make(&a, &CONFIG, &params, 0, params.padded);
    every = optim_make(&a, &all, &params, 0, params.padded);
    for (int i = 0; i < params.count; i++) {
        const Param *q = &params.list[i];
        int64_t      last = q->offset + q->rows * q->columns - 1;

        EXPECT_INT(some.decays[q->offset], q->decays);
        EXPECT_INT(some.decays[last], q->decays);
        EXPECT_INT(every.decays[q->offset], 1);
        EXPECT_INT(every.decays[last], 1);
    }
    if (params.padded > params.total)
        EXPECT_INT(every.decays[params.padded - 1], 0);
    arena_free(&a);
}

static void padding_stays_zero(const Comm *c)
{
    Arena  a;
    Params params;
    Optim  o;
    float *p, *grad;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    params = params_make(&a, &TINY);
    o = optim_make(&a, &CONFIG, &params, 0, params.padded);
    p = arena_new(&a, float, params.padded);
    grad = arena_new(&a, float, params.padded);
    optim_update(&o, p, grad, 0, 1e-2);
    for (int64_t i = 0; i < params.padded; i++)
        EXPECT(p[i] == 0);
    arena_free(&a);
}

static void blocks_give_the_norm(const Comm *c)
{
    Arena  a;
    float *x;
    double sum = 0, squares[4], again[2];

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    x = random_floats(&a, 4 * REDUCE_BLOCK, 1);
    for (int i = 0; i < 4 * REDUCE_BLOCK; i++)
        sum += (double)x[i] * (double)x[i];
    optim_block_squares(x, 0, 4 * REDUCE_BLOCK, squares);
    EXPECT_NEAR(optim_norm(squares, 4), sqrt(sum), 1e-13);
    optim_block_squares(x, REDUCE_BLOCK, 3 * REDUCE_BLOCK, again);
    EXPECT(memcmp(again, squares + 1, sizeof again) == 0);
    EXPECT(optim_norm(squares, 0) == 0);
    arena_free(&a);
}

static void reset_starts_anew_and_the_need_is_exact(const Comm *c)
{
    Arena   a;
    Params  params;
    Optim   o;
    int64_t before;
    float  *p, *q, *grad;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    params = params_make(&a, &TINY);
    before = a.used;
    o = optim_make(&a, &CONFIG, &params, REDUCE_BLOCK, params.padded);
    EXPECT_INT(a.used - before, optim_need(params.padded - REDUCE_BLOCK));
    p = random_floats(&a, params.padded, 0);
    q = random_floats(&a, params.padded, 0);
    grad = random_floats(&a, params.padded, 1);
    optim_update(&o, p, grad, 1, 1e-2);
    optim_reset(&o);
    EXPECT_INT(o.step, 0);
    optim_update(&o, q, grad, 1, 1e-2);
    EXPECT(memcmp(p, q, (size_t)params.padded * sizeof *p) == 0);
    arena_free(&a);
}

static void the_table_has_bounds_that_keep_the_formula_finite(const Comm *c)
{
    Arena       a;
    OptimConfig config;
    const Json *root;
    const char *text = "{\"beta1\": 1.0}";

    (void)c;
    EXPECT_OK(arena_make(&a, "test", ARENA_BYTES));
    EXPECT_OK(config_read(&a, NULL, OPTIM_TABLE, &config));
    EXPECT_NEAR(config.beta1, 0.9, 0);
    EXPECT_NEAR(config.clip, 1, 0);
    EXPECT_INT(config.decays_all, 0);
    EXPECT_OK(json_parse(&a, "test", text, (int64_t)strlen(text), JSON_COMMENTS, &root));
    EXPECT_ERR(config_read(&a, root, OPTIM_TABLE, &config), ERR_CONFIG, "beta1");
    arena_free(&a);
}

TEST_MAIN(CASE(update_is_the_formula_of_the_goldens), CASE(slices_give_the_bits_of_the_whole),
          CASE(decay_follows_the_table_or_covers_all), CASE(padding_stays_zero),
          CASE(blocks_give_the_norm), CASE(reset_starts_anew_and_the_need_is_exact),
          CASE(the_table_has_bounds_that_keep_the_formula_finite))
