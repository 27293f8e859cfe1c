#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "model/kernels/vec.h"

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

// The slope of capped logits y where they were x: 1 - tanh^2(x / cap), and y is cap tanh(x / cap).
static float slope_of(float y, float cap)
{
    float t = y / cap;

    return (1 - t) * (1 + t);
}

// logits[V] become coef (softmax - onehot), times the slope of the cap.
static void loss_row_back(float *logits, float lse, int32_t target, float coef, float cap,
                          int64_t V)
{
    Vec   shift = vec_set(lse);
    float slope = cap > 0 ? slope_of(logits[target], cap) : 1;

    for (int64_t v = 0; v < V; v += VEC) {
        Vec y = vec_load_first(logits + v, V - v, 0);
        Vec p = vec_scale(vec_exp(vec_sub(y, shift)), coef);

        if (cap > 0) {
            Vec t = vec_scale(y, 1 / cap), one = vec_set(1);

            p = vec_mul(p, vec_mul(vec_sub(one, t), vec_add(one, t)));
        }
        vec_store_first(logits + v, p, V - v);
    }
    logits[target] -= coef * slope;
}

void op_cap(float *x, float cap, int64_t count)
{
    for (int64_t i = 0; i < count; i += VEC) {
        Vec slope, y = vec_cap(vec_load_first(x + i, count - i, 0), cap, &slope);

        vec_store_first(x + i, y, count - i);
    }
}

void op_loss(float *logits, float *logp, const int32_t *target, const float *coef, float cap,
             int64_t M, int64_t V)
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
            loss_row_back(row, lse, target[m], coef[m], cap, V);
    }
}
