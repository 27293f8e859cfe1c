// unitext_case.c -- upper, lower and title case of characters and texts (the mappings and the
// conditions of Unicode's chapter 3.13 and its SpecialCasing).
#include "base/unitext.h"

#include <stdlib.h>

enum { CAPITAL_IOTA = 0x399, CAPITAL_SIGMA = 0x3a3, I_WITH_DOT = 0x130 };

int unitext_is_cased(int32_t c)
{
    UnitextKind k = unitext_kind(c);

    return k == UNITEXT_LU || k == UNITEXT_LL || k == UNITEXT_LT;
}

// Characters that the rule for the final sigma looks past.
static int is_case_ignorable(int32_t c)
{
    static const int32_t signs[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,
                                    0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                    0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
    UnitextKind          k = unitext_kind(c);

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (c == signs[i])
            return 1;
    return k == UNITEXT_MN || k == UNITEXT_ME || k == UNITEXT_CF || k == UNITEXT_LM ||
           k == UNITEXT_SK;
}

// Whether the sigma at s[at] ends a word: a letter with case before it and none behind.
static int is_final_sigma(Span s, int64_t at)
{
    Span    before = span_cut(s, 0, at), behind = span_from(s, at + 2);
    int64_t n;
    int32_t c = UNITEXT_BAD;

    while (before.length > 0 && is_case_ignorable(c = unitext_last(before, &n)))
        before.length -= n;
    if (before.length == 0 || !unitext_is_cased(c))
        return 0;
    while (behind.length > 0 && is_case_ignorable(c = unitext_next(behind, &n)))
        behind = span_from(behind, n);
    return behind.length == 0 || !unitext_is_cased(c);
}

// Characters whose title case is more than one character (SpecialCasing of Unicode).
static const struct Title {
    int32_t     c;
    const char *text;
} titles[] = {
    // by character
    // clang-format off
    {0x00df, "\x53\x73"}, {0x0149, "\xca\xbc\x4e"},
    {0x01f0, "\x4a\xcc\x8c"}, {0x0390, "\xce\x99\xcc\x88\xcc\x81"},
    {0x03b0, "\xce\xa5\xcc\x88\xcc\x81"}, {0x0587, "\xd4\xb5\xd6\x82"},
    {0x1e96, "\x48\xcc\xb1"}, {0x1e97, "\x54\xcc\x88"},
    {0x1e98, "\x57\xcc\x8a"}, {0x1e99, "\x59\xcc\x8a"},
    {0x1e9a, "\x41\xca\xbe"}, {0x1f50, "\xce\xa5\xcc\x93"},
    {0x1f52, "\xce\xa5\xcc\x93\xcc\x80"}, {0x1f54, "\xce\xa5\xcc\x93\xcc\x81"},
    {0x1f56, "\xce\xa5\xcc\x93\xcd\x82"}, {0x1fb2, "\xe1\xbe\xba\xcd\x85"},
    {0x1fb4, "\xce\x86\xcd\x85"}, {0x1fb6, "\xce\x91\xcd\x82"},
    {0x1fb7, "\xce\x91\xcd\x82\xcd\x85"}, {0x1fc2, "\xe1\xbf\x8a\xcd\x85"},
    {0x1fc4, "\xce\x89\xcd\x85"}, {0x1fc6, "\xce\x97\xcd\x82"},
    {0x1fc7, "\xce\x97\xcd\x82\xcd\x85"}, {0x1fd2, "\xce\x99\xcc\x88\xcc\x80"},
    {0x1fd3, "\xce\x99\xcc\x88\xcc\x81"}, {0x1fd6, "\xce\x99\xcd\x82"},
    {0x1fd7, "\xce\x99\xcc\x88\xcd\x82"}, {0x1fe2, "\xce\xa5\xcc\x88\xcc\x80"},
    {0x1fe3, "\xce\xa5\xcc\x88\xcc\x81"}, {0x1fe4, "\xce\xa1\xcc\x93"},
    {0x1fe6, "\xce\xa5\xcd\x82"}, {0x1fe7, "\xce\xa5\xcc\x88\xcd\x82"},
    {0x1ff2, "\xe1\xbf\xba\xcd\x85"}, {0x1ff4, "\xce\x8f\xcd\x85"},
    {0x1ff6, "\xce\xa9\xcd\x82"}, {0x1ff7, "\xce\xa9\xcd\x82\xcd\x85"},
    {0xfb00, "\x46\x66"}, {0xfb01, "\x46\x69"},
    {0xfb02, "\x46\x6c"}, {0xfb03, "\x46\x66\x69"},
    {0xfb04, "\x46\x66\x6c"}, {0xfb05, "\x53\x74"},
    {0xfb06, "\x53\x74"}, {0xfb13, "\xd5\x84\xd5\xb6"},
    {0xfb14, "\xd5\x84\xd5\xa5"}, {0xfb15, "\xd5\x84\xd5\xab"},
    {0xfb16, "\xd5\x8e\xd5\xb6"}, {0xfb17, "\xd5\x84\xd5\xad"},
    // clang-format on
};

static int compare_titles(const void *a, const void *b)
{
    int32_t x = ((const struct Title *)a)->c, y = ((const struct Title *)b)->c;

    return (x > y) - (x < y);
}

static const char *special_title(int32_t c)
{
    struct Title        key = {c, NULL};
    const struct Title *found =
        bsearch(&key, titles, sizeof titles / sizeof titles[0], sizeof key, compare_titles);

    return found == NULL ? NULL : found->text;
}

// The capital of a Greek letter with an iota below (or, as a capital, beside it), which in upper
// case is a letter of its own; 0 for all others.
static int32_t without_iota(int32_t c)
{
    static const int32_t rows[] = {0x1f08, 0x1f28, 0x1f68};

    if (0x1f80 <= c && c <= 0x1faf)
        return rows[(c - 0x1f80) / 16] + c % 8;
    switch (c) {
    case 0x1fb3:
    case 0x1fbc: return 0x391;
    case 0x1fc3:
    case 0x1fcc: return 0x397;
    case 0x1ff3:
    case 0x1ffc: return 0x3a9;
    default: return 0;
    }
}

// ---- characters

int unitext_title_of(int32_t c, char out[UNITEXT_CASED_BYTES])
{
    const char *special = special_title(c);
    int         n = 0;

    if (special == NULL)
        return unitext_write(unitext_simple_title(c), out);
    for (; special[n] != 0; n++)
        out[n] = special[n];
    return n;
}

int unitext_upper_of(int32_t c, char out[UNITEXT_CASED_BYTES])
{
    const char *special = special_title(c);
    int32_t     letter = without_iota(c);
    int64_t     bytes;
    int         n = 0;

    if (letter != 0) {
        n = unitext_write(letter, out);
        return n + unitext_write(CAPITAL_IOTA, out + n);
    }
    if (special == NULL)
        return unitext_write(unitext_simple_upper(c), out);
    for (Span s = span_of(special); s.length > 0; s = span_from(s, bytes))
        n += unitext_write(unitext_simple_upper(unitext_next(s, &bytes)), out + n);
    return n;
}

int unitext_lower_of(Span s, int64_t at, char out[UNITEXT_CASED_BYTES])
{
    int64_t n;
    int32_t c = unitext_next(span_from(s, at), &n);

    if (c == CAPITAL_SIGMA)
        return unitext_write(is_final_sigma(s, at) ? 0x3c2 : 0x3c3, out);
    if (c != I_WITH_DOT)
        return unitext_write(unitext_simple_lower(c), out);
    out[0] = 'i';
    return 1 + unitext_write(0x307, out + 1);
}

// ---- texts

// The text from `begin` on in lower case; what stands before it counts for the final sigma.
static void lower_from(Text *t, Span s, int64_t begin)
{
    int64_t n;

    for (int64_t at = begin; at < s.length; at += n) {
        char bytes[UNITEXT_CASED_BYTES];

        if (unitext_next(span_from(s, at), &n) == UNITEXT_BAD)
            text_add(t, s.text + at, n);
        else
            text_add(t, bytes, unitext_lower_of(s, at, bytes));
    }
}

void unitext_lower(Text *t, Span s)
{
    lower_from(t, s, 0);
}

void unitext_capitalize(Text *t, Span s)
{
    char    bytes[UNITEXT_CASED_BYTES];
    int64_t n;
    int32_t c;

    if (s.length == 0)
        return;
    c = unitext_next(s, &n);
    if (c == UNITEXT_BAD)
        text_add(t, s.text, n);
    else
        text_add(t, bytes, unitext_title_of(c, bytes));
    lower_from(t, s, n);
}
