#include "model/params.h"

#include "base/rng.h"
#include "mpi/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Groups of tensors begin at multiples of a cache line; the floats between them stay zero.
enum { GROUP_ALIGN = 16 };

// ---- the table.  One walk serves counting (list NULL) and filling.

typedef struct Walk {
    Params     *params;
    const Dims *d;
    int64_t     at; // floats used so far
    int         layer;
} Walk;

static int joins_the_last(ParamRole role)
{
    return role == PARAM_QKV_REST || role == PARAM_UP_REST;
}

// columns 0: a vector of `rows` floats.  std as in Param.
static void add(Walk *w, ParamRole role, const char *name, int64_t rows, int64_t columns,
                double std)
{
    Params *p = w->params;
    Param   one = {.role = role,
                   .layer = w->layer,
                   .rank = columns > 0 ? 2 : 1,
                   .rows = rows,
                   .columns = columns > 0 ? columns : 1,
                   .std = std};

    if (!joins_the_last(role))
        w->at = (w->at + GROUP_ALIGN - 1) / GROUP_ALIGN * GROUP_ALIGN;
    one.offset = w->at;
    one.decays = one.rank == 2 && role != PARAM_EMBED && role != PARAM_POSITION;
    one.file_transposed = w->d->family == FAMILY_GPT2 && one.decays && role != PARAM_HEAD;
    if (p->list != NULL) {
        const char *before = w->d->family == FAMILY_LLAMA ? "model.layers" : "transformer.h";

        if (w->layer >= 0)
            snprintf(one.name, sizeof one.name, "%s.%d.%s", before, w->layer, name);
        else
            snprintf(one.name, sizeof one.name, "%s", name);
        p->list[p->count] = one;
    }
    p->count++;
    p->total += one.rows * one.columns;
    w->at += one.rows * one.columns;
}

static void walk_llama(Walk *w)
{
    const Dims *d = w->d;
    double      std = d->init_std, into = std / sqrt(2.0 * d->L);
    int64_t     HK = (int64_t)d->H * d->K, GK = (int64_t)d->G * d->K;

    w->layer = -1;
    add(w, PARAM_EMBED, "model.embed_tokens.weight", d->V, d->D, std);
    for (w->layer = 0; w->layer < d->L; w->layer++) {
        add(w, PARAM_NORM1, "input_layernorm.weight", d->D, 0, -1);
        add(w, PARAM_QKV, "self_attn.q_proj.weight", HK, d->D, std);
        add(w, PARAM_QKV_REST, "self_attn.k_proj.weight", GK, d->D, std);
        add(w, PARAM_QKV_REST, "self_attn.v_proj.weight", GK, d->D, std);
        add(w, PARAM_OUT, "self_attn.o_proj.weight", d->D, HK, into);
        add(w, PARAM_NORM2, "post_attention_layernorm.weight", d->D, 0, -1);
        add(w, PARAM_UP, "mlp.gate_proj.weight", d->F, d->D, std);
        add(w, PARAM_UP_REST, "mlp.up_proj.weight", d->F, d->D, std);
        add(w, PARAM_DOWN, "mlp.down_proj.weight", d->D, d->F, into);
    }
    w->layer = -1;
    add(w, PARAM_NORMF, "model.norm.weight", d->D, 0, -1);
    if (!d->is_tied)
        add(w, PARAM_HEAD, "lm_head.weight", d->V, d->D, std);
}

static void walk_gpt2(Walk *w)
{
    const Dims *d = w->d;
    double      std = d->init_std, into = std / sqrt(2.0 * d->L);

    w->layer = -1;
    add(w, PARAM_EMBED, "transformer.wte.weight", d->V, d->D, std);
    add(w, PARAM_POSITION, "transformer.wpe.weight", d->T, d->D, std);
    for (w->layer = 0; w->layer < d->L; w->layer++) {
        add(w, PARAM_NORM1, "ln_1.weight", d->D, 0, -1);
        add(w, PARAM_NORM1_BIAS, "ln_1.bias", d->D, 0, 0);
        add(w, PARAM_QKV, "attn.c_attn.weight", 3 * d->D, d->D, std);
        add(w, PARAM_QKV_BIAS, "attn.c_attn.bias", 3 * d->D, 0, 0);
        add(w, PARAM_OUT, "attn.c_proj.weight", d->D, d->D, into);
        add(w, PARAM_OUT_BIAS, "attn.c_proj.bias", d->D, 0, 0);
        add(w, PARAM_NORM2, "ln_2.weight", d->D, 0, -1);
        add(w, PARAM_NORM2_BIAS, "ln_2.bias", d->D, 0, 0);
        add(w, PARAM_UP, "mlp.c_fc.weight", d->F, d->D, std);
        add(w, PARAM_UP_BIAS, "mlp.c_fc.bias", d->F, 0, 0);
        add(w, PARAM_DOWN, "mlp.c_proj.weight", d->D, d->F, into);
        add(w, PARAM_DOWN_BIAS, "mlp.c_proj.bias", d->D, 0, 0);
    }
    w->layer = -1;
    add(w, PARAM_NORMF, "transformer.ln_f.weight", d->D, 0, -1);
    add(w, PARAM_NORMF_BIAS, "transformer.ln_f.bias", d->D, 0, 0);
    if (!d->is_tied)
        add(w, PARAM_HEAD, "lm_head.weight", d->V, d->D, std);
}

