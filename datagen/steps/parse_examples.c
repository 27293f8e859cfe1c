// Inputs and outputs: "Example 1\nList: 3, 1\nOutput: 1, 3\nExample 2\n...".
#include "datagen/steps/parse.h"

#include <string.h>

static void add(ParsePieces *out, Span input, Span output)
{
    ParsePiece piece = {.field = {unitext_strip(input), unitext_strip(output), {"", 0}}};

    parse_add(out, &piece);
}

// ---- as published

// Place of "Example", perhaps a white space, digits, perhaps a full stop, from `at` on; -1: none.
static int64_t find_example(Span s, int64_t at, int64_t *bytes)
{
    static const char word[] = "Example";
    int64_t           n;

    for (; at < s.length; at++) {
        int64_t end = at + (int64_t)strlen(word);

        if (!unitext_begins(span_from(s, at), span_of(word)))
            continue;
        if (end < s.length && unitext_is_space(unitext_next(span_from(s, end), &n)))
            end += n;
        end += parse_digits(span_from(s, end));
        end += end < s.length && s.text[end] == '.';
        *bytes = end - at;
        return at;
    }
    return -1;
}

// What stands between the first two "Output:", up to an "Input:"; without any, all of it.
static void published_piece(Span s, ParsePieces *out)
{
    Span    input = {"", 0}, output = s;
    int64_t n, next, at = parse_find_mark(s, 0, "Output", PARSE_PUBLISHED, &n);

    if (at >= 0) {
        input = unitext_strip(span_cut(s, 0, at));
        output = span_from(s, at + n);
        next = parse_find_mark(output, 0, "Output", PARSE_PUBLISHED, &n);
        output.length = next < 0 ? output.length : next;
    }
    at = parse_find_mark(output, 0, "Input", PARSE_PUBLISHED, &n);
    output.length = at < 0 ? output.length : at;
    add(out, span_from(input, parse_field_mark(input, "Input")), output);
}

static void published(Span text, ParsePieces *out)
{
    Span    s = unitext_strip(text);
    int64_t begin = 0, n, at = find_example(s, 0, &n);

    if (at < 0) {
        if (parse_find_mark(s, 0, "Output", PARSE_PUBLISHED, &n) >= 0)
            published_piece(s, out);
        return;
    }
    for (; at >= 0; at = find_example(s, begin, &n)) {
        if (!unitext_is_blank(span_cut(s, begin, at)))
            published_piece(unitext_strip(span_cut(s, begin, at)), out);
        begin = at + n;
    }
    if (!unitext_is_blank(span_from(s, begin)))
        published_piece(unitext_strip(span_from(s, begin)), out);
}

// ---- as intended

// Bytes of "Example 2", "Example 2." or "Example:" at the start of a line, with the blanks before
// it, where the line ends behind it or a sign follows; 0: none.  *number: 0 if it has none.
static int64_t example_mark(Span s, int64_t *number)
{
    int64_t at = parse_blanks(s), n;

    if (!unitext_begins(span_from(s, at), span_of("Example")))
        return 0;
    at += 7;
    at += parse_blanks(span_from(s, at));
    *number = parse_number(span_from(s, at), &n);
    *number = *number < 0 ? 0 : *number;
    at += n;
    if (at < s.length && (s.text[at] == ':' || (s.text[at] == '.' && n > 0)))
        return at + 1;
    n = parse_blanks(span_from(s, at));
    n += at + n < s.length && s.text[at + n] == '\r';
    return at + n == s.length || s.text[at + n] == '\n' ? at : 0;
}

// Place of the next line that begins an example, -1: none.
static int64_t next_example(Span s, int64_t at, int64_t before, int64_t *number, int64_t *bytes)
{
    for (; at < s.length; at = parse_next_line(s, at)) {
        *bytes = example_mark(span_from(s, at), number);
        if (*bytes > 0 && (*number == 0 || parse_goes_on(before, *number)))
            return at;
    }
    return -1;
}

// One example: input, a line "Output:", output.  A line "Input:" behind an output begins another.
static void intended_piece(Span s, ParsePieces *out)
{
    int64_t n, m, at, next, output;

    for (int first = 1; first || s.length > 0; first = 0, s = span_from(s, next)) {
        at = parse_find_mark(s, 0, "Output", PARSE_INTENDED, &n);
        if (at < 0) {
            parse_add_malformed(out, unitext_strip(s));
            return;
        }
        next = parse_find_mark(s, at + n, "Input", PARSE_INTENDED, &m);
        next = next < 0 ? s.length : next;
        output = parse_find_mark(span_cut(s, 0, next), at + n, "Output", PARSE_INTENDED, &m);
        if (output >= 0) {
            parse_add_malformed(out, unitext_strip(span_cut(s, 0, next)));
            continue;
        }
        m = parse_field_mark(unitext_strip(s), "Input");
        add(out, span_from(unitext_strip(span_cut(s, 0, at)), m), span_cut(s, at + n, next));
    }
}

static void intended(Span s, ParsePieces *out)
{
    int64_t begin = 0, number = 0, before = 0, n, m, at = next_example(s, 0, 0, &number, &n);

    if (at < 0) {
        if (parse_find_mark(s, 0, "Output", PARSE_INTENDED, &m) >= 0)
            intended_piece(s, out);
        return;
    }
    if (!unitext_is_blank(span_cut(s, 0, at)))
        intended_piece(span_cut(s, 0, at), out);
    for (; at >= 0; at = next_example(s, begin, before, &number, &n)) {
        int64_t end, unused;

        before = number > 0 ? number : before;
        begin = at + n;
        end = next_example(s, begin, before, &number, &unused);
        intended_piece(span_cut(s, begin, end < 0 ? s.length : end), out);
    }
}

void parse_examples(const ParseSpec *spec, Span text, ParsePieces *out)
{
    if (spec->as == PARSE_PUBLISHED)
        published(text, out);
    else
        intended(text, out);
}
