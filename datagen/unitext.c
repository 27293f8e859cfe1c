#include "datagen/unitext.h"

#include <string.h>
#include <utf8proc.h>

// ---- characters

int32_t unitext_next(Span s, int64_t *bytes)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n;

    CHECK(s.length > 0, "no character in an empty text");
    *bytes = 1;
    if ((unsigned char)s.text[0] < 0x80)
        return s.text[0];
    n = utf8proc_iterate((const utf8proc_uint8_t *)s.text, s.length < 4 ? s.length : 4, &c);
    if (n <= 0)
        return UNITEXT_BAD;
    *bytes = n;
    return c;
}

int32_t unitext_last(Span s, int64_t *bytes)
{
    int64_t n, back = 1;
    int32_t c;

    while (back < 4 && back < s.length && ((unsigned char)s.text[s.length - back] & 0xc0) == 0x80)
        back++;
    c = unitext_next(span_from(s, s.length - back), &n);
    if (n == back) {
        *bytes = n;
        return c;
    }
    *bytes = 1;
    return UNITEXT_BAD;
}

static int category(int32_t c)
{
    return c < 0 ? UTF8PROC_CATEGORY_CS : (int)utf8proc_category(c);
}

int unitext_is_space(int32_t c)
{
    int k;

    if (c < 0x80)
        return c == ' ' || (9 <= c && c <= 13) || (0x1c <= c && c <= 0x1f);
    k = category(c);
    return c == 0x85 || k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
           k == UTF8PROC_CATEGORY_ZP;
}

int unitext_is_digit(int32_t c)
{
    if (c < 0x80)
        return '0' <= c && c <= '9';
    return category(c) == UTF8PROC_CATEGORY_ND;
}

int unitext_is_letter(int32_t c)
{
    int k;

    if (c < 0x80)
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
    k = category(c);
    return UTF8PROC_CATEGORY_LU <= k && k <= UTF8PROC_CATEGORY_LO;
}

int unitext_is_word(int32_t c)
{
    int k;

    if (c < 0x80)
        return unitext_is_letter(c) || unitext_is_digit(c) || c == '_';
    k = category(c);
    return (UTF8PROC_CATEGORY_LU <= k && k <= UTF8PROC_CATEGORY_LO) ||
           (UTF8PROC_CATEGORY_ND <= k && k <= UTF8PROC_CATEGORY_NO);
}

int unitext_is_printable(int32_t c)
{
    int k = category(c);

    return k != UTF8PROC_CATEGORY_CN && k != UTF8PROC_CATEGORY_CC && k != UTF8PROC_CATEGORY_CS &&
           k != UTF8PROC_CATEGORY_CO;
}

int32_t unitext_simple_lower(int32_t c)
{
    if (c < 0x80)
        return 'A' <= c && c <= 'Z' ? c + 32 : c;
    return utf8proc_tolower(c);
}

// Through the capital: so the long s is an s, and the micro sign a mu.
int32_t unitext_fold(int32_t c)
{
    if (c < 0x80)
        return 'A' <= c && c <= 'Z' ? c + 32 : c;
    return utf8proc_tolower(utf8proc_toupper(utf8proc_tolower(c)));
}

void unitext_put(Text *t, int32_t c)
{
    utf8proc_uint8_t bytes[4];

    text_add(t, (const char *)bytes, utf8proc_encode_char(c, bytes));
}

// ---- spans

Span span_of(const char *text)
{
    return (Span){text, (int64_t)strlen(text)};
}

Span span_from(Span s, int64_t begin)
{
    return (Span){s.text + begin, s.length - begin};
}

Span span_cut(Span s, int64_t begin, int64_t end)
{
    return (Span){s.text + begin, end - begin};
}

int64_t unitext_characters(Span s)
{
    int64_t count = 0, n;

    for (; s.length > 0; s = span_from(s, n), count++)
        unitext_next(s, &n);
    return count;
}

int64_t unitext_words(Span s)
{
    int64_t count = 0, n;
    int     inside = 0;

    for (; s.length > 0; s = span_from(s, n)) {
        int is_space = unitext_is_space(unitext_next(s, &n));

        count += !inside && !is_space;
        inside = !is_space;
    }
    return count;
}

int unitext_is_blank(Span s)
{
    return unitext_strip(s).length == 0;
}

Span unitext_strip_end(Span s)
{
    int64_t n;

    while (s.length > 0 && unitext_is_space(unitext_last(s, &n)))
        s.length -= n;
    return s;
}

Span unitext_strip(Span s)
{
    int64_t n;

    while (s.length > 0 && unitext_is_space(unitext_next(s, &n)))
        s = span_from(s, n);
    return unitext_strip_end(s);
}

Span unitext_first_words(Span s, int64_t words)
{
    int64_t at = 0, n, count = 0;
    int     inside = 0;

    for (; at < s.length; at += n) {
        int is_space = unitext_is_space(unitext_next(span_from(s, at), &n));

        if (inside && is_space && count == words)
            break;
        count += !inside && !is_space;
        inside = !is_space;
    }
    return span_cut(s, 0, at);
}

