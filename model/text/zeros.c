#define _GNU_SOURCE // memmem
#include "model/text/zeros.h"

#include <stdio.h>
#include <string.h>

enum { ESCAPE = 6 }; // bytes of \u0000

// Where the zero character is written as an escape of JSON; -1: nowhere.
static int64_t find_zero(const char *text, int64_t length, int64_t from)
{
    for (int64_t i = from; i + ESCAPE <= length; i++) {
        if (text[i] != '\\')
            continue;
        if (memcmp(text + i, "\\u0000", ESCAPE) == 0)
            return i;
        i++; // what it escapes
    }
    return -1;
}

static int holds(const char *text, int64_t length, const char *what)
{
    return memmem(text, (size_t)length, what, strlen(what)) != NULL;
}

// One of the characters that Unicode promises never to use, U+FDD0 to U+FDEF.
static int find_stand_in(const char *text, int64_t length, char stand_in[ZEROS_STAND_IN],
                         char escape[ESCAPE + 1])
{
    char upper[ESCAPE + 1];

    for (int i = 0; i < 32; i++) {
        snprintf(stand_in, ZEROS_STAND_IN, "\xEF\xB7%c", 0x90 + i);
        snprintf(escape, ESCAPE + 1, "\\ufd%02x", 0xD0 + i);
        snprintf(upper, sizeof upper, "\\uFD%02X", 0xD0 + i);
        if (!holds(text, length, stand_in) && !holds(text, length, escape) &&
            !holds(text, length, upper))
            return 1;
    }
    return 0;
}

Err zeros_hide(const char *file, char *text, int64_t length, char stand_in[ZEROS_STAND_IN])
{
    int64_t at = find_zero(text, length, 0);
    char    escape[ESCAPE + 1];

    *stand_in = 0;
    if (at < 0)
        return OK;
    if (!find_stand_in(text, length, stand_in, escape))
        FAIL(ERR_DATA, "%s: holds zero characters, and no character is left to stand for them",
             file);
    for (; at >= 0; at = find_zero(text, length, at + ESCAPE))
        memcpy(text + at, escape, ESCAPE);
    return OK;
}

int64_t zeros_show(char *out, const char *text, int64_t length, const char *stand_in)
{
    int64_t n = 0, width = (int64_t)strlen(stand_in);

    for (int64_t at = 0; at < length;)
        if (width > 0 && length - at >= width && memcmp(text + at, stand_in, (size_t)width) == 0) {
            out[n++] = 0;
            at += width;
        } else {
            out[n++] = text[at++];
        }
    out[n] = 0;
    return n;
}
