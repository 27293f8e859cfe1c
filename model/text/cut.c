// How a text is cut into the words that the model sees one by one.
#define _GNU_SOURCE // memmem
#include "model/text/tokenizer_private.h"

#include <string.h>

// Matches of a cut, and what lies between, in order; both may be empty.
typedef struct Finder {
    const Cut  *cut;
    Bytes       text;
    RegexSearch search;     // CUT_PATTERN without scan
    int64_t     at;         // where the next part begins
    int64_t     begin, end; // of the next match, if it is known; begin -1: there is none
    int         is_known;
} Finder;

static Finder find_in(const Cut *c, Arena *scratch, Bytes text)
{
    Finder f = {.cut = c, .text = text};

    if (c->kind == CUT_PATTERN && c->scan == NULL)
        f.search = regex_search(c->regex, scratch, (Span){text.data, text.length});
    return f;
}

static int in_class(const Cut *c, const char *p, int *bytes)
{
    return (unicode_class(unicode_at(p, bytes)) & c->classes) != 0;
}

static void find_class(Finder *f, int64_t from)
{
    int n;

    f->begin = -1;
    for (int64_t at = from; at < f->text.length; at += n)
        if (in_class(f->cut, f->text.data + at, &n)) {
            f->begin = at;
            f->end = at + n;
            return;
        }
}

static void find_text(Finder *f, int64_t from)
{
    const Bytes *pattern = &f->cut->pattern;
    const char  *found = memmem(f->text.data + from, (size_t)(f->text.length - from), pattern->data,
                                (size_t)pattern->length);

    f->begin = found == NULL ? -1 : found - f->text.data;
    f->end = f->begin + pattern->length;
}

// A match without bytes cuts nothing here.
static Err find_pattern(Finder *f, int64_t from)
{
    RegexMatch m;

    do {
        TRY(regex_find(&f->search, from, &m));
        from = m.begin < 0 ? from : regex_behind(f->search.text, &m);
    } while (m.begin >= 0 && m.begin == m.end && from <= f->text.length);
    f->begin = m.begin == m.end ? -1 : m.begin;
    f->end = m.end;
    return OK;
}

static Err find_match(Finder *f)
{
    f->is_known = 1;
    switch (f->cut->kind) {
    case CUT_CLASS: find_class(f, f->at); return OK;
    case CUT_PATTERN: return find_pattern(f, f->at);
    default: find_text(f, f->at); return OK;
    }
}

typedef struct Part {
    Bytes text;
    int   is_match;
} Part;

// 0 at the end of the text.
static Err next_part(Finder *f, Part *p, int *is_there)
{
    int64_t end;

    *is_there = f->at < f->text.length;
    if (!*is_there)
        return OK;
    if (!f->is_known)
        TRY(find_match(f));
    p->is_match = f->begin == f->at;
    end = p->is_match ? f->end : f->begin >= 0 ? f->begin : f->text.length;
    p->text = (Bytes){f->text.data + f->at, end - f->at};
    f->is_known = !p->is_match;
    f->at = end;
    p->is_match ^= f->cut->is_inverted;
    return OK;
}

static Err cut_on(Flow *f, int next, Bytes text, Bytes word, int is_first)
{
    if (word.length == 0)
        return OK;
    return cut_words(f, next, word, is_first && word.data == text.data);
}

// Words of `text` by the matches of cut `number`; `held` waits for what goes with it.
static Err cut_parts(Flow *f, int number, Bytes text, int is_first)
{
    const Cut *c = &f->tokenizer->cut[number];
    Finder     finder = find_in(c, f->scratch, text);
    Bytes      held = {text.data, 0};
    int        was_match = 0, is_there;
    Part       p;

    for (;;) {
        int joins;

        TRY(next_part(&finder, &p, &is_there));
        if (!is_there)
            break;
        joins = c->behavior == CUT_CONTIGUOUS      ? p.is_match == was_match
                : c->behavior == CUT_WITH_PREVIOUS ? p.is_match && !was_match
                : c->behavior == CUT_WITH_NEXT     ? !p.is_match && was_match
                                                   : 0;
        if (!joins) {
            TRY(cut_on(f, number + 1, text, held, is_first));
            held = (Bytes){p.text.data, 0};
        }
        if (c->behavior != CUT_REMOVED || !p.is_match)
            held.length += p.text.length;
        was_match = p.is_match;
    }
    return cut_on(f, number + 1, text, held, is_first);
}

