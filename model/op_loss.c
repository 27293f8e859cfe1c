#include "model/op_levels.h"
#include "model/ops.h"
#include "model/vec.h"

float op_logsumexp(const float *logits, int64_t V)
{
    Vec largest = vec_set(-INFINITY), sum = vec_set(0);

    for (int64_t v = 0; v < V; v += VEC)
        largest = vec_max(largest, vec_load_first(logits + v, V - v, -INFINITY));

    float m = vec_largest(largest);
    Vec   shift = vec_set(m);

    for (int64_t v = 0; v < V; v += VEC)
        sum = vec_add(sum, vec_exp(vec_sub(vec_load_first(logits + v, V - v, -INFINITY), shift)));
    return m + vec_log(vec_sum(sum));
}

// logits[V] become coef (softmax - onehot).
static void loss_row_back(float *logits, float lse, int32_t target, float coef, int64_t V)
{
    Vec shift = vec_set(lse);

    for (int64_t v = 0; v < V; v += VEC) {
        Vec p = vec_exp(vec_sub(vec_load_first(logits + v, V - v, 0), shift));
        vec_store_first(logits + v, vec_scale(p, coef), V - v);
    }
    logits[target] -= coef;
}

void op_loss(float *logits, float *logp, const int32_t *target, const float *coef, int64_t M,
             int64_t V)
{
    for (int64_t m = 0; m < M; m++) {
        float *row = logits + m * V;
        float  lse = 0;

        logp[m] = 0;
        if (target[m] >= 0) {
            lse = op_logsumexp(row, V);
            logp[m] = row[target[m]] - lse;
        }
        if (coef == NULL)
            continue;
        if (target[m] < 0 || coef[m] == 0) // exact zeros, and no work for what does not count
            memset(row, 0, (size_t)V * sizeof *row);
        else
            loss_row_back(row, lse, target[m], coef[m], V);
    }
}
