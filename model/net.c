#include "model/acts.h"
#include "model/adapters/layout.h"
#include "model/adapters/lora.h"
#include "model/kernels/ops.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    HEAD_BYTES = 4 << 20, // of logits at a time, so that they stay near the core
    HEAD_ROWS_MIN = 32,   // fewer rows per product waste the passage of the head's weights
    HEAD_ROWS_MAX = 256
};

int64_t net_up_width(const Dims *d)
{
    return dims_inner(d) * d->F;
}

int64_t net_qkv_width(const Dims *d)
{
    return ((int64_t)d->H + 2 * (int64_t)d->G) * d->K;
}

ParamRole net_head_role(const Dims *d)
{
    return d->is_tied ? PARAM_EMBED : PARAM_HEAD;
}

float *net_slot(const Net *net, float *grad, ParamRole role, int layer)
{
    int64_t at = params_at(net_tuned(net).params, role, layer);

    return at < 0 ? NULL : grad + at;
}

const float *net_weight(const Net *net, ParamRole role, int layer)
{
    int64_t at = params_at(&net->params, role, layer);

    return at < 0 ? NULL : net->flat + at;
}

// ---- layouts.  One walk adds up (arena NULL) and pushes.

static void lay_layer(Layout *l, const Dims *d, NetUse use, NetLayer *out)
{
    int64_t HK = (int64_t)d->H * d->K, Q = net_qkv_width(d), U = net_up_width(d);

    *out = (NetLayer){.qkv = take_packed(l, Q, d->D),
                      .out = take_packed(l, d->D, HK),
                      .up = take_packed(l, U, d->D),
                      .down = take_packed(l, d->D, d->F)};
    if (use == NET_INFER)
        return;
    out->qkv_back = take_packed(l, d->D, Q);
    out->out_back = take_packed(l, HK, d->D);
    out->up_back = take_packed(l, d->D, U);
    out->down_back = take_packed(l, d->F, d->D);
}

static NetTurn take_turn(Layout *l, const Dims *d)
{
    int64_t count = d->T * (dims_rotary(d) / 2);
    float  *cosine = take_floats(l, count), *sine = take_floats(l, count);

    return (NetTurn){cosine, sine};
}

static void lay_net(Layout *l, Net *net)
{
    const Dims *d = &net->params.dims;
    NetLayer    none;

    net->flat = take_floats(l, net->params.padded);
    net->layer = take(l, d->L, (int64_t)sizeof(NetLayer));
    for (int i = 0; i < d->L; i++)
        lay_layer(l, d, net->use, net->layer == NULL ? &none : &net->layer[i]);
    net->head = take_packed(l, d->V, d->D);
    if (net->use == NET_TRAIN)
        net->head_back = take_packed(l, d->D, d->V);
    if (d->position == POSITION_ROTARY)
        net->turn = take_turn(l, d);
    if (d->position == POSITION_ROTARY && d->local_rope.theta > 0)
        net->local_turn = take_turn(l, d);
    lora_lay(l, net);
}

static void make_turn(const NetTurn *turn, const Dims *d, const Rope *rope)
{
    double frequency[DIMS_HEAD_MAX / 2];
    int    R = dims_rotary(d);
    double factor;

    CHECK(R <= DIMS_HEAD_MAX, "%d elements turn", R);
    factor = rope_frequencies(rope, R, frequency);
    op_rope_table(turn->cosine, turn->sine, frequency, factor, d->T, R);
}

const NetTurn *net_turn(const Net *net, int layer)
{
    const Dims *d = &net->params.dims;

    return dims_rope(d, layer) == &d->local_rope ? &net->local_turn : &net->turn;
}

Net net_make(Arena *run, const Dims *d, NetUse use)
{
    Net    net = {.params = params_make(run, d), .use = use};
    Layout l = {.arena = run};

    lay_net(&l, &net);
    if (net.turn.cosine != NULL)
        make_turn(&net.turn, d, &d->rope);
    if (net.local_turn.cosine != NULL)
        make_turn(&net.local_turn, d, &d->local_rope);
    return net;
}

int64_t net_need(const Dims *d, NetUse use)
{
    Net    net = {.params = params_plan(d), .use = use};
    Layout l = {.arena = NULL};

    lay_net(&l, &net);
    return params_need(d) + l.bytes;
}

