// regex.h -- the door to PCRE2: patterns over UTF-8 texts, searched within limits.
//
// Classes are Unicode's (\w, \d, \s of any script).  A search that would take too long gives up and
// says so: no pattern and no text can make a program hang.
#ifndef TD_BASE_REGEX_H
#define TD_BASE_REGEX_H

#include "base/unitext.h"

#include <stdint.h>

typedef struct Regex Regex;

typedef enum RegexUse {
    // Patterns of tokenizers, over well-formed UTF-8 of any length: made into machine code, with
    // more steps than any real text needs.  White space is Unicode's property of that name.
    REGEX_TOKENIZER,
    // Patterns that a user writes, over whatever bytes: those that are not UTF-8 match nothing.
    // Seconds at worst: a long text has fewer steps for each place, and one beyond 32 KiB none.
    REGEX_USER
} RegexUse;

// Nothing of the arguments is kept.  What cannot be read is ERR_DATA (a tokenizer's) or ERR_CONFIG
// (a user's), with `where` in front and what PCRE2 says of it.
Err regex_make(Arena *run, const char *where, Span pattern, RegexUse use, const Regex **out);

// One search through one text: its memory is in `scratch`.
typedef struct RegexSearch {
    const Regex *regex;
    Span         text;
    void        *found, *context; // PCRE2's
} RegexSearch;
RegexSearch regex_search(const Regex *r, Arena *scratch, Span text);

typedef enum RegexAnswer { REGEX_NONE, REGEX_FOUND, REGEX_GAVE_UP } RegexAnswer;

typedef struct RegexMatch { // places in the text, in bytes; -1: there is none
    int64_t begin, end;
    int64_t group_begin, group_end; // of the first group, if it took part
} RegexMatch;

// The first match at or behind byte `from`.
RegexAnswer regex_ask(const RegexSearch *s, int64_t from, RegexMatch *out);
// The same where giving up is an error: ERR_DATA.  begin -1: there is no match.
Err regex_find(const RegexSearch *s, int64_t from, RegexMatch *out);
// The same as one search; `scratch` is as before when it returns.
RegexAnswer regex_once(const Regex *r, Arena *scratch, Span text, int64_t from, RegexMatch *out);

// Where the next match may begin: behind this one, or, if it has no bytes, a character further,
// perhaps beyond the end of the text.
int64_t regex_behind(Span text, const RegexMatch *m);

#endif
