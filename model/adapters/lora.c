#include "model/adapters/lora.h"

#include "base/rng.h"

#include <inttypes.h>
#include <string.h>

// ---- what stands in it

NetPart net_part(const Net *net, int adapter)
{
    if (adapter == PARAMS_BASE)
        return (NetPart){&net->params, net->flat};
    CHECK(adapter >= 0 && adapter < net->params.dims.adapters, "adapter %d", adapter);
    return (NetPart){&net->adapter[adapter].params, net->adapter[adapter].flat};
}

NetPart net_tuned(const Net *net)
{
    return net_part(net, params_tuned(&net->params.dims));
}

static void pack(const LoraAdapter *m)
{
    int parts = m->begin[LORA_GROUPS * m->params.dims.L + 1];

    for (int i = 0; i < parts; i++) {
        const LoraPart *p = &m->part[i];

        gemm_pack(p->down, m->flat + p->a);
        gemm_pack(p->up, m->flat + p->b);
        if (p->down_back == NULL)
            continue;
        gemm_pack_transposed(p->down_back, m->flat + p->a);
        gemm_pack_transposed(p->up_back, m->flat + p->b);
    }
}

void lora_pack(const Net *net)
{
    for (int n = 0; n < net->params.dims.adapters; n++)
        pack(&net->adapter[n]);
}

void lora_pack_tuned(const Net *net)
{
    pack(&net->adapter[params_tuned(&net->params.dims)]);
}

static int is_beside(const Param *one)
{
    return one->role != PARAM_LORA_A && one->role != PARAM_LORA_B;
}

static void copy_beside(const Net *net, float *flat)
{
    for (int n = 0; n < net->params.dims.adapters; n++) {
        const LoraAdapter *m = &net->adapter[n];

        for (int i = 0; i < m->params.count; i++) {
            const Param *one = &m->params.list[i];

            if (is_beside(one))
                memcpy(flat + net->params.list[one->base].offset, m->flat + one->offset,
                       (size_t)(one->rows * one->columns) * sizeof *flat);
        }
    }
}

void lora_copy_beside(const Net *net)
{
    copy_beside(net, net->flat);
}

// The tensor that an adapter finds where it trains one whole.
static const float *beside_below(const Net *net, int adapter, const Param *wanted)
{
    const float *found = net->flat + net->params.list[wanted->base].offset;

    for (int n = 0; n < adapter; n++) {
        const LoraAdapter *m = &net->adapter[n];

        for (int i = 0; i < m->params.count; i++)
            if (is_beside(&m->params.list[i]) && m->params.list[i].base == wanted->base)
                found = m->flat + m->params.list[i].offset;
    }
    return found;
}

void net_init_adapter(Net *net, int adapter, uint64_t seed)
{
    const LoraAdapter *m = &net->adapter[adapter];

    params_init(&m->params, seed, m->flat);
    for (int i = 0; i < m->params.count; i++) {
        const Param *one = &m->params.list[i];

        if (is_beside(one))
            memcpy(m->flat + one->offset, beside_below(net, adapter, one),
                   (size_t)(one->rows * one->columns) * sizeof *net->flat);
    }
}

// w[rows][columns] += scale * b[rows][rank] a[rank][columns], each sum over the rank by itself.
static void merge(float *w, const float *a, const float *b, const LoraPart *p, const LoraAdapter *m,
                  float *row)
{
    for (int64_t e = 0; e < p->rows; e++) {
        memset(row, 0, (size_t)p->columns * sizeof *row);
        for (int r = 0; r < m->rank; r++)
            for (int64_t d = 0; d < p->columns; d++)
                row[d] += b[e * m->rank + r] * a[r * p->columns + d];
        for (int64_t d = 0; d < p->columns; d++)
            w[e * p->columns + d] += m->scale * row[d];
    }
}

void net_merge(const Net *net, Arena *scratch, float *flat)
{
    const Params *p = &net->params;
    ArenaMark     mark = arena_mark(scratch);
    float *row = arena_new(scratch, float, p->dims.D + p->dims.F + (int64_t)p->dims.H * p->dims.K);

    memcpy(flat, net->flat, (size_t)p->padded * sizeof *flat);
    copy_beside(net, flat); // the network need not be packed
    for (int n = 0; n < p->dims.adapters; n++) {
        const LoraAdapter *m = &net->adapter[n];

        for (int i = 0, part = 0; i < m->params.count; i++) {
            const Param *one = &m->params.list[i];

            if (one->role != PARAM_LORA_A)
                continue;
            merge(flat + p->list[one->base].offset, m->flat + one->offset, m->flat + one[1].offset,
                  &m->part[part++], m, row);
        }
    }
    arena_back(scratch, mark);
}

// ---- forward

typedef struct Terms { // the parts of one adapter in one product
    const LoraAdapter *adapter;
    const LoraPart    *part, *end;
} Terms;

static Terms terms_of(const Net *net, int n, LoraPlace at)
{
    const LoraAdapter *m = &net->adapter[n];
    int                i = lora_index(&net->params.dims, at.group, at.layer);

    return (Terms){m, m->part + m->begin[i], m->part + m->begin[i + 1]};
}

