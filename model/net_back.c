#include "model/acts.h"
#include "model/ops.h"

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
                    inv, N, d->D);
    else
        op_layernorm_back(dx, net_slot(net, grad, weight, layer), net_slot(net, grad, bias, layer),
                          dy, x, net_weight(net, weight, layer), mean, inv, N, d->D);
}

static void bias_back(const Net *net, float *grad, ParamRole role, int layer, const float *dy,
                      int64_t N, int64_t E)
{
    if (net->params.dims.has_bias)
        op_bias_back(net_slot(net, grad, role, layer), dy, N, E);
}

// back.dx holds the gradient of what left the MLP; afterwards that of `mid`.
static void mlp_back(const Net *net, Acts *acts, int layer, float *grad, int64_t N)
{
    const Dims      *d = &net->params.dims;
    const ActsLayer *a = &acts->layer[layer];
    const NetLayer  *w = &net->layer[layer];
    const ActsBack  *g = &acts->back;
    int64_t          U = net_up_width(d);

    bias_back(net, grad, PARAM_DOWN_BIAS, layer, g->dx, N, d->D);
    gemm_weight_grad(net_slot(net, grad, PARAM_DOWN, layer), g->dx, a->act, N, d->D, d->F);
    gemm_rows(g->dact, w->down_back, g->dx, N);
    if (d->mlp == MLP_SWIGLU)
        op_swiglu_back(g->dup, g->dact, a->up, N, d->F);
    else
        op_gelu_back(g->dup, g->dact, a->up, N, d->F);
    bias_back(net, grad, PARAM_UP_BIAS, layer, g->dup, N, U);
    gemm_weight_grad(net_slot(net, grad, PARAM_UP, layer), g->dup, a->n2, N, U, d->D);
    gemm_rows(g->dn, w->up_back, g->dup, N);
    norm_back(net, grad, PARAM_NORM2, PARAM_NORM2_BIAS, layer, g->dstep, g->dn, a->mid, a->mean2,
              a->inv2, N);
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

    bias_back(net, grad, PARAM_OUT_BIAS, layer, g->dx, N, d->D);
    gemm_weight_grad(net_slot(net, grad, PARAM_OUT, layer), g->dx, a->att, N, d->D,
                     (int64_t)d->H * d->K);
    gemm_rows(g->datt, w->out_back, g->dx, N);
    op_attention_back(g->dqkv, g->delta, g->datt, a->att, a->lse, a->qkv, b->begin, b->docs, d->H,
                      d->G, d->K, acts->spare);
    if (d->position == POSITION_ROTARY)
        op_rope_back(g->dqkv, net->cosine, net->sine, b->position, N, Q, d->H + d->G, d->K);
    bias_back(net, grad, PARAM_QKV_BIAS, layer, g->dqkv, N, Q);
    gemm_weight_grad(net_slot(net, grad, PARAM_QKV, layer), g->dqkv, a->n1, N, Q, d->D);
    gemm_rows(g->dn, w->qkv_back, g->dqkv, N);
    norm_back(net, grad, PARAM_NORM1, PARAM_NORM1_BIAS, layer, g->dstep, g->dn, a->x, a->mean1,
              a->inv1, N);
    op_add(g->dx, g->dstep, N * d->D);
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
    op_loss(h->logits, h->logp, h->target, h->coef, R, d->V);
    gemm_weight_grad(net_slot(net, grad, net_head_role(d), -1), h->logits, h->n, R, d->V, d->D);
    gemm_rows(h->dn, net->head_back, h->logits, R);
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
    net_forward(net, acts, b);
    sum = all_heads_back(net, acts, b, grad, logp);
    for (int i = d->L - 1; i >= 0; i--) {
        mlp_back(net, acts, i, grad, b->N);
        attention_back(net, acts, i, grad, b);
    }
    op_embed_back(net_slot(net, grad, PARAM_EMBED, -1), net_slot(net, grad, PARAM_POSITION, -1),
                  acts->back.dx, b->token, b->position, b->N, d->D);
    return sum;
}
