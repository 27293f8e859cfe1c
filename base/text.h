// text.h -- bytes that grow, UTF-8, and words that are nearly the same.
#ifndef TD_BASE_TEXT_H
#define TD_BASE_TEXT_H

#include "base/arena.h"

#include <stdint.h>

typedef struct Text {
    char   *data;     // always ends in a zero byte that is not counted
    int64_t length;   // bytes
    int64_t capacity; // bytes
    Arena  *arena;    // borrowed: where it grows
} Text;

Text text_make(Arena *arena);
void text_add(Text *t, const char *bytes, int64_t length);
void text_puts(Text *t, const char *text);
void text_printf(Text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Appends `text` as a JSON string with its quotes.  Invalid UTF-8 becomes U+FFFD.
void text_json(Text *t, const char *text, int64_t length);

// The length of the well-formed UTF-8 sequence at the start of bytes[0..length), 0 if there is
// none.
int text_utf8_length(const char *bytes, int64_t length);

// Position of the first byte that is not well-formed UTF-8, -1 if all are.
int64_t text_utf8_bad(const char *bytes, int64_t length);

int text_ends_with(const char *text, const char *end);

// Edit distance (Levenshtein), for "did you mean": words longer than 63 bytes count as far away.
int text_distance(const char *a, const char *b);

// The candidate nearest to `word`, NULL if none is near enough to be meant.
const char *text_nearest(const char *word, const char *const *candidates, int count);

#endif
