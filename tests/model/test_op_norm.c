#include "model/kernels/ops.h"
#include "tests/check.h"
#include "tests/model/plain.h"

#include <string.h>

static const int64_t SIZES[] = {1, 2, 15, 16, 17, 31, 96};
enum { SIZES_COUNT = sizeof SIZES / sizeof SIZES[0], N = 5 };
static const float  EPS = 1e-5F;
static const double CLOSE = -1e-6, SLOPE_CLOSE = -2e-6; // relative to the largest

// One set of numbers of width D, narrow and wide.
typedef struct Numbers {
    Arena   a;
    int64_t D;
    float  *x, *w, *b, *dy, *y, *dx, *dw, *db, *mean, *inv;
    double *wide_x, *wide_w, *wide_b, *wide_dy, *want, *want_w, *want_b;
} Numbers;

static Numbers numbers_make(int64_t D)
{
    Numbers s = {.D = D};

    EXPECT_OK(arena_make(&s.a, "test", 1 << 24));
    s.x = plain_random(&s.a, N * D, 2, 1);
    s.w = plain_random(&s.a, D, 1, 2);
    s.b = plain_random(&s.a, D, 1, 3);
    s.dy = plain_random(&s.a, N * D, 1, 4);
    s.y = arena_new(&s.a, float, N *D);
    s.dx = arena_new(&s.a, float, N *D);
    s.dw = plain_random(&s.a, D, 1, 5); // gradients are added to what is there
    s.db = plain_random(&s.a, D, 1, 6);
    s.mean = arena_new(&s.a, float, N);
    s.inv = arena_new(&s.a, float, N);
    s.wide_x = plain_widen(&s.a, s.x, N * D);
    s.wide_w = plain_widen(&s.a, s.w, D);
    s.wide_b = plain_widen(&s.a, s.b, D);
    s.wide_dy = plain_widen(&s.a, s.dy, N * D);
    s.want = arena_new(&s.a, double, N *D);
    s.want_w = plain_widen(&s.a, s.dw, D);
    s.want_b = plain_widen(&s.a, s.db, D);
    return s;
}

static void expect_like(Numbers *s, const float *got, const double *want, int64_t count, double tol)
{
    EXPECT_FLOATS(got, plain_narrow(&s->a, want, count), count, tol);
}

static void rms_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < 2 * SIZES_COUNT; i++) {
        int64_t D = SIZES[i / 2];
        float   offset = (float)(i % 2);
        Numbers s = numbers_make(D);

        op_rms(s.y, s.inv, s.x, s.w, offset, EPS, N, D);
        plain_rms(s.want, s.wide_x, s.wide_w, (double)offset, (double)EPS, N, D);
        expect_like(&s, s.y, s.want, N * D, CLOSE);
        op_rms_back(s.dx, s.dw, s.dy, s.x, s.w, offset, s.inv, N, D);
        plain_rms_back(s.want, s.want_w, s.wide_dy, s.wide_x, s.wide_w, (double)offset, (double)EPS,
                       N, D);
        expect_like(&s, s.dx, s.want, N * D, 2e-6); // of one number almost nothing is left
        expect_like(&s, s.dw, s.want_w, D, CLOSE);
        arena_free(&s.a);
    }
}

static void layernorm_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 1; i < SIZES_COUNT; i++) { // of a row of one number nothing is left but noise
        int64_t D = SIZES[i];
        double  close = D == 2 ? 8 * CLOSE : CLOSE; // their difference may be small against them
        Numbers s = numbers_make(D);

        op_layernorm(s.y, s.mean, s.inv, s.x, s.w, s.b, EPS, N, D);
        plain_layernorm(s.want, s.wide_x, s.wide_w, s.wide_b, (double)EPS, N, D);
        expect_like(&s, s.y, s.want, N * D, close);
        op_layernorm_back(s.dx, s.dw, s.db, s.dy, s.x, s.w, s.mean, s.inv, N, D);
        plain_layernorm_back(s.want, s.want_w, s.want_b, s.wide_dy, s.wide_x, s.wide_w, (double)EPS,
                             N, D);
        EXPECT_FLOATS(s.dx, plain_narrow(&s.a, s.want, N * D), N * D, D == 2 ? 2e-4 : 2e-5);
        expect_like(&s, s.dw, s.want_w, D, close);
        expect_like(&s, s.db, s.want_b, D, CLOSE);
        arena_free(&s.a);
    }
}

static void layernorm_of_one_number_is_its_bias(const Comm *c)
{
    float x = 3, w = 2, b = 0.5F, y, mean, inv;

    (void)c;
    op_layernorm(&y, &mean, &inv, &x, &w, &b, EPS, 1, 1);
    EXPECT(y == b);
}

// x, w and b in one line, for slopes.
static void rms_of(double *y, const double *x, void *more)
{
    int64_t D = *(int64_t *)more;
    plain_rms(y, x, x + N * D, 1, (double)EPS, N, D);
}

static void layernorm_of(double *y, const double *x, void *more)
{
    int64_t D = *(int64_t *)more;
    plain_layernorm(y, x, x + N * D, x + (N + 1) * D, (double)EPS, N, D);
}

