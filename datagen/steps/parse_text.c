// What the parsers share: white space, numbers, lines, marks.
#include "datagen/steps/parse.h"

#include <string.h>

ParsePieces parse_pieces(Arena *arena)
{
    return (ParsePieces){.arena = arena};
}

void parse_add(ParsePieces *p, const ParsePiece *piece)
{
    if (p->count == p->room) {
        int64_t room = p->room == 0 ? 16 : 2 * p->room;

        p->piece = arena_grow(p->arena, p->piece, p->room * (int64_t)sizeof *p->piece,
                              room * (int64_t)sizeof *p->piece);
        p->room = room;
    }
    p->piece[p->count++] = *piece;
}

void parse_add_malformed(ParsePieces *p, Span text)
{
    parse_add(p, &(ParsePiece){.is_malformed = 1, .field = {text, {"", 0}, {"", 0}}});
}

static int64_t run_of(Span s, int (*is)(int32_t c))
{
    int64_t at = 0, n;

    while (at < s.length && is(unitext_next(span_from(s, at), &n)))
        at += n;
    return at;
}

int64_t parse_spaces(Span s)
{
    return run_of(s, unitext_is_space);
}

int64_t parse_digits(Span s)
{
    return run_of(s, unitext_is_digit);
}

static int is_blank(int32_t c)
{
    return c == ' ' || c == '\t';
}

int64_t parse_blanks(Span s)
{
    return run_of(s, is_blank);
}

int64_t parse_number(Span s, int64_t *bytes)
{
    int64_t number = 0, at = 0;

    while (at < s.length && '0' <= s.text[at] && s.text[at] <= '9' && at < 10)
        number = 10 * number + s.text[at++] - '0';
    *bytes = at;
    return at == 0 || at == 10 ? -1 : number;
}

int parse_goes_on(int64_t before, int64_t number)
{
    enum { STEP_MAX = 10 }; // a model may leave one out; "2020." is no number of an item

    return before == 0 ? number >= 1 : before < number && number <= before + STEP_MAX;
}

int64_t parse_line_end(Span s, int64_t at)
{
    const char *end = at < s.length ? memchr(s.text + at, '\n', (size_t)(s.length - at)) : NULL;

    return end == NULL ? s.length : end - s.text;
}

int64_t parse_next_line(Span s, int64_t at)
{
    int64_t end = parse_line_end(s, at);

    return end < s.length ? end + 1 : s.length;
}

int64_t parse_field_mark(Span s, const char *word)
{
    int64_t at = (int64_t)strlen(word);

    if (!unitext_begins(s, span_of(word)))
        return 0;
    at += parse_spaces(span_from(s, at));
    at += parse_digits(span_from(s, at));
    at += parse_spaces(span_from(s, at));
    return at < s.length && s.text[at] == ':' ? at + 1 : 0;
}

int64_t parse_find_mark(Span s, int64_t at, const char *word, ParseAs as, int64_t *bytes)
{
    if (as == PARSE_PUBLISHED) {
        for (; at < s.length; at++)
            if (s.text[at] == word[0] && (*bytes = parse_field_mark(span_from(s, at), word)) > 0)
                return at;
        return -1;
    }
    if (at > 0 && s.text[at - 1] != '\n')
        at = parse_next_line(s, at);
    for (; at < s.length; at = parse_next_line(s, at)) {
        int64_t blanks = parse_blanks(span_from(s, at));

        *bytes = parse_field_mark(span_from(s, at + blanks), word);
        if (*bytes > 0) {
            *bytes += blanks;
            return at;
        }
    }
    return -1;
}