static void pack_head(Net *net)
{
    const float *head = net_weight(net, net_head_role(&net->params.dims), -1);

    gemm_pack(net->head, head);
    if (net->use == NET_TRAIN)
        gemm_pack_transposed(net->head_back, head);
}

void net_pack(Net *net)
{
    lora_copy_beside(net);
    lora_pack(net);
    for (int i = 0; i < net->params.dims.L; i++) {
        const NetLayer *layer = &net->layer[i];
        const float    *qkv = net_weight(net, PARAM_QKV, i), *out = net_weight(net, PARAM_OUT, i);
        const float    *up = net_weight(net, PARAM_UP, i), *down = net_weight(net, PARAM_DOWN, i);

        gemm_pack(layer->qkv, qkv);
        gemm_pack(layer->out, out);
        gemm_pack(layer->up, up);
        gemm_pack(layer->down, down);
        if (net->use == NET_INFER)
            continue;
        gemm_pack_transposed(layer->qkv_back, qkv);
        gemm_pack_transposed(layer->out_back, out);
        gemm_pack_transposed(layer->up_back, up);
        gemm_pack_transposed(layer->down_back, down);
    }
    pack_head(net);
}

void net_pack_tuned(Net *net)
{
    const Dims *d = &net->params.dims;

    if (params_tuned(d) == PARAMS_BASE) {
        net_pack(net);
        return;
    }
    lora_copy_beside(net);
    lora_pack_tuned(net);
    if (params_at(net_tuned(net).params, net_head_role(d), -1) >= 0)
        pack_head(net);
}

static void lay_acts_layer(Layout *l, const Dims *d, int64_t N, ActsLayer *out)
{
    int64_t HK = (int64_t)d->H * d->K;

    *out = (ActsLayer){.x = take_floats(l, N * d->D),
                       .n1 = take_floats(l, N * d->D),
                       .mean1 = take_floats(l, N),
                       .inv1 = take_floats(l, N),
                       .qkv = take_floats(l, N * net_qkv_width(d)),
                       .att = take_floats(l, N * HK),
                       .lse = take_floats(l, N * d->H),
                       .mid = take_floats(l, N * d->D),
                       .n2 = take_floats(l, N * d->D),
                       .mean2 = take_floats(l, N),
                       .inv2 = take_floats(l, N),
                       .up = take_floats(l, N * net_up_width(d)),
                       .act = take_floats(l, N * d->F),
                       .low = lora_lay_low(l, d, N)};
    if (d->has_qk_norm) {
        out->raw = take_floats(l, N * (d->H + d->G) * d->K);
        out->inv_qk = take_floats(l, N * (d->H + d->G));
    }
    if (d->has_post_norm) {
        out->step1 = take_floats(l, N * d->D);
        out->inv_post1 = take_floats(l, N);
        out->step2 = take_floats(l, N * d->D);
        out->inv_post2 = take_floats(l, N);
    }
}

static void lay_acts_back(Layout *l, const Dims *d, int64_t N, ActsBack *out)
{
    *out = (ActsBack){.dx = take_floats(l, N * d->D),
                      .dn = take_floats(l, N * d->D),
                      .dstep = take_floats(l, N * d->D),
                      .dqkv = take_floats(l, N * net_qkv_width(d)),
                      .datt = take_floats(l, N * d->H * d->K),
                      .delta = take_floats(l, N * d->H),
                      .dup = take_floats(l, N * net_up_width(d)),
                      .dact = take_floats(l, N * d->F)};
    if (d->is_parallel)
        out->dpar = take_floats(l, N * d->D);
}

