#include "tests/model/plain.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

void plain_embed(double *y, const double *table, double scale, const double *positions,
                 const int32_t *token, const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = scale * table[token[n] * D + d] +
                           (positions == NULL ? 0 : positions[position[n] * D + d]);
}

void plain_embed_back(double *dtable, double scale, double *dpositions, const double *dy,
                      const int32_t *token, const int32_t *position, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++) {
            dtable[token[n] * D + d] += scale * dy[n * D + d];
            if (dpositions != NULL)
                dpositions[position[n] * D + d] += dy[n * D + d];
        }
}

void plain_bias(double *y, const double *b, int64_t N, int64_t E)
{
    for (int64_t i = 0; i < N * E; i++)
        y[i] += b[i % E];
}

void plain_bias_back(double *db, const double *dy, int64_t N, int64_t E)
{
    for (int64_t i = 0; i < N * E; i++)
        db[i % E] += dy[i];
}

void plain_rms(double *y, const double *x, const double *w, double offset, double eps, int64_t N,
               int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        double squares = 0;

        for (int64_t d = 0; d < D; d++)
            squares += x[n * D + d] * x[n * D + d];
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = x[n * D + d] / sqrt(squares / (double)D + eps) * (offset + w[d]);
    }
}

void plain_rms_back(double *dx, double *dw, const double *dy, const double *x, const double *w,
                    double offset, double eps, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const double *xn = x + n * D, *dyn = dy + n * D;
        double        squares = 0, gx = 0;

        for (int64_t d = 0; d < D; d++) {
            squares += xn[d] * xn[d];
            gx += dyn[d] * (offset + w[d]) * xn[d];
        }
        double s = 1 / sqrt(squares / (double)D + eps);
        for (int64_t d = 0; d < D; d++) {
            dw[d] += dyn[d] * xn[d] * s;
            dx[n * D + d] = s * dyn[d] * (offset + w[d]) - xn[d] * s * s * s * gx / (double)D;
        }
    }
}

static void mean_and_inverse(const double *x, double eps, int64_t D, double *mean, double *inverse)
{
    double sum = 0, squares = 0;

    for (int64_t d = 0; d < D; d++)
        sum += x[d];
    *mean = sum / (double)D;
    for (int64_t d = 0; d < D; d++)
        squares += (x[d] - *mean) * (x[d] - *mean);
    *inverse = 1 / sqrt(squares / (double)D + eps);
}

void plain_layernorm(double *y, const double *x, const double *w, const double *b, double eps,
                     int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        double m, s;

        mean_and_inverse(x + n * D, eps, D, &m, &s);
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = (x[n * D + d] - m) * s * w[d] + b[d];
    }
}

void plain_layernorm_back(double *dx, double *dw, double *db, const double *dy, const double *x,
                          const double *w, double eps, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++) {
        const double *xn = x + n * D, *dyn = dy + n * D;
        double        m, s, g = 0, gh = 0;

        mean_and_inverse(xn, eps, D, &m, &s);
        for (int64_t d = 0; d < D; d++) {
            g += dyn[d] * w[d] / (double)D;
            gh += dyn[d] * w[d] * (xn[d] - m) * s / (double)D;
        }
        for (int64_t d = 0; d < D; d++) {
            db[d] += dyn[d];
            dw[d] += dyn[d] * (xn[d] - m) * s;
            dx[n * D + d] = s * (dyn[d] * w[d] - g - (xn[d] - m) * s * gh);
        }
    }
}

void plain_rope(double *x, const double *frequency, double factor, const int32_t *position,
                int64_t N, int64_t stride, int heads, int K, int R, int way)
{
    for (int64_t n = 0; n < N; n++)
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < R / 2; i++) {
                double *a = x + n * stride + h * K + i, *b = a + R / 2;
                double  angle = way * position[n] * frequency[i];
                double  u = *a, v = *b;

                *a = factor * (u * cos(angle) - v * sin(angle));
                *b = factor * (v * cos(angle) + u * sin(angle));
            }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void plain_swiglu(double *y, const double *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t f = 0; f < F; f++) {
            double g = gu[n * 2 * F + f], u = gu[n * 2 * F + F + f];
            y[n * F + f] = g * sigmoid(g) * u;
        }
}

void plain_swiglu_back(double *dgu, const double *dy, const double *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t f = 0; f < F; f++) {
            double g = gu[n * 2 * F + f], u = gu[n * 2 * F + F + f], s = sigmoid(g);

            dgu[n * 2 * F + f] = dy[n * F + f] * u * (s + g * s * (1 - s));
            dgu[n * 2 * F + F + f] = dy[n * F + f] * g * s;
        }
}

static const double ROOT = 0.79788456080286536, CUBIC = 0.044715; // ROOT = sqrt(2 / pi)

void plain_gelu(double *y, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = 0.5 * x[i] * (1 + tanh(ROOT * (x[i] + CUBIC * x[i] * x[i] * x[i])));
}

