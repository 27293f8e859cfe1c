#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "model/kernels/vec.h"

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

// d/dx x s = s + x s (1 - s) 2u', 2u' = 2 sqrt(2/pi) (1 + 3 0.044715 x^2).  *s becomes s.
static inline Vec gelu_slope(Vec a, Vec *s)
{
    Vec lacks, cubic = vec_add(vec_set(1), vec_scale(vec_mul(a, a), 3 * CUBIC));

    *s = vec_sigmoid(gelu_twice_u(a), &lacks);
    Vec inner = vec_scale(vec_mul(vec_mul(a, lacks), cubic), TWICE_ROOT);
    return vec_mul(*s, vec_add(vec_set(1), inner));
}

void op_gelu_back(float *dx, const float *dy, const float *x, int64_t N, int64_t F)
{
    int64_t count = N * F;

    for (int64_t i = 0; i < count; i += VEC) {
        Vec a = vec_load_first(x + i, count - i, 0), d = vec_load_first(dy + i, count - i, 0), s;

        vec_store_first(dx + i, vec_mul(d, gelu_slope(a, &s)), count - i);
    }
}

void op_geglu(float *y, const float *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++) {
        const float *gate = gu + n * 2 * F, *up = gate + F;

        for (int64_t f = 0; f < F; f += VEC) {
            Vec g = vec_load_first(gate + f, F - f, 0), u = vec_load_first(up + f, F - f, 0);
            Vec lacks, s = vec_sigmoid(gelu_twice_u(g), &lacks);

            vec_store_first(y + n * F + f, vec_mul(vec_mul(g, s), u), F - f);
        }
    }
}

void op_geglu_back(float *dgu, const float *dy, const float *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++) {
        const float *gate = gu + n * 2 * F, *up = gate + F;
        float       *dgate = dgu + n * 2 * F, *dup = dgate + F;

        for (int64_t f = 0; f < F; f += VEC) {
            Vec g = vec_load_first(gate + f, F - f, 0), u = vec_load_first(up + f, F - f, 0);
            Vec d = vec_load_first(dy + n * F + f, F - f, 0), s, slope = gelu_slope(g, &s);

            vec_store_first(dgate + f, vec_mul(vec_mul(d, u), slope), F - f);
            vec_store_first(dup + f, vec_mul(d, vec_mul(g, s)), F - f);
        }
    }
}

// The chance that a normal number exceeds a >= 0 is e^(-a^2/2) t P(t), t = 1 / (1 + 0.35 a); P was
// fitted to a relative error of 4e-8 where the result is not lost below float.  Returns the chance
// to stay below x; *peak is e^(-x^2/2).
static inline Vec vec_normal(Vec x, Vec *peak)
{
    VEC_EACH(p)
    {
        Part     b = x.part[p], zero = {0};
        PartBits up = b > 0;
        Part     a = part_select(up, b, zero - b);
        Part     t = 1 / (1 + a * 0.35F);
        Part     q = part_set(-0.0291133115F);
        Part     e = part_exp(a * a * -0.5F), beyond;

        q = q * t + 0.143810318F;
        q = q * t - 0.255374837F;
        q = q * t + 0.158778945F;
        q = q * t - 0.0228320652F;
        q = q * t + 0.105387742F;
        q = q * t + 0.119864084F;
        q = q * t + 0.139857443F;
        q = q * t + 0.139621666F;
        beyond = e * (q * t);
        peak->part[p] = e;
        x.part[p] = part_select(up, 1 - beyond, beyond);
    }
    return x;
}

void op_gelu_erf(float *y, const float *x, int64_t N, int64_t F)
{
    int64_t count = N * F;

    for (int64_t i = 0; i < count; i += VEC) {
        Vec a = vec_load_first(x + i, count - i, 0), peak;

        vec_store_first(y + i, vec_mul(a, vec_normal(a, &peak)), count - i);
    }
}

// d/dx x C(x) = C(x) + x e^(-x^2/2) / sqrt(2 pi).
void op_gelu_erf_back(float *dx, const float *dy, const float *x, int64_t N, int64_t F)
{
    const float root = 0.398942280F;
    int64_t     count = N * F;

    for (int64_t i = 0; i < count; i += VEC) {
        Vec a = vec_load_first(x + i, count - i, 0), d = vec_load_first(dy + i, count - i, 0);
        Vec peak, below = vec_normal(a, &peak);
        Vec slope = vec_add(below, vec_mul(a, vec_scale(peak, root)));

        vec_store_first(dx + i, vec_mul(d, slope), count - i);
    }
}