static void walk(Params *p)
{
    Walk w = {.params = p, .d = &p->dims};

    p->count = 0;
    p->total = 0;
    if (p->dims.family == FAMILY_LLAMA)
        walk_llama(&w);
    else
        walk_gpt2(&w);
    p->padded = (w.at + REDUCE_BLOCK - 1) / REDUCE_BLOCK * REDUCE_BLOCK;
}

Params params_plan(const Dims *d)
{
    Params p = {.dims = *d};

    walk(&p);
    return p;
}

int64_t params_need(const Dims *d)
{
    return arena_need(params_plan(d).count, sizeof(Param));
}

Params params_make(Arena *run, const Dims *d)
{
    Params p = params_plan(d);

    p.list = arena_new(run, Param, p.count);
    walk(&p);
    return p;
}

int64_t params_count(const Dims *d)
{
    return params_plan(d).total;
}

// The list is: some tensors outside, then L runs of equal length, then some outside.
int64_t params_at(const Params *p, ParamRole role, int layer)
{
    int lead = 0, tail = 0, each, from, to;

    while (p->list[lead].layer < 0)
        lead++;
    while (p->list[p->count - 1 - tail].layer < 0)
        tail++;
    each = (p->count - lead - tail) / p->dims.L;
    from = layer < 0 ? 0 : lead + layer * each;
    to = layer < 0 ? p->count : from + each;
    for (int n = from; n < to; n++) {
        if (layer < 0 && n == lead)
            n = p->count - tail;
        if (p->list[n].role == role)
            return p->list[n].offset;
    }
    return -1;
}

void params_init(const Params *p, uint64_t seed, float *flat)
{
    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        float       *to = flat + one->offset;
        Rng          r = rng_make(seed, rng_stream("init", (uint64_t)n, 0, 0), 0);

        for (int64_t i = 0; i < one->rows * one->columns; i++)
            to[i] = one->std < 0 ? 1.0f : one->std > 0 ? (float)(one->std * rng_normal(&r)) : 0.0f;
    }
}

// ---- as files have it

static const char *axes_of(const Param *one)
{
    if (one->rank == 1)
        return "width";
    if (one->role == PARAM_EMBED || one->role == PARAM_HEAD)
        return "token,width";
    if (one->role == PARAM_POSITION)
        return "position,width";
    return one->file_transposed ? "in,out" : "out,in";
}

const CkptTensor *params_tensors(Arena *run, const Params *p)
{
    CkptTensor *table = arena_new(run, CkptTensor, p->count);

    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        int64_t      first = one->file_transposed ? one->columns : one->rows;
        int64_t      second = one->file_transposed ? one->rows : one->columns;

        table[n] = (CkptTensor){.name = one->name, .rank = one->rank, .dims = axes_of(one)};
        table[n].shape[0] = first;
        if (one->rank == 2)
            table[n].shape[1] = second;
    }
    return table;
}

// to[columns][rows] = from[rows][columns], in squares that stay in the cache.
static void transpose(float *to, const float *from, int64_t rows, int64_t columns)
{
    enum { SIDE = 32 };

    for (int64_t r0 = 0; r0 < rows; r0 += SIDE)
        for (int64_t c0 = 0; c0 < columns; c0 += SIDE)
            for (int64_t r = r0; r < rows && r < r0 + SIDE; r++)
                for (int64_t c = c0; c < columns && c < c0 + SIDE; c++)
                    to[c * rows + r] = from[r * columns + c];
}

static float *place_of(const ParamsFile *f, int tensor, int which)
{
    CHECK(tensor >= 0 && tensor < f->params->count, "tensor %d", tensor);
    CHECK(which >= 0 && which < 3 && f->flat[which] != NULL, "which %d", which);
    return f->flat[which] + f->params->list[tensor].offset;
}

Err params_bring(void *params_file, int tensor, int which, float *values)
{
    const ParamsFile *f = params_file;
    const float      *from = place_of(f, tensor, which);
    const Param      *one = &f->params->list[tensor];

    if (one->file_transposed)
        transpose(values, from, one->rows, one->columns);
    else
        memcpy(values, from, (size_t)(one->rows * one->columns) * sizeof *values);
    return OK;
}

Err params_take(void *params_file, int tensor, int which, const float *values)
{
    const ParamsFile *f = params_file;
    float            *to = place_of(f, tensor, which);
    const Param      *one = &f->params->list[tensor];

    if (one->file_transposed)
        transpose(to, values, one->columns, one->rows);
    else
        memcpy(to, values, (size_t)(one->rows * one->columns) * sizeof *values);
    return OK;
}
