#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "model/kernels/vec.h"

// Queries that are worked on together: they share the loads of keys and values, and their sums fill
// the registers.  Each query's own arithmetic does not know about the others.
enum { BLOCK = 4 };

// Registers of one query's output that are summed together; they must fit beside those of a block.
enum { REACH_BLOCK = VEC_WIDTH == 16 ? 4 : 3, REACH_ROW = 8 };

typedef struct Keys {
    const float *kt; // [K][stride]
    const float *v;  // [keys][K]
    int64_t      stride;
    int          K;
    float        scale;
    int64_t      window; // INT64_MAX / 2: all
    float        cap;    // 0: none
} Keys;

// Q queries; query i sees the first `seen + i` keys, the last `window` of them.
typedef struct Queries {
    const float *q;   // query i begins at q + i * q_step
    float       *y;   // and its output at y + i * y_step
    float       *lse; // and at lse + i * lse_step
    int64_t      q_step, y_step, lse_step;
    int64_t      seen;
    float       *weight; // scratch [Q][stride]: scores, then their exponentials
} Queries;

int64_t op_attention_stride(int64_t keys)
{
    return (keys + VEC - 1) / VEC * VEC;
}

#define INLINE static inline __attribute__((always_inline)) // with constant Q and count

// Scores of 16 * `tiles` keys from key j0 on; keys that a query does not see get -infinity.
INLINE void score(Vec *largest, const Queries *b, const Keys *k, int64_t j0, const int Q,
                  const int tiles)
{
    Vec s[BLOCK]; // Q * tiles of them

#pragma GCC unroll 16
    for (int i = 0; i < Q * tiles; i++)
        s[i] = vec_set(0);
    for (int d = 0; d < k->K; d++)
#pragma GCC unroll 16
        for (int t = 0; t < tiles; t++) {
            Vec key = vec_load(k->kt + d * k->stride + j0 + t * VEC);
#pragma GCC unroll 16
            for (int i = 0; i < Q; i++)
                s[i * tiles + t] =
                    vec_add(s[i * tiles + t], vec_scale(key, b->q[i * b->q_step + d]));
        }
#pragma GCC unroll 16
    for (int i = 0; i < Q; i++)
#pragma GCC unroll 16
        for (int t = 0; t < tiles; t++) {
            int64_t j = j0 + t * VEC;
            Vec     a = vec_scale(s[i * tiles + t], k->scale), slope;

            if (k->cap > 0)
                a = vec_cap(a, k->cap, &slope);
            if (j + VEC > b->seen + i)
                a = vec_keep_first(a, b->seen + i - j, -INFINITY);
            if (j < b->seen + i - k->window)
                a = vec_keep_from(a, b->seen + i - k->window - j, -INFINITY);
            largest[i] = vec_max(largest[i], a);
            vec_store(b->weight + i * k->stride + j, a);
        }
}

// The first key that any query of the block sees; those before it have no weights.
static inline int64_t first_seen(const Queries *b, const Keys *k)
{
    return b->seen > k->window ? b->seen - k->window : 0;
}

// Scores become exp(score - largest); returns their sum.
static float exponentials(float *weight, float largest, int64_t first, int64_t keys)
{
    Vec sum = vec_set(0), shift = vec_set(largest);

    for (int64_t j = first; j < keys; j += VEC) {
        Vec e = vec_exp(vec_sub(vec_load(weight + j), shift));
        sum = vec_add(sum, e);
        vec_store(weight + j, e);
    }
    return vec_sum(sum);
}

// y = sum over keys of weight * v / total, for `reach` registers of the output from d0 on.  The
// keys up to the last that all queries of the block see come first, then what the later ones see
// besides.  A key that has left the window of a query has the weight 0 and changes no bit.
INLINE void weigh(const Queries *b, const Keys *k, const float *over_total, int d0, const int Q,
                  const int reach)
{
    Part    sum[BLOCK * REACH_ROW];
    int     beyond = d0 + reach * VEC_WIDTH - k->K; // floats read past the end of a value
    int64_t safe = beyond <= 0 ? b->seen : b->seen - (beyond + k->K - 1) / k->K;
    int64_t first = first_seen(b, k);

#pragma GCC unroll 16
    for (int i = 0; i < Q * reach; i++)
        sum[i] = (Part){0};
    for (int64_t j = first; j < safe; j++)
#pragma GCC unroll 16
        for (int c = 0; c < reach; c++) {
            Part value = part_load(k->v + j * k->K + d0 + c * VEC_WIDTH);
#pragma GCC unroll 16
            for (int i = 0; i < Q; i++)
                sum[i * reach + c] += value * b->weight[i * k->stride + j];
        }
#pragma GCC unroll 16
    for (int i = 0; i < Q; i++)
        for (int64_t j = safe < first ? first : safe; j < b->seen + i; j++)
#pragma GCC unroll 16
            for (int c = 0; c < reach; c++) {
                int at = d0 + c * VEC_WIDTH;
                sum[i * reach + c] +=
                    part_load_first(k->v + j * k->K + at, k->K - at) * b->weight[i * k->stride + j];
            }
#pragma GCC unroll 16
    for (int i = 0; i < Q; i++)
#pragma GCC unroll 16
        for (int c = 0; c < reach; c++) {
            int at = d0 + c * VEC_WIDTH;
            part_store_first(b->y + i * b->y_step + at, sum[i * reach + c] * over_total[i],
                             k->K - at);
        }
}

