// task_extract.h -- the answer in what a model wrote, and when two answers are the same.
#ifndef TD_CAMPAIGN_TASKS_TASK_EXTRACT_H
#define TD_CAMPAIGN_TASKS_TASK_EXTRACT_H

#include "base/regex.h"
#include "io/config.h"

typedef enum ExtractBy {
    EXTRACT_WHOLE,
    EXTRACT_PATTERN,     // group 1 of a pattern, or all that it matches
    EXTRACT_LAST_NUMBER, // digits with commas and a point, perhaps a minus sign
    EXTRACT_AFTER        // what stands behind a marker, up to the end of the line
} ExtractBy;

typedef enum ExtractWhich { EXTRACT_FIRST, EXTRACT_LAST } ExtractWhich; // of several

typedef enum Normal {
    NORMAL_STRIP,       // white space at both ends
    NORMAL_LOWER,       // letters
    NORMAL_PUNCTUATION, // that of ASCII goes
    NORMAL_ARTICLES,    // the words a, an, the go, in either case
    NORMAL_SPACE,       // runs of white space become one blank, none at the ends
    NORMAL_NUMBER       // "$1,234.50" and "1234.5" are the same
} Normal;

enum { NORMALS_MAX = 8 };

typedef struct ExtractKeys {
    int         by, which;
    const char *pattern, *after;
    const Json *normalize;
} ExtractKeys;

typedef struct Extract {
    ExtractBy    by;
    ExtractWhich which;
    const Regex *pattern;
    Span         after;
    int          normals;
    Normal       normal[NORMALS_MAX]; // in this order
} Extract;

extern const ConfigField extract_table[];

// `json`: the object that the keys come from, for messages; NULL: all are defaults.  ERR_CONFIG.
Err extract_make(Arena *run, const Json *json, const ExtractKeys *keys, Extract *out);

// The answer as it stands in the text.  0: there is none.  A pattern that would take too long
// finds nothing.
int extract_find(const Extract *e, Arena *scratch, Span text, Span *answer);
// Normalised, appended to t.
void extract_normalize(const Extract *e, Arena *scratch, Span answer, Text *t);

#endif
