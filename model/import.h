// import.h -- a network from a Hugging Face folder, or from our own weight files.
#ifndef TD_MODEL_IMPORT_H
#define TD_MODEL_IMPORT_H

#include "base/arena.h"
#include "model/net.h"

// config.json and the safetensors of `folder`.  Tensors that are missing, left over (but for known
// buffers) or of another shape are ERR_DATA, each named.  gpt2 names with and without
// "transformer." are both read.
Err import_dims(Arena *scratch, const char *folder, Dims *out);
Err import_weights(Arena *scratch, const char *folder, const Params *p, float *flat);

// `path`: a Hugging Face folder, one of our .h5 files (weights or checkpoint), a run directory (its
// newest weights), a GGUF file or a .bin file of llama2.c (foreign.h).  The file that was chosen goes to `chosen` [FILE_PATH_MAX].
typedef struct ImportModel {
    Dims        dims;
    const char *tokenizer; // JSON text for vocab_make; NULL where the folder has none
    char        chosen[4096];
} ImportModel;
Err import_find(Arena *run, const char *path, ImportModel *out);
Err import_load(Arena *scratch, const ImportModel *m, const Params *p, float *flat);

#endif
