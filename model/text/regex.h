// regex.h -- patterns of pre-tokenizers; a door to PCRE2 below datagen/.
//
// Classes are Unicode's.  A match that would take too long is an error.
#ifndef TD_MODEL_TEXT_REGEX_H
#define TD_MODEL_TEXT_REGEX_H

#include "model/text/unicode.h"

typedef struct Regex Regex;

// ERR_DATA with `where` in front, and what PCRE2 says of it.
Err regex_make(Arena *run, const char *where, Bytes pattern, const Regex **out);

// One search through one text: its memory is in `scratch`.
typedef struct RegexSearch {
    const Regex *regex;
    Bytes        text;
    void        *found, *context; // PCRE2's
} RegexSearch;
RegexSearch regex_search(const Regex *r, Arena *scratch, Bytes text);

// The first match at or behind `from`; *begin = -1: there is none.  ERR_DATA if it takes too long.
Err regex_find(const RegexSearch *s, int64_t from, int64_t *begin, int64_t *end);

#endif
