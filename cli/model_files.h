// model_files.h -- what sample, score and eval share: a model folder, and lists of token ids.
#ifndef TD_CLI_MODEL_FILES_H
#define TD_CLI_MODEL_FILES_H

#include "model/files/import.h"
#include "model/net.h"
#include "model/vocab.h"

typedef struct IdLists { // arrays of token ids
    int64_t  count;
    int64_t *begin; // [count+1]
    int32_t *id;    // [begin[count]]
    int64_t  longest;
} IdLists;

// A JSON file that is an array of arrays of ids below `V`.  ERR_DATA with position.
Err model_files_ids(Arena *arena, const char *path, int64_t V, IdLists *out);

// The network of a model that import_find found, for inference, packed.  `run` must have room for
// net_need.
Err model_files_open(Arena *run, Arena *scratch, const ImportModel *m, Net *out);
// The tokenizer of a model of any kind; NULL: it brings none.
Err model_files_vocab(Arena *arena, const char *path, Vocab **out);
// Whether it is a file or folder of a model that holds tokenizer and chat template inside, if it
// has any: a .gguf, .bin or weight file, a run directory, a folder of PEFT.
Err model_files_is_closed(Arena *arena, const char *path, int *out);
// A tokenizer by the path of its files (vocab_open), or of a model of any kind that brings one.
// ERR_DATA, ERR_IO.
Err model_files_tokenizer(Arena *arena, const char *path, Vocab **out);

#endif
