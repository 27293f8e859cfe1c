// jinja_lex_words.c -- numbers and texts in quotes, as Python writes them.
#include "model/text/chat/jinja_lex.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 64 };

static int64_t skip_digits(const JinjaLexer *x, int64_t at)
{
    while (jinja_lex_is_digit(jinja_lex_peek(x, at)) ||
           (jinja_lex_peek(x, at) == '_' && jinja_lex_is_digit(jinja_lex_peek(x, at + 1))))
        at++;
    return at;
}

static Err number_value(JinjaLexer *x, int64_t begin, int64_t end, int base, int is_real)
{
    char digits[NUMBER_BYTES], *rest;
    int  n = 0;
    Err  e;

    for (int64_t i = begin + (base == 10 ? 0 : 2); i < end; i++) {
        if (x->text[i] == '_')
            continue;
        if (n == NUMBER_BYTES - 1)
            return jinja_lex_wrong(x, begin, "expected a number of at most %d digits",
                                   NUMBER_BYTES - 1);
        digits[n++] = x->text[i];
    }
    digits[n] = 0;
    e = jinja_lex_add(x, is_real ? TOKEN_FLOAT : TOKEN_INT, begin, end);
    if (e != OK)
        return e;
    if (is_real) {
        jinja_lex_last(x)->real = strtod(digits, &rest);
    } else {
        uint64_t value = strtoull(digits, &rest, base);

        if (value > INT64_MAX)
            return jinja_lex_wrong(x, begin, "expected a whole number below 2^63");
        jinja_lex_last(x)->number = (int64_t)value;
    }
    if (n == 0 || *rest != 0)
        return jinja_lex_wrong(x, begin, "expected a number, found \"%.*s\"", (int)(end - begin),
                               x->text + begin);
    x->at = end;
    return OK;
}

Err jinja_lex_number(JinjaLexer *x)
{
    int64_t begin = x->at, at = begin;
    int     second = jinja_lex_peek(x, at + 1) | 0x20, is_real = 0;

    if (jinja_lex_peek(x, at) == '0' && (second == 'x' || second == 'o' || second == 'b')) {
        for (at += 2; jinja_lex_is_word(jinja_lex_peek(x, at));)
            at++;
        return number_value(x, begin, at, second == 'x' ? 16 : second == 'o' ? 8 : 2, 0);
    }
    at = skip_digits(x, at);
    if ((begin == 0 || x->text[begin - 1] != '.') && jinja_lex_peek(x, at) == '.' &&
        jinja_lex_is_digit(jinja_lex_peek(x, at + 1))) {
        at = skip_digits(x, at + 1);
        is_real = 1;
    }
    if ((jinja_lex_peek(x, at) | 0x20) == 'e') {
        int64_t exponent = at + 1;

        exponent += jinja_lex_peek(x, exponent) == '+' || jinja_lex_peek(x, exponent) == '-';
        if (jinja_lex_is_digit(jinja_lex_peek(x, exponent))) {
            at = skip_digits(x, exponent);
            is_real = 1;
        }
    }
    if (!is_real && at - begin > 1 && x->text[begin] == '0')
        for (int64_t i = begin; i < at; i++)
            if (x->text[i] != '0' && x->text[i] != '_')
                return jinja_lex_wrong(x, begin, "expected a number without zeros in front");
    return number_value(x, begin, at, 10, is_real);
}

static int put_point(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static int digit_value(int c)
{
    if (jinja_lex_is_digit(c))
        return c - '0';
    c |= 0x20;
    return 'a' <= c && c <= 'f' ? c - 'a' + 10 : 99;
}

// The character named by `digits` digits at `at`; fails if there are fewer.
static Err code_point(JinjaLexer *x, int64_t at, int digits, char *out, int *bytes)
{
    uint32_t c = 0;

    for (int i = 0; i < digits; i++) {
        int d = digit_value(jinja_lex_peek(x, at + i));

        if (d > 15)
            return jinja_lex_wrong(x, at - 2, "expected %d hexadecimal digits after this escape",
                                   digits);
        c = c << 4 | (uint32_t)d;
    }
    if (c > 0x10FFFF || (0xD800 <= c && c < 0xE000))
        return jinja_lex_wrong(x, at - 2, "expected the code of a character, found %x", c);
    *bytes = put_point(out, c);
    return OK;
}

// The escape at `at`, behind the backslash, into out; unknown ones stay as they are.
static Err escape(JinjaLexer *x, int64_t *at, char *out, int *bytes)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    int               c = jinja_lex_peek(x, *at), digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    const char       *known = c == 0 ? NULL : strchr(from, c);

    *bytes = 0;
    if (c == '\n') {
        ++*at;
    } else if (known != NULL) {
        out[(*bytes)++] = to[known - from];
        ++*at;
    } else if (c == 'x' || c == 'u' || c == 'U') {
        TRY(code_point(x, *at + 1, digits, out, bytes));
        *at += 1 + digits;
    } else if ('0' <= c && c <= '7') {
        uint32_t value = 0;

        for (int i = 0; i < 3 && '0' <= jinja_lex_peek(x, *at) && jinja_lex_peek(x, *at) <= '7';
             i++, ++*at)
            value = value * 8 + (uint32_t)(jinja_lex_peek(x, *at) - '0');
        *bytes = put_point(out, value);
    } else {
        out[(*bytes)++] = '\\';
    }
    return OK;
}

Err jinja_lex_string(JinjaLexer *x)
{
    int64_t open = x->at, end = open + 1;
    char    quote = x->text[open], *out;
    int64_t length = 0;

    for (; end < x->length && x->text[end] != quote; end++)
        end += x->text[end] == '\\';
    if (end >= x->length)
        return jinja_lex_wrong(
            x, open, "expected %c at the end of this text, found the end of the template", quote);
    TRY(jinja_lex_add(x, TOKEN_STRING, open, end));
    out = jinja_push(x->pool, end - open + 4); // escapes are never shorter than what they mean
    if (out == NULL)
        return jinja_lex_wrong(x, open, "the template is too large");
    for (int64_t at = open + 1; at < end;) {
        int bytes = 1;

        if (x->text[at] == '\\') {
            at++;
            TRY(escape(x, &at, out + length, &bytes));
        } else {
            out[length] = x->text[at++];
        }
        length += bytes;
    }
    jinja_lex_last(x)->text = out;
    jinja_lex_last(x)->length = length;
    x->at = end + 1;
    return OK;
}
