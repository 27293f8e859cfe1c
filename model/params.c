#include "model/params.h"

#include "base/hash.h"
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
    case START_ONES: return d->norm_is_offset ? 0 : -1; // a factor of 1
    case START_ZEROS: return 0;
    case START_WIDE: return d->init_std;
    case START_INTO: return d->init_std / sqrt(2.0 * d->L);
    }
    CHECK(0, "start %d", (int)start);
}

int scheme_has(const Dims *d, When when)
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

// ---- the list.  One walk serves counting (list NULL) and filling, of the network and of adapters.

typedef struct Walk {
    Params       *params;
    const Dims   *d;
    const Scheme *scheme;
    int64_t       at; // floats used so far
    int           layer;
    int           bit;                           // of the row, in an AdapterPlan
    int           base;                          // tensors of the network so far
    void (*visit)(void *self, const Param *one); // or NULL
    void *self;
} Walk;

static int joins_the_last(ParamRole role)
{
    return role == PARAM_QKV_REST || role == PARAM_UP_REST || role == PARAM_QKV_BIAS_REST ||
           role == PARAM_UP_BIAS_REST;
}

static void put(Walk *w, Param *one, const char *before, const char *name, const char *after)
{
    Params *p = w->params;

    if (!joins_the_last(one->role))
        w->at = (w->at + GROUP_ALIGN - 1) / GROUP_ALIGN * GROUP_ALIGN;
    one->offset = w->at;
    if (p->list != NULL) {
        int length = (int)(strlen(name) - (*after != 0 ? strlen(".weight") : 0));

        if (w->layer >= 0)
            snprintf(one->name, sizeof one->name, "%s%s%s.%d.%.*s%s", before, w->scheme->prefix,
                     w->scheme->layers, w->layer, length, name, after);
        else
            snprintf(one->name, sizeof one->name, "%s%.*s%s", before, length, name, after);
        p->list[p->count] = *one;
    }
    if (w->visit != NULL)
        w->visit(w->self, one);
    p->count++;
    p->total += one->rows * one->columns;
    w->at += one->rows * one->columns;
}

// What an adapter has of a tensor of the network: a pair of small matrices, a copy, or nothing.
static void put_of_adapter(Walk *w, Param *one, const char *name)
{
    static const char  before[] = "base_model.model.";
    const AdapterPlan *plan = &w->d->adapter[w->params->adapter];
    int in_layer = w->layer < 0 || (plan->layers[w->layer / 64] >> (w->layer % 64) & 1) != 0;

    if ((plan->targets >> w->bit & 1) && in_layer) {
        Param a = *one, b = *one;

        a.role = PARAM_LORA_A;
        a.rows = b.columns = plan->rank;
        a.file = FILE_AS_KEPT;
        a.std = 1 / sqrt((double)one->columns);
        a.decays = b.decays = 1;
        b.role = PARAM_LORA_B;
        b.file = one->file == FILE_BY_HEAD ? FILE_BY_HEAD : FILE_AS_KEPT;
        b.std = 0;
        put(w, &a, before, name, ".lora_A.weight");
        put(w, &b, before, name, ".lora_B.weight");
    }
    if (plan->beside >> w->bit & 1)
        put(w, one, before, name, "");
}

static void add(Walk *w, const Row *row)
{
    Param one = {.role = row->role,
                 .layer = w->layer,
                 .rank = row->columns == NONE ? 1 : 2,
                 .rows = size_of(w->d, row->rows),
                 .columns = size_of(w->d, row->columns),
                 .std = start_std(w->d, row->start),
                 .file = row->file,
                 .base = w->base++};

    one.decays = one.rank == 2 && row->role != PARAM_EMBED && row->role != PARAM_POSITION;
    if (w->params->adapter == PARAMS_BASE)
        put(w, &one, "", row->name, "");
    else
        put_of_adapter(w, &one, row->name);
}

static void add_rows(Walk *w, const Row *row, int layer)
{
    w->layer = layer;
    for (; row->name != NULL; row++, w->bit++)
        if (scheme_has(w->d, row->when))
            add(w, row);
}

static void make_index(Params *p)
{
    for (int i = 0; i < (p->dims.L + 1) * PARAM_ROLES; i++)
        p->index[i] = -1;
    for (int n = p->count - 1; n >= 0; n--) // of several of a role, the first
        p->index[(p->list[n].layer + 1) * PARAM_ROLES + (int)p->list[n].role] = p->list[n].offset;
}

