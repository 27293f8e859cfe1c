#include "datagen/steps/html.h"

#include <string.h>

// Tags that begin and end lines.
static const char *const blocks[] = {"p",      "div",        "br",  "li",      "ul",      "ol",
                                     "tr",     "table",      "pre", "section", "article", "header",
                                     "footer", "blockquote", "h1",  "h2",      "h3",      "h4",
                                     "h5",     "h6",         "hr",  "dl",      "dt",      "dd"};

static const struct {
    const char *name;
    int32_t     c;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},
    {"nbsp", ' '},     {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bull", 0x2022},   {"middot", 0xb7},
    {"copy", 0xa9},    {"reg", 0xae},     {"trade", 0x2122}, {"deg", 0xb0},      {"euro", 0x20ac},
    {"pound", 0xa3},   {"times", 0xd7},   {"divide", 0xf7},  {"plusmn", 0xb1},   {"le", 0x2264},
    {"ge", 0x2265},    {"ne", 0x2260},    {"rarr", 0x2192},  {"larr", 0x2190},   {"szlig", 0xdf},
    {"auml", 0xe4},    {"ouml", 0xf6},    {"uuml", 0xfc},    {"Auml", 0xc4},     {"Ouml", 0xd6},
    {"Uuml", 0xdc},    {"eacute", 0xe9},  {"egrave", 0xe8},  {"agrave", 0xe0},   {"ccedil", 0xe7}};

static int is_letter(char c)
{
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

// Place of `what` in s from `at` on, any case; the end if it is not there.
static int64_t find(Span s, int64_t at, const char *what)
{
    int64_t found = unitext_find_folded(span_from(s, at), span_of(what));

    return found < 0 ? s.length : at + found;
}

typedef struct Tag {
    Span    name;
    int     closes;
    int64_t bytes; // of all of it; 0: it is none
} Tag;

// Up to the ">", past those in quotation marks; 0 if it is not near.
static int64_t tag_end(Span s, int64_t at)
{
    enum { TAG_MAX = 4096 };

    s.length = s.length < TAG_MAX ? s.length : TAG_MAX;
    for (char quote = 0; at < s.length; at++) {
        char c = s.text[at];

        if (quote == 0 && c == '>')
            return at + 1;
        if (quote != 0 && c == quote)
            quote = 0;
        else if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
    }
    return 0;
}

static Tag read_tag(Span s)
{
    Tag     tag = {.closes = s.length > 1 && s.text[1] == '/'};
    int64_t at = 1 + tag.closes, begin = at;

    while (at < s.length && (is_letter(s.text[at]) || ('1' <= s.text[at] && s.text[at] <= '6')))
        at++;
    if (at == begin || !is_letter(s.text[begin]))
        return (Tag){0};
    tag.name = span_cut(s, begin, at);
    tag.bytes = tag_end(s, at);
    return tag;
}

static int is_named(const Tag *tag, const char *name)
{
    return unitext_is_same_folded(tag->name, span_of(name));
}

static void begin_line(Text *t)
{
    if (t->length > 0 && t->data[t->length - 1] != '\n')
        text_puts(t, "\n");
}

// Bytes that the tag at the start of s takes, with what is inside of script and style; 0: no tag.
static int64_t put_tag(Text *t, Span s)
{
    Tag tag = read_tag(s);

    if (unitext_begins(s, span_of("<!--"))) {
        int64_t end = find(s, 4, "-->");

        return end + 3 < s.length ? end + 3 : s.length;
    }
    if (s.length > 1 && (s.text[1] == '!' || s.text[1] == '?'))
        return tag_end(s, 1);
    if (tag.bytes == 0)
        return 0;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (is_named(&tag, blocks[i]))
            begin_line(t);
    if (is_named(&tag, "li") && !tag.closes)
        text_puts(t, "- ");
    if (!tag.closes && is_named(&tag, "script"))
        return find(s, tag.bytes, "</script");
    if (!tag.closes && is_named(&tag, "style"))
        return find(s, tag.bytes, "</style");
    return tag.bytes;
}

// The character of "&#65;" or "&#x41;", 0: none.
static int32_t numbered(Span name)
{
    int     base = name.length > 1 && (name.text[1] == 'x' || name.text[1] == 'X') ? 16 : 10;
    int32_t c = 0;
    int64_t at = base == 16 ? 2 : 1;

    if (at == name.length)
        return 0;
    for (; at < name.length && c < 0x110000; at++) {
        char d = name.text[at];
        int  digit = '0' <= d && d <= '9'   ? d - '0'
                     : 'a' <= d && d <= 'f' ? d - 'a' + 10
                     : 'A' <= d && d <= 'F' ? d - 'A' + 10
                                            : 99;

        if (digit >= base)
            return 0;
        c = base * c + digit;
    }
    return c < 0x110000 && (c < 0xd800 || c > 0xdfff) ? c : 0;
}

static int32_t entity(Span name)
{
    if (name.length > 0 && name.text[0] == '#')
        return numbered(name);
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
        if (unitext_is_same(name, span_of(entities[i].name)))
            return entities[i].c;
    return 0;
}

// Bytes of the entity at the start of s; 0: none.
static int64_t put_entity(Text *t, Span s)
{
    enum { NAME_MAX_BYTES = 12 };
    int64_t end = 1;
    int32_t c;

    while (end < s.length && end < NAME_MAX_BYTES && s.text[end] != ';')
        end++;
    if (end == s.length || s.text[end] != ';')
        return 0;
    c = entity(span_cut(s, 1, end));
    if (c == 0)
        return 0;
    unitext_put(t, c);
    return end + 1;
}

void html_to_text(Text *t, Span html)
{
    int64_t n;

    for (Span s = html; s.length > 0; s = span_from(s, n)) {
        n = s.text[0] == '<' ? put_tag(t, s) : s.text[0] == '&' ? put_entity(t, s) : 0;
        if (n == 0)
            text_add(t, s.text, n = 1);
    }
}
