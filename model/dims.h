// dims.h -- the sizes of a network and what must hold between them.
//
// Letters as in docs/notation.md: V vocabulary, D width, L layers, H query heads, G key/value heads,
// K head width, F inner width of the MLP, T context.
#ifndef TD_MODEL_DIMS_H
#define TD_MODEL_DIMS_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"

#include <stdint.h>

typedef enum Family { FAMILY_LLAMA, FAMILY_GPT2 } Family;
typedef enum NormKind { NORM_RMS, NORM_LAYER } NormKind;             // Zhang 2019; Ba 2016
typedef enum PositionKind { POSITION_ROTARY, POSITION_LEARNED } PositionKind; // Su 2021
typedef enum MlpKind { MLP_SWIGLU, MLP_GELU_TANH } MlpKind;          // Shazeer 2020; Hendrycks 2016

typedef struct Dims {
    Family       family;
    int64_t      V, D, F, T;
    int          L, H, G, K;
    NormKind     norm;
    float        norm_eps;
    PositionKind position;
    double       rope_theta;
    MlpKind      mlp;
    int          has_bias; // on all matrices and norms (gpt2)
    int          is_tied;  // the head is the embedding
    double       init_std; // of N(0, std); projections into the residual get std / sqrt(2 L)
} Dims;

// From a Hugging Face config (either spelling, see docs/formats.md), which is also what our configs
// and weight files use.  Unknown model_type, rope types that are not supported, window attention
// and sizes that do not fit together are ERR_CONFIG, naming key, found, expected.
Err dims_read(const Json *config, Dims *out);
// The inverse: a config.json in the older spelling that transformers 4 and 5 read.
void dims_write(Text *t, const Dims *d);

#endif
