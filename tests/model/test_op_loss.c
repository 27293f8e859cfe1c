#include "model/kernels/ops.h"
#include "tests/check.h"
#include "tests/model/plain.h"

#include <math.h>
#include <string.h>

static const int64_t SIZES[] = {1, 2, 15, 16, 17, 31, 512, 1003};
enum { SIZES_COUNT = sizeof SIZES / sizeof SIZES[0], M = 4 };

static Arena open_arena(void)
{
    Arena a;

    EXPECT_OK(arena_make(&a, "test", 1 << 26));
    return a;
}

static void loss_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < 2 * SIZES_COUNT; i++) {
        Arena   a = open_arena();
        int64_t V = SIZES[i / 2];
        float   cap = i % 2 == 0 ? 0 : 5;
        float  *logits = plain_random(&a, M * V, 8, 1), *coef = plain_random(&a, M, 1, 2), logp[M];
        double *wide = plain_widen(&a, logits, M * V), *wide_coef = plain_widen(&a, coef, M);
        double *want = arena_new(&a, double, M *V), want_logp[M];
        int32_t target[M] = {(int32_t)V - 1, -1, 0, (int32_t)V / 2};

        plain_loss(want_logp, wide, target, wide_coef, (double)cap, M, V);
        plain_loss_back(want, wide, target, wide_coef, (double)cap, M, V);
        if (cap > 0)
            op_cap(logits, cap, M * V);
        op_loss(logits, logp, target, coef, cap, M, V);
        EXPECT_FLOATS(logp, plain_narrow(&a, want_logp, M), M, 2e-6);
        EXPECT_FLOATS(logits, plain_narrow(&a, want, M * V), M * V, 1e-6);
        EXPECT(logp[1] == 0);
        arena_free(&a);
    }
}

static void loss_without_coefficients_leaves_the_logits(const Comm *c)
{
    Arena   a = open_arena();
    float  *logits = plain_random(&a, M * 33, 8, 1), *same = plain_random(&a, M * 33, 8, 1);
    float   logp[M];
    int32_t target[M] = {32, -1, 0, 5};

    (void)c;
    op_loss(logits, logp, target, NULL, 0, M, 33);
    EXPECT(memcmp(logits, same, M * 33 * sizeof *same) == 0);
    EXPECT(logp[0] == logits[32] - op_logsumexp(logits, 33));
    EXPECT(logp[3] == logits[3 * 33 + 5] - op_logsumexp(logits + 3 * 33, 33));
    arena_free(&a);
}

static void loss_of_weight_zero_has_a_logp_and_no_gradient(const Comm *c)
{
    float   logits[3] = {1, 2, 3}, logp, zero = 0;
    int32_t target = 2;

    (void)c;
    op_loss(logits, &logp, &target, &zero, 0, 1, 3);
    EXPECT_NEAR((double)logp, -0.40760596, 1e-6);
    EXPECT(logits[0] == 0 && logits[1] == 0 && logits[2] == 0);
}

static void loss_of(double *y, const double *x, void *more)
{
    static const double  coef[M] = {0.5, 1, -2, 0.25};
    static const int32_t target[M] = {16, -1, 0, 7};
    double               logp[M];

    *y = plain_loss(logp, x, target, coef, *(double *)more, M, 17);
}

static void loss_twin_has_the_slope_it_says(const Comm *c)
{
    const double  coef[M] = {0.5, 1, -2, 0.25}, one = 1;
    const int32_t target[M] = {16, -1, 0, 7};
    Arena         a = open_arena();
    double       *x = plain_widen(&a, plain_random(&a, M * 17, 3, 1), M * 17);
    double       *slope = arena_new(&a, double, M * 17), *got = arena_new(&a, double, M * 17);

    (void)c;
    for (double cap = 0; cap <= 2; cap += 2) {
        plain_slope(&a, slope, x, &(PlainSlope){loss_of, &cap, &one, 1, M * 17});
        plain_loss_back(got, x, target, coef, cap, M, 17);
        EXPECT_FLOATS(plain_narrow(&a, got, M * 17), plain_narrow(&a, slope, M * 17), M * 17,
                      -2e-6);
    }
    arena_free(&a);
}

static void logsumexp_holds_for_large_and_forbidden_logits(const Comm *c)
{
    float large[3] = {1e30F, -1e30F, 1e30F}, forbidden[3] = {-INFINITY, 2, -INFINITY};
    float bad[20] = {0};

    (void)c;
    EXPECT(op_logsumexp(large, 3) == 1e30F);
    EXPECT(op_logsumexp(forbidden, 3) == 2);
    EXPECT(op_logsumexp(large, 1) == 1e30F);
    for (int i = 0; i < 20; i++) { // numbers gone bad must show
        memset(bad, 0, sizeof bad);
        bad[i] = NAN;
        EXPECT(isnan(op_logsumexp(bad, 20)));
    }
}

static void logsumexp_of_a_row_does_not_know_where_it_stands(const Comm *c)
{
    Arena   a = open_arena();
    int64_t V = 131;
    float  *logits = plain_random(&a, M * V, 8, 1), *moved = arena_new(&a, float, V + 16);
    float   logp[M], lone;
    int32_t target[M] = {1, 2, 3, 130};

    (void)c;
    op_loss(logits, logp, target, NULL, 0, M, V);
    for (int m = 0; m < M; m++)
        for (int at = 0; at < 16; at++) {
            memcpy(moved + at, logits + m * V, (size_t)V * sizeof *moved);
            op_loss(moved + at, &lone, target + m, NULL, 0, 1, V);
            EXPECT(lone == logp[m]);
        }
    arena_free(&a);
}

static void cap_is_tanh_everywhere(const Comm *c)
{
    static const float ends[5] = {0, INFINITY, -INFINITY, 3e38F, NAN};
    double             worst = 0;

    (void)c;
    for (float x = -60; x <= 60; x += 1.7e-3F) {
        float  y = x;
        double want = plain_cap((double)x, 3);

        op_cap(&y, 3, 1);
        worst = fmax(worst, fabs(((double)y - want) / want));
        EXPECT(fabsf(y) <= 3);
    }
    EXPECT(worst > 0 && worst < 4e-7);
    for (int i = 0; i < 5; i++) {
        float y = ends[i];

        op_cap(&y, 3, 1);
        EXPECT(i == 0 ? y == 0 : i == 4 ? isnan(y) : y == (i == 2 ? -3.0F : 3.0F));
    }
}

static void cap_of_a_number_does_not_know_its_neighbours(const Comm *c)
{
    Arena  a = open_arena();
    float *x = plain_random(&a, 61, 20, 1), *all = plain_random(&a, 61, 20, 1);

    (void)c;
    op_cap(all, 7, 61);
    for (int i = 0; i < 61; i++) {
        op_cap(x + i, 7, 1);
        EXPECT(x[i] == all[i]);
    }
    arena_free(&a);
}

TEST_MAIN(CASE(loss_is_its_twin_forward_and_back), CASE(cap_is_tanh_everywhere),
          CASE(cap_of_a_number_does_not_know_its_neighbours),
          CASE(loss_without_coefficients_leaves_the_logits),
          CASE(loss_of_weight_zero_has_a_logp_and_no_gradient),
          CASE(loss_twin_has_the_slope_it_says),
          CASE(logsumexp_holds_for_large_and_forbidden_logits),
          CASE(logsumexp_of_a_row_does_not_know_where_it_stands))
