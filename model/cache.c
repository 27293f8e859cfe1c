#include "model/acts.h"
#include "model/kernels/ops.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    // A stride of whole pages would send all K parts of a key to the same few lines of the cache.
    STRIDE_BAD = 256, // floats
    STRIDE_OFF = 16
};

struct Cache {
    int     slots, L, G, K;
    int64_t context;
    int64_t stride; // keys in a row of kt
    int64_t room;   // floats of one head: kt [K][stride], then v [stride][K]
    float  *data;   // [slots][L][G][room]
};

static int64_t stride_of(int64_t context)
{
    int64_t stride = op_attention_stride(context);

    return stride % STRIDE_BAD == 0 ? stride + STRIDE_OFF : stride;
}

static int64_t floats_of(const Dims *d, int slots, int64_t context)
{
    return (int64_t)slots * d->L * d->G * 2 * d->K * stride_of(context);
}

Cache *cache_make(Arena *run, const Dims *d, int slots, int64_t context)
{
    Cache *c = arena_new(run, Cache, 1);

    CHECK(slots > 0 && context > 0, "%d slots of %" PRId64 " tokens", slots, context);
    *c = (Cache){.slots = slots,
                 .L = d->L,
                 .G = d->G,
                 .K = d->K,
                 .context = context,
                 .stride = stride_of(context),
                 .room = 2 * d->K * stride_of(context),
                 .data = arena_new(run, float, floats_of(d, slots, context))};
    return c;
}

int64_t cache_need(const Dims *d, int slots, int64_t context)
{
    return arena_need(1, sizeof(Cache)) + arena_need(floats_of(d, slots, context), sizeof(float));
}

static float *head_at(const Cache *c, int slot, int layer, int g)
{
    return c->data + (((int64_t)slot * c->L + layer) * c->G + g) * c->room;
}

// Keys are turned on the way in: part k of the key at a position goes to row k of kt.
static void keep(const Cache *c, int layer, const float *keys, const float *values, int slot,
                 int64_t position)
{
    for (int g = 0; g < c->G; g++) {
        float *kt = head_at(c, slot, layer, g), *v = kt + c->K * c->stride;

        for (int k = 0; k < c->K; k++)
            kt[k * c->stride + position] = keys[g * c->K + k];
        memcpy(v + position * c->K, values + g * c->K, (size_t)c->K * sizeof *v);
    }
}

static void attend(const Net *net, Acts *acts, const Cache *c, int layer, int64_t M,
                   const int32_t *position, const int32_t *slot)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    int64_t          Q = net_qkv_width(d), HK = (int64_t)d->H * d->K;
    OpHeads          heads = net_heads(d, layer);

    for (int64_t m = 0; m < M; m++) {
        const float *keys = a->qkv + m * Q + HK;

        keep(c, layer, keys, keys + (int64_t)d->G * d->K, slot[m], position[m]);
    }
    for (int64_t m = 0; m < M; m++)
        for (int h = 0; h < d->H; h++) {
            const float *kt = head_at(c, slot[m], layer, h / (d->H / d->G));

            op_attention_row(a->att + m * HK + h * d->K, a->lse + m * d->H + h,
                             a->qkv + m * Q + h * d->K, kt, kt + c->K * c->stride, c->stride,
                             position[m] + 1, &heads, acts->spare);
        }
}

void net_decode(const Net *net, Acts *acts, Cache *cache, int64_t M, const int32_t *token,
                const int32_t *position, const int32_t *slot, int64_t W, const int64_t *want,
                float *logits)
{
    const Dims *d = &net->params.dims;
    int64_t     chunk = acts->head.chunk;

    if (M == 0)
        return;
    for (int64_t m = 0; m < M; m++)
        CHECK(slot[m] >= 0 && slot[m] < cache->slots && position[m] < cache->context,
              "slot %d of %d, position %d of %" PRId64, slot[m], cache->slots, position[m],
              cache->context);
    net_embed(net, acts, M, token, position);
    for (int i = 0; i < d->L; i++) {
        net_before(net, acts, i, M, position);
        attend(net, acts, cache, i, M, position, slot);
        net_after(net, acts, i, M);
    }
    for (int64_t w = 0; w < W; w += chunk)
        net_head(net, acts, want + w, W - w < chunk ? W - w : chunk, logits + w * d->V);
}
