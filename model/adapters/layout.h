// layout.h -- adding up memory before there is any, and then pushing the same, in one walk.
//
// Private to net.c and lora.c.
#ifndef TD_MODEL_ADAPTERS_LAYOUT_H
#define TD_MODEL_ADAPTERS_LAYOUT_H

#include "model/kernels/gemm.h"

typedef struct Layout {
    Arena  *arena; // NULL: only add up
    int64_t bytes;
} Layout;

static inline void *take(Layout *l, int64_t count, int64_t size)
{
    l->bytes += arena_need(count, size);
    return l->arena == NULL ? NULL : arena_push(l->arena, count, size);
}

static inline float *take_floats(Layout *l, int64_t count)
{
    return take(l, count, (int64_t)sizeof(float));
}

static inline GemmPacked *take_packed(Layout *l, int64_t E, int64_t D)
{
    l->bytes += gemm_packed_need(E, D);
    return l->arena == NULL ? NULL : gemm_packed_make(l->arena, E, D);
}

#endif
