// unicode.h -- what tokenizers ask of characters: classes by table, forms, letters for bytes.
//
// All texts here are well-formed UTF-8.
#ifndef TD_MODEL_TEXT_UNICODE_H
#define TD_MODEL_TEXT_UNICODE_H

#include "base/unitext.h"

#include <stdint.h>

typedef struct Bytes { // of somebody else
    const char *data;
    int64_t     length;
} Bytes;

enum {                        // bits of a class
    UNICODE_LETTER = 1,       // \p{L}
    UNICODE_NUMBER = 2,       // \p{N}
    UNICODE_SPACE = 4,        // \s: white space
    UNICODE_MARK = 8,         // \p{M}
    UNICODE_PUNCTUATION = 16, // \p{P}, and all ASCII that is neither letter, number, space, control
    UNICODE_WORD = 32         // \w of Unicode's annex on regular expressions
};

// Must have been called once before the others; threads may call it at the same time.
void unicode_start(void);

enum { UNICODE_TABLE = 0x30000 };
extern uint8_t unicode_table[UNICODE_TABLE]; // classes of the first characters; written by start
int            unicode_class_far(int32_t c); // of those behind them

static inline int unicode_class(int32_t c)
{
    return c < UNICODE_TABLE ? unicode_table[c] : unicode_class_far(c);
}

// The character at p, and its bytes.
static inline int32_t unicode_at(const char *p, int *bytes)
{
    const unsigned char *b = (const unsigned char *)p;

    if (b[0] < 0x80) {
        *bytes = 1;
        return b[0];
    }
    if (b[0] < 0xE0) {
        *bytes = 2;
        return (b[0] & 0x1F) << 6 | (b[1] & 0x3F);
    }
    if (b[0] < 0xF0) {
        *bytes = 3;
        return (b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F);
    }
    *bytes = 4;
    return (b[0] & 0x07) << 18 | (b[1] & 0x3F) << 12 | (b[2] & 0x3F) << 6 | (b[3] & 0x3F);
}

// Appends the text in a normal form, in lower case (character by character), or without the marks.
void unicode_normalize(Text *out, Arena *scratch, UnitextForm form, Bytes text);
void unicode_lower(Text *out, Bytes text);
void unicode_without_marks(Text *out, Bytes text);

// The character that a byte is written as in byte-level vocabularies, and back (-1: none).
int32_t unicode_of_byte(int byte);
int     unicode_to_byte(int32_t c);

#endif
