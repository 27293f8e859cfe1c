// What is done to a text before it is cut into words.
#define _GNU_SOURCE // memmem
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <string.h>

static Bytes bytes_of(const Text *t)
{
    return (Bytes){t->data, t->length};
}

// ---- parts of a text replaced

static Err too_long(int64_t most)
{
    FAIL(ERR_DATA, "a text grows beyond %" PRId64 " bytes where the tokenizer normalizes it", most);
}

static Err replace_text(const Normalizer *n, Bytes in, int64_t most, Text *out)
{
    const char *p = in.data, *end = p + in.length;

    while (p < end) {
        const char *found =
            memmem(p, (size_t)(end - p), n->pattern.data, (size_t)n->pattern.length);

        if (found == NULL)
            break;
        text_add(out, p, found - p);
        text_add(out, n->content.data, n->content.length);
        p = found + n->pattern.length;
        if (out->length > most)
            return too_long(most);
    }
    text_add(out, p, end - p);
    return OK;
}

static Err replace_regex(const Normalizer *n, Arena *scratch, Bytes in, int64_t most, Text *out)
{
    RegexSearch search = regex_search(n->regex, scratch, (Span){in.data, in.length});
    RegexMatch  m;
    int64_t     at = 0;

    for (int64_t from = 0; from <= in.length; from = regex_behind(search.text, &m)) {
        TRY(regex_find(&search, from, &m));
        if (m.begin < 0)
            break;
        text_add(out, in.data + at, m.begin - at);
        text_add(out, n->content.data, n->content.length);
        at = m.end;
        if (out->length > most)
            return too_long(most);
    }
    text_add(out, in.data + at, in.length - at);
    return OK;
}

// ---- SentencePiece's table: a double array of names, whose values are places of replacements

enum { UNIT_LEAF = 1 << 8 };

static uint32_t unit_offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

static uint32_t unit_label(uint32_t unit)
{
    return unit & ((1u << 31) | 0xFF);
}

Err charsmap_make(Arena *run, const char *where, Bytes blob, Charsmap *out)
{
    uint32_t  bytes;
    uint32_t *unit;

    *out = (Charsmap){0};
    if (blob.length == 0)
        return OK;
    if (blob.length < 4)
        FAIL(ERR_DATA, "%s: the table of characters is cut short", where);
    memcpy(&bytes, blob.data, 4);
    if (bytes % 4 != 0 || bytes < 4 || (int64_t)bytes > blob.length - 4 ||
        blob.length - 4 == (int64_t)bytes || blob.data[blob.length - 1] != 0)
        FAIL(ERR_DATA, "%s: the table of characters is cut short, or not what it claims to be",
             where);
    unit = arena_new(run, uint32_t, bytes / 4);
    memcpy(unit, blob.data + 4, bytes);
    *out = (Charsmap){.unit = unit,
                      .units = bytes / 4,
                      .text = arena_text_n(run, blob.data + 4 + bytes, blob.length - 4 - bytes),
                      .bytes = blob.length - 4 - bytes};
    return OK;
}

// The longest name that text[at..] begins with: its bytes, 0 if there is none.
static int64_t charsmap_find(const Charsmap *m, Bytes text, int64_t at, uint32_t *value)
{
    int64_t  best = 0;
    uint32_t node = unit_offset(m->unit[0]), unit;

    for (int64_t i = at; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        node ^= byte;
        if (node >= m->units)
            break;
        unit = m->unit[node];
        if (unit_label(unit) != byte)
            break;
        node ^= unit_offset(unit);
        if (unit & UNIT_LEAF && node < m->units) {
            *value = m->unit[node] & 0x7FFFFFFF;
            best = i + 1 - at;
        }
        if (node >= m->units)
            break;
    }
    return best;
}

