#include "model/kernels/gemm_private.h"

#include <omp.h>
#include <string.h>

// Our own products: see gemm.h for what they promise.

// Blocks that stay in a cache while they are used again.
enum {
    DEPTH = 512,        // inputs of a tile: a panel is then 32 KiB at most
    CHUNK = 1 << 16,    // numbers of x that meet all panels: 256 KiB
    GRAD_DEPTH = 128,   // rows that a tile of dw sums before it is stored
    GRAD_ROWS = 48,     // columns of dy copied at a time: 24 KiB of stack
    GRAD_COLUMNS = 256, // columns of x copied at a time: 128 KiB of stack
    PACK_WORK = 8,      // multiply-adds that take as long as packing one number
};

static const GemmLevel *chosen = &gemm_portable; // set by exact_start, and by tests

static int64_t panels_of(int64_t E)
{
    return (E + GEMM_LANES - 1) / GEMM_LANES;
}

// ---- packing

// [ceil(E / 16)][D][16]; outputs beyond E are zero.
static int64_t exact_floats(int64_t E, int64_t D)
{
    return panels_of(E) * GEMM_LANES * D;
}

// One panel from 16 rows of w (fewer at the end), in squares so that both sides stay in lines.
static void pack_panel(float *to, const float *w, int64_t rows, int64_t D)
{
    for (int64_t d = 0; d < D; d += GEMM_LANES) {
        int64_t n = gemm_least(D - d, GEMM_LANES);

        for (int64_t j = 0; j < rows; j++)
            for (int64_t i = 0; i < n; i++)
                to[(d + i) * GEMM_LANES + j] = w[j * D + d + i];
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

static void exact_pack(GemmPacked *p, const float *w, int is_turned)
{
    int64_t count = panels_of(p->E);

#pragma omp parallel for num_threads(gemm_threads(PACK_WORK * p->E * p->D)) schedule(static)
    for (int64_t q = 0; q < count; q++) {
        int64_t e = q * GEMM_LANES;
        float  *to = p->data + e * p->D;

        if (is_turned)
            copy_block(to, GEMM_LANES, w + e, p->E, p->D, p->E - e);
        else
            pack_panel(to, w + e * p->D, gemm_least(p->E - e, GEMM_LANES), p->D);
    }
}

// ---- tiles side by side

// One column of tiles, V registers wide, `last` floats in the last.  Rows are dealt evenly to
// tiles, since a tile of few rows waits for its own sums.
static void tiles_down(const GemmLevel *level, GemmTile *t, int64_t rows, int lg)
{
    int64_t      count = (rows + level->rows[lg] - 1) / level->rows[lg];
    const float *top = t->y;

    for (int64_t i = 0; i < count; i++) {
        int n = (int)(rows / count + (i < rows % count));

        t->next = i + 1 < count ? t->y + n * t->ldy : top + ((int64_t)level->part << lg);
        level->tile[lg][n](t);
        t->y += n * t->ldy;
        t->a += n * t->lda;
    }
}

// All outputs of `rows` rows and `width` columns, in registers side by side as many as rows allow.
static void tiles(const GemmLevel *level, const GemmTile *all, int64_t rows, int64_t width)
{
    int      lg = level->width[gemm_least(rows, GEMM_ROWS_MAX)];
    GemmTile t = *all;

    for (int64_t e = 0; e < width; e += (int64_t)level->part << lg) {
        while (lg > 0 && ((int64_t)level->part << lg) - (width - e) >= level->part)
            lg--;
        t.y = all->y + e;
        t.a = all->a;
        t.b = all->b + e / GEMM_LANES * t.panel + e % GEMM_LANES;
        t.last = (int)gemm_least(width - e - ((int64_t)level->part << lg), 0) + level->part;
        tiles_down(level, &t, rows, lg);
    }
}

// ---- y = x w^T

// A chain longer than DEPTH pauses in y.
static void rows_at(const GemmLevel *level, const GemmRows *r)
{
    int64_t E = r->p->E, D = r->p->D;
    int64_t blocks = (D + DEPTH - 1) / DEPTH, depth = (D + blocks - 1) / blocks;
    int64_t chunk = CHUNK / depth / level->rows[0] * level->rows[0];

    for (int64_t m = 0; m < r->M; m += chunk)
        for (int64_t k = 0; k < D; k += depth) {
            GemmTile t = {.y = r->y + m * E + r->first,
                          .a = r->x + m * D + k,
                          .b = r->p->data + r->first * D + k * GEMM_LANES,
                          .ldy = E,
                          .lda = D,
                          .step = 1,
                          .panel = D * GEMM_LANES,
                          .depth = gemm_least(depth, D - k),
                          .is_fresh = k == 0};
            tiles(level, &t, gemm_least(chunk, r->M - m), r->last - r->first);
        }
}

static void exact_rows(const GemmRows *r)
{
    rows_at(chosen, r);
}

// ---- dw += dy^T x

// Rows first .. last-1 and `width` columns of dw.  Both operands are copied in blocks, so that what
// a tile reads lies close together whatever E and D are.
static void grad_block(const GemmLevel *level, const GemmGrad *g, int64_t column)
{
    float   left[GRAD_DEPTH * GRAD_ROWS] __attribute__((aligned(64)));
    float   right[GRAD_DEPTH * GRAD_COLUMNS] __attribute__((aligned(64)));
    int64_t E = g->E, D = g->D, width = gemm_least(GRAD_COLUMNS, D - column);

    for (int64_t m = 0; m < g->M; m += GRAD_DEPTH) {
        int64_t      depth = gemm_least(GRAD_DEPTH, g->M - m);
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
        for (int64_t e = g->first; e < g->last; e += GRAD_ROWS) {
            copy_block(left, GRAD_ROWS, g->dy + m * E + e, E, depth, g->last - e);
            t.y = g->dw + e * D + column;
            tiles(level, &t, gemm_least(GRAD_ROWS, g->last - e), width);
        }
    }
}

static void exact_weight_grad(const GemmGrad *g)
{
    for (int64_t column = 0; column < g->D; column += GRAD_COLUMNS)
        grad_block(chosen, g, column);
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
    const GemmPacked p = {.data = panels, .E = E, .D = D};

    for (int i = 0; i < 16 * GEMM_LANES * D; i++)
        panels[i] = 1 / ((float)i - 400.5F);
    for (int i = 0; i < M * D; i++)
        x[i] = 1 / ((float)i + 3);
    for (int rows = 1; rows <= GEMM_ROWS_MAX; rows++) {
        rows_at(&gemm_portable, &(GemmRows){want, &p, x, rows, 0, E});
        rows_at(level, &(GemmRows){got, &p, x, rows, 0, E});
        if (memcmp(got, want, (size_t)(rows * E) * sizeof(float)) != 0)
            FAIL(ERR_CONFIG,
                 "matrix products: the %s kernels give other numbers than the portable ones for %d "
                 "rows, expected the same bits: the compiler or the (virtual) processor is at "
                 "fault; build with another compiler, or run on another machine",
                 level->name, rows);
    }
    return OK;
}

void gemm_use_level(const GemmLevel *level)
{
    chosen = level;
}

static Err exact_start(void)
{
    const GemmLevel *levels[GEMM_LEVELS_MAX];
    int              count = gemm_levels(levels);

    TRY(try_level(levels[count - 1]));
    gemm_use_level(levels[count - 1]);
    return OK;
}

static const char *exact_describe(void)
{
    return chosen->describe;
}

const GemmBackend gemm_exact = {
    .rows_unit = GEMM_ROWS_MAX, // a multiple of every level's
    .outputs_unit = GEMM_LANES,
    .start = exact_start,
    .describe = exact_describe,
    .floats = exact_floats,
    .pack = exact_pack,
    .rows = exact_rows,
    .weight_grad = exact_weight_grad,
};
