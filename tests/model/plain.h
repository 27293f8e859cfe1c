// plain.h -- the layers of model/kernels/ops.h again: slow, obvious, in double.
//
// One loop per sum in the formula, arguments as in ops.h.  The fast kernels are compared with
// these; the backward ones here are compared with slopes of the forward ones.
#ifndef TD_TESTS_MODEL_PLAIN_H
#define TD_TESTS_MODEL_PLAIN_H

#include "base/arena.h"

#include <stdint.h>

void plain_embed(double *y, const double *table, double scale, const double *positions,
                 const int32_t *token, const int32_t *position, int64_t N, int64_t D);
void plain_embed_back(double *dtable, double scale, double *dpositions, const double *dy,
                      const int32_t *token, const int32_t *position, int64_t N, int64_t D);
void plain_bias(double *y, const double *b, int64_t N, int64_t E);
void plain_bias_back(double *db, const double *dy, int64_t N, int64_t E);

void plain_rms(double *y, const double *x, const double *w, double offset, double eps, int64_t N,
               int64_t D);
void plain_rms_back(double *dx, double *dw, const double *dy, const double *x, const double *w,
                    double offset, double eps, int64_t N, int64_t D);
void plain_layernorm(double *y, const double *x, const double *w, const double *b, double eps,
                     int64_t N, int64_t D);
void plain_layernorm_back(double *dx, double *dw, double *db, const double *dy, const double *x,
                          const double *w, double eps, int64_t N, int64_t D);

// way 1: forward, -1: back.
void plain_rope(double *x, const double *frequency, double factor, const int32_t *position,
                int64_t N, int64_t stride, int heads, int K, int R, int way);

void plain_swiglu(double *y, const double *gu, int64_t N, int64_t F);
void plain_swiglu_back(double *dgu, const double *dy, const double *gu, int64_t N, int64_t F);
void plain_geglu(double *y, const double *gu, int64_t N, int64_t F);
void plain_geglu_back(double *dgu, const double *dy, const double *gu, int64_t N, int64_t F);
void plain_gelu(double *y, const double *x, int64_t count);
void plain_gelu_back(double *dx, const double *dy, const double *x, int64_t count);
void plain_gelu_erf(double *y, const double *x, int64_t count);
void plain_gelu_erf_back(double *dx, const double *dy, const double *x, int64_t count);

// p: scratch, as long as the longest document.  window: keys that a query sees at most; 0: all.
// cap: of scaled scores; 0: none.
void plain_attention(double *y, double *lse, const double *qkv, const int64_t *begin, int64_t docs,
                     int H, int G, int K, int64_t window, double cap, double *p);
void plain_attention_back(double *dqkv, const double *dy, const double *qkv, const int64_t *begin,
                          int64_t docs, int H, int G, int K, int64_t window, double cap, double *p);

double plain_cap(double x, double cap); // 0: x
double plain_logsumexp(const double *logits, int64_t V);
// The sum of coef * -logp, which is what op_loss differentiates; logits before their cap.
double plain_loss(double *logp, const double *logits, const int32_t *target, const double *coef,
                  double cap, int64_t M, int64_t V);
void   plain_loss_back(double *dlogits, const double *logits, const int32_t *target,
                       const double *coef, double cap, int64_t M, int64_t V);

// ---- for comparing

// Numbers between -1 and 1, times `spread`, different for each `which`.
float  *plain_random(Arena *a, int64_t count, double spread, uint64_t which);
double *plain_widen(Arena *a, const float *x, int64_t count);
float  *plain_narrow(Arena *a, const double *x, int64_t count);

// Central differences of <dy, f(x)>: slope[i] for each x[i].  `f` writes y[y_count] from x.
typedef struct PlainSlope {
    void (*f)(double *y, const double *x, void *more);
    void         *more;
    const double *dy;
    int64_t       y_count, x_count;
} PlainSlope;
void plain_slope(Arena *a, double *slope, const double *x, const PlainSlope *s);

#endif
