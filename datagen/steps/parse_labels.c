// Label first: "Class label: Positive\nSentence: good\nClass label: ...".
#include "datagen/steps/parse.h"

#include <string.h>

// Place of the next marker; -1: none.
static int64_t find(const ParseSpec *spec, Span s, int64_t at)
{
    Span marker = span_of(spec->marker);

    if (spec->as == PARSE_PUBLISHED) {
        for (; at + marker.length <= s.length; at++)
            if (unitext_begins(span_from(s, at), marker))
                return at;
        return -1;
    }
    if (at > 0 && s.text[at - 1] != '\n')
        at = parse_next_line(s, at);
    for (; at < s.length; at = parse_next_line(s, at)) {
        int64_t blanks = parse_blanks(span_from(s, at));

        if (unitext_begins(span_from(s, at + blanks), marker))
            return at + blanks;
    }
    return -1;
}

// The first line is the label, the output; the rest is the input.
static void add(ParsePieces *out, Span text)
{
    Span       s = unitext_strip(text);
    int64_t    end = parse_line_end(s, 0);
    ParsePiece piece = {
        .field = {unitext_strip(span_from(s, end)), unitext_strip(span_cut(s, 0, end)), {"", 0}}};

    parse_add(out, &piece);
}

void parse_labels(const ParseSpec *spec, Span text, ParsePieces *out)
{
    int64_t n = (int64_t)strlen(spec->marker), at = find(spec, text, 0), next;

    if (at < 0)
        return;
    if (spec->as == PARSE_INTENDED && !unitext_is_blank(span_cut(text, 0, at)))
        parse_add_malformed(out, unitext_strip(span_cut(text, 0, at)));
    for (; at >= 0; at = next) {
        next = find(spec, text, at + n);
        add(out, span_cut(text, at + n, next < 0 ? text.length : next));
    }
}
