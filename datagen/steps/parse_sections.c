// Blocks of three sections with headings: "4. Instruction: ...\n4. Input:\n...\n4.
// Output:\n...\n###".
#include "datagen/steps/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- as published

// Bytes of "4. Input:" at s for this number and any of the headings; 0: none.
static int64_t published_mark(const ParseSpec *spec, Span s, int64_t number)
{
    char    head[24];
    int64_t at = snprintf(head, sizeof head, "%" PRId64 ".", number), blanks;

    if (!unitext_begins(s, span_of(head)))
        return 0;
    blanks = parse_spaces(span_from(s, at));
    at += blanks;
    for (int i = 0; i < PARSE_FIELDS && blanks > 0; i++) {
        Span    h = span_of(spec->heading[i]);
        int64_t end = at + h.length;

        if (unitext_begins(span_from(s, at), h) && end < s.length && s.text[end] == ':')
            return end + 1;
    }
    return 0;
}

static int is_empty_word(Arena *arena, const ParseSpec *spec, Span s)
{
    Text a = text_make(arena), b = text_make(arena);

    unitext_lower(&a, s);
    unitext_lower(&b, span_of(spec->empty));
    return unitext_is_same((Span){a.data, a.length}, (Span){b.data, b.length});
}

// A block between separators: three marks of its number, whichever headings they name, anywhere.
static void published_block(const ParseSpec *spec, Span s, int64_t number, ParsePieces *out)
{
    ParsePiece piece = {0};
    int64_t    begin[PARSE_FIELDS + 1], end[PARSE_FIELDS + 1], marks = 0, n;

    for (int64_t at = 0; at < s.length && marks <= PARSE_FIELDS; at += n > 0 ? n : 1) {
        n = published_mark(spec, span_from(s, at), number);
        if (n == 0)
            continue;
        begin[marks] = at + n;
        end[marks++] = at;
    }
    if (marks != PARSE_FIELDS) {
        parse_add_malformed(out, s);
        return;
    }
    end[PARSE_FIELDS] = s.length;
    for (int i = 0; i < PARSE_FIELDS; i++)
        piece.field[i] = unitext_strip(span_cut(s, begin[i], end[i + 1]));
    if (is_empty_word(out->arena, spec, piece.field[1]))
        piece.field[1].length = 0;
    parse_add(out, &piece);
}

// Blocks are numbered by their place, whatever numbers they bear.
static void published(const ParseSpec *spec, Span text, ParsePieces *out)
{
    Text    t = text_make(out->arena);
    Span    s, separator = span_of(spec->separator);
    int64_t begin = 0, number = spec->first;

    text_printf(&t, "%" PRId64 ". %s:", spec->first, spec->heading[0]);
    text_add(&t, text.text, text.length);
    s = (Span){t.data, t.length};
    for (int64_t at = 0; at + separator.length <= s.length;) {
        if (!unitext_begins(span_from(s, at), separator)) {
            at++;
            continue;
        }
        published_block(spec, span_cut(s, begin, at), number++, out);
        begin = at += separator.length;
    }
    published_block(spec, span_from(s, begin), number, out);
}

// ---- as intended

// Bytes of "4. Input:" at the start of a line, with the blanks before it, for heading i; 0: none.
static int64_t line_mark(const ParseSpec *spec, Span s, int i, int64_t *number)
{
    Span    h = span_of(spec->heading[i]);
    int64_t at = parse_blanks(s), n;

    *number = parse_number(span_from(s, at), &n);
    at += n;
    if (*number < 0 || at == s.length || s.text[at] != '.')
        return 0;
    at++;
    at += parse_blanks(span_from(s, at));
    n = unitext_prefix_folded(span_from(s, at), h);
    if (n < 0 || at + n == s.length || s.text[at + n] != ':')
        return 0;
    return at + n + 1;
}

// Whether the line that ends before `at` is a separator: two or more of its character, nothing
// else.
static int is_separated(const ParseSpec *spec, Span s, int64_t at)
{
    Span before = unitext_strip_end(span_cut(s, 0, at));
    int  count = 0;

    while (before.length > 0 && before.text[before.length - 1] == spec->separator[0]) {
        before.length--;
        count++;
    }
    return count >= 2 && (before.length == 0 || before.text[before.length - 1] == '\n');
}

