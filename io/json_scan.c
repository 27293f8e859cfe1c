#include "io/json_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct Scan {
    const char *file;
    const char *text;
    int64_t     length;
    int64_t     at;           // the next byte
    int64_t     seen;         // line and column are those of this byte; never behind `at` of a node
    int         line, column; // from 1
    Json       *nodes;        // NULL while counting
    JsonCount   count;
} Scan;

// Carriage returns have no width: they end lines of some systems, and stand in for the second and
// later bytes of characters in blanked comments.
static int has_width(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80 && c != '\r';
}

static void locate(Scan *s, int64_t at)
{
    for (; s->seen < at; s->seen++) {
        if (s->text[s->seen] == '\n') {
            s->line++;
            s->column = 1;
        } else {
            s->column += has_width(s->text[s->seen]);
        }
    }
}

void json_locate(const char *text, int64_t at, int *line, int *column)
{
    Scan s = {.text = text, .line = 1, .column = 1};

    locate(&s, at);
    *line = s.line;
    *column = s.column;
}

static void describe(const Scan *s, int64_t at, char *out, size_t size)
{
    unsigned char c = at < s->length ? (unsigned char)s->text[at] : 0;

    if (at >= s->length)
        snprintf(out, size, "the end of the text");
    else if (c == '\n' || c == '\r')
        snprintf(out, size, "the end of the line");
    else if (c < 0x20 || c == 0x7F)
        snprintf(out, size, "the control character 0x%02x", c);
    else
        snprintf(out, size, "'%.*s'", text_utf8_length(s->text + at, s->length - at), s->text + at);
}

static Err wrong(Scan *s, int64_t at, const char *expected)
{
    char found[64];

    locate(s, at);
    describe(s, at, found, sizeof found);
    FAIL(ERR_DATA, "%s:%d:%d: expected %s, found %s", s->file, s->line, s->column, expected, found);
}

static int peek(const Scan *s)
{
    return s->at < s->length ? (unsigned char)s->text[s->at] : -1;
}

static void skip_blanks(Scan *s)
{
    while (s->at < s->length && strchr(" \t\r\n", s->text[s->at]) != NULL && s->text[s->at] != 0)
        s->at++;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Four hexadecimal digits at `at`; -1 if there are none.
static int hex_four(const Scan *s, int64_t at)
{
    int value = 0;

    for (int64_t i = at; i < at + 4; i++) {
        int digit = i < s->length ? hex_value((unsigned char)s->text[i]) : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static Err scan_escape(Scan *s)
{
    int64_t begin = s->at++; // the backslash
    int     c = peek(s), value;

    s->at++;
    if (c > 0 && strchr("\"\\/bfnrt", c) != NULL)
        return OK;
    if (c != 'u')
        return wrong(s, begin + 1, "one of \" \\ / b f n r t u after a backslash");
    value = hex_four(s, s->at);
    if (value < 0)
        return wrong(s, begin, "four hexadecimal digits after \\u");
    if (value == 0)
        return wrong(s, begin, "text without the zero character \\u0000");
    s->at += 4;
    if (value < 0xD800 || value > 0xDFFF)
        return OK;
    if (value < 0xDC00 && s->at + 6 <= s->length && memcmp(s->text + s->at, "\\u", 2) == 0) {
        int low = hex_four(s, s->at + 2);
        s->at += 6;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return OK;
    }
    return wrong(s, begin, "both halves of a surrogate pair");
}

static Err scan_string(Scan *s)
{
    int64_t begin = s->at++; // the opening quote

    for (;;) {
        int c = peek(s);

        if (c < 0)
            return wrong(s, s->length, "a closing quote");
        if (c < 0x20)
            return wrong(s, s->at, "a closing quote, or \\n, \\t, \\u00XX inside of text");
        if (c == '"')
            break;
        if (c == '\\')
            TRY(scan_escape(s));
        else
            s->at++;
    }
    s->at++;
    s->count.text_bytes += s->at - begin;
    return OK;
}

static Err scan_digits(Scan *s, const char *expected)
{
    if (!is_digit(peek(s)))
        return wrong(s, s->at, expected);
    while (is_digit(peek(s)))
        s->at++;
    return OK;
}

static Err scan_number(Scan *s)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s)))
            return wrong(s, s->at, "a number without zeros in front");
    } else {
        TRY(scan_digits(s, "a digit after '-'"));
    }
    if (s->nodes != NULL && (peek(s) == '.' || peek(s) == 'e' || peek(s) == 'E'))
        s->nodes[s->count.nodes - 1].is_real = 1;
    if (peek(s) == '.') {
        s->at++;
        TRY(scan_digits(s, "a digit after '.'"));
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        TRY(scan_digits(s, "a digit in the exponent"));
    }
    return OK;
}

