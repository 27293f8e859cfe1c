#include "base/rng.h"
#include "model/kernels/ops.h"
#include "model/net.h"
#include "tests/check.h"

#include <math.h>
#include <string.h>

static const Dims shapes[] = {{.family = FAMILY_LLAMA,
                               .V = 23,
                               .D = 24,
                               .F = 40,
                               .T = 64,
                               .L = 3,
                               .H = 3,
                               .G = 3,
                               .K = 8,
                               .norm_eps = 1e-5f,
                               .rope.theta = 10000,
                               .init_std = 0.2},
                              {.family = FAMILY_LLAMA,
                               .V = 19,
                               .D = 32,
                               .F = 40,
                               .T = 80,
                               .L = 2,
                               .H = 4,
                               .G = 2,
                               .K = 6,
                               .norm_eps = 1e-5f,
                               .rope.theta = 500,
                               .is_tied = 1,
                               .init_std = 0.2},
                              {.family = FAMILY_GPT2,
                               .V = 29,
                               .D = 20,
                               .F = 80,
                               .T = 64,
                               .L = 2,
                               .H = 2,
                               .G = 2,
                               .K = 10,
                               .norm = NORM_LAYER,
                               .norm_eps = 1e-5f,
                               .position = POSITION_LEARNED,
                               .mlp = MLP_GELU_TANH,
                               .bias = BIAS_ALL,
                               .is_tied = 1,
                               .init_std = 0.2},
                              {.family = FAMILY_QWEN3, // biases and norms of heads at once
                               .V = 19,
                               .D = 20,
                               .F = 28,
                               .T = 80,
                               .L = 2,
                               .H = 4,
                               .G = 2,
                               .K = 10,
                               .norm_eps = 1e-5f,
                               .rope = {ROPE_LLAMA3, 500, 8, 20, 1, 4, 0, 0, 0, 0, 0, 0},
                               .bias = BIAS_ALL,
                               .has_qk_norm = 1,
                               .window = 6,
                               .windowed = {2}, // the second layer
                               .is_tied = 1,
                               .init_std = 0.2},
                              {.family = FAMILY_GPTNEOX,
                               .V = 21,
                               .D = 24,
                               .F = 40,
                               .T = 64,
                               .L = 2,
                               .H = 2,
                               .G = 2,
                               .K = 12,
                               .R = 4,
                               .norm = NORM_LAYER,
                               .norm_eps = 1e-5f,
                               .rope = {ROPE_YARN, 100, 4, 32, 0, 0, 4, 1, 0, 0, 0, 0},
                               .mlp = MLP_GELU_ERF,
                               .bias = BIAS_ALL,
                               .is_parallel = 1,
                               .init_std = 0.2},
                              {.family = FAMILY_PHI3,
                               .V = 19,
                               .D = 16,
                               .F = 24,
                               .T = 64,
                               .L = 2,
                               .H = 2,
                               .G = 1,
                               .K = 8,
                               .R = 6,
                               .norm_eps = 1e-5f,
                               .rope = {ROPE_LINEAR, 100, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                               .window = 1,
                               .windowed = {3},
                               .init_std = 0.2},
                              {.family = FAMILY_GEMMA2, // every bound, tight enough to be felt
                               .V = 27,
                               .D = 20,
                               .F = 28,
                               .T = 80,
                               .L = 2,
                               .H = 4,
                               .G = 2,
                               .K = 8,
                               .norm_eps = 1e-5f,
                               .norm_is_offset = 1,
                               .has_post_norm = 1,
                               .scales_embed = 1,
                               .rope.theta = 10000,
                               .mlp = MLP_GEGLU_TANH,
                               .query_scalar = 3,
                               .score_cap = 0.75,
                               .logit_cap = 1.5,
                               .window = 9,
                               .windowed = {1},
                               .is_tied = 1,
                               .init_std = 0.2},
                              {.family = FAMILY_GEMMA3, // two rotations, norms of heads, biases
                               .V = 23,
                               .D = 16,
                               .F = 24,
                               .T = 80,
                               .L = 3,
                               .H = 2,
                               .G = 1,
                               .K = 10,
                               .norm_eps = 1e-5f,
                               .norm_is_offset = 1,
                               .has_post_norm = 1,
                               .scales_embed = 1,
                               .rope = {ROPE_LINEAR, 1000, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                               .local_rope.theta = 20,
                               .mlp = MLP_GEGLU_TANH,
                               .bias = BIAS_QKV | BIAS_OUT,
                               .has_qk_norm = 1,
                               .query_scalar = 14,
                               .window = 7,
                               .windowed = {5},
                               .is_tied = 1,
                               .init_std = 0.2}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], ROOM = 64 << 20 };

static void fill(Net *net, uint64_t seed)
{
    Rng r = rng_make(seed, rng_stream("test", 0, 0, 0), 0);

    params_init(&net->params, seed, net->flat);
    for (int n = 0; n < net->params.count; n++) // norms and biases that do something
        for (int64_t i = 0; net->params.list[n].rank == 1 && i < net->params.list[n].rows; i++)
            net->flat[net->params.list[n].offset + i] += (float)(0.2 * rng_normal(&r));
    net_pack(net);
}

// Documents of the given lengths with random tokens; a third of the predictions have no weight.
static Batch documents(Arena *a, const Dims *d, const int64_t *length, int docs, uint64_t seed)
{
    int64_t  N = 0, at = 0;
    Rng      r = rng_make(seed, rng_stream("batch", 0, 0, 0), 0);
    Batch    b;
    int32_t *token;
    float   *weight;

    for (int i = 0; i < docs; i++)
        N += length[i];
    b = batch_make(a, N, docs);
    token = arena_new(a, int32_t, N);
    weight = arena_new(a, float, N);
    for (int64_t n = 0; n < N; n++) {
        token[n] = (int32_t)rng_below(&r, (uint64_t)d->V);
        weight[n] = rng_below(&r, 3) == 0 ? 0.0f : (float)rng_unit(&r);
    }
    for (int i = 0; i < docs; at += length[i++])
        batch_add(&b, token + at, weight + at, length[i], 0.5f);
    return b;
}

// ---- the network once more, in double and by the book, for one document

static void plain_norm_of(const Net *net, ParamRole weight, ParamRole bias, int layer, double *y,
                          const double *x, int64_t width)
{
    const Dims *d = &net->params.dims;
    int64_t     at = params_at(&net->params, weight, layer);
    int64_t     bias_at = params_at(&net->params, bias, layer);
    double      mean = 0, square = 0;

    for (int64_t i = 0; i < width && d->norm == NORM_LAYER; i++)
        mean += x[i] / (double)width;
    for (int64_t i = 0; i < width; i++)
        square += (x[i] - mean) * (x[i] - mean) / (double)width;
    for (int64_t i = 0; i < width; i++)
        y[i] = (x[i] - mean) / sqrt(square + (double)d->norm_eps) *
                   (d->norm_is_offset + (double)net->flat[at + i]) +
               (bias_at < 0 ? 0 : (double)net->flat[bias_at + i]);
}

static void plain_norm(const Net *net, ParamRole weight, ParamRole bias, int layer, double *y,
                       const double *x)
{
    plain_norm_of(net, weight, bias, layer, y, x, net->params.dims.D);
}

static void plain_product(const Net *net, ParamRole weight, ParamRole bias, int layer, double *y,
                          const double *x, int64_t E, int64_t D)
{
    int64_t at = params_at(&net->params, weight, layer);
    int64_t bias_at = params_at(&net->params, bias, layer);

    for (int64_t e = 0; e < E; e++) {
        y[e] = bias_at < 0 ? 0 : (double)net->flat[bias_at + e];
        for (int64_t i = 0; i < D; i++)
            y[e] += (double)net->flat[at + e * D + i] * x[i];
    }
}

static void plain_rotate(const Dims *d, int layer, double *x, int64_t position)
{
    int    R = dims_rotary(d);
    double frequency[64], factor = rope_frequencies(dims_rope(d, layer), R, frequency);

    for (int h = 0; h < d->H + d->G; h++)
        for (int i = 0; i < R / 2; i++) {
            double angle = (double)position * frequency[i];
            double a = x[h * d->K + i], b = x[h * d->K + i + R / 2];

            x[h * d->K + i] = factor * (a * cos(angle) - b * sin(angle));
            x[h * d->K + i + R / 2] = factor * (b * cos(angle) + a * sin(angle));
        }
}

static void plain_norm_heads(const Net *net, int layer, double *qk)
{
    const Dims *d = &net->params.dims;

    for (int h = 0; h < d->H + d->G; h++, qk += d->K)
        plain_norm_of(net, h < d->H ? PARAM_Q_NORM : PARAM_K_NORM, PARAM_NORM1_BIAS, layer, qk, qk,
                      d->K);
}

static double plain_cap(double x, double cap)
{
    return cap > 0 ? cap * tanh(x / cap) : x;
}

// qkv [t+1][(H+2G)K]; y [H K] of the last of them.
static void plain_attention(const Dims *d, int layer, double *y, const double *qkv, int64_t t)
{
    int64_t Q = (d->H + 2 * d->G) * d->K, window = dims_window(d, layer);
    int64_t first = window > 0 && t + 1 > window ? t + 1 - window : 0;
    double  p[128];

    for (int h = 0; h < d->H; h++) {
        int    g = h / (d->H / d->G);
        double sum = 0;

        for (int64_t s = first; s <= t; s++) {
            double dot = 0;
            for (int k = 0; k < d->K; k++)
                dot += qkv[t * Q + h * d->K + k] * qkv[s * Q + (d->H + g) * d->K + k];
            dot /= sqrt(d->query_scalar > 0 ? d->query_scalar : d->K);
            sum += p[s] = exp(plain_cap(dot, d->score_cap));
        }
        for (int k = 0; k < d->K; k++) {
            y[h * d->K + k] = 0;
            for (int64_t s = first; s <= t; s++)
                y[h * d->K + k] += p[s] / sum * qkv[s * Q + (d->H + d->G + g) * d->K + k];
        }
    }
}

static double plain_gelu(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * pow(x, 3))));
}