// All of the output, as many registers at a time as there is room for.
INLINE void weigh_all(const Queries *b, const Keys *k, const float *over_total, const int Q)
{
    int left = (k->K + VEC_WIDTH - 1) / VEC_WIDTH;

    for (int d = 0, reach; left > 0; left -= reach, d += reach * VEC_WIDTH) {
        int most = Q == 1 ? REACH_ROW : REACH_BLOCK;

        reach = left < most ? left : most;
        if (Q == 1 && reach == REACH_ROW)
            weigh(b, k, over_total, d, Q, REACH_ROW);
        else if (reach >= 4)
            weigh(b, k, over_total, d, Q, reach = 4);
        else if (reach == 3)
            weigh(b, k, over_total, d, Q, 3);
        else if (reach == 2)
            weigh(b, k, over_total, d, Q, 2);
        else
            weigh(b, k, over_total, d, Q, 1);
    }
}

INLINE void attend(const Queries *b, const Keys *k, const int Q)
{
    int64_t keys = op_attention_stride(b->seen + Q - 1), first = first_seen(b, k) / VEC * VEC;
    int64_t j = first;
    Vec     largest[BLOCK];
    float   over_total[BLOCK];

#pragma GCC unroll 16
    for (int i = 0; i < Q; i++)
        largest[i] = vec_set(-INFINITY);
    if (Q == 1) { // a lone query takes more keys at once instead
        for (; j + 4 * VEC <= keys; j += 4 * VEC)
            score(largest, b, k, j, Q, 4);
        for (; j + 2 * VEC <= keys; j += 2 * VEC)
            score(largest, b, k, j, Q, 2);
    }
    for (; j < keys; j += VEC)
        score(largest, b, k, j, Q, 1);

    for (int i = 0; i < Q; i++) {
        float m = vec_largest(largest[i]);
        float total = exponentials(b->weight + i * k->stride, m, first, keys);

        b->lse[i * b->lse_step] = m + vec_log(total);
        over_total[i] = 1 / total;
    }
    weigh_all(b, k, over_total, Q);
}

static int64_t window_of(const OpHeads *heads)
{
    return heads->window > 0 ? heads->window : INT64_MAX / 2;
}

static void attend_row(const Queries *b, const Keys *k)
{
    attend(b, k, 1);
}

static void attend_block(const Queries *b, const Keys *k)
{
    attend(b, k, BLOCK);
}

void op_attention_row(float *y, float *lse, const float *q, const float *kt, const float *v,
                      int64_t stride, int64_t n, const OpHeads *heads, float *spare)
{
    Keys    k = {kt, v, stride, heads->K, heads->scale, window_of(heads), heads->cap};
    Queries b = {q, y, lse, 0, 0, 0, n, spare};

    attend_row(&b, &k);
}

// Forward needs kt, v and the weights of a block; backward (op_attention_back.c) needs keys, values
// and their gradients by tiles, keys by rows, and the queries' gradients.
int64_t op_attention_spare(int64_t longest, int K)
{
    int64_t stride = op_attention_stride(longest + VEC), wide = op_attention_stride(K);

    return stride * (4 * (int64_t)K + 2 * wide);
}

// One key/value head of a document of n tokens: kt[K][stride] with zeros beyond n, v[n][K].
static void gather(float *kt, float *v, const float *from_k, const float *from_v, int64_t width,
                   int64_t n, int64_t stride, int K)
{
    for (int d = 0; d < K; d++) {
        for (int64_t j = 0; j < n; j++)
            kt[d * stride + j] = from_k[j * width + d];
        for (int64_t j = n; j < stride; j++)
            kt[d * stride + j] = 0;
    }
    for (int64_t j = 0; j < n; j++)
        memcpy(v + j * K, from_v + j * width, (size_t)K * sizeof *v);
}

static void attend_document(Queries first, const Keys *k, int64_t n)
{
    for (int64_t i = 0; i < n;) {
        Queries b = first;

        b.q += i * b.q_step;
        b.y += i * b.y_step;
        b.lse += i * b.lse_step;
        b.seen = i + 1;
        if (n - i >= BLOCK) {
            attend_block(&b, k);
            i += BLOCK;
        } else {
            attend_row(&b, k);
            i++;
        }
    }
}

void op_attention(float *y, float *lse, const float *qkv, const int64_t *begin, int64_t docs,
                  const OpHeads *heads, float *spare)
{
    int     H = heads->H, G = heads->G, K = heads->K;
    int64_t width = (int64_t)(H + 2 * G) * K, out = (int64_t)H * K;

    for (int64_t doc = 0; doc < docs; doc++) {
        int64_t      at = begin[doc], n = begin[doc + 1] - at, stride = op_attention_stride(n);
        const float *rows = qkv + at * width;
        float       *kt = spare, *v = kt + K * stride, *weight = v + K * stride;
        Keys         k = {kt, v, stride, K, heads->scale, window_of(heads), heads->cap};

        for (int h = 0; h < H; h++) {
            int group = H / G, g = h / group;

            if (h % group == 0)
                gather(kt, v, rows + (int64_t)(H + g) * K, rows + (int64_t)(H + G + g) * K, width,
                       n, stride, K);
            attend_document((Queries){rows + (int64_t)h * K, y + at * out + (int64_t)h * K,
                                      lse + at * H + h, width, out, H, 0, weight},
                            &k, n);
        }
    }
}
