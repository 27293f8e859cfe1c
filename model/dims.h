// dims.h -- the sizes and switches of a network, and what must hold between them.
//
// Letters as in docs/notation.md: V vocabulary, D width, L layers, H query heads, G key/value
// heads, K head width, R its elements that turn, F inner width of the MLP, T context.  A family is
// a row of the table in families.c and of the one in schemes.c; the network knows the switches
// alone.
#ifndef TD_MODEL_DIMS_H
#define TD_MODEL_DIMS_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"
#include "model/rope.h"

#include <stdint.h>

typedef enum Family {
    FAMILY_LLAMA,
    FAMILY_GPT2,
    FAMILY_MISTRAL,
    FAMILY_QWEN2,
    FAMILY_QWEN3,
    FAMILY_GPTNEOX,
    FAMILY_PHI3,
    FAMILY_GEMMA,
    FAMILY_GEMMA2,
    FAMILY_GEMMA3
} Family;
typedef enum NormKind { NORM_RMS, NORM_LAYER } NormKind;                      // Zhang 2019; Ba 2016
typedef enum PositionKind { POSITION_ROTARY, POSITION_LEARNED } PositionKind; // Su 2021
// Shazeer 2020; Hendrycks 2016, in its tanh form and as it was meant; Shazeer 2020 with the former
typedef enum MlpKind { MLP_SWIGLU, MLP_GELU_TANH, MLP_GELU_ERF, MLP_GEGLU_TANH } MlpKind;

enum {
    BIAS_QKV = 1,
    BIAS_OUT = 2,
    BIAS_MLP = 4,
    BIAS_ALL = 7
}; // on matrices; LayerNorm has its own
enum { DIMS_LAYERS_MAX = 1024, DIMS_HEAD_MAX = 4096, ADAPTERS_MAX = 4 };

// What a low-rank adapter changes (adapter.h makes these): plain data, so that whoever has the
// sizes of a network knows its memory.  Bits count the rows of the family's table in schemes.c:
// those before the layers, of a layer, after them.
typedef struct AdapterPlan {
    int      rank;
    double   alpha;     // products are scaled by alpha / rank, or alpha / sqrt(rank)
    double   dropout;   // share of inputs that are left out in training
    int      is_rslora; // Kalajdzievski 2023
    int      is_frozen; // not trained: it stands under the one that is
    uint64_t targets;   // bits of linear layers that get a low-rank term
    uint64_t beside;    // bits of embeddings, norms and heads that are trained whole
    uint64_t layers[DIMS_LAYERS_MAX / 64]; // a bit for each layer whose targets count
} AdapterPlan;

typedef struct Dims {
    Family       family;
    int64_t      V, D, F, T;
    int          L, H, G, K;
    int          R; // elements of a head that turn; 0: all of them
    NormKind     norm;
    float        norm_eps;
    int          norm_is_offset; // weights of norms stand as w for a factor of 1 + w
    int          has_post_norm;  // norms of what attention and MLP give, before it is added
    int          scales_embed;   // embeddings are multiplied by sqrt(D)
    PositionKind position;
    Rope         rope;
    Rope         local_rope; // of layers that have the window; theta 0: they have `rope` too
    MlpKind      mlp;
    int          bias;                           // BIAS_*
    int          has_qk_norm;                    // RMSNorm of every query and key, per head
    double       query_scalar;                   // scores are <q, k> / sqrt of it; 0: of K
    double       score_cap, logit_cap;           // x becomes cap tanh(x / cap); 0: stays
    int          is_parallel;                    // attention and MLP read the same residual
    int64_t      window;                         // keys that a query of a windowed layer sees
    uint64_t     windowed[DIMS_LAYERS_MAX / 64]; // a bit for each layer that has the window
    int          is_tied;                        // the head is the embedding
    double       init_std; // of N(0, std); projections into the residual get std / sqrt(2 L)
    int          adapters; // on top of the base, in this order; only the last may be trained
    AdapterPlan  adapter[ADAPTERS_MAX];
} Dims;

// From a Hugging Face config (either spelling, see docs/formats.md), which is also what our configs
// and weight files use.  Unknown model_type, settings that are not supported or contradict each
// other, and sizes that do not fit together are ERR_CONFIG, naming key, found, expected.
Err dims_read(const Json *config, Dims *out);
// The inverse: a config.json in the older spelling that transformers 4 and 5 read.  Adapters are
// not part of it.
void dims_write(Text *t, const Dims *d);

// Elements of a head that turn.
int dims_rotary(const Dims *d);
// Keys that a query of the layer sees at most, itself included; 0: all.
int64_t dims_window(const Dims *d, int layer);
// The rotary positions of the layer.
const Rope *dims_rope(const Dims *d, int layer);
// 2 if the MLP has a gate, else 1: inner matrices, and floats of [F] that its first product gives.
int dims_inner(const Dims *d);

#endif