static Err scan_word(Scan *s)
{
    static const char *const words[] = {"true", "false", "null"};

    for (int i = 0; i < 3; i++) {
        int64_t n = (int64_t)strlen(words[i]);
        if (n <= s->length - s->at && memcmp(s->text + s->at, words[i], (size_t)n) == 0) {
            s->at += n;
            return OK;
        }
    }
    return wrong(s, s->at, "a value");
}

static Err scan_value(Scan *s, int depth);

// The next value gets this place as that of its key.
static Err scan_key(Scan *s)
{
    if (peek(s) != '"')
        return wrong(s, s->at, "a key in quotes");
    locate(s, s->at);
    if (s->nodes != NULL) {
        s->nodes[s->count.nodes].key_line = s->line;
        s->nodes[s->count.nodes].key_column = s->column;
    }
    TRY(scan_string(s));
    skip_blanks(s);
    if (peek(s) != ':')
        return wrong(s, s->at, "':' after a key");
    s->at++;
    skip_blanks(s);
    return OK;
}

static Err scan_members(Scan *s, int depth, int is_object)
{
    char closing = is_object ? '}' : ']';

    if (depth >= JSON_DEPTH_MAX)
        return wrong(s, s->at, "no more than 64 levels of brackets");
    s->at++;
    skip_blanks(s);
    if (peek(s) == closing) {
        s->at++;
        return OK;
    }
    for (;;) {
        if (is_object)
            TRY(scan_key(s));
        TRY(scan_value(s, depth + 1));
        skip_blanks(s);
        if (peek(s) == closing)
            break;
        if (peek(s) != ',')
            return wrong(s, s->at,
                         is_object ? "',' or '}' after a value" : "',' or ']' after a value");
        s->at++;
        skip_blanks(s);
    }
    s->at++;
    return OK;
}

static Err scan_value(Scan *s, int depth)
{
    int c = peek(s);

    locate(s, s->at);
    if (s->nodes != NULL) {
        s->nodes[s->count.nodes].line = s->line;
        s->nodes[s->count.nodes].column = s->column;
    }
    s->count.nodes++;
    if (c == '{' || c == '[')
        return scan_members(s, depth, c == '{');
    if (c == '"')
        return scan_string(s);
    if (c == '-' || is_digit(c))
        return scan_number(s);
    return scan_word(s);
}

Err json_scan(const char *file, const char *text, int64_t length, Json *nodes, JsonCount *count)
{
    Scan s = {.file = file, .text = text, .length = length, .line = 1, .column = 1, .nodes = nodes};

    skip_blanks(&s);
    TRY(scan_value(&s, 0));
    skip_blanks(&s);
    if (s.at < length)
        return wrong(&s, s.at, "the end of the text");
    *count = s.count;
    return OK;
}

Err json_check_utf8(const char *file, const char *text, int64_t length)
{
    int64_t bad = text_utf8_bad(text, length);
    int     line, column;

    if (bad < 0)
        return OK;
    json_locate(text, bad, &line, &column);
    FAIL(ERR_DATA, "%s:%d:%d: expected UTF-8, found the byte 0x%02x", file, line, column,
         (unsigned char)text[bad]);
}

static void blank(char *text, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        if (text[i] != '\n')
            text[i] = ((unsigned char)text[i] & 0xC0) == 0x80 ? '\r' : ' ';
}

// One past the text in quotes at `at`, or its line, which the scan will then complain about.
static int64_t pass_string(const char *text, int64_t at, int64_t length)
{
    for (at++; at < length && text[at] != '\n'; at++) {
        if (text[at] == '"')
            return at + 1;
        if (text[at] == '\\' && at + 1 < length && text[at + 1] != '\n')
            at++;
    }
    return at;
}

// One past the comment at `at`, -1 if it does not end.
static int64_t pass_comment(const char *text, int64_t at, int64_t length)
{
    int is_block = text[at + 1] == '*';

    for (at += 2; at < length; at++) {
        if (!is_block && text[at] == '\n')
            return at;
        if (is_block && at + 1 < length && text[at] == '*' && text[at + 1] == '/')
            return at + 2;
    }
    return is_block ? -1 : length;
}

Err json_blank_comments(const char *file, char *text, int64_t length)
{
    for (int64_t at = 0; at < length;) {
        int64_t begin = at;

        if (text[at] == '"') {
            at = pass_string(text, at, length);
        } else if (text[at] == '/' && at + 1 < length &&
                   (text[at + 1] == '/' || text[at + 1] == '*')) {
            at = pass_comment(text, at, length);
            if (at < 0) {
                int line, column;
                json_locate(text, begin, &line, &column);
                FAIL(ERR_DATA,
                     "%s:%d:%d: expected */ at the end of a comment, found the end of "
                     "the text",
                     file, line, column);
            }
            blank(text, begin, at);
        } else {
            at++;
        }
    }
    return OK;
}
