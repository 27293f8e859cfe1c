#include "model/acts.h"
#include "model/adapters/lora.h"
#include "model/kernels/ops.h"

#include <inttypes.h>
#include <string.h>

// ---- one step back at a time

static void norm_back(const Net *net, float *grad, ParamRole weight, ParamRole bias, int layer,
                      float *dx, const float *dy, const float *x, const float *mean,
                      const float *inv, int64_t N)
{
    const Dims *d = &net->params.dims;

    if (d->norm == NORM_RMS)
        op_rms_back(dx, net_slot(net, grad, weight, layer), dy, x, net_weight(net, weight, layer),
                    net_norm_offset(d), inv, N, d->D);
    else
        op_layernorm_back(dx, net_slot(net, grad, weight, layer), net_slot(net, grad, bias, layer),
                          dy, x, net_weight(net, weight, layer), mean, inv, N, d->D);
}

// Of weights that are trained.
static void weight_grad(float *dw, const float *dy, const float *x, int64_t N, int64_t E, int64_t D)
{
    if (dw != NULL)
        gemm_weight_grad(dw, dy, x, N, E, D);
}

static void bias_back(const Net *net, float *grad, ParamRole role, int layer, const float *dy,
                      int64_t N, int64_t E)
{
    float *db = net_slot(net, grad, role, layer);

    if (db != NULL)
        op_bias_back(db, dy, N, E);
}

// dqkv: of the normed queries and keys; afterwards of those before their norm.
static void norm_heads_back(const Net *net, float *grad, float *dqkv, const ActsLayer *a, int layer,
                            int64_t N)
{
    const Dims *d = &net->params.dims;
    int64_t     HK = (int64_t)d->H * d->K, GK = (int64_t)d->G * d->K, Q = net_qkv_width(d);

    for (int64_t n = 0; n < N; n++) {
        const float *x = a->raw + n * (HK + GK), *inv = a->inv_qk + n * (d->H + d->G);
        float       *dq = dqkv + n * Q, *dk = dq + HK;

        op_rms_back(dq, net_slot(net, grad, PARAM_Q_NORM, layer), dq, x,
                    net_weight(net, PARAM_Q_NORM, layer), net_norm_offset(d), inv, d->H, d->K);
        op_rms_back(dk, net_slot(net, grad, PARAM_K_NORM, layer), dk, x + HK,
                    net_weight(net, PARAM_K_NORM, layer), net_norm_offset(d), inv + d->H, d->G,
                    d->K);
    }
}

static void activate_back(const Dims *d, const ActsBack *g, const ActsLayer *a, int64_t N)
{
    if (d->mlp == MLP_SWIGLU)
        op_swiglu_back(g->dup, g->dact, a->up, N, d->F);
    else if (d->mlp == MLP_GEGLU_TANH)
        op_geglu_back(g->dup, g->dact, a->up, N, d->F);
    else if (d->mlp == MLP_GELU_TANH)
        op_gelu_back(g->dup, g->dact, a->up, N, d->F);
    else
        op_gelu_erf_back(g->dup, g->dact, a->up, N, d->F);
}

// The gradient of what attention or the MLP gave, from that of what was added: before its norm, in
// back.dstep, if it has one.
static const float *post_norm_back(const Net *net, const ActsBack *g, float *grad, ParamRole weight,
                                   int layer, const float *raw, const float *inv, int64_t N)
{
    const Dims *d = &net->params.dims;

    if (!d->has_post_norm)
        return g->dx;
    op_rms_back(g->dstep, net_slot(net, grad, weight, layer), g->dx, raw,
                net_weight(net, weight, layer), net_norm_offset(d), inv, N, d->D);
    return g->dstep;
}

// back.dx holds the gradient of what left the MLP; afterwards that of `mid`.  Beside attention, the
// share of what entered the layer waits in back.dpar.
static void mlp_back(const Net *net, Acts *acts, int layer, float *grad, int64_t N)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    const NetLayer  *w = &net->layer[layer];
    const ActsBack  *g = &acts->back;
    int64_t          U = net_up_width(d);
    const float     *dy;

    dy = post_norm_back(net, g, grad, PARAM_POST2, layer, a->step2, a->inv_post2, N);
    bias_back(net, grad, PARAM_DOWN_BIAS, layer, dy, N, d->D);
    weight_grad(net_slot(net, grad, PARAM_DOWN, layer), dy, a->act, N, d->D, d->F);
    gemm_rows(g->dact, w->down_back, dy, N);
    lora_back(net, acts, (LoraPlace){LORA_DOWN, layer, NULL, a->low}, grad, g->dact, dy, a->act, N);
    activate_back(d, g, a, N);
    bias_back(net, grad, PARAM_UP_BIAS, layer, g->dup, N, U);
    weight_grad(net_slot(net, grad, PARAM_UP, layer), g->dup, a->n2, N, U, d->D);
    gemm_rows(g->dn, w->up_back, g->dup, N);
    lora_back(net, acts, (LoraPlace){LORA_UP, layer, NULL, a->low}, grad, g->dn, g->dup, a->n2, N);
    norm_back(net, grad, PARAM_NORM2, PARAM_NORM2_BIAS, layer, d->is_parallel ? g->dpar : g->dstep,
              g->dn, d->is_parallel ? a->x : a->mid, a->mean2, a->inv2, N);
    if (!d->is_parallel)
        op_add(g->dx, g->dstep, N * d->D);
}

