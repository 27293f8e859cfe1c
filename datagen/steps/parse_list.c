// A numbered list: "first\n10. second\n11. third".
#include "datagen/steps/parse.h"

static void add_item(ParsePieces *out, Span text)
{
    parse_add(out, &(ParsePiece){.field = {text, {"", 0}, {"", 0}}});
}

// Bytes of the published mark at s: a line feed, digits, perhaps one white space, ". "; 0: none.
static int64_t published_mark(Span s)
{
    int64_t at = 1, digits, n;

    if (s.length == 0 || s.text[0] != '\n')
        return 0;
    digits = parse_digits(span_from(s, at));
    at += digits;
    if (digits == 0 || at == s.length)
        return 0;
    if (unitext_is_space(unitext_next(span_from(s, at), &n)))
        at += n;
    return unitext_begins(span_from(s, at), span_of(". ")) ? at + 2 : 0;
}

static void published(Span s, ParsePieces *out)
{
    int64_t begin = 0, n;

    for (int64_t at = 0; at < s.length;) {
        n = published_mark(span_from(s, at));
        if (n == 0) {
            at++;
            continue;
        }
        add_item(out, span_cut(s, begin, at));
        begin = at += n;
    }
    add_item(out, span_from(s, begin));
}

// Bytes of "12. " or "12) " at the start of a line, with the blanks before it; 0: none.
static int64_t line_mark(Span s, int64_t *number)
{
    int64_t at = parse_blanks(s), n;

    *number = parse_number(span_from(s, at), &n);
    at += n;
    if (*number < 0)
        return 0;
    at += parse_blanks(span_from(s, at));
    if (at == s.length || (s.text[at] != '.' && s.text[at] != ')'))
        return 0;
    at++;
    if (at == s.length || s.text[at] == '\n')
        return at;
    n = parse_blanks(span_from(s, at));
    return n > 0 ? at + n : 0;
}

// The prompt may have begun an item: then the text begins inside of it, unless it says otherwise.
static void intended(const ParseSpec *spec, Span s, ParsePieces *out)
{
    int64_t before = 0, begin = 0, number, n;

    if (unitext_is_blank(s))
        return;
    for (int64_t at = 0; at < s.length; at = parse_next_line(s, at)) {
        n = line_mark(span_from(s, at), &number);
        if (n == 0 || !parse_goes_on(at == 0 ? 0 : before > 0 ? before : spec->first, number))
            continue;
        if (at > 0)
            add_item(out, unitext_strip(span_cut(s, begin, at)));
        before = number;
        begin = at + n;
    }
    add_item(out, unitext_strip(span_from(s, begin)));
}

void parse_list(const ParseSpec *spec, Span text, ParsePieces *out)
{
    if (spec->as == PARSE_PUBLISHED)
        published(text, out);
    else
        intended(spec, text, out);
}
