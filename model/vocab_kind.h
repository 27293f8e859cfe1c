// vocab_kind.h -- what a kind of vocabulary does; the struct of a kind begins with a Vocab.
//
// vocab.c is the only caller of these functions, model/text and vocab_plain.c make them.
#ifndef TD_MODEL_VOCAB_KIND_H
#define TD_MODEL_VOCAB_KIND_H

#include "model/vocab.h"

// Texts in which special tokens are to be recognised, or not.
typedef enum VocabReading { VOCAB_PLAIN, VOCAB_NAMES_SPECIAL } VocabReading;

typedef struct VocabKind {
    void (*write)(Text *t, const Vocab *v);
    int (*is_special)(const Vocab *v, int32_t id);
    int64_t (*room)(const Vocab *v, const char *text, int64_t length);
    Err (*encode)(const Vocab *v, const char *text, int64_t length, VocabReading reading,
                  int32_t *ids, int64_t room, int64_t *count);
    void (*decode)(const Vocab *v, int32_t id, Text *out);
    Err (*decode_all)(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special,
                      Text *out);
} VocabKind;

enum { VOCAB_ENDS_MAX = 16 };

struct Vocab {
    const VocabKind *kind;
    int64_t          size;
    int64_t          token_bytes;                                     // the longest token
    int32_t          bos, eos, pad, unknown;                          // -1: none
    int32_t          before[VOCAB_FRAME_MAX], after[VOCAB_FRAME_MAX]; // what frames a text
    int              befores, afters;
    int32_t          end[VOCAB_ENDS_MAX]; // tokens besides eos that end what a model writes
    int              ends;
    const char      *chat_template; // or NULL
    const char      *chat_fault;    // or NULL
};

// {"kind": "character"} and {"kind": "byte"}.  As vocab_make.
Err vocab_make_plain(Arena *run, const Json *config, Vocab **out);

// The words for a text that has more tokens than there is room for, and for one that is not UTF-8.
Err vocab_no_room(int64_t room);
Err vocab_not_utf8(const char *text, int64_t at);

// Appends bytes as UTF-8: U+FFFD for every part of them that is none.
void vocab_add_valid(Text *out, const char *bytes, int64_t length);

#endif
