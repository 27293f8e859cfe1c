// foreign_private.h -- what the readers of foreign files share.
#ifndef TD_MODEL_FILES_FOREIGN_PRIVATE_H
#define TD_MODEL_FILES_FOREIGN_PRIVATE_H

#include "base/text.h"
#include "io/formats/gguf.h"
#include "model/files/foreign.h"

// ERR_DATA naming the tensor if a number is not finite.
Err foreign_finite(const char *path, const char *name, const float *x, int64_t count);
// Sizes that were written as a config.json.  ERR_CONFIG.
Err foreign_config(Arena *run, const char *path, const Text *config, Dims *out);

Err foreign_gguf_find(Arena *run, const char *path, ImportModel *out);
Err foreign_gguf_load(Arena *scratch, const char *path, const Params *p, float *flat);

#endif