static void plain_mlp(const Net *net, int layer, double *y, const double *x)
{
    const Dims *d = &net->params.dims;
    double      up[256];

    if (dims_inner(d) == 2) {
        plain_product(net, PARAM_UP, PARAM_UP_BIAS, layer, up, x, 2 * d->F, d->D);
        for (int64_t f = 0; f < d->F; f++)
            up[f] = (d->mlp == MLP_GEGLU_TANH ? plain_gelu(up[f]) : up[f] / (1 + exp(-up[f]))) *
                    up[d->F + f];
    } else {
        plain_product(net, PARAM_UP, PARAM_UP_BIAS, layer, up, x, d->F, d->D);
        for (int64_t f = 0; f < d->F; f++)
            up[f] =
                d->mlp == MLP_GELU_ERF ? 0.5 * up[f] * erfc(-up[f] / sqrt(2)) : plain_gelu(up[f]);
    }
    plain_product(net, PARAM_DOWN, PARAM_DOWN_BIAS, layer, y, up, d->D, d->F);
}

static void plain_logits(Arena *a, const Net *net, const int32_t *token, int64_t N, double *logits)
{
    const Dims *d = &net->params.dims;
    int64_t     Q = (d->H + 2 * d->G) * d->K, place = params_at(&net->params, PARAM_POSITION, -1);
    int64_t     embed = params_at(&net->params, PARAM_EMBED, -1);
    double     *x = arena_new(a, double, N * d->D), *qkv = arena_new(a, double, N *Q);
    double      n1[128], att[128], step[128];

    for (int64_t t = 0; t < N; t++)
        for (int64_t i = 0; i < d->D; i++)
            x[t * d->D + i] = (double)net->flat[embed + token[t] * d->D + i] *
                                  (d->scales_embed ? sqrt((double)d->D) : 1) +
                              (place < 0 ? 0 : (double)net->flat[place + t * d->D + i]);
    for (int l = 0; l < d->L; l++)
        for (int64_t t = 0; t < N; t++) {
            double *xt = x + t * d->D;

            plain_norm(net, PARAM_NORM1, PARAM_NORM1_BIAS, l, n1, xt);
            plain_product(net, PARAM_QKV, PARAM_QKV_BIAS, l, qkv + t * Q, n1, Q, d->D);
            if (d->has_qk_norm)
                plain_norm_heads(net, l, qkv + t * Q);
            if (d->position == POSITION_ROTARY)
                plain_rotate(d, l, qkv + t * Q, t);
            plain_attention(d, l, att, qkv, t);
            plain_product(net, PARAM_OUT, PARAM_OUT_BIAS, l, step, att, d->D, d->H * d->K);
            if (d->has_post_norm)
                plain_norm(net, PARAM_POST1, PARAM_NORM1_BIAS, l, step, step);
            if (d->is_parallel)
                plain_norm(net, PARAM_NORM2, PARAM_NORM2_BIAS, l, n1, xt);
            for (int64_t i = 0; i < d->D; i++)
                xt[i] += step[i];
            if (!d->is_parallel)
                plain_norm(net, PARAM_NORM2, PARAM_NORM2_BIAS, l, n1, xt);
            plain_mlp(net, l, step, n1);
            if (d->has_post_norm)
                plain_norm(net, PARAM_POST2, PARAM_NORM1_BIAS, l, step, step);
            for (int64_t i = 0; i < d->D; i++)
                xt[i] += step[i];
        }
    for (int64_t t = 0; t < N; t++) {
        plain_norm(net, PARAM_NORMF, PARAM_NORMF_BIAS, -1, n1, x + t * d->D);
        plain_product(net, d->is_tied ? PARAM_EMBED : PARAM_HEAD, PARAM_DOWN_BIAS, -1,
                      logits + t * d->V, n1, d->V, d->D);
        for (int64_t v = 0; v < d->V; v++)
            logits[t * d->V + v] = plain_cap(logits[t * d->V + v], d->logit_cap);
    }
}

