// vocab.h -- text to token ids and back.
//
// Kinds: "character" (an alphabet; every character is a token), "byte" (256 bytes plus special
// tokens), and the tokenizers of published models (model/text): "bpe" and "unigram", which come
// from tokenizer.json, tokenizer.model, vocab.json + merges.txt or tiktoken files.  Special tokens
// (bos, eos, pad, ...) are never produced from plain text unless the alphabet itself contains them
// (character kind): templates name them as {bos} and {eos}.
//
// Encoding takes turns: threads may share a vocabulary, but only one of them encodes at a time.
#ifndef TD_MODEL_VOCAB_H
#define TD_MODEL_VOCAB_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"

#include <stdint.h>

typedef struct Vocab Vocab;

// {"kind": "character", "alphabet": "...", "bos": "Q", "eos": "\n", "pad": "."},
// {"kind": "byte"} (ids 0..255 bytes, 256 bos, 257 eos, 258 pad), {"kind": "file", "path": "..."}
// (as vocab_open), or what vocab_write wrote.  ERR_CONFIG: a character twice, a special that is not
// in the alphabet, invalid UTF-8, unknown kind.  ERR_DATA: a tokenizer that is not what it claims
// to be, or of a form that is not read.
Err vocab_make(Arena *run, const Json *config, Vocab **out);
// The same JSON again, for weight files: it brings back the same vocabulary.
void vocab_write(Text *t, const Vocab *v);

// The tokenizer of a folder (tokenizer.json, else tokenizer.model, else vocab.json with merges.txt,
// else *.tiktoken; tokenizer_config.json, special_tokens_map.json and config.json beside it say
// which tokens begin and end a text), or one such file.  ERR_DATA naming the file, ERR_IO.
Err vocab_open(Arena *run, const char *path, Vocab **out);
// The JSON that vocab_make makes the same of, without reading much of the files; NULL where a
// folder holds no tokenizer.  ERR_IO, ERR_DATA.
Err vocab_source(Arena *arena, const char *path, const char **json);
// That JSON as a tree for vocab_make.  ERR_DATA naming the file of the folder that is none.
Err vocab_parse(Arena *arena, const char *path, const char *source, const Json **json);

int64_t vocab_size(const Vocab *v);
int32_t vocab_bos(const Vocab *v); // -1: none; likewise below
int32_t vocab_eos(const Vocab *v);
int32_t vocab_pad(const Vocab *v);
// Whether a model that writes this token has ended its text: eos, and the further tokens that
// generation_config.json or config.json name as eos_token_id (GGUF: tokenizer.ggml.eot_token_id).
int vocab_ends(const Vocab *v, int32_t id);
// Those further tokens, in their order; NULL if there are none.
const int32_t *vocab_more_ends(const Vocab *v, int *count);
int            vocab_is_special(const Vocab *v, int32_t id); // a token that no plain text becomes
int64_t        vocab_token_bytes(const Vocab *v);            // at least those of the longest token
// The token that stands for characters without one, as some tokenizers have it; -1: none.
int32_t vocab_unknown(const Vocab *v);
// The chat template (Jinja) that came with it; NULL: none.  Where there is one more for
// conversations with tools ("tool_use"), this is one text that takes the right one of the two.
const char *vocab_chat_template(const Vocab *v);
// Why what came with it in the place of a chat template is none that is understood; NULL: all is
// well.
const char *vocab_chat_fault(const Vocab *v);

// At most this many ids come of text[0..length).  Hardly more than `length` for most texts; a
// tokenizer that normalizes may need a few times as many for what is not ASCII.  Never more than
// VOCAB_GROWTH_MAX per byte: a text that a tokenizer of strange normalizers makes more of is
// refused when it is encoded.
enum { VOCAB_GROWTH_MAX = 32 };
int64_t vocab_room(const Vocab *v, const char *text, int64_t length);
// ids of text[0..length); at most `room`.  Plain text: nothing becomes a special token.  ERR_DATA
// naming the first character that has no token and its place.  *count gets the number of ids.
Err vocab_encode(const Vocab *v, const char *text, int64_t length, int32_t *ids, int64_t room,
                 int64_t *count);
// The same, but special tokens that are spelled out in the text are taken for what they are called.
// Kinds without named tokens: as vocab_encode.
Err vocab_encode_special(const Vocab *v, const char *text, int64_t length, int32_t *ids,
                         int64_t room, int64_t *count);
// Puts around ids[0..*count) what the tokenizer wants at the beginning and the end of a text; for
// the kinds "character" and "byte", bos where there is one.  ERR_DATA if that is more than `room`.
enum { VOCAB_FRAME_MAX = 16 }; // tokens that it adds, at most
Err vocab_frame(const Vocab *v, int32_t *ids, int64_t room, int64_t *count);
// The same at the beginning alone: for a prompt, which is to go on.
Err vocab_begin(const Vocab *v, int32_t *ids, int64_t room, int64_t *count);
// Whether that begins with bos.
int vocab_adds_bos(const Vocab *v);

// How a token is spelled, special ones by their names, in `arena`; NULL: there is no such token, or
// it has no spelling.
const char *vocab_name(const Vocab *v, Arena *arena, int32_t id);
// Appends the bytes of a token; special tokens (not those of the character kind) have none.  The
// bytes of one token need not be whole characters.
void vocab_decode(const Vocab *v, int32_t id, Text *out);
// Appends the text of a whole sequence: invalid UTF-8 becomes U+FFFD, and the blank that a
// tokenizer puts in front of a text is taken away.  ids that are no token of it are ERR_DATA.
typedef enum VocabSpecial { VOCAB_KEEP_SPECIAL, VOCAB_SKIP_SPECIAL } VocabSpecial;
Err vocab_decode_all(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special,
                     Text *out);

#endif
