#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"

#include <stddef.h>

static void add_row(float *restrict y, const float *restrict x, int64_t D)
{
    for (int64_t d = 0; d < D; d++)
        y[d] += x[d];
}

void op_embed(float *y, const float *table, float scale, const float *positions,
              const int32_t *token, const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = scale * table[token[n] * D + d];
        if (positions != NULL)
            add_row(y + n * D, positions + position[n] * D, D);
    }
}

void op_embed_back(float *dtable, float scale, float *dpositions, const float *dy,
                   const int32_t *token, const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        for (int64_t d = 0; dtable != NULL && d < D; d++)
            dtable[token[n] * D + d] += scale * dy[n * D + d];
        if (dpositions != NULL)
            add_row(dpositions + position[n] * D, dy + n * D, D);
    }
}

void op_bias(float *y, const float *b, int64_t N, int64_t E)
{
    for (int64_t n = 0; n < N; n++)
        add_row(y + n * E, b, E);
}

void op_bias_back(float *db, const float *dy, int64_t N, int64_t E)
{
    for (int64_t n = 0; n < N; n++)
        add_row(db, dy + n * E, E);
}

void op_add(float *y, const float *x, int64_t count)
{
    add_row(y, x, count);
}