static void logits_are_those_of_the_plain_network(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < SHAPES; f++) {
        const Dims *d = &shapes[f];
        int64_t     length = 33;
        Net         net = net_make(&a, d, NET_INFER);
        Acts       *acts = acts_make(&a, &net, length, length, NET_INFER);
        Batch       b = documents(&a, d, &length, 1, 5);
        float      *got = arena_new(&a, float, length * d->V), *want;
        float      *logp = arena_new(&a, float, length);
        double     *plain = arena_new(&a, double, length * d->V);

        fill(&net, 11);
        net_score(&net, acts, &b, logp, got);
        plain_logits(&a, &net, b.token, length, plain);
        want = arena_new(&a, float, length * d->V);
        for (int64_t i = 0; i < length * d->V; i++)
            want[i] = (float)plain[i];
        EXPECT_FLOATS(got, want, length * d->V, -3e-6);
        for (int64_t t = 0; t + 1 < length; t++) {
            double sum = 0;

            for (int64_t v = 0; v < d->V; v++)
                sum += exp(plain[t * d->V + v]);
            EXPECT_NEAR(logp[t], plain[t * d->V + b.token[t + 1]] - log(sum), 1e-5);
        }
        EXPECT(logp[length - 1] == 0);
        check_compared(length);
    }
    arena_free(&a);
}

