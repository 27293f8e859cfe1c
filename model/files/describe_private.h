// describe_private.h -- what the files of describe_model share.
#ifndef TD_MODEL_FILES_DESCRIBE_PRIVATE_H
#define TD_MODEL_FILES_DESCRIBE_PRIVATE_H

#include "model/files/import.h"

// The lines on the tokenizer `json`, `v` of a model (of which only the tokenizer may be known) and
// on its chat template.
void describe_vocab(Text *t, Arena *scratch, const ImportModel *m, const Json *json, const Vocab *v,
                    const char *path);
// A part that cannot be read is said to be so, and the others still are.
void describe_or_why(Text *t, const char *label, Err e);

#endif
