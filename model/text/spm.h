// spm.h -- the pieces of a SentencePiece model as its file has them, read and written: for formats
// that carry the same vocabulary in another shape.  (tokenizer_model.c makes a tokenizer of one.)
#ifndef TD_MODEL_TEXT_SPM_H
#define TD_MODEL_TEXT_SPM_H

#include "base/text.h"
#include "model/text/unicode.h"

enum { SPM_NORMAL = 1, SPM_UNKNOWN, SPM_CONTROL, SPM_USER, SPM_UNUSED, SPM_BYTE };
enum { SPM_UNIGRAM = 1, SPM_BPE = 2 };

// Fields of the protocol buffer.
enum {
    SPM_MODEL_PIECE = 1,
    SPM_MODEL_TRAINER = 2,
    SPM_MODEL_NORMALIZER = 3,
    SPM_PIECE_TEXT = 1,
    SPM_PIECE_SCORE = 2,
    SPM_PIECE_TYPE = 3,
    SPM_TRAINER_TYPE = 3,
    SPM_TRAINER_SUFFIX = 24,
    SPM_TRAINER_FALLBACK = 35,
    SPM_NORMALIZER_NAME = 1,
    SPM_NORMALIZER_CHARSMAP = 2,
    SPM_NORMALIZER_PREFIX = 3,
    SPM_NORMALIZER_COLLAPSES = 4,
    SPM_NORMALIZER_ESCAPES = 5
};

typedef struct SpmPieces {
    int64_t size;
    Bytes  *text;  // [size]
    float  *score; // [size]
    int    *type;  // [size]
    int     model; // SPM_BPE, SPM_UNIGRAM, or another that is not known here
    int     puts_prefix, collapses;
    int     has_charsmap;
} SpmPieces;

// Appends the bytes of tokenizer.model.
void spm_write(Text *t, const SpmPieces *p);
// Texts point into `file`.  ERR_DATA with `where` in front.
Err spm_read(Arena *arena, const char *where, Bytes file, SpmPieces *out);

#endif