// back.dx holds the gradient of `mid`; afterwards that of what entered the layer.
static void attention_back(const Net *net, Acts *acts, int layer, float *grad, const Batch *b)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    const NetLayer  *w = &net->layer[layer];
    const ActsBack  *g = &acts->back;
    int64_t          N = b->N, Q = net_qkv_width(d);
    OpHeads          heads = net_heads(d, layer);
    const NetTurn   *turn = net_turn(net, layer);
    const float     *dy;

    dy = post_norm_back(net, g, grad, PARAM_POST1, layer, a->step1, a->inv_post1, N);
    bias_back(net, grad, PARAM_OUT_BIAS, layer, dy, N, d->D);
    weight_grad(net_slot(net, grad, PARAM_OUT, layer), dy, a->att, N, d->D, (int64_t)d->H * d->K);
    gemm_rows(g->datt, w->out_back, dy, N);
    lora_back(net, acts, (LoraPlace){LORA_OUT, layer, NULL, a->low}, grad, g->datt, dy, a->att, N);
    op_attention_back(g->dqkv, g->delta, g->datt, a->att, a->lse, a->qkv, b->begin, b->docs, &heads,
                      acts->spare);
    if (d->position == POSITION_ROTARY)
        op_rope_back(g->dqkv, turn->cosine, turn->sine, b->position, N, Q, d->H + d->G, d->K,
                     dims_rotary(d));
    if (d->has_qk_norm)
        norm_heads_back(net, grad, g->dqkv, a, layer, N);
    bias_back(net, grad, PARAM_QKV_BIAS, layer, g->dqkv, N, Q);
    weight_grad(net_slot(net, grad, PARAM_QKV, layer), g->dqkv, a->n1, N, Q, d->D);
    gemm_rows(g->dn, w->qkv_back, g->dqkv, N);
    lora_back(net, acts, (LoraPlace){LORA_QKV, layer, NULL, a->low}, grad, g->dn, g->dqkv, a->n1,
              N);
    norm_back(net, grad, PARAM_NORM1, PARAM_NORM1_BIAS, layer, g->dstep, g->dn, a->x, a->mean1,
              a->inv1, N);
    op_add(g->dx, g->dstep, N * d->D);
    if (d->is_parallel)
        op_add(g->dx, g->dpar, N * d->D);
}

// Loss and gradient of rows row[0..R): back.dx gets theirs, grad the head's and last norm's.
static double head_back(const Net *net, Acts *acts, const Batch *b, const int64_t *row, int64_t R,
                        float *grad)
{
    const Dims *d = &net->params.dims;
    ActsHead   *h = &acts->head;
    double      sum = 0;

    for (int64_t r = 0; r < R; r++) {
        h->target[r] = b->target[row[r]];
        h->coef[r] = b->coef[row[r]];
    }
    net_head(net, acts, row, R, h->logits);
    op_loss(h->logits, h->logp, h->target, h->coef, (float)d->logit_cap, R, d->V);
    weight_grad(net_slot(net, grad, net_head_role(d), -1), h->logits, h->n, R, d->V, d->D);
    gemm_rows(h->dn, net->head_back, h->logits, R);
    lora_back(net, acts, (LoraPlace){LORA_HEAD, -1, row, h->low}, grad, h->dn, h->logits, h->n, R);
    norm_back(net, grad, PARAM_NORMF, PARAM_NORMF_BIAS, -1, h->dx, h->dn, h->x, h->mean, h->inv, R);
    for (int64_t r = 0; r < R; r++) {
        memcpy(acts->back.dx + row[r] * d->D, h->dx + r * d->D, (size_t)d->D * sizeof *h->dx);
        sum -= (double)h->coef[r] * (double)h->logp[r];
    }
    return sum;
}

// ---- all of it

static double all_heads_back(const Net *net, Acts *acts, const Batch *b, float *grad, float *logp)
{
    ActsHead *h = &acts->head;
    int64_t   rows = 0;
    double    sum = 0;

    for (int64_t n = 0; n < b->N; n++)
        if (b->coef[n] != 0 && b->target[n] >= 0)
            h->row[rows++] = n;
    memset(acts->back.dx, 0, (size_t)(b->N * net->params.dims.D) * sizeof *acts->back.dx);
    if (logp != NULL)
        memset(logp, 0, (size_t)b->N * sizeof *logp);
    for (int64_t r0 = 0; r0 < rows; r0 += h->chunk) {
        int64_t R = rows - r0 < h->chunk ? rows - r0 : h->chunk;

        sum += head_back(net, acts, b, h->row + r0, R, grad);
        for (int64_t r = 0; logp != NULL && r < R; r++)
            logp[h->row[r0 + r]] = h->logp[r];
    }
    return sum;
}

double net_grad(const Net *net, Acts *acts, const Batch *b, float *grad, float *logp)
{
    const Dims *d = &net->params.dims;
    double      sum;

    CHECK(net->use == NET_TRAIN && acts->use == NET_TRAIN, "made for inference only");
    if (b->N == 0)
        return 0;
    acts->drop = b->drop;
    net_forward(net, acts, b);
    sum = all_heads_back(net, acts, b, grad, logp);
    for (int i = d->L - 1; i >= 0; i--) {
        mlp_back(net, acts, i, grad, b->N);
        attention_back(net, acts, i, grad, b);
    }
    op_embed_back(net_slot(net, grad, PARAM_EMBED, -1), net_embed_scale(d),
                  net_slot(net, grad, PARAM_POSITION, -1), acts->back.dx, b->token, b->position,
                  b->N, d->D);
    acts->drop = (NetDropout){.is_on = 0};
    return sum;
}
