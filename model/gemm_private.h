// gemm_private.h -- what gemm.c and its kernels share: one tile of a product.
//
// A tile is R x (16 P) outputs.  Each output is one chain of fused multiply-adds, k = 0, 1, ...,
// that begins with 0 or with what y holds.  The chain is all that the bits depend on: not the
// tile an output fell into, nor the width of the registers, nor a pause of the chain in memory.
#ifndef TD_MODEL_GEMM_PRIVATE_H
#define TD_MODEL_GEMM_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

enum {
    GEMM_LANES = 16,     // outputs of a panel; part of the packed layout, the same at every level
    GEMM_ROWS_MAX = 12,  // largest R of any level
    GEMM_PANELS_MAX = 8, // largest P of any level
    GEMM_WIDTHS = 4,     // P = 1, 2, 4, 8
    GEMM_LEVELS_MAX = 3,
};

// y[r][16 p + i] = (fresh ? 0 : y[r][16 p + i]) + sum over k of a[r lda + k step] b[p panel + 16 k
// + i]
typedef struct GemmTile {
    float       *y;
    const float *a, *b;
    int64_t      ldy, lda, step, panel; // floats
    int64_t      depth;                 // k < depth
    int          is_fresh;
} GemmTile;

typedef void GemmTileFn(const GemmTile *t);

typedef struct GemmLevel {
    const char *name, *describe;
    int         rows;                                 // R <= rows
    int         width[GEMM_ROWS_MAX + 1];             // for each R: log2 of the largest P
    GemmTileFn *tile[GEMM_ROWS_MAX + 1][GEMM_WIDTHS]; // [R][log2 P]; NULL beyond width[R]
} GemmLevel;

extern const GemmLevel gemm_portable;
#if defined(__x86_64__)
extern const GemmLevel gemm_avx2, gemm_avx512;
#endif

// The levels that this processor runs, worst first; returns their number.
int gemm_levels(const GemmLevel *levels[GEMM_LEVELS_MAX]);

// The products of gemm.h at a given level: for gemm.c, and for tests that compare levels.
typedef struct GemmPacked GemmPacked;

typedef struct GemmGrad { // the arguments of gemm_weight_grad
    float       *dw;
    const float *dy, *x;
    int64_t      M, E, D;
} GemmGrad;

void gemm_rows_at(const GemmLevel *level, float *y, const GemmPacked *p, const float *x, int64_t M);
void gemm_weight_grad_at(const GemmLevel *level, const GemmGrad *g);

#endif
