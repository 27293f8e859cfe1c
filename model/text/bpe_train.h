// bpe_train.h -- a byte-level BPE learned from texts.
//
// Texts are cut into words as GPT-2 does; then, again and again, the pair of neighbours that occurs
// most often becomes a token.  Of pairs that occur equally often, the one is taken whose bytes (of
// the first token, then of the second) are greatest.
#ifndef TD_MODEL_TEXT_BPE_TRAIN_H
#define TD_MODEL_TEXT_BPE_TRAIN_H

#include "model/text/unicode.h"

typedef struct BpeTraining {
    const char *const *file; // [files] texts in UTF-8
    int                files;
    const char *const *special; // [specials] tokens of their own, which no word contains
    int                specials;
    int64_t            size; // tokens wanted: special ones, 256 bytes, and merges
} BpeTraining;

typedef struct BpeTrained {
    int64_t  size; // fewer than wanted if there was nothing left to merge
    int      specials;
    Bytes   *piece;        // [size] bytes: special tokens, then bytes, then merges in their order
    int32_t *left, *right; // [size] what each merge is made of; -1 for others
} BpeTrained;

// ERR_CONFIG: a size that has no room for the bytes, a special token twice or empty.  ERR_DATA: a
// text that is not UTF-8.
Err bpe_train(Arena *run, const BpeTraining *what, BpeTrained *out);

// tokenizer.json, vocab.json, merges.txt and tokenizer_config.json in `folder`, which is made.
// The first special token, if there is one, begins and ends texts.  ERR_IO.
Err bpe_train_write(Arena *scratch, const BpeTrained *t, const char *folder);

#endif