static void needs_are_what_is_pushed(const Comm *c)
{
    (void)c;
    EXPECT_OK(gemm_start());
    for (int f = 0; f < SHAPES; f++)
        for (int use = NET_INFER; use <= NET_TRAIN; use++) {
            const Dims *d = &shapes[f];
            int64_t     need[] = {net_need(d, (NetUse)use), acts_need(d, 37, 12, (NetUse)use),
                                  cache_need(d, 3, 50), batch_need(37, 5)};
            Arena       a;
            Net         net;

            EXPECT_OK(arena_make(&a, "test", need[0] + need[1] + need[2] + need[3]));
            net = net_make(&a, d, (NetUse)use);
            EXPECT_INT(a.used, need[0]);
            acts_make(&a, &net, 37, 12, (NetUse)use);
            EXPECT_INT(a.used, need[0] + need[1]);
            cache_make(&a, d, 3, 50);
            EXPECT_INT(a.used, need[0] + need[1] + need[2]);
            batch_make(&a, 37, 5);
            EXPECT_INT(a.used, need[0] + need[1] + need[2] + need[3]);
            arena_free(&a);
        }
}

// ---- bits

static void scores_do_not_depend_on_the_neighbours(const Comm *c)
{
    static const int64_t length[] = {5, 1, 40, 17, 2, 31};
    Arena                a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < SHAPES; f++) {
        const Dims *d = &shapes[f];
        Net         net = net_make(&a, d, NET_TRAIN);
        Acts       *acts = acts_make(&a, &net, 96, 40, NET_TRAIN);
        Acts       *small = acts_make(&a, &net, 40, 64, NET_INFER);
        Batch       b = documents(&a, d, length, 6, 5);
        float      *logp = arena_new(&a, float, 96), *logits = arena_new(&a, float, 96 * d->V);
        float      *own = arena_new(&a, float, 40), *own_logits = arena_new(&a, float, 40 * d->V);

        fill(&net, 12);
        net_score(&net, acts, &b, logp, logits);
        for (int i = 0; i < 6; i++) {
            int64_t from = b.begin[i];
            Batch   one = batch_make(&a, length[i], 1);

            batch_add(&one, b.token + from, b.coef + from, length[i], 1);
            net_score(&net, small, &one, own, own_logits);
            EXPECT(memcmp(own, logp + from, (size_t)length[i] * sizeof *own) == 0);
            EXPECT(memcmp(own_logits, logits + from * d->V,
                          (size_t)(length[i] * d->V) * sizeof *own) == 0);
            net_score(&net, small, &one, own, NULL);
            EXPECT(memcmp(own, logp + from, (size_t)length[i] * sizeof *own) == 0);
        }
    }
    arena_free(&a);
}

