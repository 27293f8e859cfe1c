// gemm.h -- matrix products: three, each with one purpose.
//
// Every number is one chain of fused multiply-adds over ascending k, begun with 0 (or with what is
// added to), whatever the shape.  So the bits of a row depend on that row and the weights alone:
// not on how many rows stand beside it, on threads, or on the width of this processor's registers.
// A sampler and a trainer agree, and so do machines of different kinds.
#ifndef TD_MODEL_GEMM_H
#define TD_MODEL_GEMM_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef struct GemmPacked GemmPacked; // a matrix [E][D] in the order in which the kernels read it

// Once per process, before anything else here, outside a parallel region: chooses the kernels for
// this processor and tries them.  ERR_CONFIG if their bits are wrong here.  Local.
Err gemm_start(void);
// "products fma32 avx2": for logs and provenance.
const char *gemm_describe(void);

// Room for packing a matrix with `E` outputs and `D` inputs, both at least 1.  All memory comes
// from `run`.  Outputs are rounded up to a multiple of 16 there.
GemmPacked *gemm_packed_make(Arena *run, int64_t E, int64_t D);
int64_t     gemm_packed_need(int64_t E, int64_t D); // bytes

// Everything below is local, thread-safe (several threads may read one GemmPacked), and may use all
// OpenMP threads when called outside a parallel region, with the same bits.  y must not overlap x.

// Packs w [E][D] for y = x w^T, or w [D][E] (given transposed) for dx = dy w.
void gemm_pack(GemmPacked *p, const float *w);            // w [E][D]
void gemm_pack_transposed(GemmPacked *p, const float *w); // w [D][E]

// y[M][E] = x[M][D] * w[E][D]^T.  Any M >= 0.
void gemm_rows(float *y, const GemmPacked *p, const float *x, int64_t M);

// dw[E][D] += dy[M][E]^T * x[M][D].  The chain continues from what dw holds, over ascending rows:
// two calls with the rows cut in two give the same bits as one.
void gemm_weight_grad(float *dw, const float *dy, const float *x, int64_t M, int64_t E, int64_t D);

#endif
