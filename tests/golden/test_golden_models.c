#include "tests/golden/golden.h"

#include <stdio.h>
#include <string.h>

// Tolerances are those that goldens/README.md recommends, with their evidence.
static const double logits_tol = 5e-5, logp_tol = 5e-5, loss_tol = 1e-5, grad_rel = 5e-5,
                    grad_abs = 1e-6;

// Rows of ids [B][T] as documents; coefficients so that the sum is the weighted mean.
static Batch rows_of(Golden *g, const H5Array *ids, const H5Array *weights)
{
    int64_t B = ids->shape[0], T = ids->shape[1];
    Batch   b = batch_make(&g->arena, B * T, B);
    double  sum = 0;

    for (int64_t i = 0; i < B * T; i++)
        sum += (double)((float *)weights->data)[i];
    for (int64_t i = 0; i < B; i++)
        batch_add(&b, (int32_t *)ids->data + i * T, (float *)weights->data + i * T, T,
                  (float)(1 / sum));
    return b;
}

static int64_t compare_forward(Golden *g)
{
    int64_t V = g->net.params.dims.V, compared = 0;
    H5Array ids = golden_array(g, "/forward/ids", H5_I32, 2);
    H5Array weights = golden_array(g, "/forward/loss_weights", H5_F32, 2);
    H5Array logits = golden_array(g, "/forward/logits", H5_F32, 3);
    Batch   b = rows_of(g, &ids, &weights);
    Acts   *acts = acts_make(&g->arena, &g->net, b.N, ids.shape[1], NET_INFER);
    float  *logp = arena_new(&g->arena, float, b.N), *got = arena_new(&g->arena, float, b.N *V);
    double  loss = 0;

    net_score(&g->net, acts, &b, logp, got);
    EXPECT_FLOATS(got, logits.data, b.N * V, logits_tol);
    compared += b.N;
    for (int64_t n = 0; n < b.N; n++)
        loss -= (double)b.coef[n] * (double)logp[n];
    EXPECT_WITHIN(loss - golden_number(g, "/forward/mean_loss"), loss_tol);
    compared++;
    if (h5_has(g->file, "/forward/logprobs_of_next")) {
        H5Array next = golden_array(g, "/forward/logprobs_of_next", H5_F32, 2);

        EXPECT_FLOATS(logp, next.data, b.N, logp_tol);
        compared += ids.shape[0];
    }
    return compared;
}

static void logits_and_loss_are_those_of_torch(const Comm *c)
{
    (void)c;
    golden_each(compare_forward);
}

static int64_t compare_gradients(Golden *g)
{
    H5Array ids = golden_array(g, "/forward/ids", H5_I32, 2);
    H5Array weights = golden_array(g, "/forward/loss_weights", H5_F32, 2);
    Batch   b = rows_of(g, &ids, &weights);
    Acts   *acts = acts_make(&g->arena, &g->net, b.N, ids.shape[1], NET_TRAIN);
    float  *grad = arena_new(&g->arena, float, g->net.params.padded);
    double  loss = net_grad(&g->net, acts, &b, grad, NULL);
    int64_t tensors = 0;
    char    first[128];

    EXPECT_WITHIN(loss - golden_number(g, "/forward/mean_loss"), loss_tol);
    snprintf(first, sizeof first, "/grads/%s", g->net.params.list[0].name);
    if (!h5_has(g->file, first))
        return 1;
    for (int n = 0; n < g->net.params.count; n++)
        tensors += golden_compare_tensor(g, "/grads", n, grad, grad_rel, grad_abs);
    EXPECT_INT(tensors, g->net.params.count);
    return 1 + tensors;
}

static void gradients_are_those_of_torch(const Comm *c)
{
    (void)c;
    golden_each(compare_gradients);
}

// One row of several documents, which begin where doc_start is the own index.
static Batch documents_of(Golden *g)
{
    H5Array  ids = golden_array(g, "/packed/ids", H5_I32, 2);
    H5Array  weights = golden_array(g, "/packed/loss_weights", H5_F32, 2);
    H5Array  starts = golden_array(g, "/packed/doc_start", H5_I32, 2);
    int64_t  T = ids.shape[1], first = 0;
    Batch    b = batch_make(&g->arena, T, T);
    int32_t *token = ids.data, *start = starts.data;
    float   *weight = weights.data;
    double   sum = 0;

    for (int64_t t = 0; t < T; t++)
        sum += (double)weight[t];
    for (int64_t t = 1; t <= T; t++)
        if (t == T || start[t] == t) {
            batch_add(&b, token + first, weight + first, t - first, (float)(1 / sum));
            first = t;
        }
    return b;
}

static int64_t compare_packed(Golden *g)
{
    int64_t V = g->net.params.dims.V, tensors = 0, rows = 0;
    Batch   b;
    Acts   *acts;
    float  *logp, *got, *grad, *want;
    H5Array logits, positions;
    double  loss;

    if (!h5_has(g->file, "/packed/ids"))
        return GOLDEN_NONE;
    b = documents_of(g);
    acts = acts_make(&g->arena, &g->net, b.N, b.N, NET_TRAIN);
    logp = arena_new(&g->arena, float, b.N);
    got = arena_new(&g->arena, float, b.N *V);
    grad = arena_new(&g->arena, float, g->net.params.padded);
    positions = golden_array(g, "/packed/positions", H5_I32, 2);
    EXPECT_INT(memcmp(b.position, positions.data, (size_t)b.N * sizeof(int32_t)), 0);
    net_score(&g->net, acts, &b, logp, got);
    logits = golden_array(g, "/packed/logits", H5_F32, 3);
    EXPECT_FLOATS(got, logits.data, b.N * V, logits_tol);
    want = golden_array(g, "/packed/logprobs", H5_F32, 2).data;
    for (int64_t n = 0; n < b.N; n++)
        if (b.target[n] >= 0) {
            EXPECT_WITHIN(logp[n] - want[n + 1], logp_tol);
            rows++;
        }
    loss = net_grad(&g->net, acts, &b, grad, NULL);
    EXPECT_WITHIN(loss - golden_number(g, "/packed/mean_loss"), loss_tol);
    for (int n = 0; n < g->net.params.count; n++)
        tensors += golden_compare_tensor(g, "/packed/grads", n, grad, grad_rel, grad_abs);
    EXPECT_INT(tensors, 3);
    return b.N + rows + 1 + tensors;
}

static void packed_documents_are_those_of_torch(const Comm *c)
{
    (void)c;
    golden_each(compare_packed);
}

TEST_MAIN(CASE(logits_and_loss_are_those_of_torch), CASE(gradients_are_those_of_torch),
          CASE(packed_documents_are_those_of_torch))
