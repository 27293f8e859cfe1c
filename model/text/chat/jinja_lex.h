// jinja_lex.h -- what the two files that cut a template into words share.
#ifndef TD_MODEL_TEXT_CHAT_JINJA_LEX_H
#define TD_MODEL_TEXT_CHAT_JINJA_LEX_H

#include "model/text/chat/jinja_private.h"

enum { BRACKETS_MAX = 256 };

typedef struct JinjaLexer {
    JinjaPool  *pool;
    const char *name;
    const char *text; // newlines are \n, the last one is gone
    int64_t     length, at;
    int64_t     seen; // line and column are those of this byte
    int         line, column;
    JinjaToken *token;
    int64_t     count, room;
    int         line_starting; // nothing but a newline stands before `at`
    char        bracket[BRACKETS_MAX];
    int         brackets;
} JinjaLexer;

// Fails at a byte of the text.
Err jinja_lex_wrong(JinjaLexer *x, int64_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
Err jinja_lex_add(JinjaLexer *x, JinjaTokenKind kind, int64_t begin, int64_t end);

// The number, or the text in quotes, at x->at.
Err jinja_lex_number(JinjaLexer *x);
Err jinja_lex_string(JinjaLexer *x);

static inline JinjaToken *jinja_lex_last(JinjaLexer *x)
{
    return &x->token[x->count - 1];
}

static inline int jinja_lex_peek(const JinjaLexer *x, int64_t at)
{
    return at < x->length ? (unsigned char)x->text[at] : 0;
}

static inline int jinja_lex_is_digit(int c)
{
    return '0' <= c && c <= '9';
}

static inline int jinja_lex_is_word(int c)
{
    return jinja_lex_is_digit(c) || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_';
}

#endif