enum { SLOTS = 4, PIECES = 6 };

// Feeds the documents of `b` to slots of the cache in pieces of random length, several at a time in
// one call, and compares every logit with those of net_score.
static void decode_in_pieces(Arena *a, const Net *net, const Batch *b, const float *logits,
                             uint64_t seed)
{
    const Dims *d = &net->params.dims;
    Cache      *cache = cache_make(a, d, SLOTS, 64);
    Acts       *acts = acts_make(a, net, 64, 64, NET_INFER);
    float      *got = arena_new(a, float, 64 * d->V);
    int64_t     done[SLOTS] = {0}, left = b->N, wrong = 0, row[64], want[64];
    int32_t     token[64], position[64], slot[64];
    Rng         r = rng_make(seed, rng_stream("pieces", 0, 0, 0), 0);

    while (left > 0) {
        int64_t M = 0, W = 0;

        for (int s = 0; s < SLOTS; s++) {
            int64_t length = b->begin[s + 1] - b->begin[s];
            int64_t piece = (int64_t)rng_below(&r, seed % 2 == 0 ? 2 : PIECES);

            for (int64_t i = 0; i < piece && done[s] < length; i++, M++, done[s]++) {
                row[M] = b->begin[s] + done[s];
                token[M] = b->token[row[M]];
                position[M] = (int32_t)done[s];
                slot[M] = (int32_t)s;
            }
        }
        for (int64_t m = 0; m < M; m++)
            if (rng_below(&r, 4) > 0)
                want[W++] = m;
        net_decode(net, acts, cache, M, token, position, slot, W, want, got);
        for (int64_t w = 0; w < W; w++)
            wrong += memcmp(got + w * d->V, logits + row[want[w]] * d->V,
                            (size_t)d->V * sizeof *got) != 0;
        left -= M;
        check_compared(W);
    }
    EXPECT_INT(wrong, 0);
}

static void decoding_in_pieces_gives_the_bits_of_scoring(const Comm *c)
{
    static const int64_t length[SLOTS] = {5, 1, 60, 33};
    Arena                a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < SHAPES; f++) {
        Net    net = net_make(&a, &shapes[f], NET_INFER);
        Acts  *acts = acts_make(&a, &net, 99, 60, NET_INFER);
        Batch  b = documents(&a, &shapes[f], length, SLOTS, 9);
        float *logits = arena_new(&a, float, b.N *shapes[f].V);
        float *logp = arena_new(&a, float, b.N);

        fill(&net, 13);
        net_score(&net, acts, &b, logp, logits);
        for (uint64_t seed = 0; seed < 8; seed++)
            decode_in_pieces(&a, &net, &b, logits, seed);
    }
    arena_free(&a);
}