// The text without a separator line at its end.
static Span without_separator(const ParseSpec *spec, Span s)
{
    s = unitext_strip_end(s);
    if (!is_separated(spec, s, s.length))
        return s;
    while (s.length > 0 && s.text[s.length - 1] == spec->separator[0])
        s.length--;
    return unitext_strip_end(s);
}

static char plain_letter(char c)
{
    return 'A' <= c && c <= 'Z' ? (char)(c + 32) : 'a' <= c && c <= 'z' ? c : 0;
}

// "No input." means the same as "<noinput>": letters alone count.
static int says_empty(const ParseSpec *spec, Span s)
{
    const char *want = spec->empty;

    for (int64_t i = 0; i < s.length; i++) {
        char c = plain_letter(s.text[i]);

        if (c == 0 && (s.text[i] & 0x80))
            return 0;
        if (c == 0)
            continue;
        while (*want != 0 && plain_letter(*want) == 0)
            want++;
        if (plain_letter(*want) != c)
            return 0;
        want++;
    }
    while (*want != 0 && plain_letter(*want) == 0)
        want++;
    return *want == 0 && s.length > 0;
}

// An item from behind its first heading on: the other two must follow once each, in their order.
static void intended_item(const ParseSpec *spec, Span whole, Span s, int64_t number,
                          ParsePieces *out)
{
    ParsePiece piece = {0};
    int64_t    begin = 0, found, n;
    int        field = 0, is_good = 1;

    s = without_separator(spec, s);
    for (int64_t at = parse_next_line(s, 0); at < s.length; at = parse_next_line(s, at))
        for (int i = 1; i < PARSE_FIELDS; i++) {
            n = line_mark(spec, span_from(s, at), i, &found);
            number = n > 0 && number == 0 ? found : number;
            if (n == 0 || found != number)
                continue;
            is_good &= i == field + 1;
            piece.field[field] = unitext_strip(span_cut(s, begin, at));
            field = i;
            begin = at + n;
        }
    if (!is_good || field != PARSE_FIELDS - 1) {
        parse_add_malformed(out, unitext_strip(whole));
        return;
    }
    piece.field[field] = unitext_strip(span_from(s, begin));
    if (says_empty(spec, piece.field[1]))
        piece.field[1].length = 0;
    parse_add(out, &piece);
}

typedef struct Item {
    int64_t begin, text, number; // of its mark, behind it; number
} Item;

// The next line that begins an item: its number goes on, or a separator stands before it.
static int next_item(const ParseSpec *spec, Span s, int64_t at, int64_t before, Item *out)
{
    for (; at < s.length; at = parse_next_line(s, at)) {
        int64_t number, n = line_mark(spec, span_from(s, at), 0, &number);

        if (n > 0 && (parse_goes_on(before, number) || is_separated(spec, s, at))) {
            *out = (Item){at, at + n, number};
            return 1;
        }
    }
    *out = (Item){s.length, s.length, 0};
    return 0;
}

// The item that the text begins with: behind blank lines and separators; without a heading there,
// the prompt has begun it.
static Item first_item(const ParseSpec *spec, Span s)
{
    int64_t at = 0, next, number, n;

    for (; at < s.length; at = next) {
        next = parse_next_line(s, at);
        if (!unitext_is_blank(span_cut(s, at, next)) && !is_separated(spec, s, next))
            break;
    }
    n = line_mark(spec, span_from(s, at), 0, &number);
    return n > 0 ? (Item){at, at + n, number} : (Item){0, 0, spec->first};
}

static void intended(const ParseSpec *spec, Span s, ParsePieces *out)
{
    Item item = first_item(spec, s), next = {0};

    if (unitext_is_blank(s))
        return;
    for (int more = 1; more; item = next) {
        more = next_item(spec, s, parse_next_line(s, item.text), item.number, &next);
        intended_item(spec, span_cut(s, item.begin, next.begin), span_cut(s, item.text, next.begin),
                      item.number, out);
    }
}

void parse_sections(const ParseSpec *spec, Span text, ParsePieces *out)
{
    if (spec->as == PARSE_PUBLISHED)
        published(spec, text, out);
    else
        intended(spec, text, out);
}
