// The patterns by which the byte-level tokenizers of GPT-2, Llama 3 and Qwen2 cut texts into words,
// by hand: each function takes the alternatives of its pattern in their order.
#include "model/text/tokenizer_private.h"

#include <stddef.h>

const char SCAN_GPT2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                         "\\s+(?!\\S)|\\s+";
#define WITH_NUMBERS(numbers)                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const char SCAN_LLAMA3[] = WITH_NUMBERS("\\p{N}{1,3}");
const char SCAN_QWEN2[] = WITH_NUMBERS("\\p{N}");

enum { LETTER = UNICODE_LETTER, NUMBER = UNICODE_NUMBER, SPACE = UNICODE_SPACE };

static int class_at(const char *p, int *bytes)
{
    return unicode_class(unicode_at(p, bytes));
}

// Behind the characters of a class; 0: of none of the three.
static const char *pass(const char *p, const char *end, int class)
{
    int n, found;

    for (; p < end; p += n) {
        found = class_at(p, &n) & (LETTER | NUMBER | SPACE);
        if (class == 0 ? found != 0 : (found & class) == 0)
            break;
    }
    return p;
}

// Behind the white space at p: all of it at the end of the text, else but for the last character,
// which goes with what follows; a single one stands alone.
static const char *pass_spaces(const char *p, const char *end)
{
    const char *last = p, *at = p;
    int         n;

    for (; at < end && class_at(at, &n) & SPACE; at += n)
        last = at;
    return at == end || last == p ? at : last;
}

// Bytes of the ending that follows an apostrophe at p; 0: none.
static int contraction(const char *p, const char *end, int any_case)
{
    enum { CASE_BIT = 0x20 };
    unsigned char a, b;

    if (end - p < 2)
        return 0;
    a = (unsigned char)p[1];
    b = end - p < 3 ? 0 : (unsigned char)p[2];
    if (any_case && a == 0xC5 && b == 0xBF) // the long s
        return 3;
    if (any_case) {
        a |= CASE_BIT;
        b |= CASE_BIT;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

static const char *scan_gpt2(const char *p, const char *end)
{
    const char *at = p;
    int         n, class;

    if (*p == '\'') {
        n = contraction(p, end, 0);
        if (n > 0)
            return p + n;
    }
    if (*p == ' ' && p + 1 < end)
        at++;
    class = class_at(at, &n) & (LETTER | NUMBER | SPACE);
    return class == SPACE ? pass_spaces(p, end) : pass(at, end, class);
}

static const char *pass_newlines(const char *p, const char *end)
{
    while (p < end && (*p == '\r' || *p == '\n'))
        p++;
    return p;
}

// White space up to its last end of line, or as pass_spaces.
static const char *pass_lines(const char *p, const char *end)
{
    const char *behind = pass(p, end, SPACE), *at = behind;

    while (at > p && at[-1] != '\r' && at[-1] != '\n')
        at--;
    return at > p ? at : pass_spaces(p, end);
}

static const char *pass_numbers(const char *p, const char *end, int most)
{
    int n;

    for (; most > 0 && p < end && class_at(p, &n) & NUMBER; most--)
        p += n;
    return p;
}

static inline const char *scan_modern(const char *p, const char *end, int numbers)
{
    int n, m, class = class_at(p, &n) & (LETTER | NUMBER | SPACE);

    if (*p == '\'') {
        m = contraction(p, end, 1);
        if (m > 0)
            return p + m;
    }
    if (class & LETTER)
        return pass(p + n, end, LETTER);
    if (class & NUMBER)
        return pass_numbers(p, end, numbers);
    if (*p != '\r' && *p != '\n' && p + n < end && class_at(p + n, &m) & LETTER)
        return pass(p + n + m, end, LETTER);
    if (class == 0)
        return pass_newlines(pass(p, end, 0), end);
    if (*p == ' ' && p + 1 < end && (class_at(p + 1, &m) & (LETTER | NUMBER | SPACE)) == 0)
        return pass_newlines(pass(p + 1, end, 0), end);
    return pass_lines(p, end);
}

static const char *scan_llama3(const char *p, const char *end)
{
    return scan_modern(p, end, 3);
}

static const char *scan_qwen2(const char *p, const char *end)
{
    return scan_modern(p, end, 1);
}

Scan scan_find(Bytes pattern)
{
    static const struct {
        const char *pattern;
        int64_t     length;
        Scan        scan;
    } known[] = {{SCAN_GPT2, sizeof SCAN_GPT2 - 1, scan_gpt2},
                 {SCAN_LLAMA3, sizeof SCAN_LLAMA3 - 1, scan_llama3},
                 {SCAN_QWEN2, sizeof SCAN_QWEN2 - 1, scan_qwen2}};

    for (int i = 0; i < (int)(sizeof known / sizeof known[0]); i++)
        if (bytes_same(pattern, (Bytes){known[i].pattern, known[i].length}))
            return known[i].scan;
    return NULL;
}