static int64_t group_width(const Dims *d, LoraGroup group)
{
    switch (group) {
    case LORA_QKV: return net_qkv_width(d);
    case LORA_UP: return net_up_width(d);
    case LORA_HEAD: return d->V;
    case LORA_OUT:
    case LORA_DOWN: break;
    }
    return d->D;
}

enum { DRAWN = 64 }; // random numbers at a time

// y = x * (0 or 1 / (1 - dropout)) by the numbers of row and column; dx, if there is one, likewise.
static void mask(const Acts *acts, const Terms *t, LoraPlace at, float *y, const float *x,
                 float *dx, int64_t N)
{
    const LoraAdapter *m = t->adapter;
    const LoraPart    *p = t->part;
    const NetDropout  *drop = &acts->drop;
    uint32_t           number[DRAWN];
    uint64_t           c = (uint64_t)drop->micro_batch << 32 | (uint64_t)p->number;
    uint64_t stream = rng_stream("dropout", (uint64_t)drop->iteration, (uint64_t)drop->step, c);
    uint32_t below = (uint32_t)((double)m->dropout * 0x1p32);
    float    grow = 1 / (1 - m->dropout);

    for (int64_t n = 0; n < N; n++) {
        Rng r = rng_make(drop->seed, stream, (uint32_t)(at.row == NULL ? n : at.row[n]));

        for (int64_t d = 0; d < p->columns; d += DRAWN) {
            int64_t count = p->columns - d < DRAWN ? p->columns - d : DRAWN;
            int64_t first = n * p->columns + d;

            rng_fill(&r, number, count);
            for (int64_t i = 0; i < count; i++)
                y[first + i] = number[i] < below ? 0 : x[first + i] * grow;
            for (int64_t i = 0; i < count && dx != NULL; i++)
                dx[first + i] = number[i] < below ? 0 : dx[first + i] * grow;
        }
    }
}

static int drops(const Acts *acts, const LoraAdapter *m)
{
    return acts->drop.is_on && m->is_tuned && m->dropout > 0;
}

// What A gets for x; dx, if there is one, holds the gradient of that and gets that of x.
static const float *inputs(const Acts *acts, const Terms *t, LoraPlace at, const float *x,
                           float *dx, int64_t N)
{
    if (!drops(acts, t->adapter))
        return x;
    mask(acts, t, at, acts->lora.in, x, dx, N);
    return acts->lora.in;
}

static void scale(float *x, float by, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] *= by;
}

// Columns first .. first + width of y[N][stride] are x[N][width]'s place.
static void add_columns(float *y, const float *x, int64_t N, int64_t stride, int64_t width)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t i = 0; i < width; i++)
            y[n * stride + i] += x[n * width + i];
}

static float *low_of(const Acts *acts, const LoraPart *p, LoraPlace at)
{
    return at.low + p->low * (at.group == LORA_HEAD ? acts->head.chunk : acts->N_max);
}

void lora_add(const Net *net, const Acts *acts, LoraPlace at, float *y, const float *x, int64_t N)
{
    int64_t width = group_width(&net->params.dims, at.group);

    for (int n = 0; n < net->params.dims.adapters; n++)
        for (Terms t = terms_of(net, n, at); t.part < t.end; t.part++) {
            float *low = low_of(acts, t.part, at);

            gemm_rows(low, t.part->down, inputs(acts, &t, at, x, NULL, N), N);
            scale(low, t.adapter->scale, N * t.adapter->rank);
            gemm_rows(acts->lora.out, t.part->up, low, N);
            add_columns(y + t.part->first, acts->lora.out, N, width, t.part->rows);
        }
}

// ---- backward

// The gradient of the part's outputs, without those of the others between its rows.
static const float *outputs(const Acts *acts, const LoraPart *p, const float *dy, int64_t N,
                            int64_t width)
{
    if (p->rows == width)
        return dy;
    for (int64_t n = 0; n < N; n++)
        memcpy(acts->lora.out + n * p->rows, dy + n * width + p->first,
               (size_t)p->rows * sizeof *dy);
    return acts->lora.out;
}

static void part_back(const Acts *acts, const Terms *t, LoraPlace at, float *grad, float *dx,
                      const float *dy, const float *x, int64_t N)
{
    const LoraAdapter *m = t->adapter;
    const LoraPart    *p = t->part;
    const ActsLora    *l = &acts->lora;

    gemm_rows(l->dlow, p->up_back, dy, N);
    scale(l->dlow, m->scale, N * m->rank);
    gemm_rows(l->back, p->down_back, l->dlow, N);
    if (m->is_tuned) {
        gemm_weight_grad(grad + p->b, dy, low_of(acts, p, at), N, p->rows, m->rank);
        gemm_weight_grad(grad + p->a, l->dlow, inputs(acts, t, at, x, l->back, N), N, m->rank,
                         p->columns);
    }
    add_columns(dx, l->back, N, p->columns, p->columns);
}

void lora_back(const Net *net, const Acts *acts, LoraPlace at, float *grad, float *dx,
               const float *dy, const float *x, int64_t N)
{
    int64_t width = group_width(&net->params.dims, at.group);

    for (int n = 0; n < net->params.dims.adapters; n++)
        for (Terms t = terms_of(net, n, at); t.part < t.end; t.part++)
            part_back(acts, &t, at, grad, dx, outputs(acts, t.part, dy, N, width), x, N);
}
