// gemm_tile.h -- the tile of gemm_private.h, written once for all levels.
//
// Included by gemm_<level>.c, which defines before: TARGET (attribute of every function here), Part
// (a register), PART (floats in it), part_zero, part_load, part_store, part_spread and part_fused.
#include "model/gemm_private.h"

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PARTS = GEMM_LANES / PART }; // registers of a panel

// R and P are constants where this is inlined, so that every sum stays in a register.  The arrays
// have constant sizes all the same: with R and P for sizes they would live in memory.
static inline __attribute__((always_inline)) TARGET void tile_sum(const GemmTile *t, const int R,
                                                                  const int P)
{
    Part         sum[GEMM_ROWS_MAX][GEMM_PANELS_MAX * PARTS], b[GEMM_PANELS_MAX * PARTS];
    const float *at = t->a, *bt = t->b;

    UNROLL for (int r = 0; r < R; r++)
    {
        UNROLL for (int v = 0; v < P * PARTS; v++) sum[r][v] =
            t->is_fresh ? part_zero() : part_load(t->y + r * t->ldy + v * PART);
    }
    for (int64_t k = 0; k < t->depth; k++) {
        UNROLL for (int v = 0; v < P * PARTS; v++) b[v] =
            part_load(bt + v / PARTS * t->panel + v % PARTS * PART);
        UNROLL for (int r = 0; r < R; r++)
        {
            Part a = part_spread(at + r * t->lda);

            UNROLL for (int v = 0; v < P * PARTS; v++) sum[r][v] = part_fused(a, b[v], sum[r][v]);
        }
        at += t->step;
        bt += GEMM_LANES;
    }
    UNROLL for (int r = 0; r < R; r++)
    {
        UNROLL for (int v = 0; v < P * PARTS; v++)
            part_store(t->y + r * t->ldy + v * PART, sum[r][v]);
    }
}

#define TILE(R, P)                                       \
    static TARGET void tile_##R##_##P(const GemmTile *t) \
    {                                                    \
        tile_sum(t, R, P);                               \
    }
