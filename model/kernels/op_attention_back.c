#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "model/kernels/vec.h"

// With s = scale <q, k>, p = exp(s - lse), dp = <dy, v>, delta = <dy, y>:
//     ds = p (dp - delta),  dq = scale ds k,  dk = scale ds q,  dv = p dy.
// Where scores are capped, s stands for the capped ones, and ds gets the slope of the cap.
// Work goes by tiles of 16 keys and blocks of 4 queries; p lives only there.

enum { BLOCK = 4, REACH = VEC_WIDTH == 16 ? 4 : 3 };

// One document and key/value head.  By tiles means [stride / 16][K][16].
typedef struct Head {
    float  *kt, *vt, *dkt, *dvt; // by tiles
    float  *k, *dq;              // [stride][wide]
    int64_t n, stride, width;    // width: of a row of qkv
    int     K, wide;             // wide: K rounded up to whole registers
    float   scale;
    int64_t window; // INT64_MAX / 2: all
    float   cap;    // 0: none
} Head;

// The queries of one head, from the first of the document on.
typedef struct Asked {
    const float *q, *dy, *lse, *delta;
    int64_t      dy_step, lse_step;
} Asked;

#define INLINE static inline __attribute__((always_inline))

static void gather_tiles(float *tiles, const float *from, int64_t n, int64_t stride, int64_t width,
                         int K)
{
    for (int64_t j0 = 0; j0 < stride; j0 += VEC)
        for (int d = 0; d < K; d++)
            for (int64_t j = j0; j < j0 + VEC; j++)
                tiles[j0 * K + d * VEC + j - j0] = j < n ? from[j * width + d] : 0;
}

static void scatter_tiles(float *to, const float *tiles, int64_t n, int64_t width, int K)
{
    for (int64_t j = 0; j < n; j++)
        for (int d = 0; d < K; d++)
            to[j * width + d] = tiles[j / VEC * VEC * K + d * VEC + j % VEC];
}

// sum[i] = sum over d of tile[d] * x_i[d]
INLINE void products(Vec sum[BLOCK], const float *tile, const float *const x[BLOCK], int K)
{
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
        sum[i] = vec_set(0);
    for (int d = 0; d < K; d++) {
        Vec a = vec_load(tile + d * VEC);
#pragma GCC unroll 16
        for (int i = 0; i < BLOCK; i++)
            sum[i] = vec_add(sum[i], vec_scale(a, x[i][d]));
    }
}

// tile[d] += sum over i of weight[i] * x_i[d]
INLINE void spread(float *tile, const Vec weight[BLOCK], const float *const x[BLOCK], int K)
{
    for (int d = 0; d < K; d++) {
        Vec a = vec_load(tile + d * VEC);
#pragma GCC unroll 16
        for (int i = 0; i < BLOCK; i++)
            a = vec_add(a, vec_scale(weight[i], x[i][d]));
        vec_store(tile + d * VEC, a);
    }
}

// dq_i += sum over the 16 keys of ds_i * k, for `reach` registers of each row
INLINE void pull(float *dq, const float *k, float ds[BLOCK][VEC], int64_t wide, const int reach)
{
    Part sum[BLOCK * REACH];

#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
#pragma GCC unroll 16
        for (int c = 0; c < reach; c++)
            sum[i * reach + c] = part_load(dq + i * wide + c * VEC_WIDTH);
    for (int j = 0; j < VEC; j++)
#pragma GCC unroll 16
        for (int c = 0; c < reach; c++) {
            Part key = part_load(k + j * wide + c * VEC_WIDTH);
#pragma GCC unroll 16
            for (int i = 0; i < BLOCK; i++)
                sum[i * reach + c] += key * ds[i][j];
        }
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
#pragma GCC unroll 16
        for (int c = 0; c < reach; c++)
            part_store(dq + i * wide + c * VEC_WIDTH, sum[i * reach + c]);
}

static void pull_all(float *dq, const float *k, float ds[BLOCK][VEC], int wide)
{
    for (int d = 0, left = wide / VEC_WIDTH; left > 0;) {
        int reach = left < REACH ? left : REACH;

        if (reach >= 4)
            pull(dq + d, k + d, ds, wide, REACH);
        else if (reach == 3)
            pull(dq + d, k + d, ds, wide, 3);
        else if (reach == 2)
            pull(dq + d, k + d, ds, wide, 2);
        else
            pull(dq + d, k + d, ds, wide, 1);
        d += reach * VEC_WIDTH;
        left -= reach;
    }
}

