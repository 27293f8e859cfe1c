#include "model/text/unicode.h"

#include <pthread.h>
#include <string.h>

enum { BYTE_CHARACTERS = 256 + 68 }; // the bytes without a sign of their own follow behind 255

uint8_t        unicode_table[UNICODE_TABLE];
static int32_t of_byte[256];
static int16_t to_byte[BYTE_CHARACTERS];

// ---- classes

static int is_space(int32_t c)
{
    return (9 <= c && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (0x2000 <= c && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

static int is_ascii_sign(int32_t c)
{
    return (33 <= c && c <= 47) || (58 <= c && c <= 64) || (91 <= c && c <= 96) ||
           (123 <= c && c <= 126);
}

// Letters, marks, decimals, what joins words, and the letters in circles and squares.
static int is_word(int32_t c, UnitextKind k)
{
    return (UNITEXT_LU <= k && k <= UNITEXT_NL) || k == UNITEXT_PC || c == 0x200C || c == 0x200D ||
           (0x24B6 <= c && c <= 0x24E9) || (0x1F130 <= c && c <= 0x1F149) ||
           (0x1F150 <= c && c <= 0x1F169) || (0x1F170 <= c && c <= 0x1F189);
}

int unicode_class_far(int32_t c)
{
    UnitextKind k = unitext_kind(c);
    int class = 0;

    if (UNITEXT_LU <= k && k <= UNITEXT_LO)
        class |= UNICODE_LETTER;
    if (UNITEXT_ND <= k && k <= UNITEXT_NO)
        class |= UNICODE_NUMBER;
    if (UNITEXT_MN <= k && k <= UNITEXT_ME)
        class |= UNICODE_MARK;
    if ((UNITEXT_PC <= k && k <= UNITEXT_PO) || is_ascii_sign(c))
        class |= UNICODE_PUNCTUATION;
    if (is_word(c, k))
        class |= UNICODE_WORD;
    return is_space(c) ? class | UNICODE_SPACE : class;
}

// Printable bytes of Latin-1 stand for themselves, the others for the characters from 256 on.
static void fill_bytes(void)
{
    int next = 256;

    memset(to_byte, -1, sizeof to_byte);
    for (int b = 0; b < 256; b++) {
        int is_sign = (33 <= b && b <= 126) || (161 <= b && b <= 172) || b >= 174;

        of_byte[b] = is_sign ? b : next++;
        to_byte[of_byte[b]] = (int16_t)b;
    }
}

static void fill(void)
{
    for (int32_t c = 0; c < UNICODE_TABLE; c++)
        unicode_table[c] = (uint8_t)unicode_class_far(c);
    fill_bytes();
}

void unicode_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fill);
}

int32_t unicode_of_byte(int byte)
{
    return of_byte[byte];
}

int unicode_to_byte(int32_t c)
{
    return c < BYTE_CHARACTERS ? to_byte[c] : -1;
}

// ---- texts

static const char *pass_ascii(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p < 0x80)
        p++;
    return p;
}

static const char *pass_others(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p >= 0x80)
        p++;
    return p;
}

// ASCII stays, and nothing in front of it changes with it: the text is done in parts, each of which
// begins with the last ASCII character before others.
void unicode_normalize(Text *out, Arena *scratch, UnitextForm form, Bytes text)
{
    // The codes are not given back before the end: `out` may grow in the same arena.
    UnitextCodes codes = {.arena = scratch};
    const char  *p = text.data, *end = p + text.length;

    while (p < end) {
        const char *others = pass_ascii(p, end), *begin = others > p ? others - 1 : p;

        if (others == end)
            begin = end;
        text_add(out, p, begin - p);
        p = pass_others(others, end);
        codes.count = 0;
        if (p > begin)
            unitext_normalize(&codes, form, (Span){begin, p - begin});
        for (int64_t i = 0; i < codes.count; i++)
            unitext_put(out, codes.code[i]);
    }
}

void unicode_lower(Text *out, Bytes text)
{
    enum { I_WITH_DOT = 0x130, DOT_ABOVE = 0x307 };
    int n;

    for (int64_t at = 0; at < text.length; at += n) {
        int32_t c = unicode_at(text.data + at, &n);

        unitext_put(out, c == I_WITH_DOT ? 'i' : unitext_simple_lower(c));
        if (c == I_WITH_DOT)
            unitext_put(out, DOT_ABOVE);
    }
}

void unicode_without_marks(Text *out, Bytes text)
{
    int n;

    for (int64_t at = 0; at < text.length; at += n)
        if (!(unicode_class(unicode_at(text.data + at, &n)) & UNICODE_MARK))
            text_add(out, text.data + at, n);
}