static Err map_characters(const Charsmap *m, Bytes in, int64_t most, Text *out)
{
    for (int64_t at = 0; at < in.length;) {
        uint32_t value = 0;
        int64_t  n = charsmap_find(m, in, at, &value);

        if (n > 0 && value < m->bytes) {
            text_puts(out, m->text + value);
            at += n;
        } else {
            n = text_utf8_length(in.data + at, in.length - at);
            text_add(out, in.data + at, n);
            at += n;
        }
        if (out->length > most)
            return too_long(most);
    }
    if (text_utf8_bad(out->data, out->length) >= 0)
        FAIL(ERR_DATA, "the tokenizer's table of characters makes a text that is not UTF-8");
    return OK;
}

// ---- white space

static Bytes strip(Bytes text, int left, int right)
{
    int n;

    while (left && text.length > 0 && unicode_class(unicode_at(text.data, &n)) & UNICODE_SPACE) {
        text.data += n;
        text.length -= n;
    }
    while (right && text.length > 0) {
        int64_t last = text.length - 1;

        while (last > 0 && ((unsigned char)text.data[last] & 0xC0) == 0x80)
            last--;
        if (!(unicode_class(unicode_at(text.data + last, &n)) & UNICODE_SPACE))
            break;
        text.length = last;
    }
    return text;
}

static void collapse(Bytes in, Text *out)
{
    int is_behind = 1; // a blank here would be one too many

    for (int64_t at = 0; at < in.length; at++) {
        int is_blank = in.data[at] == ' ';

        if (!is_blank || !is_behind)
            text_add(out, in.data + at, 1);
        is_behind = is_blank;
    }
    if (out->length > 0 && out->data[out->length - 1] == ' ')
        out->length--;
}

// ---- one and all

static Err normalize_one(const Normalizer *n, Arena *scratch, Bytes in, int64_t most, Text *out)
{
    switch (n->kind) {
    case NORMALIZE_UNICODE: unicode_normalize(out, scratch, n->form, in); break;
    case NORMALIZE_LOWER: unicode_lower(out, in); break;
    case NORMALIZE_MARKS: unicode_without_marks(out, in); break;
    case NORMALIZE_PREPEND:
        text_add(out, n->content.data, n->content.length);
        text_add(out, in.data, in.length);
        break;
    case NORMALIZE_REPLACE:
        return n->regex != NULL ? replace_regex(n, scratch, in, most, out)
                                : replace_text(n, in, most, out);
    case NORMALIZE_CHARSMAP: return map_characters(&n->charsmap, in, most, out);
    case NORMALIZE_COLLAPSE: collapse(in, out); break;
    default: CHECK(0, "normalizer %d", (int)n->kind);
    }
    return out->length > most ? too_long(most) : OK;
}

// Most texts stay as they are under the composed forms: ASCII under all, Latin-1 under NFC.
static int is_stable(const Normalizer *n, Bytes text)
{
    unsigned char limit = n->form == UNITEXT_NFC ? 0xCC : 0x80; // the first byte of U+0300

    if (n->kind != NORMALIZE_UNICODE)
        return 0;
    for (int64_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] >= limit)
            return 0;
    return 1;
}

static Text text_for(Arena *scratch, int64_t bytes)
{
    return (Text){
        .data = arena_push(scratch, bytes + 1, 1), .capacity = bytes + 1, .arena = scratch};
}

Err normalize_all(const Normalizer *list, int count, Arena *scratch, Bytes in, Bytes *out)
{
    int64_t most = VOCAB_GROWTH_MAX * (in.length + 64);

    most = most < TEXT_BYTES_MAX ? most : TEXT_BYTES_MAX;
    for (int i = 0; i < count && in.length > 0; i++) {
        const Normalizer *n = &list[i];
        Text              t;

        if (n->kind == NORMALIZE_STRIP) {
            in = strip(in, n->left, n->right);
            continue;
        }
        if (is_stable(n, in))
            continue;
        t = text_for(scratch, in.length + in.length / 2 + 64);
        TRY(normalize_one(n, scratch, in, most, &t));
        in = bytes_of(&t);
    }
    *out = in;
    return OK;
}
