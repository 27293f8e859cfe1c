#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Text text_make(Arena *arena)
{
    Text t = {.arena = arena, .capacity = 64};

    t.data = arena_push(arena, t.capacity, 1);
    return t;
}

static void reserve(Text *t, int64_t more)
{
    int64_t want = t->capacity;

    while (want - t->length <= more)
        want *= 2;
    if (want > t->capacity) {
        t->data = arena_grow(t->arena, t->data, t->capacity, want);
        t->capacity = want;
    }
}

void text_add(Text *t, const char *bytes, int64_t length)
{
    reserve(t, length);
    if (length > 0)
        memcpy(t->data + t->length, bytes, (size_t)length);
    t->length += length;
    t->data[t->length] = 0;
}

void text_puts(Text *t, const char *text)
{
    text_add(t, text, (int64_t)strlen(text));
}

void text_printf(Text *t, const char *fmt, ...)
{
    va_list args;
    int     length;

    va_start(args, fmt);
    length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    CHECK(length >= 0, "format %s", fmt);
    reserve(t, length);
    va_start(args, fmt);
    vsnprintf(t->data + t->length, (size_t)length + 1, fmt, args);
    va_end(args);
    t->length += length;
}

int text_utf8_length(const char *bytes, int64_t length)
{
    const unsigned char *b = (const unsigned char *)bytes;
    int                  n;
    uint32_t             point;

    if (length <= 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    n = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || length < n)
        return 0;
    point = b[0] & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (b[i] & 0x3Fu);
    }
    if ((n == 3 && point < 0x800) || (n == 4 && point < 0x10000) || point > 0x10FFFF ||
        (point >= 0xD800 && point < 0xE000))
        return 0;
    return n;
}

int64_t text_utf8_bad(const char *bytes, int64_t length)
{
    for (int64_t i = 0; i < length;) {
        int n = text_utf8_length(bytes + i, length - i);
        if (n == 0)
            return i;
        i += n;
    }
    return -1;
}

void text_json(Text *t, const char *text, int64_t length)
{
    text_add(t, "\"", 1);
    for (int64_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        int           n = text_utf8_length(text + i, length - i);

        if (n == 0)
            text_puts(t, "\\ufffd");
        else if (c == '"' || c == '\\')
            text_printf(t, "\\%c", c);
        else if (c == '\n')
            text_puts(t, "\\n");
        else if (c < 0x20)
            text_printf(t, "\\u%04x", c);
        else
            text_add(t, text + i, n);
        i += n > 0 ? n : 1;
    }
    text_add(t, "\"", 1);
}

int text_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && memcmp(text + n - m, end, m) == 0;
}

int text_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    int    row[LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[m];
}

const char *text_nearest(const char *word, const char *const *candidates, int count)
{
    const char *best = NULL;
    int         least = (int)strlen(word) / 3 + 2;

    for (int i = 0; i < count; i++) {
        int d = text_distance(word, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}
