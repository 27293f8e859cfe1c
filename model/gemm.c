#include "model/gemm.h"

#include "model/gemm_private.h"

#include <inttypes.h>
#include <omp.h>
#include <string.h>

// Blocks that stay in a cache while they are used again.
enum {
    DEPTH = 512,           // inputs of a tile: a panel is then 32 KiB at most
    CHUNK = 1 << 16,       // numbers of x that meet all panels: 256 KiB
    GRAD_DEPTH = 128,      // rows that a tile of dw sums before it is stored
    GRAD_ROWS = 48,        // columns of dy copied at a time: 24 KiB of stack
    GRAD_COLUMNS = 128,    // columns of x copied at a time: 64 KiB of stack
    PACK_WORK = 8,         // multiply-adds that take as long as packing one number
    THREAD_WORK = 1 << 18, // multiply-adds for which one more thread is worth waking
};

struct GemmPacked {
    float  *panels; // [ceil(E / 16)][D][16]; outputs beyond E are zero
    int64_t E, D;
};

static const GemmLevel *chosen = &gemm_portable; // set by gemm_start alone

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t panels_of(int64_t E)
{
    return (E + GEMM_LANES - 1) / GEMM_LANES;
}

// All or one: OpenMP ends the threads that a smaller team leaves over, and starting them again
// costs more than a product.
static int threads_for(int64_t work)
{
    int most = omp_get_max_threads();
    return omp_in_parallel() || work < most * (int64_t)THREAD_WORK ? 1 : most;
}

// ---- packing

GemmPacked *gemm_packed_make(Arena *run, int64_t E, int64_t D)
{
    GemmPacked *p = arena_new(run, GemmPacked, 1);

    CHECK(E > 0 && D > 0, "E %" PRId64 ", D %" PRId64, E, D);
    *p = (GemmPacked){arena_new(run, float, panels_of(E) * GEMM_LANES * D), E, D};
    return p;
}

int64_t gemm_packed_need(int64_t E, int64_t D)
{
    return arena_need(1, sizeof(GemmPacked)) +
           arena_need(panels_of(E) * GEMM_LANES * D, sizeof(float));
}

// One panel from 16 rows of w (fewer at the end), in squares so that both sides stay in lines.
static void pack_panel(float *to, const float *w, int64_t rows, int64_t D)
{
    for (int64_t d = 0; d < D; d += GEMM_LANES) {
        int64_t n = least(D - d, GEMM_LANES);

        for (int64_t j = 0; j < rows; j++)
            for (int64_t i = 0; i < n; i++)
                to[(d + i) * GEMM_LANES + j] = w[j * D + d + i];
    }
}

void gemm_pack(GemmPacked *p, const float *w)
{
    int64_t count = panels_of(p->E);

#pragma omp parallel for num_threads(threads_for(PACK_WORK * p->E * p->D)) schedule(static)
    for (int64_t q = 0; q < count; q++) {
        int64_t e = q * GEMM_LANES;
        pack_panel(p->panels + e * p->D, w + e * p->D, least(p->E - e, GEMM_LANES), p->D);
    }
}

// `depth` rows of the block of `block` columns, `stride` floats between them, laid end to end;
// zeros where only `width` columns are left.
static inline void copy_block(float *to, int64_t block, const float *from, int64_t stride,
                              int64_t depth, int64_t width)
{
    for (int64_t k = 0; k < depth; k++, to += block, from += stride) {
        if (width >= block) {
            memcpy(to, from, (size_t)block * sizeof(float));
        } else {
            memset(to, 0, (size_t)block * sizeof(float));
            memcpy(to, from, (size_t)width * sizeof(float));
        }
    }
}

void gemm_pack_transposed(GemmPacked *p, const float *w)
{
    int64_t count = panels_of(p->E);

#pragma omp parallel for num_threads(threads_for(PACK_WORK * p->E * p->D)) schedule(static)
    for (int64_t q = 0; q < count; q++) {
        int64_t e = q * GEMM_LANES;
        copy_block(p->panels + e * p->D, GEMM_LANES, w + e, p->E, p->D, p->E - e);
    }
}

// ---- tiles side by side

