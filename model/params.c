#include "model/params.h"

#include "base/rng.h"
#include "model/schemes.h"
#include "mpi/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Groups of tensors begin at multiples of a cache line; the floats between them stay zero.
enum { GROUP_ALIGN = 16 };

// ---- what the words of the rows mean

static int64_t size_of(const Dims *d, Size size)
{
    int64_t K = d->K;

    switch (size) {
    case NONE: return 1;
    case SIZE_V: return d->V;
    case SIZE_T: return d->T;
    case SIZE_D: return d->D;
    case SIZE_F: return d->F;
    case SIZE_2F: return 2 * d->F;
    case SIZE_HK: return d->H * K;
    case SIZE_GK: return d->G * K;
    case SIZE_QKV: return (d->H + 2 * (int64_t)d->G) * K;
    case SIZE_K: return K;
    }
    CHECK(0, "size %d", (int)size);
}

static double start_std(const Dims *d, Start start)
{
    switch (start) {
    case START_ONES: return -1;
    case START_ZEROS: return 0;
    case START_WIDE: return d->init_std;
    case START_INTO: return d->init_std / sqrt(2.0 * d->L);
    }
    CHECK(0, "start %d", (int)start);
}

static int is_there(const Dims *d, When when)
{
    switch (when) {
    case ALWAYS: return 1;
    case WHEN_BIAS_QKV: return (d->bias & BIAS_QKV) != 0;
    case WHEN_BIAS_OUT: return (d->bias & BIAS_OUT) != 0;
    case WHEN_BIAS_MLP: return (d->bias & BIAS_MLP) != 0;
    case WHEN_QK_NORM: return d->has_qk_norm;
    case WHEN_UNTIED: return !d->is_tied;
    }
    CHECK(0, "when %d", (int)when);
}

const char *params_prefix(const Dims *d)
{
    return schemes[d->family]->prefix;
}

const char *params_head_name(const Dims *d)
{
    const Row *row = schemes[d->family]->after;

    while (row->role != PARAM_HEAD)
        row++;
    return row->name;
}

// ---- the list.  One walk serves counting (list NULL) and filling.

typedef struct Walk {
    Params     *params;
    const Dims *d;
    int64_t     at; // floats used so far
    int         layer;
} Walk;

static int joins_the_last(ParamRole role)
{
    return role == PARAM_QKV_REST || role == PARAM_UP_REST || role == PARAM_QKV_BIAS_REST ||
           role == PARAM_UP_BIAS_REST;
}

static void add(Walk *w, const Scheme *scheme, const Row *row)
{
    Params *p = w->params;
    Param   one = {.role = row->role,
                   .layer = w->layer,
                   .rank = row->columns == NONE ? 1 : 2,
                   .rows = size_of(w->d, row->rows),
                   .columns = size_of(w->d, row->columns),
                   .std = start_std(w->d, row->start),
                   .file = row->file};

    if (!joins_the_last(row->role))
        w->at = (w->at + GROUP_ALIGN - 1) / GROUP_ALIGN * GROUP_ALIGN;
    one.offset = w->at;
    one.decays = one.rank == 2 && row->role != PARAM_EMBED && row->role != PARAM_POSITION;
    if (p->list != NULL) {
        if (w->layer >= 0)
            snprintf(one.name, sizeof one.name, "%s%s.%d.%s", scheme->prefix, scheme->layers,
                     w->layer, row->name);
        else
            snprintf(one.name, sizeof one.name, "%s", row->name);
        p->list[p->count] = one;
    }
    p->count++;
    p->total += one.rows * one.columns;
    w->at += one.rows * one.columns;
}

static void add_rows(Walk *w, const Scheme *scheme, const Row *row, int layer)
{
    w->layer = layer;
    for (; row->name != NULL; row++)
        if (is_there(w->d, row->when))
            add(w, scheme, row);
}

static void walk(Params *p)
{
    Walk          w = {.params = p, .d = &p->dims};
    const Scheme *scheme = schemes[p->dims.family];

    p->count = 0;
    p->total = 0;
    add_rows(&w, scheme, scheme->before, -1);
    for (int layer = 0; layer < p->dims.L; layer++)
        add_rows(&w, scheme, scheme->layer, layer);
    add_rows(&w, scheme, scheme->after, -1);
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
    return one->file == FILE_TRANSPOSED ? "in,out" : "out,in";
}

const CkptTensor *params_tensors(Arena *run, const Params *p)
{
    CkptTensor *table = arena_new(run, CkptTensor, p->count);

    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        int64_t      first = one->file == FILE_TRANSPOSED ? one->columns : one->rows;
        int64_t      second = one->file == FILE_TRANSPOSED ? one->rows : one->columns;

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

// Row [part][head][k] of ours is row [head][part][k] of the file.
static void regroup(float *to, const float *from, const Params *p, const Param *one, int to_file)
{
    int64_t H = p->dims.H, piece = p->dims.K * one->columns;

    for (int64_t h = 0; h < H; h++)
        for (int64_t part = 0; part < 3; part++) {
            int64_t ours = (part * H + h) * piece, file = (h * 3 + part) * piece;

            memcpy(to + (to_file ? file : ours), from + (to_file ? ours : file),
                   (size_t)piece * sizeof *to);
        }
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

    if (one->file == FILE_TRANSPOSED)
        transpose(values, from, one->rows, one->columns);
    else if (one->file == FILE_BY_HEAD)
        regroup(values, from, f->params, one, 1);
    else
        memcpy(values, from, (size_t)(one->rows * one->columns) * sizeof *values);
    return OK;
}

Err params_take(void *params_file, int tensor, int which, const float *values)
{
    const ParamsFile *f = params_file;
    float            *to = place_of(f, tensor, which);
    const Param      *one = &f->params->list[tensor];

    if (one->file == FILE_TRANSPOSED)
        transpose(to, values, one->columns, one->rows);
    else if (one->file == FILE_BY_HEAD)
        regroup(to, values, f->params, one, 0);
    else
        memcpy(to, values, (size_t)(one->rows * one->columns) * sizeof *values);
    return OK;
}
