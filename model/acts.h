// acts.h -- what a pass through the layers leaves behind, and the steps that all passes share.
//
// Private to net.c, net_back.c and cache.c.  Training keeps every layer's activations for the way
// back; inference lets all layers use the same ones.
#ifndef TD_MODEL_ACTS_H
#define TD_MODEL_ACTS_H

#include "model/kernels/ops.h"
#include "model/net.h"

#include <stdint.h>

typedef struct ActsLayer {
    float *x;                 // [N][D] what enters the layer
    float *n1;                // [N][D] normed
    float *mean1, *inv1;      // [N]
    float *qkv;               // [N][(H+2G)K], queries and keys normed and rotated
    float *raw, *inv_qk;      // [N][(H+G)K], [N][H+G]: before their norm; NULL without one
    float *att;               // [N][HK]
    float *lse;               // [N][H]
    float *step1, *inv_post1; // [N][D], [N]: of attention, before its norm; NULL without one
    float *mid;               // [N][D] after attention
    float *n2;                // [N][D] normed
    float *mean2, *inv2;      // [N]
    float *up;                // [N][2F] gate and up, or [N][F]
    float *act;               // [N][F]
    float *step2, *inv_post2; // as step1, of the MLP
    float *low;               // [N][..] inner products of adapters; NULL without one
} ActsLayer;

typedef struct ActsBack { // gradients on the way back; NULL for inference
    float *dx;            // [N][D] of the residual stream
    float *dn;            // [N][D]
    float *dstep;         // [N][D]
    float *dqkv;          // [N][(H+2G)K]
    float *datt;          // [N][HK]
    float *delta;         // [N][H]
    float *dup;           // [N][2F] or [N][F]
    float *dact;          // [N][F]
    float *dpar;          // [N][D] what the MLP gives to what entered the layer; NULL if in a row
} ActsBack;

// The head works on `chunk` rows at a time, so that logits are never whole in memory.
typedef struct ActsHead {
    int64_t  chunk;
    int64_t *row;        // [N] rows that need logits, ascending
    int32_t *target;     // [chunk]
    float   *coef;       // [chunk]
    float   *logp;       // [chunk]
    float   *x;          // [chunk][D] gathered
    float   *n;          // [chunk][D] normed
    float   *mean, *inv; // [chunk]
    float   *logits;     // [chunk][V]
    float   *dn, *dx;    // [chunk][D]; NULL for inference
    float   *low;        // [chunk][..] as of a layer
} ActsHead;

typedef struct ActsLora { // of adapters, for one product at a time; NULL without one
    float *out;           // [N][outputs] of one term, or their gradient
    float *in;            // [N][inputs] after dropout
    float *back;          // [N][inputs] gradient; NULL for inference
    float *dlow;          // [N][rank] gradient; NULL for inference
} ActsLora;

struct Acts {
    int64_t    N_max, longest;
    NetUse     use;
    ActsLayer *layer; // [L]
    float     *x;     // [N][D] what leaves the last layer
    ActsBack   back;
    ActsHead   head;
    ActsLora   lora;
    NetDropout drop;
    float     *spare; // for attention
};

// Floats per row of the inner product of the MLP.
int64_t net_up_width(const Dims *d);
// Floats per row of queries, keys and values.
int64_t net_qkv_width(const Dims *d);

// acts->layer[0].x from tokens, after checking that ids and positions are within bounds.
void net_embed(const Net *net, Acts *acts, int64_t N, const int32_t *token,
               const int32_t *position);
// Norm, queries, keys, values, rotation: everything of a layer before attention.
void net_before(const Net *net, Acts *acts, int layer, int64_t N, const int32_t *position);
// From acts->layer[layer].att on: out, residual, MLP, residual, into what enters the next layer.
void net_after(const Net *net, Acts *acts, int layer, int64_t N);
// All layers over packed documents, up to acts->x.
void net_forward(const Net *net, Acts *acts, const Batch *b);

// Gathers rows row[0..R) of acts->x (R <= chunk), norms them and forms their logits [R][V].
void net_head(const Net *net, Acts *acts, const int64_t *row, int64_t R, float *logits);

// What attention of a layer needs to know.
OpHeads net_heads(const Dims *d, int layer);
// Cosines and sines of a layer's rotary positions.
const NetTurn *net_turn(const Net *net, int layer);
// What norms add to their weights; what multiplies embeddings.
float net_norm_offset(const Dims *d);
float net_embed_scale(const Dims *d);

// A tensor of the network; NULL if the family has none.
const float *net_weight(const Net *net, ParamRole role, int layer);
// Its place in a gradient laid out as net_tuned's vector; NULL also where it is not trained.
float *net_slot(const Net *net, float *grad, ParamRole role, int layer);
// Rows of the head: the embedding when tied.
ParamRole net_head_role(const Dims *d);

#endif