static void a_slot_can_be_used_again(const Comm *c)
{
    static const int64_t length[] = {30, 12};
    Arena                a;
    Net                  net;
    Acts                *acts;
    Cache               *cache;
    Batch                b;
    float               *logits, logp[42], last[32];
    int32_t              slot[42] = {0};

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    net = net_make(&a, &shapes[0], NET_INFER);
    fill(&net, 14);
    acts = acts_make(&a, &net, 42, 64, NET_INFER);
    cache = cache_make(&a, &shapes[0], 1, 64);
    b = documents(&a, &shapes[0], length, 2, 3);
    logits = arena_new(&a, float, b.N *shapes[0].V);
    net_score(&net, acts, &b, logp, logits);
    for (int i = 0; i < 2; i++) {
        int64_t want = length[i] - 1;

        net_decode(&net, acts, cache, length[i], b.token + b.begin[i], b.position + b.begin[i],
                   slot, 1, &want, last);
        EXPECT(memcmp(last, logits + (b.begin[i] + want) * shapes[0].V,
                      (size_t)shapes[0].V * sizeof *last) == 0);
    }
    arena_free(&a);
}

// ---- gradients

static double loss_at(Net *net, Acts *acts, const Batch *b, const float *from,
                      const float *direction, double step, float *logp)
{
    double sum = 0;

    for (int64_t i = 0; i < net->params.padded; i++)
        net->flat[i] = from[i] + (float)(step * (double)direction[i]);
    net_pack(net);
    net_score(net, acts, b, logp, NULL);
    for (int64_t n = 0; n < b->N; n++)
        sum -= (double)b->coef[n] * (double)logp[n];
    return sum;
}

// Directions with the spread of the weights; one with everything, then one per role, so that no
// tensor hides behind another.
static void gradients_are_slopes(const Comm *c)
{
    static const int64_t length[] = {40, 1, 33, 2, 64};
    Arena                a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < SHAPES; f++) {
        Net     net = net_make(&a, &shapes[f], NET_TRAIN);
        Acts   *acts = acts_make(&a, &net, 140, 64, NET_TRAIN);
        Batch   b = documents(&a, &shapes[f], length, 5, 21);
        int64_t P = net.params.padded;
        float  *grad = arena_new(&a, float, P), *from = arena_new(&a, float, P);
        float  *direction = arena_new(&a, float, P), *logp = arena_new(&a, float, b.N);
        Rng     r = rng_make(1, rng_stream("directions", (uint64_t)f, 0, 0), 0);

        fill(&net, 15);
        memcpy(from, net.flat, (size_t)P * sizeof *from);
        net_grad(&net, acts, &b, grad, logp);
        for (int role = -1; role <= (int)PARAM_HEAD; role++) {
            double  slope = 0, difference, step = 1e-3, length2 = 0;
            int64_t numbers = 0;

            memset(direction, 0, (size_t)P * sizeof *direction);
            for (int n = 0; n < net.params.count; n++)
                for (int64_t i = 0; i < net.params.list[n].rows * net.params.list[n].columns; i++) {
                    int64_t at = net.params.list[n].offset + i;

                    if (role < 0 || (int)net.params.list[n].role == role) {
                        direction[at] = (float)rng_normal(&r);
                        numbers++;
                    }
                    slope += (double)direction[at] * (double)grad[at];
                    length2 += (double)direction[at] * (double)grad[at] * (double)direction[at] *
                               (double)grad[at];
                }
            if (numbers == 0)
                continue; // the family has no such tensor
            difference = (loss_at(&net, acts, &b, from, direction, step, logp) -
                          loss_at(&net, acts, &b, from, direction, -step, logp)) /
                         (2 * step);
            EXPECT(length2 > 0); // no tensor is without effect
            EXPECT_NEAR((difference - slope) / (sqrt(length2) + 1e-9), 0, 0.02);
            check_compared(1);
        }
    }
    arena_free(&a);
}

static void gradients_add_and_count_what_has_weight(const Comm *c)
{
    static const int64_t length[] = {20, 13};
    Arena                a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < SHAPES; f++) {
        Net     net = net_make(&a, &shapes[f], NET_TRAIN);
        Acts   *acts = acts_make(&a, &net, 33, 20, NET_TRAIN);
        Batch   b = documents(&a, &shapes[f], length, 2, 4);
        int64_t P = net.params.padded;
        float  *once = arena_new(&a, float, P), *twice = arena_new(&a, float, P);
        float   logp[33], scored[33];
        double  sum = 0, loss;

        fill(&net, 16);
        net_score(&net, acts, &b, scored, NULL);
        loss = net_grad(&net, acts, &b, once, logp);
        EXPECT(net_grad(&net, acts, &b, twice, NULL) == loss);
        net_grad(&net, acts, &b, twice, NULL);
        for (int64_t n = 0; n < b.N; n++) {
            EXPECT(logp[n] == (b.coef[n] != 0 ? scored[n] : 0));
            sum -= (double)b.coef[n] * (double)scored[n];
        }
        EXPECT_NEAR(loss, sum, 1e-12);
        for (int64_t i = 0; i < P; i++)
            once[i] *= 2;
        EXPECT_FLOATS(twice, once, P, -2e-6);
        for (int64_t i = 0; i < b.N; i++)
            b.coef[i] = 0;
        memset(once, 0, (size_t)P * sizeof *once);
        EXPECT(net_grad(&net, acts, &b, once, logp) == 0);
        for (int64_t i = 0; i < P; i++)
            sum += fabs((double)once[i]);
        EXPECT_NEAR(sum, loss, 1e-12);
    }
    arena_free(&a);
}

