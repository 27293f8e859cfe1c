// net.h -- the transformer: a batch of documents through all layers and back.
//
// The table of contents of the model.  One code path for training, scoring and decoding: rows
// (tokens) go through the same kernels; only where attention finds keys and values differs.
#ifndef TD_MODEL_NET_H
#define TD_MODEL_NET_H

#include "base/arena.h"
#include "model/kernels/gemm.h"
#include "model/params.h"

#include <stdint.h>

typedef enum NetUse { NET_INFER, NET_TRAIN } NetUse; // TRAIN also packs weights for backward

typedef struct NetLayer {
    GemmPacked *qkv, *out, *up, *down;                     // forward
    GemmPacked *qkv_back, *out_back, *up_back, *down_back; // NULL for NET_INFER
} NetLayer;

typedef struct NetTurn {
    float *cosine, *sine; // [T][R/2] or NULL
} NetTurn;

typedef struct LoraAdapter LoraAdapter; // lora.h

typedef struct Net {
    Params       params;
    NetUse       use;
    float       *flat;  // [padded], owned by the arena of net_make
    NetLayer    *layer; // [L]
    GemmPacked  *head, *head_back;
    NetTurn      turn, local_turn; // the latter of layers with a window, if they have their own
    LoraAdapter *adapter;          // [params.dims.adapters]
} Net;

// Weights are zero until somebody fills net.flat and calls net_pack.
Net     net_make(Arena *run, const Dims *d, NetUse use);
int64_t net_need(const Dims *d, NetUse use); // bytes
void    net_pack(Net *net);                  // after every change of flat or of an adapter

// The table of an adapter (of the network itself: PARAMS_BASE) and its flat vector.
typedef struct NetPart {
    const Params *params;
    float        *flat; // [params->padded]
} NetPart;
NetPart net_part(const Net *net, int adapter);
// What training changes: gradients, moments and checkpoints are laid out as this is.
NetPart net_tuned(const Net *net);
void    net_pack_tuned(Net *net); // after a change of net_tuned's vector alone
// A new adapter's vector: A from the seed, B zero, tensors trained beside as they are in the base
// or in the adapters below.
void net_init_adapter(Net *net, int adapter, uint64_t seed);
// W + scale * B A of all adapters, into flat [params.padded]: weights of a network that has none.
void net_merge(const Net *net, Arena *scratch, float *flat);

// Addresses the random numbers of dropout; is_on 0: nothing is left out.
typedef struct NetDropout {
    int      is_on;
    uint64_t seed;
    int64_t  iteration, step, micro_batch;
} NetDropout;

// Documents end to end: N tokens, `docs` documents begin[0] = 0 < ... <= begin[docs] = N.
typedef struct Batch {
    int64_t    N, docs;
    int64_t   *begin;    // [docs+1]
    int32_t   *token;    // [N]
    int32_t   *position; // [N], restarts at 0 in each document
    int32_t   *target;   // [N]: the token that follows in the document; -1 for the last
    float     *coef;     // [N]: what the objective gives -log p(target); 0 where target < 0
    NetDropout drop;     // for net_grad
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

// Forward and backward of sum_n coef[n] * -log p(target[n]); adds the gradient of what is tuned to
// grad (laid out as net_tuned's vector); returns the sum.  logp: NULL, or [N] with the bits of
// net_score where coef is not 0 and 0 elsewhere: rows without a coefficient do not pass the head.
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