// Queries i0 .. i0+3 against keys j0 .. j0+15.  Queries past the end of the document repeat the
// last one with no weight; their dq rows are scratch.
static void tile_back(const Head *a, const Asked *b, int64_t i0, int64_t j0)
{
    const float *q[BLOCK], *dy[BLOCK];
    Vec          p[BLOCK], ds[BLOCK];
    float        flat[BLOCK][VEC];
    int64_t      tile = j0 * a->K;

#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++) {
        int64_t at = i0 + i < a->n ? i0 + i : a->n - 1;
        q[i] = b->q + at * a->width;
        dy[i] = b->dy + at * b->dy_step;
    }
    products(p, a->kt + tile, q, a->K);
    products(ds, a->vt + tile, dy, a->K);
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++) {
        int64_t at = i0 + i < a->n ? i0 + i : a->n - 1;
        int64_t seen = i0 + i < a->n ? at + 1 - j0 : 0;
        Vec     s = vec_scale(p[i], a->scale), slope = vec_set(1);

        if (a->cap > 0)
            s = vec_cap(s, a->cap, &slope);
        s = vec_sub(s, vec_set(b->lse[at * b->lse_step]));
        if (seen < VEC)
            s = vec_keep_first(s, seen, -INFINITY);
        if (seen > a->window)
            s = vec_keep_from(s, seen - a->window, -INFINITY);
        p[i] = vec_exp(s);
        ds[i] = vec_mul(p[i], vec_sub(ds[i], vec_set(b->delta[at * b->lse_step])));
        if (a->cap > 0)
            ds[i] = vec_mul(ds[i], slope);
        ds[i] = vec_scale(ds[i], a->scale);
        vec_store(flat[i], ds[i]);
    }
    spread(a->dvt + tile, p, dy, a->K);
    spread(a->dkt + tile, ds, q, a->K);
    pull_all(a->dq + i0 * a->wide, a->k + j0 * a->wide, flat, a->wide);
}

static void head_back(float *dq, const Head *a, const Asked *b)
{
    memset(a->dq, 0, (size_t)(a->stride * a->wide) * sizeof(float));
    for (int64_t j0 = 0; j0 < a->n; j0 += VEC) { // a tile stays near while its queries pass
        int64_t end = a->n - j0 - VEC < a->window ? a->n : j0 + VEC + a->window - 1;

        for (int64_t i0 = j0; i0 < end; i0 += BLOCK)
            tile_back(a, b, i0, j0);
    }
    for (int64_t i = 0; i < a->n; i++)
        memcpy(dq + i * a->width, a->dq + i * a->wide, (size_t)a->K * sizeof(float));
}

static Head head_make(float *spare, int64_t n, int64_t width, const OpHeads *heads)
{
    int     K = heads->K;
    int64_t stride = op_attention_stride(n), room = stride * K;
    int     wide = (K + VEC_WIDTH - 1) / VEC_WIDTH * VEC_WIDTH;
    float  *rows = spare + 4 * room;

    return (Head){.kt = spare,
                  .vt = spare + room,
                  .dkt = spare + 2 * room,
                  .dvt = spare + 3 * room,
                  .k = rows,
                  .dq = rows + stride * wide,
                  .n = n,
                  .stride = stride,
                  .width = width,
                  .K = K,
                  .wide = wide,
                  .scale = heads->scale,
                  .window = heads->window > 0 ? heads->window : INT64_MAX / 2,
                  .cap = heads->cap};
}

static void head_gather(const Head *a, const float *k, const float *v)
{
    gather_tiles(a->kt, k, a->n, a->stride, a->width, a->K);
    gather_tiles(a->vt, v, a->n, a->stride, a->width, a->K);
    memset(a->dkt, 0, (size_t)(2 * a->stride * a->K) * sizeof(float)); // and dvt behind it
    memset(a->k, 0, (size_t)(a->stride * a->wide) * sizeof(float));
    for (int64_t j = 0; j < a->n; j++)
        memcpy(a->k + j * a->wide, k + j * a->width, (size_t)a->K * sizeof(float));
}

static void deltas(float *delta, const float *dy, const float *y, int64_t rows, int K)
{
    for (int64_t r = 0; r < rows; r++) {
        Vec sum = vec_set(0);

        for (int64_t d = 0; d < K; d += VEC)
            sum = vec_add(sum, vec_mul(vec_load_first(dy + r * K + d, K - d, 0),
                                       vec_load_first(y + r * K + d, K - d, 0)));
        delta[r] = vec_sum(sum);
    }
}

void op_attention_back(float *dqkv, float *delta, const float *dy, const float *y, const float *lse,
                       const float *qkv, const int64_t *begin, int64_t docs, const OpHeads *heads,
                       float *spare)
{
    int     H = heads->H, G = heads->G, K = heads->K, group = H / G;
    int64_t width = (int64_t)(H + 2 * G) * K, out = (int64_t)H * K;

    deltas(delta, dy, y, begin[docs] * H, K);
    for (int64_t doc = 0; doc < docs; doc++) {
        int64_t      at = begin[doc], n = begin[doc + 1] - at;
        const float *rows = qkv + at * width;
        float       *drows = dqkv + at * width;
        Head         a = head_make(spare, n, width, heads);

        for (int h = 0; h < H; h++) {
            int64_t in_k = (int64_t)(H + h / group) * K, in_v = in_k + (int64_t)G * K;
            int64_t in_q = (int64_t)h * K;
            Asked   b = {
                  rows + in_q, dy + at * out + in_q, lse + at * H + h, delta + at * H + h, out, H};

            if (h % group == 0)
                head_gather(&a, rows + in_k, rows + in_v);
            head_back(drows + in_q, &a, &b);
            if (h % group == group - 1) {
                scatter_tiles(drows + in_k, a.dkt, n, width, K);
                scatter_tiles(drows + in_v, a.dvt, n, width, K);
            }
        }
    }
}