static void norm_twins_have_the_slope_they_say(const Comm *c)
{
    (void)c;
    for (int layer = 0; layer < 2; layer++) {
        int64_t    D = 17;
        Numbers    s = numbers_make(D);
        double    *all = arena_new(&s.a, double, (N + 2) * D);
        double    *slope = arena_new(&s.a, double, (N + 2) * D);
        double    *got = arena_new(&s.a, double, (N + 2) * D);
        PlainSlope p = {layer ? layernorm_of : rms_of, &D, s.wide_dy, N * D, (N + 2) * D};

        memcpy(all, s.wide_x, (size_t)(N * D) * sizeof *all);
        memcpy(all + N * D, s.wide_w, (size_t)D * sizeof *all);
        memcpy(all + (N + 1) * D, s.wide_b, (size_t)D * sizeof *all);
        plain_slope(&s.a, slope, all, &p);
        if (layer)
            plain_layernorm_back(got, got + N * D, got + (N + 1) * D, s.wide_dy, s.wide_x, s.wide_w,
                                 (double)EPS, N, D);
        else
            plain_rms_back(got, got + N * D, s.wide_dy, s.wide_x, s.wide_w, 1, (double)EPS, N, D);
        expect_like(&s, plain_narrow(&s.a, got, (N + 2) * D), slope, (N + 2) * D, SLOPE_CLOSE);
        arena_free(&s.a);
    }
}

static void norms_of_a_row_do_not_know_its_neighbours(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        int64_t D = SIZES[i];
        Numbers s = numbers_make(D);
        float  *rms = arena_new(&s.a, float, N *D), *lone = arena_new(&s.a, float, D + 1) + 1;
        float   m, v;

        op_rms(rms, s.inv, s.x, s.w, 0, EPS, N, D);
        op_layernorm(s.y, s.mean, s.inv, s.x, s.w, s.b, EPS, N, D);
        for (int n = 0; n < N; n++) {
            op_rms(lone, &v, s.x + n * D, s.w, 0, EPS, 1, D);
            EXPECT(memcmp(lone, rms + n * D, (size_t)D * sizeof *lone) == 0);
            op_layernorm(lone, &m, &v, s.x + n * D, s.w, s.b, EPS, 1, D);
            EXPECT(memcmp(lone, s.y + n * D, (size_t)D * sizeof *lone) == 0);
        }
        arena_free(&s.a);
    }
}

static void embeddings_are_rows_of_tables(const Comm *c)
{
    const int32_t token[N] = {2, 0, 2, 1, 2}, position[N] = {0, 1, 2, 0, 1};

    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        int64_t D = SIZES[i];
        Numbers s = numbers_make(D); // its x, dx serve as tables [N][D]
        double *dtable = plain_widen(&s.a, s.y, N * D), *dpositions = plain_widen(&s.a, s.y, N * D);
        float  *got = arena_new(&s.a, float, N *D);

        op_embed(s.y, s.x, 2.5F, s.dy, token, position, N, D);
        plain_embed(s.want, s.wide_x, 2.5, s.wide_dy, token, position, N, D);
        expect_like(&s, s.y, s.want, N * D, CLOSE);
        op_embed(s.y, s.x, 1, NULL, token, position, N, D);
        EXPECT(memcmp(s.y + D, s.x, (size_t)D * sizeof *s.y) == 0);
        op_embed_back(s.dx, 2.5F, got, s.dy, token, position, N, D);
        plain_embed_back(dtable, 2.5, dpositions, s.wide_dy, token, position, N, D);
        expect_like(&s, s.dx, dtable, N * D, CLOSE);
        expect_like(&s, got, dpositions, N * D, CLOSE);
        arena_free(&s.a);
    }
}

static void biases_and_sums_are_added(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SIZES_COUNT; i++) {
        int64_t D = SIZES[i];
        Numbers s = numbers_make(D);
        float  *sum = plain_random(&s.a, N * D, 2, 1), *x = plain_random(&s.a, N * D, 2, 1);

        op_bias(s.x, s.b, N, D);
        plain_bias(s.wide_x, s.wide_b, N, D);
        expect_like(&s, s.x, s.wide_x, N * D, CLOSE);
        op_bias_back(s.db, s.dy, N, D);
        plain_bias_back(s.want_b, s.wide_dy, N, D);
        expect_like(&s, s.db, s.want_b, D, CLOSE);
        op_add(sum, s.dy, N * D);
        for (int64_t j = 0; j < N * D; j++)
            EXPECT(sum[j] == x[j] + s.dy[j]);
        arena_free(&s.a);
    }
}

static void no_rows_change_nothing(const Comm *c)
{
    float one = 1, none = 0;

    (void)c;
    op_rms(&one, &one, &none, &none, 0, EPS, 0, 1);
    op_layernorm(&one, &one, &one, &none, &none, &none, EPS, 0, 1);
    op_rms_back(&one, &one, &none, &none, &none, 0, &none, 0, 1);
    op_bias(&one, &none, 0, 1);
    op_add(&one, &none, 0);
    EXPECT(one == 1);
}

TEST_MAIN(CASE(rms_is_its_twin_forward_and_back), CASE(layernorm_is_its_twin_forward_and_back),
          CASE(layernorm_of_one_number_is_its_bias), CASE(norm_twins_have_the_slope_they_say),
          CASE(norms_of_a_row_do_not_know_its_neighbours), CASE(embeddings_are_rows_of_tables),
          CASE(biases_and_sums_are_added), CASE(no_rows_change_nothing))
