// Texts that are the same but for one digit of a number.  Each accepted text also stands in a table
// of texts with one digit blanked: two texts are near if they share such a text.
#include "datagen/near/near_private.h"

#include <string.h>

enum { RUN_MIN = 4, FIRST_ROOM = 1024 }; // digits: in shorter numbers one makes all the difference

static const char BLANK = 0;

struct NearDigit {
    Arena     *arena;
    NearExact *whole, *blanked;
    int64_t    blanks, room;
    int64_t   *owner; // [room] number of the accepted text that a blanked text comes of
};

NearDigit *near_digit_make(Arena *arena)
{
    NearDigit *d = arena_new(arena, NearDigit, 1);

    *d = (NearDigit){.arena = arena, .room = FIRST_ROOM};
    d->whole = near_exact_make(arena);
    d->blanked = near_exact_make(arena);
    d->owner = arena_new(arena, int64_t, d->room);
    return d;
}

static int is_digit(char c)
{
    return '0' <= c && c <= '9';
}

// Place of the next digit of a number of RUN_MIN digits or more, from `at` on; -1: there is none.
static int64_t next_digit(NearText t, int64_t at)
{
    for (; at < t.length; at++) {
        int64_t first = at, end = at;

        while (first > 0 && is_digit(t.text[first - 1]))
            first--;
        while (end < t.length && is_digit(t.text[end]))
            end++;
        if (end > at && end - first >= RUN_MIN)
            return at;
    }
    return -1;
}

void near_digit_add(NearDigit *d, NearText text, int64_t number)
{
    NearText blanked = {NULL, text.length};
    char    *copy = arena_text_n(d->arena, text.text, text.length);

    blanked.text = copy;
    near_exact_add(d->whole, text);
    for (int64_t at = next_digit(text, 0); at >= 0; at = next_digit(text, at + 1)) {
        int64_t size = (int64_t)sizeof *d->owner;

        copy[at] = BLANK;
        near_exact_add(d->blanked, blanked);
        copy[at] = text.text[at];
        if (d->blanks == d->room) {
            d->owner = arena_grow(d->arena, d->owner, d->room * size, 2 * d->room * size);
            d->room *= 2;
        }
        d->owner[d->blanks++] = number;
    }
}

int64_t near_digit_find(const NearDigit *d, Arena *scratch, NearText text)
{
    ArenaMark mark = arena_mark(scratch);
    char     *copy = arena_text_n(scratch, text.text, text.length);
    int64_t   same = near_exact_find(d->whole, text), first = -1;

    for (int64_t at = next_digit(text, 0); at >= 0; at = next_digit(text, at + 1)) {
        int64_t found;

        copy[at] = BLANK;
        found = near_exact_find(d->blanked, (NearText){copy, text.length});
        copy[at] = text.text[at];
        if (found >= 0 && (first < 0 || d->owner[found] < first))
            first = d->owner[found];
    }
    arena_back(scratch, mark);
    return same >= 0 ? same : first;
}
