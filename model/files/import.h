// import.h -- a network from a Hugging Face folder, or from our own weight files.
#ifndef TD_MODEL_FILES_IMPORT_H
#define TD_MODEL_FILES_IMPORT_H

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
//
// Also adapters, on the model that they name: a folder of PEFT, or a weight file of ours that holds
// one.  "ADAPTER@BASE" gives the base by hand.  dims then has them (all frozen: nothing is trained
// by who only reads), and import_adapter.h has what loads them.
typedef struct ImportPart { // an adapter
    const char *path;
    int         is_peft;    // a folder; else a weight file of ours
    int         has_digest; // what params_digest must find
    uint64_t    digest;
} ImportPart;
typedef struct ImportModel {
    Dims        dims;
    const char *tokenizer; // JSON text for vocab_make; NULL where the folder has none
    char        chosen[4096];
    // How conversations are written, if a weight file of ours says so: a chat template (Jinja), or
    // a recipe's messages (JSON, which begins with '['); NULL: the tokenizer says what there is.
    const char *chat_format;
    // of adapters
    const struct ImportModel *base; // the model below all of them; NULL: this is a whole model
    ImportPart                part[ADAPTERS_MAX]; // [dims.adapters]
    int                       has_digest;         // what params_digest must find in the base
    uint64_t                  digest;
    int                       above; // adapters whose base this was looked for
} ImportModel;
Err import_find(Arena *run, const char *path, ImportModel *out);
// The same of the base of the last of `above` adapters.  ERR_DATA if there are too many, as where
// one names itself as its base.
Err import_find_below(Arena *run, const char *path, int above, ImportModel *out);
// The weights of a whole model; ERR_CONFIG if it is an adapter.
Err import_load(Arena *scratch, const ImportModel *m, const Params *p, float *flat);

// The tokenizer of the model and the JSON it was made of; both NULL where it has none.  ERR_DATA: a
// tokenizer that is none, or one with more tokens than the model.  ERR_CONFIG: config.json alone
// says which token begins or ends a text, and the model has no such token.
Err import_vocab(Arena *run, const ImportModel *m, const Json **json, Vocab **out);
// The chat template (Jinja) of the model: that of the weight file, else the tokenizer's; NULL:
// none. `v`: as import_vocab gave it, or NULL.
const char *import_chat_template(const ImportModel *m, const Vocab *v);
// Whether the weight file has a recipe's messages instead.
int import_has_messages(const ImportModel *m);
// The id that `file` ("config", "generation_config") beside the tokenizer names as `key` and the
// model has no row for; -1: none.
int64_t import_beyond(const ImportModel *m, const Json *tokenizer, const char *file,
                      const char *key);

#endif