static void walk(Params *p, void (*visit)(void *self, const Param *one), void *self)
{
    Walk w = {.params = p,
              .d = &p->dims,
              .scheme = schemes[p->dims.family],
              .visit = visit,
              .self = self};
    int  bit;

    p->count = 0;
    p->total = 0;
    add_rows(&w, w.scheme->before, -1);
    bit = w.bit;
    for (int layer = 0; layer < p->dims.L; layer++) {
        w.bit = bit;
        add_rows(&w, w.scheme->layer, layer);
    }
    add_rows(&w, w.scheme->after, -1);
    p->padded = (w.at + REDUCE_BLOCK - 1) / REDUCE_BLOCK * REDUCE_BLOCK;
    if (p->list != NULL)
        make_index(p);
}

Params params_plan_of(const Dims *d, int adapter)
{
    Params p = {.dims = *d, .adapter = adapter};

    CHECK(adapter >= PARAMS_BASE && adapter < d->adapters, "adapter %d of %d", adapter,
          d->adapters);
    walk(&p, NULL, NULL);
    return p;
}

void params_visit(const Dims *d, int adapter, void (*visit)(void *self, const Param *one),
                  void *self)
{
    Params p = {.dims = *d, .adapter = adapter};

    walk(&p, visit, self);
}

int64_t params_need_of(const Dims *d, int adapter)
{
    return arena_need(params_plan_of(d, adapter).count, sizeof(Param)) +
           arena_need((int64_t)(d->L + 1) * PARAM_ROLES, sizeof(int64_t));
}

Params params_make_of(Arena *run, const Dims *d, int adapter)
{
    Params p = params_plan_of(d, adapter);

    p.list = arena_new(run, Param, p.count);
    p.index = arena_new(run, int64_t, (int64_t)(d->L + 1) * PARAM_ROLES);
    walk(&p, NULL, NULL);
    return p;
}

Params params_plan(const Dims *d)
{
    return params_plan_of(d, PARAMS_BASE);
}

int64_t params_need(const Dims *d)
{
    return params_need_of(d, PARAMS_BASE);
}

Params params_make(Arena *run, const Dims *d)
{
    return params_make_of(run, d, PARAMS_BASE);
}

int64_t params_count(const Dims *d)
{
    return params_plan(d).total;
}

int params_tuned(const Dims *d)
{
    return d->adapters > 0 && !d->adapter[d->adapters - 1].is_frozen ? d->adapters - 1
                                                                     : PARAMS_BASE;
}

int64_t params_at(const Params *p, ParamRole role, int layer)
{
    return p->index[(layer + 1) * PARAM_ROLES + (int)role];
}

static float draw(const Param *one, Rng *r)
{
    if (one->role == PARAM_LORA_A)
        return (float)(one->std * (2 * rng_unit(r) - 1));
    return one->std < 0 ? 1.0f : one->std > 0 ? (float)(one->std * rng_normal(r)) : 0.0f;
}

void params_init(const Params *p, uint64_t seed, float *flat)
{
    const char *purpose = p->adapter == PARAMS_BASE ? "init" : "init adapter";

    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        float       *to = flat + one->offset;
        Rng          r = rng_make(seed, rng_stream(purpose, (uint64_t)n, 0, 0), 0);

        for (int64_t i = 0; i < one->rows * one->columns; i++)
            to[i] = draw(one, &r);
    }
}

uint64_t params_digest(Arena *scratch, const Params *p, const float *flat)
{
    ArenaMark mark = arena_mark(scratch);
    Text      sizes = text_make(scratch);
    uint64_t  sum;

    dims_write(&sizes, &p->dims);
    sum = hash_text(0, sizes.data);
    for (int n = 0; n < p->count; n++)
        sum = hash_bytes(hash_text(sum, p->list[n].name), flat + p->list[n].offset,
                         p->list[n].rows * p->list[n].columns * (int64_t)sizeof *flat);
    arena_back(scratch, mark);
    return sum;
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
    if (one->role == PARAM_LORA_A)
        return "rank,in";
    if (one->role == PARAM_LORA_B)
        return "out,rank";
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
