#include "model/op_levels.h"
#include "model/ops.h"
#include "model/vec.h"

void op_swiglu(float *y, const float *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++) {
        const float *gate = gu + n * 2 * F, *up = gate + F;

        for (int64_t f = 0; f < F; f += VEC) {
            Vec g = vec_load_first(gate + f, F - f, 0), u = vec_load_first(up + f, F - f, 0);
            Vec lacks, s = vec_sigmoid(g, &lacks);

            vec_store_first(y + n * F + f, vec_mul(vec_mul(g, s), u), F - f);
        }
    }
}

// With s = sigmoid(g): d silu / dg = s (1 + g (1 - s)).
void op_swiglu_back(float *dgu, const float *dy, const float *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++) {
        const float *gate = gu + n * 2 * F, *up = gate + F;
        float       *dgate = dgu + n * 2 * F, *dup = dgate + F;

        for (int64_t f = 0; f < F; f += VEC) {
            Vec g = vec_load_first(gate + f, F - f, 0), u = vec_load_first(up + f, F - f, 0);
            Vec d = vec_load_first(dy + n * F + f, F - f, 0);
            Vec lacks, s = vec_sigmoid(g, &lacks);
            Vec slope = vec_mul(s, vec_add(vec_set(1), vec_mul(g, lacks)));

            vec_store_first(dgate + f, vec_mul(vec_mul(d, u), slope), F - f);
            vec_store_first(dup + f, vec_mul(d, vec_mul(g, s)), F - f);
        }
    }
}

// 0.5 x (1 + tanh u) is x sigmoid(2u), with u = sqrt(2/pi) (x + 0.044715 x^3).
static const float TWICE_ROOT = 1.59576912F, CUBIC = 0.044715F;

static inline Vec gelu_twice_u(Vec x)
{
    Vec square = vec_mul(x, x);
    Vec inner = vec_add(vec_set(1), vec_scale(square, CUBIC));

    return vec_scale(vec_mul(x, inner), TWICE_ROOT);
}

void op_gelu(float *y, const float *x, int64_t N, int64_t F)
{
    int64_t count = N * F;

    for (int64_t i = 0; i < count; i += VEC) {
        Vec a = vec_load_first(x + i, count - i, 0);
        Vec lacks, s = vec_sigmoid(gelu_twice_u(a), &lacks);

        vec_store_first(y + i, vec_mul(a, s), count - i);
    }
}

// d/dx x s = s + x s (1 - s) 2u', 2u' = 2 sqrt(2/pi) (1 + 3 0.044715 x^2).
void op_gelu_back(float *dx, const float *dy, const float *x, int64_t N, int64_t F)
{
    int64_t count = N * F;

    for (int64_t i = 0; i < count; i += VEC) {
        Vec a = vec_load_first(x + i, count - i, 0), d = vec_load_first(dy + i, count - i, 0);
        Vec lacks, s = vec_sigmoid(gelu_twice_u(a), &lacks);
        Vec cubic = vec_add(vec_set(1), vec_scale(vec_mul(a, a), 3 * CUBIC));
        Vec inner = vec_scale(vec_mul(vec_mul(a, lacks), cubic), TWICE_ROOT);

        vec_store_first(dx + i, vec_mul(d, vec_mul(s, vec_add(vec_set(1), inner))), count - i);
    }
}