static void lay_acts_head(Layout *l, const Dims *d, int64_t N, NetUse use, ActsHead *out)
{
    int64_t rows = HEAD_BYTES / (int64_t)sizeof(float) / d->V;

    rows = rows < HEAD_ROWS_MIN ? HEAD_ROWS_MIN : rows;
    rows = rows > HEAD_ROWS_MAX ? HEAD_ROWS_MAX : rows;
    rows = rows > N ? N : rows;
    *out = (ActsHead){.chunk = rows,
                      .row = take(l, N, (int64_t)sizeof(int64_t)),
                      .target = take(l, rows, (int64_t)sizeof(int32_t)),
                      .coef = take_floats(l, rows),
                      .logp = take_floats(l, rows),
                      .x = take_floats(l, rows * d->D),
                      .n = take_floats(l, rows * d->D),
                      .mean = take_floats(l, rows),
                      .inv = take_floats(l, rows),
                      .logits = take_floats(l, rows * d->V),
                      .low = lora_lay_low(l, d, rows)};
    if (use == NET_INFER)
        return;
    out->dn = take_floats(l, rows * d->D);
    out->dx = take_floats(l, rows * d->D);
}

// For inference all layers write over the same activations: a layer's `x` is dead once its `mid` is
// there, and the other way round, so what leaves a layer may take the place of what entered it.
static void lay_acts(Layout *l, const Dims *d, Acts *acts)
{
    int64_t   N = acts->N_max, seen = op_attention_spare(acts->longest, d->K);
    int64_t   seen_cached = op_attention_stride(acts->longest);
    ActsLayer shared;

    acts->layer = take(l, d->L, (int64_t)sizeof(ActsLayer));
    for (int i = 0; i < d->L; i++) {
        if (i == 0 || acts->use == NET_TRAIN)
            lay_acts_layer(l, d, N, &shared);
        if (acts->layer != NULL)
            acts->layer[i] = shared;
    }
    acts->x = acts->use == NET_TRAIN ? take_floats(l, N * d->D) : shared.x;
    if (acts->use == NET_TRAIN)
        lay_acts_back(l, d, N, &acts->back);
    lay_acts_head(l, d, N, acts->use, &acts->head);
    lora_lay_acts(l, d, N, acts->head.chunk, acts->use, &acts->lora);
    acts->spare = take_floats(l, seen > seen_cached ? seen : seen_cached);
}

Acts *acts_make(Arena *run, const Net *net, int64_t N_max, int64_t longest, NetUse use)
{
    Acts  *acts = arena_new(run, Acts, 1);
    Layout l = {.arena = run};

    CHECK(N_max > 0 && longest > 0, "N %" PRId64 ", longest %" PRId64, N_max, longest);
    *acts = (Acts){.N_max = N_max, .longest = longest, .use = use};
    lay_acts(&l, &net->params.dims, acts);
    return acts;
}

int64_t acts_need(const Dims *d, int64_t N_max, int64_t longest, NetUse use)
{
    Acts   acts = {.N_max = N_max, .longest = longest, .use = use};
    Layout l = {.arena = NULL};

    lay_acts(&l, d, &acts);
    return arena_need(1, sizeof(Acts)) + l.bytes;
}

// ---- the steps of a pass

float net_norm_offset(const Dims *d)
{
    return d->norm_is_offset ? 1 : 0;
}

float net_embed_scale(const Dims *d)
{
    return d->scales_embed ? sqrtf((float)d->D) : 1;
}

static void norm(const Net *net, ParamRole weight, ParamRole bias, int layer, float *y, float *mean,
                 float *inv, const float *x, int64_t N)
{
    const Dims *d = &net->params.dims;

    if (d->norm == NORM_RMS)
        op_rms(y, inv, x, net_weight(net, weight, layer), net_norm_offset(d), d->norm_eps, N, d->D);
    else
        op_layernorm(y, mean, inv, x, net_weight(net, weight, layer), net_weight(net, bias, layer),
                     d->norm_eps, N, d->D);
}

static void bias(const Net *net, ParamRole role, int layer, float *y, int64_t N, int64_t E)
{
    const float *b = net_weight(net, role, layer);

    if (b != NULL)
        op_bias(y, b, N, E);
}

