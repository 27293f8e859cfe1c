// unitext.h -- the door to utf8proc: characters of UTF-8 texts, judged and changed as Python does
// it.
//
// White space, digits, word characters and case are Unicode's (str.isspace, \s, \d, \w, str.lower,
// str.capitalize).  A byte that is not UTF-8 counts as one character of no kind and is kept as it
// is.
#ifndef TD_BASE_UNITEXT_H
#define TD_BASE_UNITEXT_H

#include "base/text.h"

#include <stdint.h>

enum {
    UNITEXT_BAD = -1,       // code of a byte that is not UTF-8
    UNITEXT_BYTES = 4,      // at most, of a character
    UNITEXT_CASED_BYTES = 8 // at most, of a character in another case: it may become three
};

// The general categories of the Unicode standard (its table 4-4), in an order that keeps letters,
// marks, numbers, punctuation, signs and separators together.
typedef enum UnitextKind {
    // clang-format off
    UNITEXT_CN, // not assigned
    UNITEXT_LU, UNITEXT_LL, UNITEXT_LT, UNITEXT_LM, UNITEXT_LO, // letters
    UNITEXT_MN, UNITEXT_MC, UNITEXT_ME,                         // marks
    UNITEXT_ND, UNITEXT_NL, UNITEXT_NO,                         // numbers
    UNITEXT_PC, UNITEXT_PD, UNITEXT_PS, UNITEXT_PE, UNITEXT_PI, UNITEXT_PF, UNITEXT_PO,
    UNITEXT_SM, UNITEXT_SC, UNITEXT_SK, UNITEXT_SO,             // signs
    UNITEXT_ZS, UNITEXT_ZL, UNITEXT_ZP,                         // separators
    UNITEXT_CC, UNITEXT_CF, UNITEXT_CS, UNITEXT_CO              // control, format, surrogate, private
    // clang-format on
} UnitextKind;

typedef struct Span { // bytes of somebody else's text
    const char *text;
    int64_t     length;
} Span;

// The character at the start of s, which is not empty, and its bytes.
int32_t unitext_next(Span s, int64_t *bytes);
// The same for the character that ends s.
int32_t unitext_last(Span s, int64_t *bytes);

UnitextKind unitext_kind(int32_t c); // UNITEXT_BAD: UNITEXT_CS

int     unitext_is_space(int32_t c);
int     unitext_is_digit(int32_t c); // decimal digits of any script
int     unitext_is_word(int32_t c);  // letters, numbers, _
int     unitext_is_letter(int32_t c);
int     unitext_is_upper(int32_t c);
int     unitext_is_lower(int32_t c);
int     unitext_is_cased(int32_t c);     // a letter in one of the three cases
int     unitext_is_printable(int32_t c); // neither control, nor unassigned, nor private
int32_t unitext_simple_lower(int32_t c); // one character for one character
int32_t unitext_simple_upper(int32_t c);
int32_t unitext_simple_title(int32_t c);
int32_t unitext_fold(int32_t c); // equal for characters that differ in case alone

// One character, which is not UNITEXT_BAD: written (its bytes), or appended.
int  unitext_write(int32_t c, char out[UNITEXT_BYTES]);
void unitext_put(Text *t, int32_t c);

// The same in another case, where it may become several (SpecialCasing of Unicode).  Lower case
// takes the character at s[at]: a sigma at the end of a word has a form of its own.
int unitext_upper_of(int32_t c, char out[UNITEXT_CASED_BYTES]);
int unitext_title_of(int32_t c, char out[UNITEXT_CASED_BYTES]);
int unitext_lower_of(Span s, int64_t at, char out[UNITEXT_CASED_BYTES]);

// Normal forms of the Unicode standard (its annex 15); NFKC_CASEFOLD besides makes case one and
// takes away what is not to be seen.
typedef enum UnitextForm {
    UNITEXT_NFC,
    UNITEXT_NFD,
    UNITEXT_NFKC,
    UNITEXT_NFKD,
    UNITEXT_NFKC_CASEFOLD
} UnitextForm;

typedef struct UnitextCodes { // characters; made by {.arena = ...}
    int32_t *code;            // [count]
    int64_t  count, room;
    Arena   *arena; // borrowed: where it grows
} UnitextCodes;

// Well-formed UTF-8 in a normal form, in place of what `out` held.
void unitext_normalize(UnitextCodes *out, UnitextForm form, Span s);

int64_t unitext_characters(Span s);
int64_t unitext_words(Span s); // runs without white space
int     unitext_is_blank(Span s);
Span    unitext_strip(Span s);
Span    unitext_strip_end(Span s);
// Up to the end of word n; all of it if there are fewer.
Span unitext_first_words(Span s, int64_t n);

// These append to t.
void unitext_collapse(Text *t, Span s); // runs of white space become one blank
void unitext_lower(Text *t, Span s);
void unitext_capitalize(Text *t, Span s); // the first character in title case, the rest lower

int unitext_is_same(Span a, Span b);
int unitext_is_same_folded(Span a, Span b); // but for case
// Bytes at the start of s that are `prefix` but for case; -1: it begins otherwise.
int64_t unitext_prefix_folded(Span s, Span prefix);
int     unitext_begins(Span s, Span prefix);
// Place of `what` in s, any case; -1: it is not there.
int64_t unitext_find_folded(Span s, Span what);
// The same for whole words: where it begins or ends with a word character, none stands beside it.
int64_t unitext_find_word(Span s, Span what);

Span span_of(const char *text); // up to its zero byte
Span span_from(Span s, int64_t begin);
Span span_cut(Span s, int64_t begin, int64_t end);

#endif
