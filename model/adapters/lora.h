// lora.h -- the low-rank terms of a network's products, forward and backward.
//
// Private to net.c, net_back.c, adapter files and tests.  Every product of the network ends with
// lora_add, which adds scale * B (A x) for each adapter that has a term there: the same for
// training, scoring and decoding, so that they agree to the bit.  In training, inputs of A are left
// out at random (dropout); the numbers are addressed by seed, iteration, step, micro-batch, target,
// row and column, never by a rank or thread.
#ifndef TD_MODEL_ADAPTERS_LORA_H
#define TD_MODEL_ADAPTERS_LORA_H

#include "model/acts.h"
#include "model/adapters/layout.h"

typedef enum LoraGroup { LORA_QKV, LORA_OUT, LORA_UP, LORA_DOWN, LORA_HEAD } LoraGroup;

enum { LORA_GROUPS = 4 }; // of a layer

typedef struct LoraPart { // one target
    LoraGroup   group;
    int64_t     first, rows, columns; // of the group's outputs; columns: its inputs
    int64_t     a, b;                 // offsets in the adapter's vector
    int         number;               // of the target, for its masks
    int64_t     low;                  // where its inner products stand among those of its group
    GemmPacked *down, *up, *down_back, *up_back; // A and B; the last two NULL for inference
} LoraPart;

struct LoraAdapter {
    Params    params;
    float    *flat;  // [padded]
    LoraPart *part;  // in the order of the groups
    int      *begin; // [4 L + 2]: parts of group g of layer l from begin[4 l + g]; the head's last
    int       is_tuned, rank;
    float     scale, dropout;
};

void lora_lay(Layout *l, Net *net);    // net->adapter with everything in it
void lora_pack(const Net *net);        // small matrices of all adapters, from their vectors
void lora_pack_tuned(const Net *net);  // of the one that is trained
void lora_copy_beside(const Net *net); // tensors trained whole, into net->flat, in order

// Number of a product in LoraAdapter.begin.
int lora_index(const Dims *d, LoraGroup group, int layer);

// Room of a pass.  One layer's inner products, and what all layers share.
float *lora_lay_low(Layout *l, const Dims *d, int64_t N);
void   lora_lay_acts(Layout *l, const Dims *d, int64_t N, int64_t chunk, NetUse use, ActsLora *out);

typedef struct LoraPlace {
    LoraGroup      group;
    int            layer; // -1: the head
    const int64_t *row;   // numbers of the rows in the micro-batch; NULL: 0, 1, ...
    float         *low;   // inner products: written on the way forth, read on the way back
} LoraPlace;

// y[N][outputs of the group] += the terms of x[N][inputs].
void lora_add(const Net *net, const Acts *acts, LoraPlace at, float *y, const float *x, int64_t N);
// Adds the gradient of x to dx and those of A and B to grad, which is laid out as net_tuned's.
void lora_back(const Net *net, const Acts *acts, LoraPlace at, float *grad, float *dx,
               const float *dy, const float *x, int64_t N);

#endif
