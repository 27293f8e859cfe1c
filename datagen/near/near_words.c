#include "datagen/near/near_words.h"

#include "base/hash.h"

#include <string.h>

enum { FIRST_SLOTS = 256, ROOM = 1 << 16 };

NearWords *near_words(Arena *arena, NearTokens kind)
{
    NearWords *w = arena_new(arena, NearWords, 1);

    *w = (NearWords){.arena = arena, .kind = kind, .slots = FIRST_SLOTS};
    w->slot = arena_new(arena, uint32_t, w->slots);
    w->folded = text_make(arena);
    w->codes = (UnitextCodes){.arena = arena};
    return w;
}

// ---- folding

static int is_ascii(NearText text)
{
    unsigned char all = 0;

    for (int64_t i = 0; i < text.length; i++)
        all |= (unsigned char)text.text[i];
    return all < 0x80;
}

// The letter or digit in lower case, 0 for anything else.
static char plain(char c)
{
    if ('A' <= c && c <= 'Z')
        return (char)(c + 32);
    return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') ? c : 0;
}

// Runs of [a-z0-9] of the lower-cased text.  Two characters beyond ASCII have lower cases that
// begin with a letter of ASCII: the sign of the kelvin, and the capital I with a dot, whose dot
// then ends the word.
static int64_t fold_google(NearWords *w, NearText text)
{
    int64_t words = 0;
    int     is_inside = 0;

    for (int64_t i = 0; i < text.length; i++) {
        char        c = plain(text.text[i]);
        const char *rest = text.text + i;

        if (text.length - i >= 3 && memcmp(rest, "\xe2\x84\xaa", 3) == 0) {
            c = 'k';
            i += 2;
        } else if (text.length - i >= 2 && memcmp(rest, "\xc4\xb0", 2) == 0) {
            c = 'i'; // the byte behind it, no letter, ends the word
        }
        if (c == 0 && !is_inside)
            continue;
        text_add(&w->folded, &c, 1); // a zero ends the word
        words += c == 0;
        is_inside = c != 0;
    }
    if (is_inside)
        text_add(&w->folded, "", 1);
    return words + is_inside;
}

int64_t near_words_fold(NearWords *w, NearText text)
{
    w->folded.length = 0;
    if (w->kind == NEAR_GOOGLE || is_ascii(text))
        w->in_last = fold_google(w, text);
    else
        w->in_last = near_fold_unicode(w, text);
    return w->in_last;
}

// ---- numbering

// Where the word is, or the empty slot where it belongs.
static int64_t place_of(const NearWords *w, const char *bytes, int64_t length, uint64_t hash)
{
    int64_t mask = w->slots - 1, at = (int64_t)hash & mask;

    for (; w->slot[at] != 0; at = (at + 1) & mask) {
        const NearWord *word = &w->word[w->slot[at] - 1];

        if (word->hash == hash && word->length == length &&
            memcmp(word->bytes, bytes, (size_t)length) == 0)
            break;
    }
    return at;
}

static void grow_slots(NearWords *w)
{
    w->slots *= 2;
    w->slot = arena_new(w->arena, uint32_t, w->slots);
    for (int64_t i = 0; i < w->count; i++) {
        int64_t at = (int64_t)w->word[i].hash & (w->slots - 1);

        while (w->slot[at] != 0)
            at = (at + 1) & (w->slots - 1);
        w->slot[at] = (uint32_t)(i + 1);
    }
}

static const char *keep_bytes(NearWords *w, const char *bytes, int64_t length)
{
    char *kept;

    if (length > ROOM / 16)
        return arena_text_n(w->arena, bytes, length);
    if (length > w->room_left) {
        w->room = arena_new(w->arena, char, w->count < FIRST_SLOTS ? ROOM / 16 : ROOM);
        w->room_left = w->count < FIRST_SLOTS ? ROOM / 16 : ROOM;
    }
    kept = memcpy(w->room, bytes, (size_t)length);
    w->room += length;
    w->room_left -= length;
    return kept;
}

static uint32_t add_word(NearWords *w, const char *bytes, int64_t length, uint64_t hash)
{
    if (w->count == w->capacity) {
        int64_t capacity = w->capacity == 0 ? FIRST_SLOTS / 2 : 2 * w->capacity;

        w->word = arena_grow(w->arena, w->word, w->capacity * (int64_t)sizeof *w->word,
                             capacity * (int64_t)sizeof *w->word);
        w->capacity = capacity;
    }
    CHECK(w->count < NEAR_UNKNOWN - 1, "too many different words");
    w->word[w->count] = (NearWord){hash, keep_bytes(w, bytes, length), length};
    return (uint32_t)w->count++;
}

void near_words_number(NearWords *w, uint32_t *token)
{
    const char *bytes = w->folded.data;

    for (int64_t i = 0; i < w->in_last; i++) {
        int64_t  length = (int64_t)strlen(bytes), at;
        uint64_t hash = hash_bytes(0, bytes, length);

        at = place_of(w, bytes, length, hash);
        if (w->slot[at] == 0) {
            w->slot[at] = add_word(w, bytes, length, hash) + 1;
            token[i] = w->slot[at] - 1;
            if (2 * w->count > w->slots)
                grow_slots(w);
        } else {
            token[i] = w->slot[at] - 1;
        }
        bytes += length + 1;
    }
}

void near_words_find(const NearWords *w, uint32_t *token)
{
    const char *bytes = w->folded.data;

    for (int64_t i = 0; i < w->in_last; i++) {
        int64_t length = (int64_t)strlen(bytes);
        int64_t at = place_of(w, bytes, length, hash_bytes(0, bytes, length));

        token[i] = w->slot[at] == 0 ? NEAR_UNKNOWN : w->slot[at] - 1;
        bytes += length + 1;
    }
}

uint32_t *near_tokens(NearWords *w, Arena *arena, NearText text, int64_t *count)
{
    uint32_t *token;

    *count = near_words_fold(w, text);
    token = arena_new(arena, uint32_t, *count);
    near_words_number(w, token);
    return token;
}
