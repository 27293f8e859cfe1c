#include "model/net.h"

#include <string.h>

int64_t batch_need(int64_t N, int64_t docs)
{
    return arena_need(docs + 1, sizeof(int64_t)) + 3 * arena_need(N, sizeof(int32_t)) +
           arena_need(N, sizeof(float));
}

Batch batch_make(Arena *a, int64_t N_max, int64_t docs_max)
{
    return (Batch){
        .begin = arena_new(a, int64_t, docs_max + 1),
        .token = arena_new(a, int32_t, N_max),
        .position = arena_new(a, int32_t, N_max),
        .target = arena_new(a, int32_t, N_max),
        .coef = arena_new(a, float, N_max),
    };
}

void batch_add(Batch *b, const int32_t *token, const float *weight, int64_t length, float scale)
{
    int64_t first = b->N;

    CHECK(length > 0, "a document without tokens");
    memcpy(b->token + first, token, (size_t)length * sizeof *token);
    for (int64_t t = 0; t < length; t++) {
        int is_last = t + 1 == length;

        b->position[first + t] = (int32_t)t;
        b->target[first + t] = is_last ? -1 : token[t + 1];
        b->coef[first + t] = is_last ? 0 : weight[t + 1] * scale;
    }
    b->N += length;
    b->begin[0] = 0;
    b->begin[++b->docs] = b->N;
}
