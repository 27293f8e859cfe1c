#include "model/op_levels.h"
#include "model/ops.h"

#include <string.h>

static void add_row(float *restrict y, const float *restrict x, int64_t D)
{
    for (int64_t d = 0; d < D; d++)
        y[d] += x[d];
}

void op_embed(float *y, const float *table, const float *positions, const int32_t *token,
              const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        memcpy(y + n * D, table + token[n] * D, (size_t)D * sizeof *y);
        if (positions != NULL)
            add_row(y + n * D, positions + position[n] * D, D);
    }
}

void op_embed_back(float *dtable, float *dpositions, const float *dy, const int32_t *token,
                   const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        add_row(dtable + token[n] * D, dy + n * D, D);
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
