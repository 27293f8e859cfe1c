// gemm_private.h -- what gemm.c, the kinds of products behind it and the exact kernels share.
#ifndef TD_MODEL_KERNELS_GEMM_PRIVATE_H
#define TD_MODEL_KERNELS_GEMM_PRIVATE_H

#include "model/kernels/gemm.h"

#include <stddef.h>

// ---- a kind of products

typedef struct GemmBackend GemmBackend;

struct GemmPacked {
    const GemmBackend *by;
    float             *data; // the matrix in the order of `by`
    int64_t            E, D;
    int                is_turned; // OpenBLAS: data is [D][E]
    int                shape;     // oneDNN: which kernels
};

typedef struct GemmRows { // the arguments of gemm_rows; only outputs first .. last-1 are wanted
    float            *y;
    const GemmPacked *p;
    const float      *x;
    int64_t           M, first, last;
} GemmRows;

typedef struct GemmGrad { // the arguments of gemm_weight_grad; only rows first .. last-1 of dw
    float       *dw;
    const float *dy, *x;
    int64_t      M, E, D, first, last;
} GemmGrad;

// What gemm.c calls.  Each function works on the calling thread alone: threads are its affair.
struct GemmBackend {
    int64_t rows_unit, outputs_unit; // threads get multiples of these; 0: outputs cannot be cut
    Err (*start)(void);
    const char *(*describe)(void);
    int64_t (*floats)(int64_t E, int64_t D); // numbers in GemmPacked.data
    void (*pack)(GemmPacked *p, const float *w, int is_turned);
    void (*rows)(const GemmRows *r);
    void (*weight_grad)(const GemmGrad *g);
};

extern const GemmBackend gemm_exact, gemm_openblas, gemm_onednn;

// Multiply-adds that are worth waking threads for: all or one, since OpenMP ends the threads that a
// smaller team leaves over, and starting them again costs more than a product.
int gemm_threads(int64_t work);

// OpenBLAS and oneDNN use the threads of the next parallel region.  Between these two calls the
// calling thread's is one; other threads see nothing of it.  (openblas_set_num_threads would change
// it for good, and a region of one thread does not count as parallel everywhere.)
int  gemm_alone_begin(void); // what gemm_alone_end wants
void gemm_alone_end(int threads);

static inline int64_t gemm_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// ---- the exact kernels
//
// A tile is R rows of V registers of outputs.  Each output is one chain of fused multiply-adds,
// k = 0, 1, ..., that begins with 0 or with what y holds.  The chain is all that the bits depend
// on: not the tile an output fell into, nor the width of the registers, nor a pause of the chain in
// memory.

enum {
    GEMM_LANES = 16,    // outputs of a panel; part of the packed layout, the same at every level
    GEMM_ROWS_MAX = 12, // largest R of any level
    GEMM_PARTS_MAX = 8, // largest V of any level
    GEMM_WIDTHS = 4,    // V = 1, 2, 4, 8
    GEMM_LEVELS_MAX = 3,
};

// y[r][j] = (fresh ? 0 : y[r][j]) + sum over k of a[r lda + k step] b[j / 16 panel + 16 k + j % 16]
typedef struct GemmTile {
    float       *y;
    const float *a, *b;
    const float *next;                  // y of the tile that follows, to be fetched meanwhile
    int64_t      ldy, lda, step, panel; // floats
    int64_t      depth;                 // k < depth
    int          last;                  // floats of a row's last register that y has
    int          is_fresh;
} GemmTile;

typedef void GemmTileFn(const GemmTile *t);

typedef struct GemmLevel {
    const char *name, *describe;
    int         part;                                 // floats of a register
    int         rows[GEMM_WIDTHS];                    // [log2 V]: largest R; the most for V = 1
    int         width[GEMM_ROWS_MAX + 1];             // [rows there are]: log2 of the best V
    GemmTileFn *tile[GEMM_WIDTHS][GEMM_ROWS_MAX + 1]; // [log2 V][R]; NULL beyond rows[log2 V]
} GemmLevel;

extern const GemmLevel gemm_portable;
#if defined(__x86_64__)
extern const GemmLevel gemm_avx2, gemm_avx512;
#endif

// The levels that this processor runs, worst first; returns their number.
int gemm_levels(const GemmLevel *levels[GEMM_LEVELS_MAX]);
// The level of exact products from now on: for tests that compare levels.
void gemm_use_level(const GemmLevel *level);

#endif
