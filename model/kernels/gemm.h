// gemm.h -- matrix products: three, each with one purpose.
//
// Three kinds of arithmetic stand behind these functions, one of them at a time:
//
// GEMM_EXACT, the default, is our own.  Every number is one chain of fused multiply-adds over
// ascending k, begun with 0 (or with what is added to), whatever the shape.  So the bits of a row
// depend on that row and the weights alone: not on how many rows stand beside it, on threads, or on
// the width of this processor's registers.  A sampler and a trainer agree, and so do machines of
// different kinds.
//
// GEMM_OPENBLAS and GEMM_ONEDNN are libraries, for comparing and for processors on which they are
// faster.  They promise a small error only: the bits of a row may depend on how many rows stand
// beside it, those of any result on the number of threads and on the processor.
#ifndef TD_MODEL_KERNELS_GEMM_H
#define TD_MODEL_KERNELS_GEMM_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef enum GemmKind { GEMM_EXACT, GEMM_OPENBLAS, GEMM_ONEDNN } GemmKind;

typedef struct GemmPacked GemmPacked; // a matrix [E][D] in the order in which the kernels read it

// Once per process, before anything else here, outside a parallel region: chooses the exact kernels
// for this processor and tries them.  ERR_CONFIG if their bits are wrong here.  Local.
Err gemm_start(void);
// After gemm_start, outside a parallel region: the kind of products from now on, tried with a small
// one.  Matrices packed before keep the kind they were made with.  ERR_CONFIG if the library cannot
// be used here; the kind stays what it was then.  Local; all ranks should choose the same.
Err gemm_choose(GemmKind kind);
// "products fma32 avx2", "products OpenBLAS 0.3.21 Zen, rows not exact": for logs and provenance.
const char *gemm_describe(void);

// Room for packing a matrix with `E` outputs and `D` inputs, both at least 1.  All memory comes
// from `run`, except that oneDNN keeps its kernels for a shape for as long as the process lives.
// Outside a parallel region.
GemmPacked *gemm_packed_make(Arena *run, int64_t E, int64_t D);
int64_t     gemm_packed_need(int64_t E, int64_t D); // bytes, of the kind chosen now

// Everything below is local, thread-safe (several threads may read one GemmPacked), and may use all
// OpenMP threads when called outside a parallel region (for exact products: with the same bits).
// y must not overlap x.

// Packs w [E][D] for y = x w^T, or w [D][E] (given transposed) for dx = dy w.
void gemm_pack(GemmPacked *p, const float *w);            // w [E][D]
void gemm_pack_transposed(GemmPacked *p, const float *w); // w [D][E]

// y[M][E] = x[M][D] * w[E][D]^T.  Any M >= 0.
void gemm_rows(float *y, const GemmPacked *p, const float *x, int64_t M);

// dw[E][D] += dy[M][E]^T * x[M][D].  Exact products continue the chain from what dw holds, over
// ascending rows: two calls with the rows cut in two give the same bits as one.  oneDNN leaves
// these to OpenBLAS.
void gemm_weight_grad(float *dw, const float *dy, const float *x, int64_t M, int64_t E, int64_t D);

#endif
