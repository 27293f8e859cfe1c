#include "model/kernels/gemm.h"

#include "model/kernels/gemm_private.h"
#include "tests/check.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

// Every exact product is compared bit for bit with its definition: one chain of fused
// multiply-adds. The libraries behind the same door are compared with it to within a small error.

enum { ROWS = 600 };

typedef struct Shape {
    int64_t E, D, rows; // rows: how many of them are worth a plain product
} Shape;

// Of tiny models; the smallest; on both sides of 16 outputs; deeper than a cache block; large.
static const Shape shapes[] = {
    {288, 96, 600}, {96, 96, 600},  {512, 96, 600},  {96, 256, 600},  {19, 96, 600},
    {131, 32, 600}, {96, 32, 600},  {64, 32, 600},   {32, 64, 600},   {32, 1, 600},
    {1, 32, 600},   {1, 1, 600},    {17, 5, 600},    {15, 33, 600},   {16, 511, 600},
    {33, 513, 600}, {40, 1025, 40}, {1536, 576, 40}, {2048, 2048, 9},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct Product {
    float      *w, *x, *want, *got; // [E][D], [rows][D], [rows][E], [rows][E]
    GemmPacked *p;
    Shape       s;
} Product;

static void fill(float *to, int64_t count, uint32_t seed)
{
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        to[i] = (float)(seed >> 8) * 0x1p-23F - 1;
    }
}

// Where the processor fuses, the plain products need not ask the C library to.
#if defined(__x86_64__)
#define WITH_FUSED __attribute__((target_clones("fma", "default")))
#else
#define WITH_FUSED
#endif

WITH_FUSED static void plain_rows(float *y, const float *w, const float *x, Shape s)
{
    for (int64_t m = 0; m < s.rows; m++)
        for (int64_t e = 0; e < s.E; e++) {
            float sum = 0;

            for (int64_t d = 0; d < s.D; d++)
                sum = fmaf(x[m * s.D + d], w[e * s.D + d], sum);
            y[m * s.E + e] = sum;
        }
}

WITH_FUSED static void plain_grad(float *dw, const float *dy, const float *x, Shape s)
{
    for (int64_t m = 0; m < s.rows; m++)
        for (int64_t e = 0; e < s.E; e++)
            for (int64_t d = 0; d < s.D; d++)
                dw[e * s.D + d] = fmaf(dy[m * s.E + e], x[m * s.D + d], dw[e * s.D + d]);
}

static Product product(Arena *run, Shape s)
{
    Product q = {.s = s};

    q.w = arena_new(run, float, s.E *s.D);
    q.x = arena_new(run, float, s.rows *s.D);
    q.want = arena_new(run, float, s.rows *s.E);
    q.got = arena_new(run, float, s.rows *s.E);
    q.p = gemm_packed_make(run, s.E, s.D);
    fill(q.w, s.E * s.D, 1);
    fill(q.x, s.rows * s.D, 2);
    plain_rows(q.want, q.w, q.x, s);
    gemm_pack(q.p, q.w);
    return q;
}

// Numbers of `got` whose bits differ from `want`.
static int64_t differing(const float *got, const float *want, int64_t count)
{
    int64_t bad = 0;

    for (int64_t i = 0; i < count; i++)
        bad += memcmp(got + i, want + i, sizeof *got) != 0;
    return bad;
}

static void start(Arena *run)
{
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(run, "run", (int64_t)1 << 28));
}

static void gemm_says_which_kernels_it_chose(const Comm *c)
{
    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT(strstr(gemm_describe(), "products fma32 ") == gemm_describe());
}

static void gemm_packed_takes_what_it_said(const Comm *c)
{
    Arena run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark before = arena_mark(&run);

        gemm_packed_make(&run, shapes[i].E, shapes[i].D);
        EXPECT_INT(arena_mark(&run) - before, gemm_packed_need(shapes[i].E, shapes[i].D));
        arena_back(&run, before);
    }
    arena_free(&run);
}

