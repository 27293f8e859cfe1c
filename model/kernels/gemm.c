#include "model/kernels/gemm.h"

#include "model/kernels/gemm_private.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>

enum { THREAD_WORK = 1 << 18 }; // multiply-adds for which one more thread is worth waking

static const GemmBackend *chosen = &gemm_exact; // set by gemm_choose alone

// ---- choosing

static const GemmBackend *backend(GemmKind kind)
{
    switch (kind) {
    case GEMM_EXACT: return &gemm_exact;
    case GEMM_OPENBLAS: return &gemm_openblas;
    case GEMM_ONEDNN: return &gemm_onednn;
    }
    CHECK(0, "kind of products %d", (int)kind);
    return NULL;
}

static float number(int64_t i)
{
    return 1 / ((float)i - 100.5F);
}

static int is_near(float got, float want)
{
    return fabsf(got - want) <= 1e-5F * fmaxf(fabsf(want), 0.01F);
}

// One small product of each purpose: a library that gives nonsense here is found before it trains.
static Err try_out(void)
{
    enum { M = 5, E = 19, D = 7 };
    float      data[E * D * 16], w[E * D], x[M * D], y[M * E], dw[E * D] = {0};
    GemmPacked p = {.by = chosen, .data = data, .E = E, .D = D};
    int        good = 1;

    CHECK(chosen->floats(E, D) <= (int64_t)(sizeof data / sizeof *data));
    for (int i = 0; i < E * D; i++)
        w[i] = number(i);
    for (int i = 0; i < M * D; i++)
        x[i] = number(i + E * D);
    gemm_pack(&p, w);
    gemm_rows(y, &p, x, M);
    gemm_weight_grad(dw, y, x, M, E, D);
    for (int e = 0; e < E; e++) {
        for (int m = 0; m < M; m++) {
            float want = 0;

            for (int d = 0; d < D; d++)
                want = fmaf(x[m * D + d], w[e * D + d], want);
            good &= is_near(y[m * E + e], want);
        }
        for (int d = 0; d < D; d++) {
            float want = 0;

            for (int m = 0; m < M; m++)
                want = fmaf(y[m * E + e], x[m * D + d], want);
            good &= is_near(dw[e * D + d], want);
        }
    }
    if (!good)
        FAIL(ERR_CONFIG,
             "%s: a product of %d x %d x %d numbers is wrong by more than 1e-5; choose other "
             "products, or install another version of the library",
             gemm_describe(), M, E, D);
    return OK;
}

Err gemm_start(void)
{
    return gemm_choose(GEMM_EXACT);
}

Err gemm_choose(GemmKind kind)
{
    const GemmBackend *before = chosen;
    Err                e;

    CHECK(!omp_in_parallel());
    TRY(backend(kind)->start());
    chosen = backend(kind);
    e = try_out();
    if (e != OK)
        chosen = before;
    return e;
}

const char *gemm_describe(void)
{
    return chosen->describe();
}

// ---- threads

int gemm_threads(int64_t work)
{
    int most = omp_get_max_threads();
    return omp_in_parallel() || work < most * (int64_t)THREAD_WORK ? 1 : most;
}

int gemm_alone_begin(void)
{
    int threads = omp_get_max_threads();

    if (threads > 1 && !omp_in_parallel())
        omp_set_num_threads(1);
    return threads;
}

void gemm_alone_end(int threads)
{
    if (threads > 1 && !omp_in_parallel())
        omp_set_num_threads(threads);
}

// Where piece i of n begins, if `count` things are dealt in whole units.
static int64_t cut(int64_t count, int64_t unit, int64_t i, int64_t n)
{
    int64_t units = (count + unit - 1) / unit;
    return gemm_least(units * i / n * unit, count);
}

// ---- products

GemmPacked *gemm_packed_make(Arena *run, int64_t E, int64_t D)
{
    GemmPacked *p = arena_new(run, GemmPacked, 1);

    CHECK(E > 0 && D > 0, "E %" PRId64 ", D %" PRId64, E, D);
    *p = (GemmPacked){.by = chosen, .E = E, .D = D};
    p->data = arena_new(run, float, chosen->floats(E, D));
    return p;
}

int64_t gemm_packed_need(int64_t E, int64_t D)
{
    return arena_need(1, sizeof(GemmPacked)) + arena_need(chosen->floats(E, D), sizeof(float));
}

void gemm_pack(GemmPacked *p, const float *w)
{
    p->by->pack(p, w, 0);
}

void gemm_pack_transposed(GemmPacked *p, const float *w)
{
    p->by->pack(p, w, 1);
}

// By rows where there are many, else by outputs: whole tiles for everybody.
static void rows_of_thread(const GemmRows *all, int64_t t, int64_t T)
{
    const GemmBackend *by = all->p->by;
    GemmRows           r = *all;

    if (by->outputs_unit == 0 || all->M >= 4 * T * by->rows_unit) {
        int64_t m = cut(all->M, by->rows_unit, t, T);

        r.y += m * all->p->E;
        r.x += m * all->p->D;
        r.M = cut(all->M, by->rows_unit, t + 1, T) - m;
    } else {
        r.first = cut(all->last, by->outputs_unit, t, T);
        r.last = cut(all->last, by->outputs_unit, t + 1, T);
    }
    if (r.M > 0 && r.first < r.last)
        by->rows(&r);
}

void gemm_rows(float *y, const GemmPacked *p, const float *x, int64_t M)
{
    GemmRows all = {y, p, x, M, 0, p->E};
    int      threads = gemm_threads(M * p->E * p->D);

    if (threads == 1) {
        rows_of_thread(&all, 0, 1);
        return;
    }
#pragma omp parallel num_threads(threads)
    rows_of_thread(&all, omp_get_thread_num(), omp_get_num_threads());
}

void gemm_weight_grad(float *dw, const float *dy, const float *x, int64_t M, int64_t E, int64_t D)
{
    const GemmGrad all = {dw, dy, x, M, E, D, 0, E};
    int            threads = gemm_threads(M * E * D);

    if (M == 0)
        return;
    if (threads == 1) {
        chosen->weight_grad(&all);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        int64_t  T = omp_get_num_threads(), t = omp_get_thread_num();
        GemmGrad g = all;

        g.first = cut(E, chosen->rows_unit, t, T);
        g.last = cut(E, chosen->rows_unit, t + 1, T);
        if (g.first < g.last)
            chosen->weight_grad(&g);
    }
}
