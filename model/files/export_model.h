// export_model.h -- a network and its tokenizer as files for other programs.
#ifndef TD_MODEL_FILES_EXPORT_MODEL_H
#define TD_MODEL_FILES_EXPORT_MODEL_H

#include "model/params.h"

typedef enum ExportType { EXPORT_F32, EXPORT_F16, EXPORT_BF16, EXPORT_Q8_0 } ExportType;

typedef struct ExportModel {
    const Params *params;
    const float  *flat;
    const char   *tokenizer; // JSON for vocab_make; NULL: none
    const char   *chat;      // chat template (Jinja) instead of the tokenizer's; NULL: none
    const char   *name;      // for people
} ExportModel;

// A Hugging Face folder: config.json, generation_config.json, model.safetensors and the files of
// the tokenizer, with chat_template.jinja if there is a template.  ERR_CONFIG: Q8_0, which
// safetensors do not have.
Err export_hf(Arena *scratch, const ExportModel *m, ExportType type, const char *folder);
// One GGUF file.  Vectors stay F32; a matrix whose rows are no multiple of 32 is written as F16
// where Q8_0 is asked for.  ERR_CONFIG: a network or tokenizer that GGUF cannot say.
Err export_gguf(Arena *scratch, const ExportModel *m, ExportType type, const char *path);
// A template beside an adapter: chat_template.jinja in the folder, which is made.
Err export_template(const char *chat, const char *folder);

// What a model is, for people, line by line: a Hugging Face folder, a .gguf file, a .bin file of
// llama2.c, a weight file of ours, or an adapter, perhaps with @BASE.  What cannot be opened is
// described as far as it goes, with the reason; ERR_IO if there is nothing.
Err describe_model(Text *t, Arena *scratch, const char *path);
// The same for the folder of a tokenizer without a model.  ERR_DATA, ERR_IO: it holds none.
Err describe_tokenizer(Text *t, Arena *scratch, const char *path);

#endif
