#include "model/kernels/ops.h"
#include "model/kernels/vec.h"
#include "tests/check.h"
#include "tests/model/plain.h"

static const int64_t SIZES[] = {1, 2, 15, 16, 17, 31, 96};
enum { SIZES_COUNT = sizeof SIZES / sizeof SIZES[0], N = 3 };
static const double CLOSE = -1e-6, SLOPE_CLOSE = -2e-6; // relative to the largest

static Arena open_arena(void)
{
    Arena a;

    EXPECT_OK(arena_make(&a, "test", 1 << 26));
    return a;
}

static float exp_of(float x)
{
    float y[VEC];

    vec_store(y, vec_exp(vec_set(x)));
    return y[VEC - 1];
}

static void exp_is_within_two_parts_in_ten_million(const Comm *c)
{
    double worst = 0;

    (void)c;
    for (float x = -87.3F; x <= 88; x += 1.3e-3F) {
        double want = exp((double)x);
        worst = fmax(worst, fabs(((double)exp_of(x) - want) / want));
    }
    for (float x = -1; x <= 1; x += 1e-5F) {
        double want = exp((double)x);
        worst = fmax(worst, fabs(((double)exp_of(x) - want) / want));
    }
    EXPECT(worst > 0 && worst < 2e-7);
}

static void exp_is_exact_at_its_ends(const Comm *c)
{
    (void)c;
    EXPECT(exp_of(0) == 1 && exp_of(-0.0F) == 1);
    EXPECT(exp_of(-INFINITY) == 0 && exp_of(-88) == 0 && exp_of(-3e38F) == 0);
    EXPECT(exp_of(-87.3F) > 1.17549435e-38F); // the smallest float with all its digits
    EXPECT(isnan(exp_of(NAN)));
}

static void log_is_right_to_the_last_place(const Comm *c)
{
    (void)c;
    EXPECT(vec_log(1) == 0);
    for (float x = 1; x < 1e6F; x *= 1.00007F) {
        double want = log((double)x);
        EXPECT(fabs((double)vec_log(x) - want) <= 6.1e-8 * want);
    }
    EXPECT(isinf(vec_log(INFINITY)) && isnan(vec_log(NAN)));
}

static void folds_reach_every_lane(const Comm *c)
{
    (void)c;
    for (int i = 0; i < VEC; i++) {
        float x[VEC] = {0};

        x[i] = 3;
        EXPECT(vec_sum(vec_load(x)) == 3 && vec_largest(vec_load(x)) == 3);
        EXPECT(vec_sum(vec_load_first(x, i, 0)) == 0);
        EXPECT(vec_sum(vec_keep_first(vec_load(x), i, 1)) == (float)(VEC - i));
    }
}

static void swiglu_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        Arena   a = open_arena();
        int64_t F = SIZES[i];
        float  *gu = plain_random(&a, N * 2 * F, 6, 1), *dy = plain_random(&a, N * F, 1, 2);
        double *wide = plain_widen(&a, gu, N * 2 * F), *wide_dy = plain_widen(&a, dy, N * F);
        float  *y = arena_new(&a, float, N *F), *dgu = arena_new(&a, float, N * 2 * F);
        double *want = arena_new(&a, double, N * 2 * F);

        op_swiglu(y, gu, N, F);
        plain_swiglu(want, wide, N, F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        op_swiglu_back(dgu, dy, gu, N, F);
        plain_swiglu_back(want, wide_dy, wide, N, F);
        EXPECT_FLOATS(dgu, plain_narrow(&a, want, N * 2 * F), N * 2 * F, CLOSE);
        arena_free(&a);
    }
}

static void geglu_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        Arena   a = open_arena();
        int64_t F = SIZES[i];
        float  *gu = plain_random(&a, N * 2 * F, 5, 1), *dy = plain_random(&a, N * F, 1, 2);
        double *wide = plain_widen(&a, gu, N * 2 * F), *wide_dy = plain_widen(&a, dy, N * F);
        float  *y = arena_new(&a, float, N *F), *dgu = arena_new(&a, float, N * 2 * F);
        double *want = arena_new(&a, double, N * 2 * F);

        op_geglu(y, gu, N, F);
        plain_geglu(want, wide, N, F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        op_geglu_back(dgu, dy, gu, N, F);
        plain_geglu_back(want, wide_dy, wide, N, F);
        EXPECT_FLOATS(dgu, plain_narrow(&a, want, N * 2 * F), N * 2 * F, CLOSE);
        arena_free(&a);
    }
}

