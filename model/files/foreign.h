// foreign.h -- weights of other programs: GGUF files of llama.cpp, .bin files of llama2.c.
//
// Sizes become the text of a config.json and go through dims_read like every model's.  A head that
// is the embedding once more, bit for bit, counts as tied.
#ifndef TD_MODEL_FILES_FOREIGN_H
#define TD_MODEL_FILES_FOREIGN_H

#include "model/files/import.h"

// By the first bytes and the name: also files of PyTorch, which foreign_find refuses with a hint.
int foreign_is(const char *path);
// As import_find and import_load do for our own.
Err foreign_find(Arena *run, const char *path, ImportModel *out);
Err foreign_load(Arena *scratch, const char *path, const Params *p, float *flat);

#endif
