// dims.h -- the sizes and switches of a network, and what must hold between them.
//
// Letters as in docs/notation.md: V vocabulary, D width, L layers, H query heads, G key/value
// heads, K head width, R its elements that turn, F inner width of the MLP, T context.  A family is
// a row of the table in families.c and of the one in schemes.c; the network knows the switches alone.
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
    FAMILY_PHI3
} Family;
typedef enum NormKind { NORM_RMS, NORM_LAYER } NormKind;                      // Zhang 2019; Ba 2016
typedef enum PositionKind { POSITION_ROTARY, POSITION_LEARNED } PositionKind; // Su 2021
// Shazeer 2020; Hendrycks 2016, in its tanh form and as it was meant
typedef enum MlpKind { MLP_SWIGLU, MLP_GELU_TANH, MLP_GELU_ERF } MlpKind;

enum {
    BIAS_QKV = 1,
    BIAS_OUT = 2,
    BIAS_MLP = 4,
    BIAS_ALL = 7
}; // on matrices; LayerNorm has its own
enum { DIMS_LAYERS_MAX = 1024, DIMS_HEAD_MAX = 4096 };

typedef struct Dims {
    Family       family;
    int64_t      V, D, F, T;
    int          L, H, G, K;
    int          R; // elements of a head that turn; 0: all of them
    NormKind     norm;
    float        norm_eps;
    PositionKind position;
    Rope         rope;
    MlpKind      mlp;
    int          bias;                           // BIAS_*
    int          has_qk_norm;                    // RMSNorm of every query and key, per head
    int          is_parallel;                    // attention and MLP read the same residual
    int64_t      window;                         // keys that a query of a windowed layer sees
    uint64_t     windowed[DIMS_LAYERS_MAX / 64]; // a bit for each layer that has the window
    int          is_tied;                        // the head is the embedding
    double       init_std; // of N(0, std); projections into the residual get std / sqrt(2 L)
} Dims;

// From a Hugging Face config (either spelling, see docs/formats.md), which is also what our configs
// and weight files use.  Unknown model_type, settings that are not supported or contradict each
// other, and sizes that do not fit together are ERR_CONFIG, naming key, found, expected.
Err dims_read(const Json *config, Dims *out);
// The inverse: a config.json in the older spelling that transformers 4 and 5 read.
void dims_write(Text *t, const Dims *d);

// Elements of a head that turn.
int dims_rotary(const Dims *d);
// Keys that a query of the layer sees at most, itself included; 0: all.
int64_t dims_window(const Dims *d, int layer);
// 2 if the MLP has a gate, else 1: inner matrices, and floats of [F] that its first product gives.
int dims_inner(const Dims *d);

#endif