static void gelu_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        Arena   a = open_arena();
        int64_t F = SIZES[i];
        float  *x = plain_random(&a, N * F, 5, 1), *dy = plain_random(&a, N * F, 1, 2);
        double *wide = plain_widen(&a, x, N * F), *wide_dy = plain_widen(&a, dy, N * F);
        float  *y = arena_new(&a, float, N *F);
        double *want = arena_new(&a, double, N *F);

        op_gelu(y, x, N, F);
        plain_gelu(want, wide, N * F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        op_gelu_back(y, dy, x, N, F);
        plain_gelu_back(want, wide_dy, wide, N * F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        arena_free(&a);
    }
}

static void gelu_erf_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        Arena   a = open_arena();
        int64_t F = SIZES[i];
        float  *x = plain_random(&a, N * F, 6, 1), *dy = plain_random(&a, N * F, 1, 2);
        double *wide = plain_widen(&a, x, N * F), *wide_dy = plain_widen(&a, dy, N * F);
        float  *y = arena_new(&a, float, N *F);
        double *want = arena_new(&a, double, N *F);

        op_gelu_erf(y, x, N, F);
        plain_gelu_erf(want, wide, N * F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        op_gelu_erf_back(y, dy, x, N, F);
        plain_gelu_erf_back(want, wide_dy, wide, N * F);
        EXPECT_FLOATS(y, plain_narrow(&a, want, N * F), N * F, CLOSE);
        arena_free(&a);
    }
}

// Number by number, in units of what a float can say there, and never far off in the tail.
static void gelu_erf_is_near_everywhere(const Comm *c)
{
    double worst = 0, tail = 0;

    (void)c;
    for (float x = -13; x <= 13; x += 3.1e-4F) {
        double want, wide = (double)x, relative;
        float  y;

        op_gelu_erf(&y, &x, 1, 1);
        plain_gelu_erf(&want, &wide, 1);
        relative = fabs((double)y - want) / fabs(want);
        worst = x > -1 ? fmax(worst, relative) : worst;
        tail = fmax(tail, relative / (1 + wide * wide));
    }
    EXPECT(worst > 0 && worst < 6e-7);
    EXPECT(tail > 0 && tail < 6e-7);
}

static void gates_hold_far_out(const Comm *c)
{
    float gu[4] = {-200, 200, 1, 1}, y[2], d[4], one[2] = {1, 1};

    (void)c;
    op_swiglu(y, gu, 1, 2);
    EXPECT(y[0] == 0 && y[1] == 200);
    op_swiglu_back(d, one, gu, 1, 2);
    EXPECT(d[0] == 0 && d[1] == 1 && d[2] == 0 && d[3] == 200);
    op_geglu(y, gu, 1, 2);
    EXPECT(y[0] == 0 && y[1] == 200);
    op_geglu_back(d, one, gu, 1, 2);
    EXPECT(d[0] == 0 && d[1] == 1 && d[2] == 0 && d[3] == 200);
    op_gelu(y, gu, 1, 2);
    EXPECT(y[0] == 0 && y[1] == 200);
    op_gelu_back(d, one, gu, 1, 2);
    EXPECT(d[0] == 0 && d[1] == 1);
}

static void swiglu_of(double *y, const double *x, void *more)
{
    plain_swiglu(y, x, N, *(int64_t *)more);
}

static void geglu_of(double *y, const double *x, void *more)
{
    plain_geglu(y, x, N, *(int64_t *)more);
}

static void gelu_of(double *y, const double *x, void *more)
{
    plain_gelu(y, x, N * *(int64_t *)more);
}