static void gemm_rows_are_the_plain_chain_at_every_level(const Comm *c)
{
    const GemmLevel *levels[GEMM_LEVELS_MAX];
    int              count = gemm_levels(levels);
    Arena            run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Product   q = product(&run, shapes[i]);

        for (int l = 0; l < count; l++) {
            int64_t rows = l > 0 || shapes[i].rows < 40 ? shapes[i].rows : 40; // portable is slow

            memset(q.got, 0xff, (size_t)(rows * q.s.E) * sizeof(float));
            gemm_use_level(levels[l]);
            gemm_rows(q.got, q.p, q.x, rows);
            EXPECT_INT(differing(q.got, q.want, rows * q.s.E), 0);
        }
        arena_back(&run, mark);
    }
    arena_free(&run);
}

// Also: nothing is written beyond the rows asked for.
static void gemm_row_has_the_same_bits_in_any_batch_for_any_threads(const Comm *c)
{
    int   before = omp_get_max_threads();
    Arena run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Product   q = product(&run, shapes[i]);
        int64_t   bad = 0;

        for (int threads = 1; threads <= 2; threads++) {
            int64_t step = threads == 1 && q.s.E * q.s.D <= 96 * 96 ? 1 : 61;

            omp_set_num_threads(threads);
            for (int64_t M = 1; M <= q.s.rows; M += M < 20 ? 1 : step) {
                int64_t from = (q.s.rows - M) / 2; // rows of the middle: batches begin anywhere
                int64_t end = M * q.s.E;

                if (M < q.s.rows)
                    q.got[end] = 77;
                gemm_rows(q.got, q.p, q.x + from * q.s.D, M);
                bad += differing(q.got, q.want + from * q.s.E, end);
                bad += M < q.s.rows && q.got[end] != 77;
            }
        }
        EXPECT_INT(bad, 0);
        arena_back(&run, mark);
    }
    omp_set_num_threads(before);
    arena_free(&run);
}

static void gemm_rows_may_be_called_by_several_threads_at_once(const Comm *c)
{
    Arena run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Product   q = product(&run, shapes[i]);

#pragma omp parallel num_threads(4)
        {
            int64_t T = omp_get_num_threads(), t = omp_get_thread_num();
            int64_t first = q.s.rows * t / T, last = q.s.rows * (t + 1) / T;

            for (int64_t m = first, n = 1; m < last; m += n, n = n % 13 + 1) {
                n = n < last - m ? n : last - m;
                gemm_rows(q.got + m * q.s.E, q.p, q.x + m * q.s.D, n);
            }
        }
        EXPECT_INT(differing(q.got, q.want, q.s.rows * q.s.E), 0);
        arena_back(&run, mark);
    }
    arena_free(&run);
}

static void gemm_rows_of_nothing_writes_nothing(const Comm *c)
{
    Arena   run;
    float   y = 77, dw = 77;
    Product q;

    (void)c;
    start(&run);
    q = product(&run, (Shape){1, 1, 1});
    gemm_rows(&y, q.p, q.x, 0);
    gemm_weight_grad(&dw, q.got, q.x, 0, 1, 1);
    EXPECT(y == 77 && dw == 77); // NOLINT: exact on purpose
    arena_free(&run);
}

static void gemm_packs_a_transposed_matrix_alike(const Comm *c)
{
    Arena run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Product   q = product(&run, shapes[i]);
        float    *turned = arena_new(&run, float, q.s.E *q.s.D);

        for (int64_t e = 0; e < q.s.E; e++)
            for (int64_t d = 0; d < q.s.D; d++)
                turned[d * q.s.E + e] = q.w[e * q.s.D + d];
        gemm_pack_transposed(q.p, turned);
        gemm_rows(q.got, q.p, q.x, q.s.rows);
        EXPECT_INT(differing(q.got, q.want, q.s.rows * q.s.E), 0);
        arena_back(&run, mark);
    }
    arena_free(&run);
}

static void gemm_packs_again_over_old_weights(const Comm *c)
{
    Arena   run;
    Product q;

    (void)c;
    start(&run);
    q = product(&run, (Shape){19, 33, 8});
    fill(q.w, q.s.E * q.s.D, 5);
    plain_rows(q.want, q.w, q.x, q.s);
    gemm_pack(q.p, q.w);
    gemm_rows(q.got, q.p, q.x, q.s.rows);
    EXPECT_INT(differing(q.got, q.want, q.s.rows * q.s.E), 0);
    arena_free(&run);
}

