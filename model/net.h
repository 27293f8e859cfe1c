// net.h -- the transformer: a batch of documents through all layers and back.
//
// The table of contents of the model.  One code path for training, scoring and decoding: rows
// (tokens) go through the same kernels; only where attention finds keys and values differs.
#ifndef TD_MODEL_NET_H
#define TD_MODEL_NET_H

#include "base/arena.h"
#include "model/gemm.h"
#include "model/params.h"

#include <stdint.h>

typedef enum NetUse { NET_INFER, NET_TRAIN } NetUse; // TRAIN also packs weights for backward

typedef struct NetLayer {
    GemmPacked *qkv, *out, *up, *down;                     // forward
    GemmPacked *qkv_back, *out_back, *up_back, *down_back; // NULL for NET_INFER
} NetLayer;

typedef struct Net {
    Params      params;
    NetUse      use;
    float      *flat;  // [padded], owned by the arena of net_make
    NetLayer   *layer; // [L]
    GemmPacked *head, *head_back;
    float      *cosine, *sine; // [T][R/2] or NULL
} Net;

// Weights are zero until somebody fills net.flat and calls net_pack.
Net     net_make(Arena *run, const Dims *d, NetUse use);
int64_t net_need(const Dims *d, NetUse use); // bytes
void    net_pack(Net *net);                  // after every change of flat

// Documents end to end: N tokens, `docs` documents begin[0] = 0 < ... <= begin[docs] = N.
typedef struct Batch {
    int64_t  N, docs;
    int64_t *begin;    // [docs+1]
    int32_t *token;    // [N]
    int32_t *position; // [N], restarts at 0 in each document
    int32_t *target;   // [N]: the token that follows in the document; -1 for the last
    float   *coef;     // [N]: what the objective gives -log p(target); 0 where target < 0
} Batch;
int64_t batch_need(int64_t N, int64_t docs);
Batch   batch_make(Arena *a, int64_t N_max, int64_t docs_max); // N = docs = 0
// Appends a document: weight[t] weighs the prediction of token[t] from those before it (weight[0]
// is ignored); coef = weight * scale.
void batch_add(Batch *b, const int32_t *token, const float *weight, int64_t length, float scale);

// Activations for up to N_max rows in documents of up to `longest` tokens (for decoding: positions
// below `longest`); one per thread that works.
typedef struct Acts Acts;
Acts   *acts_make(Arena *run, const Net *net, int64_t N_max, int64_t longest, NetUse use);
int64_t acts_need(const Dims *d, int64_t N_max, int64_t longest, NetUse use); // bytes

// logp[N] of each target (0 where target < 0).  logits: NULL or [N][V].
void net_score(const Net *net, Acts *acts, const Batch *b, float *logp, float *logits);

// Forward and backward of sum_n coef[n] * -log p(target[n]); adds the gradient to grad [padded];
// returns the sum.  logp: NULL, or [N] with the bits of net_score where coef is not 0 and 0
// elsewhere: rows without a coefficient do not pass the head.
double net_grad(const Net *net, Acts *acts, const Batch *b, float *grad, float *logp);

// ---- decoding with a cache
typedef struct Cache Cache; // keys and values of `slots` sequences of up to `context` tokens
Cache               *cache_make(Arena *run, const Dims *d, int slots, int64_t context);
int64_t              cache_need(const Dims *d, int slots, int64_t context); // bytes

// M rows, row m being token[m] at position[m] of slot[m]; rows of a slot in order, all positions
// before the first already in the cache.  Writes their keys and values, then the logits of the
// rows listed in want[W] (ascending) into logits [W][V].  Thread-safe for different slots with
// different acts.
void net_decode(const Net *net, Acts *acts, Cache *cache, int64_t M, const int32_t *token,
                const int32_t *position, const int32_t *slot, int64_t W, const int64_t *want,
                float *logits);

#endif