void plain_gelu_back(double *dx, const double *dy, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double t = tanh(ROOT * (x[i] + CUBIC * x[i] * x[i] * x[i]));
        double slope = ROOT * (1 + 3 * CUBIC * x[i] * x[i]);

        dx[i] = dy[i] * (0.5 * (1 + t) + 0.5 * x[i] * (1 - t * t) * slope);
    }
}

void plain_geglu(double *y, const double *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++) {
        plain_gelu(y + n * F, gu + n * 2 * F, F);
        for (int64_t f = 0; f < F; f++)
            y[n * F + f] *= gu[n * 2 * F + F + f];
    }
}

void plain_geglu_back(double *dgu, const double *dy, const double *gu, int64_t N, int64_t F)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t f = 0; f < F; f++) {
            double g = gu[n * 2 * F + f], by_up = dy[n * F + f] * gu[n * 2 * F + F + f], bent;

            plain_gelu(&bent, &g, 1);
            plain_gelu_back(dgu + n * 2 * F + f, &by_up, &g, 1);
            dgu[n * 2 * F + F + f] = dy[n * F + f] * bent;
        }
}

void plain_gelu_erf(double *y, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = 0.5 * x[i] * erfc(-x[i] / sqrt(2));
}

void plain_gelu_erf_back(double *dx, const double *dy, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        dx[i] =
            dy[i] * (0.5 * erfc(-x[i] / sqrt(2)) + x[i] * exp(-x[i] * x[i] / 2) / sqrt(2 * M_PI));
}

double plain_logsumexp(const double *logits, int64_t V)
{
    double largest = -INFINITY, sum = 0;

    for (int64_t v = 0; v < V; v++)
        largest = fmax(largest, logits[v]);
    for (int64_t v = 0; v < V; v++)
        sum += exp(logits[v] - largest);
    return largest + log(sum);
}

double plain_cap(double x, double cap)
{
    return cap > 0 ? cap * tanh(x / cap) : x;
}

// Of capped logits.
static double capped_logsumexp(const double *logits, double cap, int64_t V)
{
    double sum = 0;

    if (cap == 0)
        return plain_logsumexp(logits, V);
    for (int64_t v = 0; v < V; v++)
        sum += exp(plain_cap(logits[v], cap));
    return log(sum);
}

double plain_loss(double *logp, const double *logits, const int32_t *target, const double *coef,
                  double cap, int64_t M, int64_t V)
{
    double loss = 0;

    for (int64_t m = 0; m < M; m++) {
        logp[m] = 0;
        if (target[m] < 0)
            continue;
        logp[m] =
            plain_cap(logits[m * V + target[m]], cap) - capped_logsumexp(logits + m * V, cap, V);
        loss -= coef[m] * logp[m];
    }
    return loss;
}

void plain_loss_back(double *dlogits, const double *logits, const int32_t *target,
                     const double *coef, double cap, int64_t M, int64_t V)
{
    for (int64_t m = 0; m < M; m++) {
        double lse = capped_logsumexp(logits + m * V, cap, V);

        for (int64_t v = 0; v < V; v++) {
            double x = logits[m * V + v], y = plain_cap(x, cap);
            double slope = cap > 0 ? 1 / pow(cosh(x / cap), 2) : 1;

            dlogits[m * V + v] =
                target[m] < 0 ? 0 : coef[m] * (exp(y - lse) - (v == target[m])) * slope;
        }
    }
}

float *plain_random(Arena *a, int64_t count, double spread, uint64_t which)
{
    float *x = arena_new(a, float, count);
    Rng    r = rng_make(1, rng_stream("plain", which, 0, 0), 0);

    for (int64_t i = 0; i < count; i++)
        x[i] = (float)(spread * (2 * rng_unit(&r) - 1));
    return x;
}

double *plain_widen(Arena *a, const float *x, int64_t count)
{
    double *wide = arena_new(a, double, count);

    for (int64_t i = 0; i < count; i++)
        wide[i] = (double)x[i];
    return wide;
}

float *plain_narrow(Arena *a, const double *x, int64_t count)
{
    float *narrow = arena_new(a, float, count);

    for (int64_t i = 0; i < count; i++)
        narrow[i] = (float)x[i];
    return narrow;
}

static double along(double *y, const double *x, const PlainSlope *s)
{
    double sum = 0;

    s->f(y, x, s->more);
    for (int64_t i = 0; i < s->y_count; i++)
        sum += s->dy[i] * y[i];
    return sum;
}

void plain_slope(Arena *a, double *slope, const double *x, const PlainSlope *s)
{
    const double h = 1e-5; // errors of h^2 and of 1e-16 / h are both near 1e-10
    ArenaMark    mark = arena_mark(a);
    double      *moved = arena_new(a, double, s->x_count), *y = arena_new(a, double, s->y_count);

    memcpy(moved, x, (size_t)s->x_count * sizeof *x);
    for (int64_t i = 0; i < s->x_count; i++) {
        moved[i] = x[i] + h;
        double above = along(y, moved, s);
        moved[i] = x[i] - h;
        slope[i] = (above - along(y, moved, s)) / (2 * h);
        moved[i] = x[i];
    }
    arena_back(a, mark);
}