static Err cut_scan(Flow *f, int number, Scan scan, Bytes text, int is_first)
{
    const char *p = text.data, *end = p + text.length;
    int         is_last = number + 1 == f->tokenizer->cuts;

    while (p < end) {
        const char *behind = scan(p, end);
        Bytes       word = {p, behind - p};

        TRY(is_last ? tokenizer_word(f, word)
                    : cut_words(f, number + 1, word, is_first && p == text.data));
        p = behind;
    }
    return OK;
}

static Err cut_byte_level(Flow *f, int number, Bytes text, int is_first)
{
    const Cut *c = &f->tokenizer->cut[number];

    if (c->prepend == CUT_ALWAYS && text.data[0] != ' ') {
        char *copy = arena_push(f->scratch, text.length + 1, 1);

        copy[0] = ' ';
        memcpy(copy + 1, text.data, (size_t)text.length);
        text = (Bytes){copy, text.length + 1};
    }
    return c->scan != NULL ? cut_scan(f, number, c->scan, text, is_first) : tokenizer_word(f, text);
}

// Blanks replaced, and one put in front where the text does not begin with one.
static Bytes with_marks(Flow *f, const Cut *c, Bytes text, int is_first)
{
    int64_t blanks = 0;
    Text    t;

    for (int64_t i = 0; i < text.length; i++)
        blanks += text.data[i] == ' ';
    t = (Text){.capacity = text.length + (blanks + 1) * c->pattern.length + 1, .arena = f->scratch};
    t.data = arena_push(f->scratch, t.capacity, 1);
    if (text.data[0] != ' ' &&
        (c->prepend == CUT_ALWAYS || (c->prepend == CUT_FIRST && is_first)) &&
        (text.length < c->pattern.length ||
         memcmp(text.data, c->pattern.data, (size_t)c->pattern.length) != 0))
        text_add(&t, c->pattern.data, c->pattern.length);
    for (int64_t at = 0; at < text.length;) {
        const char *blank = memchr(text.data + at, ' ', (size_t)(text.length - at));
        int64_t     end = blank == NULL ? text.length : blank - text.data;

        text_add(&t, text.data + at, end - at);
        if (blank != NULL)
            text_add(&t, c->pattern.data, c->pattern.length);
        at = end + (blank != NULL);
    }
    return (Bytes){t.data, t.length};
}

static Err cut_metaspace(Flow *f, int number, Bytes text, int is_first)
{
    const Cut *c = &f->tokenizer->cut[number];
    Bytes      marked = with_marks(f, c, text, is_first);
    int64_t    begin = 0;

    for (int64_t at = 1; c->splits && at + c->pattern.length <= marked.length; at++)
        if (memcmp(marked.data + at, c->pattern.data, (size_t)c->pattern.length) == 0) {
            if (at > begin)
                TRY(cut_words(f, number + 1, (Bytes){marked.data + begin, at - begin},
                              is_first && begin == 0));
            begin = at;
        }
    return cut_words(f, number + 1, (Bytes){marked.data + begin, marked.length - begin},
                     is_first && begin == 0);
}

static Err cut_one(Flow *f, int number, Bytes text, int is_first)
{
    const Cut *c = &f->tokenizer->cut[number];

    switch (c->kind) {
    case CUT_METASPACE: return cut_metaspace(f, number, text, is_first);
    case CUT_BYTE_LEVEL: return cut_byte_level(f, number, text, is_first);
    case CUT_PATTERN:
        if (c->scan != NULL)
            return cut_scan(f, number, c->scan, text, is_first);
        return cut_parts(f, number, text, is_first);
    default: return cut_parts(f, number, text, is_first);
    }
}

Err cut_words(Flow *f, int from, Bytes text, int is_first)
{
    ArenaMark mark = arena_mark(f->scratch);
    Err       e;

    if (text.length == 0)
        return OK;
    if (from == f->tokenizer->cuts)
        return tokenizer_word(f, text);
    e = cut_one(f, from, text, is_first);
    arena_back(f->scratch, mark);
    return e;
}
