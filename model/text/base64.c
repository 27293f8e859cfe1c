#include "model/text/tokenizer_private.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    return 'A' <= c && c <= 'Z'   ? c - 'A'
           : 'a' <= c && c <= 'z' ? c - 'a' + 26
           : '0' <= c && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

Err base64_read(Arena *arena, const char *where, Bytes text, Bytes *out)
{
    int64_t  length = text.length, used = 0;
    uint32_t bits = 0;
    int      held = 0;
    char    *bytes;

    for (int i = 0; i < 2 && length > 0 && text.data[length - 1] == '='; i++)
        length--;
    bytes = arena_push(arena, length / 4 * 3 + 4, 1);
    if (length % 4 == 1)
        FAIL(ERR_DATA, "%s: base64 is cut short", where);
    for (int64_t i = 0; i < length; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            FAIL(ERR_DATA, "%s: expected base64, found the byte 0x%02x", where,
                 (unsigned char)text.data[i]);
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[used++] = (char)(bits >> held & 0xFF);
        }
    }
    *out = (Bytes){bytes, used};
    return OK;
}

void base64_write(Text *t, Bytes in)
{
    for (int64_t i = 0; i < in.length; i += 3) {
        const unsigned char *b = (const unsigned char *)in.data + i;
        int64_t              n = in.length - i < 3 ? in.length - i : 3;
        uint32_t             bits =
            (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);
        char four[4] = {'=', '=', '=', '='};

        for (int64_t k = 0; k <= n; k++)
            four[k] = DIGITS[bits >> (18 - 6 * k) & 63];
        text_add(t, four, 4);
    }
}
