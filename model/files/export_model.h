// export_model.h -- a network and its tokenizer as files for other programs.
#ifndef TD_MODEL_FILES_EXPORT_MODEL_H
#define TD_MODEL_FILES_EXPORT_MODEL_H

#include "model/params.h"

typedef enum ExportType { EXPORT_F32, EXPORT_F16, EXPORT_BF16, EXPORT_Q8_0 } ExportType;

typedef struct ExportModel {
    const Params *params;
    const float  *flat;
    const char   *tokenizer; // JSON for vocab_make; NULL: none
    const char   *name;      // for people
} ExportModel;

// A Hugging Face folder: config.json, generation_config.json, model.safetensors and the files of
// the tokenizer.  ERR_CONFIG: Q8_0, which safetensors do not have.
Err export_hf(Arena *scratch, const ExportModel *m, ExportType type, const char *folder);
// One GGUF file.  Vectors stay F32; a matrix whose rows are no multiple of 32 is written as F16
// where Q8_0 is asked for.  ERR_CONFIG: a network or tokenizer that GGUF cannot say.
Err export_gguf(Arena *scratch, const ExportModel *m, ExportType type, const char *path);

// What a model is, for people, line by line: a Hugging Face folder, a .gguf file, a .bin file of
// llama2.c or a weight file of ours.  What cannot be opened is described as far as it goes, with
// the reason; ERR_IO if there is nothing.
Err describe_model(Text *t, Arena *scratch, const char *path);

#endif