static void mlp_twins_have_the_slope_they_say(const Comm *c)
{
    Arena      a = open_arena();
    int64_t    F = 17;
    double    *x = plain_widen(&a, plain_random(&a, N * 2 * F, 3, 1), N * 2 * F);
    double    *dy = plain_widen(&a, plain_random(&a, N * F, 1, 2), N * F);
    double    *slope = arena_new(&a, double, N * 2 * F), *got = arena_new(&a, double, N * 2 * F);
    PlainSlope gate = {swiglu_of, &F, dy, N * F, N * 2 * F}, bend = {gelu_of, &F, dy, N * F, N * F};

    (void)c;
    plain_slope(&a, slope, x, &gate);
    plain_swiglu_back(got, dy, x, N, F);
    EXPECT_FLOATS(plain_narrow(&a, got, N * 2 * F), plain_narrow(&a, slope, N * 2 * F), N * 2 * F,
                  SLOPE_CLOSE);
    gate.f = geglu_of;
    plain_slope(&a, slope, x, &gate);
    plain_geglu_back(got, dy, x, N, F);
    EXPECT_FLOATS(plain_narrow(&a, got, N * 2 * F), plain_narrow(&a, slope, N * 2 * F), N * 2 * F,
                  SLOPE_CLOSE);
    plain_slope(&a, slope, x, &bend);
    plain_gelu_back(got, dy, x, N * F);
    EXPECT_FLOATS(plain_narrow(&a, got, N * F), plain_narrow(&a, slope, N * F), N * F, SLOPE_CLOSE);
    arena_free(&a);
}

static void mlp_of_a_number_does_not_know_its_neighbours(const Comm *c)
{
    Arena   a = open_arena();
    int64_t F = 37;
    float  *gu = plain_random(&a, N * 2 * F, 6, 1), *y = arena_new(&a, float, N *F);
    float  *lone = arena_new(&a, float, F + 1) + 1, one;

    (void)c;
    op_swiglu(y, gu, N, F);
    for (int n = 0; n < N; n++) {
        op_swiglu(lone, gu + n * 2 * F, 1, F);
        EXPECT(memcmp(lone, y + n * F, (size_t)F * sizeof *y) == 0);
    }
    op_geglu(y, gu, N, F);
    for (int n = 0; n < N; n++) {
        op_geglu(lone, gu + n * 2 * F, 1, F);
        EXPECT(memcmp(lone, y + n * F, (size_t)F * sizeof *y) == 0);
    }
    op_gelu(y, gu, N, F);
    for (int64_t i = 0; i < N * F; i++) {
        op_gelu(&one, gu + i, 1, 1);
        EXPECT(one == y[i]);
    }
    arena_free(&a);
}

static void rope_turns_and_turns_back(const Comm *c)
{
    const int     widths[] = {2, 6, 24, 64, 16, 24}, turning[] = {2, 6, 24, 64, 4, 10};
    const double  factor[] = {1, 1, 1, 1, 1, 1.25};
    const int32_t position[N] = {0, 7, 99};

    (void)c;
    for (int i = 0; i < 6; i++) {
        Arena   a = open_arena();
        int     K = widths[i], R = turning[i], heads = 3;
        int64_t stride = 4 * K + 1, count = N * stride; // what stands behind the heads stays
        float  *x = plain_random(&a, count, 1, 1), *start = plain_random(&a, count, 1, 1);
        double  frequency[32];
        float  *cosine = arena_new(&a, float, 100 * K / 2), *sine = arena_new(&a, float, 50 * K);
        double *want = plain_widen(&a, x, count);

        for (int j = 0; j < R / 2; j++)
            frequency[j] = pow(10000, -2.0 * j / R);
        op_rope_table(cosine, sine, frequency, factor[i], 100, R);
        op_rope(x, cosine, sine, position, N, stride, heads, K, R);
        plain_rope(want, frequency, factor[i], position, N, stride, heads, K, R, 1);
        EXPECT_FLOATS(x, plain_narrow(&a, want, count), count, 2e-5); // angles are floats
        op_rope_back(x, cosine, sine, position, N, stride, heads, K, R);
        plain_rope(want, frequency, factor[i], position, N, stride, heads, K, R, -1);
        EXPECT_FLOATS(x, plain_narrow(&a, want, count), count, 2e-5);
        for (int64_t j = 0; j < count && factor[i] == 1; j++)
            EXPECT_NEAR(x[j], start[j], 1e-6);
        arena_free(&a);
    }
}

TEST_MAIN(CASE(exp_is_within_two_parts_in_ten_million), CASE(exp_is_exact_at_its_ends),
          CASE(log_is_right_to_the_last_place), CASE(folds_reach_every_lane),
          CASE(swiglu_is_its_twin_forward_and_back), CASE(geglu_is_its_twin_forward_and_back),
          CASE(gelu_is_its_twin_forward_and_back), CASE(gelu_erf_is_its_twin_forward_and_back),
          CASE(gelu_erf_is_near_everywhere), CASE(gates_hold_far_out),
          CASE(mlp_twins_have_the_slope_they_say),
          CASE(mlp_of_a_number_does_not_know_its_neighbours), CASE(rope_turns_and_turns_back))
