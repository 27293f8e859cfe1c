// near_words.h -- the inside of NearWords: texts folded into words, words numbered in the order of
// their first sight.  For near*.c.
#ifndef TD_DATAGEN_NEAR_WORDS_H
#define TD_DATAGEN_NEAR_WORDS_H

#include "base/unitext.h"
#include "datagen/near/near.h"

#include <stdint.h>

enum { NEAR_UNKNOWN = UINT32_MAX }; // number of a word that was never seen

typedef struct NearWord {
    uint64_t    hash;
    const char *bytes;
    int64_t     length;
} NearWord;

struct NearWords {
    Arena       *arena; // borrowed; everything here grows in it
    NearTokens   kind;
    uint32_t    *slot; // [slots], a power of two: number + 1, 0 where empty
    int64_t      slots;
    NearWord    *word; // [capacity]
    int64_t      count, capacity;
    char        *room; // for the bytes of new words
    int64_t      room_left;
    Text         folded;  // the last text: its words, each followed by a zero byte
    int64_t      in_last; // words of it
    UnitextCodes codes;   // for near_fold_unicode
};

// Folds a text into w->folded; the number of its words.  Local.
int64_t near_words_fold(NearWords *w, NearText text);
// The folded text as numbers: new words get one, or (find) are NEAR_UNKNOWN.
void near_words_number(NearWords *w, uint32_t *token);
void near_words_find(const NearWords *w, uint32_t *token);

// near_fold.c: appends the words of a text that is not all ASCII, each with a zero byte behind it;
// returns their number.
int64_t near_fold_unicode(NearWords *w, NearText text);

#endif
