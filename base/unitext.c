#include "base/unitext.h"

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

// Our names for the kinds of characters are those of the library, in the same order.
_Static_assert((int)UNITEXT_CN == (int)UTF8PROC_CATEGORY_CN &&
                   (int)UNITEXT_LU == (int)UTF8PROC_CATEGORY_LU &&
                   (int)UNITEXT_LO == (int)UTF8PROC_CATEGORY_LO &&
                   (int)UNITEXT_ME == (int)UTF8PROC_CATEGORY_ME &&
                   (int)UNITEXT_NO == (int)UTF8PROC_CATEGORY_NO &&
                   (int)UNITEXT_PO == (int)UTF8PROC_CATEGORY_PO &&
                   (int)UNITEXT_SO == (int)UTF8PROC_CATEGORY_SO &&
                   (int)UNITEXT_ZP == (int)UTF8PROC_CATEGORY_ZP &&
                   (int)UNITEXT_CO == (int)UTF8PROC_CATEGORY_CO,
               "kinds of characters");

UnitextKind unitext_kind(int32_t c)
{
    return c < 0 ? UNITEXT_CS : (UnitextKind)utf8proc_category(c);
}

int unitext_is_space(int32_t c)
{
    UnitextKind k;

    if (c < 0x80)
        return c == ' ' || (9 <= c && c <= 13) || (0x1c <= c && c <= 0x1f);
    k = unitext_kind(c);
    return c == 0x85 || k == UNITEXT_ZS || k == UNITEXT_ZL || k == UNITEXT_ZP;
}

int unitext_is_digit(int32_t c)
{
    if (c < 0x80)
        return '0' <= c && c <= '9';
    return unitext_kind(c) == UNITEXT_ND;
}

int unitext_is_letter(int32_t c)
{
    UnitextKind k;

    if (c < 0x80)
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
    k = unitext_kind(c);
    return UNITEXT_LU <= k && k <= UNITEXT_LO;
}

int unitext_is_upper(int32_t c)
{
    return unitext_kind(c) == UNITEXT_LU;
}

int unitext_is_lower(int32_t c)
{
    return unitext_kind(c) == UNITEXT_LL;
}

int unitext_is_word(int32_t c)
{
    UnitextKind k;

    if (c < 0x80)
        return unitext_is_letter(c) || unitext_is_digit(c) || c == '_';
    k = unitext_kind(c);
    return (UNITEXT_LU <= k && k <= UNITEXT_LO) || (UNITEXT_ND <= k && k <= UNITEXT_NO);
}

int unitext_is_printable(int32_t c)
{
    UnitextKind k = unitext_kind(c);

    return k != UNITEXT_CN && k != UNITEXT_CC && k != UNITEXT_CS && k != UNITEXT_CO;
}

int32_t unitext_simple_lower(int32_t c)
{
    if (c < 0x80)
        return 'A' <= c && c <= 'Z' ? c + 32 : c;
    return utf8proc_tolower(c);
}

int32_t unitext_simple_upper(int32_t c)
{
    return utf8proc_toupper(c);
}

int32_t unitext_simple_title(int32_t c)
{
    return utf8proc_totitle(c);
}

// Through the capital: so the long s is an s, and the micro sign a mu.
int32_t unitext_fold(int32_t c)
{
    if (c < 0x80)
        return 'A' <= c && c <= 'Z' ? c + 32 : c;
    return utf8proc_tolower(utf8proc_toupper(utf8proc_tolower(c)));
}

int unitext_write(int32_t c, char out[UNITEXT_BYTES])
{
    return (int)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}

void unitext_put(Text *t, int32_t c)
{
    char bytes[UNITEXT_BYTES];

    text_add(t, bytes, unitext_write(c, bytes));
}

// ---- normal forms

static void make_room(UnitextCodes *codes, int64_t count)
{
    if (count <= codes->room)
        return;
    codes->room = count > 2 * codes->room ? count : 2 * codes->room;
    codes->code = arena_new(codes->arena, int32_t, codes->room);
}

void unitext_normalize(UnitextCodes *out, UnitextForm form, Span s)
{
    static const int        forms[] = {[UNITEXT_NFC] = UTF8PROC_COMPOSE,
                                       [UNITEXT_NFD] = UTF8PROC_DECOMPOSE,
                                       [UNITEXT_NFKC] = UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                                       [UNITEXT_NFKD] = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
                                       [UNITEXT_NFKC_CASEFOLD] = UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                                 UTF8PROC_CASEFOLD | UTF8PROC_IGNORE};
    const utf8proc_option_t options = (utf8proc_option_t)(UTF8PROC_STABLE | forms[form]);
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)s.text;
    utf8proc_ssize_t        n;

    make_room(out, s.length / 2 + 1);
    n = utf8proc_decompose(bytes, s.length, out->code, out->room, options);
    if (n > out->room) { // a character may become eighteen
        make_room(out, n + 1);
        n = utf8proc_decompose(bytes, s.length, out->code, out->room, options);
    }
    CHECK(n >= 0, "utf8proc: %s", utf8proc_errmsg(n));
    n = utf8proc_normalize_utf32(out->code, n, options);
    CHECK(n >= 0, "utf8proc: %s", utf8proc_errmsg(n));
    out->count = n;
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
