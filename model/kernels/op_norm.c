#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "model/kernels/vec.h"

static float sum_squares(const float *x, float mean, int64_t D)
{
    Vec sum = vec_set(0);

    for (int64_t d = 0; d < D; d += VEC) {
        Vec a = vec_sub(vec_load_first(x + d, D - d, mean), vec_set(mean));
        sum = vec_add(sum, vec_mul(a, a));
    }
    return vec_sum(sum);
}

void op_rms(float *y, float *inv, const float *x, const float *w, float offset, float eps,
            int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const float *xn = x + n * D;
        float       *yn = y + n * D;
        float        s = 1 / sqrtf(sum_squares(xn, 0, D) / (float)D + eps);

        inv[n] = s;
        for (int64_t d = 0; d < D; d++)
            yn[d] = xn[d] * s * (offset + w[d]);
    }
}

// With s = inv[n] and g = dy * (offset + w), the row's gradient is s g - x s^3 <g, x> / D: the
// second part is what x does to its own length.
void op_rms_back(float *dx, float *dw, const float *dy, const float *x, const float *w,
                 float offset, const float *inv, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const float *xn = x + n * D, *dyn = dy + n * D;
        float       *dxn = dx + n * D;
        Vec          gx = vec_set(0);

        for (int64_t d = 0; d < D; d += VEC) {
            Vec f = vec_add(vec_load_first(w + d, D - d, 0), vec_set(offset));
            Vec g = vec_mul(vec_load_first(dyn + d, D - d, 0), f);
            gx = vec_add(gx, vec_mul(g, vec_load_first(xn + d, D - d, 0)));
        }
        float s = inv[n], pull = s * s * s * (vec_sum(gx) / (float)D);

        for (int64_t d = 0; dw != NULL && d < D; d++)
            dw[d] += dyn[d] * (xn[d] * s);
        for (int64_t d = 0; d < D; d++)
            dxn[d] = s * (dyn[d] * (offset + w[d])) - xn[d] * pull;
    }
}

static float mean_of(const float *x, int64_t D)
{
    Vec sum = vec_set(0);

    for (int64_t d = 0; d < D; d += VEC)
        sum = vec_add(sum, vec_load_first(x + d, D - d, 0));
    return vec_sum(sum) / (float)D;
}

void op_layernorm(float *y, float *mean, float *inv, const float *x, const float *w, const float *b,
                  float eps, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const float *xn = x + n * D;
        float       *yn = y + n * D;
        float        m = mean_of(xn, D);
        float        s = 1 / sqrtf(sum_squares(xn, m, D) / (float)D + eps);

        mean[n] = m;
        inv[n] = s;
        for (int64_t d = 0; d < D; d++)
            yn[d] = (xn[d] - m) * s * w[d] + b[d];
    }
}

// With h = (x - mean) s and g = dy * w: dx = s (g - mean(g) - h mean(g h)).
void op_layernorm_back(float *dx, float *dw, float *db, const float *dy, const float *x,
                       const float *w, const float *mean, const float *inv, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const float *xn = x + n * D, *dyn = dy + n * D;
        float       *dxn = dx + n * D;
        float        m = mean[n], s = inv[n];
        Vec          sum_g = vec_set(0), sum_gh = vec_set(0);

        for (int64_t d = 0; d < D; d += VEC) {
            Vec g = vec_mul(vec_load_first(dyn + d, D - d, 0), vec_load_first(w + d, D - d, 0));
            Vec h = vec_scale(vec_sub(vec_load_first(xn + d, D - d, m), vec_set(m)), s);
            sum_g = vec_add(sum_g, g);
            sum_gh = vec_add(sum_gh, vec_mul(g, h));
        }
        float mean_g = vec_sum(sum_g) / (float)D, mean_gh = vec_sum(sum_gh) / (float)D;

        for (int64_t d = 0; db != NULL && d < D; d++)
            db[d] += dyn[d];
        for (int64_t d = 0; dw != NULL && d < D; d++)
            dw[d] += dyn[d] * ((xn[d] - m) * s);
        for (int64_t d = 0; d < D; d++)
            dxn[d] = s * (dyn[d] * w[d] - mean_g - (xn[d] - m) * s * mean_gh);
    }
}