// ---- changed texts

void unitext_collapse(Text *t, Span s)
{
    int64_t n;
    int     inside = 0;

    for (; s.length > 0; s = span_from(s, n)) {
        int is_space = unitext_is_space(unitext_next(s, &n));

        if (!is_space)
            text_add(t, s.text, n);
        else if (!inside)
            text_puts(t, " ");
        inside = is_space;
    }
}

static int is_cased(int32_t c)
{
    int k = category(c);

    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

// Characters that the rule for the final sigma looks past.
static int is_case_ignorable(int32_t c)
{
    static const int32_t signs[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,
                                    0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                    0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
    int                  k = category(c);

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (c == signs[i])
            return 1;
    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF ||
           k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_SK;
}

// Whether the sigma at s[at] ends a word: a letter with case before it and none behind.
static int is_final_sigma(Span s, int64_t at)
{
    Span    before = span_cut(s, 0, at), behind = span_from(s, at + 2);
    int64_t n;
    int32_t c = UNITEXT_BAD;

    while (before.length > 0 && is_case_ignorable(c = unitext_last(before, &n)))
        before.length -= n;
    if (before.length == 0 || !is_cased(c))
        return 0;
    while (behind.length > 0 && is_case_ignorable(c = unitext_next(behind, &n)))
        behind = span_from(behind, n);
    return behind.length == 0 || !is_cased(c);
}

// The text from `begin` on in lower case; what stands before it counts for the final sigma.
static void lower_from(Text *t, Span s, int64_t begin)
{
    int64_t n;

    for (int64_t at = begin; at < s.length; at += n) {
        int32_t c = unitext_next(span_from(s, at), &n);

        if (c == 0x130)
            text_puts(t, "i\xcc\x87"); // the capital i with a dot is two characters
        else if (c == 0x3a3)
            unitext_put(t, is_final_sigma(s, at) ? 0x3c2 : 0x3c3);
        else if (c == UNITEXT_BAD || unitext_simple_lower(c) == c)
            text_add(t, s.text + at, n);
        else
            unitext_put(t, unitext_simple_lower(c));
    }
}

void unitext_lower(Text *t, Span s)
{
    lower_from(t, s, 0);
}

// Characters whose title case is more than one character (SpecialCasing of Unicode).
static const struct {
    int32_t     c;
    const char *title;
} titles[] = {
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

void unitext_capitalize(Text *t, Span s)
{
    int64_t n;
    int32_t c;

    if (s.length == 0)
        return;
    c = unitext_next(s, &n);
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].c == c) {
            text_puts(t, titles[i].title);
            lower_from(t, s, n);
            return;
        }
    if (c == UNITEXT_BAD)
        text_add(t, s.text, n);
    else
        unitext_put(t, utf8proc_totitle(c));
    lower_from(t, s, n);
}

// ---- comparing

int unitext_is_same(Span a, Span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, (size_t)a.length) == 0);
}

int unitext_begins(Span s, Span prefix)
{
    return s.length >= prefix.length && unitext_is_same(span_cut(s, 0, prefix.length), prefix);
}

int64_t unitext_prefix_folded(Span s, Span prefix)
{
    int64_t at = 0, n, m;

    for (; prefix.length > 0; prefix = span_from(prefix, m), at += n) {
        int32_t a, b = unitext_next(prefix, &m);

        if (at == s.length)
            return -1;
        a = unitext_next(span_from(s, at), &n);
        if (a == UNITEXT_BAD || b == UNITEXT_BAD) {
            if (a != b || s.text[at] != prefix.text[0])
                return -1;
        } else if (unitext_fold(a) != unitext_fold(b)) {
            return -1;
        }
    }
    return at;
}

int unitext_is_same_folded(Span a, Span b)
{
    return unitext_prefix_folded(a, b) == a.length;
}

int64_t unitext_find_folded(Span s, Span what)
{
    int64_t n;

    for (int64_t at = 0; at < s.length; at += n) {
        unitext_next(span_from(s, at), &n);
        if (unitext_prefix_folded(span_from(s, at), what) >= 0)
            return at;
    }
    return what.length == 0 ? 0 : -1;
}

// Whether word characters meet at a place: then no word begins or ends there.
static int is_inside_word(Span s, int64_t at)
{
    int64_t n;

    return 0 < at && at < s.length && unitext_is_word(unitext_last(span_cut(s, 0, at), &n)) &&
           unitext_is_word(unitext_next(span_from(s, at), &n));
}

int64_t unitext_find_word(Span s, Span what)
{
    int64_t n, found;

    for (int64_t at = 0; at < s.length; at += n) {
        unitext_next(span_from(s, at), &n);
        found = unitext_prefix_folded(span_from(s, at), what);
        if (found > 0 && !is_inside_word(s, at) && !is_inside_word(s, at + found))
            return at;
    }
    return -1;
}
