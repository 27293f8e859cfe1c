#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"

#include <math.h>

// Frequencies and angles are rounded to float at each step, as the reference implementations do:
// at position 1000 the rounding of the angle is larger than that of its cosine.
void op_rope_table(float *cosine, float *sine, const double *frequency, double factor, int64_t T,
                   int R)
{
    int half = R / 2;

    for (int i = 0; i < half; i++) {
        float rounded = (float)frequency[i];

        for (int64_t t = 0; t < T; t++) {
            float angle = (float)t * rounded;
            cosine[t * half + i] = (float)(factor * cos((double)angle));
            sine[t * half + i] = (float)(factor * sin((double)angle));
        }
    }
}

// (a, b) turns by the angle of (c, s); `way` is 1 or -1.
static void turn(float *restrict a, float *restrict b, const float *restrict c,
                 const float *restrict s, float way, int half)
{
    for (int i = 0; i < half; i++) {
        float u = a[i], v = b[i], t = way * s[i];

        a[i] = u * c[i] - v * t;
        b[i] = v * c[i] + u * t;
    }
}

static void turn_rows(float *x, const float *cosine, const float *sine, const int32_t *position,
                      int64_t N, int64_t stride, int heads, int K, int R, float way)
{
    int half = R / 2;

    for (int64_t n = 0; n < N; n++) {
        const float *c = cosine + (int64_t)position[n] * half;
        const float *s = sine + (int64_t)position[n] * half;

        for (int h = 0; h < heads; h++) {
            float *xh = x + n * stride + (int64_t)h * K;
            turn(xh, xh + half, c, s, way, half);
        }
    }
}

void op_rope(float *x, const float *cosine, const float *sine, const int32_t *position, int64_t N,
             int64_t stride, int heads, int K, int R)
{
    turn_rows(x, cosine, sine, position, N, stride, heads, K, R, 1);
}

void op_rope_back(float *dx, const float *cosine, const float *sine, const int32_t *position,
                  int64_t N, int64_t stride, int heads, int K, int R)
{
    turn_rows(dx, cosine, sine, position, N, stride, heads, K, R, -1);
}
