// gguf_rope.h -- how GGUF files say that rotary positions are stretched.
//
// Keys "<architecture>.rope.scaling.*" say the types linear and yarn.  The stretching of Llama 3.1
// is a tensor of divisors of the frequencies instead; it is read where it is that of a formula
// (rope.h).
#ifndef TD_MODEL_FILES_GGUF_ROPE_H
#define TD_MODEL_FILES_GGUF_ROPE_H

#include "io/formats/gguf.h"
#include "model/dims.h"
#include "model/files/gguf_names.h"

#define GGUF_ROPE_TABLE "rope_freqs.weight"

// Appends "rope_scaling" of a config.json, with a comma, if the file has it.  ERR_CONFIG: a
// stretching that is not supported.
Err gguf_rope_read(Arena *arena, Text *t, const Gguf *g, const GgufFamily *f);

// The keys of a network.  ERR_CONFIG: a stretching that GGUF cannot say.
Err gguf_rope_put(GgufMeta *m, const GgufFamily *f, const Dims *d);
// The tensor, if the network needs one: [*count] divisors in `arena`; *count is 0 if not.
void gguf_rope_table(Arena *arena, const Dims *d, float **table, int64_t *count);

#endif