// Infinities and NaN stay in the row and in the output they belong to.
static void gemm_keeps_broken_numbers_apart(const Comm *c)
{
    Arena   run;
    Product q;
    int64_t bad = 0;

    (void)c;
    start(&run);
    q = product(&run, (Shape){19, 33, 8});
    q.x[3 * q.s.D + 7] = INFINITY;
    q.w[18 * q.s.D + 2] = NAN;
    gemm_pack(q.p, q.w);
    gemm_rows(q.got, q.p, q.x, q.s.rows);
    for (int64_t m = 0; m < q.s.rows; m++)
        for (int64_t e = 0; e < q.s.E; e++) {
            float got = q.got[m * q.s.E + e];

            if (m == 3 || e == 18)
                bad += isfinite(got) != 0;
            else
                bad += differing(&got, q.want + m * q.s.E + e, 1);
        }
    EXPECT_INT(bad, 0);
    arena_free(&run);
}

// dw begins with numbers of its own; rows given in two calls; any level, any threads.
static void gemm_weight_grad_continues_the_plain_chain(const Comm *c)
{
    const GemmLevel *levels[GEMM_LEVELS_MAX];
    int              count = gemm_levels(levels), before = omp_get_max_threads();
    Arena            run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Shape     s = shapes[i];
        float    *want = arena_new(&run, float, s.E *s.D), *got = arena_new(&run, float, s.E *s.D);
        float  *dy = arena_new(&run, float, s.rows *s.E), *x = arena_new(&run, float, s.rows *s.D);
        int64_t cut = s.rows / 3;

        fill(dy, s.rows * s.E, 3);
        fill(x, s.rows * s.D, 4);
        fill(want, s.E * s.D, 5);
        plain_grad(want, dy, x, s);
        for (int l = s.E * s.D > 50000 && count > 1; l < count; l++)
            for (int threads = 1; threads <= 2; threads++) {
                omp_set_num_threads(threads);
                gemm_use_level(levels[l]);
                fill(got, s.E * s.D, 5);
                gemm_weight_grad(got, dy, x, cut, s.E, s.D);
                gemm_weight_grad(got, dy + cut * s.E, x + cut * s.D, s.rows - cut, s.E, s.D);
                EXPECT_INT(differing(got, want, s.E * s.D), 0);
            }
        arena_back(&run, mark);
    }
    omp_set_num_threads(before);
    arena_free(&run);
}

static void gemm_weight_grad_may_be_called_by_several_threads_at_once(const Comm *c)
{
    enum { THREADS = 3 };
    Arena  run;
    Shape  s = {288, 96, ROWS};
    float *want, *got, *dy, *x;

    (void)c;
    start(&run);
    want = arena_new(&run, float, s.E *s.D);
    got = arena_new(&run, float, THREADS *s.E *s.D);
    dy = arena_new(&run, float, s.rows *s.E);
    x = arena_new(&run, float, s.rows *s.D);
    fill(dy, s.rows * s.E, 3);
    fill(x, s.rows * s.D, 4);
    plain_grad(want, dy, x, s);
#pragma omp parallel for num_threads(THREADS)
    for (int t = 0; t < THREADS; t++)
        gemm_weight_grad(got + t * s.E * s.D, dy, x, s.rows, s.E, s.D);
    for (int t = 0; t < THREADS; t++)
        EXPECT_INT(differing(got + t * s.E * s.D, want, s.E * s.D), 0);
    arena_free(&run);
}

// ---- libraries

static Shape fewer_rows(Shape s)
{
    return (Shape){s.E, s.D, s.rows < 300 ? s.rows : 300};
}

static const GemmKind libraries[] = {GEMM_OPENBLAS, GEMM_ONEDNN};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static void gemm_libraries_say_that_rows_are_not_exact(const Comm *c)
{
    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(gemm_choose(GEMM_OPENBLAS));
    EXPECT(strstr(gemm_describe(), "products OpenBLAS ") == gemm_describe());
    EXPECT(strstr(gemm_describe(), ", rows not exact") != NULL);
    EXPECT_OK(gemm_choose(GEMM_ONEDNN));
    EXPECT(strstr(gemm_describe(), "products oneDNN ") == gemm_describe());
    EXPECT(strstr(gemm_describe(), ", rows not exact") != NULL);
    EXPECT_OK(gemm_choose(GEMM_EXACT));
    EXPECT(strstr(gemm_describe(), "products fma32 ") == gemm_describe());
}

