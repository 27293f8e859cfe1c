// gemm_tile.h -- the tile of gemm_private.h, written once for all levels.
//
// Included by gemm_<level>.c, which defines before: TARGET (attribute of every function here), Part
// (a register), PART (floats in it), part_zero, part_load, part_store, part_load_some and
// part_store_some (of the first n < PART floats), part_spread and part_fused.
#include "model/kernels/gemm_private.h"

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PARTS = GEMM_LANES / PART }; // registers of a panel

// R and V are constants where this is inlined, so that every sum stays in a register.  The arrays
// have constant sizes all the same: with R and V for sizes they would live in memory.
static inline __attribute__((always_inline)) TARGET void tile_sum(const GemmTile *t, const int R,
                                                                  const int V)
{
    Part          sum[GEMM_ROWS_MAX][GEMM_PARTS_MAX], b[GEMM_PARTS_MAX];
    const float  *at = t->a, *bt = t->b;
    float *const  y = t->y;
    const int64_t ldy = t->ldy; // here, since what is stored below might be t for all that C knows
    const int     last = t->last;

    if (t->is_fresh) {
        UNROLL for (int r = 0; r < R; r++)
        {
            UNROLL for (int v = 0; v < V; v++) sum[r][v] = part_zero();
        }
    } else {
        UNROLL for (int r = 0; r < R; r++)
        {
            __builtin_prefetch(t->next + r * ldy, 1);
            UNROLL for (int v = 0; v < V; v++)
            {
                const float *from = y + r * ldy + v * PART;
                sum[r][v] =
                    v < V - 1 || last == PART ? part_load(from) : part_load_some(from, last);
            }
        }
    }
    for (int64_t k = t->depth; k > 0; k--) {
        UNROLL for (int v = 0; v < V; v++) b[v] =
            part_load(bt + v / PARTS * t->panel + v % PARTS * PART);
        UNROLL for (int r = 0; r < R; r++)
        {
            Part a = part_spread(at + r * t->lda);

            UNROLL for (int v = 0; v < V; v++) sum[r][v] = part_fused(a, b[v], sum[r][v]);
        }
        at += t->step;
        bt += GEMM_LANES;
    }
    UNROLL for (int r = 0; r < R; r++)
    {
        UNROLL for (int v = 0; v < V; v++)
        {
            float *to = y + r * ldy + v * PART;

            if (v < V - 1 || last == PART)
                part_store(to, sum[r][v]);
            else
                part_store_some(to, sum[r][v], last);
        }
    }
}

#define TILE(R, V)                                       \
    static TARGET void tile_##R##_##V(const GemmTile *t) \
    {                                                    \
        tile_sum(t, R, V);                               \
    }