// Queries and keys of a row, each by the weights of its kind; the heads of a kind are rows of K.
static void norm_heads(const Net *net, const ActsLayer *a, int layer, int64_t N)
{
    const Dims *d = &net->params.dims;
    int64_t     HK = (int64_t)d->H * d->K, GK = (int64_t)d->G * d->K, Q = net_qkv_width(d);

    for (int64_t n = 0; n < N; n++) {
        float *to = a->qkv + n * Q, *from = a->raw + n * (HK + GK);
        float *inv = a->inv_qk + n * (d->H + d->G);

        memcpy(from, to, (size_t)(HK + GK) * sizeof *from);
        op_rms(to, inv, from, net_weight(net, PARAM_Q_NORM, layer), net_norm_offset(d), d->norm_eps,
               d->H, d->K);
        op_rms(to + HK, inv + d->H, from + HK, net_weight(net, PARAM_K_NORM, layer),
               net_norm_offset(d), d->norm_eps, d->G, d->K);
    }
}

static void activate(const Dims *d, const ActsLayer *a, int64_t N)
{
    if (d->mlp == MLP_SWIGLU)
        op_swiglu(a->act, a->up, N, d->F);
    else if (d->mlp == MLP_GEGLU_TANH)
        op_geglu(a->act, a->up, N, d->F);
    else if (d->mlp == MLP_GELU_TANH)
        op_gelu(a->act, a->up, N, d->F);
    else
        op_gelu_erf(a->act, a->up, N, d->F);
}

OpHeads net_heads(const Dims *d, int layer)
{
    return (OpHeads){.H = d->H,
                     .G = d->G,
                     .K = d->K,
                     .scale = 1 / sqrtf(d->query_scalar > 0 ? (float)d->query_scalar : (float)d->K),
                     .window = dims_window(d, layer),
                     .cap = (float)d->score_cap};
}

void net_embed(const Net *net, Acts *acts, int64_t N, const int32_t *token, const int32_t *position)
{
    const Dims *d = &net->params.dims;

    CHECK(N <= acts->N_max, "%" PRId64 " rows, room for %" PRId64, N, acts->N_max);
    for (int64_t n = 0; n < N; n++) {
        CHECK(token[n] >= 0 && token[n] < d->V, "token %d of %" PRId64, token[n], d->V);
        CHECK(position[n] >= 0 && position[n] < d->T && position[n] < acts->longest,
              "position %d, context %" PRId64 ", longest %" PRId64, position[n], d->T,
              acts->longest);
    }
    op_embed(acts->layer[0].x, net_weight(net, PARAM_EMBED, -1), net_embed_scale(d),
             net_weight(net, PARAM_POSITION, -1), token, position, N, d->D);
}

void net_before(const Net *net, Acts *acts, int layer, int64_t N, const int32_t *position)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    const NetTurn   *turn = net_turn(net, layer);
    int64_t          Q = net_qkv_width(d);

    norm(net, PARAM_NORM1, PARAM_NORM1_BIAS, layer, a->n1, a->mean1, a->inv1, a->x, N);
    gemm_rows(a->qkv, net->layer[layer].qkv, a->n1, N);
    bias(net, PARAM_QKV_BIAS, layer, a->qkv, N, Q);
    lora_add(net, acts, (LoraPlace){LORA_QKV, layer, NULL, a->low}, a->qkv, a->n1, N);
    if (d->has_qk_norm)
        norm_heads(net, a, layer, N);
    if (d->position == POSITION_ROTARY)
        op_rope(a->qkv, turn->cosine, turn->sine, position, N, Q, d->H + d->G, d->K,
                dims_rotary(d));
}

// In place, if there is such a norm; what it was stays in `raw`.
static void post_norm(const Net *net, ParamRole weight, int layer, float *y, float *raw, float *inv,
                      int64_t N)
{
    const Dims *d = &net->params.dims;

    if (!d->has_post_norm)
        return;
    memcpy(raw, y, (size_t)(N * d->D) * sizeof *raw);
    op_rms(y, inv, raw, net_weight(net, weight, layer), net_norm_offset(d), d->norm_eps, N, d->D);
}