// Few rows, many, none; from a matrix given either way; nothing is written beyond.
static void library_rows(const Product *q, const float *turned)
{
    for (int way = 0; way < 2; way++) {
        if (way == 0)
            gemm_pack(q->p, q->w);
        else
            gemm_pack_transposed(q->p, turned);
        for (int64_t M = q->s.rows; M > 0; M = M > 40 ? 31 : M - 5) {
            int64_t end = M * q->s.E;

            memset(q->got, 0xff, (size_t)(q->s.rows * q->s.E) * sizeof(float));
            if (M < q->s.rows)
                q->got[end] = 77;
            gemm_rows(q->got, q->p, q->x, M);
            EXPECT_FLOATS(q->got, q->want, end, -1e-5);
            EXPECT(M == q->s.rows || q->got[end] == 77); // NOLINT: exact on purpose
        }
    }
}

static void gemm_libraries_give_the_plain_rows(const Comm *c)
{
    int   before = omp_get_max_threads();
    Arena run;

    (void)c;
    start(&run);
    for (int k = 0; k < LIBRARIES; k++)
        for (int i = 0; i < SHAPES; i++) {
            ArenaMark mark = arena_mark(&run);
            Product   q;
            float    *turned = arena_new(&run, float, shapes[i].E *shapes[i].D);

            EXPECT_OK(gemm_choose(libraries[k]));
            q = product(&run, fewer_rows(shapes[i]));
            for (int64_t e = 0; e < q.s.E; e++)
                for (int64_t d = 0; d < q.s.D; d++)
                    turned[d * q.s.E + e] = q.w[e * q.s.D + d];
            for (int threads = 1; threads <= 2; threads++) {
                omp_set_num_threads(threads);
                library_rows(&q, turned);
                EXPECT_INT(omp_get_max_threads(), threads); // a library must not change it
            }
            arena_back(&run, mark);
        }
    omp_set_num_threads(before);
    arena_free(&run);
}

static void gemm_libraries_take_the_room_they_said(const Comm *c)
{
    Arena run;

    (void)c;
    start(&run);
    for (int k = 0; k < LIBRARIES; k++)
        for (int i = 0; i < SHAPES; i++) {
            ArenaMark mark = arena_mark(&run);
            int64_t   need;

            EXPECT_OK(gemm_choose(libraries[k]));
            need = gemm_packed_need(shapes[i].E, shapes[i].D);
            gemm_packed_make(&run, shapes[i].E, shapes[i].D);
            EXPECT_INT(arena_mark(&run) - mark, need);
            arena_back(&run, mark);
        }
    arena_free(&run);
}

static void gemm_libraries_may_be_called_by_several_threads_at_once(const Comm *c)
{
    enum { THREADS = 4 };
    Arena run;

    (void)c;
    start(&run);
    for (int k = 0; k < LIBRARIES; k++)
        for (int i = 0; i < SHAPES; i++) {
            ArenaMark mark = arena_mark(&run);
            Product   q;
            float    *dw;

            EXPECT_OK(gemm_choose(libraries[k]));
            q = product(&run, fewer_rows(shapes[i]));
            dw = arena_new(&run, float, (THREADS + 1) * q.s.E * q.s.D);
            plain_grad(dw, q.want, q.x, q.s);
#pragma omp parallel num_threads(THREADS)
            {
                int64_t T = omp_get_num_threads(), t = omp_get_thread_num();
                int64_t first = q.s.rows * t / T, last = q.s.rows * (t + 1) / T;

                for (int64_t m = first, n = 1; m < last; m += n, n = n % 13 + 1) {
                    n = n < last - m ? n : last - m;
                    gemm_rows(q.got + m * q.s.E, q.p, q.x + m * q.s.D, n);
                }
                gemm_weight_grad(dw + (t + 1) * q.s.E * q.s.D, q.want, q.x, q.s.rows, q.s.E, q.s.D);
            }
            EXPECT_FLOATS(q.got, q.want, q.s.rows * q.s.E, -1e-5);
            for (int t = 1; t <= THREADS; t++)
                EXPECT_FLOATS(dw + t * q.s.E * q.s.D, dw, q.s.E * q.s.D, -1e-5);
            arena_back(&run, mark);
        }
    arena_free(&run);
}

