// unitext.h -- the door to utf8proc (with near_fold.c): characters of UTF-8 texts, judged and
// changed as Python does it.
//
// White space, digits, word characters and case are Unicode's (str.isspace, \s, \d, \w, str.lower,
// str.capitalize).  A byte that is not UTF-8 counts as one character of no kind and is kept as it
// is.
#ifndef TD_DATAGEN_UNITEXT_H
#define TD_DATAGEN_UNITEXT_H

#include "base/text.h"

#include <stdint.h>

enum { UNITEXT_BAD = -1 }; // code of a byte that is not UTF-8

typedef struct Span { // bytes of somebody else's text
    const char *text;
    int64_t     length;
} Span;

// The character at the start of s, which is not empty, and its bytes.
int32_t unitext_next(Span s, int64_t *bytes);
// The same for the character that ends s.
int32_t unitext_last(Span s, int64_t *bytes);

int     unitext_is_space(int32_t c);
int     unitext_is_digit(int32_t c); // decimal digits of any script
int     unitext_is_word(int32_t c);  // letters, numbers, _
int     unitext_is_letter(int32_t c);
int     unitext_is_printable(int32_t c); // neither control, nor unassigned, nor private
int32_t unitext_simple_lower(int32_t c);
int32_t unitext_fold(int32_t c); // equal for characters that differ in case alone

void unitext_put(Text *t, int32_t c); // appends one character, which is not UNITEXT_BAD

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
