// jinja_lex.c -- a template as a list of words, and the white space rules.
#include "model/text/chat/jinja_lex.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void locate(JinjaLexer *x, int64_t at)
{
    for (; x->seen < at; x->seen++) {
        if (x->text[x->seen] == '\n') {
            x->line++;
            x->column = 1;
        } else {
            x->column += ((unsigned char)x->text[x->seen] & 0xC0) != 0x80;
        }
    }
}

Err jinja_lex_wrong(JinjaLexer *x, int64_t at, const char *fmt, ...)
{
    char    words[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    if (at < x->seen) { // a bracket or a quote that was passed already
        x->seen = 0;
        x->line = x->column = 1;
    }
    locate(x, at);
    FAIL(ERR_DATA, "%s:%d:%d: %s", x->name, x->line, x->column, words);
}

Err jinja_lex_add(JinjaLexer *x, JinjaTokenKind kind, int64_t begin, int64_t end)
{
    if (x->count == x->room) {
        int64_t     room = x->room == 0 ? 256 : 2 * x->room;
        JinjaToken *more = jinja_push(x->pool, room * (int64_t)sizeof *more);

        if (more == NULL)
            return jinja_lex_wrong(x, begin, "the template has too many words");
        if (x->count > 0)
            memcpy(more, x->token, (size_t)x->count * sizeof *more);
        x->token = more;
        x->room = room;
    }
    locate(x, begin);
    x->token[x->count++] = (JinjaToken){.kind = kind,
                                        .line = x->line,
                                        .column = x->column,
                                        .text = x->text + begin,
                                        .length = end - begin};
    return OK;
}

static int begins(const JinjaLexer *x, int64_t at, const char *what)
{
    int64_t n = (int64_t)strlen(what);

    return n <= x->length - at && memcmp(x->text + at, what, (size_t)n) == 0;
}

static int64_t skip_space(const JinjaLexer *x, int64_t at)
{
    int n;

    while (at < x->length && unitext_is_space(jinja_point(x->text + at, x->length - at, &n)))
        at += n;
    return at;
}

// Where [begin, end) ends without the white space at its end.
static int64_t strip_end(const JinjaLexer *x, int64_t begin, int64_t end)
{
    JinjaValue v = jinja_string_n(x->text + begin, end - begin);

    return begin + jinja_strip(&v, NULL, STRIP_END).length;
}

// ---- the outside

// One past the closing sign at `at` and the white space that goes with it; -1: there is none.
// Blocks and comments take a newline with them, unless a + says no.
static int64_t close_at(const JinjaLexer *x, int64_t at, const char *sign)
{
    char minus[4], plus[4];
    int  is_variable = sign[0] == '}';

    snprintf(minus, sizeof minus, "-%s", sign);
    snprintf(plus, sizeof plus, "+%s", sign);
    if (begins(x, at, minus))
        return skip_space(x, at + 3);
    if (!is_variable && begins(x, at, plus))
        return at + 3;
    if (!begins(x, at, sign))
        return -1;
    at += 2;
    return !is_variable && at < x->length && x->text[at] == '\n' ? at + 1 : at;
}

static void pass(JinjaLexer *x, int64_t at)
{
    x->line_starting = at > 0 && x->text[at - 1] == '\n';
    x->at = at;
}

// The text [x->at, end) before an opening sign, less what that sign strips.
static Err add_data(JinjaLexer *x, int64_t end)
{
    char    sign = end + 2 < x->length ? x->text[end + 2] : 0;
    int64_t begin = x->at, keep = end;

    if (end < x->length && sign == '-') {
        keep = strip_end(x, begin, end);
    } else if (end < x->length && sign != '+' && x->text[end + 1] != '{') {
        int64_t line = end;

        while (line > begin && x->text[line - 1] != '\n')
            line--;
        if ((line > begin || x->line_starting) && strip_end(x, line, end) == line)
            keep = line;
    }
    return keep > begin ? jinja_lex_add(x, TOKEN_DATA, begin, keep) : OK;
}

// One past "{% raw %}" at `at`; -1: something else stands there.
static int64_t raw_at(const JinjaLexer *x, int64_t at, const char *word)
{
    if (!begins(x, at, "{%"))
        return -1;
    at += 2;
    at += at < x->length && (x->text[at] == '-' || x->text[at] == '+');
    at = skip_space(x, at);
    if (!begins(x, at, word))
        return -1;
    return skip_space(x, at + (int64_t)strlen(word));
}

static int64_t raw_open(const JinjaLexer *x, int64_t at)
{
    at = raw_at(x, at, "raw");
    if (at >= 0 && begins(x, at, "-%}"))
        return skip_space(x, at + 3);
    return at >= 0 && begins(x, at, "%}") ? at + 2 : -1;
}

static Err lex_raw(JinjaLexer *x, int64_t open, int64_t body)
{
    pass(x, body);
    for (int64_t at = body; at < x->length; at++) {
        int64_t word = raw_at(x, at, "endraw"), end = word < 0 ? -1 : close_at(x, word, "%}");

        if (end < 0)
            continue;
        TRY(add_data(x, at));
        pass(x, end);
        return OK;
    }
    return jinja_lex_wrong(
        x, open, "expected {%% endraw %%} after {%% raw %%}, found the end of the template");
}

static Err lex_comment(JinjaLexer *x, int64_t open)
{
    int64_t at = open + 2;

    at += at < x->length && (x->text[at] == '-' || x->text[at] == '+');
    for (; at < x->length; at++) {
        int64_t end = close_at(x, at, "#}");

        if (end < 0)
            continue;
        pass(x, end);
        return OK;
    }
    return jinja_lex_wrong(x, open,
                           "expected #} at the end of this comment, found the end of the template");
}

static Err lex_inside(JinjaLexer *x, const char *close);

static Err lex_outside(JinjaLexer *x)
{
    int64_t end = x->at, raw;

    while (end < x->length && !(x->text[end] == '{' && end + 1 < x->length &&
                                strchr("{%#", x->text[end + 1]) != NULL && x->text[end + 1] != 0))
        end++;
    TRY(add_data(x, end));
    if (end == x->length) {
        x->at = end;
        return OK;
    }
    raw = raw_open(x, end);
    if (raw >= 0)
        return lex_raw(x, end, raw);
    if (x->text[end + 1] == '#')
        return lex_comment(x, end);
    TRY(jinja_lex_add(x, x->text[end + 1] == '{' ? TOKEN_VARIABLE_BEGIN : TOKEN_BLOCK_BEGIN, end,
                      end + 2));
    x->at = end + 2;
    x->at += x->at < x->length && (x->text[x->at] == '-' || x->text[x->at] == '+');
    return lex_inside(x, x->text[end + 1] == '{' ? "}}" : "%}");
}

// ---- the inside of {{ }} and {% %}

static Err bracket(JinjaLexer *x, char c)
{
    static const char opening[] = "([{", closing[] = ")]}";
    const char       *place = strchr(closing, c);

    if (strchr(opening, c) != NULL) {
        if (x->brackets == BRACKETS_MAX)
            return jinja_lex_wrong(x, x->at, "more than %d brackets inside of each other",
                                   BRACKETS_MAX);
        x->bracket[x->brackets++] = c;
        return OK;
    }
    if (x->brackets == 0)
        return jinja_lex_wrong(x, x->at, "'%c' without an opening bracket", c);
    if (x->bracket[--x->brackets] != opening[place - closing])
        return jinja_lex_wrong(x, x->at, "expected '%c', found '%c'",
                               closing[strchr(opening, x->bracket[x->brackets]) - opening], c);
    return OK;
}

static Err lex_sign(JinjaLexer *x)
{
    static const struct {
        const char *text;
        int         sign;
    } twos[] = {{"//", SIGN_FLOOR},   {"**", SIGN_POWER},    {"==", SIGN_EQUAL},
                {"!=", SIGN_UNEQUAL}, {">=", SIGN_AT_LEAST}, {"<=", SIGN_AT_MOST}};
    int c = jinja_lex_peek(x, x->at), bytes;

    for (size_t i = 0; i < sizeof twos / sizeof twos[0]; i++)
        if (begins(x, x->at, twos[i].text)) {
            TRY(jinja_lex_add(x, TOKEN_SIGN, x->at, x->at + 2));
            jinja_lex_last(x)->sign = twos[i].sign;
            x->at += 2;
            return OK;
        }
    if (c == 0 || strchr("+-/*%~[](){}><=.:|,;", c) == NULL) {
        bytes = jinja_point_bytes(x->text + x->at, x->length - x->at);
        return jinja_lex_wrong(x, x->at, "expected a name, a value or a sign, found '%.*s'", bytes,
                               x->text + x->at);
    }
    if (strchr("()[]{}", c) != NULL)
        TRY(bracket(x, (char)c));
    TRY(jinja_lex_add(x, TOKEN_SIGN, x->at, x->at + 1));
    jinja_lex_last(x)->sign = c;
    x->at++;
    return OK;
}

static Err lex_word(JinjaLexer *x)
{
    int64_t begin = x->at;

    while (jinja_lex_is_word(jinja_lex_peek(x, x->at)))
        x->at++;
    return jinja_lex_add(x, TOKEN_NAME, begin, x->at);
}

static Err lex_inside(JinjaLexer *x, const char *close)
{
    x->brackets = 0;
    for (;;) {
        int64_t end;
        int     c;

        x->at = skip_space(x, x->at);
        if (x->at >= x->length)
            return OK; // the parser knows what is missing
        end = x->brackets == 0 ? close_at(x, x->at, close) : -1;
        c = jinja_lex_peek(x, x->at);
        if (end >= 0) {
            TRY(jinja_lex_add(x, close[0] == '}' ? TOKEN_VARIABLE_END : TOKEN_BLOCK_END, x->at,
                              x->at + 2));
            pass(x, end);
            return OK;
        }
        if (jinja_lex_is_digit(c))
            TRY(jinja_lex_number(x));
        else if (jinja_lex_is_word(c))
            TRY(lex_word(x));
        else if (c == '\'' || c == '"')
            TRY(jinja_lex_string(x));
        else
            TRY(lex_sign(x));
    }
}

// A copy in which every end of a line is \n, without the last of them.
static char *normalize(JinjaPool *pool, const char *text, int64_t *length)
{
    char   *out = jinja_push(pool, *length + 1);
    int64_t n = 0;

    if (out == NULL)
        return NULL;
    for (int64_t i = 0; i < *length; i++) {
        out[n++] = text[i] == '\r' ? '\n' : text[i];
        i += text[i] == '\r' && i + 1 < *length && text[i + 1] == '\n';
    }
    if (n > 0 && out[n - 1] == '\n')
        n--;
    out[n] = 0;
    *length = n;
    return out;
}

Err jinja_lex(JinjaPool *pool, const char *name, const char *text, int64_t length, JinjaTokens *out)
{
    JinjaLexer x = {.pool = pool, .name = name, .line = 1, .column = 1, .line_starting = 1};
    int64_t    bad = text_utf8_bad(text, length);

    x.text = text;
    x.length = length;
    if (bad >= 0)
        return jinja_lex_wrong(&x, bad, "expected UTF-8, found the byte 0x%02x",
                               (unsigned char)text[bad]);
    x.text = normalize(pool, text, &x.length);
    if (x.text == NULL)
        FAIL(ERR_DATA, "%s: no room for a template of %" PRId64 " bytes", name, length);
    while (x.at < x.length)
        TRY(lex_outside(&x));
    TRY(jinja_lex_add(&x, TOKEN_END, x.length, x.length));
    *out = (JinjaTokens){x.token, x.count};
    return OK;
}

void jinja_show_token(const JinjaToken *t, char *out, int64_t size)
{
    int length = t->length > 40 ? 40 : (int)t->length;

    while (length > 0 && length < t->length && ((unsigned char)t->text[length] & 0xC0) == 0x80)
        length--;
    switch (t->kind) {
    case TOKEN_DATA: snprintf(out, (size_t)size, "text"); break;
    case TOKEN_VARIABLE_BEGIN: snprintf(out, (size_t)size, "{{"); break;
    case TOKEN_VARIABLE_END: snprintf(out, (size_t)size, "}}"); break;
    case TOKEN_BLOCK_BEGIN: snprintf(out, (size_t)size, "{%%"); break;
    case TOKEN_BLOCK_END: snprintf(out, (size_t)size, "%%}"); break;
    case TOKEN_STRING: snprintf(out, (size_t)size, "the text \"%.*s\"", length, t->text); break;
    case TOKEN_END: snprintf(out, (size_t)size, "the end of the template"); break;
    default: snprintf(out, (size_t)size, "'%.*s'", length, t->text); break;
    }
}
