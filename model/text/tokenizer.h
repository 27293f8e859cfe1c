// tokenizer.h -- the tokenizers of published models, for model/vocab.c alone.
//
// A text passes through: added tokens (found by their names), normalizers, added tokens once more,
// pre-tokenizers (which cut it into words), and the model of words (BPE or Unigram), as in the
// library `tokenizers`, whose ids and texts are met exactly.  Truncation and padding that a file
// may ask for are not done: no text is cut silently.
#ifndef TD_MODEL_TEXT_TOKENIZER_H
#define TD_MODEL_TEXT_TOKENIZER_H

#include "model/vocab.h"

#define TOKENIZER_KINDS     "\"tokenizer.json\", \"tokenizer.model\", \"vocab.json\", \"tiktoken\""
#define TOKENIZER_FILES     "tokenizer.json, tokenizer.model, vocab.json with merges.txt, *.tiktoken"
#define TOKENIZER_ADDRESSES ((int64_t)1 << 35) // of an arena that holds all files of a tokenizer

// Whether this kind of vocabulary is a tokenizer's.
int tokenizer_reads(const char *kind);

// {"kind": "tokenizer.json", "tokenizer": {...}, "beside": {...}}, the file as it is;
// {"kind": "tokenizer.model", "base64": "...", "beside": {...}}, a SentencePiece model;
// {"kind": "tiktoken", "text": "...", "beside": {...}};
// {"kind": "vocab.json", "vocab": {...}, "merges": "...", "beside": {...}}.
// `beside` holds what is known of tokenizer_config.json ("tokenizer_config"),
// special_tokens_map.json ("special_tokens_map"), config.json ("config") and the chat template
// ("chat_template", a text; for conversations with tools "chat_template_tool_use").  JSON knows no
// zero character here: a text "zero": "<a character>" says what stands for it.  ERR_DATA.
Err tokenizer_make(Arena *run, const Json *config, Vocab **out);

// That JSON for a folder or a file; NULL if a folder holds none.
Err tokenizer_source(Arena *arena, const char *path, const char **json);
// That text as a tree; messages name the file of the folder that is wrong.  ERR_DATA.
Err tokenizer_parse(Arena *arena, const char *path, const char *source, const Json **out);

#endif
