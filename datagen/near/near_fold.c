// near_fold.c -- words of any script, folded as NFKC_Casefold of the Unicode standard does.
#include "datagen/near/near_words.h"

static int is_of_word(int32_t c)
{
    UnitextKind k = unitext_kind(c);

    return UNITEXT_LU <= k && k <= UNITEXT_NO; // letters, marks, numbers
}

static int64_t add_words(NearWords *w)
{
    const UnitextCodes *codes = &w->codes;
    int64_t             words = 0;
    int                 is_inside = 0;

    for (int64_t i = 0; i <= codes->count; i++) {
        if (i < codes->count && is_of_word(codes->code[i])) {
            unitext_put(&w->folded, codes->code[i]);
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

        unitext_normalize(&w->codes, UNITEXT_NFKC_CASEFOLD, (Span){text.text, good});
        words += add_words(w);
        good += bad >= 0;
        text = (NearText){text.text + good, text.length - good};
    }
    return words;
}
