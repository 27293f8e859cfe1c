// import.h -- a network from a Hugging Face folder, or from our own weight files.
#ifndef TD_MODEL_IMPORT_H
#define TD_MODEL_IMPORT_H

#include "base/arena.h"
#include "model/net.h"
#include "model/vocab.h"

// config.json and the safetensors of `folder`.  Tensors that are missing, left over (but for known
// buffers) or of another shape are ERR_DATA, each named.  gpt2 names with and without
// "transformer." are both read.
Err import_dims(Arena *scratch, const char *folder, Dims *out);
Err import_weights(Arena *scratch, const char *folder, const Params *p, float *flat);
// What can be said of the tensors without their values: names, types and shapes.
Err import_check(Arena *scratch, const char *folder, const Dims *d);

// `path`: a Hugging Face folder, one of our .h5 files (weights or checkpoint), a run directory (its
// newest weights), a GGUF file or a .bin file of llama2.c (foreign.h).  The file that was chosen
// goes to `chosen` [FILE_PATH_MAX].  A folder's tensors are checked (import_check) if there are
// any, so no memory is asked for that its files do not fill.
typedef struct ImportModel {
    Dims        dims;
    const char *tokenizer; // JSON text for vocab_make; NULL where the folder has none
    char        chosen[4096];
} ImportModel;
Err import_find(Arena *run, const char *path, ImportModel *out);
Err import_load(Arena *scratch, const ImportModel *m, const Params *p, float *flat);

// The tokenizer of the model and the JSON it was made of; both NULL where it has none.  ERR_DATA: a
// tokenizer that is none, or one with more tokens than the model.  ERR_CONFIG: config.json alone
// says which token begins or ends a text, and the model has no such token.
Err import_vocab(Arena *run, const ImportModel *m, const Json **json, Vocab **out);
// The id that `file` ("config", "generation_config") beside the tokenizer names as `key` and the
// model has no row for; -1: none.
int64_t import_beyond(const ImportModel *m, const Json *tokenizer, const char *file,
                      const char *key);

#endif
