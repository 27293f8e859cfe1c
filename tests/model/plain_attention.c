#include "tests/model/plain.h"

#include <math.h>
#include <string.h>

// One document of n tokens, one query head: where its parts begin in a row of qkv.
typedef struct Head {
    int64_t width, q, k, v;
    int     K;
    int64_t window;
    double  cap;
} Head;

// The first key that token i sees.
static int64_t first_of(const Head *a, int64_t i)
{
    return a->window > 0 && i + 1 > a->window ? i + 1 - a->window : 0;
}

static Head head_at(int h, int H, int G, int K, int64_t window, double cap)
{
    int g = h / (H / G);

    return (Head){(int64_t)(H + 2 * G) * K,
                  (int64_t)h * K,
                  (int64_t)(H + g) * K,
                  (int64_t)(H + G + g) * K,
                  K,
                  window,
                  cap};
}

// p[first..i]: the probabilities of token i; returns the log of the sum.
static double probabilities(double *p, const double *rows, const Head *a, int64_t i)
{
    double  largest = -INFINITY, sum = 0;
    int64_t first = first_of(a, i);

    for (int64_t j = first; j <= i; j++) {
        p[j] = 0;
        for (int d = 0; d < a->K; d++)
            p[j] += rows[i * a->width + a->q + d] * rows[j * a->width + a->k + d];
        p[j] = plain_cap(p[j] / sqrt(a->K), a->cap);
        largest = fmax(largest, p[j]);
    }
    for (int64_t j = first; j <= i; j++)
        sum += p[j] = exp(p[j] - largest);
    for (int64_t j = first; j <= i; j++)
        p[j] /= sum;
    return largest + log(sum);
}

void plain_attention(double *y, double *lse, const double *qkv, const int64_t *begin, int64_t docs,
                     int H, int G, int K, int64_t window, double cap, double *p)
{
    for (int64_t doc = 0; doc < docs; doc++)
        for (int h = 0; h < H; h++)
            for (int64_t n = begin[doc]; n < begin[doc + 1]; n++) {
                Head          a = head_at(h, H, G, K, window, cap);
                const double *rows = qkv + begin[doc] * a.width;
                int64_t       i = n - begin[doc], first = first_of(&a, i);

                lse[n * H + h] = probabilities(p, rows, &a, i);
                for (int d = 0; d < K; d++) {
                    double *out = y + n * H * K + a.q + d;

                    *out = 0;
                    for (int64_t j = first; j <= i; j++)
                        *out += p[j] * rows[j * a.width + a.v + d];
                }
            }
}

static void query_back(double *drows, const double *dy, const double *rows, const Head *a,
                       int64_t i, double *p)
{
    double  delta = 0;
    int64_t first = first_of(a, i);

    probabilities(p, rows, a, i);
    for (int64_t j = first; j <= i; j++)
        for (int d = 0; d < a->K; d++)
            delta += p[j] * dy[d] * rows[j * a->width + a->v + d];
    for (int64_t j = first; j <= i; j++) {
        double dp = 0, s = 0, scale;

        for (int d = 0; d < a->K; d++)
            s += rows[i * a->width + a->q + d] * rows[j * a->width + a->k + d] / sqrt(a->K);
        scale = (a->cap > 0 ? 1 / pow(cosh(s / a->cap), 2) : 1) / sqrt(a->K);
        for (int d = 0; d < a->K; d++)
            dp += dy[d] * rows[j * a->width + a->v + d];
        for (int d = 0; d < a->K; d++) {
            drows[j * a->width + a->v + d] += p[j] * dy[d];
            drows[i * a->width + a->q + d] +=
                scale * p[j] * (dp - delta) * rows[j * a->width + a->k + d];
            drows[j * a->width + a->k + d] +=
                scale * p[j] * (dp - delta) * rows[i * a->width + a->q + d];
        }
    }
}

void plain_attention_back(double *dqkv, const double *dy, const double *qkv, const int64_t *begin,
                          int64_t docs, int H, int G, int K, int64_t window, double cap, double *p)
{
    memset(dqkv, 0, (size_t)(begin[docs] * (H + 2 * G) * K) * sizeof *dqkv);
    for (int64_t doc = 0; doc < docs; doc++)
        for (int h = 0; h < H; h++)
            for (int64_t n = begin[doc]; n < begin[doc + 1]; n++) {
                Head a = head_at(h, H, G, K, window, cap);

                query_back(dqkv + begin[doc] * a.width, dy + n * H * K + a.q,
                           qkv + begin[doc] * a.width, &a, n - begin[doc], p);
            }
}
