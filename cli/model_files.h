// model_files.h -- what sample, score and eval share: a model folder, and lists of token ids.
#ifndef TD_CLI_MODEL_FILES_H
#define TD_CLI_MODEL_FILES_H

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

// A network for inference from a Hugging Face folder, weight file or run directory, packed.  `run`
// must have room for net_need.
Err model_files_open(Arena *run, Arena *scratch, const char *path, Net *out);
// Its sizes and its tokenizer (NULL: it brings none) first, to plan memory.
Err model_files_dims(Arena *scratch, const char *path, Dims *out);
Err model_files_vocab(Arena *arena, const char *path, Vocab **out);
// Whether it is a file or folder of a model that holds tokenizer and chat template inside, if it
// has any: a .gguf, .bin or weight file, a run directory, a folder of PEFT.
Err model_files_is_closed(Arena *arena, const char *path, int *out);
// A tokenizer by the path of its files (vocab_open), or of a model of any kind that brings one.
// ERR_DATA, ERR_IO.
Err model_files_tokenizer(Arena *arena, const char *path, Vocab **out);

#endif