static void gemm_libraries_add_to_the_weight_gradient(const Comm *c)
{
    int   before = omp_get_max_threads();
    Arena run;

    (void)c;
    start(&run);
    for (int i = 0; i < SHAPES; i++) {
        ArenaMark mark = arena_mark(&run);
        Product   q = product(&run, fewer_rows(shapes[i]));
        float    *want = arena_new(&run, float, q.s.E *q.s.D);
        float    *got = arena_new(&run, float, q.s.E *q.s.D);

        fill(want, q.s.E * q.s.D, 5);
        plain_grad(want, q.want, q.x, q.s);
        for (int k = 0; k < LIBRARIES; k++)
            for (int threads = 1; threads <= 2; threads++) {
                EXPECT_OK(gemm_choose(libraries[k]));
                omp_set_num_threads(threads);
                fill(got, q.s.E * q.s.D, 5);
                gemm_weight_grad(got, q.want, q.x, q.s.rows, q.s.E, q.s.D);
                EXPECT_FLOATS(got, want, q.s.E * q.s.D, -1e-5);
            }
        EXPECT_OK(gemm_choose(GEMM_EXACT));
        arena_back(&run, mark);
    }
    omp_set_num_threads(before);
    arena_free(&run);
}

static void gemm_libraries_do_nothing_for_no_rows(const Comm *c)
{
    Arena run;
    float y = 77, dw = 77;

    (void)c;
    start(&run);
    for (int k = 0; k < LIBRARIES; k++) {
        Product q;

        EXPECT_OK(gemm_choose(libraries[k]));
        q = product(&run, (Shape){1, 1, 1});
        gemm_rows(&y, q.p, q.x, 0);
        gemm_weight_grad(&dw, q.got, q.x, 0, 1, 1);
        EXPECT(y == 77 && dw == 77); // NOLINT: exact on purpose
    }
    arena_free(&run);
}

static void gemm_matrix_keeps_the_kind_it_was_made_with(const Comm *c)
{
    Arena   run;
    Product q;

    (void)c;
    start(&run);
    q = product(&run, (Shape){288, 96, 40});
    for (int k = 0; k < LIBRARIES; k++) {
        EXPECT_OK(gemm_choose(libraries[k]));
        memset(q.got, 0xff, (size_t)(q.s.rows * q.s.E) * sizeof(float));
        gemm_rows(q.got, q.p, q.x, q.s.rows);
        EXPECT_INT(differing(q.got, q.want, q.s.rows * q.s.E), 0);
    }
    arena_free(&run);
}

TEST_MAIN(CASE(gemm_says_which_kernels_it_chose), CASE(gemm_packed_takes_what_it_said),
          CASE(gemm_rows_are_the_plain_chain_at_every_level),
          CASE(gemm_row_has_the_same_bits_in_any_batch_for_any_threads),
          CASE(gemm_rows_may_be_called_by_several_threads_at_once),
          CASE(gemm_rows_of_nothing_writes_nothing), CASE(gemm_packs_a_transposed_matrix_alike),
          CASE(gemm_packs_again_over_old_weights), CASE(gemm_keeps_broken_numbers_apart),
          CASE(gemm_weight_grad_continues_the_plain_chain),
          CASE(gemm_weight_grad_may_be_called_by_several_threads_at_once),
          CASE(gemm_libraries_say_that_rows_are_not_exact),
          CASE(gemm_libraries_give_the_plain_rows), CASE(gemm_libraries_take_the_room_they_said),
          CASE(gemm_libraries_may_be_called_by_several_threads_at_once),
          CASE(gemm_libraries_add_to_the_weight_gradient),
          CASE(gemm_libraries_do_nothing_for_no_rows),
          CASE(gemm_matrix_keeps_the_kind_it_was_made_with))
