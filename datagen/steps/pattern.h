// pattern.h -- the only door to PCRE2: patterns over UTF-8 texts with limits.
//
// Classes are Unicode's (\w, \d, \s of any script).  A text may hold bytes that are not UTF-8: they
// match nothing.  A match that would take too long gives up and says so: a text cannot make a run
// hang.
#ifndef TD_DATAGEN_PATTERN_H
#define TD_DATAGEN_PATTERN_H

#include "datagen/unitext.h"
#include "io/json.h"

typedef struct Pattern Pattern;

typedef enum PatternAnswer { PATTERN_NONE, PATTERN_FOUND, PATTERN_GAVE_UP } PatternAnswer;

// ERR_CONFIG with the position of `json` and what PCRE2 says of it.
Err pattern_make(Arena *run, const Json *json, const char *text, const Pattern **out);

// Whether it matches anywhere.  `scratch` is as before when it returns.
PatternAnswer pattern_find(const Pattern *p, Arena *scratch, Span text);
// The first match at or behind byte `from`: its first group, or all of it where the pattern has no
// group or the group took no part; *next is where to look for another.
PatternAnswer pattern_take(const Pattern *p, Arena *scratch, Span text, int64_t from, Span *taken,
                           int64_t *next);

#endif