// More rows than the head takes at once: the chunks together are the whole.
static void many_rows_pass_the_head_in_chunks(const Comm *c)
{
    static const int64_t length[] = {64, 64, 64, 64, 64, 64, 64, 64, 64, 64};
    Arena                a;
    Net                  net;
    Acts                *acts, *small;
    Batch                b;
    float               *whole, *parts, *logits, *own_logits, logp[640], own[64];
    double               loss, sum = 0;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    net = net_make(&a, &shapes[0], NET_TRAIN);
    acts = acts_make(&a, &net, 640, 64, NET_TRAIN);
    small = acts_make(&a, &net, 64, 64, NET_TRAIN);
    b = documents(&a, &shapes[0], length, 10, 4);
    whole = arena_new(&a, float, net.params.padded);
    parts = arena_new(&a, float, net.params.padded);
    logits = arena_new(&a, float, 640 * shapes[0].V);
    own_logits = arena_new(&a, float, 64 * shapes[0].V);
    fill(&net, 17);
    net_score(&net, acts, &b, logp, logits);
    loss = net_grad(&net, acts, &b, whole, logp);
    for (int i = 0; i < 10; i++) {
        Batch one = batch_make(&a, 64, 1);

        batch_add(&one, b.token + b.begin[i], b.coef + b.begin[i], 64, 1);
        memcpy(one.coef, b.coef + b.begin[i], 64 * sizeof *one.coef);
        sum += net_grad(&net, small, &one, parts, own);
        EXPECT(memcmp(own, logp + b.begin[i], sizeof own) == 0);
        net_score(&net, small, &one, own, own_logits);
        EXPECT(memcmp(own_logits, logits + b.begin[i] * shapes[0].V,
                      (size_t)(64 * shapes[0].V) * sizeof *logits) == 0);
    }
    EXPECT_NEAR(loss, sum, 1e-12);
    EXPECT_FLOATS(parts, whole, net.params.padded, -2e-6);
    arena_free(&a);
}

static void nothing_is_a_batch_too(const Comm *c)
{
    int64_t length = 1;
    Arena   a;
    Net     net;
    Acts   *acts;
    Batch   none, one;
    float  *grad, logp = 5;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    net = net_make(&a, &shapes[1], NET_TRAIN);
    fill(&net, 18);
    acts = acts_make(&a, &net, 1, 1, NET_TRAIN);
    none = batch_make(&a, 1, 1);
    one = documents(&a, &shapes[1], &length, 1, 1);
    grad = arena_new(&a, float, net.params.padded);
    net_score(&net, acts, &none, &logp, NULL);
    EXPECT(logp == 5);
    EXPECT(net_grad(&net, acts, &none, grad, NULL) == 0);
    net_score(&net, acts, &one, &logp, NULL);
    EXPECT(logp == 0);
    EXPECT(net_grad(&net, acts, &one, grad, &logp) == 0);
    for (int64_t i = 0; i < net.params.padded; i++)
        EXPECT(grad[i] == 0);
    arena_free(&a);
}

TEST_MAIN(CASE(logits_are_those_of_the_plain_network), CASE(needs_are_what_is_pushed),
          CASE(scores_do_not_depend_on_the_neighbours),
          CASE(decoding_in_pieces_gives_the_bits_of_scoring), CASE(a_slot_can_be_used_again),
          CASE(gradients_are_slopes), CASE(gradients_add_and_count_what_has_weight),
          CASE(many_rows_pass_the_head_in_chunks), CASE(nothing_is_a_batch_too))
