// gguf_names.h -- what GGUF files call the sizes and tensors of our networks: one table for both
// directions.
#ifndef TD_MODEL_FILES_GGUF_NAMES_H
#define TD_MODEL_FILES_GGUF_NAMES_H

#include "model/params.h"

typedef struct GgufFamily {
    const char *architecture;   // general.architecture
    const char *type;           // model_type of a config.json
    int         is_permuted;    // rotary pairs stand next to each other in the rows of q and k
    int         is_gpt2;        // learned positions
    int         has_head_width; // config.json says it as head_dim
    const char *share; // config.json's name for the share of a head that turns; NULL: all of it
    // What llama.cpp knows of a family and its files do not say; 0: it has no such thing.
    int    nth;         // all layers but every n-th have the window
    int    wide_layers; // models of so many layers scale scores by D / H, others by K
    double local_theta; // of the positions of layers with the window
    int    has_caps;    // always: of scores and of logits
    int    is_tied;     // always
} GgufFamily;
#define GGUF_ARCHITECTURES "llama, gpt2, qwen2, qwen3, phi3, gptneox, gemma, gemma2 or gemma3"

// NULL if there is none.
const GgufFamily *gguf_family_of(const char *architecture);
const GgufFamily *gguf_family_by_type(const char *model_type);

typedef enum GgufSizeKind { GGUF_SIZE_WHOLE, GGUF_SIZE_REAL, GGUF_SIZE_FLAG } GgufSizeKind;
typedef struct GgufSize {
    const char  *key;    // behind "<architecture>."
    const char  *config; // in config.json
    GgufSizeKind kind;
    int          is_optional;
} GgufSize;
// Ended by a NULL key.
const GgufSize *gguf_sizes(const GgufFamily *f);

enum { GGUF_NAME_ROOM = 128 };
// The name of a tensor in a GGUF file; 0: none is known.
int gguf_name_of(const Param *one, char out[GGUF_NAME_ROOM]);
// What stands in a GGUF file is the weight and this much: there, norms whose factor is 1 + w are
// held as the factor.
float gguf_offset(const Params *p, const Param *one);
// The number under the root that scales scores.
double gguf_query_scalar(const GgufFamily *f, int64_t L, int64_t D, int64_t H, int64_t K);

// Whether the rows of a tensor are permuted.
int gguf_is_permuted(const GgufFamily *f, const Param *one);
// Rows of `heads` heads in the order of GGUF files to ours, or back; out of place.
void gguf_unpermute(const float *from, float *to, int64_t heads, int64_t width, int64_t columns);
void gguf_permute(const float *from, float *to, int64_t heads, int64_t width, int64_t columns);

#endif