// A tile whose last panel has only `width` outputs: formed beside y.
static void narrow_tile(GemmTileFn *fn, const GemmTile *t, int rows, int64_t width)
{
    float    beside[GEMM_ROWS_MAX * GEMM_LANES] = {0};
    GemmTile b = *t;

    b.y = beside;
    b.ldy = GEMM_LANES;
    for (int r = 0; r < rows && !t->is_fresh; r++)
        memcpy(beside + r * GEMM_LANES, t->y + r * t->ldy, (size_t)width * sizeof(float));
    fn(&b);
    for (int r = 0; r < rows; r++)
        memcpy(t->y + r * t->ldy, beside + r * GEMM_LANES, (size_t)width * sizeof(float));
}

// All outputs of `rows` rows and `width` columns: panels in groups as wide as rows allow.  The
// rows are dealt evenly to tiles, since a tile of few rows waits for its own sums.
static void tiles(const GemmLevel *level, GemmTile t, int64_t rows, int64_t width)
{
    int64_t  count = (rows + level->rows - 1) / level->rows;
    int      most = (int)((rows + count - 1) / count), lg = level->width[most];
    GemmTile s = t;

    for (int64_t e = 0; e < width; e += GEMM_LANES << lg) {
        while (lg > 0 && GEMM_LANES << lg > width - e)
            lg--;
        s.b = t.b + e / GEMM_LANES * t.panel;
        for (int64_t i = 0, r = 0; i < count; i++) {
            int n = (int)(rows / count + (i < rows % count));

            s.y = t.y + r * t.ldy + e;
            s.a = t.a + r * t.lda;
            if (width - e < GEMM_LANES)
                narrow_tile(level->tile[n][0], &s, n, width - e);
            else
                level->tile[n][lg](&s);
            r += n;
        }
    }
}

// ---- y = x w^T

// Panels first .. last-1, all rows.  A chain longer than DEPTH pauses in y.
static void rows_panels(const GemmLevel *level, float *y, const GemmPacked *p, const float *x,
                        int64_t M, int64_t first, int64_t last)
{
    int64_t E = p->E, D = p->D, from = first * GEMM_LANES, to = least(last * GEMM_LANES, E);
    int64_t blocks = (D + DEPTH - 1) / DEPTH, depth = (D + blocks - 1) / blocks;
    int64_t chunk = CHUNK / depth / level->rows * level->rows;

    for (int64_t m = 0; m < M; m += chunk)
        for (int64_t k = 0; k < D; k += depth) {
            GemmTile t = {.y = y + m * E + from,
                          .a = x + m * D + k,
                          .b = p->panels + from * D + k * GEMM_LANES,
                          .ldy = E,
                          .lda = D,
                          .step = 1,
                          .panel = D * GEMM_LANES,
                          .depth = least(depth, D - k),
                          .is_fresh = k == 0};
            tiles(level, t, least(chunk, M - m), to - from);
        }
}

void gemm_rows_at(const GemmLevel *level, float *y, const GemmPacked *p, const float *x, int64_t M)
{
    int64_t panels = panels_of(p->E), groups = (M + level->rows - 1) / level->rows;
    int     threads = threads_for(M * p->E * p->D);

    if (threads == 1) {
        rows_panels(level, y, p, x, M, 0, panels);
        return;
    }
    // By rows where there are many, else by panels: whole tiles for everybody.
#pragma omp parallel num_threads(threads)
    {
        int64_t T = omp_get_num_threads(), t = omp_get_thread_num();

        if (groups >= 4 * T) {
            int64_t m = groups * t / T * level->rows;
            int64_t end = least(groups * (t + 1) / T * level->rows, M);
            rows_panels(level, y + m * p->E, p, x + m * p->D, end - m, 0, panels);
        } else {
            rows_panels(level, y, p, x, M, panels * t / T, panels * (t + 1) / T);
        }
    }
}

void gemm_rows(float *y, const GemmPacked *p, const float *x, int64_t M)
{
    gemm_rows_at(chosen, y, p, x, M);
}

// ---- dw += dy^T x

