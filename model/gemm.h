// gemm.h -- the only door to OpenBLAS and oneDNN: three products, each with one purpose.
//
// Forward products and input gradients go through weights that were packed once per step (oneDNN);
// the bits of a row depend on that row and the weights alone, not on how many rows stand beside it
// nor on the number of threads, so that a sampler and a trainer agree.  Weight gradients sum over
// rows and go through OpenBLAS, single-threaded; their bits depend on the rows given.
#ifndef TD_MODEL_GEMM_H
#define TD_MODEL_GEMM_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef struct GemmPacked GemmPacked; // a matrix [E][D] in the library's own order

// Once per process, before anything else here: chooses kernels.  ERR_CONFIG if the machine or the
// library lacks what is needed.  Local.
Err gemm_start(void);
// "oneDNN 2.6.3 avx512_core, OpenBLAS 0.3.21 SkylakeX": for logs and provenance.
const char *gemm_describe(void);

// Room for packing a matrix with `E` outputs and `D` inputs.  Memory comes from `run`; what the
// library keeps for itself is small (kilobytes per shape).
GemmPacked *gemm_packed_make(Arena *run, int64_t E, int64_t D);
int64_t     gemm_packed_need(int64_t E, int64_t D); // bytes

// Packs w [E][D] for y = x w^T, or w [D][E] (given transposed) for dx = dy w.
void gemm_pack(GemmPacked *p, const float *w);            // w [E][D]
void gemm_pack_transposed(GemmPacked *p, const float *w); // w [D][E]

// y[M][E] = x[M][D] * w[E][D]^T.  Any M >= 0.  Thread-safe: several threads may use one GemmPacked.
// Called outside a parallel region it may use all threads, with the same bits.
void gemm_rows(float *y, const GemmPacked *p, const float *x, int64_t M);

// dw[E][D] += dy[M][E]^T * x[M][D].  Single-threaded; thread-safe.
void gemm_weight_grad(float *dw, const float *dy, const float *x, int64_t M, int64_t E, int64_t D);

#endif
