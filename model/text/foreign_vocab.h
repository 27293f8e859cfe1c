// foreign_vocab.h -- the vocabularies of GGUF files and of llama2.c, as the JSON that vocab_make
// reads; and back to GGUF.
#ifndef TD_MODEL_TEXT_FOREIGN_VOCAB_H
#define TD_MODEL_TEXT_FOREIGN_VOCAB_H

#include "io/formats/gguf.h"
#include "io/json.h"
#include "model/text/spm.h"

// NULL: the file has none.  ERR_DATA: a kind that is not read, sizes that do not fit together.
Err foreign_vocab_gguf(Arena *arena, const Gguf *g, const char **json);
// tok<count>.model, tokenizer.model, tok<count>.bin or tokenizer.bin beside the weights; NULL:
// none.
Err foreign_vocab_llama2c(Arena *arena, const char *weights, int64_t count, const char **json);

// The vocabulary of a model of `size` tokens, described by the JSON of a weight file, as metadata.
// Its bos and eos are said where it has them.  `chat`: the chat template of the model; NULL: the
// tokenizer's, if any.  ERR_CONFIG: a kind that GGUF cannot say.
Err foreign_vocab_put(Arena *arena, const Json *tokenizer, const char *chat, int64_t size,
                      GgufMeta *m);

// The files of a Hugging Face folder: those that it came from, or for the kinds "character" and
// "byte" a tokenizer.json that says the same (but that characters without a token are dropped).
// `chat` as above: it goes into chat_template.jinja, and, for programs that do not know that file,
// into tokenizer_config.json.
Err foreign_vocab_folder(Arena *arena, const Json *tokenizer, const char *chat, const char *folder);

// A chat template for those files: of the kinds "character" and "byte" it says itself which special
// tokens a template knows by name (of bytes none), as others would take those of the files.
const char *foreign_vocab_template(Arena *arena, const Json *tokenizer, const char *chat);

// Appends a tokenizer.json that says the same as a SentencePiece model; `frame` is the member
// "post_processor" with a comma behind it.  0, and nothing appended: it cannot say it.
int foreign_vocab_spm(Arena *arena, Text *t, const SpmPieces *p, const char *frame);

#endif