// Rows first .. last-1 and `width` columns of dw.  Both operands are copied in blocks, so that what
// a tile reads lies close together whatever E and D are.
static void grad_block(const GemmLevel *level, const GemmGrad *g, int64_t first, int64_t last,
                       int64_t column)
{
    float   left[GRAD_DEPTH * GRAD_ROWS] __attribute__((aligned(64)));
    float   right[GRAD_DEPTH * GRAD_COLUMNS] __attribute__((aligned(64)));
    int64_t E = g->E, D = g->D, width = least(GRAD_COLUMNS, D - column);

    for (int64_t m = 0; m < g->M; m += GRAD_DEPTH) {
        int64_t      depth = least(GRAD_DEPTH, g->M - m);
        const float *x = g->x + m * D + column;
        GemmTile     t = {.a = left,
                          .b = right,
                          .ldy = D,
                          .lda = 1,
                          .step = GRAD_ROWS,
                          .panel = GRAD_DEPTH * GEMM_LANES,
                          .depth = depth};

        for (int64_t d = 0; d < width; d += GEMM_LANES)
            copy_block(right + d * GRAD_DEPTH, GEMM_LANES, x + d, D, depth, width - d);
        for (int64_t e = first; e < last; e += GRAD_ROWS) {
            copy_block(left, GRAD_ROWS, g->dy + m * E + e, E, depth, last - e);
            t.y = g->dw + e * D + column;
            tiles(level, t, least(GRAD_ROWS, last - e), width);
        }
    }
}

static void grad_range(const GemmLevel *level, const GemmGrad *g, int64_t first, int64_t last)
{
    for (int64_t column = 0; column < g->D; column += GRAD_COLUMNS)
        grad_block(level, g, first, last, column);
}

void gemm_weight_grad_at(const GemmLevel *level, const GemmGrad *g)
{
    int     threads = threads_for(g->M * g->E * g->D);
    int64_t groups = (g->E + level->rows - 1) / level->rows;

    if (threads == 1) {
        grad_range(level, g, 0, g->E);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        int64_t T = omp_get_num_threads(), t = omp_get_thread_num();
        int64_t first = groups * t / T * level->rows;

        grad_range(level, g, first, least(groups * (t + 1) / T * level->rows, g->E));
    }
}

void gemm_weight_grad(float *dw, const float *dy, const float *x, int64_t M, int64_t E, int64_t D)
{
    GemmGrad g = {dw, dy, x, M, E, D};
    gemm_weight_grad_at(chosen, &g);
}

// ---- choosing

int gemm_levels(const GemmLevel *levels[GEMM_LEVELS_MAX])
{
    int count = 0;

    levels[count++] = &gemm_portable;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return count;
    levels[count++] = &gemm_avx2;
    if (__builtin_cpu_supports("avx512f"))
        levels[count++] = &gemm_avx512;
#endif
    return count;
}

// Every shape of tile, with numbers whose sums all round: cheap, and the only way to notice a
// processor, a virtual machine or a compiler that gets a wide instruction wrong.
static Err try_level(const GemmLevel *level)
{
    enum { M = GEMM_ROWS_MAX, E = 15 * GEMM_LANES + 3, D = 5 }; // 8, 4, 2, 1 panels and a rest
    float            panels[16 * GEMM_LANES * D], x[M * D], want[M * E], got[M * E];
    const GemmPacked p = {panels, E, D};

    for (int i = 0; i < 16 * GEMM_LANES * D; i++)
        panels[i] = 1 / ((float)i - 400.5F);
    for (int i = 0; i < M * D; i++)
        x[i] = 1 / ((float)i + 3);
    for (int rows = 1; rows <= level->rows; rows++) {
        gemm_rows_at(&gemm_portable, want, &p, x, rows);
        gemm_rows_at(level, got, &p, x, rows);
        if (memcmp(got, want, (size_t)(rows * E) * sizeof(float)) != 0)
            FAIL(ERR_CONFIG,
                 "matrix products: the %s kernels give other numbers than the portable ones for %d "
                 "rows, expected the same bits: the compiler or the (virtual) processor is at "
                 "fault; build with another compiler, or run on another machine",
                 level->name, rows);
    }
    return OK;
}

Err gemm_start(void)
{
    const GemmLevel *levels[GEMM_LEVELS_MAX];
    int              count = gemm_levels(levels);

    TRY(try_level(levels[count - 1]));
    chosen = levels[count - 1];
    return OK;
}

const char *gemm_describe(void)
{
    return chosen->describe;
}
