// vocab.h -- text to token ids and back.
//
// Kinds so far: "character" (an alphabet; every character is a token) and "byte" (256 bytes plus
// special tokens).  Special tokens (bos, eos, pad) are never produced from plain text unless the
// alphabet itself contains them (character kind): templates name them as {bos} and {eos}.
#ifndef TD_MODEL_VOCAB_H
#define TD_MODEL_VOCAB_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"

#include <stdint.h>

typedef struct Vocab Vocab;

// {"kind": "character", "alphabet": "...", "bos": "Q", "eos": "\n", "pad": "."} or
// {"kind": "byte"} (ids 0..255 bytes, 256 bos, 257 eos, 258 pad).  ERR_CONFIG: a character twice, a
// special that is not in the alphabet, invalid UTF-8, unknown kind.
Err vocab_make(Arena *run, const Json *config, Vocab **out);
// The same JSON again, for weight files.
void vocab_write(Text *t, const Vocab *v);

int64_t vocab_size(const Vocab *v);
int32_t vocab_bos(const Vocab *v); // -1: none; likewise below
int32_t vocab_eos(const Vocab *v);
int32_t vocab_pad(const Vocab *v);

// ids of text[0..length); at most `room`.  ERR_DATA naming the first character that has no token
// and its place.  *count gets the number of ids.
Err vocab_encode(const Vocab *v, const char *text, int64_t length, int32_t *ids, int64_t room,
                 int64_t *count);
// Appends the bytes of a token; special tokens of the byte kind have none.
void vocab_decode(const Vocab *v, int32_t id, Text *out);

#endif
