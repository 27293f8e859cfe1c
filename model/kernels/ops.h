// ops.h -- all layers, forward and backward, one row of numbers at a time.
//
// Arguments: written, remembered, read, sizes.  No allocation, no failure, no MPI.  Inputs'
// gradients are written, weights' gradients are added (of norms and embeddings: NULL where they are
// not wanted).  Every row's forward bits depend on that row
// (and the keys and values it sees) alone.  N rows (tokens), D width, H query heads, G key/value
// heads, K head width, F inner width, V vocabulary.  Each has a slow, obvious twin in
// tests/model/plain.h.
#ifndef TD_MODEL_KERNELS_OPS_H
#define TD_MODEL_KERNELS_OPS_H

#include <stdint.h>

// y[N][D] = scale * table[token[n]][:] (+ positions[position[n]][:] if positions is not NULL)
void op_embed(float *y, const float *table, float scale, const float *positions,
              const int32_t *token, const int32_t *position, int64_t N, int64_t D);
void op_embed_back(float *dtable, float scale, float *dpositions, const float *dy,
                   const int32_t *token, const int32_t *position, int64_t N, int64_t D);

// RMSNorm (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * (offset + w).  inv[N] is
// remembered.
void op_rms(float *y, float *inv, const float *x, const float *w, float offset, float eps,
            int64_t N, int64_t D);
void op_rms_back(float *dx, float *dw, const float *dy, const float *x, const float *w,
                 float offset, const float *inv, int64_t N, int64_t D);
// LayerNorm (Ba et al. 2016): y = (x - mean) * inv * w + b.  mean[N], inv[N] are remembered.
void op_layernorm(float *y, float *mean, float *inv, const float *x, const float *w, const float *b,
                  float eps, int64_t N, int64_t D);
void op_layernorm_back(float *dx, float *dw, float *db, const float *dy, const float *x,
                       const float *w, const float *mean, const float *inv, int64_t N, int64_t D);

// y[N][E] += b[E];  db[E] += sum over rows of dy
void op_bias(float *y, const float *b, int64_t N, int64_t E);
void op_bias_back(float *db, const float *dy, int64_t N, int64_t E);
// y[i] += x[i]
void op_add(float *y, const float *x, int64_t count);

// Rotary positions (Su et al. 2021), half-split pairs (i, i + R/2) of the first R elements, in
// place on the first `heads` heads of each row of width `stride` (queries and keys stand side by
// side). cosine and sine are tables [T][R/2] made by op_rope_table: those of t * frequency, times
// `factor`. op_rope_back rotates the other way.
void op_rope_table(float *cosine, float *sine, const double *frequency, double factor, int64_t T,
                   int R);
void op_rope(float *x, const float *cosine, const float *sine, const int32_t *position, int64_t N,
             int64_t stride, int heads, int K, int R);
void op_rope_back(float *dx, const float *cosine, const float *sine, const int32_t *position,
                  int64_t N, int64_t stride, int heads, int K, int R);

// SwiGLU (Shazeer 2020): y[N][F] = silu(gu[n][0..F)) * gu[n][F..2F).
void op_swiglu(float *y, const float *gu, int64_t N, int64_t F);
void op_swiglu_back(float *dgu, const float *dy, const float *gu, int64_t N, int64_t F);
// The same with the tanh form of GELU in place of silu.
void op_geglu(float *y, const float *gu, int64_t N, int64_t F);
void op_geglu_back(float *dgu, const float *dy, const float *gu, int64_t N, int64_t F);
// GELU, tanh form (Hendrycks and Gimpel 2016).
void op_gelu(float *y, const float *x, int64_t N, int64_t F);
void op_gelu_back(float *dx, const float *dy, const float *x, int64_t N, int64_t F);
// GELU as it was meant: x times the chance that a normal number is below x.
void op_gelu_erf(float *y, const float *x, int64_t N, int64_t F);
void op_gelu_erf_back(float *dx, const float *dy, const float *x, int64_t N, int64_t F);

// ---- attention.  Keys are kept transposed per head, kt[K][stride], so that scores of 16 keys are
// formed at once; values as v[key][K].  The same kernel serves training (keys of a document,
// gathered) and decoding (keys of a cache): the bits of a query depend on q, its keys and values in
// order from the first it sees, never on the block they were computed in.

typedef struct OpHeads {
    int     H, G, K;
    float   scale;  // of <q, k>
    int64_t window; // keys that a query sees at most, itself included; 0: all
    float   cap;    // scaled scores s become cap tanh(s / cap); 0: they stay
} OpHeads;

// Room (floats) for kt and v of `keys` keys of one head; keys are rounded up to a multiple of 16.
int64_t op_attention_stride(int64_t keys);

// One query q[K] against keys 0 .. n-1, or the last of them that its window holds -> y[K],
// *lse = log sum exp of the scaled and capped scores.
// `spare` holds op_attention_stride(n) floats.  What stands in kt beyond n is read (the stride is
// at least op_attention_stride(n)), but whatever it is does not reach the result.
void op_attention_row(float *y, float *lse, const float *q, const float *kt, const float *v,
                      int64_t stride, int64_t n, const OpHeads *heads, float *spare);

// A packed row of documents: qkv [N][(H+2G)K] (rotated), documents begin[docs+1]; a token sees its
// own document up to itself, as far back as the window goes.  y [N][H K], lse [N][H].  `spare`:
// op_attention_spare(longest, K) floats.  Same bits per query as op_attention_row.
int64_t op_attention_spare(int64_t longest, int K);
void    op_attention(float *y, float *lse, const float *qkv, const int64_t *begin, int64_t docs,
                     const OpHeads *heads, float *spare);
// dqkv [N][(H+2G)K] is written.  delta: [N][H] scratch.  No T x T matrix.
void op_attention_back(float *dqkv, float *delta, const float *dy, const float *y, const float *lse,
                       const float *qkv, const int64_t *begin, int64_t docs, const OpHeads *heads,
                       float *spare);

// ---- loss.  *lse = log sum exp of logits[V]; the one place where it is computed, for sampling,
// scoring and training alike: log p(t) = logits[t] - lse, rounded once.
float op_logsumexp(const float *logits, int64_t V);
// logits[M][V] -> logp[M] of target[m] (0 where target < 0), and, if coef is not NULL, dlogits in
// place: coef[m] * (softmax - onehot), exact zeros where target < 0 or coef is 0.  Logits that
// op_cap has bounded by `cap` (0: it has not) get the gradient of what they were before.
void op_loss(float *logits, float *logp, const int32_t *target, const float *coef, float cap,
             int64_t M, int64_t V);
// x[i] = cap tanh(x[i] / cap): nearly x where it is small, never beyond the cap.
void op_cap(float *x, float cap, int64_t count);

// Chosen instruction level of the kernels above, the same for all: "avx512", "avx2" or "portable".
const char *op_level(void);

#endif
