#include "datagen/near/near_words.h"

#include <string.h>
#include <utf8proc.h>

// NFKC_Casefold of the Unicode standard: compatible forms made one, case folded, characters that
// are not to be seen taken away.
static const utf8proc_option_t FOLDING =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;

static int is_of_word(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);

    return (UTF8PROC_CATEGORY_LU <= k && k <= UTF8PROC_CATEGORY_LO) ||
           (UTF8PROC_CATEGORY_MN <= k && k <= UTF8PROC_CATEGORY_ME) ||
           (UTF8PROC_CATEGORY_ND <= k && k <= UTF8PROC_CATEGORY_NO);
}

static void make_room(NearWords *w, int64_t characters)
{
    if (characters <= w->characters)
        return;
    w->characters = 2 * characters;
    w->character = arena_new(w->arena, int32_t, w->characters);
}

// Characters of a piece of good UTF-8, folded, in w->character.
static int64_t fold(NearWords *w, const char *bytes, int64_t length)
{
    utf8proc_ssize_t need;

    make_room(w, length + 1);
    need = utf8proc_decompose((const utf8proc_uint8_t *)bytes, length, w->character, w->characters,
                              FOLDING);
    if (need > w->characters) { // a character may become eighteen
        make_room(w, need + 1);
        need = utf8proc_decompose((const utf8proc_uint8_t *)bytes, length, w->character,
                                  w->characters, FOLDING);
    }
    CHECK(need >= 0, "utf8proc: %s", utf8proc_errmsg(need));
    need = utf8proc_normalize_utf32(w->character, need, FOLDING);
    CHECK(need >= 0, "utf8proc: %s", utf8proc_errmsg(need));
    return need;
}

static int64_t add_words(NearWords *w, int64_t characters)
{
    int64_t words = 0;
    int     is_inside = 0;

    for (int64_t i = 0; i <= characters; i++) {
        utf8proc_uint8_t bytes[4];

        if (i < characters && is_of_word(w->character[i])) {
            text_add(&w->folded, (const char *)bytes, utf8proc_encode_char(w->character[i], bytes));
            is_inside = 1;
        } else if (is_inside) {
            text_add(&w->folded, "", 1);
            words++;
            is_inside = 0;
        }
    }
    return words;
}

// Bytes that are not UTF-8 stand between words.
int64_t near_fold_unicode(NearWords *w, NearText text)
{
    int64_t words = 0;

    while (text.length > 0) {
        int64_t bad = text_utf8_bad(text.text, text.length);
        int64_t good = bad < 0 ? text.length : bad;

        words += add_words(w, fold(w, text.text, good));
        good += bad >= 0;
        text = (NearText){text.text + good, text.length - good};
    }
    return words;
}