void net_after(const Net *net, Acts *acts, int layer, int64_t N)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    const NetLayer  *w = &net->layer[layer];
    float           *x = layer + 1 < d->L ? acts->layer[layer + 1].x : acts->x;

    gemm_rows(a->mid, w->out, a->att, N);
    bias(net, PARAM_OUT_BIAS, layer, a->mid, N, d->D);
    lora_add(net, acts, (LoraPlace){LORA_OUT, layer, NULL, a->low}, a->mid, a->att, N);
    post_norm(net, PARAM_POST1, layer, a->mid, a->step1, a->inv_post1, N);
    op_add(a->mid, a->x, N * d->D);

    norm(net, PARAM_NORM2, PARAM_NORM2_BIAS, layer, a->n2, a->mean2, a->inv2,
         d->is_parallel ? a->x : a->mid, N);
    gemm_rows(a->up, w->up, a->n2, N);
    bias(net, PARAM_UP_BIAS, layer, a->up, N, net_up_width(d));
    lora_add(net, acts, (LoraPlace){LORA_UP, layer, NULL, a->low}, a->up, a->n2, N);
    activate(d, a, N);
    gemm_rows(x, w->down, a->act, N);
    bias(net, PARAM_DOWN_BIAS, layer, x, N, d->D);
    lora_add(net, acts, (LoraPlace){LORA_DOWN, layer, NULL, a->low}, x, a->act, N);
    post_norm(net, PARAM_POST2, layer, x, a->step2, a->inv_post2, N);
    op_add(x, a->mid, N * d->D);
}

static void check_documents(const Acts *acts, const Batch *b)
{
    CHECK(b->begin[0] == 0 && b->begin[b->docs] == b->N, "%" PRId64 " documents end at %" PRId64,
          b->docs, b->begin[b->docs]);
    for (int64_t i = 0; i < b->docs; i++)
        CHECK(b->begin[i] <= b->begin[i + 1] && b->begin[i + 1] - b->begin[i] <= acts->longest,
              "document %" PRId64 " from %" PRId64 " to %" PRId64 ", longest %" PRId64, i,
              b->begin[i], b->begin[i + 1], acts->longest);
}

void net_forward(const Net *net, Acts *acts, const Batch *b)
{
    const Dims *d = &net->params.dims;

    check_documents(acts, b);
    net_embed(net, acts, b->N, b->token, b->position);
    for (int i = 0; i < d->L; i++) {
        const ActsLayer *a = &acts->layer[i];
        OpHeads          heads = net_heads(d, i);

        net_before(net, acts, i, b->N, b->position);
        op_attention(a->att, a->lse, a->qkv, b->begin, b->docs, &heads, acts->spare);
        net_after(net, acts, i, b->N);
    }
}

void net_head(const Net *net, Acts *acts, const int64_t *row, int64_t R, float *logits)
{
    const Dims *d = &net->params.dims;
    ActsHead   *h = &acts->head;

    CHECK(R <= h->chunk, "%" PRId64 " rows at once, room for %" PRId64, R, h->chunk);
    for (int64_t r = 0; r < R; r++)
        memcpy(h->x + r * d->D, acts->x + row[r] * d->D, (size_t)d->D * sizeof *h->x);
    norm(net, PARAM_NORMF, PARAM_NORMF_BIAS, -1, h->n, h->mean, h->inv, h->x, R);
    gemm_rows(logits, net->head, h->n, R);
    lora_add(net, acts, (LoraPlace){LORA_HEAD, -1, row, h->low}, logits, h->n, R);
    if (d->logit_cap > 0)
        op_cap(logits, (float)d->logit_cap, R * d->V);
}

void net_score(const Net *net, Acts *acts, const Batch *b, float *logp, float *logits)
{
    int64_t   V = net->params.dims.V, rows = 0;
    ActsHead *h = &acts->head;

    if (b->N == 0)
        return;
    net_forward(net, acts, b);
    for (int64_t n = 0; n < b->N; n++) {
        logp[n] = 0;
        if (b->target[n] >= 0 || logits != NULL)
            h->row[rows++] = n;
    }
    for (int64_t r0 = 0; r0 < rows; r0 += h->chunk) {
        int64_t        R = rows - r0 < h->chunk ? rows - r0 : h->chunk;
        const int64_t *row = h->row + r0;
        float         *to = logits == NULL ? h->logits : logits + row[0] * V;

        net_head(net, acts, row, R, to);
        for (int64_t r = 0; r < R; r++)
            h->target[r] = b->target[row[r]];
        op_loss(to, h->logp, h->target, NULL, 0, R, V);
        for (int64_t r = 0; r < R; r++)
            logp[row[r]] = h->logp[r];
    }
}
